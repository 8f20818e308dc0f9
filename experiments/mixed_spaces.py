"""Which strategy finds the best structure, and its numbers too?

    pip install optuna                                       # for its row alone; no dependency of the project
    python experiments/mixed_spaces.py                       # the tables of strategies.md, "Structures and numbers"
    python experiments/mixed_spaces.py --only niches SNES    # these rows alone

Two toys, whose spaces have choices between components: 64 members x 20 generations, noise 0.2 on every evaluation, 20 seeds. At
the end the 8 best seen and the strategy's own favorite are evaluated once more, with noise 0.1; the best is the champion.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from mixed_toys import Toy, toys

from discover import Space, Strategy, Told, named_keys, plugins

POPULATION, GENERATIONS, SEEDS = 64, 20, 20
MOST_SEEDS = 1
"""Of a member in one generation, where a strategy says how many it wants: ``seeds`` of a search."""

NOISE, AGAIN, BEST_SEEN = 0.2, 0.1, 8
SAME, HAIR = 1e-4, 0.02
"""Gaps in worth below which a structure is the best, and as good for such noise: the second of toy 2 is 0.013 below."""

# Searches -------------------------------------------------------------------------------------------------------------


class Standing(NamedTuple):
    """A search between two generations.

    Attributes:
        strategy: its state.
        genomes, mean, seeds: of the last generation: the members, and what is known of each with how many evaluations.
        spent: evaluations so far.
    """

    strategy: Any
    genomes: jax.Array
    mean: jax.Array
    seeds: jax.Array
    spent: jax.Array


class Seen(NamedTuple):
    """The members of a generation, what each looks like, and whether it is known from the generation before."""

    genomes: jax.Array
    score: jax.Array
    again: jax.Array


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


def search(
    strategy: Strategy,
    toy: Toy,
    *,
    population: int = POPULATION,
    generations: int = GENERATIONS,
    first: int = 0,
    count: int = SEEDS,
) -> Champion:
    """What searches with the seeds from ``first`` on find, for as many evaluations as ``POPULATION * GENERATIONS``."""
    space = toy.space

    def one(key: jax.Array) -> Champion:
        key_init, key_generations, key_again = named_keys(key, "init", "generations", "again")
        begun = Standing(
            strategy=strategy.init(key_init, space, population),
            genomes=jnp.zeros((population, space.dimension)),
            mean=jnp.zeros(population),
            seeds=jnp.zeros(population, jnp.int32),
            spent=jnp.zeros((), jnp.int32),
        )
        keys = jax.random.split(key_generations, generations)
        end, every = jax.lax.scan(lambda before, key: generation(strategy, toy, before, key), begun, keys)
        score = every.score.at[:-1].set(jnp.where(every.again[1:], -jnp.inf, every.score[:-1]))
        best = every.genomes.reshape(-1, space.dimension)[jnp.argsort(-score.ravel(), stable=True)[:BEST_SEEN]]
        favorite = strategy.recommendation(end.strategy, space)
        best = best if favorite is None else jnp.concatenate([best, favorite[None]])
        worth, value = jax.vmap(toy.rate)(best)
        champion = jnp.argmax(value + AGAIN * jax.random.normal(key_again, value.shape))
        structures = jax.vmap(space.active_options)(end.genomes)
        alike = jnp.all(structures[:, None] == structures[None], axis=-1)
        alive = jnp.sum(jnp.argmax(alike, axis=1) == jnp.arange(population))
        return Champion(toy.best - worth[champion], toy.best - value[champion], alive)

    keys = jax.vmap(jax.random.key)(jnp.arange(first, first + count))
    return jax.tree.map(np.asarray, jax.jit(jax.vmap(one))(keys))


def generation(strategy: Strategy, toy: Toy, before: Standing, key: jax.Array) -> tuple[Standing, Seen]:
    """The search after one more generation, and what that has seen; nothing, if it would be more than there is to spend.

    Members that a strategy proposes again with seeds, at the same place, are known by their mean; as in the archive of a
    search, they are ranked by it less its standard error.
    """
    key_ask, key_noise, key_tell = named_keys(key, "ask", "noise", "tell")
    population = len(before.genomes)
    proposal, state = strategy.ask(key_ask, before.strategy, toy.space, population)
    seeds = jnp.ones(population, jnp.int32) if proposal.seeds is None else jnp.minimum(proposal.seeds, MOST_SEEDS)
    _, value = jax.vmap(toy.rate)(proposal.genomes)
    fitness = value + NOISE * jax.random.normal(key_noise, value.shape) / jnp.sqrt(jnp.maximum(seeds, 1))
    fitness = jnp.where(seeds > 0, fitness, jnp.min(fitness, where=seeds > 0, initial=jnp.inf))
    told = Told.of(proposal.genomes, fitness, seeds)
    mean, evidence, score, again = fitness, seeds, fitness, jnp.zeros(population, bool)
    if proposal.seeds is not None:
        again = jnp.all(proposal.genomes == before.genomes, axis=1)
        known = jnp.where(again, before.seeds, 0)
        evidence = known + seeds
        mean = (jnp.where(again, before.mean, 0.0) * known + fitness * seeds) / jnp.maximum(evidence, 1)
        score = jnp.where(seeds > 0, mean - NOISE / jnp.sqrt(jnp.maximum(evidence, 1)), -jnp.inf)
    spent = before.spent + jnp.sum(seeds)
    after = Standing(strategy.tell(key_tell, state, toy.space, told), proposal.genomes, mean=mean, seeds=evidence, spent=spent)
    runs = spent <= POPULATION * GENERATIONS
    after = jax.tree.map(lambda a, b: jnp.where(runs, a, b), after, before)
    return after, Seen(proposal.genomes, jnp.where(runs, score, -jnp.inf), again & (seeds > 0) & runs)


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

LEFT_OUT = ("gradient", "pbt", "racing")
"""Strategies whose agents live on, since nothing lives here, and those that need another one inside."""

RACED = {"racing niches": ("niches", {"halving": 4.8}), "racing genetic": ("genetic", {})}
"""Rows of strategies that race, with settings that suit 16 races of 64 members, and then 16, in 32 generations."""


def rows() -> dict[str, Callable[..., Champion]]:
    """What can search, by the name that its row has."""
    every: dict[str, Any] = {entry.name: entry.component for entry in plugins().registry.entries("strategy")}

    def ours(made: Strategy, generations: int = GENERATIONS) -> Callable[..., Champion]:
        return lambda toy, **seeds: search(_suiting(made, toy), toy, generations=generations, **seeds)

    alone = {name: ours(made()) for name, made in every.items() if name not in LEFT_OUT}
    raced = {name: ours(every["racing"](strategy=every[inside](**settings)), 32) for name, (inside, settings) in RACED.items()}
    return {**alone, **raced, "Optuna TPE": tpe}


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
