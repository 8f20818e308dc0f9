"""Two toys whose spaces have choices between components; `mixed_spaces.py` searches them."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import Component, Integer, Scalar, Space, choice, component, free, integer, real

# Toy 1: the best structure hides behind bad defaults --------------------------------------------------------------------


class Part(Component):
    """Of a machine."""

    kind: ClassVar[str] = "part"


@component
class Lever(Part):
    slope: Scalar = real(0.5, low=-1.0, high=1.0)


@component
class Valve(Part):
    gain: Scalar = real(1.0, low=0.01, high=100.0, scale="log")


@component
class Stack(Part):
    part: Part
    depth: Integer = integer(1, low=1, high=9)


@component
class Machine(Component):
    """Two parts and a mode: 48 structures."""

    head: Part
    tail: Part
    mode: Literal["slow", "fast", "late"] = "slow"


WORTH_OF_HEAD = np.asarray([0.6, 0.3, 0.0, 1.0], np.float32)
WORTH_OF_TAIL = np.asarray([0.6, 1.0, 0.0, 0.3], np.float32)
"""Of a lever, a valve, a stack of a lever, and a stack of a valve."""

WORTH_OF_MODE = np.asarray([0.0, 0.3, 0.2], np.float32)


def machines() -> Component:
    def part() -> Any:
        inner = choice(Lever(slope=free()), Valve(gain=free()))
        return choice(Lever(slope=free()), Valve(gain=free()), Stack(depth=free(), part=inner))

    return Machine(head=part(), tail=part(), mode=choice("slow", "fast", "late"))


def lever_misfit(slope: Any) -> Any:
    return abs(slope - 0.6)


def valve_misfit(gain: Any) -> Any:
    return abs(jnp.log10(gain / 20.0)) / 4.0


def place(values: dict[str, Any], name: str) -> tuple[Any, Any]:
    """Which form a part has, of four, and its misfit."""
    inner = values[f"{name}.2.part"]
    stacked = jnp.stack([lever_misfit(values[f"{name}.2.part.0.slope"]), valve_misfit(values[f"{name}.2.part.1.gain"])])[inner]
    stack = abs(values[f"{name}.2.depth"] - 7) / 8.0 + stacked
    taken = values[name]
    misfits = jnp.stack([lever_misfit(values[f"{name}.0.slope"]), valve_misfit(values[f"{name}.1.gain"]), stack])
    return jnp.where(taken == 2, 2 + inner, taken), misfits[taken]


def value_of_machine(values: dict[str, Any]) -> tuple[Any, Any]:
    """What a machine's structure is worth, and its value."""
    (head, of_head), (tail, of_tail) = place(values, "head"), place(values, "tail")
    worth = jnp.asarray(WORTH_OF_HEAD)[head] + jnp.asarray(WORTH_OF_TAIL)[tail] + jnp.asarray(WORTH_OF_MODE)[values["mode"]]
    return worth, worth - 5.0 * (of_head + of_tail)


# Toy 2: options interact in pairs -------------------------------------------------------------------------------------


@component
class Option(Part):
    a: Scalar = real(0.0, low=-1.0, high=1.0)
    b: Scalar = real(1.0, low=0.01, high=100.0, scale="log")


@component
class Places(Component):
    """Four places with one of four options each: 256 structures."""

    first: Part
    second: Part
    third: Part
    fourth: Part


class Landscape(NamedTuple):
    """What options are worth, alone and in pairs, and where their numbers are best."""

    single: np.ndarray
    pair: np.ndarray
    a: np.ndarray
    b: np.ndarray


PLACES = ("first", "second", "third", "fourth")


def landscape(seed: int = 7) -> Landscape:
    draw = np.random.default_rng(seed)
    single, pair = draw.uniform(0, 0.5, (4, 4)), draw.normal(0, 0.35, (4, 4, 4, 4))
    a, b = draw.uniform(-0.9, 0.9, (4, 4)), draw.uniform(-1.7, 1.7, (4, 4))
    return Landscape(*(array.astype(np.float32) for array in (single, pair, a, b)))


def places() -> Component:
    return Places(**{name: choice(*(Option(a=free(), b=free()) for _ in range(4))) for name in PLACES})


def worth_of_places(land: Landscape, options: Any) -> Any:
    """What a structure is worth, from the options at the four places, ``[..., 4]``."""
    worth = sum(jnp.asarray(land.single)[p, options[..., p]] for p in range(4))
    for p in range(4):
        for q in range(p + 1, 4):
            worth = worth + jnp.asarray(land.pair)[p, options[..., p], q, options[..., q]]
    return worth


def value_of_places(land: Landscape, values: dict[str, Any]) -> tuple[Any, Any]:
    """What a structure is worth, and its value."""
    options = jnp.stack([values[name] for name in PLACES])
    worth, misfit = worth_of_places(land, options), jnp.float32(0.0)
    for p, name in enumerate(PLACES):
        a = jnp.stack([values[f"{name}.{i}.a"] for i in range(4)])[options[p]]
        b = jnp.stack([values[f"{name}.{i}.b"] for i in range(4)])[options[p]]
        misfit += abs(a - jnp.asarray(land.a)[p, options[p]]) / 2.0
        misfit += abs(jnp.log10(b) - jnp.asarray(land.b)[p, options[p]]) / 4.0
    return worth, worth - 2.0 * misfit


# Both -----------------------------------------------------------------------------------------------------------------


class Toy(NamedTuple):
    """A space and what its candidates are worth.

    Attributes:
        space: of the candidates.
        rated: what the structure is worth and the value, from the values of all genes by path.
        best: the highest value.
    """

    space: Space
    rated: Callable[[dict[str, Any]], tuple[Any, Any]]
    best: float

    def rate(self, genome: jax.Array) -> tuple[Any, Any]:
        """What the structure of a genome ``[D]`` is worth, and its value; the genome may be traced."""
        return self.rated({g.path: g.domain.decode(genome[g.start : g.start + g.size]) for g in self.space.genes})


def toys(seed: int = 7) -> dict[str, Toy]:
    land = landscape(seed)
    every = np.stack(np.meshgrid(*[np.arange(4)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    return {
        "toy 1": Toy(Space(machines()), value_of_machine, 2.3),
        "toy 2": Toy(Space(places()), lambda values: value_of_places(land, values), float(worth_of_places(land, every).max())),
    }
