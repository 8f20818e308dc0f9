"""Population-based training."""

from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Domain,
    IntegerDomain,
    Key,
    Proposal,
    RealDomain,
    Scalar,
    Space,
    Strategy,
    Told,
    UserError,
    component,
    named_key,
    named_keys,
    nearest,
    real,
)
from discover_zoo.strategies.pbt.exploit import Scores, no_scores, t_test, truncation


class State(NamedTuple):
    """The population and its scores.

    Attributes:
        genomes: ``[P, D]``, the numbers with which the members train.
        scores: fitness of each member's windows since it was last replaced by a copy.
        generation: number of evaluated generations.
    """

    genomes: jax.Array
    scores: Scores
    generation: jax.Array


@component
class PBT(Strategy):
    """Population-based training (Jaderberg et al. 2017): agents that are trained once, while their numbers are searched.

    A generation is the ready interval of the paper: every lifetime goes on by its share of the budget, and that share alone
    gives its score. Then some members *exploit* (they go on with a copy of a better member's agents: parameters, optimizer,
    environments) and at once *explore* (the better member's numbers, perturbed); all others go on as they are. The scores of a
    replaced agent are forgotten. The first generation is the start genome and draws from the prior; no member is exploited
    before it has a score.

    Exploitation by ``truncation``: each of the worst ``share`` becomes a copy of a random one of the best ``share``. By
    ``t_test``: each becomes a copy of a random other member if that is better by Welch's test on the scores of its last (at
    most ten) windows at ``level``. The paper tests the last ten episode returns; here a score is the fitness of a window, so
    that the strategy needs nothing but fitness.

    Exploration changes every number of a copy: with probability ``resample`` to a draw from the prior, else by a step on the
    scale of its domain, clipped to the range. With f either ``1 + step`` or ``1 - step``, the paper's factors:

    - ``log``: the value times f;
    - ``log1m``: its distance from 1 times f (0.99 becomes 0.988 or 0.992);
    - ``logit``: its odds times f;
    - ``linear``: the value plus or minus ``shift`` of the range;
    - a whole number: as a linear one, rounded, one at least, and the other way where the range ends.

    A value of any other domain moves to a neighbor.

    Attributes:
        exploit: the comparison of members.
        share: share of the population that is replaced, and that may be copied, by truncation; 0 for no exploitation.
        level: significance level of the t-test.
        step: size of the step on a scale that is not linear: the factor is 1 plus or minus it.
        shift: size of the step on a linear scale and of whole numbers, as a share of the range.
        resample: probability of a draw from the prior.
        at_start: paths of numbers that begin at their start in all members, where others are drawn from the prior
            (``curriculum.share.alpha`` at 0, as in Mix & Match).

    >>> from discover import free
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> strategy, space = PBT(), Space(SGD(learning_rate=free()))
    >>> state = strategy.init(jax.random.key(0), space, 4)
    >>> proposal, state = strategy.ask(jax.random.key(1), state, space, 4)
    >>> proposal.genomes.shape
    (4, 1)
    """

    paper = "Jaderberg et al. 2017, Population based training of neural networks, arXiv 1711.09846"

    exploit: Literal["truncation", "t_test"] = "truncation"
    share: Scalar = real(0.2, low=0.0, high=0.5)
    level: Scalar = real(0.05, low=0.0, high=1.0)
    step: Scalar = real(0.2, low=0.0, high=0.9)
    shift: Scalar = real(0.05, low=0.0, high=1.0)
    resample: Scalar = real(0.0, low=0.0, high=1.0)
    at_start: tuple[str, ...] = ()

    def check_population(self, space: Space, population: int) -> str | None:
        self._parts_at_start(space)
        return None if population >= 2 else "it needs 2 at least, one to copy and one to give up"

    def init(self, key: Key, space: Space, population: int) -> State:
        key_start, key_prior = named_keys(key, "start", "prior")
        genomes, start = jax.vmap(space.sample)(jax.random.split(key_prior, population)), space.start(key_start)
        for same in self._parts_at_start(space):
            genomes = genomes.at[:, same].set(start[same])
        return State(genomes.at[0].set(start), no_scores(population), jnp.zeros((), jnp.int32))

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        member = jnp.arange(population)
        parents = jnp.where(state.generation > 0, self._parents(named_key(key, "exploit"), state.scores), member)
        keys = jax.random.split(named_key(key, "explore"), population)
        explored = jax.vmap(lambda k, own, other: self.explored(k, own, other, space))(
            keys, state.genomes, state.genomes[parents]
        )
        copied = parents != member
        genomes = jnp.where(copied[:, None], explored, state.genomes)
        return Proposal(genomes, parents.astype(jnp.int32)), State(genomes, state.scores.reset(copied), state.generation)

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        return State(told.genomes, state.scores.append(jnp.asarray(told.fitness, jnp.float32)), state.generation + 1)

    def recommendation(self, state: State, space: Space) -> jax.Array:
        """The genome of the member that was best in the last window."""
        return state.genomes[jnp.argmax(state.scores.values[:, -1])]

    def explored(self, key: Key, own: jax.Array, other: jax.Array, space: Space) -> jax.Array:
        """The next genome ``[D]`` of a member with genome ``own`` that goes on with the agent of a member with ``other``."""
        del own
        keys = jax.random.split(key, len(space.genes))
        parts = (
            self._perturbed(k, gene.domain, other[gene.start : gene.start + gene.size])
            for k, gene in zip(keys, space.genes, strict=True)
        )
        return jnp.concatenate([*parts])

    def _parts_at_start(self, space: Space) -> list[slice]:
        """The parts of the genome that the numbers of `at_start` are.

        Raises:
            UserError: one of them is no open number.
        """
        parts = {gene.path: slice(gene.start, gene.start + gene.size) for gene in space.genes}
        for path in self.at_start:
            if path not in parts:
                raise UserError(
                    f"at_start of pbt has '{path}', which is no open number of the candidate; {nearest(path, parts)}."
                )
        return [parts[path] for path in self.at_start]

    def _parents(self, key: Key, scores: Scores) -> jax.Array:
        return truncation(key, scores, self.share) if self.exploit == "truncation" else t_test(key, scores, self.level)

    def _perturbed(self, key: Key, domain: Domain, coordinates: jax.Array) -> jax.Array:
        key_whether, key_prior, key_step = jax.random.split(key, 3)
        if isinstance(domain, RealDomain | IntegerDomain):
            value, up = domain.decode(coordinates), jnp.where(jax.random.bernoulli(key_step), 1.0, -1.0)
            stepped = domain.encode(self._stepped(domain, value, up))
        else:
            noise = jax.random.uniform(key_step, (domain.size + 1,), minval=1e-6, maxval=1.0 - 1e-6)
            stepped = domain.mutate(noise, coordinates)
        return jnp.where(jax.random.bernoulli(key_whether, self.resample), domain.sample(key_prior), stepped)

    def _stepped(self, domain: RealDomain | IntegerDomain, value: jax.Array, up: jax.Array) -> jax.Array:
        """The value a step up or down (``up`` is 1 or -1) on the scale of its domain."""
        shift, factor = self.shift * (domain.high - domain.low), 1.0 + up * self.step
        if isinstance(domain, IntegerDomain):
            step = (up * jnp.maximum(jnp.round(shift), 1.0)).astype(jnp.int32)
            inside = jnp.clip(value + step, domain.low, domain.high)
            return jnp.where(inside == value, jnp.clip(value - step, domain.low, domain.high), inside)
        stepped = {
            "linear": value + up * shift,
            "log": value * factor,
            "log1m": 1.0 - (1.0 - value) * factor,
            "logit": value * factor / (1.0 - value + value * factor),
        }[domain.scale]
        return jnp.clip(stepped, domain.low, domain.high)
