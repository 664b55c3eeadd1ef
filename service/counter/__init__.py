"""The page of officers at a counter."""
