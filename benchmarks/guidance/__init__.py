"""Whether what guidance calls good is what the verification accepts, and how soon it says what is wrong."""
