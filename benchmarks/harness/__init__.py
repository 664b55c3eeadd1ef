"""Shared by the benchmarks: the form of their output, resuming a run, starting a server."""
