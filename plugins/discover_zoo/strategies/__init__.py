"""Strategies: what an outer search proposes."""
