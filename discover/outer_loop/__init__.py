"""The outer loop: the search over candidates."""
