"""Shared by the benchmarks: output, resuming, servers, processes, the identity core, finding the card, recording."""
