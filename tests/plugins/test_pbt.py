"""Population-based training: who copies whom, what a copy explores, and agents that go on through a real search."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from discover_zoo.strategies.pbt.exploit import MEMORY, Scores, no_scores, t_test, truncation, welch
from discover_zoo.strategies.pbt.pbt import PBT

from discover import (
    Component,
    Integer,
    IntegerDomain,
    RealDomain,
    Scalar,
    Space,
    Told,
    UserError,
    component,
    free,
    hookimpl,
    integer,
    real,
)
from discover.base.randomness import unrolled
from discover.contract.events import Generation, SearchInfo
from discover.inner_loop.population import inherit
from discover.outer_loop.search import resume, search
from discover.plugin.loader import load_plugins
from discover.testing.strategies import check_strategy


@component
class Numbers(Component):
    rate: Scalar = real(0.01, low=1e-4, high=1.0, scale="log")
    cost: Scalar = real(0.0, low=0.0, high=2.0)
    count: Integer = integer(3, low=1, high=9)


SPACE = Space(Numbers(rate=free(), cost=free(), count=free()))


def scored(*windows: list[float]) -> Scores:
    """The scores of members, window by window."""
    scores = no_scores(len(windows[0]))
    for window in windows:
        scores = scores.append(jnp.asarray(window))
    return scores


@pytest.mark.parametrize("strategy", [PBT(), PBT(exploit="t_test", level=0.9, resample=0.5)])
def test_it_keeps_the_promises_of_its_kind(strategy: PBT) -> None:
    check_strategy(strategy)


# Exploitation ---------------------------------------------------------------------------------------------------------


def test_by_truncation_the_worst_fifth_takes_over_the_best_fifth() -> None:
    fitness = [3.0, 9.0, 1.0, 4.0, 0.0, 5.0, 8.0, 2.0, 7.0, 6.0]
    drawn = np.stack([truncation(jax.random.key(i), scored(fitness), 0.2) for i in range(40)])
    stays = [i for i in range(10) if i not in (2, 4)]
    np.testing.assert_array_equal(drawn[:, stays], np.broadcast_to(stays, (40, 8)))
    assert set(drawn[:, 2]) == set(drawn[:, 4]) == {1, 6}


def test_of_two_the_worse_takes_over_the_better_and_without_a_share_nobody_does() -> None:
    for key in jax.random.split(jax.random.key(0), 5):
        np.testing.assert_array_equal(truncation(key, scored([1.0, 2.0]), 0.2), [1, 1])
        np.testing.assert_array_equal(truncation(key, scored([1.0, 2.0]), 0.0), [0, 1])
        assert truncation(key, scored([1.0, 2.0, 3.0, 4.0]), 1.0).tolist()[2:] == [2, 3]  # half of them stay at least


def test_welch_gives_the_p_of_tables() -> None:
    """t = 2.228 is the two-sided 5 % point at 10 degrees of freedom, t = 12.706 that at 1 (Student's table)."""
    equal = welch(jnp.float32(2.228), jnp.float32(0.5), jnp.float32(0.5), count=jnp.int32(6), other_count=jnp.int32(6))
    one_sided_spread = welch(
        jnp.float32(12.706), jnp.float32(1.0), jnp.float32(0.0), count=jnp.int32(2), other_count=jnp.int32(9)
    )
    np.testing.assert_allclose([equal, one_sided_spread], 0.05, rtol=1e-3)


def test_by_t_test_only_what_is_clearly_better_is_taken_over() -> None:
    windows = [[0.0, 1.0], [0.1, 0.9], [-0.1, 1.1]]
    key = jax.random.key(3)
    np.testing.assert_array_equal(t_test(key, scored(*windows), 0.05), [1, 1])
    np.testing.assert_array_equal(t_test(key, scored(windows[0]), 0.05), [0, 1])  # one score each says nothing
    noisy = [[0.0, 1.0], [2.0, -1.5], [-1.0, 2.0]]
    np.testing.assert_array_equal(t_test(key, scored(*noisy), 0.05), [0, 1])
    forgotten = scored(*windows).reset(jnp.array([False, True]))
    np.testing.assert_array_equal(t_test(key, forgotten, 0.05), [0, 1])


def test_scores_are_remembered_up_to_ten_and_forgotten_with_the_agent() -> None:
    scores = scored(*[[float(i), 0.0] for i in range(12)])
    assert scores.earned.tolist() == [MEMORY, MEMORY]
    assert scores.values[0].tolist() == [float(i) for i in range(2, 12)]
    assert scores.reset(jnp.array([True, False])).append(jnp.ones(2)).earned.tolist() == [1, MEMORY]


def test_nothing_is_exploited_before_a_score_exists() -> None:
    state = PBT().init(jax.random.key(0), SPACE, 6)
    ask = jax.jit(lambda key, state: PBT().ask(key, state, SPACE, 6))
    proposal, state = ask(jax.random.key(1), state)
    np.testing.assert_array_equal(proposal.parents, np.arange(6))
    np.testing.assert_array_equal(proposal.genomes[0], SPACE.start(jax.random.key(0)))
    state = PBT().tell(jax.random.key(2), state, SPACE, Told.of(proposal.genomes, jnp.arange(6.0)))
    after, asked = ask(jax.random.key(3), state)
    np.testing.assert_array_equal(after.parents, [5, 1, 2, 3, 4, 5])
    np.testing.assert_array_equal(after.genomes[1:], proposal.genomes[1:])
    assert asked.scores.earned.tolist() == [0, 1, 1, 1, 1, 1]


def test_the_recommendation_is_what_the_best_of_the_last_window_lives_by() -> None:
    genomes = jnp.arange(4.0 * SPACE.dimension).reshape(4, -1)
    state = PBT().init(jax.random.key(0), SPACE, 4)._replace(genomes=genomes)
    for window in ([9.0, 1.0, 2.0, 3.0], [1.0, 2.0, 4.0, 3.0]):
        state = PBT().tell(jax.random.key(1), state, SPACE, Told.of(genomes, jnp.asarray(window)))
    np.testing.assert_array_equal(PBT().recommendation(state, SPACE), genomes[2])


# Exploration ----------------------------------------------------------------------------------------------------------


@component
class Scales(Component):
    """A number on each scale, and whole numbers of a small and a large range."""

    rate: Scalar = real(0.01, low=1e-4, high=1.0, scale="log")
    gamma: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")
    chance: Scalar = real(0.5, low=0.001, high=0.999, scale="logit")
    cost: Scalar = real(0.0, low=0.0, high=2.0)
    clip: Scalar = real(0.2, low=0.1, high=0.5)
    count: Integer = integer(3, low=1, high=9)
    steps: Integer = integer(50, low=1, high=201)


SCALES = Space(Scales(rate=free(), gamma=free(), chance=free(), cost=free(), clip=free(), count=free(), steps=free()))


def explored(strategy: PBT, **values: Any) -> Any:
    """What 64 copies of a member explore."""
    genome = jnp.asarray(SCALES.encode(Scales(**values)))
    keys = jax.random.split(jax.random.key(5), 64)
    return jax.jit(jax.vmap(lambda key: SCALES.decode(strategy.explored(key, genome, genome, SCALES), ())))(keys)


STEPS: dict[str, tuple[Any, list[Any]]] = {
    "rate": (0.05, [0.04, 0.06]),
    "gamma": (0.99, [0.988, 0.992]),  # 1 - 0.012, 1 - 0.008
    "chance": (0.9, [7.2 / 8.2, 10.8 / 11.8]),  # odds of 9 times 0.8 and 1.2
    "cost": (1.0, [0.9, 1.1]),
    "clip": (0.2, [0.18, 0.22]),
    "count": (4, [3, 5]),  # a twentieth of the range is less than one
    "steps": (50, [40, 60]),
}


@pytest.mark.parametrize(
    "name",
    ["rate", "gamma", "count", *[pytest.param(name, marks=pytest.mark.slow) for name in list(STEPS)[2:] if name != "count"]],
)
def test_a_number_is_perturbed_up_or_down_by_a_step_on_the_scale_of_its_domain(name: str) -> None:
    value, expected = STEPS[name]
    found = np.asarray(getattr(explored(PBT(), **{name: value}), name), np.float64)
    near = np.isclose(found[:, None], expected, rtol=0.0, atol=1e-5 * np.ptp(SCALES_RANGE[name]))
    assert near.any(axis=1).all()
    assert near.any(axis=0).all()


SCALES_RANGE = {
    gene.path: (gene.domain.low, gene.domain.high)
    for gene in SCALES.genes
    if isinstance(gene.domain, RealDomain | IntegerDomain)
}


@pytest.mark.parametrize("end", [0, 1], ids=["lowest", "highest"])
def test_perturbed_numbers_stay_in_range_and_leave_its_ends(end: int) -> None:
    values = {name: bounds[end] for name, bounds in SCALES_RANGE.items()}
    found = explored(PBT(), **values)
    for name, (low, high) in SCALES_RANGE.items():
        there = np.asarray(getattr(found, name))
        assert np.all((np.float32(low) <= there) & (there <= np.float32(high))), name
        assert np.any(there != np.asarray(values[name], there.dtype)), name
    assert not np.any(found.count == values["count"])


def test_the_step_and_the_shift_are_settings() -> None:
    found = explored(PBT(step=0.5, shift=0.1), gamma=0.99, cost=1.0, steps=50)
    for there, expected in ((found.gamma, [0.985, 0.995]), (found.cost, [0.8, 1.2]), (found.steps, [30, 70])):
        assert np.isclose(there[:, None], expected, rtol=1e-5).any(axis=1).all()


def test_resampled_numbers_come_from_the_prior() -> None:
    found = explored(PBT(resample=1.0), rate=0.01)
    assert np.ptp(np.log10(found.rate)) > 2.0
    assert np.ptp(found.cost) > 1.0


def test_some_numbers_begin_at_their_start_in_all_members() -> None:
    started = PBT(at_start=("cost",)).init(jax.random.key(0), SPACE, 8).genomes
    drawn = PBT().init(jax.random.key(0), SPACE, 8).genomes
    found, usual = (jax.vmap(lambda g: SPACE.decode(g, ()))(genomes) for genomes in (started, drawn))
    np.testing.assert_allclose(found.cost, 0.0, atol=1e-6)
    np.testing.assert_array_equal(found.rate, usual.rate)
    assert len(set(np.asarray(usual.cost).tolist())) == 8
    with pytest.raises(
        UserError, match=r"^at_start of pbt has 'cots', which is no open number of the candidate; did you mean 'cost'"
    ):
        PBT(at_start=("cots",)).check_population(SPACE, 8)  # when the config is read, before anything runs


# Through a search -----------------------------------------------------------------------------------------------------

WORDS: dict[str, Any] = {
    "name": "alive",
    "seed": 3,
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": {"free": {"low": 0.1, "high": 3.0, "scale": "log"}}}}},
    "strategy": {"pbt": {"share": 0.5}},
    "objective": "toy_finalreturn",
    "population": 4,
    "generations": 3,
    "seeds": 2,
    "finalists": 2,
    "selection_seeds": 2,
    "tasks": [{"task": "payday", "steps": 8 * 100}],
}


class Watcher:
    """Remembers generations; stops the search, or kills its process, in one."""

    def __init__(self, stop_in: int | None = None, kill_in: int | None = None):
        self.generations: list[Generation] = []
        self.spaces: list[Space] = []
        self.stop_in, self.kill_in = stop_in, kill_in

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        self.generations.append(generation)
        self.spaces.append(search.space)
        if generation.index == self.kill_in:
            os.kill(os.getpid(), signal.SIGKILL)
        if generation.index == self.stop_in:
            raise KeyboardInterrupt


def run(directory: Path, watcher: Watcher, **change: Any) -> None:
    search(load_plugins(extra=[toys, watcher]), {**WORDS, **change}, directory)


def arrays(directory: Path) -> dict[str, bytes]:
    with np.load(directory / "state.npz", allow_pickle=False) as stored:
        return {name: stored[name].tobytes() for name in stored.files if name != "text"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Watcher]:
    directory, watcher = tmp_path_factory.mktemp("pbt") / "whole", Watcher()
    run(directory, watcher)
    return directory, watcher


def test_agents_go_on_where_their_parents_stood(whole: tuple[Path, Watcher]) -> None:
    """The toy's level is the sum of the slopes under which its agent lived, and an episode pays five times that."""
    level = np.zeros(4)
    for generation, space in zip(whole[1].generations, whole[1].spaces, strict=True):
        slopes = np.asarray([space.decode(genome).rule.slope for genome in generation.genomes])
        start, stop = (100 * i // 3 for i in (generation.index, generation.index + 1))
        level = level[generation.parents] + (stop - start) * slopes
        shown = np.asarray(generation.returns[0])[:, :, -1].mean(axis=1)
        np.testing.assert_allclose(shown, 5 * level, atol=15 * slopes.max())  # an episode outlasts an update
        assert np.argsort(shown).tolist() == np.argsort(level).tolist()
        assert generation.env_steps == 4 * 2 * 8 * (stop - start)
    np.testing.assert_array_equal(whole[1].generations[0].parents, np.arange(4))
    moved = whole[1].generations[1]
    worst = np.argsort(whole[1].generations[0].fitness)[:2]
    assert set(np.flatnonzero(moved.parents != np.arange(4))) == set(worst)


def test_only_episodes_of_the_window_count(whole: tuple[Path, Watcher]) -> None:
    """Each window's curve has its own rows, that all lie above those of the window before: the toy only climbs."""
    before, after = (np.asarray(g.returns[0]) for g in whole[1].generations[:2])
    parents = whole[1].generations[1].parents
    assert np.all(after.min(axis=2) > before[parents].max(axis=2))


def test_copies_have_random_numbers_of_their_own(whole: tuple[Path, Watcher]) -> None:
    with np.load(whole[0] / "state.npz") as stored:
        keys = [a for a in (stored[n] for n in stored.files if n != "text") if a.dtype == np.uint32 and a.shape == (4, 2, 2)]
    (ongoing,) = keys
    assert len({member.tobytes() for member in ongoing}) == 4 - _kept(whole[1])


def _kept(watcher: Watcher) -> int:
    """How many members beyond the first still live with the stream that all members began with."""
    own = np.ones(4, bool)
    for generation in watcher.generations:
        own &= generation.parents == np.arange(4)
    return max(int(own.sum()) - 1, 0)


@pytest.mark.parametrize("stop_in", [pytest.param(0, marks=pytest.mark.slow), pytest.param(2, marks=pytest.mark.slow)])
def test_stopped_and_resumed_it_goes_on_to_the_same_bits(tmp_path: Path, whole: tuple[Path, Watcher], stop_in: int) -> None:
    directory = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        run(directory, Watcher(stop_in=stop_in), checkpoint_minutes=0.0)
    resume(load_plugins(extra=[toys]), directory)
    assert arrays(directory) == arrays(whole[0])


@pytest.mark.slow
def test_killed_and_resumed_it_goes_on_to_the_same_bits(tmp_path: Path, whole: tuple[Path, Watcher]) -> None:
    directory = tmp_path / "killed"
    words = json.dumps({**WORDS, "checkpoint_minutes": 0.0})
    program = (
        "import importlib.util, json, sys\n"
        "import conftest, toys\n"
        f"spec = importlib.util.spec_from_file_location('test_pbt', {str(Path(__file__))!r})\n"
        "made = importlib.util.module_from_spec(spec); sys.modules['test_pbt'] = made; spec.loader.exec_module(made)\n"
        "from pathlib import Path\n"
        f"made.run(Path({str(directory)!r}), made.Watcher(kill_in=2), **json.loads({words!r}))\n"
    )
    tests = str(Path(__file__).parents[1])
    paths = os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")]))
    ended = subprocess.run([sys.executable, "-c", program], cwd=tests, env={**os.environ, "PYTHONPATH": paths}, check=False)
    assert ended.returncode == -signal.SIGKILL
    resume(load_plugins(extra=[toys]), directory)
    assert arrays(directory) == arrays(whole[0])


def test_a_copy_draws_nothing_that_its_parent_drew() -> None:
    """An update's own keys are split off ``fold_in(stream, update)``."""
    streams = jax.vmap(jax.vmap(unrolled))(jax.random.split(jax.random.key(0), (4, 1)))
    ongoing = inherit(_Stream(streams), jnp.zeros(4, jnp.int32), 3)
    drawn = jax.random.split(jax.random.fold_in(streams[0, 0], 3), 4)
    copies = {bytes(np.asarray(jax.random.key_data(key))) for key in ongoing.key[1:, 0]}
    assert len(copies) == 3
    assert copies.isdisjoint(bytes(np.asarray(jax.random.key_data(key))) for key in drawn)


class _Stream(NamedTuple):
    key: jax.Array


def test_a_population_of_one_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^population 1 does not suit the strategy 'pbt': it needs 2 at least, one to copy"):
        run(tmp_path / "alone", Watcher(), population=1)


def test_a_space_of_several_structures_is_refused_in_one_sentence(tmp_path: Path) -> None:
    candidate = {"recipe": "climb", "rule": {"choice": [{"toy_climb": {"slope": "free"}}, {"toy_climb": {"num_envs": 3}}]}}
    with pytest.raises(UserError, match=r"^the strategy keeps agents alive .* holds 2: take the choices"):
        run(tmp_path / "choices", Watcher(), candidate=candidate)


def test_fewer_updates_than_generations_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^payday @ 16 has 2 updates for 3 generations"):
        run(tmp_path / "short", Watcher(), tasks=[{"task": "payday", "steps": 16}])
