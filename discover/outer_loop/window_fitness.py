"""Windows of living agents: the gradient of each member, and the fitness of what its agents did meanwhile."""

from __future__ import annotations

import time

import jax
import numpy as np

from discover.base.errors import UserError
from discover.base.randomness import seed_keys
from discover.base.text_table import counted
from discover.components.space import Group
from discover.config.build import errors_at
from discover.contract.executor import Work
from discover.contract.meta_objective import Gradients
from discover.inner_loop.lifetime import updates_in
from discover.inner_loop.window_run import check_window, form_of_agents
from discover.outer_loop.effort import whole_effort
from discover.outer_loop.evaluation import Climb, Evaluation, evaluation_of
from discover.outer_loop.fitness import Evaluator, OngoingLifetimes
from discover.outer_loop.found import Found
from discover.outer_loop.pullback import Pullback


class WindowEvaluator(Evaluator):
    """Evaluates populations whose strategy climbs by gradients; the arguments are those of `Evaluator`."""

    _pullback: Pullback | None = None

    def pass_window(
        self, genomes: np.ndarray, ongoing: OngoingLifetimes, *, first: bool, seeds: int, lowest: float = np.inf
    ) -> tuple[OngoingLifetimes, Evaluation]:
        """Let all agents live on by a window.

        Args:
            genomes: ``[P, D]`` of one structure; the agents of member i learn by ``genomes[i]`` from now on.
            ongoing: the agents after the window before.
            first: whether there was none before, so that agents are still to be born.
            seeds: S: agents of each member on each task.
            lowest: the lowest fitness of any sound member so far; broken members stay below it.
        """
        started, (group,) = time.perf_counter(), self._space.groups(genomes)
        pullback, found = self._pullback_for(group), Found(len(genomes), len(self._tasks), seeds)
        work = [
            self._work(task, group, seeds, pullback.leaves)._replace(ongoing=None if first else ongoing[task])
            for task in range(len(self._tasks))
        ]
        after, gradients = {}, {}
        for task, part in self._outcomes(work, [f"window: {run.label}" for run in self._tasks]):
            after[task], gradients[task] = part.lifetimes, part.gradients
            found.add(part, task, group, structure="")
        effort = whole_effort(len(genomes), seeds)
        evaluation = evaluation_of(found, effort, self._scored, lowest=lowest, structures=1, started=started)
        climb = _climb(pullback, genomes, [gradients[task] for task in range(len(work))])
        return tuple(after[task] for task in range(len(work))), evaluation._replace(climb=climb)

    def ongoing_form(self, population: int, seeds: int) -> OngoingLifetimes:
        """Shapes and dtypes of the agents.

        Raises:
            UserError: the space, the executor, or the length of a lifetime does not allow gradients.
        """
        if self._space.structures > 1:
            raise UserError(
                f"the strategy climbs by gradients, which needs one structure, but the space holds {self._space.structures}: "
                "take the choices out of it, or choose another strategy."
            )
        if not self._executor.gives_gradients:
            raise UserError(
                "the strategy climbs by gradients, which neither this executor nor an objective with an executor of its own "
                "gives: write executor: local, and an objective of learning curves, or choose another strategy."
            )
        (group,) = self._space.groups(np.zeros((population, self._space.dimension), np.float32))
        pullback, forms = self._pullback_for(group), []
        for task, run in enumerate(self._tasks):
            work = self._work(task, group, seeds, pullback.leaves)
            with errors_at(run.label):
                check_window(work)
            forms.append(form_of_agents(work))
        return tuple(forms)

    def _pullback_for(self, group: Group) -> Pullback:
        if self._pullback is None:
            self._pullback = Pullback(self._space, group.structure)
        return self._pullback

    def _work(self, task: int, group: Group, seeds: int, leaves: tuple[bool, ...]) -> Work:
        """A window of the agents of a task, as whole windows fill their lifetimes.

        Raises:
            UserError: a lifetime is shorter than a window.
        """
        window, run = self._window, self._tasks[task]
        assert window is not None
        candidate = jax.tree.map(lambda x: x[0], group.candidates)
        updates = updates_in(candidate, self._environments[task], run.steps)
        if updates < window.updates:
            raise UserError(
                f"{run.label} has {counted(updates, 'update')}, fewer than the {window.updates} of the strategy's window: give "
                "more steps, or a shorter window."
            )
        return Work(
            self._environments[task],
            group.candidates,
            seed_keys(self._seed, "search", seeds, 0, task),
            stop=window.updates,
            total=updates - updates % window.updates,
            keep=True,
            hold=True,
            window=window._replace(leaves=leaves),
        )


def _climb(pullback: Pullback, genomes: np.ndarray, gradients: list[Gradients]) -> Climb:
    """The gradients of all tasks together: their mean, its standard error, and figures for a human reader."""
    parts = [pullback(genomes, each) for each in gradients]
    mean = np.mean([gradient for gradient, _ in parts], axis=0)
    error = np.sqrt(np.sum(np.square([error for _, error in parts]), axis=0)) / len(parts)
    figures = {name: np.mean([each.info[name] for each in gradients], axis=0) for name in gradients[0].info}
    norms = {"norm": np.linalg.norm(mean, axis=1), "norm_of_error": np.linalg.norm(error, axis=1)}
    return Climb(mean, error, {**figures, **norms})
