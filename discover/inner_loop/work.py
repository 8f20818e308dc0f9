"""Work made and done by hand: fresh lifetimes for a budget of env steps, and the result of one piece of work."""

from __future__ import annotations

from collections.abc import Callable

import jax

from discover.base.errors import EvaluationError
from discover.contract.environment import Environment
from discover.contract.executor import Done, Executor, Failure, Work
from discover.contract.types import Key, Members
from discover.inner_loop.lifetime import updates_in


def fresh_work(environment: Environment, candidates: Members, keys: Key, steps: int, *, keep: bool = False) -> Work:
    """The work of a whole fresh lifetime for each member and seed.

    Args:
        environment: task family.
        candidates: members of one structure, each leaf ``[P, ...]``.
        keys: ``[S]``, one per seed.
        steps: budget of each lifetime in env steps.
        keep: whether the agents are wanted at the end.

    Raises:
        UserError: the budget is below one update.
    """
    total = updates_in(jax.tree.map(lambda x: x[0], candidates), environment, steps)
    return Work(environment, candidates, keys, stop=total, total=total, keep=keep)


def run_alone(executor: Executor, work: Work, progress: Callable[[float], None] | None = None) -> Done:
    """The result of a single piece of work. What its candidate raised is raised again.

    Args:
        executor: where to run it.
        work: the piece.
        progress: called from time to time with the share that is done.

    Raises:
        EvaluationError: it failed in another process.
    """
    ((_, result),) = executor.run([work], progress)
    if isinstance(result, Failure):
        raise result.error or EvaluationError(f"the lifetimes could not be run ({result.why}): repair what is named.")
    return result
