"""Does the meta-gradient find the discounts and lambdas of Xu et al. (2018), section 2's two illustrations?

    python experiments/meta_gradient_chains.py                  # the tables of meta_gradient_chains.md
    python experiments/meta_gradient_chains.py --json           # the same figures as one JSON object
    python experiments/meta_gradient_chains.py --json reset     # one case alone

Signal and noise: ten steps; those from even states pay N(0, 1), those from odd states 0.1. What is adapted is a discount per
state entered. Pairs: nine steps; each pair of rewards cancels out. What is adapted is a lambda per state entered.

The values are a table, learned by the value loss of the rule `a2c` alone: there is one action, so that its policy is constant.
Return functions see no states; but each batch is one episode of a chain, whose rows are its states.
"""

import argparse
import json
import time
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.networks.linear import Linear
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.returns.recursions import decayed_sum
from discover_zoo.rules.a2c import A2C
from discover_zoo.rules.meta_gradient.derivatives import Forward
from discover_zoo.rules.meta_gradient.held_out import PredictionError
from discover_zoo.rules.meta_gradient.meta_gradient import MetaGradient

from discover import (
    Algorithm,
    Context,
    Discrete,
    Environment,
    Heads,
    Info,
    Optimizer,
    Outputs,
    ReturnFunction,
    Rollout,
    Segment,
    Spec,
    Step,
    Targets,
    Trajectory,
    UpdateRule,
    Weights,
    World,
    component,
    trained_agent,
    weights,
)

SEEDS = 20


@component
class SignalAndNoise(Environment):
    """Ten steps: from an even state the reward is N(0, 1), from an odd one 0.1. The observation is the state, one-hot."""

    length: int = 10

    def spec(self) -> Spec:
        return Spec((self.length,), Discrete(1))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Any) -> tuple[jax.Array, jax.Array]:
        return jnp.int32(0), jax.nn.one_hot(0, self.length)

    def step(self, key: jax.Array, state: jax.Array, action: jax.Array, task: Any) -> Step:
        reward = jnp.where(state % 2 == 0, jax.random.normal(key), 0.1)
        seen = jax.nn.one_hot(state + 1, self.length)
        return Step(state + 1, seen, reward, terminated=state + 1 == self.length, truncated=jnp.array(False))


class Pair(NamedTuple):
    """The state, int32, and the reward that the pair began with."""

    state: jax.Array
    reward: jax.Array


@component
class Pairs(Environment):
    """Nine steps that pay e, -e, e', -e', ..., 0 with e from N(0, 1). The observation is the state, one-hot."""

    length: int = 9

    def spec(self) -> Spec:
        return Spec((self.length,), Discrete(1))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Any) -> tuple[Pair, jax.Array]:
        return Pair(jnp.int32(0), jnp.float32(0.0)), jax.nn.one_hot(0, self.length)

    def step(self, key: jax.Array, state: Pair, action: jax.Array, task: Any) -> Step:
        reward = jnp.where(state.state % 2 == 0, jax.random.normal(key), -state.reward)
        following, ended = state.state + 1, state.state + 1 == self.length
        reward = jnp.where(ended, 0.0, reward)
        seen = jax.nn.one_hot(following, self.length)
        return Step(Pair(following, reward), seen, reward, terminated=ended, truncated=jnp.array(False))


@component
class DiscountPerRow(ReturnFunction):
    """``G_t = r_t + sigmoid(x_t) G_{t+1}`` for segments of one episode, ``x_t`` being that of the state entered."""

    length: int = 10
    x: Weights = weights(init=lambda self, key: jnp.zeros(self.length), std=1.0)

    def __call__(self, segment: Segment) -> Targets:
        discount = jax.nn.sigmoid(self.x)[:, None] * (1.0 - segment.terminated)
        target = decayed_sum(segment.reward, discount, segment.next_value[-1])
        return Targets(target, target - segment.value)


@component
class LambdaPerRow(ReturnFunction):
    """``G_t = r_t + (1 - sigmoid(x_t)) v_{t+1} + sigmoid(x_t) G_{t+1}``, as `DiscountPerRow`, without discounting."""

    length: int = 9
    x: Weights = weights(init=lambda self, key: jnp.zeros(self.length), std=1.0)

    def __call__(self, segment: Segment) -> Targets:
        follows, mix = 1.0 - segment.terminated, jax.nn.sigmoid(self.x)[:, None]
        one_step = segment.reward + follows * (1.0 - mix) * segment.next_value
        target = decayed_sum(one_step, follows * mix, segment.next_value[-1])
        return Targets(target, target - segment.value)


