"""Time per registration and per stage."""
