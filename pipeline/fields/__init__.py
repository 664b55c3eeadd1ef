"""The printed fields: read and held to their grammar."""
