"""The regression gate: a small standard run held to expected figures."""
