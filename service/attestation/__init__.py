"""Attestation: a device shows that hardware made its key, and signs every session with that key."""
