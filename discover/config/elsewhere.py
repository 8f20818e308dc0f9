"""Candidates from elsewhere in a config: an address in a tracking store, or a file, wherever it may name a recipe.

They are fetched before the config is read, and all of their values stand in it from then on, so that a search can be resumed
whatever becomes of the store. ``origin`` names the version or the file; nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from discover.base.errors import UserError
from discover.base.mistakes import Mistakes, MistakesError
from discover.config.build import ORIGIN, config_of, errors_at, merged_fields
from discover.config.candidates import FILES, candidate_from, is_address, notes_of_candidate, settled
from discover.config.reading import Places, WrittenConfig
from discover.config.seen import SEEN_BEFORE, seen_in_notes
from discover.config.splits import SPLIT, TEST, with_split
from discover.contract.events import TaskRun

if TYPE_CHECKING:
    from discover.plugin.loader import Plugins


def with_candidates(plugins: Plugins, config: Mapping[str, Any], store: str | None = None) -> WrittenConfig:
    """A config with the candidates that it takes from elsewhere.

    Args:
        plugins: the loaded plugins, one of which fetches what is in a tracking store.
        config: as it is written.
        store: address of the tracking store; None for the default one.

    Raises:
        MistakesError: there is no such candidate, or the search is to begin with one that knows a meta-test task of its split;
            all such mistakes are told, with their places.
    """
    values, mistakes, kept = dict(config), Mistakes(), _kept_tasks(config)
    seen_before: list[TaskRun] = []
    before = config if isinstance(config, WrittenConfig) else WrittenConfig({}, Places())

    def filled(value: Any, path: str) -> Any:
        with mistakes.at(path), errors_at(path):
            return _filled(plugins, value, store)
        return value

    def begun(value: Any, path: str) -> Any:
        """The words that a search begins with, as `filled`; what the search that found them has seen counts as seen."""
        words = filled(value, path)
        with mistakes.at(path), errors_at(path):
            if not mistakes.below(path):
                seen_before.extend(_seen_by(plugins, value, kept, store))
        return words

    if "candidate" in values:
        values["candidate"] = begun(values["candidate"], "candidate")
    if isinstance(values.get("init"), list):
        values["init"] = [begun(value, f"init.{index}") for index, value in enumerate(values["init"])]
    after = values.get("after")
    if isinstance(after, Mapping) and isinstance(after.get("ablate"), Mapping):
        against = filled(after["ablate"].get("against"), "after.ablate.against")
        values["after"] = {**after, "ablate": {**after["ablate"], "against": against}}
    report = values.get("report")
    if isinstance(report, Mapping) and isinstance(report.get("baselines"), Mapping):
        baselines = {name: filled(value, f"report.baselines.{name}") for name, value in report["baselines"].items()}
        values["report"] = {**report, "baselines": baselines}
    if seen_before:
        told = [run._asdict() for run in dict.fromkeys(seen_before)]
        values[SEEN_BEFORE] = told + [each for each in values.get(SEEN_BEFORE) or () if each not in told]
    if mistakes.collected:
        raise MistakesError([*before.places.placed(mistakes.collected), *before.wrong_settings])
    return WrittenConfig(values, before.places, before.wrong_settings)


def _kept_tasks(config: Mapping[str, Any]) -> set[str]:
    """The meta-test tasks of the split of a config, as far as it is right."""
    try:
        split = with_split(config).get(SPLIT)
    except UserError:  # told when the config is checked
        return set()
    items = split[TEST] if isinstance(split, Mapping) else ()
    return {str(item.get("task")) for item in items if isinstance(item, Mapping)} if isinstance(items, list) else set()


def _seen_by(plugins: Plugins, value: Any, kept: set[str], store: str | None) -> tuple[TaskRun, ...]:
    """The tasks that the search has seen which found what a search begins with; none where no search did.

    Raises:
        UserError: one of them is kept from the search that begins.
    """
    while isinstance(value, Mapping):
        value = value.get("nearest", value.get("recipe"))
    if not isinstance(value, str):
        return ()
    seen = seen_in_notes(notes_of_candidate(plugins, settled(plugins, value, store), store))
    if seen is None:
        return ()
    for run in seen.runs:
        if run.task in kept:
            raise UserError(
                f"'{value}' was found by the search '{seen.search}', which saw '{run.task}', a meta-test task of the split: "
                f"leave it out, or leave out '{SPLIT}'."
            )
    return seen.runs


def _filled(plugins: Plugins, value: Any, store: str | None) -> Any:
    """The words of an algorithm, of a space to tune, or of the nearest to begin with,
    with the values of a candidate from elsewhere."""
    if isinstance(value, str) and _is_elsewhere(value):
        return _words(plugins, value, store)
    if not isinstance(value, Mapping):
        return value
    if set(value) in ({"tune"}, {"nearest"}):
        return {key: _filled(plugins, inner, store) for key, inner in value.items()}
    recipe = value.get("recipe")
    if not isinstance(recipe, str) or not _is_elsewhere(recipe):
        return value
    return merged_fields(_words(plugins, recipe, store), {key: inner for key, inner in value.items() if key != "recipe"})


def _is_elsewhere(text: str) -> bool:
    return is_address(text) or Path(text).suffix in FILES


def _words(plugins: Plugins, text: str, store: str | None) -> dict[str, Any]:
    """The words of a candidate, with the name of the version or of the file that they come from."""
    origin = settled(plugins, text, store)
    return {ORIGIN: origin, **plain_words(config_of(plugins.registry, candidate_from(plugins, origin, store)))}


def plain_words(value: Any) -> Any:
    """Words with weights as lists, each number in as few digits as stand for it."""
    if isinstance(value, Mapping):
        return {key: plain_words(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain_words(inner) for inner in value]
    if hasattr(value, "dtype"):
        array = np.asarray(value)
        return [plain_words(row) for row in array] if array.ndim else float(str(array))
    return value
