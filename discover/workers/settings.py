"""The needs of a worker before its first job: plugins, settings of JAX, and how to run lifetimes."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discover.base.errors import UserError
from discover.contract.executor import Surroundings
from discover.plugin.loader import BLOCK, Plugins, load_plugins
from discover.process.devices import keep_programs
from discover.process.jax_settings import OF_BITS, OF_MACHINE, jax_settings, take_jax_settings
from discover.workers.assembly import to_bytes


def worker_settings(surroundings: Surroundings, *, chunk: int, devices: int, here: bool) -> bytes:
    """The first message to a worker.

    On this machine a worker reads the folder of plugins itself. To another one, the ``.py`` files in it travel as text.

    Args:
        surroundings: plugins, and names of components.
        chunk: lifetimes side by side on each device.
        devices: CPU devices of a worker.
        here: whether the worker is on this machine.

    Raises:
        UserError: a component comes from an object of this process, which another process cannot load.
    """
    for entry in surroundings.registry.entries():
        if entry.provenance.is_here_alone:
            raise UserError(
                f"lifetimes run in other processes, which cannot load the plugin object '{entry.provenance.plugin}': put it in "
                "a folder (--plugins-dir) or a package, or choose the executor 'local'."
            )
    folder = surroundings.plugins
    files = None if here or folder is None else {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    values = {
        "jax": jax_settings((*OF_BITS, *OF_MACHINE) if here else OF_BITS),
        "blocked": os.environ.get(BLOCK, ""),
        "folder": str(folder) if here and folder is not None else None,
        "files": files,
        "chunk": chunk,
        "devices": devices,
    }
    return to_bytes(values)


def plugins_by(settings: Mapping[str, Any]) -> Plugins:
    """Set up a worker: JAX, and all plugins."""
    take_jax_settings({**settings["jax"], "jax_num_cpu_devices": settings["devices"]})
    if "jax_compilation_cache_dir" not in settings["jax"]:
        keep_programs()
    os.environ[BLOCK] = settings["blocked"]
    if settings["files"] is None:
        return load_plugins(settings["folder"])
    folder = tempfile.mkdtemp(prefix="discover-plugins-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)  # until then, lines of it are shown in reasons of failures
    for file, text in settings["files"].items():
        (Path(folder) / Path(file).name).write_text(text, encoding="utf-8")
    return load_plugins(folder)
