"""Faults that the conformance suite finds, each in a component that is sound but for it."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from toys import Climb, FinalReturn, Hill, OneStep, Payday

from discover import (
    Environment,
    Executor,
    Info,
    Optimizer,
    ReturnFunction,
    Scalar,
    Segment,
    Space,
    Spec,
    Step,
    Targets,
    TaskReturns,
    Told,
    Trajectory,
    Work,
    World,
    component,
    real,
)
from discover.testing import (
    ConformanceError,
    check_environment,
    check_environment_shapes,
    check_executor,
    check_objective,
    check_optimizer,
    check_return_function,
    check_strategy,
    check_update_rule,
)
from discover.testing.returns import example_segment
from discover.testing.small import Corridor, Reinforced

Update = tuple[Any, Any, Info]


def failure(check: Any, *faulty: Any, **settings: Any) -> ConformanceError:
    """The error of a check, which always has a reason, a remedy and a place in this file."""
    with pytest.raises(ConformanceError) as caught:
        check(*faulty, **settings)
    error = caught.value
    assert error.why.endswith(".")
    assert error.remedy.endswith((".", "`"))
    assert f"{__file__}:" in error.place
    return error


# Gradients ------------------------------------------------------------------------------------------------------------


@component
class Deaf(Reinforced):
    """Stops the gradient to its own number."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> Update:
        params, state, info = Reinforced.update(self, key, world, params, state, trajectory=trajectory)
        return jax.lax.stop_gradient(params), state, info


@component
class Blocked(OneStep):
    """Stops the gradient of its targets."""

    def __call__(self, segment: Segment) -> Targets:
        return jax.lax.stop_gradient(OneStep.__call__(self, segment))


@component
class Frozen(Optimizer):
    """Stops the gradient to its learning rate."""

    rate: Scalar = real(0.1, low=0.0, high=1.0)

    def init(self, params: Any) -> Any:
        return ()

    def update(self, gradient: Any, state: Any, params: Any, progress: jax.Array) -> tuple[Any, Any]:
        rate = jax.lax.stop_gradient(self.rate)
        return jax.tree.map(lambda p, g: p - rate * g, params, gradient), state


@pytest.mark.slow
def test_a_stopped_gradient_of_an_update_rule() -> None:
    check_update_rule(Reinforced())
    told = "Deaf depends on 'rate', but its gradient with respect to it is zero: it is stopped."
    error = failure(check_update_rule, Deaf())
    assert str(error) == told
    assert "not_differentiable = ('rate',)" in error.remedy


def test_a_stopped_gradient() -> None:
    assert "Blocked depends on 'gamma', but" in str(failure(check_return_function, Blocked()))
    assert "Frozen depends on 'rate', but" in str(failure(check_optimizer, Frozen()))


@component
class Declared(Deaf):
    """Says that it stops the gradient."""

    not_differentiable = ("rate",)


@pytest.mark.slow
def test_a_stopped_gradient_that_is_declared_is_none() -> None:
    check_update_rule(Declared())


# Environments ---------------------------------------------------------------------------------------------------------


@component
class Eager(Corridor):
    """Resets itself."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        step = Corridor.step(self, key, state, action, task)
        fresh, observation = self.reset(key, task)
        done = step.terminated | step.truncated
        after = jnp.where(done, fresh, step.state), jnp.where(done, observation, step.observation)
        return step._replace(state=after[0], observation=after[1])


@component
class Doubled(Corridor):
    """Is truncated wherever it terminates."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        step = Corridor.step(self, key, state, action, task)
        return step._replace(truncated=step.truncated | step.terminated)


