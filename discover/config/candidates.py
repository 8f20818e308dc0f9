"""A candidate by what a user calls it: a recipe, a file, or an address in the tracking store."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from discover.base.errors import UserError

if TYPE_CHECKING:
    from discover.contract.algorithm import Algorithm
    from discover.plugin.loader import Plugins

HELP = "A recipe (ppo), a file (.candidate, .yaml or .json), or an MLflow address (models:/..., runs:/..., a run's id)."

_ADDRESS = re.compile(r"(models|runs):/.+|[0-9a-f]{32}")
_WORDS = (".json", ".yaml", ".yml")


def candidate_from(plugins: Plugins, text: str, store: str | None = None) -> Algorithm:
    """The candidate that the user means.

    Raises:
        UserError: no such recipe, file or address, or it does not hold a complete candidate.
    """
    from discover.components.paths import check
    from discover.config.build import algorithm_from
    from discover.config.candidate_file import SUFFIX, load_candidate

    path, registry = Path(text), plugins.registry
    if path.suffix == SUFFIX:
        return load_candidate(path, registry)
    if path.suffix in _WORDS:
        candidate = algorithm_from(registry, _config_in(path), f"candidate file '{path}'")
    elif is_address(text):
        return _fetched(plugins, text, store)
    else:
        candidate = algorithm_from(registry, text)
    check(candidate)
    return candidate


def is_address(text: str) -> bool:
    """Whether a text is an address in a tracking store.

    >>> is_address("models:/mine@champion"), is_address("ppo")
    (True, False)
    """
    return _ADDRESS.fullmatch(text) is not None


def candidates_from(plugins: Plugins, texts: Iterable[str], store: str | None = None) -> dict[str, Algorithm]:
    """Several candidates, each under a name of its own.

    Raises:
        UserError: one of them is wrong, or given twice, however it is spelled.
    """
    candidates: dict[str, Algorithm] = {}
    for text in texts:
        if text in candidates:
            raise UserError(f"candidate '{text}' is given twice: leave one out.")
        candidates[text] = candidate_from(plugins, text, store)
    check_different(plugins, candidates)
    return candidates


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


def _config_in(path: Path) -> object:
    from discover.storage.files import is_file
    from discover.storage.yaml_text import values_in_file

    if not is_file(path, "candidate file"):
        raise UserError(f"candidate file '{path}' does not exist: check the path.")
    return values_in_file(path, "candidate file")


def _fetched(plugins: Plugins, address: str, store: str | None) -> Algorithm:
    from discover.config.candidate_file import load_candidate

    with tempfile.TemporaryDirectory(prefix="discover-") as folder:
        path = plugins.hook.discover_fetch_candidate(address=address, store=store, folder=Path(folder))
        if path is None:
            raise UserError(f"no loaded plugin can fetch the candidate '{address}': is the plugin 'mlflow' blocked or broken?")
        return load_candidate(path, plugins.registry)
