"""What watchers are told of a training and of a comparison, from the first lifetime to the last."""

from typing import Any

import numpy as np
import pytest
import toys
from scripted import Scripted

from discover import Algorithm, TaskRun, UserError, Work, component
from discover.config.build import algorithm_from
from discover.config.candidate_file import fingerprint_of
from discover.contract.executor import Curves
from discover.contract.results import Comparison
from discover.evaluation.compare import Watched, compare
from discover.evaluation.train import train

REGISTRY = toys.plugins().registry
RUNS = [TaskRun("payday", 40), TaskRun("payday", 80)]


@component
class Fixed(Scripted):
    """Curves that are all the same; it fails at lifetimes of ``fails_at`` steps.

    Attributes:
        fails_at: steps, 0 for none.
        stops: whether it fails by ctrl-C.
    """

    fails_at: int = 0
    stops: bool = False

    def curves(self, work: Work, progress: Any) -> Curves:
        if 8 * work.total == self.fails_at:
            raise KeyboardInterrupt if self.stops else ValueError("too deep")
        rows = np.ones((*work.shape, 100))
        return Curves(rows, rows, {}, np.ones(work.shape, bool), np.full(work.shape, 8 * work.total, np.int32))


class Watcher:
    """Takes notes of all that it is told."""

    def __init__(self) -> None:
        self.facts: list[dict[str, Any]] = []
        self.notes: list[Any] = []

    def tell(self, hook: str, **facts: Any) -> None:
        self.facts.append(facts)
        of = facts.get("candidate") or getattr(facts.get("training"), "name", "")
        self.notes.append((hook.removeprefix("discover_"), of) if of else hook.removeprefix("discover_"))


def toy() -> Algorithm:
    return algorithm_from(REGISTRY, "climb")


def test_a_training_starts_and_has_finished() -> None:
    watcher = Watcher()
    training = train(REGISTRY, Fixed(), "toy", toy(), run=RUNS[0], seeds=3, tell=watcher.tell)
    assert watcher.notes == [("training_started", "toy"), ("training_finished", "toy")]
    info = watcher.facts[0]["training"]
    assert (info.run, info.seeds, info.fingerprint) == (RUNS[0], 3, fingerprint_of(REGISTRY, toy()))
    assert training.provenance == {**info.provenance, "executor": "Fixed()"}
    assert watcher.facts[1]["training"] is training


@pytest.mark.parametrize("stops", [False, True])
def test_a_training_that_started_fails(stops: bool) -> None:
    watcher = Watcher()
    with pytest.raises(BaseException) as caught:  # noqa: PT011  (the type is of the executor)
        train(REGISTRY, Fixed(fails_at=40, stops=stops), "toy", toy(), run=RUNS[0], seeds=3, tell=watcher.tell)
    assert watcher.notes == [("training_started", "toy"), ("training_failed", "toy")]
    assert watcher.facts[1]["error"] is caught.value
    assert isinstance(caught.value, KeyboardInterrupt) == stops


def test_a_mistake_before_the_first_lifetime_is_no_event() -> None:
    watcher = Watcher()
    with pytest.raises(UserError):
        train(REGISTRY, Fixed(), "toy", toy(), run=TaskRun("payday", 1), seeds=3, tell=watcher.tell)
    with pytest.raises(UserError):
        compare(REGISTRY, Fixed(), {"a": toy()}, [TaskRun("payday", 1)], seeds=3, watched=Watched(watcher.tell))
    assert watcher.notes == []


def test_a_comparison_tells_of_each_candidate_on_each_task() -> None:
    watcher = Watcher()
    watched = Watched(watcher.tell, roles={"b": "tuned"})
    comparison = compare(REGISTRY, Fixed(), {"a": toy(), "b": toy(), "c": toy()}, RUNS, seeds=3, watched=watched)
    inside = [(event, name) for _ in RUNS for name in "abc" for event in ("candidate_started", "candidate_finished")]
    assert watcher.notes == ["comparison_started", *inside, "comparison_finished"]
    info = watcher.facts[0]["comparison"]
    assert all(facts["comparison"] is info for facts in watcher.facts[:-1])
    assert info.roles == {"a": "candidate", "b": "tuned", "c": "baseline"}
    assert (list(info.candidates), info.runs, info.seeds, info.directory) == (["a", "b", "c"], tuple(RUNS), 3, None)
    assert set(info.fingerprints.values()) == {fingerprint_of(REGISTRY, toy())}
    assert isinstance(watcher.facts[-1]["comparison"], Comparison)
    assert watcher.facts[-1]["comparison"] is comparison
    finished = [facts["training"] for facts in watcher.facts if "training" in facts]
    assert finished == [comparison.trainings[name][place] for place in range(2) for name in "abc"]


@pytest.mark.parametrize("stops", [False, True])
def test_a_comparison_that_started_fails_with_what_was_done(stops: bool) -> None:
    watcher, executor = Watcher(), Fixed(fails_at=80, stops=stops)
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        compare(REGISTRY, executor, {"a": toy(), "b": toy()}, RUNS, seeds=3, watched=Watched(watcher.tell))
    done = [(event, name) for name in "ab" for event in ("candidate_started", "candidate_finished")]
    assert watcher.notes == ["comparison_started", *done, ("candidate_started", "a"), "comparison_failed"]
    assert watcher.facts[-1]["error"] is caught.value
