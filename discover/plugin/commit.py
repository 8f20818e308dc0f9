"""The git commit of a folder, without running any program that the repository configures.

``git status`` runs programs that a repository's own configuration names: ``core.fsmonitor``, hooks, filters. So this module
reads the commit from the files of the repository as data. For changes it calls git in a temporary repository, which has the
same objects and index, but no configuration.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_HASH = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REF = re.compile(r"ref: (refs/[^\s\0]+)")
_CONFIG = "[core]\nrepositoryformatversion = 1\nbare = false\n[extensions]\nobjectFormat = {form}\n"
_MOST = 2**24
"""Most bytes of a file of references."""

_LONGEST = 10.0
"""Most seconds that git may take."""


def commit_of(folder: Path) -> str:
    """The commit that is checked out in a folder's repository.

    Returns:
        The hash, with ``+`` behind it if tracked files differ from the commit, or ``?`` if git cannot decide that; ``""``
        outside a repository, or if it stores its references in an unknown way.
    """
    for place in (folder, *folder.parents):
        repository = _git_folder(place / ".git")
        if repository is not None:
            commit = _head(repository)
            return commit and commit + _mark(place, repository, commit)
    return ""


def _git_folder(path: Path) -> Path | None:
    """The folder of the repository: ``.git`` itself, or the one that this file names (a worktree, a submodule)."""
    if path.is_dir():
        return path
    text = _text(path)
    if text is None or not text.startswith("gitdir: "):
        return None
    return path.parent / text.removeprefix("gitdir: ").strip()


def _common(folder: Path) -> Path:
    """The folder that all worktrees of a repository share."""
    text = _text(folder / "commondir")
    return folder if text is None else folder / text.strip()


def _head(folder: Path) -> str:
    """The hash of the commit that is checked out; ``""`` if it cannot be read."""
    text = (_text(folder / "HEAD") or "").strip()
    reference = _REF.fullmatch(text)
    if reference is None:
        return text if _HASH.fullmatch(text) else ""
    name = reference[1]
    if ".." in name.split("/"):
        return ""
    for place in (folder, _common(folder)):
        text = (_text(place / name) or "").strip()
        if _HASH.fullmatch(text):
            return text
    packed = re.search(rf"^({_HASH.pattern}) {re.escape(name)}$", _text(_common(folder) / "packed-refs") or "", re.MULTILINE)
    return packed[1] if packed else ""


def _text(path: Path) -> str | None:
    """The text of a small regular file; None if there is none."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def _mark(tree: Path, folder: Path, commit: str) -> str:
    """The mark behind a commit: ``+`` if tracked files differ from it, ``?`` if git cannot decide that."""
    git = shutil.which("git")
    if git is None:
        return "?"
    form = "sha256" if len(commit) == 64 else "sha1"
    with tempfile.TemporaryDirectory(prefix="discover-git-") as own:
        for name in ("objects", "refs"):
            (Path(own) / name).mkdir()
        (Path(own) / "HEAD").write_text(commit + "\n", encoding="utf-8")
        (Path(own) / "config").write_text(_CONFIG.format(form=form), encoding="utf-8")
        others = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        settings = {
            "GIT_DIR": own,
            "GIT_WORK_TREE": str(tree),
            "GIT_INDEX_FILE": str(folder / "index"),
            "GIT_OBJECT_DIRECTORY": str(_common(folder) / "objects"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_SYSTEM": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
        }
        command = [git, "-C", str(tree), "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"]
        try:
            process = subprocess.run(command, capture_output=True, timeout=_LONGEST, check=True, env={**others, **settings})
        except (OSError, subprocess.SubprocessError):
            return "?"
        return "+" if process.stdout else ""
