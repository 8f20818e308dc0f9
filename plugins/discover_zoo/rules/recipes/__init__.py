"""Known algorithms with their settings, one file each, in the words of a config."""

from pathlib import Path

RECIPES = Path(__file__).parent
