"""The facts about a recipe that a search found, from its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discover.base.short_number import short_number
from discover.base.text_table import counted
from discover.config.seen import seen_in_notes
from discover.reading.facts import CandidateFacts, cost_facts, name_of_part, provenance_facts


def facts_of_record(record: Mapping[str, Any]) -> CandidateFacts:
    """The facts in the record of a recipe (`FoundRecipe`); what it does not say is left out."""
    ablation = record.get("ablation") or {}
    return CandidateFacts(
        rows=record.get("table", ()),
        verdict=str(record.get("verdict", "")),
        lineage=_lineage(record) | ({"paid": str(ablation["verdict"])} if ablation else {}),
        cost=cost_facts(record["spent"]),
        provenance=provenance_facts(record["provenance"]),
        fails=tuple(map(str, record.get("fails", ()))),
        paid=ablation.get("table", ()),
    )


def _lineage(record: Mapping[str, Any]) -> dict[str, str]:
    """The search that found the candidate, and what it has seen."""
    search, seen = record["search"], seen_in_notes(record)
    config = search["config"]
    population, generations = int(config["population"]), int(config["generations"])
    lineage = {
        "search": str(search["name"]),
        "seed": str(search["seed"]),
        "strategy": name_of_part(config["strategy"]),
        "population": f"{counted(population, 'candidate')} in each of {counted(generations, 'generation')}",
        "seen": "" if seen is None else seen.sentence(None),
        "fitness on seeds of its own": short_number(record["spent"]["champion_fitness"]),
    }
    return {name: text for name, text in lineage.items() if text}
