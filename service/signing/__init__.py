"""The service's keys and the signatures of its verdicts."""
