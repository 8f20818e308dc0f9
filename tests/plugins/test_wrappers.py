"""Wrappers: what they add, and that terminations and truncations stay what they are."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from discover_zoo.environments.catch import Catch
from discover_zoo.wrappers.action_repeat import ActionRepeat
from discover_zoo.wrappers.frame_stack import FrameStack
from discover_zoo.wrappers.last_action_and_reward import LastActionAndReward
from discover_zoo.wrappers.sticky_actions import StickyActions
from discover_zoo.wrappers.time_limit import TimeLimit

from discover import Continuous, Discrete, Environment, Redraw, Spec, Step, UserError, Wrapper, component
from discover.testing import check_environment

WRAPPERS = [TimeLimit(steps=3), FrameStack(frames=3), ActionRepeat(times=3), StickyActions(), LastActionAndReward()]


@component
class Count(Environment):
    """Counts steps and shows the count and the task; pays the action; ends after ``terminates`` or ``truncates`` steps."""

    terminates: int = 99
    truncates: int = 99
    real: bool = False

    @property
    def redraw(self) -> Redraw:
        return "episode"

    def spec(self) -> Spec:
        return Spec((2,), Continuous((-9.0,), (9.0,)) if self.real else Discrete(4))

    def sample_task(self, key: jax.Array) -> Any:
        return jax.random.uniform(key)

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        return jnp.zeros((), jnp.int32), self._seen(jnp.int32(0), task)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        count, paid = state + 1, jnp.float32(action[0] if self.real else action)
        return Step(count, self._seen(count, task), paid, count == self.terminates, count == self.truncates)

    def _seen(self, count: jax.Array, task: jax.Array) -> jax.Array:
        return jnp.stack([count.astype(jnp.float32), task])


class Episode(NamedTuple):
    observations: np.ndarray  # one more than steps
    rewards: np.ndarray
    terminated: np.ndarray
    truncated: np.ndarray


def played(environment: Environment, actions: Any, seed: int = 0) -> Episode:
    """An episode with these actions, as far as it goes."""
    key = jax.random.key(seed)
    task = environment.sample_task(key)
    state, first = environment.reset(key, task)

    def step(state: Any, x: Any) -> Any:
        made = environment.step(jax.random.fold_in(key, x[0]), state, x[1], task)
        return made.state, (made.observation, made.reward, made.terminated, made.truncated)

    actions = jnp.asarray(actions)
    seen, *rest = jax.lax.scan(step, state, (jnp.arange(len(actions)), actions))[1]
    rewards, terminated, truncated = map(np.asarray, rest)
    ends = np.flatnonzero(terminated | truncated)
    length = ends[0] + 1 if len(ends) else len(actions)
    observations = np.concatenate([np.asarray(first)[None], np.asarray(seen)])[: length + 1]
    return Episode(observations, rewards[:length], terminated[:length], truncated[:length])


@pytest.mark.parametrize("wrapper", WRAPPERS, ids=lambda w: type(w).__name__)
@pytest.mark.parametrize(
    "inner", [Count(truncates=7), Count(terminates=5, real=True), pytest.param(Catch(), marks=pytest.mark.slow)], ids=repr
)
def test_a_wrapped_family_is_a_family(wrapper: Wrapper, inner: Environment) -> None:
    family = wrapper.wrap(inner)
    check_environment(family, steps=16, num_envs=2)
    assert family.redraw == inner.redraw
    assert family.spec().action == inner.spec().action
    key = jax.random.key(3)
    np.testing.assert_array_equal(family.sample_task(key), inner.sample_task(key))


@pytest.mark.parametrize("wrapper", [w for w in WRAPPERS if not isinstance(w, TimeLimit | ActionRepeat)], ids=repr)
@pytest.mark.parametrize("inner", [Count(terminates=5), Count(truncates=5)], ids=["terminates", "truncates"])
def test_episodes_end_as_they_do_without_the_wrapper(wrapper: Wrapper, inner: Count) -> None:
    ours, alone = played(wrapper.wrap(inner), [1] * 8), played(inner, [1] * 8)
    np.testing.assert_array_equal(ours.terminated, alone.terminated)
    np.testing.assert_array_equal(ours.truncated, alone.truncated)


@pytest.mark.parametrize(
    ("inner", "length", "how"),
    [
        (Count(), 3, "truncated"),
        (Count(terminates=2), 2, "terminated"),
        (Count(terminates=3), 3, "terminated"),
        (Count(truncates=2), 2, "truncated"),
    ],
)
def test_a_time_limit_truncates_what_has_not_ended(inner: Count, length: int, how: str) -> None:
    episode = played(TimeLimit(steps=3).wrap(inner), [1] * 8)
    assert len(episode.rewards) == length
    assert (episode.terminated[-1], episode.truncated[-1]) == (how == "terminated", how == "truncated")
    assert episode.observations[-1][0] == length  # what it shows is the true next state


def test_frames_are_stacked_the_newest_last() -> None:
    shown = played(FrameStack(frames=3).wrap(Count()), [0] * 4).observations
    np.testing.assert_array_equal(shown[:, ::2], [[0, 0, 0], [0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]])
    np.testing.assert_array_equal(shown[:, 1::2], shown[-1, -1])  # the task, which is seen in all frames from the start
    assert shown[-1, -1] > 0.0


def test_stacked_pictures_stay_pictures() -> None:
    family = FrameStack(frames=2).wrap(Catch())
    assert family.spec().observation_shape == (8, 8, 2)
    assert FrameStack(frames=2).wrap(family).spec().observation_shape == (8, 8, 4)
    shown, alone = played(family, [1] * 3).observations, played(Catch(), [1] * 3).observations
    np.testing.assert_array_equal(shown[2, ..., 1], alone[2])
    np.testing.assert_array_equal(shown[2, ..., 0], alone[1])


def test_a_repeated_action_pays_the_sum_and_stops_where_the_episode_ends() -> None:
    def outcome(inner: Count) -> Any:
        episode = played(ActionRepeat(times=3).wrap(inner), [2, 1, 1, 1])
        last = (bool(episode.terminated[-1]), bool(episode.truncated[-1]))
        return episode.rewards.tolist(), episode.observations[:, 0].tolist(), last

    assert outcome(Count()) == ([6.0, 3.0, 3.0, 3.0], [0.0, 3.0, 6.0, 9.0, 12.0], (False, False))
    assert outcome(Count(terminates=5)) == ([6.0, 2.0], [0.0, 3.0, 5.0], (True, False))
    assert outcome(Count(truncates=4)) == ([6.0, 1.0], [0.0, 3.0, 4.0], (False, True))
    assert outcome(Count(terminates=3)) == ([6.0], [0.0, 3.0], (True, False))


@component
class WholeRewards(Count):
    """Pays whole numbers, as some environments do."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        made = super().step(key, state, action, task)
        return made._replace(reward=made.reward.astype(jnp.int32))


