"""The origin of a result: versions, plugins, commit and device. It is recorded with every run."""

from __future__ import annotations

import importlib.metadata
import platform
from pathlib import Path
from typing import Any

import jax

from discover.contract.registry import Registry
from discover.plugin.commit import commit_of

_DISTRIBUTIONS = ("discover-rl", "jax", "jaxlib", "optax", "evosax", "gymnax", "numpy", "pluggy", "mlflow")


def provenance(registry: Registry) -> dict[str, Any]:
    """Versions, plugins, git commit and device, as values that JSON can hold."""
    devices = jax.devices()
    return {
        "versions": {name: _version(name) for name in _DISTRIBUTIONS},
        "python": platform.python_version(),
        "plugins": {origin.plugin: f"{origin.distribution} {origin.version}".strip() for origin in registry.plugins()},
        "commit": _commit(),
        "device": {"kind": devices[0].device_kind, "platform": devices[0].platform, "count": len(devices)},
    }


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _commit() -> str:
    """The git commit of the working folder, see `commit_of`."""
    try:
        return commit_of(Path.cwd())
    except OSError:  # the working folder has been removed
        return ""
