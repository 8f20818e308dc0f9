"""The commit of a folder, whatever its repository would have git run."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from discover.plugin.commit import commit_of


def git(folder: Path, *words: str) -> str:
    """Run git with an identity of its own and none of the user's settings."""
    who = {f"GIT_{role}_{what}": "it@it" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    settings = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_ALLOW_PROTOCOL": "file"}
    made = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=True, env={**os.environ, **who, **settings}
    )
    return made.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one commit of two files."""
    folder = tmp_path / "it"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "one.txt").write_text("one\n")
    (folder / "two.txt").write_text("two\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_the_commit_is_that_of_the_folder_with_a_mark_for_changes(repository: Path, tmp_path: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    (repository / "below").mkdir()
    (repository / "untracked").write_text("")
    assert commit_of(repository) == commit_of(repository / "below") == commit
    (repository / "one.txt").touch()
    assert commit_of(repository) == commit
    (repository / "one.txt").write_text("other\n")
    assert commit_of(repository) == commit + "+"
    git(repository, "add", "one.txt")
    assert commit_of(repository) == commit + "+"
    git(repository, "commit", "-q", "-m", "second")
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")
    assert commit_of(tmp_path) == ""


def test_every_way_to_keep_a_commit_is_known(repository: Path, tmp_path: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    git(repository, "pack-refs", "--all")
    assert not (repository / ".git" / "refs" / "heads" / "main").exists()
    assert commit_of(repository) == commit
    git(repository, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert commit_of(tmp_path / "side") == commit
    (tmp_path / "side" / "one.txt").write_text("other\n")
    assert (commit_of(tmp_path / "side"), commit_of(repository)) == (commit + "+", commit)
    git(repository, "checkout", "-q", "--detach")
    assert commit_of(repository) == commit
    git(tmp_path, "init", "-q", "--object-format=sha256", "-b", "main", "wide")
    git(tmp_path / "wide", "commit", "-q", "--allow-empty", "-m", "first")
    assert commit_of(tmp_path / "wide") == git(tmp_path / "wide", "rev-parse", "HEAD")


def test_nothing_that_a_repository_configures_is_run(repository: Path, tmp_path: Path) -> None:
    commit, mark, hooks = git(repository, "rev-parse", "HEAD"), tmp_path / "executed", tmp_path / "hooks"
    plant = tmp_path / "plant"
    plant.write_text(f"#!/bin/sh\necho $0 $@ >> '{mark}'\ncat\n")
    plant.chmod(0o755)
    hooks.mkdir()
    for name in ("post-index-change", "fsmonitor-watchman", "pre-commit", "post-checkout", "reference-transaction"):
        shutil.copy(plant, hooks / name)
        shutil.copy(plant, repository / ".git" / "hooks" / name)
    (repository / ".gitattributes").write_text("*.txt filter=evil diff=evil merge=evil\n")
    (repository / ".git" / "info" / "attributes").write_text("* filter=evil\n")
    settings = {
        "core.fsmonitor": plant,
        "core.hooksPath": hooks,
        "core.sshCommand": plant,
        "core.gitProxy": plant,
        "core.pager": plant,
        "core.editor": plant,
        "core.askPass": plant,
        "filter.evil.clean": plant,
        "filter.evil.smudge": plant,
        "filter.evil.process": plant,
        "diff.external": plant,
        "diff.evil.textconv": plant,
        "diff.evil.command": plant,
        "credential.helper": plant,
        "alias.status": f"!{plant}",
        "include.path": plant,
    }
    for name, value in settings.items():
        with (repository / ".git" / "config").open("a") as file:
            section, _, key = name.rpartition(".")
            first, _, rest = section.partition(".")
            file.write(f'[{first} "{rest}"]\n' if rest else f"[{first}]\n")
            file.write(f"{key} = {value}\n")
    for name in ("one.txt", "two.txt"):
        (repository / name).touch()
    assert commit_of(repository) == commit
    assert not mark.exists()
    (repository / "one.txt").write_text("other\n")
    assert commit_of(repository) == commit + "+"
    assert not mark.exists()
    (repository / ".git" / "config").write_text((repository / ".git" / "config").read_text().replace("path = ", "path2 = "))
    subprocess.run(["git", "-C", str(repository), "status"], capture_output=True, check=False, timeout=60)
    assert mark.exists(), "what is planted must work, or this test shows nothing"


def test_a_submodule_is_read_like_any_other_and_never_entered(repository: Path, tmp_path: Path) -> None:
    git(repository, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(repository), "inner")
    git(repository, "commit", "-q", "-m", "with a submodule")
    mark, plant = tmp_path / "executed", tmp_path / "plant"
    plant.write_text(f"#!/bin/sh\necho $0 $@ >> '{mark}'\n")
    plant.chmod(0o755)
    inner = repository / "inner"
    assert (inner / ".git").is_file()
    git(inner, "config", "core.fsmonitor", str(plant))
    mark.unlink(missing_ok=True)
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")
    assert commit_of(inner).rstrip("+") == (repository / ".git/modules/inner/refs/heads/main").read_text().strip()
    assert not mark.exists()


@pytest.mark.parametrize(
    "head",
    ["", "ref: refs/../../secret", "ref: /etc/passwd", "ref: refs/heads/none", "x" * 100_000, "ref: refs/heads/a b", "\0"],
)
def test_a_strange_head_gives_no_commit(tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)
    (tmp_path / "secret").write_text("0" * 40)
    assert commit_of(tmp_path) == ""


def test_a_repository_without_objects_or_git_is_marked_as_unknown(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    shutil.rmtree(repository / ".git" / "objects")
    assert commit_of(repository) == commit + "?"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert commit_of(repository) == commit + "?"


def test_links_that_lead_nowhere_or_never_end_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: " + "a" * 5000)
    assert commit_of(tmp_path) == ""
    (tmp_path / ".git").unlink()
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "HEAD")
    assert commit_of(tmp_path) == ""
    (tmp_path / ".git" / "HEAD").unlink()
    (tmp_path / ".git" / "HEAD").symlink_to("/dev/zero")
    assert commit_of(tmp_path) == ""
