"""Wrong words on the command line: one sentence each, of one form, and exit status 2."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from discover.cli import app
from discover.cli.usage import sentence

ROOT = typer.main.get_command(app)


def told(*words: str) -> str:
    """The sentence of a command line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
        ROOT.main(list(words), prog_name="discover")
    assert (end.value.code, out.getvalue()) == (2, "")
    (line,) = err.getvalue().splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


def commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """All commands with their paths."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(commands(ROOT))
OPTIONS = [
    (path, param.opts[0], param.is_flag)
    for path, command in COMMANDS.items()
    for param in command.params
    if param.param_type_name == "option" and param.opts[0] not in ("--help",)
]
NUMBERS = (
    *("--seeds", "--steps", "--seed", "--episodes", "--points", "--limit", "--port"),
    *("--batch", "--meta-steps", "--tasks", "--horizon"),
)


NAMES = {(("ablate",), "--tasks"), (("compare",), "--tasks"), (("promote",), "--tasks")}
"""Options that are numbers in other commands."""


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_of_a_command_refuses_what_it_cannot_take(path: tuple[str, ...]) -> None:
    own = [(option, is_flag) for command, option, is_flag in OPTIONS if command == path]
    for option, is_flag in own:
        if is_flag:
            assert told(*path, f"{option}=1") == f"{option} takes no value: write {option} alone, or leave it out."
        else:
            assert told(*path, option) == f"{option} needs a value: write it behind the option, as in {option} VALUE."
        if option in NUMBERS and (path, option) not in NAMES:
            for value, shown in (("-1", "-1"), ("9" * 20, "9" * 20), ("1e5", "'1e5'")):
                if option != "--limit" or value != "9" * 20:
                    found = told(*path, option, value)
                    assert found.startswith(f"{option} must be a whole number ")
                    assert found.endswith(f"; got {shown}.")
                    assert found == told(*path, f"{option}={value}")


def test_all_numbers_of_the_commands_are_known_here() -> None:
    assert {option for _, option, _ in OPTIONS} >= set(NUMBERS)
    assert {param.opts[0] for command in COMMANDS.values() for param in command.params if is_number(param)} == set(NUMBERS)


def is_number(param: Any) -> bool:
    hint = param.type_descriptor.annotation if hasattr(param, "type_descriptor") else param.type
    return "int" in str(hint).lower()


def test_an_empty_word_is_no_folder() -> None:
    for words in (("show", ""), ("train", "", "--task", "a"), ("config", "check", ""), ("resume", "--json", "a", "")):
        assert told(*words) == "an argument is empty: write it, or leave it out (is a variable of your shell unset?)."
    for words in (("export", "ppo", "--to", ""), ("export", "ppo", "--to=")):
        assert told(*words) == "the value of --to is empty: write one, or leave --to out (is a variable of your shell unset?)."


def test_bounds_are_told() -> None:
    assert told("runs", "--limit", "0") == "--limit must be a whole number of at least 1; got 0."
    assert told("ui", "--port", "22222222") == "--port must be a whole number from 1 to 65535; got 22222222."
    assert told("evaluate", "x", "--episodes", "many") == "--episodes must be a whole number from 1 to 100000; got 'many'."
    assert len(told("train", "ppo", "--steps", "9" * 400)) < 300


def test_a_variable_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCOVER_DEBUG", "maybe")
    debug: Any = next(param for param in ROOT.params if param.name == "debug")
    error = typer.BadParameter("wrong", ctx=typer.Context(ROOT, info_name="discover"), param=debug)  # old typers take any text
    assert sentence(error, ["ui"]) == "DISCOVER_DEBUG must be true or false; got 'maybe'."


def test_unknown_commands() -> None:
    assert told("serch") == (
        "discover has no command 'serch': did you mean 'search'? Known: ablate, adapt, compare, config, evaluate, export, "
        "plugins, promote, refine, report, resume, runs, search, show, train, ui."
    )
    assert (
        told("plugins", "lst") == "discover plugins has no command 'lst': did you mean 'list'? Known: check, list, new, show."
    )
    assert told("config", "search.yaml").startswith("discover config has no command 'search.yaml': ")


def test_unknown_options() -> None:
    assert told("train", "ppo", "--sed", "3").startswith(
        "discover train has no option '--sed': did you mean '--seed'? Known: --seed, --seeds, --set, "
    )
    assert told("train", "ppo", "--sed", "3").endswith(" more (discover train --help shows all).")
    assert told("train", "ppo", "--debug") == (
        "discover train has no option '--debug': it stands before the command: discover --debug train."
    )
    assert told("--json", "runs") == ("discover has no option '--json': it stands behind the command: discover COMMAND --json.")


def test_missing_words_come_with_an_example() -> None:
    assert told("train") == (
        "discover train needs CANDIDATE and --task ID, as in: discover train ppo --task CartPole-v1 --seeds 10."
    )
    assert told("train", "ppo", "--seeds", "3").startswith("discover train needs --task ID, as in: ")
    for path, command in COMMANDS.items():
        if any(param.required for param in command.params):
            assert told(*path).startswith(f"discover {' '.join(path)} needs ")
            assert f"as in: discover {' '.join(path)} " in told(*path)


def test_words_too_many() -> None:
    assert told("train", "ppo", "dpo", "--task", "a") == (
        "discover train takes CANDIDATE alone, beside its options: leave 'dpo' out, as in: discover train ppo --task "
        "CartPole-v1 --seeds 10."
    )
    assert told("runs", "x").startswith("discover runs takes options alone: leave 'x' out, as in: ")


def test_no_words_show_the_help() -> None:
    for words in ((), ("config",), ("plugins",)):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 2
        assert "Usage: " in result.output
        assert "error" not in result.output.partition("Usage: ")[0]


@pytest.mark.parametrize(
    ("words", "start"),
    [
        (("compare", "climb", "--tasks", ""), "--tasks '' names no task: give one, or several with commas between them, "),
        (("compare", "climb", "--tasks", "a,,b"), "--tasks '' names no task: "),
        (("train", "climb", "--task", ""), "task '' names no task: give one, such as CartPole-v1 "),
        (("show", "x.agent"), "'x.agent' is a trained agent, not a candidate: let it act with 'discover evaluate x.agent'"),
        (("show", "brought"), "'brought' is a folder, not a candidate: give a recipe or a file."),
        (("train", "note.txt", "--task", "payday"), "'note.txt' is no file of a candidate: give one whose name ends in "),
        (("evaluate", "models:/NAME@champion"), "'models:/NAME@champion' is a candidate, not a trained agent: train it with "),
        (("evaluate", "x.candidate"), "'x.candidate' is a candidate, not a trained agent: train it with "),
        (("evaluate", "climb"), "'climb' is a candidate, not a trained agent: train it with 'discover train climb --task ID "),
        (("train", "first.yaml", "--task", "payday"), "candidate file 'first.yaml' is empty: write a candidate, such as "),
        (
            ("search", "climb"),
            "config file 'climb' does not exist: check the path, or begin with 'discover config new --recipe ",
        ),
        (("search", "first.yaml"), "config file 'first.yaml' is empty: write 'key: value' lines (discover config new prints "),
        (("config", "check", "."), "config file '.' is a folder: give a file, such as 'first.yaml'."),
        (("config", "check", "brought"), "config file 'brought' is a folder: give a file of YAML or JSON."),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_a_thing_of_another_kind_comes_with_the_remedy(brought: Path, words: tuple[str, ...], start: str) -> None:
    Path("first.yaml").touch()
    Path("note.txt").touch()
    assert told(*words, "--plugins-dir", "brought").startswith(start)


def test_all_settings_that_are_wrong_are_told_at_once(brought: Path) -> None:
    changes = ["rule.toy_climb.noise=2", "foo", "2:rule.toy_climb.slop=3", "zzz:a=1", "2:rule.toy_climb.noise=7"]
    words = [word for change in changes for word in ("--set", change)]
    result = CliRunner().invoke(app, ["compare", "climb", "climb", "--tasks", "payday", "--plugins-dir", str(brought), *words])
    assert (result.exit_code, result.stdout) == (2, "")
    starts = (
        "--set 'zzz:a=1': no candidate here is called 'zzz'; ",
        "--set 'foo' must be key=value, ",
        "--set 'rule.toy_climb.noise=2': candidate.rule.toy_climb.noise must lie in [0, 1]; got 2.",
        "--set 'rule.toy_climb.slop=3': the candidate has no 'rule.toy_climb.slop'; did you mean 'rule.toy_climb.slope'? ",
        "--set 'rule.toy_climb.noise=7': candidate.rule.toy_climb.noise must lie in [0, 1]; got 7.",
    )
    for line, start in zip(result.stderr.splitlines(), starts, strict=True):
        assert line.startswith(f"error: {start}")
