"""Errors of Python and JAX in the words of the contract: what a line does, why that cannot be, and what to write instead."""

from __future__ import annotations

import re
import traceback
from pathlib import Path

from discover.base.errors import UserError, cause_of, cut
from discover.testing.known_causes import BY_TYPE, BY_WORDS, FIT, MEANT, NONE, Cause

_LINE = 80
"""Characters of a line of code that are shown."""


def cause(error: BaseException) -> Cause | None:
    """The cause of an error of Python or JAX; None for one of which nothing more is known.

    >>> cause(TypeError("add got incompatible shapes for broadcasting: (3,), (4,)."))[0]
    'combines arrays whose shapes or dtypes do not fit'
    """
    if isinstance(error, TypeError | AttributeError) and "NoneType" in str(error):
        return NONE
    for kind, known in BY_TYPE:
        if isinstance(error, kind):
            return known
    if isinstance(error, TypeError | ValueError):
        return next((known for words, known in BY_WORDS if re.search(words, str(error))), None)
    return None


def words_of(error: BaseException, name: str, folder: Path | None) -> tuple[str, str, str]:
    """A sentence for an error, the reason and the remedy.

    Args:
        error: that was raised in a check.
        name: of the component that is checked.
        folder: of its code, or None.
    """
    if isinstance(error, UserError):
        return f"{name} cannot be used as its kind ({cause_of(error)}).", MEANT, "Repair what the sentence names."
    known, line = cause(error), line_in(error, folder)
    shown = f" in `{cut(line.line, _LINE)}`" if line is not None and line.line else ""
    if known is None:
        return f"{name} raises in a check of its kind ({cause_of(error)}){shown}.", MEANT, "Repair that line."
    detail = _detail(error)
    return f"{name} {known.does}{f' ({detail})' if detail else ''}{shown}.", known.why, known.remedy


def line_in(error: BaseException, folder: Path | None) -> traceback.FrameSummary | None:
    """The innermost call of an error that lies below a folder, not counting packages that are installed there."""
    depth = depth_in(error, folder)
    return None if depth < 0 else traceback.extract_tb(error.__traceback__)[depth]


def depth_in(error: BaseException, folder: Path | None) -> int:
    """The place of that call among all calls of the error, the outermost first; -1 if none lies below the folder."""
    if folder is None:
        return -1
    frames = traceback.extract_tb(error.__traceback__)
    return max((depth for depth, frame in enumerate(frames) if _lies_in(Path(frame.filename), folder)), default=-1)


def _lies_in(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder) and "site-packages" not in file.relative_to(folder).parts


def _detail(error: BaseException) -> str:
    """The facts in an error's message that a reader needs, without the jargon around them."""
    if isinstance(error, KeyError):
        return cut(str(error), _LINE)
    text = str(error)
    if isinstance(error, AttributeError) and "NoneType" not in text:
        return cut(re.sub(r"\w*Tracer", "an array", text).rstrip("."), 120)
    shapes = re.findall(r"\((?:\d+(?:, ?\d+)*)?,?\)", text) if cause(error) is FIT else []
    return " and ".join(dict.fromkeys(shapes))
