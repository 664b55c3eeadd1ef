"""The card's checks: error rates by kind of attack."""
