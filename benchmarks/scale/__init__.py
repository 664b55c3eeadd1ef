"""Ray: throughput, overhead, and lost nodes."""
