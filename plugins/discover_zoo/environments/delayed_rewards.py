"""A family of tasks that go on while rewards are under way, each task with a delay of its own."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    AtLeast,
    Count,
    Discrete,
    Environment,
    Integer,
    Key,
    Registry,
    Scalar,
    Spec,
    Step,
    Task,
    component,
    hookimpl,
    integer,
    named_keys,
    real,
)
from discover_zoo.environments.family_tasks import add_family_tasks
from discover_zoo.environments.sizes import check_sizes, drawn_size


class Payments(NamedTuple):
    """One task.

    Attributes:
        delay: steps after which a good action is paid.
        good, bait: ``[contexts]``, the action in each context that is paid late, and the one that is paid at once.
    """

    delay: jax.Array
    good: jax.Array
    bait: jax.Array


class Due(NamedTuple):
    """The state of an episode.

    Attributes:
        steps: so far.
        context: what is seen.
        due: ``[slots]``, what the next steps will pay, from the nearest on.
    """

    steps: jax.Array
    context: jax.Array
    due: jax.Array


@component
class DelayedRewards(Environment):
    """Good actions are paid late, a bait pays less at once, and all rewards are noisy; each lifetime draws the delay.

    Each step shows one of a few contexts, drawn uniformly; actions do not change which. In each context one action is good: it
    pays 1, ``delay`` steps later, or never if the episode is over by then. Another one is the bait, which pays ``bait`` at
    once. Which they are is drawn for each lifetime, as is the delay, uniformly between its bounds. Every step pays noise from
    ``N(0, noise^2)`` besides. The observation is the context, one-hot; what is due is not seen.

    With a discount gamma the good action is better than the bait where ``gamma^delay > bait``: a gamma below
    ``bait^(1 / delay)`` learns the bait. Of all above it, a larger one gathers more noise, of the steps after the payment: with
    white noise alone, the good action stands out most from it at ``gamma^2 = delay / (delay + 1)``. So each task has a best
    discount of its own.

    Nothing but ``contexts``, ``actions`` and ``slots`` sets a shape: all tasks of the family are one program.

    >>> family = DelayedRewards(shortest=2, longest=2, noise=0.0)
    >>> task = family.sample_task(jax.random.key(0))
    >>> state, rewards = family.reset(jax.random.key(1), task)[0], []
    >>> for action in (task.good, task.bait, task.bait):  # by context
    ...     step = family.step(jax.random.key(2), state, action[state.context], task)
    ...     state = step.state
    ...     rewards.append(round(float(step.reward), 1))
    >>> rewards
    [0.0, 0.1, 1.1]

    Attributes:
        contexts: how many there are.
        actions: how many there are; those that are neither good nor the bait pay nothing.
        slots: the longest delay that any task can have.
        shortest, longest: steps of delay.
        bait: what the bait pays.
        noise: standard deviation of the noise of a reward.
        horizon: steps after which an episode is cut off.
    """

    contexts: Count = 4
    actions: Annotated[int, AtLeast(2)] = 3
    slots: Count = 64
    shortest: Integer = integer(8, low=1, high=1000)
    longest: Integer = integer(32, low=1, high=1000)
    bait: Scalar = real(0.1, low=0.0, high=1.0)
    noise: Scalar = real(0.5, low=0.0, high=10.0)
    horizon: Integer = integer(200, low=1, high=1_000_000)

    def spec(self) -> Spec:
        check_sizes(self.shortest, self.longest, largest=self.slots)
        return Spec((self.contexts,), Discrete(self.actions))

    def sample_task(self, key: Key) -> Task:
        key_delay, key_actions = named_keys(key, "delay", "actions")
        orders = jax.vmap(lambda k: jax.random.permutation(k, self.actions))(jax.random.split(key_actions, self.contexts))
        good, bait = orders[:, 0].astype(jnp.int32), orders[:, 1].astype(jnp.int32)
        return Payments(drawn_size(key_delay, self.shortest, self.longest), good, bait)

    def reset(self, key: Key, task: Task) -> tuple[Due, jax.Array]:
        del task
        state = Due(jnp.int32(0), self._drawn(key), jnp.zeros(self.slots))
        return state, self._observation(state)

    def step(self, key: Key, state: Due, action: jax.Array, task: Task) -> Step:
        payments: Payments = task
        key_context, key_noise = jax.random.split(key)
        at_once = self.bait * (action == payments.bait[state.context])
        reward = state.due[0] + at_once + self.noise * jax.random.normal(key_noise)
        good = (action == payments.good[state.context]).astype(jnp.float32)
        due = jnp.append(state.due[1:], 0.0).at[payments.delay - 1].add(good)
        following = Due(state.steps + 1, self._drawn(key_context), due)
        late = following.steps >= self.horizon
        return Step(following, self._observation(following), reward, terminated=jnp.array(False), truncated=late)

    def expert(self, state: Due, task: Task) -> jax.Array:
        """The good action while it will be paid in time, then the bait."""
        in_time = state.steps + task.delay < self.horizon
        return jnp.where(in_time, task.good[state.context], task.bait[state.context])

    def _drawn(self, key: Key) -> jax.Array:
        return jax.random.randint(key, (), 0, self.contexts)

    def _observation(self, state: Due) -> jax.Array:
        return jax.nn.one_hot(state.context, self.contexts)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("delayed_rewards", DelayedRewards)
    add_family_tasks(registry, "delayed_rewards")
