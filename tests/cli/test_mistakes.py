"""A user's mistake is one clear sentence and exit status 2; a broken plugin costs one line."""

import importlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

Invoke = Callable[..., Result]

TRAIN = ("--task", "payday", "--seeds", 2, "--steps", 100, "--no-tracking")


def sentence(result: Result) -> str:
    """The sentence of a command that ended with status 2 and printed nothing on standard output."""
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ")


@pytest.fixture
def mistaken(invoke: Invoke, config: Path) -> Callable[..., str]:
    """The sentence for a search with settings changed; where it is about one of their values, it names that setting first."""

    def run(setting: str) -> str:
        return sentence(invoke("search", config, "--no-tracking", "--set", setting)).removeprefix(f"--set '{setting}': ")

    return run


def test_a_mistake_names_the_setting_that_makes_it(invoke: Invoke, config: Path) -> None:
    made = sentence(invoke("search", config, "--no-tracking", "--set", "seeds=2", "--set", "candidate.rule.toy_climb.noise=2"))
    assert made == ("--set 'candidate.rule.toy_climb.noise=2': candidate.rule.toy_climb.noise must lie in [0, 1]; got 2.")


def test_every_mistake_has_a_line_of_its_own(invoke: Invoke, config: Path) -> None:
    config.write_text(config.read_text().replace("generations: 2", "generations: two").replace("steps: 5", "step: 5"))
    result = invoke("search", config, "--no-tracking", "--set", "seeds=0")
    number = next(i for i, line in enumerate(config.read_text().splitlines(), 1) if "generations" in line)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"error: {config}:{number - 2}: candidate.rule.toy_climb: Climb has no field 'step'; did you mean 'steps'? "
        "Known: fails, limit, noise, num_envs, slope, steps.",
        f"error: {config}:{number}: generations must be a whole number from 1 to 2147483647; got 'two'.",
        "error: --set 'seeds=0': seeds must be a whole number from 1 to 65536; got 0.",
    ]


def test_unknown_component(mistaken: Callable[..., str]) -> None:
    assert mistaken("candidate.rule={toy_climp: {}}").startswith(
        "candidate.rule: no update rule is called 'toy_climp': did you mean 'toy_climb'? Known: "
    )


def test_unknown_field(mistaken: Callable[..., str]) -> None:
    assert mistaken("candidate.rule.toy_climb.slop=1") == (
        "candidate.rule.toy_climb: Climb has no field 'slop'; did you mean 'slope'? "
        "Known: fails, limit, noise, num_envs, slope, steps."
    )


def test_mistakes_in_the_file_of_a_candidate_have_their_lines(invoke: Invoke) -> None:
    Path("mine.yaml").write_text("recipe: climb\nrule:\n  toy_climb:\n    slop: 1\n    noise: 7\n")
    result = invoke("train", "mine.yaml", *TRAIN)
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first.startswith("error: mine.yaml:4: candidate.rule.toy_climb: Climb has no field 'slop'; did you mean 'slope'?")
    assert second == "error: mine.yaml:5: candidate.rule.toy_climb.noise must lie in [0, 1]; got 7."


def test_unknown_task(mistaken: Callable[..., str], invoke: Invoke) -> None:
    assert mistaken("tasks.0.task=paydy").startswith("tasks.0.task: no task is called 'paydy': did you mean 'payday'? Known: ")
    trained = sentence(invoke("train", "climb", "--task", "paydy", "--no-tracking"))
    assert trained.startswith("task: no task is called 'paydy': did you mean 'payday'? Known: ")


def test_unknown_strategy(mistaken: Callable[..., str]) -> None:
    assert mistaken("strategy=toy_hil").startswith(
        "strategy: no strategy is called 'toy_hil': did you mean 'toy_hill'? Known: "
    )


def test_a_mistake_leaves_standard_output_empty_for_programs_too(invoke: Invoke) -> None:
    assert sentence(invoke("train", "climm", *TRAIN, "--json")).startswith("candidate: no recipe is called 'climm'")


def test_unknown_key(mistaken: Callable[..., str]) -> None:
    assert mistaken("populaton=4").startswith(
        "config: unknown key 'populaton'; did you mean 'population'? Known: after, candidate, "
    )


