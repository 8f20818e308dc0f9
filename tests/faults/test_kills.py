"""Searches that are killed at any moment and resumed leave what whole ones leave: the same bits, ledger and store."""

import signal
from pathlib import Path
from typing import Any

import faulty
import numpy as np
import pytest
from faulty import Moment, Workplace, assert_same

TOY: dict[str, Any] = {
    "name": "toy",
    "seed": 3,
    "candidate": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}},
    "strategy": "toy_hill",
    "objective": "toy_finalreturn",
    "population": 3,
    "generations": 4,
    "seeds": 1,
    "finalists": 2,
    "selection_seeds": 2,
    "checkpoint_minutes": 0,
    "tasks": [{"task": "late-payday", "steps": 48}, {"task": "payday", "steps": 40}],
    "report": {
        "baselines": {"climb": "climb", "tuned": {"tune": {"recipe": "climb", "rule": {"toy_climb": {"slope": "free"}}}}},
        "tasks": [{"task": "payday", "steps": 40, "note": "searched"}],
        "seeds": 4,
    },
}
SPACE = {"recipe": "ppo", "rule": {"ppo": {"clip": "free", "returns": {"gae": {"gamma": "free", "lam": "free"}}}}}
PPO: dict[str, Any] = {
    **TOY,
    "name": "PPO on Catch",
    "candidate": SPACE,
    "strategy": "SNES",
    "objective": "final_return",
    "population": 4,
    "generations": 3,
    "tasks": [{"task": "catch", "steps": 2560}],
    "report": {
        "baselines": {"published": "ppo", "tuned": {"tune": SPACE}},
        "tasks": [{"task": "catch", "steps": 2560, "note": "searched"}],
        "seeds": 2,
    },
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Compiled programs, which all these searches share."""
    return tmp_path_factory.mktemp("programs")


def undisturbed(folder: Path, words: dict[str, Any], cache: Path) -> Workplace:
    """A search that nothing disturbs; its moments are written down."""
    place = Workplace(folder / "whole", words, cache)
    done = place.run(log=folder / "moments")
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Workplace:
    """The toy, undisturbed."""
    return undisturbed(tmp_path_factory.mktemp("undisturbed"), TOY, cache)


MOMENTS = [
    Moment(signal.SIGKILL, "rename search/.state.npz", 2),  # the second checkpoint lies beside its place
    Moment(signal.SIGTERM, "says search 4: payday", 1),
    Moment(signal.SIGKILL, "open search/.champion.candidate", 1),
    Moment(signal.SIGINT, "rename search/tune-tuned/.state.npz", 3),
    Moment(signal.SIGKILL, "says climb on payday", 1),
]


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 5])
def test_killed_again_and_again_and_resumed_is_as_if_nothing_had_happened(
    count: int, tmp_path: Path, cache: Path, whole: Workplace
) -> None:
    place = Workplace(tmp_path / "killed", TOY, cache)
    for moment in MOMENTS[:count]:
        assert place.kill(moment), moment
        if moment.signal != signal.SIGKILL:
            assert faulty.stored(place.store)["toy"]["status"] == "KILLED"
    place.finish()
    assert_same(place, whole)


@pytest.mark.slow
def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path: Path, cache: Path, whole: Workplace) -> None:
    place = Workplace(tmp_path / "full", TOY, cache)
    done = place.run(full=("says search 2", "says search 4"))
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr
    assert_same(place, whole)


@pytest.mark.slow
def test_a_disk_that_stays_full_ends_the_search_which_can_be_resumed(tmp_path: Path, cache: Path, whole: Workplace) -> None:
    place = Workplace(tmp_path / "full", TOY, cache)
    done = place.run(full=("says search 3", "never"))
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    place.finish()
    assert_same(place, whole)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("words", "kills"), [(TOY, 80), (PPO, 20)], ids=["toy", "ppo"])
def test_a_hundred_kills_at_random_moments(words: dict[str, Any], kills: int, tmp_path: Path, cache: Path) -> None:
    """Half of the moments are files and messages, each as likely as the next; half are moments in time, imports included."""
    whole = undisturbed(tmp_path, words, cache)
    seconds, count = whole.seconds, len((tmp_path / "moments").read_text(encoding="utf-8").splitlines())
    draws, done, chain = np.random.default_rng(12), 0, 0
    while done < kills:
        place, chain = Workplace(tmp_path / f"killed-{chain}", words, cache), chain + 1
        for _ in range(draws.integers(1, 5)):
            sent = signal.Signals(draws.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT]))
            if draws.random() < 0.5:
                moment = Moment(sent, number=int(draws.integers(1, count)))
            else:
                moment = Moment(sent, seconds=draws.uniform(0.0, seconds))
            done += place.kill(moment)
        place.finish()
        assert_same(place, whole)
