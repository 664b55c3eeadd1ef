"""Sentences for applicants, in their language."""
