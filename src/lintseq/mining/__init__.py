"""Training pairs from code bases."""
