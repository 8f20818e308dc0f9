"""Recipes that searches of this project found, one JSON file each in this folder, with the record of where it comes from."""

from pathlib import Path

from discover import Registry, hookimpl


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add_discovered(Path(__file__).parent)
