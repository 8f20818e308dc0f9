"""Plugins: how they are loaded and called, and the origin of a result."""
