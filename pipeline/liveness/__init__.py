"""The same living person: a random challenge, and what a sequence of frames answers to it."""
