"""Garnets: small decision processes at random, with few ways out of each state."""

import jax
import jax.numpy as jnp

from discover import Integer, Key, Redraw, Scalar, Spec, Task, component, integer, named_keys, real
from discover_zoo.environments.random_mdps import RandomMDPs
from discover_zoo.environments.sizes import check_sizes, drawn_size
from discover_zoo.environments.tabular import Table


@component
class Garnets(RandomMDPs):
    """Garnets (Archibald, McKinnon & Thomas 1995): each state and action leads to a few states; each lifetime has a process.

    The number of states is drawn uniformly. For each state and action, ``branching`` distinct states are drawn, and the
    distribution over them from ``Dirichlet(1, ..., 1)``. With the probability ``paid`` a state and action pays, a mean reward
    drawn uniformly from [0, 1]; else nothing. Episodes start in state 0. The observation is the state, one-hot.

    Nothing but ``states`` and ``actions`` sets a shape, and ``horizon`` is structure too: all other numbers share a program.

    >>> garnets = Garnets(states=6, fewest=4, most=4, branching=2)
    >>> transitions, rewards = garnets.sample_task(jax.random.key(0))
    >>> transitions.shape, int((transitions[0, 0] > 0).sum()), float(transitions[0, 0, 4:].sum())
    ((6, 4, 6), 2, 0.0)

    Attributes:
        states: the largest number of states, which sets the shape.
        actions: how many there are.
        horizon: steps of an episode.
        noise: standard deviation of a reward around its mean.
        fewest, most: the number of states.
        branching: the number of states that can follow a state and action.
        paid: the share of states and actions that pay.
    """

    paper = "Archibald, McKinnon & Thomas 1995, On the generation of Markov decision processes"

    states: int = 24
    actions: int = 4
    horizon: int = 24
    noise: Scalar = real(0.0, low=0.0, high=10.0)
    fewest: Integer = integer(8, low=1, high=1000)
    most: Integer = integer(16, low=1, high=1000)
    branching: Integer = integer(2, low=1, high=1000)
    paid: Scalar = real(0.1, low=0.0, high=1.0)

    @property
    def redraw(self) -> Redraw:
        return "never"

    def spec(self) -> Spec:
        check_sizes(self.fewest, self.most, largest=self.states)
        return super().spec()

    def table(self, task: Task) -> Table:
        """The process as a table, of which `discover_zoo.environments.tabular.returns_of` gives the exact returns."""
        chances, rewards = task
        every = jnp.broadcast_to(jnp.arange(self.states), chances.shape)
        return Table(every, chances, rewards=rewards, start=jnp.int32(0), horizon=jnp.int32(self.horizon))

    def sample_task(self, key: Key) -> Task:
        key_size, key_next, key_parts, key_paid, key_rewards = named_keys(key, "size", "next", "parts", "paid", "rewards")
        size = drawn_size(key_size, self.fewest, self.most)
        shape = (self.states, self.actions, self.states)
        luck = jax.random.uniform(key_next, shape) + (jnp.arange(self.states) >= size)  # states that there are come first
        rank = jnp.argsort(jnp.argsort(luck, axis=-1), axis=-1)
        follows = rank < jnp.minimum(self.branching, size)
        parts = jnp.where(follows, jax.random.exponential(key_parts, shape), 0.0)
        rewards = jax.random.uniform(key_rewards, shape[:2])
        paid = jax.random.bernoulli(key_paid, self.paid, shape[:2])
        return parts / jnp.sum(parts, axis=-1, keepdims=True), jnp.where(paid, rewards, 0.0)
