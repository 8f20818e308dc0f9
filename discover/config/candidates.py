"""A candidate by what a user calls it: a recipe, a file, or an address in the tracking store."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from discover.base.errors import UserError, nearest
from discover.base.mistakes import Mistakes, MistakesError
from discover.base.secrets import without_secrets
from discover.storage.yaml_core import Line

if TYPE_CHECKING:
    from discover.contract.algorithm import Algorithm
    from discover.contract.registry import Registry
    from discover.plugin.loader import Plugins

T = TypeVar("T")

HELP = (
    "A recipe (ppo), a file (.candidate, .yaml or .json), or an address in MLflow (models:/NAME@champion, models:/NAME/3, "
    "runs:/..., a run's id)."
)

_ADDRESS = re.compile(r"(models|runs):/.+|[0-9a-f]{32}")
_WORDS = (".json", ".yaml", ".yml")
FILES = (".candidate", *_WORDS)
"""Endings of the names of files that hold a candidate."""

_ROOT = "candidate"


def candidate_from(plugins: Plugins, text: str, store: str | None = None) -> Algorithm:
    """The candidate that the user means.

    Raises:
        UserError: no such recipe, file or address, or it does not hold a complete candidate.
    """
    from discover.components.paths import check
    from discover.config.build import algorithm_from
    from discover.config.candidate_file import SUFFIX, load_candidate

    if text != without_secrets(text) or "://" in text:
        raise UserError(
            f"'{without_secrets(text)}' is the address of a store, not of a candidate: name the store with --tracking, and "
            "give a recipe, a file, or models:/NAME@champion."
        )
    path, registry = Path(text), plugins.registry
    if path.suffix == SUFFIX:
        return load_candidate(path, registry)
    if path.suffix in _WORDS:
        candidate = _written(registry, path)
    elif is_address(text):
        return _fetched(plugins, text, store, load_candidate)
    else:
        if not registry.has("recipe", text):
            _check_is_no_other(path)
        candidate = algorithm_from(registry, text)
    check(candidate)
    return candidate


def _check_is_no_other(path: Path) -> None:
    """Check that what is to be the name of a recipe is nothing else.

    Raises:
        UserError: it is an agent, a folder, or a file of another kind.
    """
    from discover.storage.files import printable

    shown = printable(path)
    if path.suffix == ".agent":
        raise UserError(
            f"'{shown}' is a trained agent, not a candidate: let it act with 'discover evaluate {shown}', or give the "
            "candidate that it was trained from."
        )
    if os.path.isdir(path):
        inside = sorted(path.glob("*.candidate"))
        example = f", such as '{printable(inside[0])}'" if inside else ""
        raise UserError(f"'{shown}' is a folder, not a candidate: give a recipe or a file{example}.")
    if os.path.isfile(path):
        raise UserError(f"'{shown}' is no file of a candidate: give one whose name ends in {', '.join(FILES)}.")


def settled(plugins: Plugins, text: str, store: str | None = None) -> str:
    """A candidate as its user calls it, with the version in the place of an alias, which may move to another one.

    Raises:
        UserError: there is no such model, version or alias.
    """
    if not is_address(text):
        return text
    return plugins.hook.discover_fixed_address(address=text, store=store) or text


def notes_of_candidate(plugins: Plugins, text: str, store: str | None = None) -> Mapping[str, Any]:
    """The notes of a candidate beside itself: in its file, in the tracking store, or with the recipe; else nothing.

    Args:
        plugins: the loaded plugins.
        text: what the user calls the candidate, which `candidate_from` has read.
        store: address of the tracking store.
    """
    from discover.config.candidate_file import SUFFIX, load_notes
    from discover.contract.found_recipe import RECORD

    if Path(text).suffix == SUFFIX:
        return load_notes(Path(text))
    if is_address(text):
        return _fetched(plugins, text, store, lambda path, _: load_notes(path))
    if plugins.registry.has("recipe", text):
        return plugins.registry.get("recipe", text).facts.get(RECORD, {})
    return {}


def is_address(text: str) -> bool:
    """Whether a text is an address in a tracking store.

    >>> is_address("models:/mine@champion"), is_address("ppo")
    (True, False)
    """
    return _ADDRESS.fullmatch(text) is not None


def candidates_from(
    plugins: Plugins, texts: Sequence[str], store: str | None = None, *, settings: Sequence[str] = ()
) -> dict[str, Algorithm]:
    """Several candidates, each under a name of its own.

    Args:
        plugins: the loaded plugins.
        texts: what the user calls them.
        store: address of the tracking store.
        settings: changes of them; `settings_by_place` says of which.

    Raises:
        UserError: one of them is wrong, or given twice, however it is spelled; all mistakes are told at once.
    """
    from discover.config.overrides import changed, changed_name, changes_in

    candidates: dict[str, Algorithm] = {}
    mistakes = Mistakes()
    for called, own in zip(texts, _by_place(texts, settings, mistakes), strict=True):
        with mistakes.at(""):
            changes, text = changes_in(own), settled(plugins, called, store)
            name = changed_name(text, changes)
            if name in candidates:
                raise UserError(f"candidate '{name}' is given twice: leave one out.")
            candidates[name] = changed(plugins.registry, candidate_from(plugins, text, store), changes)
    mistakes.check()
    check_different(plugins, candidates)
    return candidates


def settings_by_place(texts: Sequence[str], settings: Iterable[str]) -> list[list[str]]:
    """The settings ``PATH=VALUE`` of each candidate: of the first one, unless ``NAME:`` or ``2:`` stands before the path.

    Raises:
        UserError: there is no such candidate, or several of that name.

    >>> settings_by_place(["ppo", "dpo"], ["rule.ppo.clip=0.3", "2:rule.dpo.epochs=4", "dpo:network=gru"])
    [['rule.ppo.clip=0.3'], ['rule.dpo.epochs=4', 'network=gru']]
    """
    mistakes = Mistakes()
    own = _by_place(texts, settings, mistakes)
    mistakes.check()
    return own


def _by_place(texts: Sequence[str], settings: Iterable[str], mistakes: Mistakes) -> list[list[str]]:
    """The settings of each candidate, and what is wrong with those that belong to none."""
    own: list[list[str]] = [[] for _ in texts]
    for setting in settings:
        key, equals, value = setting.partition("=")
        with mistakes.at(""):
            place, path = place_and_path(texts, key, f"--set '{setting}'")
            own[place].append(f"{path}{equals}{value}")
    return own


def place_and_path(texts: Sequence[str], key: str, origin: str) -> tuple[int, str]:
    """The place of the candidate that the key of a change names, or numbers from 1, and the path in it.

    Args:
        texts: what the user calls the candidates.
        key: a path, which the name or the number of a candidate and ``:`` may precede; else it is of the first one.
        origin: begins the message of an error.

    Raises:
        UserError: there is no such candidate, or several of that name.

    >>> place_and_path(["ppo", "dpo"], "dpo:rule.dpo.epochs", "overrides")
    (1, 'rule.dpo.epochs')
    """
    name, colon, path = key.rpartition(":")
    if not colon:
        return 0, path
    if texts.count(name) == 1:
        return texts.index(name), path
    if name.isdecimal() and len(name) < 9 and 1 <= int(name) <= len(texts):
        return int(name) - 1, path
    if name in texts:
        raise UserError(f"{origin}: several candidates are called '{name}': write the place of one, such as 1:...")
    raise UserError(f"{origin}: no candidate here is called '{name}'; {nearest(name, set(texts))}.")


def check_different(plugins: Plugins, candidates: Mapping[str, Algorithm]) -> None:
    """Check that no two candidates are the same algorithm.

    Raises:
        UserError: two of them are.
    """
    from discover.config.candidate_file import fingerprint_of

    names: dict[str, str] = {}
    for name, candidate in candidates.items():
        other = names.setdefault(fingerprint_of(plugins.registry, candidate), name)
        if other != name:
            raise UserError(f"candidates '{other}' and '{name}' are the same algorithm: leave one out.")


def _written(registry: Registry, path: Path) -> Algorithm:
    """The candidate in a file of YAML or JSON.

    Raises:
        MistakesError: a sentence for each mistake in it, with its line.
    """
    from discover.config.build import algorithm_from
    from discover.config.reading import Places
    from discover.storage.files import is_file, printable
    from discover.storage.yaml_text import values_and_lines_in_file

    if not is_file(path, "candidate file"):
        raise UserError(f"candidate file '{path}' does not exist: check the path.")
    values, line = values_and_lines_in_file(path, "candidate file")
    if values is None:
        raise UserError(f"candidate file '{path}' is empty: write a candidate, such as 'recipe: ppo'.")
    whole = Line(1)
    whole.below = {_ROOT: line}
    mistakes = Mistakes()
    with mistakes.at(_ROOT):
        return algorithm_from(registry, values, _ROOT)
    raise MistakesError(Places(printable(path), whole).placed(mistakes.collected))


def _fetched(plugins: Plugins, address: str, store: str | None, read: Callable[[Path, Registry], T]) -> T:
    """The content of the file of a candidate in a tracking store, as ``read`` gives it."""
    with tempfile.TemporaryDirectory(prefix="discover-") as folder:
        path = plugins.hook.discover_fetch_candidate(address=address, store=store, folder=Path(folder))
        if path is None:
            raise UserError(f"no loaded plugin can fetch the candidate '{address}': is the plugin 'mlflow' blocked or broken?")
        return read(path, plugins.registry)