def test_whole_rewards_are_summed_too() -> None:
    rewards = played(ActionRepeat(times=3).wrap(WholeRewards()), [2, 1]).rewards
    assert (rewards.tolist(), rewards.dtype) == ([6.0, 3.0], np.float32)


@pytest.mark.parametrize("real", [False, True])
def test_sticky_actions_do_the_previous_one_once_more(real: bool) -> None:
    """The actions done are seen in the rewards. Of 4000 steps a quarter sticks, within five standard errors."""
    asked = np.arange(4000) % 4
    actions = asked.astype(np.float32)[:, None] if real else asked
    inner = Count(terminates=9999, truncates=9999, real=real)
    done = played(StickyActions(probability=0.25).wrap(inner), actions).rewards
    stuck = done[1:] != asked[1:]
    np.testing.assert_array_equal(done[1:][stuck], done[:-1][stuck])
    assert done[0] == asked[0]
    # an action that sticks is the one asked for, unnoticed, where as many as four in a row did: 0.25^4
    assert abs(stuck.mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000) + 0.25**4
    np.testing.assert_array_equal(played(StickyActions(probability=0.0).wrap(inner), actions).rewards, asked)
    np.testing.assert_array_equal(played(StickyActions(probability=1.0).wrap(inner), actions[1:5]).rewards, [1.0] * 4)


def test_the_last_action_and_reward_are_shown_after_the_observation() -> None:
    shown = played(LastActionAndReward().wrap(Count()), [2, 1]).observations[:, [0, 2, 3, 4, 5, 6]]
    np.testing.assert_array_equal(shown, [[0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 2], [2, 0, 1, 0, 0, 1]])
    shown = played(LastActionAndReward().wrap(Count(real=True)), [[0.5], [-1.5]]).observations[:, [0, 2, 3]]
    np.testing.assert_array_equal(shown, [[0, 0, 0], [1, 0.5, 0.5], [2, -1.5, -1.5]])
    assert LastActionAndReward().wrap(Catch()).spec().observation_shape == (68,)


def test_wrappers_wrap_each_other() -> None:
    family = LastActionAndReward().wrap(TimeLimit(steps=2).wrap(FrameStack(frames=2).wrap(Count())))
    episode = played(family, [1, 3, 2])
    assert episode.truncated.tolist() == [False, True]
    np.testing.assert_array_equal(episode.observations[-1][[0, 2, 7, 8]], [1, 2, 1, 3])


@pytest.mark.parametrize(("wrapper", "count"), [(TimeLimit, "steps"), (FrameStack, "frames"), (ActionRepeat, "times")])
def test_counts_below_one_are_refused(wrapper: type[Wrapper], count: str) -> None:
    with pytest.raises(UserError, match=rf"^{count} of {wrapper.__name__} must be a whole number of at least 1; got 0\.$"):
        wrapper(**{count: 0})
