"""How near does each strategy come to a known optimum?

    pip install cma optuna                                   # the two libraries beside ours; no dependencies of the project
    python experiments/strategies.py                         # the tables of strategies.md
    python experiments/strategies.py --learned               # the second table
    python experiments/strategies.py --only SNES genetic     # these rows alone
    python experiments/mixed_spaces.py                       # the third: two toys with choices between components

Four toys of six open values each, 16 members x 30 generations, and a fifth with 1,152 weights beside them; 12 seeds at once.
The optimum of a seed is the same for all.
"""

import argparse
import importlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import (
    Component,
    Integer,
    Scalar,
    Space,
    Strategy,
    Told,
    Weights,
    component,
    free,
    integer,
    named_keys,
    option_index,
    plugins,
    real,
    weights,
)

SEEDS, NOISE = 12, 0.2
START = 0.3
LEFT_OUT = ("gradient", "racing")
"""Strategies whose agents live on, since nothing lives here, and those that need another one inside."""

TOYS = ("sphere", "bounds", "ellipsoid", "mixed", "learned")
OPTIONS, DRIFT = 3, 1152
MANY = (
    "CR_FM_NES",
    "DES",
    "LES",
    "Open_ES",
    "PGPE",
    "SNES",
    "Sep_CMA_ES",
    "SimpleES",
    "genetic",
    "random_search",
)  # of the fifth toy
UNIT = np.float32(np.sqrt(0.1 / DRIFT))

MEASURES: dict[str, Callable[[Any, Any], Any]] = {  # of (math or jax.numpy, value)
    "linear": lambda maths, value: value,
    "log": lambda maths, value: maths.log(value),
    "log1m": lambda maths, value: -maths.log1p(-value),
}


class Range(NamedTuple):
    """A number's range and scale. In units of its domain, ``low`` is 0 and ``high`` is 1.

    Attributes:
        low: the smallest value.
        high: the largest.
        scale: along which it is measured.
    """

    low: float
    high: float
    scale: str = "linear"

    def place(self, value: Any) -> Any:
        """Where a value is, in units of the domain."""
        low, high = self._ends()
        return (MEASURES[self.scale](jnp, value) - low) / (high - low)

    def field(self) -> Any:
        """A real field, which begins at three tenths of the way."""
        low, high = self._ends()
        start = low + START * (high - low)
        value = {"linear": start, "log": math.exp(start), "log1m": -math.expm1(-start)}[self.scale]
        return real(value, low=self.low, high=self.high, scale=self.scale)  # type: ignore[arg-type]

    def _ends(self) -> tuple[float, float]:
        return MEASURES[self.scale](math, self.low), MEASURES[self.scale](math, self.high)


REALS = {
    "position": Range(-1.0, 1.0),
    "share": Range(0.0, 1.0),
    "rate": Range(1e-5, 0.1, "log"),
    "gain": Range(0.01, 100.0, "log"),
    "discount": Range(0.8, 0.9999, "log1m"),
    "decay": Range(0.0, 0.999, "log1m"),
}
FEW = ("position", "rate", "discount")
STEPS, LAYERS = Range(1, 64), Range(1, 5)
HALF = np.sqrt(np.float32(0.5))


@component
class Numbers(Component):
    """Six real numbers: two linear, two logarithmic, two that are near 1."""

    position: Scalar = REALS["position"].field()
    share: Scalar = REALS["share"].field()
    rate: Scalar = REALS["rate"].field()
    gain: Scalar = REALS["gain"].field()
    discount: Scalar = REALS["discount"].field()
    decay: Scalar = REALS["decay"].field()


@component
class Mixed(Component):
    """Three real numbers, two whole ones and a category."""

    position: Scalar = REALS["position"].field()
    rate: Scalar = REALS["rate"].field()
    discount: Scalar = REALS["discount"].field()
    steps: Integer = integer(20, low=1, high=64)
    layers: Integer = integer(2, low=1, high=5)
    option: Integer = option_index(count=lambda self: OPTIONS)


