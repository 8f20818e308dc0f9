"""Racing: each generation of another strategy is a race, in which the better members get ever more seeds and steps."""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Count,
    Key,
    Proposal,
    Registry,
    Scalar,
    Space,
    Status,
    Strategy,
    StrategyState,
    Told,
    UserError,
    component,
    hookimpl,
    real,
)


class State(NamedTuple):
    """A race.

    Attributes:
        inner: the state of the strategy inside, as its `ask` returned it.
        genomes: ``[P, D]`` in the race.
        rung: the rung that is run next; 0 before a race.
        left: ``[P]`` the rung after which each member was out; the number of rungs while it is in.
        fitness: ``[P]`` mean over all seeds at the budget of the last rung that each has run.
        seeds: ``[P]`` how many seeds these were.
        squares: ``[P]`` sum of the squared deviations of seeds from that mean.
        cost: ``[P]`` env steps in the whole race.
        status: ``[P]`` the worst of all rungs.
    """

    inner: StrategyState
    genomes: jax.Array
    rung: jax.Array
    left: jax.Array
    fitness: jax.Array
    seeds: jax.Array
    squares: jax.Array
    cost: jax.Array
    status: jax.Array


@component
class Racing(Strategy):
    """Successive halving around any strategy that starts agents anew: one of its generations is a race of several rungs.

    Each rung is a generation of the search. In the first one all members are evaluated with ``seeds`` seeds. After each rung
    the best, one of ``keep``, stay, and get ``keep`` times as many seeds in the next one, but at most those of the config; the
    others are out, and cost nothing. Seeds are new in each rung, and a member is ranked by its mean over all of them. Where
    ``steps`` is less than 1, lifetimes of the first rung last for that share of the env steps only, those of the last rung for
    all, and those between for shares that grow by one factor; then only seeds of the same budget are averaged.

    After the last rung the strategy inside is told everyone at once. Who stayed longer is never below who left earlier: the
    fitness of all that left together is lowered by one number, as far as it must be. It is told the learning curves of the last
    rung.

    A search of G generations has ``G / rungs`` generations of the strategy inside, which is what its own settings count
    (``halving`` of `niches`).

    Attributes:
        strategy: proposes the members.
        rungs: of a race.
        keep: one of so many members stays after a rung.
        seeds: of each member in the first rung.
        steps: share of the env steps in the first rung.

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.strategies.random_search import RandomSearch
    >>> strategy, space = Racing(strategy=RandomSearch(), rungs=2, keep=2), Space(SGD(learning_rate=free()))
    >>> state = strategy.init(jax.random.key(0), space, 4)
    >>> proposal, state = strategy.ask(jax.random.key(1), state, space, 4)
    >>> state = strategy.tell(jax.random.key(1), state, space, Told.of(proposal.genomes, jnp.arange(4.0)))
    >>> strategy.ask(jax.random.key(2), state, space, 4)[0].seeds.tolist()
    [0, 0, 2, 2]
    """

    paper = "Jamieson & Talwalkar 2016, Non-stochastic best arm identification and hyperparameter optimization, AISTATS"

    strategy: Strategy
    rungs: Count = 2
    keep: Count = 4
    seeds: Count = 1
    steps: Scalar = real(1.0, low=0.01, high=1.0, scale="log")

    def check_population(self, space: Space, population: int) -> str | None:
        if self.keep < 2:
            return f"one of {self.keep} would stay after each rung, which is everyone: set keep to 2 at least"
        least = self.keep ** (self.rungs - 1)
        if population < least:
            return f"with {self.rungs} rungs after each of which 1 of {self.keep} stays, it needs {least} at least"
        if self.strategy.window() is not None:
            return "it races by fitness, and its strategy climbs by gradients instead: take another one, or no race"
        return self.strategy.check_population(space, population)

    def init(self, key: Key, space: Space, population: int) -> State:
        zeros, none = jnp.zeros(population), jnp.zeros(population, jnp.int32)
        return State(
            inner=self.strategy.init(key, space, population),
            genomes=jnp.zeros((population, space.dimension)),
            rung=jnp.zeros((), jnp.int32),
            left=none + self.rungs,
            fitness=zeros,
            seeds=none,
            squares=zeros,
            cost=zeros,
            status=none.astype(jnp.int8),
        )

    def begin_at(self, key: Key, state: State, space: Space, population: int, *, genomes: jax.Array) -> State | None:
        """The strategy inside begins at the genomes, if it can, and a race begins anew; else the race goes on with them."""
        inner = self.strategy.begin_at(key, state.inner, space, population, genomes=genomes)
        return None if inner is None else state._replace(inner=inner)

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        proposal, inner = self.strategy.ask(key, state.inner, space, population)
        if any(part is not None for part in (proposal.parents, proposal.seeds, proposal.budget)):
            raise UserError(
                "racing decides how many seeds and steps each member gets, and the strategy inside keeps agents alive or "
                "decides so too: put another one inside."
            )
        begins = state.rung == 0
        fresh = self.init(key, space, population)._replace(inner=inner, genomes=proposal.genomes)
        state = jax.tree.map(lambda a, b: jnp.where(begins, a, b), fresh, state)
        seeds = jnp.where(state.left == self.rungs, self.seeds * self.keep**state.rung, 0)
        budget = jnp.full(population, self._budget(state.rung))
        return Proposal(state.genomes, seeds=seeds.astype(jnp.int32), budget=None if self._whole() else budget), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        state = self._with_evidence(state, told)
        population, ran = len(told.genomes), state.left == self.rungs
        sound = ran & (state.status == Status.OK)
        place = jnp.argsort(jnp.argsort(jnp.where(sound, -state.fitness, jnp.inf), stable=True), stable=True)
        stays = jnp.ceil(population / self.keep ** (state.rung + 1.0))
        last = state.rung == self.rungs - 1
        out = ran & ~(sound & ((place < stays) | last))
        state = state._replace(left=jnp.where(out, state.rung, state.left), rung=(state.rung + 1) % self.rungs)
        result = told._replace(
            fitness=self._told_fitness(state, told.fitness),
            seeds=state.seeds,
            spread=jnp.where(
                state.seeds > 1, jnp.sqrt(state.squares / jnp.maximum((state.seeds - 1) * state.seeds, 1)), jnp.inf
            ),
            cost=state.cost,
            status=state.status,
        )
        after = self.strategy.tell(key, state.inner, space, result)
        return state._replace(inner=jax.tree.map(lambda a, b: jnp.where(last, a, b), after, state.inner))

    def recommendation(self, state: State, space: Space) -> jax.Array | None:
        """That of the strategy inside."""
        return self.strategy.recommendation(state.inner, space)

    def _whole(self) -> bool:
        """Whether lifetimes are whole in every rung."""
        return self.rungs == 1 or not self.steps < 1

    def _budget(self, rung: jax.Array) -> jax.Array:
        return jnp.float32(self.steps) ** (1.0 - rung / max(self.rungs - 1, 1)).astype(jnp.float32)

    def _with_evidence(self, state: State, told: Told) -> State:
        """The state with the seeds of one more rung."""
        ran = (state.left == self.rungs) & (told.seeds > 0)
        before = state.seeds if self._whole() else jnp.zeros_like(state.seeds)
        seeds, gap = before + told.seeds, told.fitness - state.fitness
        share = told.seeds / jnp.maximum(seeds, 1)
        within = jnp.where(told.seeds > 1, told.spread**2 * told.seeds * (told.seeds - 1), 0.0)
        squares = jnp.where(before > 0, state.squares + gap**2 * before * share, 0.0) + within
        return state._replace(
            genomes=told.genomes,
            fitness=jnp.where(ran, state.fitness + gap * share, state.fitness),
            seeds=jnp.where(ran, seeds, state.seeds),
            squares=jnp.where(ran, squares, state.squares),
            cost=state.cost + told.cost,
            status=jnp.where(ran, jnp.maximum(state.status, told.status), state.status),
        )

    def _told_fitness(self, state: State, floor: jax.Array) -> jax.Array:
        """The fitness after a race: those that left together are lowered until they are not above any that stayed longer."""
        sound, fitness, lowest = state.status == Status.OK, state.fitness, jnp.inf
        for rung in range(self.rungs, -1, -1):
            group = sound & (state.left == rung)
            lowered = fitness + jnp.minimum(0.0, lowest - jnp.max(fitness, where=group, initial=-jnp.inf))
            fitness = jnp.where(group, lowered, fitness)
            lowest = jnp.minimum(lowest, jnp.min(fitness, where=group, initial=jnp.inf))
        lowest = jnp.where(jnp.isfinite(lowest), lowest, jnp.max(floor))
        return jnp.where(sound, fitness, jnp.minimum(floor, jnp.nextafter(lowest, -jnp.inf)))


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("racing", Racing)
