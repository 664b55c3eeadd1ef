"""Fuses what the checks of the card measured into one score per hypothesis of fraud, by which the card is judged."""
