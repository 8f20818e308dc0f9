"""Checks of update rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.network import Network
from discover.contract.types import Key
from discover.contract.update_rule import Rollout, UpdateRule
from discover.inner_loop import lifetime
from discover.inner_loop.lifetime import Lifetime
from discover.testing.compilations import changed_weak_type
from discover.testing.components import complete
from discover.testing.failures import ConformanceError, close, finite, form, require, same_bits
from discover.testing.gradients import check_not_stopped
from discover.testing.guard import guarded, traced_twice
from discover.testing.populations import differentiable, members
from discover.testing.programs import quickly_compiled
from discover.testing.small import Affine, Corridor

Train: TypeAlias = Callable[[Algorithm], tuple[jax.Array, tuple[Lifetime, Lifetime]]]
"""A number that depends on all parameters after a few updates, with the lifetimes before and after them."""

_FINITE = ("One number that is not finite breaks a lifetime.", "Guard divisions, roots and logarithms by a small constant.")
_FORM = (
    "Updates run in a loop, whose state keeps its form.",
    "Return parameters and state as they came: structure, shapes, dtypes.",
)
_INFO = ("The learning curve shows one number per name and update.", "Report scalars: jnp.mean(loss).")
_POPULATION = (
    "A search trains many candidates side by side, in one program.",
    "Compute with the numbers as they are: float(), int() and shapes made of them belong to one candidate alone.",
)


@guarded("update")
def check_update_rule(
    rule: UpdateRule, network: Network | None = None, environment: Environment | None = None, updates: int = 2
) -> None:
    """Check an update rule over a few updates on a small environment, in the same lifetime as searches use.

    The parameters change and stay finite. The state keeps its structure. The number of env steps is that of the rollout. The
    same key gives the same bits. Other numbers of the same structure need no new compilation. Members of a population are
    trained as they are alone. The rule can be differentiated with respect to its own numbers, forwards and backwards, and the
    gradient is finite and nowhere stopped (except for numbers that the rule declares not differentiable). What it reports are
    scalars. Every trace is the same program.

    Args:
        rule: with small sizes, since it is compiled twice.
        network: that has the heads of the rule; by default an affine one.
        environment: to train on; by default a small one with discrete actions, or with real ones for a rule that refuses
            discrete ones.
        updates: more than 2 for a rule that does not learn at every update.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    algorithm = complete(Algorithm(rule=rule, network=network or Affine()))
    environment, name, traces = complete(environment or _corridor_for(rule)), type(rule).__name__, []
    _check_results(algorithm, environment, name)

    def train(algorithm: Algorithm, key: Key) -> tuple[jax.Array, tuple[Lifetime, Lifetime]]:
        life = lifetime.begin(algorithm, environment, key)
        after = lifetime.advance(algorithm, environment, life, start=0, stop=updates, total=updates)
        return _weighted_sum(after.params), (life, after)

    def train_with_gradient(algorithm: Algorithm, key: Key) -> Any:
        traces.append(name)
        return jax.value_and_grad(train, has_aux=True, allow_int=True)(algorithm, key)

    key, program = jax.random.key(0), quickly_compiled(train_with_gradient)
    _check_traces(lambda a: train(a, key), algorithm, name, backwards=lambda a: program.trace(a, key))
    (_, (before, after)), gradient = first = program(algorithm, key)
    require(finite(after), f"{name} gives parameters, a state or a report that is not finite in {updates} updates.", *_FINITE)
    require(
        not same_bits(before.params, after.params),
        f"{name} changes no parameter in {updates} updates.",
        "A rule learns at each update, or after some of them.",
        "Return the new parameters; for a rule that learns later, call check_update_rule with more updates.",
    )
    rollout = rule.rollout(environment.spec())
    steps = updates * rollout.steps * rollout.num_envs
    require(
        after.env_steps == steps,
        f"{name} takes {after.env_steps} env steps where its rollout says {steps}.",
        "A lifetime must know what an update costs before it runs.",
        "Return Rollout(steps, num_envs) of what is collected.",
        method="rollout",
    )
    require(
        finite(differentiable(algorithm, gradient)),
        f"{name} has a gradient with respect to its own numbers that is not finite.",
        *_FINITE,
    )
    require(
        same_bits(first, program(algorithm, key)),
        f"{name} gives other bits when it is run again.",
        "A search that is repeated or resumed comes to the same bits.",
        "Draw from the key alone, and keep nothing outside the state.",
    )
    rule = algorithm.rule

    def trained(rule: UpdateRule) -> Any:
        return program(dataclasses.replace(algorithm, rule=rule), key)[0][1][1].params

    check_not_stopped(rule, gradient.rule, trained, method="update")
    _check_population(algorithm, name, quickly_compiled(jax.vmap(lambda a: train(a, key))), lambda a: program(a, key))
    require(len(traces) == 1, f"{name} is compiled anew for other numbers of the same structure.", *_POPULATION)


def _check_population(
    algorithm: Algorithm, name: str, together: Callable[[Algorithm], Any], alone: Callable[[Algorithm], Any]
) -> None:
    """Check that members of a population are trained as they are alone. Without numbers there are no other members."""
    if not jax.tree.leaves(algorithm):
        return
    population = jax.tree.map(np.asarray, members(algorithm, 3, spread=0.1))
    every = together(population)
    every = jax.tree.map(np.asarray, (every[0], every[1][1].params))
    for index in range(3):
        one, member = jax.tree.map(lambda x, i=index: x[i], (every, population))
        (value, (_, life)), _ = alone(member)
        same = close(one, (value, life.params), 1e-3)
        require(same, f"{name} trains a member of a population otherwise than alone.", *_POPULATION)


