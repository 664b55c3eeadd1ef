"""Where labelled samples come from."""
