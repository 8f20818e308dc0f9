"""A search by gradients, through the updates of agents that live on."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp
import optax

from discover import (
    AtLeast,
    Key,
    MetaObjective,
    Optimizer,
    OptimizerState,
    Proposal,
    Scalar,
    Space,
    Strategy,
    Told,
    Window,
    component,
    real,
)
from discover_zoo.strategies.gradient.policy_gain import PolicyGain


class State(NamedTuple):
    """The members and how they move.

    Attributes:
        genomes: ``[P, D]``.
        optimizer: of each member.
        fitness: ``[P]`` of the last generation.
    """

    genomes: jax.Array
    optimizer: OptimizerState
    fitness: jax.Array


@component
class Gradient(Strategy):
    """Climbs a meta-objective by its gradient through K updates of living agents (Oh et al. 2020).

    A generation is one window of K updates of all agents. In each update an agent collects by its parameters, which the
    meta-objective judges by that experience, and then learns from it. The gradient of what is judged, through the updates,
    gives one step of the optimizer. The agents then live on, and begin anew as their lifetimes end, one by one, on another task
    of the family: the seeds of the config are the agents, and the steps of a task are the length of a lifetime.

    It moves the real numbers and weights of any rule that is differentiable (`discover.UpdateRule`). One member is the usual
    choice. More of them begin elsewhere, with draws from the prior, and climb on their own; they see the same tasks and draws.

    A step of the optimizer is in genome coordinates, which are in units of the domain's ``std``: with a learning rate of 1e-3
    weights whose ``std`` is 0.1 move by 1e-4.

    Pitfalls: the gradient sees no further than K updates, and so prefers rules that pay at once (Wu et al. 2018, "Understanding
    short-horizon bias in stochastic meta-optimization"). The optimizer's schedules see no progress. A member whose gradient is
    not finite stays where it is for that generation.
    A start without a slope, as that of `lpo` with its drift of zero, is never left: begin elsewhere (`init`, or more members).

    Attributes:
        updates: K.
        objective: the meta-objective.
        learning_rate: of Adam, unless there is another optimizer.
        optimizer: takes the steps in the place of Adam, if it is given.
        recompute: whether each update is computed again on the way back: it saves most of the memory of a window.

    >>> from discover import free
    >>> from discover_zoo.returns.gae import GAE
    >>> strategy, space = Gradient(learning_rate=0.1), Space(GAE(lam=free()))
    >>> proposal, state = strategy.ask(jax.random.key(0), strategy.init(jax.random.key(0), space, 1), space, 1)
    >>> told = Told.of(proposal.genomes, jnp.zeros(1))._replace(gradients=jnp.array([[-2.0]]))
    >>> after = strategy.tell(jax.random.key(0), state, space, told)
    >>> print((after.genomes - proposal.genomes).round(3))
    [[-0.1]]
    """

    paper = "Oh et al. 2020, arXiv 2007.08794"

    updates: Annotated[int, AtLeast(2)] = 5
    objective: MetaObjective = PolicyGain()
    learning_rate: Scalar = real(1e-3, low=1e-6, high=1.0, scale="log")
    optimizer: Optimizer | None = None
    recompute: bool = False

    def window(self) -> Window:
        return Window(self.updates, self.objective, recompute=self.recompute)

    def init(self, key: Key, space: Space, population: int) -> State:
        genomes = jax.vmap(space.sample)(jax.random.split(key, population)).at[0].set(space.start(key))
        return State(genomes, jax.vmap(self._first)(genomes), jnp.zeros(population))

    def ask(self, key: Key, state: State, space: Space, population: int) -> tuple[Proposal, State]:
        return Proposal(state.genomes), state

    def tell(self, key: Key, state: State, space: Space, told: Told) -> State:
        assert told.gradients is not None
        return jax.vmap(self._moved)(told.genomes, jnp.asarray(told.gradients), state.optimizer, told.fitness)

    def recommendation(self, state: State, space: Space) -> jax.Array:
        """The genome after the last step, of the member with the best last fitness."""
        return state.genomes[jnp.argmax(state.fitness)]

    def _moved(self, genome: jax.Array, gradient: jax.Array, optimizer: OptimizerState, fitness: jax.Array) -> State:
        """A member after a step uphill; as it was, if there is no finite gradient."""
        finite = jnp.all(jnp.isfinite(gradient))
        moved, after = self._step(jnp.where(finite, -gradient, 0.0), optimizer, genome)
        moved, after = jax.tree.map(lambda new, old: jnp.where(finite, new, old), (moved, after), (genome, optimizer))
        return State(moved, after, jnp.asarray(fitness, jnp.float32))

    def _first(self, genome: jax.Array) -> OptimizerState:
        return self._adam().init(genome) if self.optimizer is None else self.optimizer.init(genome)

    def _step(self, slope: jax.Array, optimizer: OptimizerState, genome: jax.Array) -> tuple[jax.Array, OptimizerState]:
        if self.optimizer is not None:
            return self.optimizer.update(slope, optimizer, genome, jnp.zeros(()))
        step, optimizer = self._adam().update(slope, optimizer)
        return jnp.asarray(optax.apply_updates(genome, step)), optimizer

    def _adam(self) -> optax.GradientTransformation:
        return optax.adam(self.learning_rate)
