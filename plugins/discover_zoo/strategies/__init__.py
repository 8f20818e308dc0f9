"""Strategies: outer optimizers, which propose the candidates of a search."""
