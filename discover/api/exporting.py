"""Export of a candidate from Python."""

from __future__ import annotations

import os
from pathlib import Path

from discover.api.candidates import Candidate, load, name_of


def export(candidate: Candidate, *, to: str | os.PathLike[str], store: str | None = None) -> list[Path]:
    """Write a candidate as source that needs JAX, NumPy and optax alone.

    The folder receives ``rule.py`` (the rule, its network and all of its numbers), ``arrays.npz`` (weights of the rule, if it
    has any), ``example.py`` (which trains agents on CartPole, where the rule can), and ``test_rule.py`` with ``reference.npz``:
    five updates of the original, which the exported file equals to 1e-6. The test is run before the files are handed over.

    Args:
        candidate: see `load`.
        to: a folder that is empty or not there yet.
        store: address of the tracking store.

    Returns:
        The files.

    Raises:
        UserError: the folder is not empty, or the candidate cannot be exported.
    """
    from discover.exporting.export import export_candidate

    return export_candidate(load(candidate, store=store), name_of(candidate), Path(to))