def test_unknown_recipe(invoke: Invoke) -> None:
    assert sentence(invoke("train", "climm", *TRAIN)).startswith(
        "candidate: no recipe is called 'climm': did you mean 'climb'? Known: "
    )


def test_value_outside_its_domain(mistaken: Callable[..., str]) -> None:
    assert mistaken("candidate.rule.toy_climb.noise=2") == "candidate.rule.toy_climb.noise must lie in [0, 1]; got 2."


def test_wrong_types(mistaken: Callable[..., str]) -> None:
    assert mistaken("population=many") == "population must be a whole number from 1 to 1048576; got 'many'."
    assert mistaken("candidate.rule.toy_climb.steps=many") == (
        "candidate.rule.toy_climb: steps of Climb must be a whole number; got 'many'."
    )
    assert mistaken("candidate.rule.toy_climb.noise=loud") == (
        "candidate.rule.toy_climb: noise of Climb must be a number; got 'loud'."
    )


def test_a_setting_that_is_none(mistaken: Callable[..., str]) -> None:
    assert mistaken("population") == (
        "--set 'population' must be key=value, with dots between nested keys, such as --set population=64."
    )


def test_not_yaml(invoke: Invoke) -> None:
    Path("broken.yaml").write_text("tasks: [payday")
    found = sentence(invoke("search", "broken.yaml"))
    assert found.startswith("config file 'broken.yaml' is not YAML (while parsing a flow sequence ")
    assert found.endswith("): repair it.")
    candidate = sentence(invoke("train", "broken.yaml", *TRAIN))
    assert candidate.startswith("candidate file 'broken.yaml' is not YAML (while parsing a flow sequence ")


def test_a_value_that_yaml_cannot_read(invoke: Invoke, config: Path) -> None:
    made = sentence(invoke("search", config, "--no-tracking", "--set", "directory=!!int x"))
    assert made.startswith("--set 'directory=!!int x': the value is not YAML ('x' is no plain value ")
    Path("dated.yaml").write_text("tasks: !!timestamp 2024-13-45")
    assert sentence(invoke("search", "dated.yaml")) == (
        "config file 'dated.yaml' is not YAML ('2024-13-45' is no plain value with the tag '!!timestamp', in line 1, "
        "column 8): repair it."
    )


def test_missing_files(invoke: Invoke, config: Path) -> None:
    assert sentence(invoke("search", "tinny.yaml")) == "config file 'tinny.yaml' does not exist: did you mean 'tiny.yaml'?"
    for name in ("other.candidate", "other.yaml"):
        assert sentence(invoke("train", name, *TRAIN)) == f"candidate file '{name}' does not exist: check the path."
    assert sentence(invoke("resume", "nowhere")) == (
        "'nowhere' is neither a directory nor the name or the run of a search: 'discover runs' lists what there is."
    )
    Path("empty").mkdir()
    assert sentence(invoke("resume", "empty")) == (
        "'empty' is not the directory of a search (it has no config.yaml): give one that search made."
    )


@pytest.fixture
def saved(brought: Path) -> Path:
    """A candidate file."""
    from discover.config.build import algorithm_from
    from discover.config.candidate_file import save_candidate
    from discover.plugin.loader import load_plugins

    registry = load_plugins(brought).registry
    return save_candidate(Path("climb.candidate"), algorithm_from(registry, "climb"), registry)


def test_a_candidate_file_cut_short(invoke: Invoke, saved: Path) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[: len(whole) // 2])
    assert sentence(invoke("train", saved, *TRAIN)) == (
        "candidate file 'climb.candidate' is damaged or cut short (File is not a zip file): fetch it again."
    )


def test_a_candidate_file_altered(invoke: Invoke, saved: Path) -> None:
    with zipfile.ZipFile(saved) as file:
        stored = json.loads(file.read("candidate.json"))
    stored["candidate"]["rule"]["toy_climb"]["slope"] = 9.0
    with zipfile.ZipFile(saved, "w") as file:
        file.writestr("candidate.json", json.dumps(stored))
    assert sentence(invoke("train", saved, *TRAIN)) == (
        "candidate file 'climb.candidate' has been altered (its fingerprint does not match): fetch it again."
    )


def test_no_damage_of_a_candidate_file_is_a_traceback(saved: Path, brought: Path) -> None:
    from discover.base.errors import UserError
    from discover.config.candidate_file import fingerprint_of, load_candidate
    from discover.plugin.loader import load_plugins

    registry, whole = load_plugins(brought).registry, saved.read_bytes()
    fingerprint = fingerprint_of(registry, load_candidate(saved, registry))
    refused = 0
    for place in range(len(whole)):
        saved.write_bytes(whole[:place])
        with pytest.raises(UserError):
            load_candidate(saved, registry)
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 0x81]) + whole[place + 1 :])
        try:  # some bytes of a zip file mean nothing here, such as the time
            assert fingerprint_of(registry, load_candidate(saved, registry)) == fingerprint
        except UserError:
            refused += 1
    assert refused > len(whole) / 2


