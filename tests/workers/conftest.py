"""What tests of workers share: workers that are threads have one device between them."""

from collections.abc import Callable, Iterator, Sequence

import jax
import pytest

from discover import Done, Failure, Work
from discover.inner_loop import here
from discover.workers import workshop


def run_on_the_first_device(
    work: Sequence[Work], chunk: int, progress: Callable[[float], None] | None = None
) -> Iterator[tuple[int, Done | Failure]]:
    """`run_here` on one device; who runs where changes no bit."""
    for place in range(len(work)):
        yield place, here._run(work, [chunk] * len(work), False, place, progress, devices=(jax.devices()[0],))


@pytest.fixture(autouse=True)
def one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs over several devices, begun by several threads of one process, may wait for each other, and XLA then aborts it.

    Real workers are processes with devices of their own.
    """
    monkeypatch.setattr(workshop, "run_here", run_on_the_first_device)
