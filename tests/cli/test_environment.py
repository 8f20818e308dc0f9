"""What the environment tells JAX wrongly is one sentence that names the variable; nothing else has begun by then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PLUGIN = "raise AssertionError('no plugin is loaded before JAX has started')"


def run(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command line in a fresh process that inherits no choice of JAX's."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("JAX_", "XLA_", "DISCOVER_"))}
    command = [sys.executable, "-m", "discover", *words]
    everything = {**inherited, "DISCOVER_CACHE": "off", **environment}
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=120, check=False, cwd=folder, env=everything)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("JAX_ENABLE_X64", "1", "JAX_ENABLE_X64=1 has JAX use 64 bits, and discover's numbers have 32: unset this variable."),
        (
            "JAX_NUM_CPU_DEVICES",
            "abc",
            'JAX cannot start with JAX_NUM_CPU_DEVICES=abc (Invalid value "abc" for JAX flag jax_num_cpu_devices): correct or '
            "unset this variable.",
        ),
        pytest.param(
            "JAX_NUM_CPU_DEVICES",
            "0",
            "JAX_NUM_CPU_DEVICES=0: a number of devices is at least 1: correct or unset this variable.",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "JAX_DEFAULT_PRNG_IMPL",
            "rbg",
            "JAX_DEFAULT_PRNG_IMPL=rbg has JAX draw other numbers, so that seeds mean others: unset this variable.",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "JAX_THREEFRY_PARTITIONABLE",
            "0",
            "JAX_THREEFRY_PARTITIONABLE=0 has JAX draw other numbers, so that seeds mean others: unset this variable.",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "JAX_TRANSFER_GUARD",
            "disallow",
            "JAX_TRANSFER_GUARD=disallow has JAX refuse what components may do: unset this variable.",
            marks=pytest.mark.slow,
        ),
        (
            "XLA_FLAGS",
            "--xla_nonsense=1",
            "XLA_FLAGS=--xla_nonsense=1 is refused by XLA (Unknown flag in XLA_FLAGS: --xla_nonsense=1): correct or unset this "
            "variable.",
        ),
    ],
)
def test_a_variable_that_jax_refuses(tmp_path: Path, name: str, value: str, told: str) -> None:
    (tmp_path / "late.py").write_text(PLUGIN)
    made = run(tmp_path, "plugins", "list", "--plugins-dir", ".", **{name: value})
    assert (made.returncode, made.stdout, made.stderr) == (2, "", f"error: {told}\n")


@pytest.mark.parametrize("value", ["nonsense", pytest.param("cuda", marks=pytest.mark.slow)])
def test_a_platform_that_is_not_there(tmp_path: Path, value: str) -> None:
    made = run(tmp_path, "plugins", "list", JAX_PLATFORMS=value, CUDA_VISIBLE_DEVICES="")
    assert (made.returncode, made.stdout) == (2, "")
    said = made.stderr.splitlines()[-1]
    assert said.startswith(f"error: JAX cannot start with JAX_PLATFORMS={value}")
    assert said.endswith(": correct or unset this variable (JAX_PLATFORMS=cpu always works).")
    assert len(said) <= 300
    assert "Traceback" not in made.stderr


def test_a_plugin_that_switches_on_64_bits(tmp_path: Path) -> None:
    (tmp_path / "wide.py").write_text(
        "import jax\nfrom discover import hookimpl\n\n@hookimpl\ndef discover_register(registry):\n"
        '    jax.config.update("jax_enable_x64", True)\n'
    )
    made = run(tmp_path, "plugins", "show", "gae", "--plugins-dir", ".")
    assert (made.returncode, made.stdout) == (2, "")
    assert made.stderr == (
        'error: a plugin sets "jax_enable_x64", and discover\'s numbers have 32 bits: take that out of the plugin.\n'
    )
