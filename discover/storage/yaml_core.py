"""Plain values from the events of a YAML parser, by the core schema of YAML 1.2; nothing that runs, recurs or grows."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn

import yaml

from discover.storage.json_text import DEEPEST, real_of, short, whole_of

INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_TAG = "tag:yaml.org,2002:"
_WORDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (None, "null")),
    **dict.fromkeys(("true", "True", "TRUE"), (True, "bool")),
    **dict.fromkeys(("false", "False", "FALSE"), (False, "bool")),
}
_NOTHING, _MERGE = object(), object()
_NO_LINES: Mapping[Any, Any] = MappingProxyType({})


class _Made(NamedTuple):
    """A value that has been read.

    Attributes:
        value: a number, a text, a list or a mapping.
        weight: characters and values in it.
        height: levels of lists and mappings in it.
    """

    value: Any
    weight: int
    height: int


class Line:
    """Where a value is written.

    Attributes:
        number: of the line on which its key, or the item of a list, begins; from 1.
        below: the lines of what it holds, by key or index; empty for what an alias stands for.
    """

    __slots__ = ("below", "number")

    def __init__(self, number: int):
        self.number = number
        self.below: Mapping[Any, Line] = _NO_LINES


class _Open:
    """A list or a mapping that is being read.

    Attributes:
        value: what has been read of it.
        lines: where each value in it is written.
        anchor: the name by which aliases may call it later.
        weight, height: as of `_Made`, so far.
        key: of the value that comes next, in a mapping.
        merged: mappings that it takes over (``<<``), None if there are none.
    """

    def __init__(self, value: Any, line: Line, anchor: str | None):
        self.value, self.anchor = value, anchor
        self.lines = line.below = dict[Any, Line]()
        self.weight, self.height = 1, 1
        self.key: Any = _NOTHING
        self.merged: list[Any] | None = None


class Builder:
    """Builds values without recursion; what is too deep, too much or no plain value ends it at once.

    Args:
        most: characters and values that aliases may stand for in all.

    Attributes:
        line: where the value is written, and all that it holds.
    """

    def __init__(self, most: int):
        self.line = Line(1)
        self._most, self._aliased = most, 0
        self._open: list[_Open] = []
        self._named: dict[str, _Made | None] = {}  # by anchor; None while its list or mapping is open
        self._result: Any = _NOTHING

    def built(self, events: Iterable[Any]) -> Any:
        """The value of the one document that a parser tells of, None if there is none.

        Raises:
            ValueError: one line that says what and where.
        """
        for event in events:
            self._note_item(event)
            match event:
                case yaml.ScalarEvent():
                    made = _Made(_scalar(event), 1 + len(event.value), 0)
                    self._name(event.anchor, made)
                    self._take(made, event)
                case yaml.SequenceStartEvent():
                    self._begin([], "seq", event)
                case yaml.MappingStartEvent():
                    self._begin({}, "map", event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._end(event)
                case yaml.AliasEvent():
                    self._take(self._copy(event), event)
                case yaml.DocumentStartEvent() if self._result is not _NOTHING:
                    _refuse("a second document begins", event)
        return None if self._result is _NOTHING else self._result

    def _begin(self, empty: Any, tag: str, event: Any) -> None:
        if event.tag not in (None, "!", _TAG + tag):
            _refuse(f"the tag '{_tag(event)}' stands for no plain value", event)
        if len(self._open) >= DEEPEST:
            _refuse(f"it is nested deeper than {DEEPEST} levels", event)
        self._name(event.anchor, None)
        self._open.append(_Open(empty, self._line(), event.anchor))

    def _line(self) -> Line:
        """Where the list or mapping that begins now is written."""
        if not self._open:
            return self.line
        holder = self._open[-1]
        key = len(holder.value) if isinstance(holder.value, list) else holder.key
        return holder.lines.get(key) or Line(0)  # of a mapping that is merged, or is no legal key

    def _note_item(self, event: Any) -> None:
        """Note on which line an item of a list begins."""
        begins = isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent | yaml.AliasEvent)
        if begins and self._open and isinstance(self._open[-1].value, list):
            holder = self._open[-1]
            holder.lines[len(holder.value)] = Line(event.start_mark.line + 1)

    def _end(self, event: Any) -> None:
        done = self._open.pop()
        made = _Made(_merged(done.value, done.merged), done.weight, done.height)
        self._name(done.anchor, made)
        self._take(made, event)

    def _copy(self, event: Any) -> _Made:
        """A copy of what an alias names."""
        named = self._named.get(event.anchor, _NOTHING)
        if named is _NOTHING:
            _refuse(f"the alias '*{short(event.anchor)}' names nothing before it", event)
        if not isinstance(named, _Made):
            _refuse(f"the alias '*{short(event.anchor)}' stands inside what it names", event)
        self._aliased += named.weight
        if self._aliased > self._most:
            _refuse(f"its aliases stand for more than {self._most:,} characters", event)
        if len(self._open) + named.height > DEEPEST:
            _refuse(f"its aliases nest deeper than {DEEPEST} levels", event)
        return named._replace(value=copy.deepcopy(named.value))

    def _name(self, anchor: str | None, made: _Made | None) -> None:
        if anchor is not None:
            self._named[anchor] = made

    def _take(self, made: _Made, event: Any) -> None:
        """Put a value where it belongs: into the innermost list or mapping, as a key of it, or as the result."""
        if not self._open:
            self._result = made.value
            return
        holder = self._open[-1]
        holder.weight += made.weight
        holder.height = max(holder.height, 1 + made.height)
        if isinstance(holder.value, list):
            holder.value.append(made.value)
        elif holder.key is _NOTHING:
            holder.key = _key(holder, made.value, event)
            holder.lines[holder.key] = Line(event.start_mark.line + 1)
        elif holder.key is _MERGE:
            holder.key, holder.merged = _NOTHING, _mappings(made.value, event)
        else:
            holder.value[holder.key] = made.value
            holder.key = _NOTHING


def _key(holder: _Open, value: Any, event: Any) -> Any:
    if isinstance(value, list | dict):
        _refuse("a key must be a text or a number", event)
    merges = value == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]
    if value in holder.value or (merges and holder.merged is not None):
        _refuse(f"the key '{short(str(value))}' stands twice", event)
    return _MERGE if merges else value


def _mappings(value: Any, event: Any) -> list[Any]:
    every = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in every):
        _refuse("'<<' must name a mapping, or a list of them", event)
    return every


def _merged(own: Any, others: list[dict[Any, Any]] | None) -> Any:
    """A mapping with what it takes over: its own values win, then those of the mapping named first."""
    if others is None:
        return own
    made: dict[Any, Any] = {}
    for other in reversed(others):
        made.update(other)
    return {**made, **own}


def _scalar(event: yaml.ScalarEvent) -> Any:
    """The value of a scalar, by its tag or, if it is plain, by its form."""
    text, tag = event.value, event.tag
    if tag in ("!", _TAG + "str") or (tag is None and not event.implicit[0]):
        return text
    value, kind = _plain(text, event)
    if tag == _TAG + "float" and kind == "int":
        value, kind = float(value), "float"
    if tag not in (None, _TAG + kind):
        _refuse(f"'{short(text)}' is no plain value with the tag '{_tag(event)}'", event)
    return value


def _plain(text: str, event: yaml.ScalarEvent) -> tuple[Any, str]:
    """The value of a plain scalar, and its kind."""
    if text in _WORDS:
        return _WORDS[text]
    try:
        if INT.fullmatch(text):
            return whole_of(text), "int"
        if FLOAT.fullmatch(text):
            return real_of(text), "float"
    except ValueError as error:
        _refuse(str(error), event)
    return text, "str"


def _tag(event: Any) -> str:
    """A tag as it is written."""
    tag = event.tag
    return short(f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag)


def _refuse(problem: str, event: Any) -> NoReturn:
    mark = event.start_mark
    raise ValueError(f"{problem}, in line {mark.line + 1}, column {mark.column + 1}")
