"""Components that are small enough to know their answers by hand, and the plugin that registers them."""

import functools
import sys
from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from discover import (
    Context,
    Continuous,
    Environment,
    Head,
    Heads,
    Info,
    Inputs,
    Network,
    Objective,
    Outputs,
    Proposal,
    Registry,
    ReturnFunction,
    Rollout,
    Scalar,
    Segment,
    Space,
    Spec,
    Step,
    Strategy,
    Targets,
    TaskReturns,
    Told,
    Trajectory,
    UpdateRule,
    Weights,
    World,
    component,
    hookimpl,
    real,
    weights,
)
from discover.plugin.loader import Plugins, load_plugins


@functools.cache
def plugins() -> Plugins:
    """All installed plugins, and the toys."""
    return load_plugins(extra=[sys.modules[__name__]])


@component
class Payday(Environment):
    """Pays ``action + spread * task`` each step, where the task is a number from [0, 1); an episode has ``length`` steps.

    Attributes:
        length: steps of an episode; 0 for one that never ends.
        cut: whether it ends by truncation.
        spread: how much tasks differ.
        drawn: when a task is drawn anew.
    """

    length: int = 5
    cut: bool = False
    spread: float = 0.0
    drawn: Literal["never", "episode", "update"] = "never"

    @property
    def redraw(self) -> Literal["never", "episode", "update"]:
        return self.drawn

    def spec(self) -> Spec:
        return Spec((2,), Continuous((-100.0,), (100.0,)))

    def sample_task(self, key: jax.Array) -> Any:
        return jax.random.uniform(key)

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        count = jnp.zeros((), jnp.int32)
        return count, self._observe(count, task)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        count = state + 1
        done = count == self.length
        reward = action[0] + self.spread * task
        return Step(count, self._observe(count, task), reward, done & (not self.cut), done & self.cut)

    def _observe(self, count: jax.Array, task: Any) -> jax.Array:
        return jnp.stack([count.astype(jnp.float32), task])


@component
class Blank(Network):
    """Every output is a parameter, whatever the observation; the value is the observation's first number."""

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        return {name: jnp.zeros(head.shape) for name, head in heads.outputs.items()}

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        batch = inputs.is_first.shape
        outputs = {name: jnp.broadcast_to(p, batch + p.shape) for name, p in params.items()}
        return outputs | {"value": inputs.observation[..., 0]}, carry


@component
class Climb(UpdateRule):
    """Raises the action by ``slope`` at each update; NaN once it is beyond ``limit``.

    Attributes:
        slope: what an update adds.
        noise: standard deviation of the action.
        limit: where the parameters break.
        steps, num_envs: T and B.
        fails: whether its program cannot even be traced.
    """

    slope: Scalar = real(1.0, low=-10.0, high=10.0)
    noise: Scalar = real(0.0, low=0.0, high=1.0)
    limit: Scalar = real(1e6, low=0.0, high=1e6)
    steps: int = 4
    num_envs: int = 2
    fails: bool = False

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.num_envs)

    def heads(self, spec: Spec) -> Heads:
        return Heads({"policy": Head((1,)), "value": Head(())})

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return {"updates": jnp.zeros((), jnp.int32)}

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        action = outputs["policy"] + self.noise * jax.random.normal(key, outputs["policy"].shape)
        return action, jnp.zeros(action.shape[:-1])

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        if self.fails:
            raise ValueError("this rule cannot be traced")
        level = params["policy"] + self.slope
        params = {**params, "policy": jnp.where(jnp.abs(level) > self.limit, jnp.nan, level)}
        return params, {"updates": state["updates"] + 1}, {"level": jnp.mean(level), "reward": jnp.mean(trajectory.reward)}


@component
class OneStep(ReturnFunction):
    """``r + gamma * (1 - terminated) * v'``."""

    gamma: Scalar = real(0.9, low=0.0, high=1.0)

    def __call__(self, segment: Segment) -> Targets:
        target = segment.reward + self.gamma * (1.0 - segment.terminated) * segment.next_value
        return Targets(target, target - segment.value)


def _start(self: Any, key: jax.Array) -> Any:
    shapes = {"kernel": (self.width, 3), "offset": ()}
    made = {name: jax.random.normal(jax.random.fold_in(key, i), shape) for i, (name, shape) in enumerate(shapes.items())}
    return (made, [made["kernel"][0]])


@component
class Learned(ReturnFunction):
    """Return function with weights: a tree of tuples, mappings, lists and a number alone."""

    width: int = 2
    drift: Weights = weights(init=_start)

    def __call__(self, segment: Segment) -> Targets:
        target = segment.reward + self.drift[0]["offset"]
        return Targets(target, target - segment.value)


@component
class FinalReturn(Objective):
    """Mean over tasks and seeds of the last row."""

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return np.mean([task.returns[:, :, -1].mean(axis=1) for task in tasks], axis=0)


@component
class Hill(Strategy):
    """Gaussian steps around the best genome of the generation before."""

    def check_population(self, space: Space, population: int) -> str | None:
        return None if population >= 2 else "it needs 2 at least"

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        return {"mean": space.start(key)}

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        return Proposal(state["mean"] + jax.random.normal(key, (population, space.dimension))), state

    def tell(self, key: jax.Array, state: Any, space: Space, told: Told) -> Any:
        return {"mean": told.genomes[jnp.argmax(told.fitness)]}

    def recommendation(self, state: Any, space: Space) -> jax.Array:
        return state["mean"]


@component
class Listed(Strategy):
    """Proposes the genomes that it was given, generation after generation."""

    genomes: tuple[tuple[float, ...], ...]

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        return {"told": jnp.zeros(population)}

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        return Proposal(jnp.asarray(self.genomes, jnp.float32)), state

    def tell(self, key: jax.Array, state: Any, space: Space, told: Told) -> Any:
        return {"told": told.fitness}


@component
class Turns(Strategy):
    """Proposes one given population after the other."""

    genomes: tuple[tuple[tuple[float, ...], ...], ...]

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        return jnp.zeros((), jnp.int32)

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        return Proposal(jnp.asarray(self.genomes, jnp.float32)[state]), state

    def tell(self, key: jax.Array, state: Any, space: Space, told: Told) -> Any:
        return state + 1


@hookimpl
def discover_register(registry: Registry) -> None:
    for made in (Payday, Blank, Climb, OneStep, Learned, FinalReturn, Hill, Listed, Turns):
        registry.add(f"toy_{made.__name__.lower()}", made)
    for name, environment in {
        "payday": {"toy_payday": {}},
        "late-payday": {"toy_payday": {"length": 9, "spread": 1.0, "drawn": "episode"}},
        "never-payday": {"toy_payday": {"length": 0}},
    }.items():
        registry.add_task(name, environment, summary="toy", random=0.0, reference=1.0, origin="by hand")
    candidate = {"rule": {"toy_climb": {"noise": 0.1}}, "network": "toy_blank"}
    registry.add_recipe("climb", candidate, summary="toy")