def test_heads_that_the_network_cannot_give(mistaken: Callable[..., str], invoke: Invoke) -> None:
    remedy = (
        "Dreamer asks for the head 'dream' of form 'model', which the network Blank cannot give "
        "(it gives constant, vector): choose another network."
    )
    Path("dreamer.yaml").write_text("{rule: dreamer, network: toy_blank}")
    assert sentence(invoke("train", "dreamer.yaml", *TRAIN)) == remedy
    options = "{choice: [dreamer, toy_climb]}"
    assert mistaken(f"candidate={{rule: {options}, network: toy_blank}}") == remedy


def test_a_population_too_small_for_its_strategy(mistaken: Callable[..., str]) -> None:
    assert mistaken("population=1") == "population 1 does not suit the strategy 'toy_hill': it needs 2 at least."


def test_a_lifetime_shorter_than_an_update(invoke: Invoke) -> None:
    assert sentence(invoke("train", "climb", "--task", "payday", "--steps", 7, "--no-tracking")) == (
        "a lifetime of 7 env steps is shorter than one update of Climb, which takes 8 (4 steps x 2 environments): "
        "give at least 8 steps."
    )


def test_an_unreachable_tracking_store(invoke: Invoke, config: Path) -> None:
    assert sentence(invoke("search", config, "--tracking", "nowhere")) == (
        "the tracking store 'nowhere' cannot be used: leave tracking out with --no-tracking."
    )


@pytest.mark.parametrize(
    ("store", "why", "remedy"),
    [
        ("sqlite:////nowhere/mlflow.db", "there is no folder /nowhere", ""),
        ("http://127.0.0.1:1", "[Errno 111] Connection refused", "start its server, "),
    ],
)
def test_an_unreachable_store_of_mlflow(
    invoke: Invoke, config: Path, brought: Path, monkeypatch: pytest.MonkeyPatch, store: str, why: str, remedy: str
) -> None:
    monkeypatch.delenv("DISCOVER_BLOCK_PLUGINS")
    (brought / "watcher.py").unlink()
    assert sentence(invoke("search", config, "--tracking", store)) == (
        f"the tracking store '{store}' cannot be used ({why}): {remedy}give another address with --tracking (such as "
        "sqlite:///mlflow.db), or leave tracking out with --no-tracking."
    )


def test_tracking_and_no_tracking(invoke: Invoke, config: Path) -> None:
    assert sentence(invoke("search", config, "--tracking", "here", "--no-tracking")) == (
        "--tracking 'here' and --no-tracking exclude each other: leave one out."
    )


