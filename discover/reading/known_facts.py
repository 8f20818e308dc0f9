"""The facts about a candidate by the text that the user gave for it: a file, or an address in a tracking store."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from discover.base.errors import UserError
from discover.config.candidate_file import SUFFIX
from discover.config.candidates import is_address
from discover.contract.algorithm import Algorithm
from discover.contract.found_recipe import RECORD
from discover.outer_loop.directory import CHAMPION_FILE
from discover.plugin.loader import Plugins
from discover.reading.facts import CandidateFacts
from discover.reading.record_facts import facts_of_record
from discover.reading.search_facts import facts_in


def known_facts(plugins: Plugins, text: str, candidate: Algorithm, store: str | None = None) -> CandidateFacts:
    """The facts about a candidate; none for a known recipe, and where the search that it comes from is not at hand.

    Args:
        plugins: the loaded plugins; one of them may find the search of an address.
        text: what the user calls the candidate.
        candidate: the candidate.
        store: address of the tracking store.
    """
    path = Path(text)
    if path.suffix == SUFFIX:
        return facts_in(path, candidate, plugins.registry)
    if not is_address(text):
        recipe = plugins.registry.get("recipe", text).facts if plugins.registry.has("recipe", text) else {}
        return facts_of_record(recipe[RECORD]) if RECORD in recipe else CandidateFacts()
    facts = CandidateFacts()
    with contextlib.suppress(UserError):  # a run of another kind, or a model without one
        directory = plugins.hook.discover_find_search(address=text, store=store)
        if directory is not None:
            facts = facts_in(Path(directory) / CHAMPION_FILE, candidate, plugins.registry)
    return replace(facts, provenance={"candidate": text, **facts.provenance})
