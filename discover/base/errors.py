"""Errors that a user can cause: one sentence, no traceback."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_SENTENCE = 300
"""Characters of a sentence up to which its values are shown whole, not counting the names that it lists."""

_LONG = 80
"""Characters of a value in a longer sentence."""

_PATH = 255
"""Characters up to which a path stays whole: its reader may want to copy it."""

_MOST = 1000
"""Characters of any message, not counting the names that it lists."""

_NEAREST = 5
"""Names in a listing that leaves the others to a command."""

_SIMILAR = 0.5
"""Similarity from which a known name is suggested."""

_LISTING = "Known: "
_VALUE = re.compile(r"""(?<!\w)'[^']*'|"[^"]*"|[^\s'"]+""")
_GROUP = re.compile(r"\[.*\]|\{.*\}", re.DOTALL)


class DiscoverError(Exception):
    """Base class: the command line shows the message alone, never a traceback, and ends with status 1.

    Args:
        message: the sentence. If it is too long, the values that it shows are shortened (see `shortened`).
        remedy: a text that follows the message and is never shortened, since its reader may want to copy it.
    """

    exit_status = 1

    def __init__(self, message: str = "", remedy: str = ""):
        super().__init__(shortened(message) + remedy)


class UserError(DiscoverError, ValueError):
    """A user's mistake. The message names the key, the value, the nearest valid choice and the remedy; status 2."""

    exit_status = 2


class PluginError(UserError):
    """A plugin cannot be loaded or breaks a rule of registration."""


class EvaluationError(DiscoverError):
    """Candidates could not be evaluated: compilation or execution failed."""


class StorageError(DiscoverError):
    """A disk is full or fails. The user made no mistake, and files that were written before are complete."""


class Terminated(KeyboardInterrupt):
    """A request to end the process (SIGTERM). The process ends in order, as with ctrl-C, but with status 143."""


class DiscoverWarning(UserWarning):
    """A problem that stops nothing: the command line shows it in one line."""

    def __init__(self, message: str = ""):
        super().__init__(shortened(message))


def shortened(message: str) -> str:
    """A sentence of at most 300 characters where possible: longer ones lose the middle of the values that they show.

    The words of the sentence stay, and so do the names after "Known: " and paths of up to 255 characters.

    >>> shortened("population must be a whole number; got " + "9" * 400 + ".")
    'population must be a whole number; got 999999999999999999999999999999999999999 … 9999999999999999999999999999999999999.'
    """
    text, mark, listing = message.partition(_LISTING)
    if len(text) <= _SENTENCE:
        return message

    def shorter(match: re.Match[str]) -> str:
        value = match.group()
        return value if "/" in value and len(value) <= _PATH else cut(value, _LONG)

    text = _VALUE.sub(shorter, text)
    if len(text) > _SENTENCE:
        text = _GROUP.sub(lambda match: cut(match.group(), _LONG), text)
    return cut(text, _MOST) + mark + listing


def cut(text: str, most: int) -> str:
    """A text without its middle, if it is longer than ``most`` characters.

    >>> cut("0123456789", 7)
    '01 … 89'
    """
    half = (most - 3) // 2
    return text if len(text) <= most else f"{text[: most - 3 - half]} … {text[len(text) - half :]}"


def cause_of(error: BaseException) -> str:
    """An error in one line, with its type in front unless it is a `DiscoverError`, whose message is a whole sentence.

    >>> cause_of(KeyError("gamma")), cause_of(UserError("seed must be positive."))
    ("KeyError: 'gamma'", 'seed must be positive')
    """
    line = cut(" ".join(message_of(error).split()), _SENTENCE)
    return line.rstrip(".") if isinstance(error, DiscoverError) else f"{type(error).__name__}: {line}"


def message_of(error: BaseException) -> str:
    """The message of an error; empty if the error comes from other code and its ``__str__`` fails.

    >>> message_of(ValueError("too large"))
    'too large'
    """
    try:
        return str(error)
    except (Exception, SystemExit):
        return ""


def article(noun: str) -> str:
    """The noun with its indefinite article.

    >>> article("environment")
    'an environment'
    """
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"


def nearest(name: str, known: Iterable[str], *, command: str = "") -> str:
    """A clause that suggests the nearest known name and lists the known names.

    Args:
        name: the unknown name.
        known: the names to choose from.
        command: the command that lists all names. With it, only the five nearest names stand in the clause.

    >>> nearest("gea", ["n_step", "gae"])
    "did you mean 'gae'? Known: gae, n_step"
    >>> nearest("ppoo", ["a2c", "dpo", "impala", "lpo", "ppo", "sac", "td3"], command="discover plugins list")
    "did you mean 'ppo'? Known: ppo, lpo, dpo, impala, td3 and 2 more (discover plugins list shows all)"
    """
    names = sorted(known)
    if not names:
        return "none is known; install the plugin that brings it"
    ranking = _ranking(name, names)
    similarity, best = ranking[0]
    suggestion = f"did you mean '{best}'? " if similarity >= _SIMILAR else ""
    hidden = len(names) - _NEAREST
    if not command or hidden <= 0:
        return f"{suggestion}{_LISTING}{', '.join(names)}"
    closest = ", ".join(each for _, each in ranking[:_NEAREST])
    return f"{suggestion}{_LISTING}{closest} and {hidden} more ({command} shows all)"


def _ranking(name: str, names: Iterable[str]) -> list[tuple[float, str]]:
    """Names with their similarity to ``name`` (twice the characters in common over all characters), the nearest first."""
    matcher = difflib.SequenceMatcher(b=str(name).lower())
    ranking = []
    for each in names:
        matcher.set_seq1(each.lower())
        ranking.append((matcher.ratio(), each))
    return sorted(ranking, reverse=True)
