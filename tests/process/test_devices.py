"""Devices and stored programs, each tried in a separate process, since JAX reads these settings once."""

import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest

from discover.process.devices import cores, keep_programs, warn_of_idle_cores


class Device(NamedTuple):
    platform: str


several_cores = pytest.mark.skipif(cores() < 2, reason="needs two cores")


def run(script: str, **environment: str) -> str:
    """The output of a script in a new process that inherits none of the settings of this one."""
    hidden = ("DISCOVER_", "JAX_", "XLA_")
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    everything = {**inherited, "JAX_PLATFORMS": "cpu", **environment}
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False, env=everything
    )
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


COUNT = "import jax\nfrom discover.process import devices\ndevices.use_every_core()\nprint(len(jax.devices()))"


@several_cores
def test_each_core_is_a_device() -> None:
    assert run(COUNT) == str(cores())


@several_cores
@pytest.mark.parametrize(
    "choice", [{"JAX_NUM_CPU_DEVICES": "1"}, {"XLA_FLAGS": "--xla_force_host_platform_device_count=3"}], ids=["jax", "xla"]
)
def test_a_choice_of_the_user_stands(choice: dict[str, str]) -> None:
    assert run(COUNT, **choice) == ("1" if "JAX_NUM_CPU_DEVICES" in choice else "3")


@several_cores
def test_idle_cores_are_told_once_and_not_if_chosen() -> None:
    script = (
        "import warnings, jax\n"
        "from discover.inner_loop.programs import programs_for\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    [programs_for(place, tuple(jax.devices()), alone=False) for place in range(3)]\n"
        "print(*[w.message for w in caught], sep='\\n')"
    )
    count = cores()
    assert run(script) == (
        f"JAX has one CPU device on {count} cores, so that all but one are idle: set JAX_NUM_CPU_DEVICES={count} in the "
        f'environment, or call jax.config.update("jax_num_cpu_devices", {count}) right after importing jax.'
    )
    assert run(script, JAX_NUM_CPU_DEVICES="1") == ""


KEEP = (
    "import jax\nfrom discover.process import devices\ndevices.keep_programs()\n"
    "print(jax.config.values['jax_compilation_cache_dir'])"
)
COMPILE = "\njax.config.update('jax_persistent_cache_min_compile_time_secs', 0.0)\njax.jit(lambda x: x + 1)(1.0)"


def test_programs_are_kept_in_a_private_folder_of_this_machine(tmp_path: Path) -> None:
    folder = Path(run(KEEP + COMPILE, XDG_CACHE_HOME=str(tmp_path)))
    assert folder.parent == tmp_path / "discover" / "xla"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir())
    assert Path(run(KEEP, HOME=str(tmp_path), XDG_CACHE_HOME="")).parent == tmp_path / ".cache" / "discover" / "xla"


def test_a_folder_of_choice_or_none(tmp_path: Path) -> None:
    assert run(KEEP, DISCOVER_CACHE=str(tmp_path / "mine")) == str(tmp_path / "mine")
    assert run(KEEP, DISCOVER_CACHE="off", XDG_CACHE_HOME=str(tmp_path)) == "None"
    assert run(KEEP, JAX_COMPILATION_CACHE_DIR="/elsewhere") == "/elsewhere"
    assert not (tmp_path / "discover").exists()


def test_a_folder_that_others_may_write_to_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    script = "import warnings\nwarnings.showwarning = lambda message, *_: print(message)\n" + KEEP
    assert run(script, JAX_COMPILATION_CACHE_DIR=str(folder), DISCOVER_CACHE="off").endswith("\nNone")
    assert run(script, DISCOVER_CACHE=str(folder)).splitlines() == [
        f"compiled programs are not kept between runs (others may write to '{folder}': chmod go-w '{folder}'): give a "
        "folder of your own with DISCOVER_CACHE=DIR, or say DISCOVER_CACHE=off.",
        "None",
    ]


@pytest.mark.parametrize("of_jax", [False, True])
def test_short_programs_are_kept_in_a_folder_of_discover_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_jax: bool
) -> None:
    jax_folder, own_folder = str(tmp_path), str(tmp_path / "own")
    settings: dict[str, Any] = {"jax_compilation_cache_dir": jax_folder if of_jax else None}
    config = SimpleNamespace(values=settings, update=settings.__setitem__)
    monkeypatch.setattr("discover.process.devices.jax", SimpleNamespace(config=config))
    monkeypatch.setenv("DISCOVER_CACHE", own_folder)
    keep_programs()
    seconds = {"jax_persistent_cache_min_compile_time_secs": 0.3}
    assert settings == (
        {"jax_compilation_cache_dir": jax_folder} if of_jax else {"jax_compilation_cache_dir": own_folder, **seconds}
    )


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("platform", ["cpu", "gpu"])
@pytest.mark.parametrize("on", [1, 2])
@pytest.mark.parametrize("devices", [-1, 1])
def test_cores_are_idle_where_one_cpu_device_has_several_by_nobodys_choice(
    monkeypatch: pytest.MonkeyPatch, count: int, platform: str, on: int, devices: int
) -> None:
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    config = SimpleNamespace(values={"jax_num_cpu_devices": devices})
    monkeypatch.setattr("discover.process.devices.jax", SimpleNamespace(config=config))
    monkeypatch.setattr("discover.process.devices.cores", lambda: on)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_of_idle_cores([Device(platform)] * count)
    assert len(caught) == ((count, platform, on, devices) == (1, "cpu", 2, -1))
