"""Wrappers around environments, a file for each; `wrapped` is what they share."""
