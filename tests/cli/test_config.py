"""``discover config``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

Invoke = Callable[..., Result]


def test_check_of_a_valid_config_is_one_line_and_runs_nothing(invoke: Invoke, config: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    for more in ((), ("--trace",)):
        result = invoke("config", "check", config, *more)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == (f"config '{config}' is valid: 2 generations of 4 candidates with 1 open value, on 1 task.\n")
    assert sorted(tmp_path.iterdir()) == before
    assert json.loads(invoke("config", "check", config, "--json").stdout) == {
        "config": str(config),
        "valid": True,
        "mistakes": [],
    }


def test_check_tells_all_mistakes(invoke: Invoke, config: Path) -> None:
    words = ("config", "check", config, "--set", "population=0", "--set", "seeds=few")
    result = invoke(*words)
    lines = [
        "--set 'population=0': population must be a whole number from 1 to 1048576; got 0.",
        "--set 'seeds=few': seeds must be a whole number from 1 to 65536; got 'few'.",
    ]
    assert (result.exit_code, result.stdout, result.stderr.splitlines()) == (2, "", [f"error: {line}" for line in lines])
    result = invoke(*words, "--json")
    assert (result.exit_code, result.stderr) == (2, "")
    made = json.loads(result.stdout)
    assert made["valid"] is False
    assert [f"{each['place']}: {each['sentence']}" for each in made["mistakes"]] == lines
    assert [each["path"] for each in made["mistakes"]] == ["population", "seeds"]


def test_check_of_what_is_no_config(invoke: Invoke) -> None:
    assert invoke("config", "check", "nowhere.yaml").stderr == (
        "error: config file 'nowhere.yaml' does not exist: check the path.\n"
    )
    result = invoke("config", "check", "nowhere.yaml", "--json")
    assert result.exit_code == 2
    assert json.loads(result.stdout)["mistakes"] == [
        {"path": "", "place": "", "sentence": "config file 'nowhere.yaml' does not exist: check the path."}
    ]


def test_only_a_trace_tells_what_cannot_be_run(invoke: Invoke, config: Path) -> None:
    words = ("config", "check", config, "--set", "candidate={rule: {choice: [dreamer, toy_climb]}, network: toy_blank}")
    assert invoke(*words).exit_code == 0
    result = invoke(*words, "--trace")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: Dreamer asks for the head 'dream' of form 'model', which the network Blank cannot")


@pytest.mark.parametrize("words", [(), ("mine", "--recipe", "climb", "--task", "payday", "--strategy", "toy_hill")])
def test_check_accepts_what_new_prints(invoke: Invoke, brought: Path, words: tuple[str, ...]) -> None:
    from discover.cli import app

    text = invoke("config", "new", *words).stdout
    assert text.startswith("# A config of discover.")
    assert yaml.safe_load(text)["name"] == (words[0] if words else "search")
    result = CliRunner().invoke(app, ["config", "check", "-", "--plugins-dir", str(brought)], input=text)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("config '-' is valid: 10 generations of 32 candidates with ")
    broken = text.replace("generations: 10", "generations: ten")
    result = CliRunner().invoke(app, ["config", "check", "-", "--plugins-dir", str(brought)], input=broken)
    line = broken.splitlines().index("generations: ten") + 1
    assert result.exit_code == 2
    assert result.stderr == (f"error: <stdin>:{line}: generations must be a whole number from 1 to 2147483647; got 'ten'.\n")


def test_standard_input_that_is_no_config(brought: Path) -> None:
    from discover.cli import app

    for text, told in (
        ("a: [", "is not YAML (while parsing"),
        ("- 1", "holds a list where a mapping of keys to values must be"),
    ):
        result = CliRunner().invoke(app, ["config", "check", "-", "--plugins-dir", str(brought)], input=text)
        assert result.exit_code == 2
        assert result.stderr.startswith(f"error: standard input {told}")


def test_schema_holds_what_the_plugins_bring(told: Callable[..., Any], invoke: Invoke) -> None:
    result = invoke("config", "schema")
    assert (result.exit_code, result.stderr) == (0, "")
    schema = json.loads(result.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    names = {entry["name"] for entry in told("plugins", "list") if entry["kind"] == "update rule"}
    assert set(schema["$defs"]["update_rule"]["anyOf"][1]["properties"]) == names
    assert "toy_climb" in names
