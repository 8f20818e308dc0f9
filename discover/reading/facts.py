"""Facts about a candidate beside itself: where it wins and fails, where it comes from, and what it cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from discover.contract.results import Comparison

Facts: TypeAlias = Mapping[str, str]
"""Facts by their name, both in plain words."""

_OURS = "discover-rl"
"""The distribution whose plugins need no mention."""


@dataclass(frozen=True)
class CandidateFacts:
    """Facts about a candidate beside itself; a page leaves out what is empty.

    Attributes:
        rows: of a comparison, as `Comparison.rows` gives them; the candidate is the first of them.
        verdict: of that comparison.
        lineage: the search that the candidate comes from.
        cost: what that search spent.
        provenance: versions, plugins, git commit, device.
        fails: where the candidate fails, in sentences.
        paid: what each value pays beside a known algorithm, as `Ablation.rows` gives it.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    verdict: str = ""
    lineage: Facts = field(default_factory=dict)
    cost: Facts = field(default_factory=dict)
    provenance: Facts = field(default_factory=dict)
    fails: Sequence[str] = ()
    paid: Sequence[Mapping[str, Any]] = ()


def comparison_facts(comparison: Comparison | None) -> dict[str, Any]:
    """The rows and the verdict of a comparison; nothing without one."""
    return {} if comparison is None else {"rows": comparison.rows(), "verdict": comparison.verdict}


def cost_facts(numbers: Mapping[str, Any]) -> Facts:
    """The totals of a search, from the attributes of its result."""
    broken = ", ".join(f"{count:,} {status}" for status, count in numbers["broken"].items()) or "none"
    return {
        "generations": f"{numbers['generations']:,}",
        "env steps": f"{numbers['env_steps']:,}",
        "seconds": f"{numbers['seconds']:,.0f}",
        "broken candidates": broken,
    }


def provenance_facts(provenance: Mapping[str, Any]) -> Facts:
    """Versions, plugins, commit and device in plain words; what is missing is left out."""
    versions, plugins = provenance.get("versions", {}), provenance.get("plugins", {})
    installed = [f"{name} {version}" for name, version in versions.items() if version != "not installed"]
    others = [f"{name} ({origin})" for name, origin in plugins.items() if origin.split()[0] != _OURS]
    device = provenance.get("device") or {}
    facts = {
        "versions": ", ".join(installed),
        "python": provenance.get("python", ""),
        "plugins of others": ", ".join(others),
        "git commit": provenance.get("commit", ""),
        "device": f"{device['count']} x {device['kind']}" if device else "",
        "executor": provenance.get("executor", ""),
    }
    return {name: text for name, text in facts.items() if text}


def name_of_part(words: object) -> str:
    """The name of a component as a config writes it: a text, or a mapping from the name to its settings."""
    return str(next(iter(words), "")) if isinstance(words, Mapping) else str(words or "")
