"""Data sets: building them, checking them, counting what is in them."""
