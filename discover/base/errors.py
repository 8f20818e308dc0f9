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

_LISTING = "Known: "
_VALUE = re.compile(r"""(?<!\w)'[^']*'|"[^"]*"|[^\s'"]+""")
_GROUP = re.compile(r"\[.*\]|\{.*\}", re.DOTALL)


class DiscoverError(Exception):
    """Base class: the command line shows the message alone, never a traceback, and ends with status 1.

    A message that is too long for a sentence is shortened where it shows values, see `shortened`; a remedy that follows it, in
    words of ours, stays whole: its reader may want to copy it.
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
    """Candidates could not be evaluated (compilation or execution failed)."""


class StorageError(DiscoverError):
    """A disk is full or fails: nobody's mistake, and what it held before is whole."""


class Terminated(KeyboardInterrupt):
    """The process has been told to end (SIGTERM). It ends as with ctrl-C, in order, but with status 143."""


class DiscoverWarning(UserWarning):
    """Something is amiss, and all goes on: the command line shows one line."""

    def __init__(self, message: str = ""):
        super().__init__(shortened(message))


def shortened(message: str) -> str:
    """A sentence whose values lose their middle where it would have more than 300 characters.

    Its own words stay, and so do what it lists as known, and paths that are no longer than a file's name may be.

    >>> shortened("population must be a whole number; got " + "9" * 400 + ".")
    'population must be a whole number; got 999999999999999999999999999999999999999 … 9999999999999999999999999999999999999.'
    """
    text, mark, listing = message.partition(_LISTING)
    if len(text) <= _SENTENCE:
        return message

    def shorter(found: re.Match[str]) -> str:
        value = found.group()
        return value if "/" in value and len(value) <= _PATH else cut(value, _LONG)

    text = _VALUE.sub(shorter, text)
    if len(text) > _SENTENCE:
        text = _GROUP.sub(lambda found: cut(found.group(), _LONG), text)
    return cut(text, _MOST) + mark + listing


def cut(text: str, most: int) -> str:
    """A text without its middle, if it is longer than ``most`` characters."""
    half = (most - 3) // 2
    return text if len(text) <= most else f"{text[: most - 3 - half]} … {text[len(text) - half :]}"


def cause_of(error: BaseException) -> str:
    """An error in one line; a sentence of ours needs no type in front."""
    line = cut(" ".join(said_by(error).split()), _SENTENCE)
    return line.rstrip(".") if isinstance(error, DiscoverError) else f"{type(error).__name__}: {line}"


def said_by(error: BaseException) -> str:
    """What an error says; empty if it, being somebody else's, fails even at that."""
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


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause that lists the known names and the nearest one.

    >>> nearest("gea", ["gae", "n_step"])
    "did you mean 'gae'? Known: gae, n_step"
    """
    names = sorted(known)
    if not names:
        return "none is known; install the plugin that brings it"
    close = difflib.get_close_matches(str(name).lower(), [n.lower() for n in names], n=1, cutoff=0.5)
    listing = "Known: " + ", ".join(names)
    if not close:
        return listing
    match = next(n for n in names if n.lower() == close[0])
    return f"did you mean '{match}'? {listing}"