@component
class Torn(Corridor):
    """Gives its shaped reward in two parts."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        step = Corridor.step(self, key, state, action, task)
        return step._replace(shaped=jnp.stack([step.reward, -step.reward]))


def test_a_shaped_reward_that_is_no_scalar() -> None:
    assert str(failure(check_environment_shapes, Torn())).startswith("Torn() gives a shaped reward of ShapeDtypeStruct")


@component
class Bold(Corridor):
    """Has an expert that pushes too hard, or gives two numbers."""

    pushes: int = 1

    def expert(self, state: Any, task: Any) -> jax.Array:
        return jnp.full(self.pushes, 1.5)


def test_an_expert_whose_actions_are_none() -> None:
    told = "Bold(real=True) has an expert whose actions reach from 1.5 to 1.5, out of Continuous(low=(0.0,), high=(1.0,))."
    assert str(failure(check_environment, Bold(real=True))) == told
    assert "has an expert that gives ShapeDtypeStruct" in str(failure(check_environment_shapes, Bold(real=True, pushes=2)))


def test_an_environment_that_resets_itself() -> None:
    told = "Eager() resets itself: where an episode ends, its state and observation are those of a start."
    assert str(failure(check_environment, Eager())) == told


def test_episodes_without_end() -> None:
    with pytest.raises(ConformanceError) as caught:
        check_environment(Payday(length=0), longest=300)
    assert str(caught.value) == "Payday(length=0) ends no episode within 300 random steps."
    check_environment(Payday(length=200), longest=300)


def test_both_ends_at_once() -> None:
    assert str(failure(check_environment, Doubled())) == "Doubled() ends an episode in both ways at once."


# Randomness -----------------------------------------------------------------------------------------------------------


@component
class Dice(Corridor):
    """Draws from NumPy's global generator."""

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        step = Corridor.step(self, key, state, action, task)
        return step._replace(reward=step.reward + np.float32(np.random.normal()))  # noqa: NPY002


@component
class Noisy(OneStep):
    """Draws from a generator without a seed."""

    def __call__(self, segment: Segment) -> Targets:
        targets = OneStep.__call__(self, segment)
        return targets._replace(value=targets.value + np.float32(np.random.default_rng().normal()))


@component
class Moody(FinalReturn):
    """Gives other fitness at each call."""

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return FinalReturn.__call__(self, tasks) + np.random.default_rng().normal(size=6)


@component
class Global(FinalReturn):
    """Leaves its fitness alone, but not the state of the global generator."""

    def __call__(self, tasks: Sequence[TaskReturns]) -> np.ndarray:
        return FinalReturn.__call__(self, tasks) + 0.0 * np.random.normal()  # noqa: NPY002


def test_draws_of_numpy() -> None:
    assert "gives another program when it is traced again" in str(failure(check_environment, Dice()))
    assert str(failure(check_return_function, Noisy())) == "Noisy gives another program when it is traced again."
    assert str(failure(check_objective, Moody())) == "Moody gives other fitness for the same curves."
    assert str(failure(check_objective, Global())) == "Global draws from NumPy's global generator."


# Second compilations --------------------------------------------------------------------------------------------------


@component
class Loose(Corridor):
    """Begins with a number of Python, and goes on with an array."""

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        state, observation = Corridor.reset(self, key, task)
        return (state, jnp.asarray(0.0)), observation

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        step = Corridor.step(self, key, state[0], action, task)
        return step._replace(state=(step.state, jnp.ones(())))


@component
class Lax(Climb):
    """Begins with a number of Python."""

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return {"updates": jnp.asarray(0)}

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> Update:
        return {**params, "policy": params["policy"] + self.slope}, {"updates": state["updates"] + jnp.int32(1)}, {}


@component
class Slack(Hill):
    """Begins with a number of Python."""

    def init(self, key: jax.Array, space: Space, population: int) -> Any:
        return {"mean": space.start(key), "best": jnp.asarray(-1.0)}

    def ask(self, key: jax.Array, state: Any, space: Space, population: int) -> Any:
        proposal, _ = Hill.ask(self, key, {"mean": state["mean"]}, space, population)
        return proposal, state

    def tell(self, key: jax.Array, state: Any, space: Space, told: Told) -> Any:
        return {**Hill.tell(self, key, state, space, told), "best": told.fitness.max()}


def local_executor() -> Executor:
    """The executor of this process."""
    made = toys.plugins().registry.get("executor", "local").component
    assert made is not None
    executor = made()
    assert isinstance(executor, Executor)
    return executor


@component
class Forgetful(Executor):
    """Compiles a program of its own at every call."""

    inner: Executor

    def settle(self, lifetimes: int, candidate: Any, environments: Sequence[Environment]) -> Executor:
        return Forgetful(inner=self.inner.settle(lifetimes, candidate, environments))

    def run(self, work: Sequence[Work], progress: Any = None) -> Any:
        moved = [jax.jit(lambda members: jax.tree.map(lambda x: x + 0, members))(piece.candidates) for piece in work]
        return self.inner.run([piece._replace(candidates=each) for piece, each in zip(work, moved, strict=True)], progress)


