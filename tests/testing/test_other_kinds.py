"""Checks of normalizers, bonuses, wrappers, curricula, recipes and watchers: what is sound passes, and faults are found."""

import time
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from discover import (
    AUXILIARY_LOSS,
    Algorithm,
    Curriculum,
    Environment,
    ExplorationBonus,
    Generation,
    Network,
    Normalizer,
    Scalar,
    SearchInfo,
    Spec,
    Step,
    Trajectory,
    World,
    Wrapper,
    component,
    hookimpl,
    real,
)
from discover.testing import (
    ConformanceError,
    check_curriculum,
    check_exploration_bonus,
    check_normalizer,
    check_recipe,
    check_watcher,
    check_wrapper,
    watchers,
)
from discover.testing.small import Affine, Corridor, Reinforced


def sentence(check: Any, faulty: Any) -> str:
    with pytest.raises(ConformanceError) as caught:
        check(faulty)
    assert caught.value.why
    assert caught.value.remedy
    return str(caught.value)


# Normalizers ----------------------------------------------------------------------------------------------------------


@component
class Count(Normalizer):
    """Divides by the number of steps so far, plus ``guard``."""

    guard: float = 1.0

    def init(self, spec: Spec, num_envs: int) -> Any:
        return jnp.zeros(())

    def update(self, state: Any, observation: jax.Array) -> tuple[Any, jax.Array]:
        return state + 1.0, self.normalize(state + 1.0, observation)

    def normalize(self, state: Any, observation: jax.Array) -> jax.Array:
        return observation / (state + self.guard)

    def update_reward(self, state: Any, reward: jax.Array, done: jax.Array) -> tuple[Any, jax.Array]:
        return state, reward

    def normalize_reward(self, state: Any, reward: jax.Array) -> jax.Array:
        return reward


@component
class Late(Count):
    """Rescales by the statistics before the step."""

    def update(self, state: Any, observation: jax.Array) -> tuple[Any, jax.Array]:
        return state + 1.0, self.normalize(state, observation)


def test_normalizers() -> None:
    check_normalizer(Count())
    assert sentence(check_normalizer, Count(guard=0.0)) == "Count is not finite before its first step."
    assert sentence(check_normalizer, Late()) == "Late rescales numbers otherwise when it does not count them."


# Exploration bonuses --------------------------------------------------------------------------------------------------


@component
class Steps(ExplorationBonus):
    """Pays ``scale`` over the number of batches so far, or has a fault.

    Attributes:
        scale: of the pay.
        fault: which one.
    """

    scale: Scalar = real(0.5, low=0.0, high=1.0)
    fault: str = ""

    def init(self, key: jax.Array, world: World, num_envs: int) -> Any:
        return jnp.zeros(())

    def update(self, key: jax.Array, world: World, state: Any, trajectory: Trajectory) -> tuple[jax.Array, Any]:
        new = state if self.fault == "forgets" else state + 1.0
        scale = jax.lax.stop_gradient(self.scale) if self.fault == "stops" else self.scale
        pay = jnp.full(trajectory.reward.shape, scale / (state if self.fault == "divides" else state + 1.0))
        return pay[0] if self.fault == "sums" else pay, new[None] if self.fault == "grows" else new


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("sums", "Steps pays float32[3] for a batch, not float32[9, 3]."),
        ("grows", "Steps changes the form of its state."),
        ("forgets", "Steps has the same state after two batches as before them."),
        ("divides", "Steps pays a number, or has a state, that is not finite."),
        ("stops", "Steps depends on 'scale', but its gradient with respect to it is zero: it is stopped."),
    ],
)
def test_a_faulty_bonus_is_told(fault: str, told: str) -> None:
    assert sentence(check_exploration_bonus, Steps(fault=fault)) == told


def test_a_sound_bonus_passes() -> None:
    check_exploration_bonus(Steps())


# Wrappers and curricula -----------------------------------------------------------------------------------------------


@component
class Same(Wrapper):
    """Gives the environment as it is, or one with a fault."""

    faulty: bool = False

    def wrap(self, environment: Environment) -> Environment:
        return Both() if self.faulty else environment


@component
class Both(Corridor):
    """Ends an episode in both ways."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        step = Corridor.step(self, key, state, action, task)
        return step._replace(truncated=step.terminated)


def test_wrappers() -> None:
    check_wrapper(Same())
    told = sentence(check_wrapper, Same(faulty=True))
    assert told == "the environment that Same makes fails: Both() ends an episode in both ways at once."


@component
class Penalty(Curriculum):
    """Adds a loss; ``whole`` is one number for the whole batch."""

    whole: bool = False

    def wrap_network(self, network: Network) -> Network:
        return Penalized(whole=self.whole)


@component
class Penalized(Affine):
    """Has the loss as one more output."""

    whole: bool = False

    def apply(self, params: Any, heads: Any, inputs: Any, carry: Any) -> tuple[Any, Any]:
        outputs, carry = Affine.apply(self, params, heads, inputs, carry)
        loss = jnp.zeros((1,) if self.whole else inputs.is_first.shape)
        return {**outputs, AUXILIARY_LOSS: loss}, carry


def test_curricula() -> None:
    check_curriculum(Penalty())
    assert sentence(check_curriculum, Penalty(whole=True)).startswith("Penalty adds an auxiliary loss of shape (1,), not one")


# Recipes --------------------------------------------------------------------------------------------------------------


@component
class Exploding(Reinforced):
    """Learns what is not finite."""

    def update(self, key: Any, world: Any, params: Any, state: Any, trajectory: Any) -> Any:
        return jax.tree.map(lambda x: x / 0.0, params), state, {}


def test_recipes() -> None:
    check_recipe(Algorithm(rule=Reinforced(), network=Affine()))
    broken = Algorithm(rule=Exploding(), network=Affine())
    assert sentence(check_recipe, broken) == "Exploding has parameters that are not finite after 2 updates."
    with pytest.raises(ConformanceError) as caught:
        check_recipe(broken, [])
    assert str(caught.value) == "no environment suits the recipe ()."
    assert f"{__file__}:" in caught.value.place


# Watchers -------------------------------------------------------------------------------------------------------------


class Log:
    """Keeps what it is told, in a file of the search; ``waits`` seconds for each generation."""

    def __init__(self, waits: float = 0.0, breaks: bool = False):
        self.waits, self.breaks = waits, breaks
        self.indices: list[int] = []

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        time.sleep(self.waits)
        self.indices.append(generation.index // (0 if self.breaks else 1))
        (search.directory / "log.txt").write_text(str(generation.best_fitness), encoding="utf-8")


def test_watchers(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log()
    check_watcher(log)
    assert log.indices == [0, 1, 1]
    with pytest.raises(ConformanceError) as caught:
        check_watcher(Log(breaks=True))
    assert str(caught.value).startswith("Log raises while it watches a search (ZeroDivisionError: ")
    assert f"{__file__}:" in caught.value.place
    monkeypatch.setattr(watchers, "SLOW", 0.05)
    assert sentence(check_watcher, Log(waits=0.1)) == "Log takes 0 s for one event."
    assert sentence(check_watcher, SimpleNamespace()) == "SimpleNamespace watches nothing."
