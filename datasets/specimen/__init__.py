"""The specimen generator: invented cards, people, light and cameras."""
