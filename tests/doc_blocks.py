"""Code blocks of the README and of the pages in ``docs``. Standard library alone: ``.ci/readme`` uses it too.

A comment in the line above a block says how it is tested, unseen by readers of the page:

    <!-- test: 100_000 -> 2_000; seeds=8 -> seeds=2 -->    these texts are exchanged first: a smaller budget
    <!-- test: skip, it stands for itself -->              it is not tested; the reason follows the comma

A block with a title (```` ```python title="a.py" ````) is a file of that name. In a block of the language ``console``, commands
follow a ``$``, and what they print stands below.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]

_FENCE = re.compile(r'^(?P<indent> *)```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?$')
_COMMENT = re.compile(r"^ *<!-- test: (?P<what>.+) -->$")


class Block(NamedTuple):
    """One code block.

    Attributes:
        page: its page's path, from the root of the repository.
        line: of the page at which its text begins.
        language: ``python``, ``sh``, ``yaml``, ...; empty for plain text.
        title: the name of the file that it is, or an empty text.
        comment: how it is tested, or an empty text.
        text: what stands in it.
    """

    page: str
    line: int
    language: str
    title: str
    comment: str
    text: str

    @property
    def skipped(self) -> bool:
        return self.comment.startswith("skip, ")

    @property
    def tested(self) -> str:
        """The text with what the comment exchanges."""
        text = self.text
        for change in self.comment.split("; ") if self.comment and not self.skipped else ():
            old, arrow, new = change.partition(" -> ")
            if not arrow or old not in text:
                raise ValueError(f"{self.page}, line {self.line}: the block has no '{old}' to exchange")
            text = text.replace(old, new)
        return text

    @property
    def commands(self) -> list[str]:
        """The lines of a shell that stand in it."""
        lines = self.tested.replace("\\\n", " ").splitlines()
        if self.language == "console":
            return [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        return lines if self.language == "sh" else []


def pages() -> list[str]:
    """The README and the pages of the documentation, by their paths from the root of the repository."""
    return ["README.md", *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("docs/**/*.md"))]


def blocks(page: str) -> list[Block]:
    """The code blocks of one page, in their order."""
    return list(_blocks(page, (ROOT / page).read_text(encoding="utf-8").splitlines()))


def _blocks(page: str, lines: list[str]) -> Iterator[Block]:
    index = 0
    while index < len(lines):
        opened = _FENCE.match(lines[index])
        if opened is None:
            index += 1
            continue
        indent = opened["indent"]
        end = lines.index(f"{indent}```", index + 1)
        comment = _COMMENT.match(lines[index - 1]) if index else None
        text = "".join(f"{line.removeprefix(indent)}\n" for line in lines[index + 1 : end])
        what = comment["what"] if comment else ""
        yield Block(page, index + 2, opened["language"], opened["title"] or "", what, text)
        index = end + 1
