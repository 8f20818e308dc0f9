"""The conformance suite itself: it passes what is sound and catches what is not, in a sentence."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from toys import Blank, Climb, FinalReturn, Hill, Learned, OneStep, Payday

from discover import (
    Environment,
    Integer,
    Objective,
    Optimizer,
    Outputs,
    Proposal,
    ReturnFunction,
    Scalar,
    Segment,
    Space,
    Step,
    Strategy,
    Targets,
    TaskReturns,
    Told,
    Trajectory,
    World,
    component,
    integer,
    real,
)
from discover.testing import (
    ConformanceError,
    check_component,
    check_environment,
    check_environment_shapes,
    check_network,
    check_objective,
    check_optimizer,
    check_return_function,
    check_strategy,
    check_update_rule,
    examples,
)
from discover.testing.small import Affine, Corridor


def refused(check: Callable[..., object], *broken: Any) -> str:
    with pytest.raises(ConformanceError) as caught:
        check(*broken)
    return str(caught.value)


# Components -----------------------------------------------------------------------------------------------------------


def test_sound_components_pass() -> None:
    registry = toys.plugins().registry
    for made in (OneStep(), Learned(), Payday(), Hill()):
        check_component(made, registry)


@component
class Astray(ReturnFunction):
    """Its default lies outside its domain."""

    gamma: Scalar = real(1.5, low=0.0, high=1.0)


@component
class Misnamed(ReturnFunction):
    """Declares what it does not have."""

    not_differentiable = ("gama",)

    gamma: Scalar = real(0.5, low=0.0, high=1.0)


def test_unsound_components_are_told() -> None:
    assert refused(check_component, Astray()) == "Astray has an illegal default: gamma of Astray must lie in [0, 1]; got 1.5."
    assert refused(check_component, Misnamed()) == "Misnamed.not_differentiable names 'gama', which is no number of it."


def test_there_is_an_example_of_all_whose_settings_have_defaults() -> None:
    registry = toys.plugins().registry
    names = {entry.name for entry, _ in examples(registry) if entry.provenance.plugin == "toys"}
    all_of_them = {entry.name for entry in registry.entries() if entry.component and entry.provenance.plugin == "toys"}
    assert all_of_them - names == {"toy_listed", "toy_turns"}, "the strategies whose genomes only their user can know"


# Return functions -----------------------------------------------------------------------------------------------------


@component
class Leaky(OneStep):
    """Adds what comes two steps later, whatever ends in between."""

    def __call__(self, segment: Segment) -> Targets:
        target = segment.reward + jnp.roll(segment.reward, -2, axis=0)
        return Targets(target, target - segment.value)


@component
class Endless(OneStep):
    """Bootstraps where nothing follows."""

    def __call__(self, segment: Segment) -> Targets:
        target = segment.reward + self.gamma * segment.next_value
        return Targets(target, target - segment.value)


@component
class Rooted(OneStep):
    """Has an infinite slope at zero."""

    gamma: Scalar = real(0.0, low=0.0, high=1.0)

    def __call__(self, segment: Segment) -> Targets:
        target = segment.reward * jnp.sqrt(self.gamma)
        return Targets(target, target)


@component
class Whole(OneStep):
    """Forgets what it is to give."""

    steps: Integer = integer(1, low=1, high=3)

    def __call__(self, segment: Segment) -> Targets:
        return Targets(segment.reward, segment.reward.sum(axis=0))


def test_return_functions() -> None:
    check_return_function(OneStep())
    check_return_function(Learned())
    assert refused(check_return_function, Leaky()) == "Leaky lets what follows a termination reach the targets before it."
    assert refused(check_return_function, Endless()) == "Endless bootstraps from the value after a termination."
    assert (
        refused(check_return_function, Rooted()) == "Rooted has a gradient with respect to its own numbers that is not finite."
    )
    assert refused(check_return_function, Whole()) == "Whole gives a target 'advantage' of float32[3], not float32[7, 3]."


# Optimizers and networks ----------------------------------------------------------------------------------------------


@component
class Slide(Optimizer):
    """Steps of one length, along the direction of the gradient; ``guard`` keeps the slope at zero finite."""

    rate: Scalar = real(0.1, low=-1.0, high=1.0)
    guard: float = 1e-12

    def init(self, params: Any) -> Any:
        return jnp.zeros((), jnp.int32)

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        length = jnp.sqrt(sum(jnp.sum(g**2) for g in jax.tree.leaves(gradient)) + self.guard)
        return jax.tree.map(lambda p, g: p - self.rate * g / (length + 1e-6), params, gradient), state + 1


def test_optimizers() -> None:
    check_optimizer(Slide())
    assert refused(check_optimizer, Slide(rate=-0.1)).startswith("Slide does not climb down a bowl: from 5.34")
    assert refused(check_optimizer, Slide(guard=0.0)) == (
        "Slide has a derivative that is not finite where the gradient is zero: meta-gradients would be NaN."
    )


@component
class Mixing(Affine):
    """Looks at the other columns."""

    def apply(self, params: Any, heads: Any, inputs: Any, carry: Any) -> tuple[Outputs, Any]:
        outputs, carry = super().apply(params, heads, inputs, carry)
        return {name: x - x.mean(axis=0) for name, x in outputs.items()}, carry


def test_networks() -> None:
    check_network(Affine())
    assert refused(check_network, Mixing()) == "Mixing mixes the columns of a batch."


# Environments ---------------------------------------------------------------------------------------------------------


@component
class Numbered(Corridor):
    """Says 1.0 where it should say true."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        made = super().step(key, state, action, task)
        return made._replace(terminated=made.terminated.astype(jnp.float32))