@component
class Learned(Component):
    """The mixed toy beside 1,152 weights that start silent, as many as the rule of ``drift.yaml`` learns."""

    mixed: Mixed
    drift: Weights = weights(
        init=lambda self, key: 0.1 * jax.random.normal(key, (DRIFT,)), start=lambda self, key: jnp.zeros(DRIFT), std=0.1
    )


class Problem(NamedTuple):
    """Where the optimum of one seed is, and how distance is measured.

    Attributes:
        target: ``[N]`` its place.
        axes: ``[N, N]`` by which a difference is multiplied before it is squared.
        noise: standard deviation of what is added to each evaluation.
    """

    target: Any
    axes: Any
    noise: Any

    def distance(self, place: Any) -> Any:
        """Squared distance to the optimum, in units of the domains."""
        return ((self.axes @ (place - self.target)) ** 2).sum()


def place_of_numbers(numbers: Any) -> jax.Array:
    return jnp.stack([spread.place(getattr(numbers, name)) for name, spread in REALS.items()])


def place_of_mixed(mixed: Any) -> jax.Array:
    """As for numbers; two categories are a distance of 1 apart."""
    reals = [REALS[name].place(getattr(mixed, name)) for name in FEW]
    wholes = [STEPS.place(mixed.steps), LAYERS.place(mixed.layers)]
    return jnp.concatenate([jnp.stack([*reals, *wholes]), jax.nn.one_hot(mixed.option, OPTIONS) * HALF])


def place_of_learned(learned: Any) -> jax.Array:
    """All weights together add 0.1 to the squared distance where a search begins."""
    return jnp.concatenate([place_of_mixed(learned.mixed), UNIT * learned.drift / 0.1])


class Toy(NamedTuple):
    """A problem for each seed, and how long it is searched.

    Attributes:
        space: of the candidates.
        place: where a candidate is.
        problems: each leaf with a leading axis.
        population: of a generation.
        generations: of a search.
    """

    space: Space
    place: Callable[[Any], jax.Array]
    problems: Problem
    population: int = 16
    generations: int = 30


NUMBERS = Space(Numbers(**{name: free() for name in REALS}))
OPEN = Mixed(steps=free(), layers=free(), option=free(), **{name: free() for name in FEW})
MIXED = Space(OPEN)
LEARNED = Space(Learned(mixed=OPEN, drift=free()))


def toy(name: str, noise: float, first: int = 0) -> Toy:
    """One of the toys, with an optimum drawn for each seed."""
    random = np.random.default_rng((TOYS.index(name), first))
    target, axes = random.uniform(0.1, 0.9, (SEEDS, 6)), np.tile(np.eye(6), (SEEDS, 1, 1))
    if name == "bounds":
        for row in target:
            row[random.permutation(6)[:3]] = random.integers(0, 2, 3)
    if name == "ellipsoid":
        for matrix in axes:
            rotation, _ = np.linalg.qr(random.normal(size=(6, 6)))
            matrix[:] = np.sqrt(1000.0 ** np.linspace(0.0, 1.0, 6))[:, None] * rotation
    if name in ("mixed", "learned"):
        wholes = random.integers(0, 64, SEEDS) / 63, random.integers(0, 5, SEEDS) / 4
        options = HALF * np.eye(OPTIONS)[random.integers(0, OPTIONS, SEEDS)]
        target = np.concatenate([target[:, :3], np.stack(wholes, 1), options], axis=1)
        if name == "learned":
            target = np.concatenate([target, UNIT * random.normal(size=(SEEDS, DRIFT))], axis=1)
        axes = np.tile(np.eye(target.shape[1]), (SEEDS, 1, 1))
    problems = Problem(np.float32(target), np.float32(axes), np.full(SEEDS, noise, np.float32))
    if name == "learned":
        return Toy(LEARNED, place_of_learned, problems, population=32, generations=8)
    return Toy(MIXED, place_of_mixed, problems) if name == "mixed" else Toy(NUMBERS, place_of_numbers, problems)


