"""Measures how many registrations of an attacker who computes pictures are accepted, at each level of capture."""
