"""gymnax's environments: all of them, told apart at their ends, at no cost of ours."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gymnax
import jax
import jax.numpy as jnp
import pytest
from discover_zoo.environments import gymnax as plugin
from discover_zoo.environments.gymnax.environment import Gymnax, _action, _observation, make

from discover import UserError

LEFT_OUT = {"MNISTBandit-bsuite": "it downloads the MNIST pictures"}
TABLE: dict[str, dict[str, Any]] = json.loads(Path(plugin.__file__).with_name("tasks.json").read_text())
EXPECTED = {  # mean return of a uniform policy, where it is known exactly
    "BernoulliBandit-misc": 50.0,
    "Catch-bsuite": 2 / 5 - 1,
    "DeepSea-bsuite": 2**-8 - 0.01 / 2,
    "DiscountingChain-bsuite": (4 * 1.0 + 1.1) / 5,
    "GaussianBandit-misc": -50.0,
    "MemoryChain-bsuite": 0.0,
    "SimpleBandit-bsuite": 0.5,
    "UmbrellaChain-bsuite": 0.0,
}


def start(id: str) -> tuple[Gymnax, Any, Any]:
    environment = Gymnax(id=id)
    task = environment.sample_task(jax.random.key(0))
    return environment, task, environment.reset(jax.random.key(1), task)[0]


def test_all_of_gymnax_is_there_but_what_needs_a_download() -> None:
    assert sorted(TABLE) == sorted(set(gymnax.registered_envs) - set(LEFT_OUT))


@pytest.mark.parametrize("task", EXPECTED)
def test_the_measured_random_return_is_the_expected_one(task: str) -> None:
    measured = TABLE[task]["random"]
    assert abs(measured["return"] - EXPECTED[task]) < 4 * measured["standard_error"]


@pytest.mark.parametrize("task", TABLE)
def test_the_reference_lies_clearly_above_the_random_return(task: str) -> None:
    random, reference = TABLE[task]["random"], TABLE[task]["reference"]
    assert random["episodes"] >= 4096
    assert reference["return"] - random["return"] > 10 * random["standard_error"]


def test_registering_imports_no_gymnax_and_the_first_use_may_be_inside_a_trace() -> None:
    program = """
import sys
import jax
from discover_zoo.environments import gymnax
from discover.contract.registry import Registry
from discover_zoo.environments.gymnax.environment import Gymnax
gymnax.discover_register(Registry())
assert "gymnax" not in sys.modules
for name in ("FrozenLake-misc", "DeepSea-bsuite"):
    environment = Gymnax(id=name)
    state, _ = jax.jit(lambda key: environment.reset(key, None))(jax.random.key(0))
    environment.step(jax.random.key(0), state, 1, None)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_time_limit_truncates_and_a_fall_terminates() -> None:
    environment, task, state = start("CartPole-v1")
    late = environment.step(jax.random.key(2), state.replace(time=jnp.int32(499)), jnp.int32(0), task)
    assert (bool(late.terminated), bool(late.truncated)) == (False, True)
    fallen = environment.step(jax.random.key(2), state.replace(theta=jnp.float32(0.3)), jnp.int32(0), task)
    assert (bool(fallen.terminated), bool(fallen.truncated)) == (True, False)
    last = state.replace(theta=jnp.float32(0.3), time=jnp.int32(499))
    fallen_late = environment.step(jax.random.key(2), last, jnp.int32(0), task)
    assert (bool(fallen_late.terminated), bool(fallen_late.truncated)) == (True, False)


def test_a_step_of_cart_pole_costs_what_it_costs_in_gymnax() -> None:
    environment, task, state = start("CartPole-v1")
    made = make("CartPole-v1")

    def plain(key: jax.Array, state: Any, action: jax.Array) -> Any:
        observation, state, reward, terminated, _ = made.environment.step_env(key, state, action, made.params)
        late = made.environment.is_truncated(state, made.params)
        return observation, state, reward, terminated, late & ~terminated  # the contract: an episode ends in one way

    def instructions(step: Any) -> int:
        text = jax.jit(step).lower(jax.random.key(0), state, jnp.int32(0)).compile().as_text()
        assert text is not None
        return text.count(" = ")

    def ours(key: jax.Array, state: Any, action: jax.Array) -> Any:
        return tuple(environment.step(key, state, action, task))

    assert instructions(ours) == instructions(plain)


def test_actions_beyond_their_bounds_count_as_the_bound() -> None:
    environment, task, state = start("MountainCarContinuous-v0")
    far, bound = (environment.step(jax.random.key(2), state, jnp.array([a]), task) for a in (-50.0, -1.0))
    assert far.reward == bound.reward == jnp.float32(-0.1)
    assert (far.observation == bound.observation).all()


def test_a_discrete_observation_is_one_hot() -> None:
    environment, task, state = start("FrozenLake-misc")
    step = environment.step(jax.random.key(2), state.replace(position=jnp.int32(14)), jnp.int32(2), task)
    assert environment.spec().observation_shape == (16,)
    assert step.observation.argmax() == step.state.position
    assert step.observation.sum() == 1.0


@pytest.mark.parametrize(("when", "same"), [("task", True), ("episode", False)])
def test_what_a_reset_draws_may_belong_to_the_task(when: Any, same: bool) -> None:
    environment = Gymnax(id="SimpleBandit-bsuite", start=when)
    task = environment.sample_task(jax.random.key(0))
    arms = [environment.reset(jax.random.key(seed), task)[0].rewards.tolist() for seed in (1, 2)]
    assert (arms[0] == arms[1]) is same
    other = environment.reset(jax.random.key(1), environment.sample_task(jax.random.key(3)))[0].rewards.tolist()
    assert (other == arms[0]) is not same


def test_an_unknown_id_is_told_with_the_nearest() -> None:
    with pytest.raises(UserError) as caught:
        Gymnax(id="CartPole-v7").spec()
    assert str(caught.value).startswith(
        "gymnax has no environment 'CartPole-v7': did you mean 'CartPole-v1'? Known: Acrobot-v1, "
    )


@pytest.mark.parametrize(
    "space", [SimpleNamespace(), SimpleNamespace(low=0.0, high=1.0, shape=(2, 3)), SimpleNamespace(shape=(2,))]
)
def test_actions_that_are_neither_numbered_nor_a_vector_are_refused(space: Any) -> None:
    with pytest.raises(UserError, match=r"^gymnax environment 'Odd' has actions .* need Discrete or a Box of one dimension\.$"):
        _action("Odd", space)


def test_observations_without_bounds_are_refused() -> None:
    with pytest.raises(UserError, match=r"^gymnax environment 'Odd' has observations .* need Discrete or a Box\.$"):
        _observation("Odd", SimpleNamespace(shape=(2,)))