class Found(NamedTuple):
    """What a search found, by its true distance.

    Attributes:
        best: of all that was evaluated.
        answer: of what the strategy would bet on: its recommendation, or what looked best where it has none.
    """

    best: Any
    answer: Any


# Strategies of the project --------------------------------------------------------------------------------------------


def program(strategy: Strategy, toy: Toy) -> Any:
    """A search for every seed at once: keys and problems, each with a leading axis, to what they found."""

    space, population = toy.space, toy.population

    def searched(key: jax.Array, problem: Problem) -> Found:
        def distance(genome: jax.Array) -> jax.Array:
            return problem.distance(toy.place(space.decode(genome, ())))

        def generation(carry: Any, key: jax.Array) -> Any:
            state, best, seemed, answer = carry
            key_ask, key_noise, key_tell = named_keys(key, "ask", "noise", "tell")
            proposal, state = strategy.ask(key_ask, state, space, population)
            true = jax.vmap(distance)(proposal.genomes)
            fitness = problem.noise * jax.random.normal(key_noise, true.shape) - true
            state = strategy.tell(key_tell, state, space, Told.of(proposal.genomes, fitness))
            fittest, better = jnp.argmax(fitness), fitness.max() > seemed
            answer = jnp.where(better, true[fittest], answer)
            return (state, jnp.minimum(best, true.min()), jnp.maximum(seemed, fitness.max()), answer), None

        begun = strategy.init(named_keys(key, "init")[0], space, population)
        keys = jax.random.split(named_keys(key, "generations")[0], toy.generations)
        (state, best, _, answer), _ = jax.lax.scan(generation, (begun, jnp.inf, -jnp.inf, jnp.inf), keys)
        recommendation = strategy.recommendation(state, space)
        return Found(best, answer if recommendation is None else distance(recommendation))

    return jax.jit(jax.vmap(searched))


class Searches:
    """Searches by one strategy, whose programs are compiled once for all toys of a space."""

    def __init__(self, strategy: Strategy):
        self.strategy = strategy
        self.programs: dict[Space, Any] = {}

    def __call__(self, toy: Toy, first: int = 0) -> Found:
        run = self.programs.setdefault(toy.space, program(self.strategy, toy))
        keys = jax.vmap(jax.random.key)(jnp.arange(first, first + SEEDS))
        return jax.tree.map(np.asarray, run(keys, toy.problems))


# Libraries beside them ------------------------------------------------------------------------------------------------


def in_cube(unit: np.ndarray, mixed: bool) -> np.ndarray:
    """The place of a point of the unit cube: whole numbers from equal parts, the category from the largest of its three."""
    if not mixed:
        return unit
    wholes = [min(int(count * part), count - 1) / (count - 1) for part, count in zip(unit[3:5], (64, 5), strict=True)]
    return np.concatenate([unit[:3], wholes, HALF * np.eye(OPTIONS)[int(np.argmax(unit[5:]))]])


def pycma(toy: Toy, first: int = 0) -> Found:
    """CMA-ES of the package ``cma`` in the unit cube, bounded, from the same start with a deviation of a quarter."""
    cma = importlib.import_module("cma")  # optional, so that types cannot be checked
    found, mixed = [], toy.space is MIXED
    for index, problem in enumerate(each(toy.problems)):
        noise = np.random.default_rng(first + index)
        options = {"popsize": toy.population, "bounds": [0, 1], "seed": first + index + 1, "verbose": -9}
        strategy = cma.CMAEvolutionStrategy(np.full(len(problem.target), START), 0.25, options)
        best = np.inf
        for _ in range(toy.generations):
            asked = strategy.ask()
            true = [problem.distance(in_cube(np.asarray(point), mixed)) for point in asked]
            best = min(best, *true)
            strategy.tell(asked, [value + problem.noise * noise.normal() for value in true])
        found.append((best, problem.distance(in_cube(np.asarray(strategy.result.xfavorite), mixed))))
    return Found(*np.asarray(found).T)


