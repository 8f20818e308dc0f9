"""A config from a file, with settings of the command line, and the place of each key in them."""

from __future__ import annotations

import copy
import difflib
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from discover.base.errors import UserError, cut
from discover.base.mistakes import Mistake, Mistakes
from discover.storage.files import is_file, printable
from discover.storage.json_text import DEEPEST
from discover.storage.yaml_core import Line
from discover.storage.yaml_text import LONGEST, values_and_lines_in_file, values_in, values_in_bytes

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Places:
    """Where the keys of a config are written.

    Attributes:
        file: the name of the file; empty if there is none.
        line: where its mapping is written, and all that it holds; None where there is no file.
        settings: paths, each with the setting of the command line that writes what is there.
    """

    file: str = ""
    line: Line | None = None
    settings: tuple[tuple[str, str], ...] = ()

    def of(self, path: str) -> str:
        """The place of a key, or of the innermost key above it that is written somewhere."""
        setting, line = self._spot(path)
        if setting >= 0:
            return f"--set '{self.settings[setting][1]}'"
        return f"{self.file}:{line}" if line else self.file

    def placed(self, mistakes: Iterable[Mistake]) -> list[Mistake]:
        """The mistakes with their places: those in the file from its top to its end, then those in settings."""
        ordered = sorted(mistakes, key=lambda mistake: self._spot(mistake.path))
        return [mistake._replace(place=self.of(mistake.path)) for mistake in ordered]

    def _spot(self, path: str) -> tuple[int, int]:
        """The index of the setting that writes what is at a path, -1 for none; and the number of its line, 0 for none."""
        line, known = self._line_of(path)
        for index, (changed, _) in reversed([*enumerate(self.settings)]):
            if is_below(path, changed) or (not known and is_below(changed, path)):
                return index, 0
        return -1, line

    def _line_of(self, path: str) -> tuple[int, bool]:
        """The number of the line of the innermost known key on a path (0 for none), and whether that is the whole path."""
        line, number, rest = self.line, 0, path
        while line is not None and rest:
            steps = [key for key in line.below if is_below(rest, str(key))]
            if not steps:
                return number, False
            step = max(steps, key=lambda key: len(str(key)))  # a name may hold a dot
            line, rest = line.below[step], rest[len(str(step)) + 1 :]
            number = line.number
        return number, not rest


class WrittenConfig(dict[str, Any]):
    """The mapping of a config that was written somewhere.

    Attributes:
        places: of its keys.
        wrong_settings: mistakes in settings that could not be applied.
    """

    def __init__(self, values: dict[str, Any], places: Places, wrong_settings: Sequence[Mistake] = ()):
        super().__init__(values)
        self.places, self.wrong_settings = places, wrong_settings


def read_config(path: str | Path, settings: Sequence[str] = ()) -> WrittenConfig:
    """The mapping in a file of YAML or JSON, with ``a.b=c`` settings applied (values are YAML); ``-`` is standard input.

    Raises:
        UserError: missing file, neither YAML nor JSON, or no mapping.
    """
    path = Path(path)
    what, name = ("standard input", "<stdin>") if str(path) == STANDARD_INPUT else (f"config file '{path}'", printable(path))
    values, line = _standard_input() if str(path) == STANDARD_INPUT else _file(path)
    if not isinstance(values, dict):
        raise UserError(f"{what} {_not_a_mapping(values)}")
    return with_settings(WrittenConfig(values, Places(name, line)), settings)


def with_settings(config: Mapping[str, Any], settings: Iterable[str]) -> WrittenConfig:
    """A config with ``a.b=c`` settings applied; `discover.config.search_config.checked_config` tells those that cannot be."""
    values, applied, mistakes = copy.deepcopy(dict(config)), [], Mistakes()
    for setting in settings:
        with mistakes.at(""):
            path, value = setting_of(setting)
            put(values, path, value, f"--set '{setting}'")
            applied.append((path, setting))
    before = config if isinstance(config, WrittenConfig) else WrittenConfig({}, Places())
    places = replace(before.places, settings=(*before.places.settings, *applied))
    return WrittenConfig(values, places, (*before.wrong_settings, *mistakes.collected))


