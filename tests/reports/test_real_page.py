"""The page of a report with the real plotly: whole in itself, and drawn without a word on the console where a browser is."""

import base64
import gzip
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from reports.test_page import Elements
from typer.testing import CliRunner

from discover import Comparison, save_comparison
from discover.cli import app

Compared = Callable[..., Comparison]

BROWSER = Path("/usr/bin/chromium")
UNFOLD = "<script>setTimeout(() => document.querySelectorAll('details').forEach((f) => { f.open = true; }), 5000);</script>"


@pytest.fixture
def page(two: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A page that the command has made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", "mlflow")
    save_comparison(tmp_path / "report.comparison", two)
    plugins = ["--plugins-dir", str(Path(__file__).parents[1] / "cli" / "brought")]
    result = CliRunner().invoke(app, ["report", "report.comparison", "--html", "report.html", *plugins])
    assert result.exit_code == 0, result.stderr
    return tmp_path / "report.html"


@pytest.mark.slow
def test_the_page_has_every_plot_and_fetches_nothing(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    elements = Elements(text)
    script = gzip.decompress(base64.b64decode(elements.texts["plotly"])).decode()
    assert len(script) > 1_000_000
    assert "plotly.js v" in script[:500]
    specs = json.loads(elements.texts["plots"])
    places = [int(str(attributes["data-plot"])) for tag, attributes in elements.tags if "data-plot" in attributes]
    assert places == list(range(len(specs)))
    assert len(places) == 2 + 2 + 4 + 2 + 4  # returns, curves, aggregates, profile and improvement, costs of two tasks
    assert not [
        tag for tag, attributes in elements.tags if tag in ("script", "img", "iframe", "object") and "src" in attributes
    ]
    assert [attributes["href"] for tag, attributes in elements.tags if tag == "link"] == ["data:,"]
    assert not re.search(r"@import|url\(|https?://", text)
    if BROWSER.exists():
        check_opened(text, len(places), page.with_name("opened.html"))


def check_opened(text: str, plots: int, path: Path) -> None:
    """Check that a browser without a network draws all plots, those in folds too once they are open, and finds no error."""
    path.write_text(text.replace("</body>", f"{UNFOLD}</body>"), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=1200,900"]
    options += [f"--user-data-dir={path.parent / 'profile'}", "--host-resolver-rules=MAP * ~NOTFOUND"]
    options += ["--virtual-time-budget=30000"]
    line = [str(BROWSER), *options, "--dump-dom", path.as_uri()]
    environment = {**os.environ, "HOME": str(path.parent)}
    done = subprocess.run(line, capture_output=True, text=True, timeout=180, check=True, env=environment)
    assert [said for said in done.stderr.splitlines() if "CONSOLE" in said] == []
    drawn = [attributes for _, attributes in Elements(done.stdout).tags if "data-plot" in attributes]
    assert len(drawn) == plots
    assert all("js-plotly-plot" in str(attributes["class"]) for attributes in drawn)
    assert done.stdout.count('class="main-svg"') >= plots
