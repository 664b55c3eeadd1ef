"""Measures whether the verification accepts what guidance calls good, and how soon guidance names what is wrong."""