@component
class Growing(Corridor):
    """Its state changes its form."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        made = super().step(key, state, action, task)
        return made._replace(state=(made.state, action))


@component
class Dividing(Corridor):
    """Pays the logarithm of what may be negative."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        made = super().step(key, state, action, task)
        return made._replace(reward=jnp.log(made.observation[0]))


def test_environments() -> None:
    for sound in (Corridor(), Payday(spread=1.0, drawn="episode")):
        check_environment(sound)
    told = "gives 'terminated' as ShapeDtypeStruct(shape=(), dtype=float32), not one truth value."
    assert refused(check_environment_shapes, Numbered()) == f"Numbered() {told}"
    assert refused(check_environment, Growing()) == "Growing().step gives a state of another form than reset does."
    assert refused(check_environment, Dividing()) == "Dividing() gives rewards that are not finite."


# Objectives and strategies --------------------------------------------------------------------------------------------


@component
class Loss(Objective):
    """Lower is better."""

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return -FinalReturn()(tasks)


@component
class Ranking(Objective):
    """The place in the list counts."""

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        fitness = FinalReturn()(tasks)
        return fitness + np.arange(len(fitness))


def test_objectives() -> None:
    check_objective(FinalReturn())
    assert refused(check_objective, Loss()) == "Loss gives higher curves a lower fitness: higher is better everywhere."
    assert refused(check_objective, Ranking()) == "Ranking gives a candidate another fitness in another place."


@component
class Spread(Hill):
    """Divides by the spread of the fitness."""

    def tell(self, key: jax.Array, state: Any, space: Space, told: Told) -> Any:
        weight = (told.fitness - told.fitness.mean()) / told.fitness.std()
        return {"mean": state["mean"] + 0.1 * weight @ told.genomes}


@component
class Stubborn(Hill):
    """Proposes one genome forever."""

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        return Proposal(jnp.broadcast_to(state["mean"], (population, space.dimension))), state


@component
class Remembering(Strategy):
    """A state that grows."""

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        return [space.start(key)]

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> tuple[Proposal, Any]:
        return Proposal(jax.random.normal(key, (population, space.dimension))), state

    def tell(self, key: jax.Array, state: Any, space: Space, told: Told) -> Any:
        return [*state, told.genomes[0]]


@component
class Deaf(Hill):
    """Begins where it always does, or with a state of another form."""

    longer: bool = False

    def begin_at(self, key: jax.Array, state: Any, space: Space, population: int, *, genomes: jax.Array) -> Any:
        return {**state, "known": genomes} if self.longer else state


@component
class Listening(Hill):
    """Begins at the best of what it is given."""

    def begin_at(self, key: jax.Array, state: Any, space: Space, population: int, *, genomes: jax.Array) -> Any:
        return {**state, "mean": genomes[0]}


def test_strategies() -> None:
    check_strategy(Hill())
    assert refused(check_strategy, Spread()) == "Spread has a state that is not finite after equal fitness in generation 24."
    assert refused(check_strategy, Stubborn()) == "Stubborn finds nothing better than its first generation in 24."
    check_strategy(Listening())
    deaf = "Deaf is given genomes to begin at, and proposes others around its own start."
    assert refused(check_strategy, Deaf()) == deaf
    assert refused(check_strategy, Deaf(longer=True)) == "Deaf begins at given genomes with a state of another form."
    assert refused(check_strategy, Remembering()) == "Remembering changes the form of its state in generation 0."


# Update rules ---------------------------------------------------------------------------------------------------------


@component
class Looping(Climb):
    """Has a loop whose length depends on its values."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Any]:
        steps = jax.lax.while_loop(lambda n: n < self.slope, lambda n: n + 1.0, jnp.zeros(()) * self.slope)
        return {**params, "policy": params["policy"] + steps * self.slope}, state, {}


@jax.custom_vjp
def _identity(x: jax.Array) -> jax.Array:
    return x


_identity.defvjp(lambda x: (x, None), lambda _, g: (g,))


@component
class Custom(Climb):
    """Has a derivative of its own, backwards only."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Any]:
        return {**params, "policy": params["policy"] + _identity(jnp.asarray(self.slope))}, state, {}


@component
class Counted(Climb):
    """A state that starts as a whole number and becomes a real one."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Any]:
        return {**params, "policy": params["policy"] + self.slope}, {"updates": state["updates"] + 0.5}, {}


@component
class Idle(Climb):
    """Learns nothing."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any, Any]:
        return params, state, {}


def test_update_rules() -> None:
    check_update_rule(Climb(), Blank(), Payday())
    told = refused(check_update_rule, Looping(), Blank(), Payday())
    assert told.startswith("Looping cannot be differentiated backwards (")
    told = refused(check_update_rule, Custom(), Blank(), Payday())
    assert told.startswith("Custom cannot be differentiated forwards (")
    assert told.endswith("): use neither while_loop nor custom_vjp in update.")
    told = refused(check_update_rule, Counted(), Blank(), Payday())
    assert told.startswith("Counted changes the form of its parameters or state (")
    assert refused(check_update_rule, Idle(), Blank(), Payday()) == "Idle changes no parameter in 2 updates."


def test_an_environment_is_a_component_like_any_other() -> None:
    assert isinstance(Corridor(), Environment)
    check_component(Corridor())
    check_component(Affine())
