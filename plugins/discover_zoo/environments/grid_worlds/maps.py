"""Levels as text: a map, and above it the horizon and what each kind of object does."""

import functools
from pathlib import Path
from typing import NamedTuple

import numpy as np

from discover import UserError, nearest
from discover_zoo.environments.grid_worlds.level import Level

FOLDER = Path(__file__).with_name("maps")
START, WALL, FLOOR = "@", "#", "."


class Map(NamedTuple):
    """A level as its text describes it.

    Attributes:
        horizon: steps of an episode.
        kinds: by letter, the reward, the probability of an end, and that of a return of an object.
        rows: the map, a string per row: ``@`` is the start, ``#`` a wall, ``.`` floor, and a letter an object.
    """

    horizon: int
    kinds: dict[str, tuple[float, float, float]]
    rows: tuple[str, ...]

    @property
    def side(self) -> int:
        """The side of the smallest square that holds the map."""
        return max(len(self.rows), *(len(row) for row in self.rows))

    @property
    def letters(self) -> str:
        """The letter of each object, in the order of kinds, and row by row within a kind."""
        return "".join(kind * sum(row.count(kind) for row in self.rows) for kind in self.kinds)

    def level(self, side: int, objects: int) -> Level:
        """The level, in a square of a side that is at least its own, with at least as many objects as it has.

        Its arrays are numpy's, so that it can be made inside a trace.
        """
        padded = [row.ljust(side, WALL) for row in self.rows] + [WALL * side] * (side - len(self.rows))
        cells = np.array(list("".join(padded)))
        places = [int(cell) for kind in self.kinds for cell in np.flatnonzero(cells == kind)]
        missing = objects - len(places)
        numbers = np.array([self.kinds[letter] for letter in self.letters] + [(0.0, 0.0, 0.0)] * missing, np.float32)
        start, horizon = np.int32(np.flatnonzero(cells == START)[0]), np.int32(self.horizon)
        cells_of_objects = np.array(places + [cells.size] * missing, np.int32)
        return Level._make((cells == WALL, start, horizon, cells_of_objects, *numbers.T))


@functools.cache
def read_map(name: str) -> Map:
    """The map of a name.

    Raises:
        UserError: there is none.

    >>> found = read_map("dense")
    >>> found.horizon, found.letters, found.rows[0]
    (500, 'aabc', '@..........')
    """
    path = FOLDER / f"{name}.txt"
    if not path.is_file():
        raise UserError(f"no grid world is called '{name}': {nearest(name, [file.stem for file in FOLDER.glob('*.txt')])}.")
    return parsed(path.read_text(encoding="utf-8"))


def parsed(text: str) -> Map:
    """The map that a text describes.

    >>> parsed("horizon 9\\na: reward 1, ends 0.5, respawns 0\\n\\n@.\\n#a\\n")
    Map(horizon=9, kinds={'a': (1.0, 0.5, 0.0)}, rows=('@.', '#a'))
    """
    lines = [line for line in text.splitlines() if line and not line.startswith("//")]
    head = [line for line in lines if line.startswith("horizon") or ": " in line]
    kinds = {}
    for line in head[1:]:
        letter, _, facts = line.partition(": ")
        numbers = dict(fact.split() for fact in facts.split(", "))
        kinds[letter] = (float(numbers["reward"]), float(numbers["ends"]), float(numbers["respawns"]))
    return Map(int(head[0].split()[1]), kinds, tuple(lines[len(head) :]))
