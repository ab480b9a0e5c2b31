"""Data sets: building, verifying and measuring them."""
