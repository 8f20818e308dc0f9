"""Starting JAX. What the environment tells it wrongly is a sentence that names the variable, before anything else runs."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence

from discover.base.errors import UserError

_READS = ("JAX_", "XLA_")
_KNOWN_FLAGS = re.compile(r"(\s*--xla_force_host_platform_device_count=[1-9]\d{0,4})*\s*")
_LOG_HEAD = re.compile(r"^[A-Z]\d{4} .*?\] ")
_PROBE = "import jax; jax.devices()"
_PATIENCE = 120.0  # seconds for the probe
_GENERATOR = {"JAX_DEFAULT_PRNG_IMPL": "threefry2x32", "JAX_THREEFRY_PARTITIONABLE": True}
_STRICT = {"JAX_TRANSFER_GUARD": ("disallow", "disallow_explicit"), "JAX_NUMPY_RANK_PROMOTION": ("raise",)}
_LONGEST = 100  # characters of a value, or of what JAX says of it


def import_jax() -> None:
    """Import JAX, which reads its variables then.

    Raises:
        UserError: one of them has a value that JAX refuses, or that discover cannot work with.
    """
    _check_flags()
    try:
        import jax
    except ValueError as error:
        raise _refused(error, ()) from None
    devices = jax.config.values["jax_num_cpu_devices"]
    if devices < 1 and devices != -1:
        raise UserError(f"{_shown('JAX_NUM_CPU_DEVICES')}: a number of devices is at least 1: correct or unset this variable.")
    _check_settings()
    check_width()


def start_devices() -> None:
    """Start JAX's devices.

    Raises:
        UserError: the environment asks for devices that are not there.
    """
    import jax

    try:
        jax.devices()
    except Exception as error:  # of many types, an AssertionError without a word among them
        raise _refused(error, ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")) from None


def check_width() -> None:
    """Every number of a candidate has 32 bits; with 64 its programs would not fit it.

    Raises:
        UserError: JAX has been told to use 64 bits.
    """
    import jax

    if not jax.config.values["jax_enable_x64"]:
        return
    if "JAX_ENABLE_X64" in os.environ:
        raise UserError(f"{_shown('JAX_ENABLE_X64')} has JAX use 64 bits, and discover's numbers have 32: unset this variable.")
    raise UserError('a plugin sets "jax_enable_x64", and discover\'s numbers have 32 bits: take that out of the plugin.')


def _check_settings() -> None:
    """A seed means the same numbers everywhere, those of JAX's own generator; and JAX refuses nothing that it usually takes.

    Raises:
        UserError: the environment says otherwise.
    """
    import jax

    for name, usual in _GENERATOR.items():
        if jax.config.values[name.lower()] != usual:
            raise UserError(f"{_shown(name)} has JAX draw other numbers, so that seeds mean others: unset this variable.")
    for name, strict in _STRICT.items():
        if os.environ.get(name) in strict:
            raise UserError(f"{_shown(name)} has JAX refuse what components may do: unset this variable.")


def _check_flags() -> None:
    """Try ``XLA_FLAGS`` in a process of its own: one that XLA does not know ends the process that reads it."""
    flags = os.environ.get("XLA_FLAGS", "")
    if _KNOWN_FLAGS.fullmatch(flags):
        return
    try:
        made = subprocess.run(
            [sys.executable, "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
            env={**os.environ, "JAX_PLATFORMS": "cpu"},
        )
    except subprocess.TimeoutExpired:
        return
    if made.returncode:
        lines = [_LOG_HEAD.sub("", line) for line in made.stderr.splitlines() if "XLA_FLAGS" in line and _LOG_HEAD.match(line)]
        raise UserError(f"{_shown('XLA_FLAGS')} is refused by XLA{_in_brackets(*lines[:1])}: correct or unset this variable.")


def _refused(error: Exception, suspects: Sequence[str]) -> Exception:
    """A sentence for an error of JAX, if a variable can be to blame: one that it names, else suspects, else any."""
    present = [name for name in os.environ if name.startswith(_READS) and os.environ[name]]
    named = [name for name in present if name.lower() in str(error).lower()]
    blamed = named or [name for name in suspects if name in present] or present
    if not blamed:
        return error
    which = "this variable" if len(blamed) == 1 else "these variables"
    hint = " (JAX_PLATFORMS=cpu always works)" if "JAX_PLATFORMS" in blamed else ""
    shown = ", ".join(map(_shown, sorted(blamed)))
    return UserError(f"JAX cannot start with {shown}{_in_brackets(str(error))}: correct or unset {which}{hint}.")


def _in_brackets(text: str = "") -> str:
    """What JAX says, in brackets and not too long."""
    line = " ".join(text.split())
    return f" ({line[:_LONGEST].rstrip('.')})" if line else ""


def _shown(name: str) -> str:
    return f"{name}={shlex.quote(os.environ.get(name, '')[:_LONGEST])}"
