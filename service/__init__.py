"""HTTP, signing, storage and the command line."""
