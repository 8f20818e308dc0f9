"""Changes of a candidate by path, in the words of a config: ``rule.ppo.clip=0.3``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from discover.base.errors import UserError, nearest
from discover.base.mistakes import Mistakes, MistakesError
from discover.components.paths import check
from discover.config.build import algorithm_from, config_of
from discover.config.reading import is_below, put, setting_of
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry

_ROOT = "candidate"


class Change(NamedTuple):
    """A new value at a path of a candidate.

    Attributes:
        path: dotted, as in a config below ``candidate``.
        value: plain, as in a config.
        text: the value as its writer wrote it.
        origin: who wrote it, such as ``--set 'rule.ppo.clip=0.3'``; messages begin with it.
        problem: what is wrong with its form, as a sentence; empty if nothing is.
    """

    path: str
    value: Any
    text: str
    origin: str
    problem: str = ""


def changes_in(settings: Iterable[str]) -> list[Change]:
    """The changes in settings of the command line; values are YAML. `changed` tells what is wrong with them.

    >>> [change] = changes_in(["rule.ppo.clip=0.3"])
    >>> change.path, change.value
    ('rule.ppo.clip', 0.3)
    """
    return [_change(setting) for setting in settings]


def _change(setting: str) -> Change:
    path, _, text = setting.partition("=")
    unread = Change(path, None, text, f"--set '{setting}'")
    try:
        return unread._replace(value=setting_of(setting, example="rule.ppo.clip=0.3")[1])
    except UserError as error:
        return unread._replace(problem=str(error))


def changes_of(overrides: Mapping[str, Any] | None) -> list[Change]:
    """The changes in a mapping from paths to values.

    Raises:
        UserError: a value is not plain.
    """
    changes = []
    for path, value in (overrides or {}).items():
        try:
            text = json.dumps(value)
        except TypeError:
            raise UserError(f"overrides: '{path}' must be a number, a text, a list or a mapping; got {value!r}.") from None
        changes.append(Change(path, json.loads(text), text, f"overrides '{path}'"))
    return changes


def changed(registry: Registry, candidate: Algorithm, changes: Sequence[Change]) -> Algorithm:
    """The candidate with other values at some paths.

    Raises:
        MistakesError: a change has no right form, there is no such path, or a value is not legal there; all mistakes are told
            at once.
    """
    if not changes:
        return candidate
    words, mistakes = config_of(registry, candidate), Mistakes()
    for change in changes:
        with mistakes.at(""):
            if change.problem:
                raise UserError(change.problem)
            _check_path(words, change)
            put(words, change.path, change.value, change.origin)
            words = _complete(registry, words)
    found = mistakes.collected
    try:
        built = algorithm_from(registry, words, _ROOT)
        if not found:
            check(built)
            return built
    except MistakesError as error:
        found += [mistake._replace(place=_origin(mistake.path, changes)) for mistake in error.mistakes]
    raise MistakesError(found)


def changed_name(name: str, changes: Sequence[Change]) -> str:
    """The name of a changed candidate in tables.

    >>> changed_name("ppo", changes_in(["rule.ppo.clip=0.3"]))
    'ppo (rule.ppo.clip=0.3)'
    """
    return f"{name} ({', '.join(f'{change.path}={change.text}' for change in changes)})" if changes else name


def _check_path(words: Any, change: Change) -> None:
    """Check that a candidate has a value at a path.

    Raises:
        UserError: it has none; the message names the nearest.
    """
    known, node, component = list(_paths(words)), words, "NAME"
    if change.path in known:
        return
    for key in change.path.split("."):
        node = node.get(key) if isinstance(node, Mapping) else None
        component = key if isinstance(node, Mapping) and len(node) != 1 else component
    hint = nearest(change.path, known, command=f"discover plugins show {component}")
    raise UserError(f"{change.origin}: the candidate has no '{change.path}'; {hint}.")


def _paths(words: Any, path: str = "") -> Iterator[str]:
    """The dotted paths of all values in words, but for arrays, which have no place in a setting."""
    items = words.items() if isinstance(words, Mapping) else enumerate(words) if isinstance(words, list) else ()
    for key, value in items:
        inner = f"{path}.{key}" if path else str(key)
        if not hasattr(value, "dtype"):
            yield inner
            yield from _paths(value, inner)


def _complete(registry: Registry, words: Any) -> Any:
    """Words with all fields of all components, so that later changes find them; as they are where they are not legal."""
    try:
        return config_of(registry, algorithm_from(registry, words, _ROOT))
    except UserError:
        return words


def _origin(path: str, changes: Sequence[Change]) -> str:
    """Who wrote the value at a path."""
    below = path.removeprefix(f"{_ROOT}.")
    return next((c.origin for c in reversed(changes) if is_below(below, c.path) or is_below(c.path, below)), "")
