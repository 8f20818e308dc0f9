"""YAML as plain values: numbers, texts, lists and mappings, and nothing that runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from discover.errors import UserError


class _Loader(yaml.SafeLoader):
    """YAML with the numbers of its version 1.2, in which ``1e-3`` is no text, and with unique keys, as it demands."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        for index, key in enumerate(keys):
            if key.value in [other.value for other in keys[:index]]:
                raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)[eE][-+]?[0-9]+$"), list("-+.0123456789")
)


def values_in(text: str) -> Any:
    """What a text of YAML says.

    Raises:
        ValueError: it is not YAML; the message is one line.
    """
    try:
        return yaml.load(text, _Loader)  # a SafeLoader: tags that would build objects are refused
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ValueError(" ".join(str(error).split())) from None


def values_in_file(path: Path, what: str) -> Any:
    """What a file of YAML says; ``what`` it is (``config file``) begins the message.

    Raises:
        UserError: it cannot be read, or is not YAML.
    """
    try:
        return values_in(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{what} '{path}' cannot be read ({error.strerror}): check its permissions.") from None
    except ValueError as error:
        raise UserError(f"{what} '{path}' is not YAML ({error}): repair it.") from None
