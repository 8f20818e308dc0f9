"""YAML and JSON as one means them: plain values, and nothing that runs, recurs or grows."""

import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import yaml

from discover import UserError
from discover.storage.json_text import short, values_in_json
from discover.storage.yaml_core import Line
from discover.storage.yaml_text import text_of, values_and_lines, values_in, values_in_file

SCALARS: list[tuple[str, Any]] = [
    ("010", 10),
    ("0o10", 8),
    ("0x1F", 31),
    ("-7", -7),
    ("+7", 7),
    ("0b11", "0b11"),
    ("-0x1", "-0x1"),
    ("1_000", "1_000"),
    ("1:30", "1:30"),
    ("1:30.5", "1:30.5"),
    ("1e5", 1e5),
    ("1e-3", 1e-3),
    (".5", 0.5),
    ("1.", 1.0),
    ("1e", "1e"),
    ("-.inf", float("-inf")),
    ("yes", "yes"),
    ("No", "No"),
    ("on", "on"),
    ("off", "off"),
    ("y", "y"),
    ("true", True),
    ("FALSE", False),
    ("tRue", "tRue"),
    ("~", None),
    ("Null", None),
    ("2026-01-01", "2026-01-01"),
    ("=", "="),
    ("'010'", "010"),
    ('"1e5"', "1e5"),
    ("!!str 010", "010"),
    ("!!float 1", 1.0),
    ("!!int 0o7", 7),
    ("! 1", "1"),
    ("!!null ''", None),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    (result,) = values_in(f"[{text}]")
    assert (result, type(result)) == (value, type(value))


def test_what_is_written_is_read_to_the_same_values_by_readers_of_either_version() -> None:
    texts = [text for text, _ in SCALARS] + [
        "08",
        "+12",
        "1e22",
        "123e3",
        "<<",
        "größe",
        "a: b",
        "- x",
        "#",
        " x",
        "",
        "\u2028",
    ]
    numbers = [0, -1, 10**30, 1e-5, 1e22, 1e16, -0.0, 0.1, float("inf"), True, None]
    values = {"texts": texts, "numbers": numbers, **{text: text for text in texts}}
    written = text_of(values, "it")
    assert repr(values_in(written)) == repr(values)
    assert yaml.safe_load(written)["texts"] == texts
    assert "- größe\n" in written
    shared = {"x": 1}
    assert "&" not in text_of([shared, shared], "it")


def test_an_alias_stands_for_a_copy() -> None:
    result = values_in("a: &x {list: [1]}\nb: *x\nc: [*x, *x]\n")
    result["b"]["list"].append(2)
    assert result == {"a": {"list": [1]}, "b": {"list": [1, 2]}, "c": [{"list": [1]}, {"list": [1]}]}


def test_lines_are_those_of_keys_and_items() -> None:
    text = (
        "# x\na:\n  - 1\n  - {b: 1,\n     c: [2,\n 3]}\nd: &d {e: 1}\nf:\n  <<: *d\n  g: |\n    two\n    lines\nh: *d\n1: 2\n"
    )
    values, line = values_and_lines(text)

    def numbers(line: Line) -> dict[Any, Any]:
        return {key: (inner.number, numbers(inner)) for key, inner in line.below.items() if isinstance(key, str | int)}

    assert numbers(line) == {
        "a": (2, {0: (3, {}), 1: (4, {"b": (4, {}), "c": (5, {0: (5, {}), 1: (6, {})})})}),
        "d": (7, {"e": (7, {})}),
        "f": (8, {"g": (10, {})}),
        "h": (13, {}),
        1: (14, {}),
    }
    assert values["f"] == {"e": 1, "g": "two\nlines\n"}
    assert values_and_lines("7")[1].below == {}


def test_lines_take_little_memory() -> None:
    text = "[" * 99 + "1," * 10_000 + "1" + "]" * 99
    tracemalloc.start()
    try:
        values_and_lines(text)
        assert tracemalloc.get_traced_memory()[1] < 5 * 2**20
    finally:
        tracemalloc.stop()


def test_mappings_are_merged_without_sharing() -> None:
    result = values_in("a: &a {x: 1, y: [1]}\nb: &b {x: 2, z: 3}\nc: {<<: [*a, *b], z: 4}\nd: {'<<': 1}")
    assert result["c"] == {"x": 1, "y": [1], "z": 4}
    assert result["d"] == {"<<": 1}
    result["c"]["y"].append(2)
    assert result["a"]["y"] == [1]


def test_what_cannot_be_written_is_told() -> None:
    inside: list[Any] = []
    inside.append(inside)
    for values, sentence in (
        ({"a": object()}, "it holds what YAML cannot (<object object at "),
        (inside, "it is nested too deep: write it flatter."),
        ("x" * 2**18, "it takes 262,"),
    ):
        with pytest.raises(UserError) as caught:
            text_of(values, "it")
        assert str(caught.value).startswith(sentence)


# Bombs ----------------------------------------------------------------------------------------------------------------


def laughs(start: str, level: str) -> str:
    """Each level names the one before it nine times."""
    return f"a0: &a0 {start}\n" + "".join(
        f"a{i}: &a{i} {level.replace('X', ','.join([f'*a{i - 1}'] * 9))}\n" for i in range(1, 12)
    )


DEEP = "".join(f"a{i}: &a{i} " + "[" * 50 + (f"*a{i - 1}" if i else "") + "]" * 50 + "\n" for i in range(3))
BOMBS = {
    "lists": (laughs("[lol]", "[X]"), "its aliases stand for more than 262,144 characters"),
    "merges": (laughs("{a: 1}", "{<<: [X]}"), "its aliases stand for more than 262,144 characters"),
    "empty lists": (
        f"a: &a [{','.join(['[]'] * 999)}]\nb: [{','.join(['*a'] * 263)}]",
        "its aliases stand for more than 262,144 characters",
    ),
    "texts": (f"a: &a {'x' * 2000}\nb: [{','.join(['*a'] * 1000)}]", "its aliases stand for more than 262,144 characters"),
    "itself": ("a: &a [*a]", "the alias '*a' stands inside what it names, in line 1, column 8"),
    "itself in a mapping": ("&a a: {b: &b {c: *b}}", "the alias '*b' stands inside what it names"),
    "deep aliases": (DEEP, "its aliases nest deeper than 100 levels"),
    "deep lists": ("[" * 100_000, "it is nested deeper than 100 levels, in line 1, column 101"),
    "deep mappings": ("{a: " * 50_000, "it is nested deeper than 100 levels"),
    "deep blocks": ("- " * 100_000, "it is nested deeper than 100 levels"),
    "digits": ("a: " + "9" * 400, "the number 99999999999999999999…999999999999 has more than 100 digits"),
    "more digits": ("9" * 5000, "has more than 100 digits"),
    "a large float": ("1e999", "the number 1e999 is too large"),
    "a time": ("!!timestamp foo", "'foo' is no plain value with the tag '!!timestamp', in line 1, column 1"),
    "an empty number": ("!!int ''", "'' is no plain value with the tag '!!int'"),
    "a wrong truth value": ("!!bool maybe", "'maybe' is no plain value with the tag '!!bool'"),
    "binary": ("!!binary x", "'x' is no plain value with the tag '!!binary'"),
    "a set": ("!!set {a, b}", "the tag '!!set' stands for no plain value"),
    "a list as a mapping": ("!!map [1]", "the tag '!!map' stands for no plain value"),
    "an object": ("!!python/object/apply:os.system [id]", "stands for no plain value"),
    "a key that is a list": ("{[1]: 2}", "a key must be a text or a number"),
    "a long name": ("*" + "a" * 100_000, "the alias '*aaaaaaaaaaaaaaaaaaaa…aaaaaaaaaaaa' names nothing before it"),
    "two documents": ("a: 1\n---\nb: 2", "a second document begins, in line 2, column 1"),
    "a zero byte": ("a: \0", "unacceptable character #x0000"),
    "too long": ("#" * (2**18 + 1), "it holds more than 262,144 characters"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_one_short_line_at_once(name: str) -> None:
    text, sentence = BOMBS[name]
    started = time.process_time()
    with pytest.raises(ValueError, match=r"^.*$") as caught:
        values_in(text)
    assert time.process_time() - started < 5.0  # a busy machine takes twice as long
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("name", ["lists", "merges", "texts", "itself", "more digits"])
def test_a_bomb_takes_no_memory(name: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"alias|digits"):
            values_in(BOMBS[name][0])
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


JSON_BOMBS = {
    "lists": ("[" * 100_000, "it is nested deeper than 100 levels"),
    "closed lists": ("[" * 101 + "]" * 101, "it is nested deeper than 100 levels"),
    "mappings": ('{"a":' * 100_000, "it is nested deeper than 100 levels"),
    "digits": ("9" * 5000, "has more than 100 digits"),
    "a large float": ("-1e999", "the number -1e999 is too large"),
    "a key twice": ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
    "too long": (" " * (2**23 + 1), "it holds more than 8,388,608 characters"),
}


@pytest.mark.parametrize("name", JSON_BOMBS)
def test_a_bomb_of_json_is_one_short_line(name: str) -> None:
    text, sentence = JSON_BOMBS[name]
    with pytest.raises(ValueError, match=r"^.*$") as caught:
        values_in_json(text)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_json_file_is_read_as_json(tmp_path: Path) -> None:
    path = tmp_path / "it.json"
    path.write_bytes(b"\xef\xbb\xbf" + '{"a": 1e5, "b": "gr\\u00f6\\/ße", "c": [\t1]}'.encode())
    assert values_in_file(path, "config file") == {"a": 1e5, "b": "grö/ße", "c": [1]}
    path.write_text("{a: 1}")
    with pytest.raises(UserError, match=r"^config file '.*it\.json' is not JSON \(Expecting property name .*\): repair it\.$"):
        values_in_file(path, "config file")
    path.write_text("[1, 010]")
    with pytest.raises(UserError, match="is not JSON"):
        values_in_file(path, "config file")


def test_what_is_just_not_too_much_is_read() -> None:
    """At each limit, to the character, digit and level."""
    assert values_in_json(" " * (2**23 - 1) + "7") == 7
    assert values_in("#" * (2**18 - 2) + "\n7") == 7
    for read in (values_in_json, values_in):
        assert read("9" * 100) == 10**100 - 1
        assert read("1." + "0" * 98) == 1.0
        for least in ("9" * 101, "1." + "0" * 99):
            with pytest.raises(ValueError, match="has more than 100 digits"):
                read(least)
        for opens, closes in (("[", "]"), ('{"a": ', "}")):
            result, levels = read(opens * 100 + "7" + closes * 100), 0
            while result != 7:
                (result,), levels = result if isinstance(result, list) else result.values(), levels + 1
            assert levels == 100
            with pytest.raises(ValueError, match="nested deeper than 100 levels"):
                read(opens * 101 + "7" + closes * 101)
    assert values_in("a: &a []\nb: " + "[" * 98 + "*a" + "]" * 98)["a"] == []
    with pytest.raises(ValueError, match="its aliases nest deeper than 100 levels"):
        values_in("a: &a []\nb: " + "[" * 99 + "*a" + "]" * 99)


def test_a_text_in_a_sentence_loses_its_middle_beyond_forty_characters() -> None:
    assert short("a" * 40) == "a" * 40
    assert short("a" * 20 + "b" * 9 + "c" * 12) == "a" * 20 + "…" + "c" * 12
