"""The ablation of a search's champion on disk: JSON, in a folder of the search's directory."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from discover.base.errors import UserError
from discover.contract.ablation import Ablation, ablation_from
from discover.storage.array_file import write_atomically
from discover.storage.json_text import values_in_json

ABLATION_FILE = Path("ablate", "ablation.json")
"""The file in the directory of a search."""


def write_ablation(directory: Path, ablation: Ablation) -> None:
    """Write the ablation of a champion to the directory of its search."""
    path = directory / ABLATION_FILE
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir()
    write_atomically(path, json.dumps({"format": 1, **ablation.values()}, indent=1, default=str).encode())


def read_ablation(directory: Path) -> Ablation | None:
    """The ablation in the directory of a search; None if there is none.

    Raises:
        UserError: the file is damaged.
    """
    path = directory / ABLATION_FILE
    if not path.is_file():
        return None
    try:
        return ablation_from(values_in_json(path.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"the ablation '{path}' is damaged ({type(error).__name__}): remove it, and go on with the search."
        ) from None
