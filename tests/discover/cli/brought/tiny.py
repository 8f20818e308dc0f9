"""A one-file plugin: components so small that a lifetime compiles in no time."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover import (
    Context,
    Continuous,
    Environment,
    Experience,
    Head,
    Heads,
    Info,
    Inputs,
    Network,
    Objective,
    Outputs,
    Proposal,
    Registry,
    Rollout,
    Scalar,
    Space,
    Spec,
    Step,
    Strategy,
    TaskReturns,
    UpdateRule,
    World,
    component,
    hookimpl,
    real,
)


@component
class Wage(Environment):
    """Pays the action at each of five steps."""

    def spec(self) -> Spec:
        return Spec((1,), Continuous((-100.0,), (100.0,)))

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        return jnp.zeros((), jnp.int32), jnp.zeros(1)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        return Step(state + 1, jnp.zeros(1), action[0], state + 1 == 5, jnp.zeros((), bool))


@component
class Constant(Network):
    """Outputs that are parameters."""

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        return {name: jnp.zeros(head.shape) for name, head in heads.outputs.items()}

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        batch = inputs.first.shape
        return {name: jnp.broadcast_to(p, batch + p.shape) for name, p in params.items()}, carry


@component
class Raise(UpdateRule):
    """Raises the action by ``slope`` at each update; its parameters are NaN once it is above 100."""

    paper = "Nobody 2026, eq. 1"

    slope: Scalar = real(1.0, low=-10.0, high=10.0)
    noise: Scalar = real(0.1, low=0.0, high=1.0)
    steps: int = 5

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, 2)

    def heads(self, spec: Spec) -> Heads:
        return Heads({"policy": Head((1,))})

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return ()

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        action = outputs["policy"] + self.noise * jax.random.normal(key, outputs["policy"].shape)
        return action, jnp.zeros(action.shape[:-1])

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any, Info]:
        level = params["policy"] + self.slope
        return {"policy": jnp.where(level > 100.0, jnp.nan, level)}, state, {}


@component
class Dreamer(UpdateRule):
    """Asks for a head that the network cannot give."""

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(5, 2)

    def heads(self, spec: Spec) -> Heads:
        return Heads({"dream": Head((1,), form="model")})


@component
class Climber(Strategy):
    """Gaussian steps around the best genome of the generation before."""

    def smallest_population(self, space: Space) -> int:
        return 4

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        return space.start(key)

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        return Proposal(state + jax.random.normal(key, (population, space.dimension))), state

    def tell(self, key: jax.Array, state: Any, space: Space, genomes: jax.Array, fitness: jax.Array) -> Any:
        return genomes[jnp.argmax(fitness)]


@component
class Last(Objective):
    """The last row, mean over tasks and seeds."""

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return np.mean([task.returns[:, :, -1].mean(axis=1) for task in tasks], axis=0)


@hookimpl
def discover_register(registry: Registry) -> None:
    for made in (Wage, Constant, Raise, Dreamer, Climber, Last):
        registry.add(f"tiny_{made.__name__.lower()}", made)
    registry.add_task("wage", "tiny_wage", summary="tiny", random=0.0, reference=1.0, origin="by hand")
    registry.add_recipe("raise", {"rule": "tiny_raise", "network": "tiny_constant"}, summary="tiny", paper="Nobody 2026")