def _weighted_sum(tree: Any) -> jax.Array:
    """A number that depends on every array of a tree, each number with a weight of its own, so that slopes do not cancel."""
    parts = (jnp.sum(jnp.cos(jnp.arange(float(x.size))).reshape(x.shape) * x) for x in jax.tree.leaves(tree))
    return sum(parts, jnp.zeros(()))


def _corridor_for(rule: UpdateRule) -> Environment:
    """A corridor with discrete actions, or with real ones if the rule refuses those."""
    try:
        rule.heads(Corridor().spec())
    except UserError:
        return Corridor(real=True)
    return Corridor()


def _check_results(algorithm: Algorithm, environment: Environment, name: str) -> None:
    """Check by two traces that an update gives parameters, a state and scalars by name, and is the same program each time."""
    rule, spec = algorithm.rule, algorithm.family(environment).spec()
    rollout = rule.rollout(spec)
    require(
        isinstance(rollout, Rollout),
        f"{name}.rollout gives {type(rollout).__name__}, not Rollout.",
        "A lifetime must know what an update costs before it runs.",
        "Return Rollout(steps, num_envs).",
        method="rollout",
    )

    def update(algorithm: Algorithm, key: Key) -> Any:
        world, trajectory = algorithm.world(environment), None
        params = world.initial_params(key)
        state = algorithm.rule.init(key, world, params)
        if not rollout.by_rule:
            actor = world.start(key, world.sample_tasks(key, rollout.num_envs))
            acting, context = algorithm.rule.behavior(params, state)
            trajectory = world.collect(acting, actor, key, rollout.steps, context=context)[1]
        return algorithm.rule.update(key, world, params, state, trajectory=trajectory)  # type: ignore[arg-type]

    results, same = traced_twice(update, algorithm, jax.random.key(0))
    count = len(results) if isinstance(results, tuple) else 1
    triple = isinstance(results, tuple) and count == 3
    require(
        triple,
        f"{name}.update gives {count} {'result' if count == 1 else 'results'}, not three: parameters, state and info.",
        *("A lifetime goes on with the first two, and reports the third.", "Return params, state, info; {} reports nothing."),
    )
    info = results[2]
    require(isinstance(info, Mapping), f"{name}.update gives {type(info).__name__} as its info, not a mapping.", *_INFO)
    for key, value in info.items():
        shape = getattr(value, "shape", None)
        require(shape == (), f"{name} reports '{key}' of shape {shape}, which is no scalar.", *_INFO)
    require(
        same,
        f"{name} gives another program when it is traced again.",
        "The same call must always be the same program, and a trace draws once for ever.",
        "Draw with jax.random from the key; take generators, counters and clocks out of it.",
    )


def _check_traces(train: Train, algorithm: Algorithm, name: str, *, backwards: Callable[[Algorithm], object]) -> None:
    """Check by traces alone that the parameters keep their structure, and that both kinds of derivative can be taken.

    Args:
        train: a few updates.
        algorithm: complete.
        name: of the rule.
        backwards: traces the program with the gradient.
    """
    before, after = _forms(train, algorithm, name)
    sentence = f"{name} gives parameters of another form than it was given."
    require(form(before.params) == form(after.params), sentence, *_FORM)
    own = [{"params": life.params, "state": life.rule_state} for life in (before, after)]
    changed = changed_weak_type(*own)
    require(
        changed is None,
        f"{name} begins with a number of Python at '{changed}'.",
        "A lifetime that goes on would be compiled a second time.",
        "Write jnp.zeros(()) or jnp.float32(0) in `init`.",
        method="init",
    )
    tangent = jax.tree.map(_tangent, algorithm)
    forwards = jax.jit(lambda a: jax.jvp(train, (a,), (tangent,)))
    for direction, differentiate in (
        ("forwards", forwards.lower),  # a custom_vjp raises no earlier
        ("backwards", backwards),
    ):
        try:
            differentiate(algorithm)
        except (TypeError, ValueError) as error:
            cause = str(error).splitlines()[0]
            require(
                False,
                f"{name} cannot be differentiated {direction} ({cause}): use neither while_loop nor custom_vjp in update.",
                "A meta-gradient wraps any rule, in both modes.",
                "Loop with lax.scan or a fori_loop of known length.",
            )


def _tangent(x: jax.Array) -> jax.Array | np.ndarray:
    """A tangent of a leaf: ones, or the zero of integers."""
    return jnp.ones_like(x) if x.dtype == jnp.float32 else np.zeros(x.shape, jax.dtypes.float0)


def _forms(train: Train, algorithm: Algorithm, name: str) -> tuple[Lifetime, Lifetime]:
    """Shapes of the lifetime before the first update, and after the last one."""
    try:
        return jax.eval_shape(train, algorithm)[1]
    except TypeError as error:
        if "carry" not in str(error):
            raise
        cause = " ".join(str(error).split())[:300]
        raise ConformanceError(f"{name} changes the form of its parameters or state ({cause}).", *_FORM) from None
