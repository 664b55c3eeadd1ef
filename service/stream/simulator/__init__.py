"""A device that plays rendered specimens, for tests, benchmarks and `idproof kiosk replay` only."""
