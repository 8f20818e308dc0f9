"""Training and comparing candidates."""
