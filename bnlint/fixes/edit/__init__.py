"""A change carried out on the text."""
