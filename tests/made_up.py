"""Lifetimes of the toy `Climb` that are made up at once, in the place of compiled ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np
import pytest

from discover import Curves, Done, Work


class Lifetimes:
    """Lifetimes whose level at the end is ``slope`` times the updates, plus ``noise`` times the luck of their seed.

    Attributes:
        count: how many pieces of work were run.
    """

    def __init__(self) -> None:
        self.count = 0

    def run(self, work: Work, **how: Any) -> Done:
        """The result of a piece of work."""
        del how
        self.count += 1
        rule: Any = work.candidates.rule
        luck = np.asarray(jax.random.key_data(work.keys))[:, -1] / 2.0**32 - 0.5
        level = np.asarray(rule.slope)[:, None] * work.total + np.asarray(rule.noise)[:, None] * luck
        rows = (level[..., None] * np.linspace(0.0, 1.0, 100)).astype(np.float32)
        env_steps = np.full(level.shape, work.total * rule.steps * rule.num_envs)
        return Done(Curves(rows, np.ones_like(rows), {}, np.isfinite(level), env_steps))


@contextmanager
def made_up() -> Iterator[Lifetimes]:
    """Have lifetimes made up, and count them."""
    from discover.inner_loop import here

    lifetimes = Lifetimes()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(here, "run_population", lifetimes.run)
        yield lifetimes
