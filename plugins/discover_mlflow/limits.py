"""The limits of MLflow: names, lengths and counts of params, tags and metrics."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from discover_mlflow.names import distinct

LONGEST_PARAM, LONGEST_TAG = 500, 5000
"""Most characters of a value; older servers take no more."""

_LONGEST_NAME = 230  # characters; a key is a group, a name and perhaps a number, of 250 in all
_MOST_PARAMS = 100


def texts(values: Mapping[str, Any], longest: int) -> dict[str, str]:
    """Values as params or tags, each cut to ``longest`` characters; empty ones are left out."""
    shown = {key: cut(str(value), longest) for key, value in values.items() if str(value)}
    return dict(zip(distinct(map(clean, shown)), shown.values(), strict=True))


def cut(text: str, longest: int) -> str:
    """A text of at most ``longest`` characters.

    >>> cut("a long text", 8)
    'a lon...'
    """
    return text if len(text) <= longest else text[: longest - 3] + "..."


def keys(group: str, labels: Iterable[str]) -> list[str]:
    """A key for each label, with the characters that MLflow allows.

    >>> keys("return", ["CartPole-v1 @ 10,000", "a/b @ 500"])
    ['return/CartPole-v1 10000', 'return/a_b 500']
    """
    return distinct(f"{group}/{clean(label).replace('/', '_')}" for label in labels)


def clean(text: str) -> str:
    """A text with the characters that MLflow allows in keys.

    >>> clean("drift: a & b")
    'drift_ a _ b'
    """
    return re.sub(r"[^\w./ -]+", "_", text.replace(" @ ", " ").replace(",", ""))[:_LONGEST_NAME]


def finite(metrics: Mapping[str, Any], most: int | None = None) -> dict[str, float]:
    """The first ``most`` metrics, of those the finite ones (MLflow's charts cannot show others).

    >>> finite({"a": 1, "b": float("nan"), "c": 2}, most=2)
    {'a': 1.0}
    """
    return {key: float(value) for key, value in itertools.islice(metrics.items(), most) if math.isfinite(value)}


def flattened(config: Mapping[str, Any]) -> dict[str, Any]:
    """Nested mappings as dotted keys, as deep as a hundred keys allow; a deeper mapping is one value.

    >>> flattened({"strategy": {"snes": {"rate": 0.1}}})
    {'strategy.snes.rate': 0.1}
    """
    flat = dict(plain(config))
    while True:
        deeper: dict[str, Any] = {}
        for key, value in flat.items():
            inner = value if isinstance(value, dict) and value else None
            deeper |= {key: value} if inner is None else {f"{key}.{name}": v for name, v in inner.items()}
        if len(deeper) > _MOST_PARAMS or deeper == flat:
            return flat
        flat = deeper


def plain(value: object) -> Any:
    """A value as YAML and JSON can hold it.

    >>> plain({"a": np.float32(0.5), "b": (1, None)})
    {'a': 0.5, 'b': [1, None]}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return value if isinstance(value, str | bool | int | float | None) else str(value)


def number(value: float) -> float | None:
    """A number as JSON can hold it: None for NaN and infinity."""
    return float(value) if math.isfinite(value) else None
