"""Where a registration is examined: in this process, or on a Ray cluster."""
