"""Candidates on disk: one zip file of ``candidate.json`` and arrays. Data only: nothing in it is ever executed.

The JSON holds the candidate as in a config, with each array replaced by the name of an ``.npy`` member, and a
fingerprint of the whole, so that a file cut short or altered is told from a good one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from discover.base.errors import UserError
from discover.components.component import Component
from discover.components.paths import check
from discover.config.build import algorithm_from, config_of
from discover.contract.algorithm import Algorithm
from discover.contract.registry import Registry
from discover.storage.array_file import write_atomically
from discover.storage.files import is_file
from discover.storage.json_text import values_in_json
from discover.storage.zip_archive import MOST_BYTES, MOST_MEMBERS, array_in, damage, members_of, zip_of

FORMAT = 1
SUFFIX = ".candidate"
_ARRAY = "$array"


def save_candidate(path: Path, algorithm: Algorithm, registry: Registry, notes: Mapping[str, Any] | None = None) -> Path:
    """Write a complete candidate.

    Args:
        path: where to; the suffix ``.candidate`` is customary.
        algorithm: every value set.
        registry: gives components their names.
        notes: anything JSON can hold (fitness, search, versions); kept, never interpreted.

    Raises:
        UserError: a value is open or illegal, or a component is not registered.
    """
    check(algorithm)
    words, arrays = without_arrays(config_of(registry, algorithm))
    size = sum(array.nbytes for array in arrays.values())
    if 2 * size > MOST_BYTES or 2 * len(arrays) > MOST_MEMBERS:
        raise UserError(
            f"a candidate of {len(arrays):,} arrays and {size:,} bytes could not be read again: {MOST_MEMBERS // 2:,} arrays "
            f"and {MOST_BYTES // 2:,} bytes are the most; take a smaller one."
        )
    text = {"format": FORMAT, "candidate": words, "fingerprint": fingerprint(words, arrays), "notes": dict(notes or {})}
    try:
        described = json.dumps(text, indent=2)
        values_in_json(described)  # what cannot be read again is not written
    except (TypeError, ValueError) as error:
        raise UserError(f"the notes of a candidate must be JSON ({error}): leave out what is not.") from None
    write_atomically(Path(path), zip_of("candidate.json", described, arrays))
    return Path(path)


def load_candidate(path: Path, registry: Registry) -> Algorithm:
    """Read a candidate that `save_candidate` wrote.

    Raises:
        UserError: missing, cut short, altered, of a newer format, or made of components that no loaded plugin brings.
    """
    words, arrays, stored = _read(Path(path))
    if fingerprint(words, arrays) != stored.get("fingerprint"):
        raise UserError(f"candidate file '{path}' has been altered (its fingerprint does not match): fetch it again.")
    algorithm = algorithm_from(registry, with_arrays(words, arrays, f"candidate file '{path}'"), f"candidate file '{path}'")
    try:
        check(algorithm)
    except UserError as error:
        raise UserError(f"candidate file '{path}': {error}") from None
    return algorithm


def load_notes(path: Path) -> Mapping[str, Any]:
    """The notes that were saved with a candidate."""
    return _read(Path(path))[2].get("notes", {})


def fingerprint_of(registry: Registry, component: Component) -> str:
    """A hash of a component's words and arrays: equal exactly for equal candidates."""
    return fingerprint(*without_arrays(config_of(registry, component)))


def fingerprint(words: Any, arrays: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.sha256(json.dumps(words, sort_keys=True).encode())
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].dtype}{arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()


def _read(path: Path) -> tuple[Any, dict[str, np.ndarray], dict[str, Any]]:
    if not is_file(path, "candidate file"):
        raise UserError(f"candidate file '{path}' does not exist: check the path.")
    try:
        with path.open("rb") as file:
            members = members_of(file)
        stored = values_in_json(members["candidate.json"].decode())
        arrays = {name: array_in(data) for name, data in members.items() if name.endswith(".npy")}
    except Exception as error:  # damaged bytes make zipfile, zlib and numpy raise anything
        raise UserError(f"candidate file '{path}' is damaged or cut short ({damage(error)}): fetch it again.") from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        version = stored.get("format") if isinstance(stored, dict) else None
        raise UserError(f"candidate file '{path}' has format {version!r}; this version reads {FORMAT}: update discover-rl.")
    return stored.get("candidate"), arrays, stored


def without_arrays(words: Any, path: str = "arrays") -> tuple[Any, dict[str, np.ndarray]]:
    """Words with each array replaced by its member's name, and the arrays by name."""
    arrays: dict[str, np.ndarray] = {}

    def strip(value: Any, path: str) -> Any:
        if isinstance(value, np.ndarray | jax.Array):
            arrays[f"{path}.npy"] = np.asarray(value)
            return {_ARRAY: f"{path}.npy"}
        if isinstance(value, Mapping):
            return {key: strip(inner, f"{path}/{key}") for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [strip(inner, f"{path}/{index}") for index, inner in enumerate(value)]
        return value

    return strip(words, path), arrays


def with_arrays(words: Any, arrays: Mapping[str, np.ndarray], what: str = "candidate") -> Any:
    """Words with each array in the place of its member's name: the inverse of `without_arrays`."""
    if isinstance(words, Mapping):
        if set(words) == {_ARRAY}:
            name = words[_ARRAY]
            if not isinstance(name, str) or name not in arrays:
                raise UserError(f"{what} names an array {name!r} that it does not hold: fetch it again.")
            return arrays[name]
        return {key: with_arrays(inner, arrays, what) for key, inner in words.items()}
    if isinstance(words, list):
        return [with_arrays(inner, arrays, what) for inner in words]
    return words
