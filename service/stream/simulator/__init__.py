"""A device without a camera, which plays rendered specimens: for tests, benchmarks and replay."""
