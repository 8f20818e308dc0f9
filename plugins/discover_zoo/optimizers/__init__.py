"""Optimizers: our own, and those of optax."""
