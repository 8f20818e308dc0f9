"""Plain values from the events of a YAML parser, by the core schema of YAML 1.2, with limits on depth and on aliases."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, TypeGuard

import yaml

from discover.storage.json_text import DEEPEST, PlainValues, real_of, short, whole_of

INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_TAG = "tag:yaml.org,2002:"
_CONSTANTS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), (None, "null")),
    **dict.fromkeys(("true", "True", "TRUE"), (True, "bool")),
    **dict.fromkeys(("false", "False", "FALSE"), (False, "bool")),
}
_NOTHING, _MERGE = object(), object()
_NO_LINES: Mapping[Any, Any] = MappingProxyType({})


class _Node(NamedTuple):
    """A complete value.

    Attributes:
        value: a number, a text, a list or a mapping.
        weight: characters and values in it.
        height: levels of lists and mappings in it.
    """

    value: PlainValues
    weight: int
    height: int


class Line:
    """The place of a value in a text.

    Attributes:
        number: of the line on which its key, or the item of a list, begins; from 1.
        below: the lines of the values in it, by key or index; empty for what an alias stands for.
    """

    __slots__ = ("below", "number")

    def __init__(self, number: int):
        self.number = number
        self.below: Mapping[Any, Line] = _NO_LINES


class _Collection:
    """A list or a mapping of which the beginning has been read.

    Attributes:
        value: the items so far.
        lines: the place of each item.
        anchor: the name by which aliases may refer to it later.
        weight, height: as of `_Node`, so far.
        key: of the next value, in a mapping.
        bases: mappings whose keys it takes over (``<<``), None if there are none.
    """

    def __init__(self, value: list[Any] | dict[Any, Any], line: Line, anchor: str | None):
        self.value, self.anchor = value, anchor
        self.lines = line.below = dict[Any, Line]()
        self.weight, self.height = 1, 1
        self.key: Any = _NOTHING
        self.bases: list[Any] | None = None


class Builder:
    """Builds values without recursion, and refuses at once a value that is too deep, too large or not plain.

    Args:
        most: characters and values that all aliases together may stand for.

    Attributes:
        line: the place of the value, and of all values in it.

    >>> Builder(most=100).build(yaml.parse("a: &it [1, x]\\nb: *it", yaml.SafeLoader))
    {'a': [1, 'x'], 'b': [1, 'x']}
    """

    def __init__(self, most: int):
        self.line = Line(1)
        self._most, self._aliased = most, 0
        self._collections: list[_Collection] = []  # the innermost last
        self._anchors: dict[str, _Node | None] = {}  # None while the list or mapping is not complete
        self._result: PlainValues = _NOTHING

    def build(self, events: Iterable[yaml.Event]) -> PlainValues:
        """The value of the one document in the events of a parser, None if there is none.

        Raises:
            ValueError: one line with the problem and its place.
        """
        for event in events:
            self._note_item(event)
            match event:
                case yaml.ScalarEvent():
                    node = _Node(_scalar(event), 1 + len(event.value), 0)
                    self._name(event.anchor, node)
                    self._add(node, event)
                case yaml.SequenceStartEvent():
                    self._begin([], "seq", event)
                case yaml.MappingStartEvent():
                    self._begin({}, "map", event)
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    self._end(event)
                case yaml.AliasEvent():
                    self._add(self._copy(event), event)
                case yaml.DocumentStartEvent() if self._result is not _NOTHING:
                    _refuse("a second document begins", event)
        return None if self._result is _NOTHING else self._result

    def _begin(self, empty: list[Any] | dict[Any, Any], tag: str, event: yaml.CollectionStartEvent) -> None:
        if event.tag not in (None, "!", _TAG + tag):
            _refuse(f"the tag '{_tag(event)}' stands for no plain value", event)
        if len(self._collections) >= DEEPEST:
            _refuse(f"it is nested deeper than {DEEPEST} levels", event)
        self._name(event.anchor, None)
        self._collections.append(_Collection(empty, self._line(), event.anchor))

    def _line(self) -> Line:
        """The place of the list or mapping that begins now."""
        if not self._collections:
            return self.line
        holder = self._collections[-1]
        key = len(holder.value) if isinstance(holder.value, list) else holder.key
        return holder.lines.get(key) or Line(0)  # of a mapping that is merged, or is no legal key

    def _note_item(self, event: yaml.Event) -> None:
        """Note on which line an item of a list begins."""
        begins = isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent | yaml.AliasEvent)
        if begins and self._collections and isinstance(self._collections[-1].value, list):
            holder = self._collections[-1]
            holder.lines[len(holder.value)] = Line(event.start_mark.line + 1)

    def _end(self, event: yaml.CollectionEndEvent) -> None:
        collection = self._collections.pop()
        node = _Node(_merge(collection.value, collection.bases), collection.weight, collection.height)
        self._name(collection.anchor, node)
        self._add(node, event)

    def _copy(self, event: yaml.AliasEvent) -> _Node:
        """A copy of the value that an alias refers to."""
        if event.anchor not in self._anchors:
            _refuse(f"the alias '*{short(event.anchor)}' names nothing before it", event)
        node = self._anchors[event.anchor]
        if node is None:
            _refuse(f"the alias '*{short(event.anchor)}' stands inside what it names", event)
        self._aliased += node.weight
        if self._aliased > self._most:
            _refuse(f"its aliases stand for more than {self._most:,} characters", event)
        if len(self._collections) + node.height > DEEPEST:
            _refuse(f"its aliases nest deeper than {DEEPEST} levels", event)
        return node._replace(value=copy.deepcopy(node.value))

    def _name(self, anchor: str | None, node: _Node | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node

    def _add(self, node: _Node, event: yaml.Event) -> None:
        """Add a value to the innermost list or mapping, where it may be a key; without any it is the result."""
        if not self._collections:
            self._result = node.value
            return
        holder = self._collections[-1]
        holder.weight += node.weight
        holder.height = max(holder.height, 1 + node.height)
        if isinstance(holder.value, list):
            holder.value.append(node.value)
        elif holder.key is _NOTHING:
            holder.key = _key(holder, node.value, event)
            holder.lines[holder.key] = Line(event.start_mark.line + 1)
        elif holder.key is _MERGE:
            holder.key, holder.bases = _NOTHING, _mappings(node.value, event)
        else:
            holder.value[holder.key] = node.value
            holder.key = _NOTHING


def _key(holder: _Collection, value: object, event: yaml.Event) -> object:
    """A value as the next key of a mapping."""
    if isinstance(value, list | dict):
        _refuse("a key must be a text or a number", event)
    merges = value == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]
    if value in holder.value or (merges and holder.bases is not None):
        _refuse(f"the key '{short(str(value))}' stands twice", event)
    return _MERGE if merges else value


def _mappings(value: object, event: yaml.Event) -> list[dict[Any, Any]]:
    """The value of ``<<`` as a list of mappings."""
    mappings = value if isinstance(value, list) else [value]
    if not _all_mappings(mappings):
        _refuse("'<<' must name a mapping, or a list of them", event)
    return mappings


def _all_mappings(values: list[Any]) -> TypeGuard[list[dict[Any, Any]]]:
    return all(isinstance(value, dict) for value in values)


def _merge(own: list[Any] | dict[Any, Any], bases: list[dict[Any, Any]] | None) -> PlainValues:
    """A mapping with the keys of its bases: its own values come first, then those of the first base."""
    if bases is None or isinstance(own, list):
        return own
    merged: dict[Any, Any] = {}
    for base in reversed(bases):
        merged.update(base)
    return {**merged, **own}


def _scalar(event: yaml.ScalarEvent) -> PlainValues:
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
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    try:
        if INT.fullmatch(text):
            return whole_of(text), "int"
        if FLOAT.fullmatch(text):
            return real_of(text), "float"
    except ValueError as error:
        _refuse(str(error), event)
    return text, "str"


def _tag(event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> str:
    """The tag of an event as the text spells it."""
    tag = event.tag
    return short(f"!!{tag.removeprefix(_TAG)}" if tag.startswith(_TAG) else tag)


def _refuse(problem: str, event: yaml.Event) -> NoReturn:
    mark = event.start_mark
    raise ValueError(f"{problem}, in line {mark.line + 1}, column {mark.column + 1}")
