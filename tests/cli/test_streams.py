"""Standard streams that are closed, full, or of an encoding that cannot show what is printed, at real processes."""

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

Shell = Callable[..., tuple[int, str, str]]

TRAIN = ("train", "climb", "--task", "payday", "--seeds", 2, "--steps", 100)
COMPARE = ("compare", "climb", "--tasks", "payday", "--seeds", 2, "--steps", 100)
LIST = ("plugins", "list")
FULL = "error: standard output cannot be written (No space left on device): send it to where there is room."
slow = pytest.mark.slow
RESULTS = [TRAIN, pytest.param(COMPARE, marks=slow), pytest.param(LIST, marks=slow), pytest.param(("search",), marks=slow)]
HELPS = [("--help",), pytest.param(("train", "--help"), marks=slow), pytest.param(("--version",), marks=slow)]


@pytest.fixture
def shell(command: Callable[..., list[str]], process_environment: dict[str, str], config: Path) -> Shell:
    """Run a command line with its streams redirected by a shell."""

    def run(words: tuple[object, ...], redirected: str, **environment: str) -> tuple[int, str, str]:
        words = (*words, config) if words[:1] == ("search",) else words
        line = shlex.join(command(*words, plugins=not {"--help", "--version"} & set(words)))
        everything = {**process_environment, **environment}
        made = subprocess.run(
            ["sh", "-c", f"exec {line} {redirected}"], capture_output=True, timeout=120, check=False, env=everything
        )
        return made.returncode, made.stdout.decode(), made.stderr.decode()

    return run


@pytest.mark.parametrize("words", [*RESULTS, *HELPS], ids=lambda words: words[0])
def test_without_standard_error_the_result_is_printed(shell: Shell, words: tuple[object, ...]) -> None:
    status, out, err = shell(words, "2>&-")
    assert (status, err) == (0, "")
    assert out.strip()


@pytest.mark.parametrize("words", [pytest.param(TRAIN, marks=slow), *RESULTS[1:], *HELPS], ids=lambda words: words[0])
def test_without_standard_output_all_is_well(shell: Shell, words: tuple[object, ...]) -> None:
    status, out, err = shell(words, ">&-")
    assert (status, out) == (0, "")
    assert "error" not in err


@pytest.mark.parametrize("words", [(*TRAIN, "--json"), *RESULTS[1:], *HELPS], ids=lambda words: words[0])
def test_a_full_disk_behind_standard_output_is_a_sentence(shell: Shell, words: tuple[object, ...]) -> None:
    status, out, err = shell(words, ">/dev/full")
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == FULL
    assert "Traceback" not in err


@pytest.mark.parametrize("words", [("--version",), pytest.param(TRAIN, marks=slow)], ids=lambda words: words[0])
def test_no_stream_at_all_and_a_full_standard_error(shell: Shell, words: tuple[object, ...]) -> None:
    assert shell(words, "<&- >&- 2>&-") == (0, "", "")
    status, out, err = shell(words, "2>/dev/full")
    assert (status, err) == (0, "")
    assert out.strip()


def test_a_reader_that_has_seen_enough(shell: Shell) -> None:
    _, out, err = shell(("--help",), "| head -n 1")
    assert (len(out.splitlines()), err) == (1, "")


# Encodings ------------------------------------------------------------------------------------------------------------

LOCALES = [
    {"LC_ALL": "C", "PYTHONUTF8": "0"},
    pytest.param({"PYTHONIOENCODING": "ascii"}, marks=slow),
    pytest.param({"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, marks=slow),
]


@pytest.fixture
def foreign(config: Path, brought: Path) -> tuple[Path, Path]:
    """A config, a plugin folder and everything else with names outside ASCII."""
    words = yaml.safe_load(config.read_text(encoding="utf-8"))
    words |= {"name": "größe", "directory": "läufe"}
    words["report"]["baselines"] = {"größe": "größe"}
    words["report"]["tasks"] = [{"task": "größe", "steps": 100, "note": "größer"}]
    path, folder = Path("größe.yaml"), Path("größe")
    path.write_text(yaml.safe_dump(words, allow_unicode=True), encoding="utf-8")
    shutil.copytree(brought, folder)
    (folder / "größe_plugin.py").write_text(
        "from discover import hookimpl\n\n@hookimpl\ndef discover_register(registry):\n"
        "    facts = {'summary': 'größer', 'random': 0.0, 'reference': 1.0, 'origin': 'von Hand gezählt'}\n"
        "    registry.add_task('größe', {'toy_payday': {'length': 7}}, **facts)\n"
        "    registry.add_recipe('größe', {'rule': {'toy_climb': {'noise': 0.1}}, 'network': 'toy_blank'}, summary='größe')\n",
        encoding="utf-8",
    )
    return path, folder


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES, ids=lambda locale: ",".join(f"{k}={v}" for k, v in locale.items()))
def test_names_outside_ascii_in_any_locale(
    process_environment: dict[str, str],
    command: Callable[..., list[str]],
    foreign: tuple[Path, Path],
    locale: dict[str, str],
) -> None:
    path, folder = foreign

    def run(*words: object) -> str:
        line = command(*words, "--plugins-dir", folder, plugins=False)
        made = subprocess.run(line, capture_output=True, timeout=120, check=False, env={**process_environment, **locale})
        assert made.returncode == 0, made.stderr
        assert b"warning" not in made.stderr
        (made.stdout + made.stderr).decode("ascii")
        return made.stdout.decode("ascii")

    printed = run("search", path)
    lines = printed.splitlines()
    row = next(line for line in lines if line.startswith(r"gr\xf6\xdfe @ 100 (gr\xf6\xdfer)"))
    heading = next(line for line in lines if line.startswith("task "))
    assert row.index("champion") == heading.index("candidate")
    (directory,) = Path("läufe").iterdir()
    assert f"champion:        {escaped(directory)}/champion.candidate" in printed
    summary = json.loads(run("train", directory / "champion.candidate", "--task", "größe", "--steps", 100, "--json"))
    assert (summary["task"], summary["candidate"]) == ("größe", str(directory / "champion.candidate"))
    assert r"summary: gr\xf6\xdfer" in run("plugins", "show", "größe")


def escaped(path: Path) -> str:
    return str(path).encode("ascii", "backslashreplace").decode()


def test_a_name_that_is_no_utf8_is_escaped(
    process_environment: dict[str, str], command: Callable[..., list[str]], tmp_path: Path
) -> None:
    name = os.fsencode(tmp_path) + b"/gr\xf6\xdfe.yaml"
    line = [*map(os.fsencode, command("train", plugins=False)), name, b"--task", b"payday", b"--no-tracking"]
    made = subprocess.run(line, capture_output=True, timeout=60, check=False, env=process_environment)
    assert made.returncode == 2
    assert b"gr\\udcf6\\udcdfe.yaml' does not exist: check the path." in made.stderr
