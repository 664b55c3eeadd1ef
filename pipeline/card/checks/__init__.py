"""The checks of the card itself, one file per check; `registry` lists them."""
