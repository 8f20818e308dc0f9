"""Code is not taken from where others can put it."""

import os
import py_compile
from pathlib import Path

import pytest

from discover.base.errors import PluginError, UserError
from discover.plugin.loader import load_plugins
from discover.storage.ownership import open_to_others

PLUGIN = "from discover import hookimpl\n\n\n@hookimpl\ndef discover_register(registry):\n    pass\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one plugin, two levels below one of the test's own."""
    plugins = tmp_path / "above" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "mine.py").write_text(PLUGIN)
    monkeypatch.setenv("DISCOVER_BLOCK_PLUGINS", "mlflow")
    return plugins


def names(folder: Path) -> set[str]:
    return {plugin.plugin for plugin in load_plugins(folder).registry.plugins()}


def refusal(folder: Path) -> str:
    with pytest.raises(PluginError) as caught:
        load_plugins(folder)
    sentence = str(caught.value)
    assert sentence.startswith("plugins are not loaded from a place that others can change: ")
    return sentence.removeprefix("plugins are not loaded from a place that others can change: ")


def test_a_folder_of_ones_own_is_loaded(folder: Path, tmp_path: Path) -> None:
    assert "mine" in names(folder)
    (tmp_path / "link").symlink_to(folder)
    assert "mine" in names(tmp_path / "link")
    (tmp_path / "above").chmod(0o1777)  # sticky, as /tmp: others may add, but not take away
    assert "mine" in names(folder)


@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757, 0o1777])
def test_a_folder_that_others_can_write_to_is_refused(folder: Path, tmp_path: Path, mode: int) -> None:
    folder.chmod(mode)
    sentence = f"others may write to '{folder}': chmod go-w '{folder}'."
    assert refusal(folder) == sentence
    (tmp_path / "link").symlink_to(folder)
    assert refusal(tmp_path / "link") == sentence
    folder.chmod(0o755)
    assert "mine" in names(folder)


def test_a_relative_path_is_looked_at_all_the_way_up(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    folder.parent.chmod(0o770)
    assert refusal(Path(".")) == f"others may write to '{folder.parent}': chmod go-w '{folder.parent}'."


def test_a_file_that_others_can_write_to_is_refused(folder: Path) -> None:
    file = folder / "mine.py"
    file.chmod(0o666)
    assert refusal(folder) == f"others may write to '{file}': chmod go-w '{file}'."


def test_a_compiled_copy_that_others_can_write_to_is_refused(folder: Path) -> None:
    copy = Path(py_compile.compile(str(folder / "mine.py"), doraise=True) or "")
    assert "mine" in names(folder)
    copy.chmod(0o666)
    assert refusal(folder) == f"others may write to '{copy}': chmod go-w '{copy}'."
    copy.chmod(0o644)
    copy.parent.chmod(0o777)
    assert refusal(folder) == f"others may write to '{copy.parent}': chmod go-w '{copy.parent}'."


def test_what_belongs_to_somebody_else_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an ordinary user sees it: root's files are trusted, those of a third one are not."""
    facts = os.stat_result((0o100644, 0, 0, 1, 1234, 1234, 0, 0, 0, 0))
    lstat = Path.lstat
    monkeypatch.setattr(Path, "lstat", lambda self: facts if self.name == "mine.py" else lstat(self))
    assert open_to_others(folder) is None
    file = folder / "mine.py"
    assert refusal(folder) == f"'{file}' belongs to another user: move it to a folder of your own."


def test_paths_that_cannot_be_are_told(tmp_path: Path) -> None:
    for path, sentence in (
        ("a\0b", r"the plugin folder 'a\x00b' is no path (it holds a character that no path can): give another."),
        ("x" * 5000, "cannot be looked up (File name too long): give another path."),
    ):
        with pytest.raises(UserError) as caught:
            load_plugins(path)
        assert str(caught.value).endswith(sentence)
        assert len(str(caught.value)) < 300
