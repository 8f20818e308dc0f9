"""Training and comparison of candidates."""
