"""Registrations as resources above their verifications: status, attempts and limits, from the opening to the end."""
