"""Which strategy finds the best structure, and its numbers too?

    pip install optuna                                       # for its row alone; no dependency of the project
    python experiments/mixed_spaces.py                       # the tables of strategies.md, "Structures and numbers"
    python experiments/mixed_spaces.py --only niches SNES    # these rows alone

Two toys, whose spaces have choices between components: 64 members x 20 generations, noise 0.2 on every evaluation, 20 seeds. At
the end the 8 best seen and the strategy's own favorite are evaluated once more, with noise 0.1; the best is the champion.
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
SAME, HAIR = 1e-4, 0.02
"""Gaps in worth below which a structure is the best, and as good for such noise: the second of toy 2 is 0.013 below."""

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
        gap: how much less its structure is worth than the best.
        regret: how far its value is below the best.
        alive: the number of structures in the last generation.
    """

    gap: Any
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
        return Champion(toy.best - worth[champion], toy.best - value[champion], alive)

    keys = jax.vmap(jax.random.key)(jnp.arange(first, first + count))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(keys))


# Optuna beside them ---------------------------------------------------------------------------------------------------


def suggested(trial: Any, space: Space) -> np.ndarray:
    """The genome that a trial of Optuna suggests, asked for what its choices leave active alone."""
    genome, options = np.zeros(space.dimension, np.float32), {}
    for index, gene in enumerate(space.genes):
        if any(options.get(choice) != option for choice, option in gene.above):
            continue
        if gene.decides:
            options[index] = trial.suggest_categorical(gene.path, list(range(gene.size)))
            genome[gene.start + options[index]] = 1.0
        else:
            domain: Any = gene.domain  # a real or a whole number
            part = trial.suggest_float(gene.path, 0.0, 1.0)
            genome[gene.start] = np.asarray(domain.encode(domain.value_at(part)))[0]
    return genome


def tpe(toy: Toy, first: int = 0, count: int = SEEDS) -> Champion:
    """The tree-structured Parzen estimator of Optuna with as many evaluations, one after the other; it begins at the start."""
    try:
        optuna = importlib.import_module("optuna")  # optional, so that types cannot be checked
    except ImportError:
        raise SystemExit("the row 'Optuna TPE' needs Optuna: pip install optuna, or name other rows with --only.") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rate = jax.jit(toy.rate)
    return Champion(*np.asarray([_tpe_once(optuna, toy, rate, seed) for seed in range(first, first + count)]).T)


def _tpe_once(optuna: Any, toy: Toy, rate: Any, seed: int) -> tuple[float, float, float]:
    noise, genomes = np.random.default_rng(seed), []

    def objective(trial: Any) -> float:
        genomes.append(suggested(trial, toy.space))
        return float(rate(genomes[-1])[1]) + NOISE * noise.normal()

    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
    study.enqueue_trial(_start_of(toy.space))
    study.optimize(objective, n_trials=POPULATION * GENERATIONS)
    best = sorted(study.trials, key=lambda trial: -trial.value)[:BEST_SEEN]
    rated = [rate(genomes[trial.number]) for trial in best]
    worth, value = rated[int(np.argmax([float(value) + AGAIN * noise.normal() for _, value in rated]))]
    alive = len({toy.space.structure(genome) for genome in genomes[-POPULATION:]})
    return toy.best - float(worth), toy.best - float(value), alive


def _start_of(space: Space) -> dict[str, Any]:
    """The values of Optuna's first trial: the first option of every choice, and the defaults of what is active below it."""
    options = {index: 0 for index, gene in enumerate(space.genes) if gene.decides}
    active = [gene for gene in space.genes if all(options[choice] == option for choice, option in gene.above)]
    return {gene.path: 0 if gene.decides else _position_of_start(gene) for gene in active}


def _position_of_start(gene: Any) -> float:
    return gene.domain.position(np.asarray(gene.domain.decode(jnp.asarray(gene.center))).item())


# The table ------------------------------------------------------------------------------------------------------------

LEFT_OUT = ("pbt",)
"""Strategies whose agents live on: nothing lives here."""


def rows() -> dict[str, Callable[..., Champion]]:
    """What can search, by the name that its row has."""
    every = {entry.name: entry.component for entry in plugins().registry.entries("strategy") if entry.name not in LEFT_OUT}

    def ours(made: Any) -> Callable[..., Champion]:
        return lambda toy, **seeds: search(_suiting(made(), toy), toy, **seeds)

    return {**{name: ours(made) for name, made in every.items()}, "Optuna TPE": tpe}


def _suiting(strategy: Strategy, toy: Toy) -> Strategy:
    problem = strategy.check_population(toy.space, POPULATION)
    if problem:
        raise SystemExit(f"population {POPULATION} does not suit {type(strategy).__name__}: {problem}")
    return strategy


def cell_of(champion: Champion) -> str:
    """How often the structure was the best, and near it; the median regret and the structures alive."""
    counts = (int(np.sum(champion.gap < limit)) for limit in (SAME, HAIR))
    return " | ".join([*map(str, counts), f"{np.median(champion.regret):.2f}", f"{np.median(champion.alive):.0f}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(rows()), metavar="NAME", help="these rows alone")
    parser.add_argument("--first", type=int, default=0, help="the first of the seeds")
    wanted, begun = parser.parse_args(), time.process_time()
    jax.config.update("jax_disable_most_optimizations", True)  # these programs take longer to compile than to run
    print("| strategy | " + " | ".join(f"{toy}: best of {SEEDS} | near | regret | alive" for toy in toys()) + " |")
    print("|" + " --- |" * (1 + 4 * len(toys())), flush=True)
    for name in wanted.only or rows():
        found = [rows()[name](toy, first=wanted.first) for toy in toys().values()]
        cells = [cell_of(champion) for champion in found]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print(f"\n{(time.process_time() - begun) / 60:.1f} minutes of processor time")


if __name__ == "__main__":
    main()
