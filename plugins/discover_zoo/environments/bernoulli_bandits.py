"""Families of bandits."""

from typing import Literal

import jax
import jax.numpy as jnp

from discover import Count, Discrete, Environment, Key, Redraw, Registry, Spec, Step, Task, component, hookimpl


@component
class BernoulliBandits(Environment):
    """Bandits whose arms pay 1 with a probability of their own, drawn uniformly from [0, 1] for each bandit; else 0.

    An episode is one pull. Where each episode has a bandit of its own, there is nothing to learn within it: inside the wrapper
    ``trials``, n pulls of one bandit are one episode. The observation is always ``[1]``.

    >>> bandits = BernoulliBandits(arms=2)
    >>> float(bandits.step(jax.random.key(0), (), jnp.int32(1), jnp.array([0.0, 1.0])).reward)
    1.0

    Attributes:
        arms: the number of arms.
        drawn: whether each ``episode`` has a bandit of its own, or each ``lifetime``, so that an agent without memory can
            learn which arm is best.
    """

    paper = "Duan et al. 2016, arXiv 1611.02779, section 3.1"

    arms: Count = 5
    drawn: Literal["episode", "lifetime"] = "episode"

    @property
    def redraw(self) -> Redraw:
        return "episode" if self.drawn == "episode" else "never"

    def spec(self) -> Spec:
        return Spec((1,), Discrete(self.arms))

    def sample_task(self, key: Key) -> Task:
        return jax.random.uniform(key, (self.arms,))

    def reset(self, key: Key, task: Task) -> tuple[tuple[()], jax.Array]:
        return (), jnp.ones(1)

    def step(self, key: Key, state: tuple[()], action: jax.Array, task: Task) -> Step:
        reward = jax.random.bernoulli(key, task[action]).astype(jnp.float32)
        return Step((), jnp.ones(1), reward, terminated=jnp.array(True), truncated=jnp.array(False))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("bernoulli_bandits", BernoulliBandits)
    for pulls, random, reference in ((10, 5.0, 6.7), (100, 49.9, 78.7)):
        registry.add_task(
            f"bandits-{pulls}",
            {"trial": {"inner": {"bernoulli_bandits": {"arms": 5}}, "episodes": pulls}},
            summary=f"{pulls} pulls of a bandit with 5 arms",
            random=random,
            reference=reference,
            origin="Duan et al. 2016, table 1: random play, and RL^2",
            paper=BernoulliBandits.paper,
        )
    registry.add_task(
        "bandit-10-arms",
        {"bernoulli_bandits": {"arms": 10, "drawn": "lifetime"}},
        summary="Find the best of 10 arms by single pulls, the same arms for the whole lifetime",
        random=0.5,
        reference=0.90909,
        origin="random and reference: exact, the means of one and of the largest of 10 uniform numbers",
        paper=BernoulliBandits.paper,
    )