def test_second_compilations() -> None:
    assert str(failure(check_environment_shapes, Loose())) == "Loose() begins with a number of Python in its state, at '1'."
    assert str(failure(check_update_rule, Lax(), toys.Blank(), Payday())) == (
        "Lax begins with a number of Python at 'state.updates'."
    )
    assert str(failure(check_strategy, Slack())) == "the state of Slack begins with a number of Python at 'best'."
    told = str(failure(check_executor, Forgetful(inner=local_executor())))
    assert told == "Forgetful compiles 1 programs again for the same shapes."


# What has no numbers of its own -----------------------------------------------------------------------------------------


@component
class Bare(ReturnFunction):
    """Rewards, and nothing else."""

    def __call__(self, segment: Segment) -> Targets:
        return Targets(segment.reward, segment.reward - segment.value)


@component
class Plain(Climb):
    """Has structure alone."""

    slope: int = 1
    noise: int = 0
    limit: int = 1000


def test_what_has_no_numbers_of_its_own_passes() -> None:
    check_return_function(Bare())
    check_update_rule(Plain(), toys.Blank(), Payday())


def test_text_and_data_agree_on_the_value_after_a_termination() -> None:
    segment = example_segment(jax.random.key(0))
    assert bool(segment.terminated.any())
    assert float(jnp.abs(jnp.where(segment.terminated, segment.next_value, 0.0)).max()) == 0.0
    assert "0 after a termination" in (Segment.__doc__ or "")
    assert "whatever stands in ``next_value`` there" in (check_return_function.__doc__ or "")


# Errors of Python -----------------------------------------------------------------------------------------------------


@component
class Silent(Climb):
    """Forgets its info."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> Any:
        return {**params, "policy": params["policy"] + self.slope}, state


@component
class Nothing(Climb):
    """Has None as its info."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> Any:
        return {**params, "policy": params["policy"] + self.slope}, state, None


@component
class Wordy(Climb):
    """Reports a number per environment."""

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> Update:
        return {**params, "policy": params["policy"] + self.slope}, state, {"reward": trajectory.reward[0]}


def test_an_info_that_is_missing_or_no_scalar() -> None:
    told = str(failure(check_update_rule, Silent(), toys.Blank(), Payday()))
    assert told == "Silent.update gives 2 results, not three: parameters, state and info."
    told = str(failure(check_update_rule, Nothing(), toys.Blank(), Payday()))
    assert told == "Nothing.update gives NoneType as its info, not a mapping."
    told = str(failure(check_update_rule, Wordy(), toys.Blank(), Payday()))
    assert told == "Wordy reports 'reward' of shape (2,), which is no scalar."


@component
class Noun(Corridor):
    """Has its spec as a property."""

    @property
    def spec(self) -> Spec:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Spec((2,), toys.Continuous((0.0,), (1.0,)))


@component
class Verb(Corridor):
    """Has its property as a method."""

    def redraw(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        return "never"


@component
class Half(Environment):
    """Has no step."""

    def spec(self) -> Spec:
        return Corridor().spec()

    def sample_task(self, key: jax.Array) -> Any:
        return jnp.zeros(())

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        return Corridor().reset(key, task)


def test_methods_and_properties_that_are_not_what_they_should_be() -> None:
    error = failure(check_environment, Noun())
    assert str(error) == "Noun.spec is a property, not a method."
    assert error.remedy == "Write `def spec(self)`."
    assert str(failure(check_environment, Verb())) == "Verb.redraw is a method, not a property."
    assert str(failure(check_environment, Half())) == "Half lacks the method 'step'."


@component
class Crashing(OneStep):
    """Divides by zero."""

    def __call__(self, segment: Segment) -> Targets:
        return Targets(segment.reward * (1 // 0), segment.value)


def test_an_error_of_python_has_the_place_of_the_line_that_raises() -> None:
    error = failure(check_return_function, Crashing())
    assert str(error).startswith("Crashing raises in a check of its kind (ZeroDivisionError: ")
    line = int(error.place.rpartition(":")[2])
    with open(__file__, encoding="utf-8") as file:
        assert "1 // 0" in file.readlines()[line - 1]
    assert error.place in error.__notes__
