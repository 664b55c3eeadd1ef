"""Faces: detection, quality and comparison."""