def _not_a_mapping(values: Any) -> str:
    """The end of the sentence about a config that is none."""
    remedy = "write 'key: value' lines (discover config new prints an example)."
    if values is None:
        return f"is empty: {remedy}"
    if isinstance(values, list):
        return f"holds a list where a mapping of keys to values must be: take out the dashes before its keys, or {remedy}"
    return f"holds {cut(repr(values), 40)} where a mapping of keys to values must be: {remedy}"


def _standard_input() -> tuple[Any, Line]:
    return values_in_bytes(sys.stdin.buffer.read(4 * LONGEST + 1), "standard input")


def _file(path: Path) -> tuple[Any, Line]:
    if not is_file(path, "config file"):
        if path.is_dir():
            raise UserError(f"config file '{path}' is a folder: {_files_in(path)}.")
        close = difflib.get_close_matches(path.name, [p.name for p in path.parent.glob("*.y*ml")], n=1)
        hint = f"did you mean '{path.parent / close[0]}'?" if close else _remedy(path)
        raise UserError(f"config file '{path}' does not exist: {hint}")
    return values_and_lines_in_file(path, "config file")


def _remedy(path: Path) -> str:
    """The remedy for a file that is not there; what has no ending may be meant as the name of a recipe."""
    shown = printable(path)
    example = f", or begin with 'discover config new --recipe {shown} > {shown}.yaml'"
    return "check the path" + ("" if path.suffix or len(path.parts) > 1 else example) + "."


def _files_in(folder: Path) -> str:
    """The remedy for a folder where a file is asked for."""
    names = sorted(path.name for kind in ("*.y*ml", "*.json") for path in folder.glob(kind))
    return f"give a file, such as '{folder / names[0]}'" if names else "give a file of YAML or JSON"


def is_below(path: str, other: str) -> bool:
    """Whether a dotted path is another one, or lies below it.

    >>> is_below("a.b", "a"), is_below("ab", "a")
    (True, False)
    """
    return path == other or path.startswith(f"{other}.")


def setting_of(setting: str, example: str = "population=64") -> tuple[str, Any]:
    """The path and the value of a setting ``a.b=c``, whose value is YAML.

    Raises:
        UserError: it has no path, no '=', or its value is not YAML.

    >>> setting_of("report.seeds=16")
    ('report.seeds', 16)
    """
    path, equals, text = setting.partition("=")
    if not equals or not path:
        raise UserError(f"--set '{setting}' must be key=value, with dots between nested keys, such as --set {example}.")
    try:
        return path, values_in(text)
    except ValueError as error:
        raise UserError(f"--set '{setting}': the value is not YAML ({error}): repair it, or quote a text.") from None


def put(values: dict[str, Any], path: str, value: Any, origin: str) -> None:
    """Put a value at a dotted path of nested mappings and lists; mappings that are not there yet are made.

    Args:
        values: is changed.
        path, value: what to put where.
        origin: what asks for it, which begins the message of an error.

    Raises:
        UserError: there is no such place.
    """
    *parents, last = path.split(".")
    if len(parents) >= DEEPEST:
        raise UserError(f"{origin} names a place deeper than {DEEPEST} levels: is it the right one?")
    node: Any = values
    for name in parents:
        node = _child(node, name, origin)
    if isinstance(node, list):
        node[_index(node, last, origin)] = value
    elif isinstance(node, dict):
        node[last] = value
    else:
        raise UserError(f"{origin}: there is nothing below '{parents[-1]}' to set.")


def _child(node: Any, name: str, origin: str) -> Any:
    if isinstance(node, list):
        return node[_index(node, name, origin)]
    if isinstance(node, dict):
        return node.setdefault(name, {})
    raise UserError(f"{origin}: there is nothing below '{name}' to set.")


def _index(node: list[Any], name: str, origin: str) -> int:
    if not name.isdecimal() or len(name) > 9 or int(name) >= len(node):
        raise UserError(f"{origin}: '{name}' must be an index below {len(node)}.")
    return int(name)
