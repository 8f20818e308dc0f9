"""Toys whose experience does not depend on what they have learned, so that a window is a smooth function of their numbers."""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.strategies.gradient.policy_gain import PolicyGain

from discover import (
    Algorithm,
    Context,
    Info,
    Outputs,
    Registry,
    Rollout,
    Scalar,
    Space,
    Trajectory,
    UpdateRule,
    Weights,
    Window,
    Work,
    World,
    component,
    free,
    hookimpl,
    policy_heads,
    real,
    seed_keys,
    weights,
)
from discover.contract.network import Heads
from discover.plugin.loader import Plugins, load_plugins
from discover.testing.small import Affine, Corridor


def _shape(self: Any, key: jax.Array) -> Any:
    return {"slope": jax.random.normal(key), "bend": jnp.zeros(2)}


@component
class Blind(UpdateRule):
    """Acts at random, whatever its policy; learns as if its policy had acted, by a function of the reward that is its own.

    Attributes:
        rate: length of a step.
        gain: the function of the reward.
        fraction: of the regularizer.
        loops: whether its update has a loop that cannot be differentiated.
        alone: whether it collects by itself.
    """

    not_differentiable = ("fraction",)

    rate: Scalar = real(0.1, low=0.0, high=1.0)
    gain: Weights = weights(init=_shape)
    fraction: Scalar = real(0.0, low=0.0, high=1.0)
    loops: bool = False
    alone: bool = False

    def rollout(self, spec: Any) -> Rollout:
        return Rollout(4, 2, by_rule=self.alone)

    def heads(self, spec: Any) -> Heads:
        return Heads(policy_heads(spec))

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return jnp.zeros((), jnp.int32)

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        action = jax.random.bernoulli(key, 0.5, outputs["policy"].shape[:-1]).astype(jnp.int32)
        return action, jnp.zeros(action.shape)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Info]:
        if self.alone:
            zero = jnp.zeros(())
            names = ("episode_return", "episode_length", "episodes", "env_steps")
            return params, state, dict.fromkeys(names, zero)
        bend = self.gain["bend"]
        worth = self.gain["slope"] * trajectory.reward + bend[0] * trajectory.reward**2 + bend[1]
        if self.loops:
            worth = jax.lax.while_loop(lambda x: jnp.any(x > 1e3), lambda x: 0.5 * x, worth)

        def loss(outputs: Outputs, batch: Trajectory) -> tuple[jax.Array, Info]:
            return -jnp.mean(worth * world.policy(outputs).log_prob(batch.action)), {}

        slope, _ = world.gradient(loss)(params, trajectory)
        params = jax.tree.map(lambda p, g: p - self.rate * g, params, slope)
        size = sum((jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(params)), jnp.zeros(()))
        return params, state + 1, {"progress": world.progress, "updates": state.astype(jnp.float32), "size": size}

    def regularizer(self, info: Info) -> jax.Array:
        return -self.fraction * info["size"]


SPACE = Space(Algorithm(rule=Blind(rate=free(start=0.3)), network=Affine()))
"""The rate and the function of the reward, four coordinates."""


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("blind", Blind)
    registry.add("affine", Affine)
    registry.add("corridor", Corridor)
    registry.add_task("corridor", "corridor", summary="A walk.", random=0.0, reference=5.0, origin="made up")


def plugins(*watchers: object) -> Plugins:
    return load_plugins(extra=[sys.modules[__name__], *watchers])


def work(genomes: Any, *, updates: int, seeds: int, windows: int = 4, space: Space = SPACE, **more: Any) -> Work:
    """A window of agents ``[P, S]`` on the corridor; a lifetime has so many windows."""
    from discover.outer_loop.pullback import Pullback

    (group,) = space.groups(np.asarray(genomes, np.float32))
    window = Window(updates, PolicyGain(hidden=()), Pullback(space, group.structure).leaves)
    keys = seed_keys(0, "search", seeds, 0, 0)
    return Work(
        Corridor(),
        group.candidates,
        keys,
        stop=updates,
        total=windows * updates,
        keep=True,
        window=window,
        **more,
    )
