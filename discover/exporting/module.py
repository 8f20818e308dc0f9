"""The text of an exported file."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from discover.components.component import Component, fields
from discover.components.effective import effective
from discover.components.paths import nodes
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Continuous, Discrete, MultiDiscrete, Spec
from discover.contract.network import Inputs
from discover.exporting.collection import Collection
from discover.exporting.composition import Composition
from discover.exporting.refusals import check_uses
from discover.exporting.source import described
from discover.exporting.stand_ins.world import Trajectory, World

TEXTS = Path(__file__).with_name("texts")


class Module(NamedTuple):
    """An exported file.

    Attributes:
        text: the source.
        arrays: the arrays that it loads, by path.
    """

    text: str
    arrays: Mapping[str, np.ndarray]


def module_of(algorithm: Algorithm, name: str, fingerprint: str) -> Module:
    """The exported file of a candidate that `check_exportable` accepts.

    Args:
        algorithm: the candidate.
        name: of the candidate.
        fingerprint: of the candidate.

    Raises:
        UserError: the source of a component needs more than an exported file may import.
    """
    algorithm = plain(effective(algorithm))
    collection = Collection(_sections(algorithm))
    check_uses(collection.definitions)
    composition = Composition(algorithm, collection.attributes, collection.definitions)
    parts = {"NETWORK": algorithm.network, "RULE": algorithm.rule}
    whole = [f"{key} = {composition.expression(part, key.lower())}" for key, part in parts.items()]
    lines = [_head(name, algorithm, fingerprint), *_import_lines(collection.imports, bool(composition.arrays)), "", ""]
    lines += [*_ruled("The numbers of the rule and its network"), "", *_constant_lines(composition)]
    for title, names in collection.sections.items():
        if names:
            lines += ["", "", *_ruled(title), *_spaced([collection.definitions[key] for key in names])]
    lines += ["", "", *_ruled("The whole, and three functions to call"), "", *whole, "", ""]
    return Module("\n".join(lines) + "\n" + (TEXTS / "calls.txt").read_text(encoding="utf-8"), composition.arrays)


def plain(component: Any) -> Any:
    """The component as its source is exported: each part as its `Component.standalone` says."""
    inner = component.standalone()
    while inner is not component:
        component, inner = inner, inner.standalone()
    below = [field.name for field in fields(type(component)) if field.role == "subtree"]
    return dataclasses.replace(component, **{name: _plain_value(getattr(component, name)) for name in below})


def _plain_value(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain_value, value))
    return plain(value) if isinstance(value, Component) else value


def _sections(algorithm: Algorithm) -> dict[str, list[Any]]:
    """Everything to collect, by the title of its section: what a part needs comes before it."""
    sections: dict[str, list[Any]] = {
        "Spaces, experience, policies": [Spec, Discrete, MultiDiscrete, Continuous, Trajectory, Inputs, World],
    }
    for root in (algorithm.network, algorithm.rule):
        for _, part in reversed(list(nodes(root))):
            sections.setdefault(f"The {part.kind} {type(part).__name__}", []).append(type(part))
    return sections


def _head(name: str, algorithm: Algorithm, fingerprint: str) -> str:
    """The docstring of the file."""
    cls = type(algorithm.rule)
    subject = described(inspect.getdoc(cls) or cls.__name__).splitlines()[0]
    text = (TEXTS / "head.txt").read_text(encoding="utf-8")
    called = name if ":" in name else Path(name).name
    facts = {"NAME": called, "FINGERPRINT": fingerprint, "VERSION": version("discover-rl"), "SUBJECT": subject}
    for key, value in facts.items():
        text = text.replace(f"@{key}@", value.replace("\\", "/").replace('"', "'"))
    return text


def _import_lines(imports: set[str], arrays: bool) -> list[str]:
    """The import statements: the future, the standard library, others."""
    own = {"import jax", "import jax.numpy as jnp", "import numpy as np", *imports}
    own |= {"from pathlib import Path"} if arrays else set()
    from_same: dict[str, list[str]] = {}
    for line in sorted(own):
        if line.startswith("from "):
            _, module, _, name = line.split(maxsplit=3)
            from_same.setdefault(module, []).append(name)
    own = {line for line in own if not line.startswith("from ")}
    own |= {f"from {module} import {', '.join(names)}" for module, names in from_same.items()}
    future = [line for line in own if "__future__" in line]
    others = {line for line in own if line.split()[1].split(".")[0] in ("jax", "numpy", "optax")}
    standard = own - others - set(future)
    groups = [future, sorted(standard, key=_by_kind), sorted(others, key=_by_kind)]
    return "\n\n".join("\n".join(group) for group in groups if group).splitlines()


def _by_kind(line: str) -> tuple[bool, str]:
    return line.startswith("from"), line


def _constant_lines(composition: Composition) -> list[str]:
    lines = []
    for name, value in composition.constants.items():
        line = f"{name} = {value}  # {composition.notes[name]}"
        lines += [line] if len(line) <= 128 else [f"# {composition.notes[name]}", f"{name} = {value}"]
    if composition.arrays:
        lines += ["", 'with np.load(Path(__file__).with_name("arrays.npz")) as _file:', "    ARRAYS = dict(_file)"]
    return lines


def _spaced(definitions: list[str]) -> list[str]:
    """Definitions with two empty lines around functions and classes."""
    lines: list[str] = []
    for text in definitions:
        short = "\n" not in text
        lines += [""] if short and lines and "\n" not in lines[-1] else ["", ""]
        lines.append(text)
    return lines


def _ruled(title: str) -> list[str]:
    return [f"# {title} ".ljust(120, "-")]
