"""Reading the card's fields."""
