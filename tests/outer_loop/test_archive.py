"""The archive: one row per candidate, its fitness the mean over its evaluations."""

from collections.abc import Sequence

import numpy as np
import pytest

from discover import Registry
from discover.components.space import Space
from discover.config.build import algorithm_from
from discover.contract.events import Status
from discover.outer_loop.archive import Archive, Evaluated, digests_of, empty_archive, update_archive
from discover.outer_loop.effort import Effort, whole_effort

OK, BROKEN = Status.OK, Status.NOT_FINITE
SIZE = 8


@pytest.fixture(scope="module")
def space(registry: Registry) -> Space:
    return Space(algorithm_from(registry, {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}}))


@pytest.fixture(scope="module")
def split(registry: Registry) -> Space:
    """Two options of a choice, each with a number of its own."""
    options = [{"toy_climb": {"slope": "free"}}, {"toy_climb": {"noise": "free"}}]
    return Space(algorithm_from(registry, {"recipe": "climb", "rule": {"choice": options}}))


def told(
    space: Space,
    archive: Archive,
    genomes: list[float],
    fitness: list[float],
    *,
    status: Sequence[int] | None = None,
    anew: bool = False,
) -> Archive:
    """The archive after a generation of one-number genomes: it has always the same size, as in a search; the rest broke."""
    count, rows, values = len(genomes), np.full((SIZE, 1), 0.9, np.float32), np.zeros(SIZE, np.float32)
    whole = np.full(SIZE, BROKEN, np.int8)
    rows[:count, 0], values[:count], whole[:count] = genomes, fitness, OK if status is None else status
    spread, effort = np.full(SIZE, np.inf), whole_effort(SIZE, 1)
    return update_archive(archive, space, Evaluated(rows, values, whole, spread, effort), anew=anew)


def rows(archive: Archive) -> list[tuple[float, float, int]]:
    """Genome, mean fitness and count of each row that is not empty."""
    table = zip(archive.genomes[:, 0].tolist(), archive.fitness.tolist(), archive.seeds.tolist(), strict=True)
    return [(round(genome, 3), fitness, count) for genome, fitness, count in table if count]


def test_a_candidate_evaluated_again_has_one_row_and_the_mean_of_all_its_evaluations(space: Space) -> None:
    archive = told(space, empty_archive(6, 1), [0.1, 0.2], [4.0, 3.0])
    archive = told(space, archive, [0.1, 0.3], [1.0, 2.0])
    archive = told(space, archive, [0.1], [1.0])
    assert rows(archive) == [(0.2, 3.0, 1), (0.1, 2.0, 3), (0.3, 2.0, 1)]
    assert archive.best(2)[:, 0].tolist() == pytest.approx([0.2, 0.1])


def test_members_of_one_generation_that_are_the_same_are_one_evaluation(space: Space) -> None:
    """All see the same seeds."""
    archive = told(space, empty_archive(4, 1), [0.1, 0.2, 0.1, 0.1], [4.0, 5.0, 4.0, 4.0])
    assert rows(archive) == [(0.2, 5.0, 1), (0.1, 4.0, 1)]
    assert rows(told(space, archive, [0.1], [2.0])) == [(0.2, 5.0, 1), (0.1, 3.0, 2)]


def test_a_fitness_does_not_depend_on_how_often_its_candidate_stands_in_the_generation(space: Space) -> None:
    for fitness in (0.1, 0.7, 3.3):  # of which the float32 mean of seven is another number
        assert rows(told(space, empty_archive(4, 1), [0.1] * 7, [fitness] * 7)) == [(0.1, float(np.float32(fitness)), 1)]


def test_what_broke_counts_for_nothing(space: Space) -> None:
    archive = told(space, empty_archive(4, 1), [0.1, 0.2], [4.0, -1e9], status=[OK, BROKEN])
    archive = told(space, archive, [0.1, 0.2], [-1e9, 1.0], status=[BROKEN, OK])
    assert rows(archive) == [(0.1, 4.0, 1), (0.2, 1.0, 1)]


def test_the_worst_rows_fall_out(space: Space) -> None:
    archive = told(space, empty_archive(2, 1), [0.1, 0.2, 0.3], [1.0, 3.0, 2.0])
    assert rows(archive) == [(0.2, 3.0, 1), (0.3, 2.0, 1)]
    assert rows(told(space, archive, [0.2, 0.4], [-9.0, 2.5])) == [(0.4, 2.5, 1), (0.3, 2.0, 1)]


def test_a_lifetime_that_goes_on_counts_by_its_last_part(space: Space) -> None:
    archive = told(space, empty_archive(4, 1), [0.1, 0.2], [1.0, 2.0], anew=True)
    archive = told(space, archive, [0.1, 0.1], [5.0, 7.0], anew=True)
    assert rows(archive) == [(0.1, 6.0, 1), (0.2, 2.0, 1)]


