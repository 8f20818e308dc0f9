"""A lifetime: its learning curve against a simulation by hand, its clock, and that it can be continued to the same bits."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import Blank, Climb, Payday

from discover import Algorithm, Environment, Rollout, Trajectory, UserError, World, component, named_key, replace
from discover.inner_loop import lifetime
from discover.inner_loop.lifetime import Curve
from discover.inner_loop.programs import Programs, Updates

RUN = jax.jit(lifetime.run)
SLOPE = 0.25


def candidate(**rule: Any) -> Algorithm:
    return Algorithm(rule=Climb(**{"slope": SLOPE, "steps": 4, "num_envs": 2, **rule}), network=Blank())


def lived(updates: int, environment: Environment | None = None, seed: int = 0, **rule: Any) -> Curve:
    return jax.device_get(RUN(candidate(**rule), environment or Payday(), jax.random.key(seed), updates))


def updates_of(row: int, updates: int) -> list[int]:
    """The updates that begin in a row's interval; where none begins, the one that goes on."""
    return [u for u in range(updates) if u * 100 // updates == row] or [row * updates // 100]


def by_hand(updates: int, steps: int, length: int, anew: bool = False, start: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Returns and lengths ``[100]`` of a Climb on a Payday, whose columns are all alike, step by step.

    Args:
        updates: U.
        steps: T.
        length: of an episode.
        anew: whether environments start over at each update.
        start: first update of the window whose curve it is; nothing counts that ended before.
    """
    last: list[list[tuple[float, int]]] = [[] for _ in range(updates)]  # the last finished episode after each step
    paid, count, finished = 0.0, 0, None
    for update in range(updates):
        paid, count = (0.0, 0) if anew else (paid, count)
        finished = None if update == start else finished
        for _ in range(steps):
            paid, count = paid + update * SLOPE, count + 1
            if count == length:
                finished, paid, count = (paid, length), 0.0, 0
            if finished is not None:
                last[update].append(finished)
    rows = [[seen for update in updates_of(row, updates - start) for seen in last[start + update]] for row in range(100)]
    first = next((row for row in rows if row), [(np.nan, np.nan)])
    table = np.asarray([np.mean(row or first, axis=0) for row in rows])
    return table[:, 0], table[:, 1]


# Curves ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("updates", [1, 7, 99, 100, 101, 250])
@pytest.mark.parametrize("length", [5, 30])
def test_a_row_is_the_mean_over_its_interval(updates: int, length: int) -> None:
    curve = lived(updates, Payday(length=length))
    returns, lengths = by_hand(updates, steps=4, length=length)
    np.testing.assert_allclose(curve.episode_return, returns, rtol=1e-5)
    np.testing.assert_allclose(curve.episode_length, lengths, rtol=1e-5)


def test_rows_before_the_first_finished_episode_take_the_first_value() -> None:
    curve = lived(100, Payday(length=30))
    first = sum(update * SLOPE for update in range(8) for _ in range(4)) - 2 * 7 * SLOPE
    np.testing.assert_allclose(curve.episode_return[:8], np.full(8, first), rtol=1e-6)
    assert curve.episode_return[-1] > first


def test_one_step_of_one_environment_is_a_row() -> None:
    curve = lived(100, Payday(length=1), steps=1, num_envs=1)
    np.testing.assert_allclose(curve.episode_return, SLOPE * np.arange(100), rtol=1e-5)
    np.testing.assert_array_equal(curve.episode_length, 1.0)


def test_no_episode_ends_no_return() -> None:
    curve = lived(10, Payday(length=0))
    assert np.isnan(curve.episode_return).all()
    assert np.isnan(curve.episode_length).all()
    assert curve.finite


@pytest.mark.parametrize("updates", [7, 250])
def test_info_is_the_mean_over_the_updates_of_a_row(updates: int) -> None:
    level = [1 + np.mean(updates_of(row, updates)) for row in range(100)]
    np.testing.assert_allclose(lived(updates).info["level"], SLOPE * np.asarray(level), rtol=1e-5)


def test_the_clock_counts_env_steps() -> None:
    assert lived(10).env_steps == 10 * 4 * 2
    algorithm = candidate(steps=3, num_envs=5)
    assert lifetime.updates_in(algorithm, Payday(), 15) == 1
    assert lifetime.updates_in(algorithm, Payday(), 164) == 10
    with pytest.raises(UserError) as caught:
        lifetime.updates_in(algorithm, Payday(), 14)
    assert str(caught.value) == (
        "a lifetime of 14 env steps is shorter than one update of Climb, which takes 15 (3 steps x 5 environments): give at "
        "least 15 steps."
    )


def test_a_lifetime_of_a_budget_takes_as_many_updates_as_fit() -> None:
    algorithm, key = candidate(), jax.random.key(0)
    curve = jax.jit(lambda key: lifetime.run_lifetime(algorithm, Payday(), key, 59))(key)
    jax.tree.map(np.testing.assert_array_equal, curve, lived(7))
    with pytest.raises(UserError, match="a lifetime of 7 env steps is shorter than one update of Climb, which takes 8"):
        lifetime.run_lifetime(algorithm, Payday(), key, 7)


def test_more_than_can_be_counted_is_refused() -> None:
    most = (2**31 - 1) // 100
    single = candidate(steps=1, num_envs=1)
    assert lifetime.updates_in(single, Payday(), most) == most
    assert lifetime.updates_in(candidate(steps=1000), Payday(), 2**31 - 1) == (2**31 - 1) // 2000
    for algorithm, steps in ((single, most + 1), (candidate(steps=1000), 2**31)):
        with pytest.raises(
            UserError, match=rf"^a lifetime of {steps} env steps in \d+ updates is too long: 2147483647 env steps"
        ):
            lifetime.updates_in(algorithm, Payday(), steps)


@component
class Alone(Climb):
    """Collects by itself, and reports only that."""

    told: tuple[str, ...] = ()

    def rollout(self, spec: Any) -> Rollout:
        return Rollout(4, 2, by_rule=True)

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Any) -> tuple[Any, Any, Any]:
        return params, state, dict.fromkeys(self.told, jnp.float32(8.0)) | {"other": jnp.float32(3.0)}


def test_a_rule_that_collects_by_itself_reports_its_episodes_and_its_steps() -> None:
    names = ("episode_return", "episode_length", "episodes", "env_steps")
    algorithm, key = Algorithm(rule=Alone(told=names), network=Blank()), jax.random.key(0)
    life = jax.jit(
        lambda: lifetime.advance(algorithm, Payday(), lifetime.begin(algorithm, Payday(), key), 0, stop=3, total=3)
    )()
    curve = lifetime.curve_of(life, 3)
    assert curve.env_steps == 3 * 8
    assert not lifetime.fresh_window(life).counts.any()
    np.testing.assert_array_equal(
        [curve.episode_return, curve.episode_length, curve.info["other"]], np.outer([1, 1, 3], np.ones(100))
    )
    for lacking in names:
        told = tuple(name for name in names if name != lacking)
        with pytest.raises(UserError, match=f"^Alone collects by itself, but its info lacks '{lacking}': add World.report"):
            jax.eval_shape(lambda told=told: lifetime.run(Algorithm(rule=Alone(told=told), network=Blank()), Payday(), key, 3))


def test_nan_in_the_parameters_is_noticed() -> None:
    assert lived(10, limit=10 * SLOPE).finite
    assert not lived(10, limit=9.5 * SLOPE).finite


@component
class Clock(Climb):
    """Reports the clock that its world shows."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Any]:
        params, state, _ = super().update(key, world, params, state, trajectory)
        return params, state, {"progress": world.progress, "spent": jnp.float32(world.env_steps)}


@pytest.mark.parametrize("updates", [1, 7, 100])
def test_a_rule_sees_what_was_spent_before_the_update(updates: int) -> None:
    algorithm = Algorithm(rule=Clock(steps=3, num_envs=5), network=Blank())
    info = jax.device_get(RUN(algorithm, Payday(), jax.random.key(0), updates)).info
    before = np.asarray([np.mean(updates_of(row, updates)) for row in range(100)])
    np.testing.assert_allclose(info["progress"], before / updates, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(info["spent"], before * 3 * 5)


@pytest.mark.parametrize("length", [5, 30])
def test_a_window_has_a_curve_of_its_own(length: int) -> None:
    """Its rows are spread over its updates, and an episode counts that ended in it, though it began before."""
    algorithm, environment, start, total = candidate(), Payday(length=length), 7, 20

    @jax.jit
    def curve(key: jax.Array) -> Curve:
        life = lifetime.advance(algorithm, environment, lifetime.begin(algorithm, environment, key), 0, stop=start, total=total)
        window = (start, total - start)
        life = lifetime.advance(
            algorithm, environment, lifetime.fresh_window(life), start, stop=total, total=total, window=window
        )
        return lifetime.curve_of(life, total - start)

    made = curve(jax.random.key(0))
    returns, lengths = by_hand(total, steps=4, length=length, start=start)
    np.testing.assert_allclose(made.episode_return, returns, rtol=1e-5)
    np.testing.assert_allclose(made.episode_length, lengths, rtol=1e-5)


# Tasks ----------------------------------------------------------------------------------------------------------------


def paid(environment: Payday, updates: int = 12, **rule: Any) -> np.ndarray:
    """Mean reward of each update."""
    curve = lived(updates, environment, slope=0.0, num_envs=1, **rule)
    return np.asarray(curve.info["reward"])[[-(-u * 100 // updates) for u in range(updates)]]


def test_a_task_is_kept_or_drawn_anew_as_the_family_says() -> None:
    kept = paid(Payday(spread=1.0))
    assert len(np.unique(kept)) == 1
    per_update = paid(Payday(spread=1.0, drawn="update"))
    assert len(np.unique(per_update)) == 12
    per_episode = paid(Payday(spread=1.0, drawn="episode", length=8))
    assert len(np.unique(per_episode)) == 6
    np.testing.assert_array_equal(per_episode[0::2], per_episode[1::2])


def test_starting_over_at_each_update_forgets_the_episode_that_was_cut() -> None:
    curve = lived(20, Payday(length=3, drawn="update"))
    returns, lengths = by_hand(20, steps=4, length=3, anew=True)
    np.testing.assert_allclose(curve.episode_return, returns, rtol=1e-5)
    np.testing.assert_array_equal(curve.episode_length, lengths)


def test_tasks_do_not_depend_on_what_the_rule_draws() -> None:
    quiet, noisy = (paid(Payday(spread=1.0, drawn="update"), noise=noise) for noise in (0.0, 1e-7))
    np.testing.assert_allclose(quiet, noisy, atol=1e-5)


# Continuing -----------------------------------------------------------------------------------------------------------


def test_a_lifetime_in_pieces_is_the_one_in_one_go_to_the_bit() -> None:
    programs = Programs(tuple(jax.devices()), alone=False)
    environment, total = Payday(length=7, spread=1.0, drawn="episode"), 30
    members = jax.tree.map(lambda x: jnp.stack([x, x]), candidate(noise=0.5))
    members = programs.place(replace(members, {"rule.slope": jnp.asarray([0.1, 0.2])}))

    def live(*stops: int) -> Any:
        ongoing = programs.begin(environment, members, programs.place(jax.random.split(jax.random.key(3), 2)))
        for start, stop in zip((0, *stops), (*stops, total), strict=False):
            updates = Updates(start, stop, total, first=0, length=total)
            ongoing = programs.advance(environment, members, ongoing, updates)
            ongoing = programs.place(jax.tree.map(stored, ongoing))
        return jax.device_get((ongoing, programs.finish(ongoing, total)))

    whole, pieces = live(), live(1, 2, 17, 17, 29)
    assert [np.asarray(raw(x)).tobytes() for x in jax.tree.leaves(whole)] == [
        np.asarray(raw(x)).tobytes() for x in jax.tree.leaves(pieces)
    ]
    assert np.unique(whole[1].episode_return).size > 2


def raw(x: Any) -> Any:
    return jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x


def stored(x: Any) -> Any:
    """The array as it comes back from the host."""
    if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
        return jax.random.wrap_key_data(jnp.asarray(np.asarray(jax.random.key_data(x))), impl=jax.random.key_impl(x))
    return np.asarray(x)


# Ends of episodes -----------------------------------------------------------------------------------------------------


def collected(environment: Environment, steps: int) -> tuple[World, Trajectory]:
    algorithm = candidate(steps=steps, num_envs=1)
    world = algorithm.world(environment)
    params = world.initial_params(jax.random.key(0))
    tasks = world.sample_tasks(jax.random.key(1), 1)
    actor = world.start(jax.random.key(2), tasks)
    return world, jax.jit(lambda actor: world.collect(params, actor, jax.random.key(3), steps)[1])(actor)


@pytest.mark.parametrize("cut", [False, True])
def test_truncation_is_told_from_termination_and_keeps_the_true_next_observation(cut: bool) -> None:
    world, trajectory = collected(Payday(length=3, cut=cut), 7)
    ends = [False, False, True, False, False, True, False]
    assert trajectory.truncated[:, 0].tolist() == [cut and end for end in ends]
    assert trajectory.terminated[:, 0].tolist() == [not cut and end for end in ends]
    assert trajectory.is_first[:, 0].tolist() == [True, False, False, True, False, False, True]
    assert trajectory.observation[:, 0, 0].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert trajectory.next_observation[:, 0, 0].tolist() == [1, 2, 3, 1, 2, 3, 1]
    after = world.evaluate_next({"policy": jnp.zeros(1), "value": jnp.zeros(())}, trajectory)["value"]
    assert after[:, 0].tolist() == [1, 2, 3, 1, 2, 3, 1]


@component
class Both(Payday):
    """Ends by both at once."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Any:
        made = super().step(key, state, action, task)
        return made._replace(truncated=made.terminated)


def test_a_terminal_state_that_is_also_cut_counts_as_terminal() -> None:
    _, trajectory = collected(Both(length=2), 4)
    assert trajectory.terminated[:, 0].tolist() == [False, True, False, True]
    assert not trajectory.truncated.any()


def test_keys_of_a_lifetime_are_named() -> None:
    world = candidate().world(Payday())
    life = lifetime.begin(candidate(), Payday(spread=1.0), jax.random.key(0))
    assert life.actor is not None
    task = world.sample_tasks(named_key(jax.random.key(0), "tasks"), 1)[0]
    np.testing.assert_array_equal(life.actor.task, np.full(2, task))
