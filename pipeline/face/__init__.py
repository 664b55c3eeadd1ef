"""Faces: found, aligned, compared."""
