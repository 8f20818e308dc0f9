"""What tests of plugins share: a tiny environment, stores, and the tracker without other plugins."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from plotly_stub import with_plotly
from plugins.tracked import copied

from discover import Discrete, Environment, Spec, Step, component


@component
class Walk(Environment):
    """A walk on the line that starts near 0: reward is where it arrives, off +-2 it terminates, after 5 steps it truncates."""

    def spec(self) -> Spec:
        return Spec((3,), Discrete(2))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        state = jnp.stack([jax.random.uniform(key, minval=-1.0, maxval=1.0), jnp.zeros(())])
        return state, self._observe(state)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        position, time = state[0] + 2.0 * action - 1.0, state[1] + 1.0
        state = jnp.stack([position, time])
        return Step(state, self._observe(state), position, jnp.abs(position) >= 2.0, time >= 5.0)

    def _observe(self, state: jax.Array) -> jax.Array:
        return jnp.stack([state[0], state[1] / 5.0, jnp.ones(())])


@pytest.fixture(autouse=True, scope="module")
def no_plotly() -> Iterator[None]:
    """No plotly, whether it is installed or not: a run has no report unless a test gives it one."""
    with with_plotly(there=False):
        yield


@pytest.fixture(scope="session")
def walk() -> Environment:
    return Walk()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite store with its tables, which take a second to make."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(tmp_path: Path, empty_store: Path) -> str:
    """A SQLite store of the test's own."""
    return copied(empty_store, tmp_path)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """All plugins but the tracker blocked."""
    others = [point.name for point in importlib.metadata.entry_points(group="discover") if point.name != "mlflow"]
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", ",".join(others))
