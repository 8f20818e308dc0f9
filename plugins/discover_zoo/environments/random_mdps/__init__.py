"""Families of small decision processes without structure."""

import jax
import jax.numpy as jnp

from discover import (
    Count,
    Discrete,
    Environment,
    Key,
    Redraw,
    Registry,
    Scalar,
    Spec,
    Step,
    Task,
    component,
    hookimpl,
    real,
)
from discover_zoo.environments.family_tasks import add_family_tasks


@component
class RandomMDPs(Environment):
    """Tabular decision processes at random (Duan et al. 2016, section 3.2).

    For each state and action, the distribution of the next state is drawn from ``Dirichlet(1, ..., 1)`` and the mean reward
    from ``Normal(1, 1)``; rewards vary around it with standard deviation 1. Episodes start in state 0. The observation is the
    state, one-hot.

    >>> mdps = RandomMDPs(states=3, actions=2)
    >>> transitions, rewards = mdps.sample_task(jax.random.key(0))
    >>> transitions.shape, rewards.shape
    ((3, 2, 3), (3, 2))

    Attributes:
        states, actions: how many of each.
        horizon: steps of an episode.
        noise: standard deviation of a reward around its mean.
    """

    paper = "Duan et al. 2016, arXiv 1611.02779, section 3.2"

    states: Count = 10
    actions: Count = 5
    horizon: Count = 10
    noise: Scalar = real(1.0, low=0.0, high=10.0)

    @property
    def redraw(self) -> Redraw:
        return "episode"

    def spec(self) -> Spec:
        return Spec((self.states,), Discrete(self.actions))

    def sample_task(self, key: Key) -> Task:
        key_transitions, key_rewards = jax.random.split(key)
        parts = jax.random.exponential(key_transitions, (self.states, self.actions, self.states))  # Dirichlet, once normalized
        transitions = parts / jnp.sum(parts, axis=-1, keepdims=True)
        return transitions, 1.0 + jax.random.normal(key_rewards, (self.states, self.actions))

    def reset(self, key: Key, task: Task) -> tuple[tuple[jax.Array, jax.Array], jax.Array]:
        state = jnp.zeros((), jnp.int32)
        return (state, state), jax.nn.one_hot(state, self.states)

    def step(self, key: Key, state: tuple[jax.Array, jax.Array], action: jax.Array, task: Task) -> Step:
        (transitions, rewards), (place, steps) = task, state
        key_next, key_reward = jax.random.split(key)
        reward = rewards[place, action] + self.noise * jax.random.normal(key_reward)
        place = jax.random.choice(key_next, self.states, p=transitions[place, action]).astype(jnp.int32)
        over = steps + 1 >= self.horizon
        observation = jax.nn.one_hot(place, self.states)
        return Step((place, steps + 1), observation, reward, terminated=jnp.array(False), truncated=over)


@hookimpl
def discover_register(registry: Registry) -> None:
    from discover_zoo.environments.random_mdps.garnets import Garnets

    registry.add("random_mdps", RandomMDPs)
    registry.add_task(
        "mdps-10",
        {"trial": {"inner": {"random_mdps": {"states": 10, "actions": 5, "horizon": 10}}, "episodes": 10}},
        summary="10 episodes of a random decision process with 10 states and 5 actions",
        random=100.1,
        reference=156.2,
        origin="Duan et al. 2016, table 2: random play, and RL^2",
        paper=RandomMDPs.paper,
    )
    registry.add("garnets", Garnets)
    add_family_tasks(registry, "garnets", paper=Garnets.paper)