SECRET = "http://ann:s3cret@host:5000/?key=t0ken"
STORE = (
    "error: 'http://***@host:5000/?***' is the address of a store, not of a candidate: name the store with --tracking, and "
    "give a recipe, a file, or models:/NAME@champion.\n"
)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("train", SECRET, *TRAIN), STORE),
        (("compare", "climb", SECRET, "--tasks", "payday", "--no-tracking"), STORE),
        (("compare", SECRET, SECRET, "--tasks", "payday", "--no-tracking"), STORE),
        (("promote", SECRET), "error: 'http://***@host:5000/?***' is no version of a registered model: give one, such as "),
        (("resume", SECRET), "error: 'http://***@host:5000/?***' is neither a directory nor "),
        (("train", "climb", *TRAIN, "--tracking", SECRET), "error: --tracking 'http://***@host:5000/?***' and --no-tracking "),
    ],
    ids=lambda words: words[0] if isinstance(words, tuple) else "",
)
def test_no_secret_of_an_address_is_printed(invoke: Invoke, words: tuple[object, ...], sentence: str) -> None:
    result = invoke(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(sentence)
    assert "s3cret" not in result.stderr
    assert "t0ken" not in result.stderr


def test_an_address_that_nobody_knows(invoke: Invoke) -> None:
    assert sentence(invoke("train", "models:/other/1", *TRAIN)) == (
        "no loaded plugin can fetch the candidate 'models:/other/1': is the plugin 'mlflow' blocked or broken?"
    )


def test_a_comparison_that_tells_nothing(invoke: Invoke) -> None:
    words = ("compare", "climb", "--no-tracking", "--tasks")
    assert sentence(invoke(*words, "payday", "--seeds", 1)) == (
        "a comparison needs 2 seeds or more to tell chance from difference (4 for a verdict); got 1."
    )
    assert sentence(invoke(*words, "payday@soon")) == (
        "--tasks 'payday@soon': 'soon' must be a whole number of env steps, from 1 to 2147483647, such as payday@100000."
    )
    assert (
        sentence(invoke("compare", "climb", "climb", "--tasks", "payday")) == "candidate 'climb' is given twice: leave one out."
    )


def test_a_comparison_of_the_same_thing_twice(invoke: Invoke) -> None:
    def told(*words: object) -> str:
        return sentence(invoke("compare", *words, "--seeds", 2, "--steps", 100, "--no-tracking"))

    for tasks in ("payday,payday", "payday, payday@100", "payday@0100,late-payday,payday@100"):
        assert told("climb", "--tasks", tasks) == "--tasks: 'payday @ 100' is given twice: leave one out."
    Path("same.yaml").write_text("{recipe: climb}")
    Path("apart.yaml").write_text("{recipe: climb, rule: {toy_climb: {noise: 0.2}}}")
    assert told("climb", "apart.yaml", "same.yaml", "--tasks", "payday") == (
        "candidates 'climb' and 'same.yaml' are the same algorithm: leave one out."
    )
    assert told("apart.yaml", "./apart.yaml", "--tasks", "payday") == (
        "candidates 'apart.yaml' and './apart.yaml' are the same algorithm: leave one out."
    )


def test_what_cannot_be_trained_is_told_before_the_first_lifetime(
    invoke: Invoke, monkeypatch: pytest.MonkeyPatch, brought: Path
) -> None:
    trainings: list[object] = []
    monkeypatch.setattr("discover.evaluation.compare.train_checked", lambda *words, **_: trainings.append(words))
    Path("dreamer.yaml").write_text("{rule: dreamer, network: toy_blank}")
    Path("failing.yaml").write_text("{recipe: climb, rule: {toy_climb: {fails: true}}}")
    words = ("--tasks", "payday,late-payday@7", "--seeds", 2, "--steps", 100, "--no-tracking")
    assert sentence(invoke("compare", "climb", *words)).startswith(
        "climb on late-payday @ 7: a lifetime of 7 env steps is shorter than one update of Climb"
    )
    words = ("--tasks", "payday,late-payday", "--seeds", 2, "--steps", 100, "--no-tracking")
    assert sentence(invoke("compare", "climb", "dreamer.yaml", *words)).startswith(
        "dreamer.yaml on payday @ 100: Dreamer asks for the head 'dream'"
    )
    failed = invoke("compare", "climb", "failing.yaml", *words)
    assert (failed.exit_code, failed.stdout) == (1, "")
    assert re.fullmatch(
        r"error: failing\.yaml cannot be traced on payday @ 100 \(ValueError: this rule cannot be traced, in tests/toys\.py:\d+"
        r"\): repair the component that raises this, or take it out\.",
        failed.stderr.splitlines()[-1],
    )
    assert trainings == []


def test_a_number_of_steps_that_no_machine_counts(invoke: Invoke) -> None:
    for steps in ("9" * 20, "9" * 5000):
        found = sentence(invoke("compare", "climb", "--tasks", f"payday@{steps}", "--no-tracking"))
        assert found.endswith(" env steps, from 1 to 2147483647, such as payday@100000.")
        assert len(found) < 300


def test_usage_errors_end_with_status_2(invoke: Invoke) -> None:
    for words in (["train", "climb"], ["train", "climb", "--task", "payday", "--steps", 0], ["search"], ["fly"]):
        assert sentence(invoke(*words)).startswith(("discover ", "--steps must be "))


# Plugins --------------------------------------------------------------------------------------------------------------


def test_a_broken_plugin_beside_good_ones_costs_one_line(invoke: Invoke, brought: Path) -> None:
    (brought / "broken.py").write_text("raise RuntimeError('out of order')")
    result = invoke("train", "climb", *TRAIN, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["candidate"] == "climb"
    assert result.stderr.splitlines()[0] == (
        f"warning: plugin 'broken' (of {brought}/broken.py) is left out (RuntimeError: out of order); repair it, or block it "
        "with DISCOVER_BLOCK_PLUGINS=broken."
    )
    assert [line for line in result.stderr.splitlines()[1:] if not line.startswith("climb on payday")] == []


def test_a_plugin_that_exits_is_a_broken_plugin(invoke: Invoke, brought: Path) -> None:
    (brought / "leaver.py").write_text("raise SystemExit(0)")
    result = invoke("plugins", "show", "climb")
    assert result.exit_code == 0
    assert "plugin 'leaver' (of " in result.stderr


def test_two_plugins_claim_one_name(invoke: Invoke, brought: Path) -> None:
    (brought / "tiny_too.py").write_text((brought / "tiny.py").read_text())
    assert sentence(invoke("plugins", "list")) == (
        f"two plugins register the environment 'toy_payday': 'tiny' (of {brought}/tiny.py) and 'tiny_too' "
        f"(of {brought}/tiny_too.py); rename one, or block one with DISCOVER_BLOCK_PLUGINS=tiny_too."
    )


def test_a_plugin_that_is_called_like_another(invoke: Invoke, brought: Path) -> None:
    (brought / "gae.py").write_text("")
    found = sentence(invoke("plugins", "list"))
    assert found.startswith("two plugins are called 'gae': 'gae' (of discover-rl ")
    assert found.endswith(f" and 'gae' (of {brought}/gae.py); rename one, or block both with DISCOVER_BLOCK_PLUGINS=gae.")


def test_a_plugin_folder_that_does_not_exist(invoke: Invoke) -> None:
    assert sentence(invoke("plugins", "list", "--plugins-dir", "elsewhere", plugins=False)) == (
        "the plugin folder 'elsewhere' does not exist: give a folder that holds .py files."
    )


def test_unknown_name(invoke: Invoke) -> None:
    text = sentence(invoke("plugins", "show", "toy_clim"))
    assert text.startswith("no plugin brings 'toy_clim': did you mean 'toy_climb'? Known: toy_climb, ")
    assert text.endswith(" more (discover plugins list shows all).")
    assert text.count(", ") == 4


def test_a_bug_is_one_sentence_and_a_file(invoke: Invoke, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("nobody expected this")

    importlib.import_module("discover.outer_loop.search")  # else it would be imported while it is patched, and keep `fail`
    monkeypatch.setattr("discover.config.reading.read_config", fail)
    result = invoke("search", config)
    assert (result.exit_code, result.stdout) == (1, "")
    start = "error: unexpected ZeroDivisionError: nobody expected this; this is a bug: its traceback lies in '"
    assert result.stderr.startswith(start)
    traceback = Path(result.stderr.removeprefix(start).partition("'")[0]).read_text()
    assert "Traceback" in traceback
    shown = invoke("--debug", "search", config)
    assert shown.exit_code == 1
    assert "Traceback" in shown.stderr


def test_an_exit_in_the_middle_is_one_sentence(invoke: Invoke, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(*_: Any, **__: Any) -> None:
        raise SystemExit(0)

    monkeypatch.setattr(importlib.import_module("discover.outer_loop.search"), "search", leave)
    result = invoke("search", config, "--no-tracking")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(
        "error: the command was asked to exit in the middle (SystemExit: 0, in cli/test_mistakes.py:"
    )


def test_a_search_in_which_every_candidate_breaks_fails(invoke: Invoke, config: Path) -> None:
    settings = ("candidate.rule.toy_climb.limit=1.0", "candidate.rule.toy_climb.slope={free: {low: 2.0}}", "generations=1")
    result = invoke("search", config, "--no-tracking", *(word for text in settings for word in ("--set", text)))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines()[-1].startswith("error: every candidate of the search broke (not_finite 4), ")
