"""Optimizers: Adam, SGD and a bound on the norm, differentiable everywhere, and those of optax."""
