"""Settings that JAX reads when it starts: its devices, and the folder of compiled programs.

On a CPU a program runs on one core unless each core is a device. The command line makes each core a device; a program in
Python that does not gets a warning, which says how to do so.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

import jax

from discover.base.errors import DiscoverWarning
from discover.storage.ownership import open_to_others

CACHE = "DISCOVER_CACHE"
"""Environment variable: a folder for compiled programs, or ``off`` to keep none."""

_OFF = ("0", "false", "no", "off")
_SHORTEST = 0.3  # seconds; programs that compile faster are not stored


class Device(Protocol):
    """A device of JAX, as far as this module reads it."""

    @property
    def platform(self) -> str:
        """``cpu``, ``gpu`` or ``tpu``."""
        ...


def use_every_core() -> None:
    """Make each CPU core a device of JAX, unless ``XLA_FLAGS`` or ``JAX_NUM_CPU_DEVICES`` sets their number.

    Call it before the first operation of JAX (to import gymnax runs some). Once JAX has started, it changes nothing.
    """
    if not _devices_chosen():
        with contextlib.suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", cores())


def warn_of_idle_cores(devices: Sequence[Device]) -> None:
    """Warn if ``devices`` is one CPU device on several cores, unless the environment or the program set that number."""
    if len(devices) == 1 and devices[0].platform == "cpu" and cores() > 1 and not _devices_chosen():
        count = cores()
        warnings.warn(
            f"JAX has one CPU device on {count} cores, so that all but one are idle: set JAX_NUM_CPU_DEVICES={count} in the "
            f'environment, or call jax.config.update("jax_num_cpu_devices", {count}) right after importing jax.',
            DiscoverWarning,
            stacklevel=2,
        )


def cores() -> int:
    """The number of CPU cores that this process may use.

    >>> cores() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def keep_programs() -> None:
    """Keep compiled programs between runs, in a private folder for this user, version of JAX and kind of CPU.

    The folder is below ``XDG_CACHE_HOME`` or ``~/.cache``. The environment variable ``DISCOVER_CACHE`` sets another one, or
    ``off``. JAX's own ``JAX_COMPILATION_CACHE_DIR`` has priority. Compiled programs are code: a folder to which other users may
    write is not used, and a warning says so.
    """
    choice, of_jax = os.environ.get(CACHE, ""), jax.config.values["jax_compilation_cache_dir"]
    if not of_jax and choice.lower() in _OFF:
        return
    if of_jax and not Path(of_jax).is_dir():  # JAX creates it, or it is an address and no folder of this machine
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
    """Make a folder that only this user can write to.

    Raises:
        PermissionError: it exists, and other users may write to it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    problem = open_to_others(folder)
    if problem is not None:
        raise PermissionError(problem)


def _machine() -> str:
    """A short hash of the kind of CPU: a program that was compiled for another kind may crash."""
    facts = [platform.machine(), platform.processor(), *_cpu_lines()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:12]


def _cpu_lines() -> Iterator[str]:
    """Model and features of the first core, from ``/proc/cpuinfo``; empty where there is none (Linux has one)."""
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if not line.strip():
                return
            if line.startswith(("model name", "flags", "Features", "CPU part")):
                yield line.strip()
