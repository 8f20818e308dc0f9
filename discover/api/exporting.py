"""Export of a candidate from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from discover.api.candidates import Candidate, load, name_of, settled
from discover.api.loaded import plugins


def export(
    candidate: Candidate,
    *,
    to: str | os.PathLike[str],
    overrides: Mapping[str, Any] | None = None,
    store: str | None = None,
) -> list[Path]:
    """Write a candidate as source that needs JAX, NumPy and optax alone.

    The folder receives ``rule.py`` (the rule, its network and all of its numbers), ``arrays.npz`` (weights of the rule, if it
    has any), ``example.py`` (which trains agents on CartPole, where the rule can), and ``test_rule.py`` with ``reference.npz``:
    five updates of the original, which the exported file equals to 1e-6. The test is run before the files are handed over.

    Args:
        candidate: see `load`.
        to: a folder that is empty or not there yet.
        overrides: other values of the candidate by dotted path, such as ``{"rule.ppo.clip": 0.3}``.
        store: address of the tracking store.

    Returns:
        The files.

    Raises:
        UserError: the folder is not empty, or the candidate cannot be exported.
    """
    from discover.config.candidate_file import fingerprint_of
    from discover.config.overrides import changed_name, changes_of
    from discover.exporting.export import export_candidate

    candidate = settled(candidate, store)
    algorithm, name = load(candidate, overrides=overrides, store=store), changed_name(name_of(candidate), changes_of(overrides))
    return export_candidate(algorithm, name, Path(to), fingerprint=fingerprint_of(plugins().registry, algorithm))
