"""Takes registrations in, has them verified, and keeps the verdicts."""
