"""Environments, and the tasks that they are registered as."""
