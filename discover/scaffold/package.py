"""A new package for a plugin: the templates of a kind, with names filled in."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from discover.base.errors import StorageError, UserError, nearest
from discover.scaffold.names import Names
from discover.storage.files import checked_path

_TEMPLATES = Path(__file__).parent / "templates"
_COMMON = {"pyproject.toml": "pyproject.toml", "README.md": "README.md", "gitignore": ".gitignore"}
_COMMON |= {"test.yml": ".github/workflows/test.yml"}
_OWN = {"plugin.py": "@module@/__init__.py", "component.py": "@module@/@name@.py", "recipe.yaml": "@module@/recipe.yaml"}
_OWN |= {"search.yaml": "search.yaml", "test.py": "tests/test_@name@.py"}
_PURPOSES = {
    "plugin.py": "the plugin: what it registers, or the hooks by which it watches",
    "component.py": "the idea itself",
    "recipe.yaml": "a candidate that uses it, with a name: what `discover train` takes",
}
_HOLE = re.compile(r"@(\w+)@")

KINDS = tuple(sorted(path.name.replace("_", " ") for path in _TEMPLATES.iterdir() if path.name != "common"))
"""The kinds of which a new package can be made."""


def kind_from(text: str) -> str:
    """The kind of a template, whether its words are joined by spaces, dashes or underscores.

    Raises:
        UserError: there is none of that name.

    >>> kind_from("update-rule"), kind_from("wrapper")
    ('update rule', 'environment wrapper')
    """
    kind = re.sub(r"[\s_-]+", " ", text.strip().lower())
    ends = [known for known in KINDS if known == kind or known.endswith(f" {kind}")]
    if len(ends) == 1 or kind in ends:
        return kind if kind in ends else ends[0]
    raise UserError(f"--kind '{text}' is no kind of plugin: {nearest(kind, KINDS)}.")


def new_package(names: Names, kind: str, folder: Path) -> list[Path]:
    """Write a package with one working component of a kind.

    Args:
        names: what things are called.
        kind: one of `KINDS`.
        folder: where it is written: empty, or not there yet.

    Returns:
        The files, in the order of their names.

    Raises:
        UserError: the folder holds something already.
        StorageError: it cannot be written.
    """
    files = files_of(names, kind)
    checked_path(folder, "the folder of the new package")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"'{folder}' exists and is not an empty folder: take another, with --to FOLDER.")
    try:
        for path, text in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StorageError(f"the new package cannot be written to '{folder}' ({error.strerror}).") from None
    return [folder / path for path in sorted(files)]


def files_of(names: Names, kind: str) -> dict[str, str]:
    """The texts of a new package by their paths in it."""
    own = _TEMPLATES / kind.replace(" ", "_")
    about = tomllib.loads((own / "about.toml").read_text(encoding="utf-8"))
    present = [template for template in _OWN if (own / f"{template}.txt").exists()]
    facts = {
        "name": names.name,
        "Class": names.component,
        "module": names.module,
        "dist": names.distribution,
        "kind": kind,
        "version": version("discover-rl"),
        "summary": about["summary"],
        "try": about["try"].strip(),
        "next": about["next"].strip(),
        "files": "\n".join(_rows(present)),
    }
    sources = {_TEMPLATES / "common" / f"{template}.txt": path for template, path in _COMMON.items()}
    sources |= {own / f"{template}.txt": _OWN[template] for template in present}
    return {_filled(path, facts): _filled(source.read_text(encoding="utf-8"), facts) for source, path in sources.items()}


def _rows(present: list[str]) -> Iterator[str]:
    """The rows of the README's table for the files of a kind."""
    for template, purpose in _PURPOSES.items():
        if template in present:
            yield f"| `{_OWN[template]}` | {purpose} |"


def _filled(text: str, facts: dict[str, str]) -> str:
    """A text with its holes filled; what is filled in may have holes itself."""
    while _HOLE.search(text):
        text = _HOLE.sub(lambda match: facts[match[1]], text)
    return text
