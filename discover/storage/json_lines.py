"""The lines on which the keys of a text of JSON stand."""

from __future__ import annotations

import json
import re
from typing import Any

from discover.storage.yaml_core import Line

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}:,]|[^][{}:,\s"]+')


def lines_in_json(text: str) -> Line:
    """The places of the values in a text of JSON that `discover.storage.json_text.values_in_json` has read.

    >>> line = lines_in_json('{"a": 1,\\n "b": [2,\\n {"c": 3}]}')
    >>> line.below["b"].number, line.below["b"].below[1].below["c"].number
    (2, 3)
    """
    root = value = Line(1)
    open_values: list[tuple[dict[Any, Line], bool]] = []  # the lists and mappings around a token; whether each is a list
    number, position, previous = 1, 0, ""
    for match in _TOKEN.finditer(text):
        number, position = number + text.count("\n", position, match.start()), match.start()
        token = match.group()
        if open_values and token not in "]}:,":
            below, is_list = open_values[-1]
            if is_list or previous in "{,":
                value = below[len(below) if is_list else json.loads(token)] = Line(number)
        if token in "{[":
            value.below = below = dict[Any, Line]()
            open_values.append((below, token == "["))
        elif token in "}]":
            open_values.pop()
        previous = token
    return root
