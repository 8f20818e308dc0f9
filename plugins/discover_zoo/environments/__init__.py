"""Environments, a file for each, and the tasks under which they are registered."""
