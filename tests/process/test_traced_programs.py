"""Traced programs on the disk: found only while they are sound, current and of the same settings."""

import gc
import itertools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import jax
import pytest

from discover.process import loaded_sources, traced_programs
from discover.process.traced_programs import key_of, place, read, write

FACTS = {"structure": [1, "two"]}
PROGRAM = b"a program\nof two lines"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a module, which is the only one that is loaded, since before it was written."""
    path = tmp_path / "rule.py"
    path.write_text("SCALE = 1\n", encoding="utf-8")
    loaded = ModuleType("rule")
    loaded.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "rule", loaded)
    monkeypatch.setattr(loaded_sources, "_files", lambda: [("rule", str(path))])
    monkeypatch.setattr(loaded_sources, "_STARTED", float("inf"))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "traced"
    path.mkdir(mode=0o700)
    return path


def later_process() -> None:
    """Forget what this process knows of files."""
    loaded_sources._identity.cache_clear()
    traced_programs._hold.cache_clear()


def test_a_program_is_found_with_its_facts(folder: Path, module: Path) -> None:
    write(folder, "key", FACTS, PROGRAM)
    later_process()
    assert read(folder, "key") == (FACTS, PROGRAM)
    assert read(folder, "another") is None


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def altered(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"t", b"T", 1))


def foreign(path: Path) -> None:
    path.write_bytes(b"\x80\x04 something else")


@pytest.mark.parametrize("spoil", [cut_short, altered, foreign, Path.unlink])
@pytest.mark.parametrize("names", ["key", "*.sources"])
def test_a_damaged_or_foreign_file_is_ignored_and_written_anew(
    folder: Path, module: Path, names: str, spoil: Callable[[Path], None]
) -> None:
    write(folder, "key", FACTS, PROGRAM)
    for path in folder.glob(names):
        spoil(path)
    later_process()
    assert read(folder, "key") is None
    write(folder, "key", FACTS, PROGRAM)
    later_process()
    assert read(folder, "key") == (FACTS, PROGRAM)


def test_a_program_is_not_used_once_the_code_has_changed(folder: Path, module: Path) -> None:
    write(folder, "key", FACTS, PROGRAM)
    module.write_text("SCALE = 2\n", encoding="utf-8")
    later_process()
    assert read(folder, "key") is None
    module.write_text("SCALE = 1\n", encoding="utf-8")
    later_process()
    assert read(folder, "key") == (FACTS, PROGRAM), "the content counts, not the time"


def test_a_program_is_not_used_where_its_module_is_loaded_from_elsewhere(folder: Path, module: Path) -> None:
    write(folder, "key", FACTS, PROGRAM)
    copy = module.with_name("copy.py")
    copy.write_bytes(module.read_bytes())
    sys.modules["rule"].__file__ = str(copy)
    later_process()
    assert read(folder, "key") is None


def test_nothing_is_written_once_a_loaded_file_is_younger_than_the_process(
    folder: Path, module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loaded_sources, "_STARTED", module.stat().st_mtime)
    later_process()
    write(folder, "key", FACTS, PROGRAM)
    assert not list(folder.iterdir())


def test_data_of_a_package_is_source(folder: Path, module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    package = module.with_name("package")
    package.mkdir()
    for name in ("__init__.py", "tasks.json"):
        (package / name).write_text("{}", encoding="utf-8")
    loaded = ModuleType("package")
    loaded.__file__ = str(package / "__init__.py")
    monkeypatch.setitem(sys.modules, "package", loaded)
    names = [name for name, _ in loaded_sources._files()]
    assert str(package / "tasks.json") in names
    assert "discover.inner_loop.lifetime" in names
    assert "__main__" not in names
    assert "json" not in names, "Python is known by its version"


def test_sources_are_found_while_another_thread_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collection of garbage may come at any allocation, and let another thread go on, which imports."""
    monkeypatch.undo()
    names = (f"made_up_{number}" for number in itertools.count())

    def import_one(phase: str, _: object) -> None:
        if phase == "start":
            monkeypatch.setitem(sys.modules, next(names), ModuleType("made up"))

    threshold = gc.get_threshold()
    gc.callbacks.append(import_one)
    gc.set_threshold(10)
    try:
        next(loaded_sources._files())
    finally:
        gc.set_threshold(*threshold)
        gc.callbacks.remove(import_one)
    assert next(names) != "made_up_0", "nothing was imported meanwhile"


def test_the_name_of_a_program_tells_settings_and_facts_apart() -> None:
    plain = key_of({"tile": 4})
    assert key_of({"tile": 4}) == plain
    assert key_of({"tile": 8}) != plain
    with jax.default_matmul_precision("float32"):
        assert key_of({"tile": 4}) != plain
    with jax.threefry_partitionable(not jax.config.values["jax_threefry_partitionable"]):
        assert key_of({"tile": 4}) != plain


OFF = ({"jax_compilation_cache_dir": None}, {"jax_enable_compilation_cache": False}, {"jax_disable_jit": True})


@pytest.mark.parametrize("off", OFF)
def test_the_switch_and_the_folder_are_those_of_compiled_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: dict[str, object]
) -> None:
    values = {**jax.config.values, "jax_compilation_cache_dir": str(tmp_path)}
    for other, kept in (({}, tmp_path / "traced"), (off, None)):
        config = SimpleNamespace(values={**values, **other})
        monkeypatch.setattr(traced_programs, "jax", SimpleNamespace(config=config))
        assert place() == kept


def test_a_folder_that_others_may_write_to_holds_none(tmp_path: Path) -> None:
    private, opened = tmp_path / "private", tmp_path / "open"
    private.mkdir(mode=0o700)
    opened.mkdir()
    opened.chmod(0o777)
    assert traced_programs._private(str(private)) == private / "traced"
    assert traced_programs._private(str(opened)) is None
    assert traced_programs._private(str(tmp_path / "absent")) is None


def test_files_beyond_the_size_of_the_cache_go_the_oldest_first(folder: Path) -> None:
    for name, size in (("old", 4), ("middle", 3), ("new", 2)):
        (folder / name).write_bytes(bytes(size))
        os.utime(folder / name, (-size, -size))
    traced_programs._make_room(folder, 5)
    assert sorted(path.name for path in folder.iterdir()) == ["middle", "new"]
    traced_programs._make_room(folder, -1)
    assert len(list(folder.iterdir())) == 2
