"""What a newcomer may write wrongly: each error of Python or JAX becomes a sentence with a place, a reason and a remedy."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from toys import OneStep

from discover import (
    Algorithm,
    Environment,
    Objective,
    Optimizer,
    ReturnFunction,
    Segment,
    Step,
    Strategy,
    Targets,
    Wrapper,
    component,
)
from discover.testing import (
    ConformanceError,
    check_environment,
    check_network,
    check_objective,
    check_optimizer,
    check_recipe,
    check_return_function,
    check_strategy,
    check_update_rule,
    check_wrapper,
)
from discover.testing.small import Affine, Corridor, Reinforced

KEPT: list[Any] = []


def told(check: Callable[..., object], *broken: Any) -> ConformanceError:
    with pytest.raises(ConformanceError) as caught:
        check(*broken)
    assert caught.value.why.endswith(".")
    assert caught.value.remedy.endswith(".")
    return caught.value


def line_of(error: ConformanceError) -> str:
    """The line of code at the place of an error, which must be in this file."""
    file, _, number = error.place.rpartition(":")
    assert file == __file__
    with open(__file__, encoding="utf-8") as text:
        return text.readlines()[int(number) - 1]


# Lines of one return function ---------------------------------------------------------------------------------------------


def _leak(self: Any, segment: Any) -> Any:
    KEPT.append(segment.reward * 1.0)
    return KEPT[0] + segment.reward


LINES: Mapping[str, tuple[Callable[[Any, Any], Any], str, str]] = {
    "if": (lambda self, s: 1 if s.reward[0, 0] > 0 else 2, "asks whether a traced number is true", "jnp.where"),
    "float": (lambda self, s: float(self.gamma), "makes a plain number of a traced one", "leave float() and int() out"),
    "int": (lambda self, s: int(self.gamma), "makes a plain number of a traced one", "leave float() and int() out"),
    "list": (lambda self, s: [1, 2][s.terminated[0, 0].astype(int)], "uses a traced number as a plain integer", "jnp.asarray"),
    "numpy": (lambda self, s: np.exp(s.reward), "hands a traced array to NumPy", "jnp in the place of np"),
    "format": (lambda self, s: f"{self.gamma:.2f}", "formats a traced number as text", "jax.debug.print"),
    "shape": (lambda self, s: s.reward + jnp.ones(5), "combines arrays whose shapes or dtypes do not fit ((7, 3)", "Print"),
    "stack": (lambda self, s: jnp.stack([s.reward, s.reward[0]]), "combines arrays whose shapes or dtypes do not fit", "Print"),
    "assign": (lambda self, s: s.reward.__setitem__(0, 1.0), "assigns to an element of an array", "x.at[index].set(value)"),
    "mask": (lambda self, s: s.reward[s.reward > 0], "picks elements by a traced mask", "jnp.where"),
    "index": (lambda self, s: s.reward[0, 0, 0], "asks for a place that is not there", "x.shape"),
    "key": (lambda self, s: {}["x"], "asks for a name that is not there ('x')", "Correct the name"),
    "attribute": (lambda self, s: s.rewards, "asks for an attribute that is not there ('Segment'", "Compare the name"),
    "none": (lambda self, s: [*print()], "uses None where a value is expected", "missing `return`"),  # type: ignore[func-returns-value]
    "field": (lambda self, s: setattr(self, "gamma", 1.0), "sets an attribute of a component", "part of the state"),
    "range": (lambda self, s: [*range(self.gamma)], "uses an array as a plain integer", "fori_loop"),
    "tree": (lambda self, s: s.reward * {}, "computes with a dict, a list or a tuple", "jax.tree.map"),
    "leak": (_leak, "uses an array of an earlier trace", "put it into the state"),
}


@component
class Mine(OneStep):
    """Runs one of the lines first."""

    line: str = ""

    def __call__(self, segment: Segment) -> Targets:
        LINES[self.line][0](self, segment)
        return OneStep.__call__(self, segment)


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_a_return_function(line: str) -> None:
    KEPT.clear()
    error = told(check_return_function, Mine(line=line))
    assert str(error).startswith(f"Mine {LINES[line][1]}")
    assert LINES[line][2] in error.remedy
    assert ("def __call__" if line == "leak" else f'"{line}": ') in line_of(error)


# An `if`, and a wrong return, in each kind --------------------------------------------------------------------------------


@component
class Rule(Reinforced):
    """Branches in Python."""

    def update(self, key: Any, world: Any, params: Any, state: Any, trajectory: Any) -> Any:
        if trajectory.reward.mean() > 0:  # a branch
            params = jax.tree.map(jnp.negative, params)
        return params, state, {}


@component
class Walk(Corridor):
    """Branches in Python."""

    def step(self, key: Any, state: Any, action: Any, task: Any) -> Step:
        if state[0] > 0:  # a branch
            action = 1 - action
        return Corridor.step(self, key, state, action, task)


@component
class Layers(Affine):
    """Branches in Python; with ``whole`` it gives one array."""

    whole: bool = False

    def apply(self, params: Any, heads: Any, inputs: Any, carry: Any) -> Any:
        if self.whole:
            return inputs.observation
        if inputs.is_first.any():  # a branch
            return {}, carry
        return Affine.apply(self, params, heads, inputs, carry)


@component
class Descent(Optimizer):
    """Branches in Python; with ``whole`` it gives parameters alone."""

    whole: bool = False

    def init(self, params: Any) -> Any:
        return ()

    def update(self, gradient: Any, state: Any, params: Any, progress: Any) -> Any:
        if self.whole:
            return params
        return (params, state) if progress > 0.5 else (gradient, state)  # a branch


@component
class Search(Strategy):
    """Branches in Python; with ``whole`` it proposes genomes alone."""

    whole: bool = False

    def init(self, key: Any, space: Any, population: int) -> Any:
        return jnp.zeros(space.dimension)

    def ask(self, key: Any, state: Any, space: Any, population: int) -> Any:
        genomes = jnp.zeros((population, space.dimension))
        return genomes if self.whole else (state if state[0] > 0 else genomes, state)  # a branch

    def tell(self, key: Any, state: Any, space: Any, told: Any) -> Any:
        return state


@component
class Score(Objective):
    """Asks for the truth of an array; with ``whole`` it returns nothing."""

    whole: bool = False

    def __call__(self, tasks: Any) -> Any:
        if not self.whole and tasks[0].returns > 0:  # a branch
            return 0.0
        return None


@component
class Empty(Wrapper):
    """Returns nothing; or branches in what it makes."""

    whole: bool = False

    def wrap(self, environment: Environment) -> Any:
        return None if self.whole else Walk()


@pytest.mark.parametrize(
    ("check", "broken"),
    [
        (check_update_rule, Rule()),
        (check_recipe, Algorithm(rule=Rule(), network=Affine())),
        (check_recipe, Algorithm(rule=Reinforced(), network=Layers())),
        (check_environment, Walk()),
        (check_network, Layers()),
        (check_optimizer, Descent()),
        (check_strategy, Search()),
        (check_objective, Score()),
        (check_wrapper, Empty()),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_a_branch_in_python(check: Callable[..., object], broken: Any) -> None:
    error = told(check, broken)
    assert "asks whether a traced number is true" in str(error) or "asks whether a whole array is true" in str(error)
    assert "# a branch" in line_of(error)


@pytest.mark.parametrize(
    ("check", "broken", "sentence"),
    [
        (check_network, Layers(whole=True), "Layers.apply gives ShapeDtypeStruct, not a pair of outputs by name and a carry."),
        (check_optimizer, Descent(whole=True), "Descent.update gives dict, not a pair of new parameters and state."),
        (check_strategy, Search(whole=True), "Search.ask gives DynamicJaxprTracer, not a pair of a Proposal and a state."),
        (check_objective, Score(whole=True), "Score gives None, not one number per candidate."),
        (check_wrapper, Empty(whole=True), "Empty.wrap gives NoneType, not an environment."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_wrong_return(check: Callable[..., object], broken: Any, sentence: str) -> None:
    assert str(told(check, broken)) == sentence


@component
class Short(ReturnFunction):
    """Takes something that nobody gives."""

    def __call__(self, segment: Segment, extra: Any) -> Targets:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Targets(segment.reward, extra)


def test_other_parameters() -> None:
    error = told(check_return_function, Short())
    assert str(error) == "Short.__call__ takes (self, segment, extra), not (self, segment)."


# Ends of episodes ---------------------------------------------------------------------------------------------------------


@component
class Rail(Corridor):
    """Ends in both ways where one action is held to the end, which random ones do not reach."""

    def step(self, key: Any, state: Any, action: Any, task: Any) -> Step:
        place = state[1] + jnp.where(action == 1, 1.0, 0.0)
        count = state[0] + 1.0
        late, far = count >= 20.0, place >= 20.0
        after = jnp.stack([count, place])
        return Step(state=after, observation=after, reward=place, terminated=far, truncated=late)

    def reset(self, key: Any, task: Any) -> Any:
        return jnp.zeros(2), jnp.zeros(2)


@component
class Long(Rail):
    """Its far end is out of reach."""

    def step(self, key: Any, state: Any, action: Any, task: Any) -> Step:
        step = Rail.step(self, key, state, action, task)
        return step._replace(terminated=step.state[1] > 100.0)


@component
class Timed(Rail):
    """Has no end but its limit."""

    def step(self, key: Any, state: Any, action: Any, task: Any) -> Step:
        return Rail.step(self, key, state, action, task)._replace(terminated=jnp.array(False))


def test_an_end_in_both_ways_that_only_a_held_action_reaches() -> None:
    assert str(told(check_environment, Rail())) == "Rail() ends an episode in both ways at once."


def test_an_end_that_was_not_seen_is_a_note() -> None:
    told_as_note = "no episode terminated in the check, so what happens at an end by itself was not seen."
    assert check_environment(Long()) == (told_as_note,)
    assert check_environment(Timed()) == ()