def tpe(toy: Toy, first: int = 0) -> Found:
    """The tree-structured Parzen estimator of ``optuna``, which begins at the same start."""
    optuna = importlib.import_module("optuna")  # optional, like cma
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found, mixed = [], toy.space is MIXED

    def suggested(trial: Any) -> np.ndarray:
        reals = [trial.suggest_float(f"x{i}", 0.0, 1.0) for i in range(3 if mixed else 6)]
        if not mixed:
            return np.asarray(reals)
        wholes = [trial.suggest_int("steps", 0, 63) / 63, trial.suggest_int("layers", 0, 4) / 4]
        option = trial.suggest_categorical("option", list(range(OPTIONS)))
        return np.concatenate([reals, wholes, HALF * np.eye(OPTIONS)[option]])

    for index, problem in enumerate(each(toy.problems)):
        noise, true = np.random.default_rng(first + index), []

        def objective(trial: Any, problem: Any = problem, noise: Any = noise, true: list[float] = true) -> float:
            true.append(float(problem.distance(suggested(trial))))
            return true[-1] + float(problem.noise * noise.normal())

        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=first + index))
        start = {"steps": 19, "layers": 1, "option": 0} if mixed else {f"x{i}": START for i in range(3, 6)}
        study.enqueue_trial({"x0": START, "x1": START, "x2": START, **start})
        study.optimize(objective, n_trials=toy.population * toy.generations)
        found.append((min(true), true[study.best_trial.number]))
    return Found(*np.asarray(found).T)


def each(problems: Problem) -> list[Problem]:
    """The problem of every seed."""
    return [Problem(*parts) for parts in zip(*problems, strict=True)]


# The tables -----------------------------------------------------------------------------------------------------------


def rows() -> dict[str, Callable[[], Any]]:
    """What can search, by the name that its row has."""
    entries = plugins().registry.entries("strategy")
    strategies: dict[str, Any] = {entry.name: entry.component for entry in entries if entry.name not in LEFT_OUT}
    ours = {name: lambda made=made: Searches(made()) for name, made in strategies.items()}
    return {**ours, "pycma": lambda: pycma, "Optuna TPE": lambda: tpe}


def cell(values: np.ndarray) -> str:
    """A median, and its quartiles in brackets."""
    low, middle, high = (f"{number:.2g}" for number in np.quantile(values, (0.25, 0.5, 0.75)))
    return f"{middle} [{low}, {high}]"


def table(names: list[str], columns: list[tuple[str, float]], first: int) -> None:
    """Print a table: a row for each name, a column for each toy and its noise."""
    print("| strategy | " + " | ".join(f"{toy}, noise" if noise else toy for toy, noise in columns) + " |")
    print("|" + " --- |" * (1 + len(columns)), flush=True)
    for name in names:
        run, cells = rows()[name](), []
        for called, noise in columns:
            found = run(toy(called, noise, first), first)
            cells.append(cell(found.answer if noise else found.best))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(rows()), metavar="NAME", help="these rows alone")
    parser.add_argument("--first", type=int, default=0, help="the first seed, by which the optima are drawn too")
    parser.add_argument("--learned", action="store_true", help="the table of the fifth toy instead, with noise")
    wanted = parser.parse_args()
    jax.config.update("jax_disable_most_optimizations", True)  # these programs take longer to compile than to run
    if wanted.learned:
        table(wanted.only or list(MANY), [("learned", NOISE)], wanted.first)
    else:
        columns = [(name, noise) for noise in (0.0, NOISE) for name in TOYS[:4]]
        table(wanted.only or list(rows()), columns, wanted.first)


if __name__ == "__main__":
    main()
