"""Chains in which the first action is paid at the end."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import AtLeast, Count, Discrete, Environment, Key, Registry, Spec, Step, Task, component, hookimpl
from discover_zoo.environments.sizes import relative


class Chain(NamedTuple):
    """A chain: its number of steps, and which first action is paid."""

    length: jax.Array
    good: jax.Array


class Link(NamedTuple):
    """The number of steps so far, whether the first action was the good one, and the distracting bits that are shown."""

    steps: jax.Array
    right: jax.Array
    bits: jax.Array


@component
class DelayedChain(Environment):
    """The delayed chains of Oh et al. 2020: of two actions, the first decides whether the last step pays 1 or -1.

    Each lifetime draws the length of its chain, and which action is the good one. All other actions change nothing. The
    observation is one-hot: the number of steps, and whether the first action was good. With distractors it is a vector of bits:
    whether this is the first step, whether the first action was good, and bits that are drawn anew in each step.

    >>> chain, task = DelayedChain(shortest=2), Chain(length=jnp.int32(2), good=jnp.int32(1))
    >>> state, _ = chain.reset(jax.random.key(0), task)
    >>> first = chain.step(jax.random.key(1), state, jnp.int32(1), task)
    >>> float(first.reward), float(chain.step(jax.random.key(2), first.state, jnp.int32(0), task).reward)
    (0.0, 1.0)

    Attributes:
        shortest, longest: steps of a chain, drawn uniformly.
        noise: whether every step before the last pays 1 or -1 at random.
        distractors: the number of bits that mean nothing.
    """

    paper = "Oh et al. 2020, arXiv 2007.08794, appendix A.3"

    shortest: Count = 5
    longest: Count = 30
    noise: bool = False
    distractors: Annotated[int, AtLeast(0)] = 0

    def spec(self) -> Spec:
        return Spec((2 + self.distractors if self.distractors else 2 * self.longest + 1,), Discrete(2))

    def sample_task(self, key: Key) -> Task:
        key_length, key_good = jax.random.split(key)
        length = jax.random.randint(key_length, (), self.shortest, self.longest + 1)
        return Chain(length, jax.random.randint(key_good, (), 0, 2))

    def reset(self, key: Key, task: Task) -> tuple[Link, jax.Array]:
        link = Link(jnp.int32(0), jnp.array(False), self._bits(key))
        return link, self._observation(link)

    def step(self, key: Key, state: Link, action: jax.Array, task: Task) -> Step:
        chain: Chain = task
        key_noise, key_bits = jax.random.split(key)
        right = jnp.where(state.steps == 0, action == chain.good, state.right)
        link = Link(state.steps + 1, right, self._bits(key_bits))
        ended = link.steps >= chain.length
        before = jax.random.rademacher(key_noise, (), jnp.float32) if self.noise else jnp.float32(0.0)
        reward = jnp.where(ended, jnp.where(right, 1.0, -1.0), before)
        return Step(link, self._observation(link), reward, terminated=ended, truncated=jnp.array(False))

    def difficulty(self, task: Task) -> jax.Array:
        """The length, between the shortest and the longest."""
        return relative(task.length, self.shortest, self.longest)

    def expert(self, state: Link, task: Task) -> jax.Array:
        """The good action, always."""
        return task.good

    def _bits(self, key: Key) -> jax.Array:
        return jax.random.bernoulli(key, 0.5, (self.distractors,)).astype(jnp.float32)

    def _observation(self, link: Link) -> jax.Array:
        if self.distractors:
            return jnp.concatenate([jnp.stack([link.steps == 0, link.right]).astype(jnp.float32), link.bits])
        return jax.nn.one_hot(link.steps + self.longest * link.right, 2 * self.longest + 1)


_EXACT = "random: exact, by symmetry; reference: optimum, the good action first"
_TASKS = {
    "delayed-chain": ({}, "The first of 5 to 30 actions decides what the last one pays"),
    "delayed-chain-long": ({"shortest": 40, "longest": 80}, "The first of 40 to 80 actions decides what the last one pays"),
    "delayed-chain-noisy": ({"noise": True}, "A delayed chain whose steps before the last pay 1 or -1 at random"),
    "delayed-chain-distractors": ({"distractors": 20}, "A delayed chain of which 22 bits are shown, 20 of which mean nothing"),
}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("delayed_chain", DelayedChain)
    for name, (settings, summary) in _TASKS.items():
        registry.add_task(
            name,
            {"delayed_chain": settings} if settings else "delayed_chain",
            summary=summary,
            random=0.0,
            reference=1.0,
            origin=_EXACT,
            paper=DelayedChain.paper,
        )
