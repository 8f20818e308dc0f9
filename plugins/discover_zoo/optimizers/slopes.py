"""What keeps derivatives of an optimizer's step finite."""

FINITE_SLOPE = 1e-16
"""Under a square root: far below any figure that matters, but the slope at zero stays finite (a dead unit gave NaN)."""
