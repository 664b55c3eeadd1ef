"""Heads before a camera, rendered from photographs: people who answer a liveness challenge, and attacks on it.

A photograph is bent over a generic depth and seen by a rendered camera. What this can and cannot show:
`docs/liveness.md`.
"""
