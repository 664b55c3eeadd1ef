"""Parts of the path-traced formation: rooms, hands, table tops, gratings, and the tracer itself."""
