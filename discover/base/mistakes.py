"""Several mistakes of a user, collected and told at once, each with the key that it is about."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from discover.base.errors import UserError, shortened

MOST_SHOWN = 20
"""Sentences of one error; of further mistakes only the number is told."""


class Mistake(NamedTuple):
    """One mistake in a config.

    Attributes:
        path: the dotted path of the key that it is about; empty for the whole.
        sentence: what is wrong, and the remedy.
        place: where the key is written, such as ``search.yaml:12``; empty where that is not known.
    """

    path: str
    sentence: str
    place: str = ""

    @property
    def line(self) -> str:
        """The sentence, behind the place."""
        return shortened(f"{self.place}: {self.sentence}" if self.place else self.sentence)


class MistakesError(UserError):
    """One mistake or several; the message has a line for each."""

    def __init__(self, mistakes: Iterable[Mistake]):
        self.mistakes = tuple(mistakes)
        Exception.__init__(self, "\n".join(self.lines))

    @property
    def lines(self) -> list[str]:
        """A line for each mistake; beyond the first twenty only how many there are."""
        shown = [mistake.line for mistake in self.mistakes[:MOST_SHOWN]]
        more = len(self.mistakes) - len(shown)
        return [*shown, f"and {more:,} more mistake{'s' * (more != 1)}: repair these first."] if more > 0 else shown


class Mistakes:
    """A collection of mistakes.

    >>> mistakes = Mistakes()
    >>> with mistakes.at("population"):
    ...     raise UserError("population must be a whole number; got 'many'.")
    >>> mistakes.add("seeds", "seeds must be a whole number; got 'few'.")
    >>> mistakes.below("population"), mistakes.below("tasks")
    (True, False)
    >>> mistakes.check()
    Traceback (most recent call last):
        ...
    discover.base.mistakes.MistakesError: population must be a whole number; got 'many'.
    seeds must be a whole number; got 'few'.
    """

    def __init__(self) -> None:
        self.collected: list[Mistake] = []
        self._lines: set[str] = set()
        self._paths: set[str] = set()  # of mistakes, and of all that they lie in

    def add(self, path: str, sentence: str, place: str = "") -> None:
        """Collect a mistake about the key at ``path``, which is written in some place, unless the same has been said."""
        mistake = Mistake(path, shortened(sentence), place)
        if mistake.line in self._lines:
            return
        self._lines.add(mistake.line)
        self.collected.append(mistake)
        while path:
            self._paths.add(path)
            path = path.rpartition(".")[0]

    @contextlib.contextmanager
    def at(self, path: str) -> Iterator[None]:
        """Collect what the block raises; it is about the key at ``path`` unless the error says of which."""
        try:
            yield
        except MistakesError as error:
            for mistake in error.mistakes:
                self.add(mistake.path, mistake.sentence, mistake.place)
        except UserError as error:
            self.add(path, str(error))

    def below(self, path: str) -> bool:
        """Whether there is a mistake at ``path`` or below."""
        return path in self._paths

    def check(self) -> None:
        """Check that there are none.

        Raises:
            MistakesError: there are; it tells them all.
        """
        if self.collected:
            raise MistakesError(self.collected)
