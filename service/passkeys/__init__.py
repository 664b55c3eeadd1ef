"""Passkeys bound to accepted registrations: their registration, the binding statement, logins, revocation."""
