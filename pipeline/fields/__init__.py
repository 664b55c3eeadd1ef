"""The printed fields: reading, correction by their grammar, and checks."""
