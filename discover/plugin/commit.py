"""The git commit of a folder, found without running anything that the repository configures.

``git status`` runs what a repository's own configuration names: ``core.fsmonitor``, hooks, filters. So the commit is read from
the repository's files as data, and whether there are changes is asked of git in a repository of our own, which has the same
objects and index, and no configuration.
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
_MOST = 2**24  # bytes of a file of references
_LONGEST = 10.0  # seconds that git may take


def commit_of(folder: Path) -> str:
    """The commit that a folder's repository has checked out, with ``+`` where tracked files differ from it.

    With ``?`` where that cannot be told; empty outside a repository, or where it keeps its references in another way.
    """
    for place in (folder, *folder.parents):
        found = _git_folder(place / ".git")
        if found is not None:
            commit = _head(found)
            return commit and commit + _mark(place, found, commit)
    return ""


def _git_folder(path: Path) -> Path | None:
    """Where the repository lies: in ``.git``, or where that file says (a worktree, a submodule)."""
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
    text = (_text(folder / "HEAD") or "").strip()
    named = _REF.fullmatch(text)
    if named is None:
        return text if _HASH.fullmatch(text) else ""
    name = named[1]
    if ".." in name.split("/"):
        return ""
    for place in (folder, _common(folder)):
        text = (_text(place / name) or "").strip()
        if _HASH.fullmatch(text):
            return text
    packed = re.search(rf"^({_HASH.pattern}) {re.escape(name)}$", _text(_common(folder) / "packed-refs") or "", re.MULTILINE)
    return packed[1] if packed else ""


def _text(path: Path) -> str | None:
    """What a small regular file says, None if there is none."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST:
            return None
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return None


def _mark(tree: Path, folder: Path, commit: str) -> str:
    """What stands behind a commit: ``+`` if tracked files differ from it, ``?`` if git cannot tell."""
    git = shutil.which("git")
    if git is None:
        return "?"
    form = "sha256" if len(commit) == 64 else "sha1"
    with tempfile.TemporaryDirectory(prefix="discover-git-") as own:
        for name in ("objects", "refs"):
            (Path(own) / name).mkdir()
        (Path(own) / "HEAD").write_text(commit + "\n", encoding="utf-8")
        (Path(own) / "config").write_text(_CONFIG.format(form=form), encoding="utf-8")
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
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
        words = ("status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all")
        try:
            made = subprocess.run(
                [git, "-C", str(tree), *words], capture_output=True, timeout=_LONGEST, check=True, env={**kept, **settings}
            )
        except (OSError, subprocess.SubprocessError):
            return "?"
        return "+" if made.stdout else ""
