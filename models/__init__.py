"""What a network is: manifest, store, sessions, one file an outside engine."""
