"""Locks on directories: one holder at a time, whatever becomes of it."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import discover.storage.locks
from discover import UserError, directory_lock
from discover.storage.locks import LockWarning

HOLDER = """
import pathlib, sys, time
from discover import directory_lock
with directory_lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(600)
"""


@contextmanager
def holder(directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the directory."""
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(directory)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


def test_a_second_process_is_told_who_holds_the_directory_and_touches_nothing(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        before = sorted(os.listdir(tmp_path))
        with pytest.raises(UserError) as caught, directory_lock(tmp_path):
            pass
        sentence = f"'{tmp_path}' is in use by another process (process id {process.pid}): wait until it ends, or end it."
        assert str(caught.value) == sentence
        assert sorted(os.listdir(tmp_path)) == before


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with (
            directory_lock(tmp_path),
            pytest.raises(UserError, match=rf"\(process id {os.getpid()}\)"),
            directory_lock(tmp_path),
        ):
            pass
    assert os.listdir(tmp_path) == []


def test_a_lock_that_is_given_back_can_be_taken_again(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(KeyError), directory_lock(tmp_path):
            raise KeyError
        assert os.listdir(tmp_path) == []


def test_a_file_that_is_removed_in_between_is_no_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The holder gives the lock back, and removes its file, just after another process has opened that file."""
    open_file, tries = discover.storage.locks._open, []

    def late(path: Path) -> int:
        descriptor = open_file(path)
        if not tries:
            path.unlink()
        tries.append(path)
        return descriptor

    monkeypatch.setattr(discover.storage.locks, "_open", late)
    with directory_lock(tmp_path), pytest.raises(UserError, match="in use"), directory_lock(tmp_path):
        pass
    assert len(tries) == 3


def test_a_link_in_the_place_of_the_lock_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("text")
    (tmp_path / ".discover.lock").symlink_to("precious")
    with pytest.raises(UserError, match=r"^'.*' cannot be locked \(.*\): make it a directory"), directory_lock(tmp_path):
        pass
    assert (tmp_path / "precious").read_text() == "text"


def test_what_is_no_directory_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot be locked \(No such file"), directory_lock(tmp_path / "missing"):
        pass


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_costs_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no locks here")

    monkeypatch.setattr("fcntl.flock", refuse)
    sentence = r"is not locked, since its file system has no locks \(no locks here\)"
    with pytest.warns(LockWarning, match=sentence), directory_lock(tmp_path):
        pass


def test_a_platform_without_locks_costs_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discover.storage.locks, "fcntl", None)
    with pytest.warns(LockWarning, match=r"this platform has no file locks"), directory_lock(tmp_path):
        pass
