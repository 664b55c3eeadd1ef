"""Finds the card in a picture and brings it into its own frame."""
