"""Labelled samples: rendered specimens and people, and readers of public data sets."""
