"""Data that is made to hurt: on the command line each mistake is one sentence of at most 300 characters, at once."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from discover.base.errors import UserError, shortened
from discover.base.mistakes import MOST_SHOWN
from discover.base.randomness import seed_keys

Invoke = Callable[..., Result]

NUMBER = "9" * 400
LAUGHS = "a0: &a0 [lol]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
TRAIN = ("--task", "payday", "--no-tracking", "--steps", 40, "--seeds", 1)

FILES = {
    "laughs": LAUGHS,
    "itself": "candidate: &a [*a]",
    "deep": "candidate: " + "[" * 50_000,
    "digits": f"population: {NUMBER}",
    "time": "name: !!timestamp foo",
    "number": "population: !!int ''",
    "wide": "name: &a " + "x" * 100_000 + "\ncandidate: [" + ",".join(["*a"] * 1000) + "]",
    "long": "name: [" + "x" * 100_000 + "]",
    "list": "[" + "1, " * 10_000 + "1]",
    "keys": "{" + "x" * 50_000 + ": 1}",
}
SETTINGS = {
    "population": ("population=1000000000000", "population must be a whole number from 1 to 1048576; got 1000000000000."),
    "population, real": ("population=1e12", "population must be a whole number from 1 to 1048576; got 1000000000000.0."),
    "generations": ("generations=1000000000000", "generations must be a whole number from 1 to 2147483647; got 1000000000000."),
    "seeds": ("seeds=1000000000000", "seeds must be a whole number from 1 to 65536; got 1000000000000."),
    "lifetimes": ("seeds=60000", None),
    "finalists": ("finalists=1000000000000", "finalists must be a whole number from 1 to 1048576; got 1000000000000."),
    "seed": ("seed=4294967296", "seed must be a whole number from 0 to 4294967295; got 4294967296."),
    "negative seed": ("seed=-1", "seed must be a whole number from 0 to 4294967295; got -1."),
    "digits": (
        f"population={NUMBER}",
        f"--set 'population={'9' * 27} … {'9' * 37}': the value is not YAML (the number {'9' * 20}…{'9' * 12} has more than "
        "100 digits, in line 1, column 1): repair it, or quote a text.",
    ),
    "deep place": (".".join("a" * 5000) + "=1", None),
    "deep value": ("name=" + "[" * 50_000, None),
    "long name": ("candidate.rule=" + "x" * 100_000, None),
    "long value": ("candidate.rule.toy_climb.slope=" + "x" * 100_000, None),
    "long list": ("tasks=[" + "1, " * 10_000 + "1]", None),
    "long key": ("x" * 100_000 + "=1", None),
    "index": ("tasks." + NUMBER + ".task=1", None),
    "zero": ('directory="a\\0b"', r"directory 'a\x00b' is no path (it holds a character that no path can): give another."),
    "long path": ("directory=" + "x" * 5000, None),
    "nobody": ("directory=~nobody-of-that-name/it", None),
}


MOST = {"long": 6, "long list": MOST_SHOWN + 1}
"""Mistakes at once, where there is more than one: a name, and five keys that are missing; and items of a list."""


def sentence(result: Result, started: float, most: int = 1) -> str:
    """The first sentence of a command that ended with status 2."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output[:1000]
    lines = result.stderr.splitlines()
    assert 1 <= len(lines) <= most, lines
    parts = [line.removeprefix("error: ").partition("Known: ") for line in lines]
    for told, _, listed in parts:
        assert len(told) <= 300, told
        assert len(listed) < 3000
    assert time.process_time() - started < 5.0  # the plugins are loaded anew each time
    return parts[0][0]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", ["search", "train"])
def test_a_file(invoke: Invoke, tmp_path: Path, name: str, command: str) -> None:
    path, started = tmp_path / "it.yaml", time.process_time()
    path.write_text(FILES[name])
    more = ("--no-tracking",) if command == "search" else TRAIN
    sentence(invoke(command, path, *more), started, MOST.get(name, 1) if command == "search" else 1)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting(invoke: Invoke, config: Path, name: str) -> None:
    setting, told = SETTINGS[name]
    more = ("--set", "population=1000") if name == "lifetimes" else ()
    started = time.process_time()
    found = sentence(invoke("search", config, "--no-tracking", "--set", setting, *more), started, MOST.get(name, 1))
    for text in (setting, *more):
        found = found.removeprefix(f"--set '{text}': ")
    if told is not None:
        assert found == told
    if name == "lifetimes":
        assert found == (
            "population 1000 x seeds 60000 are 60,000,000 lifetimes at once, more than 4,194,304: take fewer of either."
        )


LONG = "x" * 5000


@pytest.mark.parametrize(
    "words",
    [
        ("search", LONG),
        ("search", "a/" * 3000),
        ("train", LONG, *TRAIN),
        ("train", LONG + ".yaml", *TRAIN),
        ("train", LONG + ".candidate", *TRAIN),
        ("train", "climb", "--task", LONG, "--no-tracking"),
        ("compare", "climb", LONG, "--tasks", "payday", "--no-tracking"),
        ("compare", "climb", "--tasks", "payday@" + NUMBER, "--no-tracking"),
        ("resume", LONG, "--no-tracking"),
        ("plugins", "show", LONG),
    ],
    ids=lambda words: "-".join(word[:8] for word in map(str, words[:3])),
)
def test_a_long_word(invoke: Invoke, words: tuple[Any, ...]) -> None:
    sentence(invoke(*words), time.process_time())


def test_a_long_directory(invoke: Invoke, config: Path) -> None:
    sentence(invoke("search", config, "--no-tracking", "--directory", LONG), time.process_time())
    sentence(invoke("plugins", "list", "--plugins-dir", LONG, plugins=False), time.process_time())


@pytest.mark.parametrize("option", [("--seed", -1), ("--seed", 2**32), ("--seeds", 10**12), ("--steps", 10**400)])
def test_a_number_out_of_range(invoke: Invoke, option: tuple[str, int]) -> None:
    result = invoke("train", "climb", "--task", "payday", "--no-tracking", *option)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: {option[0]} must be a whole number from ")
    assert max(map(len, result.stderr.splitlines())) <= 200


@pytest.mark.parametrize("seed", [-1, 2**32, 2**64, 10**400])
def test_a_seed_out_of_range_from_python(seed: int) -> None:
    with pytest.raises(UserError, match=r"^seed must be a whole number from 0 to 4294967295; got ") as caught:
        seed_keys(seed, "train", 2)
    assert len(str(caught.value)) <= 300
    assert (seed_keys(2**32 - 1, "train", 2) != seed_keys(2**31, "train", 2)).all()


def test_a_long_sentence_keeps_its_key_its_remedy_and_what_is_known() -> None:
    value = repr({"rule": list(range(1000))})
    told = str(UserError(f"candidate.rule must be the name of an update rule; got {value}: write one. Known: {'a, ' * 200}b."))
    text, _, listed = told.partition("Known: ")
    assert text.startswith("candidate.rule must be the name of an update rule; got {'rule': [0, 1, ")
    assert text.endswith("998, 999]}: write one. ")
    assert len(text) < 300
    assert listed == "a, " * 200 + "b."
    path = "/home/somebody/" + "x" * 200
    assert path in shortened(f"config file '{path}' holds '{'y' * 500}' and more that takes its place: repair it.")
    assert shortened("x" * 300) == "x" * 300
