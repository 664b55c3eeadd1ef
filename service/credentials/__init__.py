"""Credentials for wallets: issued after an accepted registration, revoked, and checked when they come back."""
