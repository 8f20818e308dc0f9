"""Agents in the middle of a curriculum, judged by the one that it leads to."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import Arms, agent, small_ppo, stacked
from discover_zoo.curricula.mix_and_match.mix_and_match import MixAndMatch
from discover_zoo.curricula.mix_and_match.shares import Held

import discover
from discover import (
    CompletedExecutor,
    CompletedPlan,
    Curves,
    Done,
    Executor,
    Failure,
    Generation,
    Heads,
    Inputs,
    Network,
    Outputs,
    SearchInfo,
    Space,
    Spec,
    UserError,
    Window,
    Work,
    component,
    hookimpl,
    values_in_file,
)
from discover.inner_loop.lifetime import begin
from discover.outer_loop.search import search
from discover.plugin.loader import load_plugins

CONFIG = Path(discover.__file__).parents[1] / "experiments" / "mix_and_match_pbt.yaml"
ARMS = Arms(arms=2, paying=1)
"""Arm 0 pays 1, arm 1 nothing; an episode is a pull."""


@component
class Puller(Network):
    """Always the same arm."""

    arm: int

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        return jnp.zeros(())

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        batch = inputs.is_first.shape
        logits = jnp.where(jnp.arange(2) == self.arm, 0.0, -jnp.inf)
        return {"policy": jnp.broadcast_to(logits, (*batch, 2)), "value": jnp.zeros(batch)}, carry


class Newborn(Executor):
    """Gives lifetimes as they begin, with curves of minus one."""

    def __init__(self) -> None:
        self.asked: list[Work] = []

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        for place, piece in enumerate(work):
            self.asked.append(piece)
            each = jax.vmap(lambda c, k, e=piece.environment: begin(c, e, k), in_axes=(None, 0))
            lifetimes = jax.vmap(each, in_axes=(0, None))(piece.candidates, piece.keys)
            rows = np.full((*piece.shape, 100), -1.0, np.float32)
            curves = Curves(rows, rows, {}, np.ones(piece.shape, bool), np.full(piece.shape, 8))
            yield place, Done(curves, lifetimes)


def judged(first: int, last: int, *, keep: bool) -> tuple[Done, Work]:
    """Two members of alpha 0 and 0.4, of an agent that pulls arm ``first`` before one that pulls ``last``."""
    each = [MixAndMatch(simple=(Puller(arm=first),), share=Held(alpha=alpha)) for alpha in (0.0, 0.4)]
    members = stacked(*(agent(small_ppo(), Puller(arm=last), curriculum=curriculum) for curriculum in each))
    work = Work(ARMS, members, jax.random.split(jax.random.key(0), 2), stop=1, total=4, keep=keep, hold=True)
    trains = Newborn()
    ((_, done),) = CompletedExecutor(trains, CompletedPlan(episodes=4, steps=3)).run([work])
    assert isinstance(done, Done), done
    return done, trains.asked[0]


def test_its_return_counts_whatever_the_mixture_does() -> None:
    worse, asked = judged(0, 1, keep=True)
    assert asked.keep
    assert not asked.hold
    np.testing.assert_array_equal(worse.curves.episode_return, np.zeros((2, 2, 100)))
    assert worse.lifetimes is not None
    np.testing.assert_array_equal(worse.curves.env_steps, 8)
    better, _ = judged(1, 0, keep=False)
    np.testing.assert_array_equal(better.curves.episode_return, np.ones((2, 2, 100)))
    assert better.lifetimes is None


def test_plans_without_episodes_and_work_with_gradients_are_refused_in_one_sentence() -> None:
    with pytest.raises(UserError, match=r"^steps must be at least 1, since there is nothing to judge by otherwise; got 0\.$"):
        CompletedExecutor(Newborn(), CompletedPlan(steps=0))
    work = Work(ARMS, {}, jax.random.split(jax.random.key(0), 2), stop=1, total=4, window=Window(updates=1, objective=None))  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"^a strategy that takes gradients has an objective of its own"):
        list(CompletedExecutor(Newborn(), CompletedPlan()).run([work]))


class Watcher:
    """Remembers the generations of a search."""

    def __init__(self) -> None:
        self.generations: list[Generation] = []
        self.space: Space | None = None

    @hookimpl
    def discover_generation_done(self, search: SearchInfo, generation: Generation) -> None:
        self.generations.append(generation)
        self.space = search.space


@pytest.mark.slow
def test_population_based_training_moves_alpha_from_zero_by_the_last_agent_alone(tmp_path: Path) -> None:
    words = values_in_file(CONFIG, "config file")
    words["strategy"]["pbt"].update(exploit="truncation", share=0.5)
    small = {"population": 4, "generations": 3, "tasks": [{"task": "orchard", "steps": 30_000}]}
    watcher = Watcher()
    search(load_plugins(extra=[watcher]), {**words, **small}, tmp_path / "run")
    assert watcher.space is not None
    space = watcher.space
    alphas = np.asarray([[float(space.decode(g).curriculum.share.alpha) for g in one.genomes] for one in watcher.generations])
    np.testing.assert_allclose(alphas[0], 0.0, atol=1e-6)
    assert np.all((alphas >= 0.0) & (alphas <= 1.0))
    assert len({float(space.decode(g).rule.optimizer.optimizer.learning_rate) for g in watcher.generations[0].genomes}) == 4
    for one in watcher.generations:
        assert np.all(np.isfinite(one.fitness))
        rows = np.asarray(one.returns[0])
        np.testing.assert_array_equal(rows, np.broadcast_to(rows[..., :1], rows.shape))  # one number for each window
