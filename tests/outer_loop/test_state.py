"""What a search counts, by hand."""

import numpy as np

from discover.contract.events import Status
from discover.outer_loop.effort import whole_effort
from discover.outer_loop.evaluation import Evaluation
from discover.outer_loop.state import Counters, add_evaluation


def evaluated(fitness: list[float], status: list[Status], env_steps: int) -> Evaluation:
    return Evaluation(
        fitness=np.asarray(fitness, np.float32),
        status=np.asarray(status, np.int8),
        by_seed=np.asarray(fitness, np.float32)[:, None],
        errors={},
        returns=[],
        effort=whole_effort(len(fitness), 1),
        cost=np.zeros(len(fitness)),
        structures=1,
        env_steps=env_steps,
        seconds=99.0,
    )


def test_each_population_adds_what_it_took_and_broke_and_sound_members_alone_move_the_lowest() -> None:
    first = add_evaluation(Counters(), evaluated([2.0, 7.0, -9.0], [Status.OK, Status.OK, Status.NOT_FINITE], 10), 1.5)
    assert first == Counters(0, 10, 1.5, lowest_fitness=2.0, broken={"not_finite": 1})
    status = [Status.TIME, Status.OK, Status.NOT_FINITE, Status.ERROR]
    second = add_evaluation(first._replace(generations=1), evaluated([8.0, 3.0, 1.0, -9.0], status, 5), 0.25)
    assert second == Counters(1, 15, 1.75, lowest_fitness=2.0, broken={"not_finite": 2, "time": 1, "error": 1})
    assert first.broken == {"not_finite": 1}
    third = add_evaluation(second, evaluated([9.0, -1.0], [Status.OK, Status.OK], 0), 0.0)
    assert third.lowest_fitness == -1.0


def test_where_nothing_was_sound_the_lowest_stays() -> None:
    broken = add_evaluation(Counters(), evaluated([-1e9], [Status.NO_EPISODE], 4), 1.0)
    assert broken.lowest_fitness == np.inf
