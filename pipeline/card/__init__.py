"""The card: found, rectified, seen from three angles."""
