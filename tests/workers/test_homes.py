"""Structures at home: a worker gets what it has compiled; what is at home elsewhere it gets only if that would wait long."""

from types import SimpleNamespace
from typing import Any

from discover.workers.homes import Homes

A: Any = "worker a"
B: Any = "worker b"


def part(structure: str, weight: int = 1, at: str | None = None) -> Any:
    return SimpleNamespace(structure=structure, weight=weight, nearest=lambda: at, origin=at, first=True)


def settled(**homes: Any) -> Homes:
    """Structures at home with a worker, each of whose units of weight takes a second; compilation takes ten."""
    made = Homes()
    for structure, worker in homes.items():
        first = part(structure)
        made.settle(worker, first)
        made.ran(first, 10.0)
        again = part(structure)
        made.settle(worker, again)
        made.ran(again, 1.0)
    return made


def test_its_own_structures_come_first_and_the_heaviest_part_of_them() -> None:
    parts = [part("new"), part("x", 1), part("x", 3)]
    assert settled(x=A).pick(A, parts, [A, B]) is parts[2]


def test_then_a_structure_that_is_at_home_nowhere() -> None:
    parts = [part("x"), part("small"), part("large"), part("large")]
    picked = settled(x=A).pick(B, parts, [A, B])
    assert picked is not None
    assert picked.structure == "large"


def test_another_workers_structure_is_taken_only_where_waiting_takes_longer_than_compiling() -> None:
    homes = settled(x=A)
    assert homes.pick(B, [part("x", 4), part("x", 4)], [B]) is None
    assert homes.pick(B, [part("x", 8), part("x", 4)], [B]) is not None
    assert homes.pick(B, [part("x", 8), part("x", 4)], [A, B]) is None, "it is idle, and will take it"


def test_where_nothing_is_known_nobody_is_idle() -> None:
    homes, first = Homes(), part("x")
    homes.settle(A, first)
    assert homes.pick(B, [part("x")], [B]) is not None


def test_lifetimes_that_go_on_stay_where_they_are_unless_others_are_idle() -> None:
    parts = [part("x", at=A), part("x", at=B)]
    homes = settled(x=A)
    assert homes.pick(B, parts, [A, B]) is parts[1]
    assert homes.pick(B, parts[:1], [A, B]) is None
    assert homes.pick(B, parts[:1], [B]) is parts[0]


def test_what_a_lost_worker_had_is_at_home_nowhere() -> None:
    homes = settled(x=A)
    homes.lose(A)
    assert homes.pick(B, [part("x")], [B]) is not None
