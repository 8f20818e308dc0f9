"""What must be settled before JAX starts: its devices, and where compiled programs are kept.

On a CPU a program runs on one core unless each core is a device. The command line makes it so; from Python, a warning says how.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax

from discover.base.errors import DiscoverWarning
from discover.storage.ownership import open_to_others

CACHE = "DISCOVER_CACHE"
"""Environment variable: a folder for compiled programs, or ``off`` to keep none."""

_OFF = ("0", "false", "no", "off")
_SHORTEST = 0.3  # seconds of compilation from which a program is worth a file


def use_every_core() -> None:
    """Make each CPU core a device, unless ``XLA_FLAGS`` or ``JAX_NUM_CPU_DEVICES`` says otherwise.

    It must come before JAX's first operation (importing gymnax runs some); once JAX has started, nothing changes.
    """
    if not _devices_chosen():
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", cores())


def warn_of_idle_cores(devices: Sequence[Any]) -> None:
    """Say how to use every core if ``devices`` is one CPU device on several cores, and nobody chose that."""
    if len(devices) == 1 and devices[0].platform == "cpu" and cores() > 1 and not _devices_chosen():
        count = cores()
        warnings.warn(
            f"JAX has one CPU device on {count} cores, so that all but one are idle: set JAX_NUM_CPU_DEVICES={count} in the "
            f'environment, or call jax.config.update("jax_num_cpu_devices", {count}) right after importing jax.',
            DiscoverWarning,
            stacklevel=2,
        )


def cores() -> int:
    """How many CPU cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_programs() -> None:
    """Keep compiled programs between runs, in a private folder for this user, version of JAX and kind of CPU.

    The folder lies below ``XDG_CACHE_HOME`` or ``~/.cache``; the environment variable ``DISCOVER_CACHE`` gives another, or
    ``off``. JAX's own ``JAX_COMPILATION_CACHE_DIR`` comes first. Compiled programs are code: a folder that somebody else may
    write to is not used, with a warning.
    """
    choice, of_jax = os.environ.get(CACHE, ""), jax.config.values["jax_compilation_cache_dir"]
    if not of_jax and choice.lower() in _OFF:
        return
    if of_jax and not Path(of_jax).is_dir():  # JAX makes it, or it is no folder of this machine
        return
    try:
        folder = Path(of_jax or choice or _folder())
        _make_private(folder)
    except (OSError, RuntimeError, ValueError) as error:
        warnings.warn(
            f"compiled programs are not kept between runs ({error}): give a folder of your own with {CACHE}=DIR, or say "
            f"{CACHE}=off.",
            DiscoverWarning,
            stacklevel=2,
        )
        jax.config.update("jax_compilation_cache_dir", None)
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    if not of_jax:
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _SHORTEST)


def _devices_chosen() -> bool:
    flags = os.environ.get("XLA_FLAGS", "")
    return "xla_force_host_platform_device_count" in flags or jax.config.values["jax_num_cpu_devices"] != -1


def _folder() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "discover" / "xla" / f"jax-{jax.__version__}-{_machine()}"


def _make_private(folder: Path) -> None:
    """Make a folder that nobody else can write to, or raise ``PermissionError`` if it is not such a one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    problem = open_to_others(folder)
    if problem is not None:
        raise PermissionError(problem)


def _machine() -> str:
    """A short hash of what programs are compiled for: a program of another CPU may crash on this one."""
    facts = [platform.machine(), platform.processor(), *_cpu_lines()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def _cpu_lines() -> Iterator[str]:
    """Model and features of the first core, where the system tells them (Linux)."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.strip():
                return
            if line.startswith(("model name", "flags", "Features", "CPU part")):
                yield line.strip()
