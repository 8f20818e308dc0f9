"""Programs that run in order: their exit statuses, whatever becomes of their streams."""

import subprocess
import sys

import pytest

SENTENCE = "from discover import UserError, run_program\ndef refuse(): raise UserError('no.')\nrun_program(refuse)"


@pytest.mark.parametrize(
    ("script", "streams", "expected"),
    [
        ("from discover import run_program\nrun_program(lambda: print('größe') or 3)", "", (3, "größe\n", "")),
        ("from discover import run_program\nrun_program(lambda: print('kept'))", "2>&-", (0, "kept\n", "")),
        (SENTENCE, "", (2, "", "error: no.\n")),
    ],
    ids=["status", "closed", "sentence"],
)
def test_a_program_ends_with_its_status(script: str, streams: str, expected: tuple[int, str, str]) -> None:
    result = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {streams}', sys.executable, script], capture_output=True, encoding="utf-8", check=False
    )
    assert (result.returncode, result.stdout, result.stderr) == expected


def test_a_program_whose_output_nobody_takes_ends_in_a_sentence() -> None:
    script = "from discover import run_program\nrun_program(lambda: print('lost'))"
    result = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" >/dev/full', sys.executable, script], capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr
