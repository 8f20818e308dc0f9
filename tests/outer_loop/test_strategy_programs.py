"""Compiled strategies: shared where strategy, space and population are the same, and nowhere else."""

from typing import Any

import jax
import numpy as np
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.strategies.genetic import Genetic
from discover_zoo.strategies.random_search import RandomSearch

from discover import Space, choice, free
from discover.outer_loop.strategy_programs import strategy_programs


def space(*rates: float) -> Space:
    return Space(SGD(learning_rate=choice(*rates) if rates else free()))


def test_searches_alike_share_programs() -> None:
    first = strategy_programs(Genetic(mutation=0.3), space(0.1, 0.2), 8)
    assert strategy_programs(Genetic(mutation=0.3), space(0.1, 0.2), 8) is first


def test_another_setting_space_strategy_or_size_has_programs_of_its_own() -> None:
    programs: list[Any] = [
        strategy_programs(Genetic(mutation=0.3), space(), 8),
        strategy_programs(Genetic(mutation=0.31), space(), 8),
        strategy_programs(Genetic(mutation=0.3), space(0.1, 0.2), 8),
        strategy_programs(Genetic(mutation=0.3), space(0.1, 0.3), 8),
        strategy_programs(RandomSearch(), space(), 8),
        strategy_programs(Genetic(mutation=0.3), space(), 9),
    ]
    assert len({id(each) for each in programs}) == len(programs)


def test_programs_do_what_the_methods_do() -> None:
    key, strategy, where = jax.random.key(0), RandomSearch(), space()
    programs, state = strategy_programs(strategy, where, 4), strategy.init(jax.random.key(1), where, 4)
    jax.tree.map(np.testing.assert_array_equal, programs.init(jax.random.key(1)), state)
    proposal, asked = programs.ask(key, state)
    np.testing.assert_allclose(proposal.genomes, strategy.ask(key, state, where, 4)[0].genomes, rtol=1e-5)
    told = programs.tell(key, asked, proposal.genomes, np.zeros(4, np.float32))
    assert jax.tree.structure(told) == jax.tree.structure(asked)