@component
class FromZero(UpdateRule):
    """Every update starts from parameters that are zero."""

    rule: UpdateRule

    def rollout(self, spec: Spec) -> Rollout:
        return self.rule.rollout(spec)

    def heads(self, spec: Spec) -> Heads:
        return self.rule.heads(spec)

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return self.rule.init(key, world, params)

    def behavior(self, params: Any, state: Any) -> tuple[Any, Context]:
        return self.rule.behavior(params, state)

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self.rule.act(key, world, outputs, context)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        return self.rule.update(key, world, jax.tree.map(jnp.zeros_like, params), state, trajectory=trajectory)


class Case(NamedTuple):
    """One run of the check.

    Attributes:
        environment, returns: the chain, and what is adapted.
        step_size: of a value, alpha.
        meta: moves the logits; SGD with beta times the states, since the held-out loss is a mean over states, not a sum.
        updates: how many.
        reset: whether values are zero before each update.
        mu: of the trace.
        more: what is adapted besides.
    """

    environment: Environment
    returns: ReturnFunction
    step_size: float
    meta: Optimizer
    updates: int
    reset: bool = False
    mu: float = 0.0
    more: tuple[str, ...] = ()


NOISY, PAIRS = SignalAndNoise(), Pairs()
DISCOUNTS, LAMBDAS = DiscountPerRow(x=jnp.zeros(10)), LambdaPerRow(x=jnp.zeros(9))
CASES = {
    "reset": Case(NOISY, DISCOUNTS, 0.5, SGD(learning_rate=0.05 * 10), updates=10_000, reset=True),
    "reset, among other numbers": Case(
        NOISY,
        DISCOUNTS,
        0.5,
        SGD(learning_rate=0.05 * 10),
        updates=10_000,
        reset=True,
        more=("value_coefficient", "entropy_coefficient"),
    ),
    "online": Case(NOISY, DISCOUNTS, 0.1, SGD(learning_rate=0.1 * 10), updates=20_000),
    "online, mu = 1": Case(NOISY, DISCOUNTS, 0.1, SGD(learning_rate=0.1 * 10), updates=5_000, mu=1.0),
    "online, Adam": Case(NOISY, DISCOUNTS, 0.1, Adam(learning_rate=0.01), updates=5_000),
    "pairs, 2 000 updates": Case(PAIRS, LAMBDAS, 0.1, Adam(learning_rate=0.01), updates=2_000),
    "pairs": Case(PAIRS, LAMBDAS, 0.1, Adam(learning_rate=0.01), updates=20_000),
}


def candidate(case: Case) -> Algorithm:
    length = case.environment.spec().observation_shape[0]
    learner = A2C(
        returns=case.returns,
        optimizer=SGD(learning_rate=case.step_size * length),
        steps=length,
        num_envs=1,
        value_coefficient=1.0,
    )
    prefix = "rule." if case.reset else ""
    rule = MetaGradient(
        rule=FromZero(rule=learner) if case.reset else learner,
        held_out=PredictionError(returns=MonteCarlo(gamma=1.0)),
        optimizer=case.meta,
        derivative=Forward(mu=case.mu),
        adapt=tuple(f"{prefix}{path}" for path in ("returns.x", *case.more)),
        embedding=False,
    )
    return Algorithm(rule=rule, network=Linear())


def adapted(case: Case) -> np.ndarray:
    """Discounts or lambdas ``[S, rows]`` after the last update, of the states 1, 2, ... that the rows enter."""
    algorithm, length = candidate(case), case.environment.spec().observation_shape[0]

    def run(key: jax.Array) -> jax.Array:
        return trained_agent(algorithm, case.environment, key, case.updates * length).rule_state.eta

    eta = jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(0), SEEDS))
    return np.asarray(jax.nn.sigmoid(eta[:, : length - 1]))  # the last row enters no state


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object: the means over seeds, by state")
    parser.add_argument("case", nargs="*", choices=[[], *CASES], help="which cases; all unless given")
    arguments = parser.parse_args()
    found, seconds = {}, {}
    for name in arguments.case or CASES:
        started = time.perf_counter()
        found[name] = adapted(CASES[name])
        seconds[name] = time.perf_counter() - started
    if arguments.json:
        print(json.dumps({name: values.mean(axis=0).tolist() for name, values in found.items()}))
        return
    print(
        "| case | states 1, 3, 5, ... | states 2, 4, 6, ... | largest deviation over seeds | seconds |\n|---|---|---|---|---|"
    )
    for name, values in found.items():
        mean, spread = values.mean(axis=0), values.std(axis=0, ddof=1)
        odd, even = (" ".join(f"{x:.2f}" for x in mean[first::2]) for first in (0, 1))
        print(f"| {name} | {odd} | {even} | {spread.max():.2f} | {seconds[name]:.0f} |")


if __name__ == "__main__":
    main()
