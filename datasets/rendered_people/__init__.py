"""Renders people who answer a liveness challenge, and attacks on it, from photographs.

A photograph is bent over a generic depth and seen by a rendered camera. `docs/liveness.md` says what this can and
cannot show.
"""
