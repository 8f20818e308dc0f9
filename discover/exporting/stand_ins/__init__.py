"""The parts of the framework as an exported file has them: for feed-forward networks, without curriculum and normalizer.

These modules are never used here, only written into exported files. Each name stands in for the same name of the framework.
"""
