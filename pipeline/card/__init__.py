"""The card itself: finds it in a capture, brings it into its own frame, and checks it."""
