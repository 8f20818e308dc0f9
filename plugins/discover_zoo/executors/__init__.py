"""Executors: where lifetimes run."""
