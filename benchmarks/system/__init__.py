"""From end to end: registrations accepted, referred and rejected."""
