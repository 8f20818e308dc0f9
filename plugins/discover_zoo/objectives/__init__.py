"""Objectives: fitness from learning curves."""
