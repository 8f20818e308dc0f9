"""What tests of reports share: comparisons put together by hand, and a plotly of one line."""

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import pytest
from plotly_stub import with_plotly
from toys import plugins

from discover import Comparison, Status, TaskRun, Training
from discover.config.build import algorithm_from, config_of
from discover.evaluation.compare import judged
from discover.evaluation.train import _interval

REGISTRY = plugins().registry
ALGORITHM = algorithm_from(REGISTRY, "climb")
RUNS = (TaskRun("payday", 100), TaskRun("late-payday", 400))

Compared = Callable[..., Comparison]


def training(name: str, run: TaskRun, returns: Sequence[float], *, stream: str = "report 0", seconds: float = 8.0) -> Training:
    """A training with these returns, which its curves reach on straight lines."""
    end = np.asarray(returns, np.float64)
    status = np.where(np.isfinite(end), Status.OK, Status.NOT_FINITE).astype(np.int8)
    return Training(
        name=name,
        algorithm=ALGORITHM,
        run=run,
        curves=np.linspace(0.0, 1.0, 100) * end[:, None],
        lengths=np.ones((len(end), 100)),
        info={},
        returns=end,
        status=status,
        interval=_interval(end, status),
        env_steps=run.steps * len(end),
        seconds=seconds,
        provenance={"python": "3"},
        stream=stream,
        words=config_of(REGISTRY, ALGORITHM),
        references=(-1.0, 3.0),
    )


@pytest.fixture
def compared() -> Compared:
    """Makes a comparison from returns ``[S]`` of each candidate on each run."""

    def make(
        returns: Mapping[str, Sequence[Sequence[float]]], runs: Sequence[TaskRun] = RUNS, stream: str = "report 0"
    ) -> Comparison:
        trainings = {
            name: [training(name, run, each, stream=stream) for run, each in zip(runs, by_run, strict=True)]
            for name, by_run in returns.items()
        }
        return judged(trainings, runs, ["searched", *[""] * (len(runs) - 1)], {"python": "3"})

    return make


@pytest.fixture
def two(compared: Compared) -> Comparison:
    """Two candidates on two runs with four seeds; the second is better on the first run."""
    return compared(
        {"mine": [[0.0, 1.0, 2.0, 2.5], [1.0, 1.0, 2.0, 3.5]], "other": [[1.0, 3.0, 3.0, 4.0], [0.0, 0.5, 1.0, 1.0]]}
    )


@pytest.fixture
def plotly() -> Iterator[None]:
    """A plotly whose script is one line."""
    with with_plotly():
        yield


@pytest.fixture
def no_plotly() -> Iterator[None]:
    """No plotly, whether it is installed or not."""
    with with_plotly(there=False):
        yield
