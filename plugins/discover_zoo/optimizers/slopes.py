"""A constant that keeps derivatives of an optimizer's step finite."""

FINITE_SLOPE = 1e-16
"""Added under a square root: too small to change a step, but the slope at a zero gradient stays finite."""