def test_genomes_that_differ_only_where_it_has_no_effect_are_one_candidate(split: Space) -> None:
    one = [1.0, 0.0, 0.5, 0.1]
    genomes = np.asarray([one, [2.0, 0.0, 0.5, 0.9], [1.0, 0.0, 0.4, 0.1], [0.0, 1.0, 0.5, 0.1]], np.float32)
    assert next(gene.path for gene in split.genes) == "rule"
    digests = [digest.tobytes() for digest in digests_of(split, genomes)]
    assert digests[0] == digests[1]
    assert len(set(digests)) == 3


def test_the_order_of_what_is_equal_is_that_in_which_it_came(space: Space) -> None:
    archive = told(space, empty_archive(3, 1), [0.3, 0.1, 0.2], [1.0, 1.0, 1.0])
    assert [row[0] for row in rows(told(space, archive, [0.4], [1.0]))] == [0.3, 0.1, 0.2]


# Seeds and budgets ----------------------------------------------------------------------------------------------------


def generation(
    space: Space, archive: Archive, members: Sequence[tuple[float, float, int]], *, spread: float = np.inf, budget: float = 1.0
) -> Archive:
    """The archive after a generation of members: genome, fitness and number of seeds of each; the rest was not run."""
    rest = [(0.99, 0.0, 0)] * (32 - len(members))
    genomes, fitness, seeds = (np.asarray(column) for column in zip(*members, *rest, strict=True))
    effort = Effort(seeds.astype(np.int32), np.full(32, budget, np.float32))
    status, spreads = np.where(seeds > 0, OK, Status.NOT_RUN), np.full(32, spread)
    made = Evaluated(genomes[:, None].astype(np.float32), fitness.astype(np.float32), status, spread=spreads, effort=effort)
    return update_archive(archive, space, made)


def test_a_mean_weighs_evaluations_by_their_seeds_and_what_was_not_run_counts_for_nothing(space: Space) -> None:
    archive = generation(space, empty_archive(4, 1), [(0.1, 1.0, 1), (0.2, 9.0, 0)])
    archive = generation(space, archive, [(0.1, 5.0, 3)])
    assert rows(archive) == [(0.1, 4.0, 4)]
    assert (archive.later[0], archive.later_seeds[0], archive.best_fitness()) == (5.0, 3, 5.0)


def test_one_that_was_lucky_with_one_seed_is_not_above_one_that_was_as_good_with_many(space: Space) -> None:
    """The noise of one seed is 1: so are the squares of two seeds with a standard error of 1 / sqrt(2)."""
    archive = generation(space, empty_archive(4, 1), [(0.1, 5.0, 2)], spread=1 / np.sqrt(2))
    archive = generation(space, archive, [(0.2, 5.2, 1), (0.3, 5.4, 1)])
    assert [row[0] for row in rows(archive)] == [0.3, 0.1, 0.2]  # 4.4, 4.29, 4.2
    unknown = generation(space, empty_archive(4, 1), [(0.1, 5.0, 2), (0.2, 5.2, 1)])
    assert [row[0] for row in rows(unknown)] == [0.2, 0.1]


def test_evaluations_that_differ_show_the_noise(space: Space) -> None:
    archive = generation(space, empty_archive(4, 1), [(0.1, 1.0, 1)])
    archive = generation(space, archive, [(0.1, 4.0, 2)])
    whole = np.asarray([1.0, 4.0, 4.0])
    assert archive.squares[0] == pytest.approx(((whole - whole.mean()) ** 2).sum())


def test_a_shorter_life_is_never_above_a_longer_one(space: Space) -> None:
    archive = generation(space, empty_archive(4, 1), [(0.1, 9.0, 1), (0.2, 8.0, 1)], budget=0.5)
    archive = generation(space, archive, [(0.2, 1.0, 1)])
    assert rows(archive) == [(0.2, 1.0, 1), (0.1, 9.0, 1)]
    assert rows(generation(space, archive, [(0.2, 7.0, 1)], budget=0.5)) == rows(archive)


def test_the_best_so_far_is_known_without_the_luck_that_made_it_the_best(space: Space) -> None:
    """Of 32 equal candidates the luckiest leads; the evaluations since it came to lead have no part of its luck."""
    random, shown = np.random.default_rng(0), []
    for _ in range(40):
        archive = generation(space, empty_archive(40, 1), [(n / 99, random.normal(), 1) for n in range(32)])
        first = archive.best_fitness()
        for _ in range(4):
            archive = generation(space, archive, [(float(g), random.normal(), 1) for g in archive.best(2)[:, 0]])
        shown.append((first, archive.best_fitness()))
    first, later = np.mean(shown, axis=0)
    assert first > 1.5  # the mean of the highest of 32 is 2.07
    assert abs(later) < 0.4
    assert empty_archive(2, 1).best_fitness() == -np.inf
