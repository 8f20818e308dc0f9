"""Curricula over agents."""
