"""What all tests share: two CPU devices, a compilation cache of the session, no display, none of the user's settings."""

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
for name in [name for name in os.environ if name.startswith(("DISCOVER_", "MLFLOW_"))]:
    del os.environ[name]
_CACHE = tempfile.TemporaryDirectory(prefix="discover-tests-")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", _CACHE.name)
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")

import jax  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)
FLAGS = os.environ.get("XLA_FLAGS")
LESS_EFFORT = " ".join(
    ("--xla_backend_optimization_level=0", "--xla_cpu_use_fusion_emitters=false", "--xla_cpu_parallel_codegen_split_count=1")
)
if FLAGS is None:  # small programs, each run once or twice, are compiled with less effort; lifetimes have their own
    os.environ["XLA_FLAGS"] = LESS_EFFORT
    jax.devices()
    del os.environ["XLA_FLAGS"]  # processes that tests start are as a user's

import pytest  # noqa: E402
import toys  # noqa: E402

from discover.contract.registry import Registry  # noqa: E402
from discover.inner_loop import programs, window_programs  # noqa: E402
from discover.plugin.loader import Plugins  # noqa: E402
from discover.testing.compilations import Compilations, counted_compilations  # noqa: E402

MOST_MAPS = 50_000


def pytest_collection_finish() -> None:
    """The collector looks less often, and never through what has been imported by now: that is no garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


@pytest.fixture(scope="module", autouse=True)
def few_programs() -> Iterator[None]:
    """Compiled programs are forgotten before they take all mappings of memory that Linux gives a process (65,530): without one,
    XLA aborts."""
    yield
    maps = Path("/proc/self/maps")
    if maps.exists() and maps.read_bytes().count(b"\n") > MOST_MAPS:
        programs._kept.clear()
        window_programs._kept.clear()
        gc.collect()
        jax.clear_caches()


@pytest.fixture
def compiled_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that a test starts compile as this one does, so that their bits can be compared."""
    if FLAGS is None:
        monkeypatch.setenv("XLA_FLAGS", LESS_EFFORT)


@pytest.fixture(scope="session")
def plugins() -> Plugins:
    """All installed plugins, and the toys."""
    return toys.plugins()


@pytest.fixture(scope="session")
def registry(plugins: Plugins) -> Registry:
    """What the plugins registered."""
    return plugins.registry


@pytest.fixture
def compilations() -> Callable[[], AbstractContextManager[Compilations]]:
    """``with compilations() as count: ...``; then ``count.compiled`` is how many programs were compiled inside."""
    return counted_compilations
