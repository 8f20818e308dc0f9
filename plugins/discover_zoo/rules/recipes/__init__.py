"""Recipes: known algorithms with their published settings, one YAML file each, in the format of a config's candidate."""

from pathlib import Path

RECIPES = Path(__file__).parent
"""The folder of the recipes."""
