"""One runner a question, pure metrics."""
