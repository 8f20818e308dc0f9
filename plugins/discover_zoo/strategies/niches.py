"""A hybrid for mixed spaces: niches of structures that become fewer, with an evolution strategy over the numbers in each."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import Key, Proposal, Registry, Scalar, Space, Strategy, Told, component, hookimpl, named_keys, real
from discover_zoo.strategies.structures import firsts_of_structures


class State(NamedTuple):
    """Niches, the best first; those beyond the number that is alive are not used.

    Attributes:
        means: ``[N, D]`` genomes: a structure, and the means of its numbers.
        scores: ``[N]`` mean fitness, of late more than of old.
        evidence: ``[N]`` number of pairs in a score; 0 for a new niche.
        generation: number of evaluated generations.
    """

    means: jax.Array
    scores: jax.Array
    evidence: jax.Array
    generation: jax.Array


class Pairs(NamedTuple):
    """Mirrored pairs that were evaluated.

    Attributes:
        niche: ``[N]`` the niche of each.
        noise: ``[N, D]`` how far the first member is from the mean, in standard deviations; the second is on the other side.
        difference: ``[N]`` half of what the first is better by.
        level: ``[N]`` mean fitness.
    """

    niche: jax.Array
    noise: jax.Array
    difference: jax.Array
    level: jax.Array


@component
class Niches(Strategy):
    """Structures compete as niches that become fewer; an evolution strategy moves the numbers of each.

    The population is made of mirrored pairs ``mean + std * noise`` and ``mean - std * noise``, dealt out evenly to the niches
    that are alive. Within a pair the structure is the same, so that its difference tells about the numbers alone and its mean
    about the structure alone:

    - *Numbers.* With differences ``d`` in units of their root mean square, a niche's mean moves by ``std * mean(d * noise)``
      over its pairs. Pairs of other niches that use a number count too, by ``sharing``: while niches are many, numbers are
      learned together; when few are left, each learns its own.
    - *Structures.* A niche's score is the mean of its pairs, in which those of the generation before count by ``memory``. The
      best stay; a share of ``renewal`` is new: each choice comes from one of two surviving niches, or with probability
      ``mutation`` from the prior, and each number from the parent that uses it. A structure has one niche, unless there are
      fewer structures than niches.

    Every ``halving`` generations half of the niches are left, but two, and ``std`` is half as large, down to a hundredth: as in
    successive halving, the best structures get ever more evaluations. A third of the search is a good value. In a space of
    numbers alone there is one niche. The first pair of all is the start genome.

    Attributes:
        halving: generations after which half of the niches are left.
        std: standard deviation of the first generation.
        renewal: share of the niches that is new.
        sharing: how much pairs of other niches count for a niche's numbers.
        memory: how much earlier generations count for a niche's score.
        mutation: probability that a choice of a new niche is drawn from the prior.

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> strategy, space = Niches(), Space(SGD(learning_rate=free()))
    >>> strategy.init(jax.random.key(0), space, 4).means.shape
    (2, 1)
    """

    paper = (
        "Jamieson & Talwalkar 2016 (successive halving); Brockhoff et al. 2010 (mirrored sampling); Mahfoud 1995 (niches); the "
        "combination is of this project"
    )

    halving: Scalar = real(6.0, low=1.0, high=1000.0, scale="log")
    std: Scalar = real(2.0, low=1e-3, high=10.0, scale="log")
    renewal: Scalar = real(0.7, low=0.0, high=1.0)
    sharing: Scalar = real(0.5, low=0.0, high=1.0)
    memory: Scalar = real(0.5, low=0.0, high=1.0)
    mutation: Scalar = real(0.4, low=0.0, high=1.0)

    def check_population(self, space: Space, population: int) -> str | None:
        if population < 4:
            return "it needs 4 at least, two pairs"
        return f"it works with pairs, so take {population + 1}" if population % 2 else None

    def init(self, key: Key, space: Space, population: int) -> State:
        key_start, key_prior = named_keys(key, "start", "prior")
        niches, start = population // 2, space.start(key_start)
        drawn = jax.vmap(space.sample)(jax.random.split(key_prior, 4 * niches))
        structures = jnp.where(_decides(space), drawn, start).at[0].set(start)
        means = structures[firsts_of_structures(structures, space)[:niches]]
        return State(means, jnp.zeros(niches), jnp.zeros(niches), jnp.zeros((), jnp.int32))

    def begin_at(self, key: Key, state: State, space: Space, population: int, *, genomes: jax.Array) -> State:
        """A niche for each genome before all others, one for each structure first; the best is the first pair."""
        means = jnp.concatenate([genomes, state.means])
        return state._replace(means=means[firsts_of_structures(means, space)[: len(state.means)]])

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        pairs = population // 2
        noise = jax.random.normal(key, (pairs, space.dimension)) * ~_decides(space)
        noise = noise.at[0].multiply(state.generation > 0)
        step, means = self._std(state.generation) * noise, state.means[self._niche_of_pairs(state, space)]
        return Proposal(jnp.concatenate([means + step, means - step])), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        up, down = jnp.split(jnp.asarray(told.fitness, jnp.float32), 2)
        first, second = jnp.split(told.genomes, 2)
        noise = (first - second) / (2.0 * self._std(state.generation))
        pairs = Pairs(self._niche_of_pairs(state, space), noise, difference=(up - down) / 2.0, level=(up + down) / 2.0)
        return self._renewed(key, self._moved(self._scored(state, pairs), pairs, space), space)

    def recommendation(self, state: State, space: Space) -> jax.Array:
        """The mean of the best niche."""
        return state.means[0]

    def _alive(self, generation: jax.Array, niches: int, space: Space) -> jax.Array:
        """The number of niches of a generation."""
        most = min(niches, space.structures)
        return jnp.clip(jnp.round(most * 0.5 ** (generation / self.halving)), min(2, most), most).astype(jnp.int32)

    def _std(self, generation: jax.Array) -> jax.Array:
        return self.std * jnp.maximum(0.5 ** (generation / self.halving), 0.01)

    def _niche_of_pairs(self, state: State, space: Space) -> jax.Array:
        niches = len(state.means)
        return jnp.arange(niches) % self._alive(state.generation, niches, space)

    def _scored(self, state: State, pairs: Pairs) -> State:
        """The state with scores that know the level of each pair."""
        niches, old = len(state.means), self.memory * state.evidence
        evidence = old + jax.ops.segment_sum(jnp.ones_like(pairs.level), pairs.niche, niches)
        total = old * state.scores + jax.ops.segment_sum(pairs.level, pairs.niche, niches)
        return state._replace(scores=total / jnp.maximum(evidence, 1e-6), evidence=evidence)

    def _moved(self, state: State, pairs: Pairs, space: Space) -> State:
        """The state with means that followed the slopes which pairs show."""
        niches, std = len(state.means), self._std(state.generation)
        used = _used(state.means, space)[pairs.niche]
        unit = pairs.difference / jnp.sqrt(jnp.mean(pairs.difference**2) + 1e-12)
        slopes, counts = unit[:, None] * used * pairs.noise, used.astype(jnp.float32)
        own = jax.ops.segment_sum(slopes, pairs.niche, niches)
        own_count = jax.ops.segment_sum(counts, pairs.niche, niches)
        pooled = own + self.sharing * (slopes.sum(0) - own)
        count = own_count + self.sharing * (counts.sum(0) - own_count)
        return state._replace(means=state.means + std * pooled / jnp.maximum(count, 1.0))

    def _renewed(self, key: Key, state: State, space: Space) -> State:
        """The niches of the next generation: the best of this one, then new ones."""
        niches, after = len(state.means), state.generation + 1
        rank, alive = jnp.arange(niches), self._alive(state.generation, niches, space)
        best = jnp.argsort(jnp.where(rank < alive, -state.scores, jnp.inf), stable=True)
        stay = jnp.ceil((1.0 - self.renewal) * self._alive(after, niches, space)).astype(jnp.int32)
        stay = jnp.clip(stay, 1, alive)
        children = jax.vmap(lambda k: self._child(k, state.means[best], stay, space))(jax.random.split(key, 2 * niches))
        stays = (rank < stay)[:, None]
        means = jnp.concatenate([jnp.where(stays, state.means[best], children[:niches]), children[niches:]])
        chosen = firsts_of_structures(means, space)[:niches]
        known, before = chosen < stay, best[jnp.minimum(chosen, niches - 1)]
        scores, evidence = jnp.where(known, state.scores[before], 0.0), jnp.where(known, state.evidence[before], 0.0)
        return State(means[chosen], scores, evidence, after)

    def _child(self, key: Key, best: jax.Array, stay: jax.Array, space: Space) -> jax.Array:
        """A new niche from two of the best ``stay``."""
        key_parents, key_choices, key_mutation, key_prior = named_keys(key, "parents", "choices", "mutation", "prior")
        first, second = best[jax.random.randint(key_parents, (2,), 0, stay)]
        gene, decides = _gene_of_coordinates(space), _decides(space)
        from_second = jax.random.bernoulli(key_choices, 0.5, (len(space.genes),))[gene]
        mutated = jax.random.bernoulli(key_mutation, self.mutation, (len(space.genes),))[gene]
        choices = jnp.where(mutated, space.sample(key_prior), jnp.where(from_second, second, first))
        numbers = jnp.where(~space.active(first)[gene] & space.active(second)[gene], second, first)
        return jnp.where(decides, choices, numbers)


def _gene_of_coordinates(space: Space) -> np.ndarray:
    """The index of the gene of each coordinate, ``[D]``."""
    return np.repeat(np.arange(len(space.genes)), [gene.size for gene in space.genes])


def _decides(space: Space) -> np.ndarray:
    """Whether each coordinate belongs to a choice, and so to the structure, ``[D]``."""
    return np.asarray([gene.decides for gene in space.genes])[_gene_of_coordinates(space)]


def _used(means: jax.Array, space: Space) -> jax.Array:
    """Whether each coordinate of ``[N, D]`` is a number that has an effect."""
    return jax.vmap(space.active)(means)[:, _gene_of_coordinates(space)] & ~_decides(space)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("niches", Niches)
