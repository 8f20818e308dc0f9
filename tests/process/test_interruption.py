"""Signals, each tried in a process of its own: the first one ends it in order, the second one at once."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SIGNALS = (signal.SIGINT, signal.SIGTERM)
NAMES = ("SIGINT", "SIGTERM")
HEAD = "import os, signal, sys, time, gc, weakref\nfrom discover.process import interruption\n"
AT_WORK = HEAD + "interruption.install()\ninterruption.in_order()\n"
SLOWLY = """
try:
    print("ready", flush=True)
    time.sleep(30)
except KeyboardInterrupt as error:
    print("caught", type(error).__name__, flush=True)
    time.sleep({seconds})
    print("saved", flush=True)
    sys.exit(interruption.status_of(error))
"""


def started(script: str) -> subprocess.Popen[str]:
    """A process that has printed its first line."""
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def run(script: str, folder: Path | None = None) -> tuple[int, str, str]:
    environment = dict(os.environ)
    if folder is not None:
        environment["PYTHONPATH"] = os.pathsep.join([str(folder), environment.get("PYTHONPATH", "")])
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", timeout=30, check=False, env=environment
    )
    return result.returncode, result.stdout, result.stderr


@pytest.mark.parametrize("number", SIGNALS, ids=NAMES)
def test_with_nothing_to_lose_a_signal_ends_the_process_at_once(number: signal.Signals) -> None:
    process = started(HEAD + "interruption.install()\nprint('ready', flush=True)\ntime.sleep(30)")
    process.send_signal(number)
    assert ended(process) == (128 + number, "", "stopped: nothing is left to resume.\n")


def test_what_is_said_then_can_be_chosen() -> None:
    script = (
        HEAD + "interruption.install()\ninterruption.say_when_stopped('go on.')\nprint('ready', flush=True)\ntime.sleep(30)"
    )
    process = started(script)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "", "stopped: go on.\n")


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "Terminated")], ids=NAMES)
def test_at_work_a_signal_is_an_exception_of_its_own(number: signal.Signals, error: str) -> None:
    process = started(AT_WORK + SLOWLY.format(seconds=0))
    process.send_signal(number)
    assert ended(process) == (128 + number, f"caught {error}\nsaved\n", "")


def test_the_second_signal_ends_the_process_at_once() -> None:
    process = started(AT_WORK + SLOWLY.format(seconds=30))
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    assert process.stdout.readline() == "caught Terminated\n"
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "", "")


def test_the_second_signal_ends_the_process_inside_compiled_code_too() -> None:
    busy = (
        "import hashlib\nprint('ready', flush=True)\nhashlib.pbkdf2_hmac('sha256', b'x', b'y', 10**9)"  # no handler runs here
    )
    process = started(AT_WORK + busy)
    time.sleep(0.5)  # it is inside by then
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "", "")


def test_the_second_signal_says_what_is_left() -> None:
    told = (("a", "x"), ("b", "y"), ("a", "go on."), ("b", ""))  # a later line takes the place, an empty one is none
    words = "".join(f"interruption.say_when_killed({subject!r}, {text!r})\n" for subject, text in told)
    process = started(AT_WORK + words + SLOWLY.format(seconds=30))
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.readline() == "caught KeyboardInterrupt\n"
    time.sleep(0.4)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "", "stopped at once: go on.\n")


def test_a_signal_that_comes_twice_at_once_is_one() -> None:
    process = started(AT_WORK + SLOWLY.format(seconds=0.5))
    process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert ended(process) == (143, "caught Terminated\nsaved\n", "")


def test_once_the_work_is_over_nothing_is_raised() -> None:
    script = AT_WORK + "interruption.over()\nprint('ready', flush=True)\ntime.sleep(30)"
    process = started(script)
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, "", "")


def test_a_signal_that_was_ignored_stays_so() -> None:
    script = HEAD + (
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\ninterruption.install()\ninterruption.in_order()\n"
        "signal.raise_signal(signal.SIGINT)\nprint('on')"
    )
    assert run(script) == (0, "on\n", "")


SWALLOWERS = {
    "finalizer": "class A:\n    def __del__(self):\n        signal.raise_signal(signal.SIGINT)\nA()\n",
    "weak reference": (
        "class A: pass\na = A()\ndef died(_):\n    signal.raise_signal(signal.SIGINT)\nr = weakref.ref(a, died)\ndel a\n"
    ),
    "collector": (
        "def _a_gc_callback(*_):\n    gc.callbacks.clear()\n    signal.raise_signal(signal.SIGINT)\n"
        "gc.callbacks.append(_a_gc_callback)\ngc.collect()\n"
    ),
    "import": "import interrupts_itself\nprint(interrupts_itself.complete)\n",
}


@pytest.mark.parametrize("where", SWALLOWERS)
def test_where_nothing_can_be_raised_it_is_raised_a_little_later(where: str, tmp_path: Path) -> None:
    (tmp_path / "interrupts_itself.py").write_text(
        "import signal\nsignal.raise_signal(signal.SIGINT)\ncomplete = sum(range(10)) == 45\n"
    )
    script = AT_WORK + (
        f"try:\n    exec({SWALLOWERS[where]!r})\n    time.sleep(20)\n    print('lost')\n"
        "except KeyboardInterrupt:\n    print('caught', interruption.stop_signal())\n    time.sleep(0.5)\n"
    )
    assert run(script, tmp_path) == (0, ("True\n" if where == "import" else "") + "caught 2\n", "")


def test_what_a_library_makes_of_an_interruption_is_still_one() -> None:
    script = AT_WORK + (
        "try:\n    signal.raise_signal(signal.SIGTERM)\nexcept KeyboardInterrupt as error:\n"
        "    print(interruption.behind(ImportError('half way')).__class__.__name__)\n"
        "try:\n    interruption.raise_if_stopped()\n"
        "except KeyboardInterrupt as error:\n    print(interruption.status_of(error))\n"
    )
    assert run(script) == (0, "Terminated\n143\n", "")
    assert run(HEAD + "interruption.raise_if_stopped()\nprint(interruption.behind(ImportError()))") == (0, "None\n", "")
