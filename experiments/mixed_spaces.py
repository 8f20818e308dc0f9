"""Which strategy finds the best structure, and its numbers too?

    pip install optuna                                       # for its row alone; no dependency of the project
    python experiments/mixed_spaces.py                       # the tables of strategies.md, "Structures and numbers"
    python experiments/mixed_spaces.py --only niches SNES    # these rows alone

Two toys, whose spaces have choices between components: 64 members x 20 generations, noise 0.2 on every evaluation, 20 seeds. At the
end the 8 best seen and the strategy's own favorite are evaluated once more, with noise 0.1; the best of those is the champion.
"""

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Any, ClassVar, Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import Component, Integer, Scalar, Space, Strategy, choice, component, free, integer, named_keys, plugins, real

POPULATION, GENERATIONS, SEEDS = 64, 20, 20
NOISE, AGAIN, BEST_SEEN = 0.2, 0.1, 8

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


WORTH_OF_HEAD, WORTH_OF_TAIL = np.float32([0.6, 0.3, 0.0, 1.0]), np.float32([0.6, 1.0, 0.0, 0.3])
"""Of a lever, a valve, a stack of a lever, and a stack of a valve."""

WORTH_OF_MODE = np.float32([0.0, 0.3, 0.2])


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
    return Landscape(*map(np.float32, (single, pair, draw.uniform(-0.9, 0.9, (4, 4)), draw.uniform(-1.7, 1.7, (4, 4)))))


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


# Searches -------------------------------------------------------------------------------------------------------------


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


class Champion(NamedTuple):
    """What a search found.

    Attributes:
        hit: whether its structure is the best.
        regret: how far its value is below the best.
        alive: the number of structures in the last generation.
    """

    hit: Any
    regret: Any
    alive: Any


def toys(seed: int = 7) -> dict[str, Toy]:
    land = landscape(seed)
    every = np.stack(np.meshgrid(*[np.arange(4)] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    return {
        "toy 1": Toy(Space(machines()), value_of_machine, 2.3),
        "toy 2": Toy(Space(places()), lambda values: value_of_places(land, values), float(worth_of_places(land, every).max())),
    }


def search(strategy: Strategy, toy: Toy, first: int = 0, count: int = SEEDS) -> Champion:
    """What searches with the seeds from ``first`` on find."""
    space = toy.space

    def one(key: jax.Array) -> Champion:
        def generation(state: Any, key: jax.Array) -> Any:
            key_ask, key_noise, key_tell = named_keys(key, "ask", "noise", "tell")
            proposal, state = strategy.ask(key_ask, state, space, POPULATION)
            _, value = jax.vmap(toy.rate)(proposal.genomes)
            seen = value + NOISE * jax.random.normal(key_noise, value.shape)
            return strategy.tell(key_tell, state, space, proposal.genomes, fitness=seen), (proposal.genomes, seen)

        key_init, key_generations, key_again = named_keys(key, "init", "generations", "again")
        begun = strategy.init(key_init, space, POPULATION)
        state, (genomes, seen) = jax.lax.scan(generation, begun, jax.random.split(key_generations, GENERATIONS))
        best = genomes.reshape(-1, space.dimension)[jnp.argsort(-seen.ravel(), stable=True)[:BEST_SEEN]]
        favorite = strategy.recommendation(state, space)
        best = best if favorite is None else jnp.concatenate([best, favorite[None]])
        worth, value = jax.vmap(toy.rate)(best)
        champion = jnp.argmax(value + AGAIN * jax.random.normal(key_again, value.shape))
        structures = jax.vmap(space.active_options)(genomes[-1])
        alike = jnp.all(structures[:, None] == structures[None], axis=-1)
        alive = jnp.sum(jnp.argmax(alike, axis=1) == jnp.arange(POPULATION))
        return Champion(worth[champion] > toy.best - 1e-4, toy.best - value[champion], alive)

    keys = jax.vmap(jax.random.key)(jnp.arange(first, first + count))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(keys))
