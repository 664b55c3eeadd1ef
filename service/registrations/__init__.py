"""Registrations: received, verified, and stored with their signed response."""
