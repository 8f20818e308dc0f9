"""The start of JAX. A wrong environment variable is reported in a sentence that names it, before anything else runs."""

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
_LONGEST = 100  # characters of a value, or of the error of JAX about it


def import_jax() -> None:
    """Import JAX, which then reads its environment variables.

    Raises:
        UserError: one of them has a value that JAX refuses, or with which discover cannot work.
    """
    _check_flags()
    try:
        import jax
    except ValueError as error:
        raise _refusal(error, ()) from None
    devices = jax.config.values["jax_num_cpu_devices"]
    if devices < 1 and devices != -1:
        raise UserError(f"{_shell('JAX_NUM_CPU_DEVICES')}: a number of devices is at least 1: correct or unset this variable.")
    _check_settings()
    check_width()


def start_devices() -> None:
    """Start the devices of JAX.

    Raises:
        UserError: the environment names devices that this machine does not have.
    """
    import jax

    try:
        jax.devices()
    except Exception as error:  # of many types; an AssertionError without a message is one of them
        raise _refusal(error, ("JAX_PLATFORMS", "JAX_PLATFORM_NAME")) from None


def check_width() -> None:
    """Check that JAX uses numbers of 32 bits, as candidates do; programs with 64 bits would not fit their numbers.

    Raises:
        UserError: JAX uses 64 bits.
    """
    import jax

    if not jax.config.values["jax_enable_x64"]:
        return
    if "JAX_ENABLE_X64" in os.environ:
        raise UserError(f"{_shell('JAX_ENABLE_X64')} has JAX use 64 bits, and discover's numbers have 32: unset this variable.")
    raise UserError('a plugin sets "jax_enable_x64", and discover\'s numbers have 32 bits: take that out of the plugin.')


def _check_settings() -> None:
    """Check that JAX draws the numbers of its default generator, and accepts all operations that it accepts by default.

    Raises:
        UserError: an environment variable sets something else.
    """
    import jax

    for name, usual in _GENERATOR.items():
        if jax.config.values[name.lower()] != usual:
            raise UserError(f"{_shell(name)} has JAX draw other numbers, so that seeds mean others: unset this variable.")
    for name, strict in _STRICT.items():
        if os.environ.get(name) in strict:
            raise UserError(f"{_shell(name)} has JAX refuse what components may do: unset this variable.")


def _check_flags() -> None:
    """Try ``XLA_FLAGS`` in a separate process, since an unknown flag ends the process that reads it.

    Raises:
        UserError: XLA refuses a flag.
    """
    flags = os.environ.get("XLA_FLAGS", "")
    if _KNOWN_FLAGS.fullmatch(flags):
        return
    try:
        probe = subprocess.run(
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
    if probe.returncode:
        lines = [_LOG_HEAD.sub("", line) for line in probe.stderr.splitlines() if "XLA_FLAGS" in line and _LOG_HEAD.match(line)]
        raise UserError(f"{_shell('XLA_FLAGS')} is refused by XLA{_in_brackets(*lines[:1])}: correct or unset this variable.")


def _refusal(error: Exception, suspects: Sequence[str]) -> Exception:
    """The sentence for an error of JAX that environment variables may have caused; the error itself if none is set.

    The variables are those that the error names, else those of the suspects that are set, else all that are set.
    """
    present = [name for name in os.environ if name.startswith(_READS) and os.environ[name]]
    mentions = [name for name in present if name.lower() in str(error).lower()]
    causes = mentions or [name for name in suspects if name in present] or present
    if not causes:
        return error
    which = "this variable" if len(causes) == 1 else "these variables"
    hint = " (JAX_PLATFORMS=cpu always works)" if "JAX_PLATFORMS" in causes else ""
    settings = ", ".join(map(_shell, sorted(causes)))
    return UserError(f"JAX cannot start with {settings}{_in_brackets(str(error))}: correct or unset {which}{hint}.")


def _in_brackets(text: str = "") -> str:
    """A message of JAX in brackets, on one line of at most 100 characters; empty if there is none."""
    line = " ".join(text.split())
    return f" ({line[:_LONGEST].rstrip('.')})" if line else ""


def _shell(name: str) -> str:
    """An environment variable with its value, as a shell would set it."""
    return f"{name}={shlex.quote(os.environ.get(name, '')[:_LONGEST])}"
