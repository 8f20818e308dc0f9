"""Checks of update rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.network import Network
from discover.contract.types import Key, Params
from discover.contract.update_rule import UpdateRule
from discover.inner_loop import lifetime
from discover.inner_loop.lifetime import Lifetime
from discover.testing.components import complete
from discover.testing.failures import ConformanceError, close, finite, form, require, same_bits
from discover.testing.populations import differentiable, members
from discover.testing.small import Affine, Corridor

Train: TypeAlias = Callable[[Algorithm], tuple[jax.Array, tuple[Params, Lifetime]]]
"""A number that depends on all parameters after a few updates, with the parameters before and the lifetime after them."""


def check_update_rule(
    rule: UpdateRule, network: Network | None = None, environment: Environment | None = None, updates: int = 2
) -> None:
    """Check an update rule over a few updates on a small environment, in the same lifetime as searches use.

    The parameters change and stay finite. The state keeps its structure. The number of env steps is that of the rollout. The
    same key gives the same bits. Other numbers of the same structure need no new compilation. Members of a population are
    trained as they are alone. The rule can be differentiated with respect to its own numbers, forwards and backwards, and the
    gradient is finite (except for numbers that the rule declares not differentiable).

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

    def train(algorithm: Algorithm, key: Key) -> tuple[jax.Array, tuple[Params, Lifetime]]:
        life = lifetime.begin(algorithm, environment, key)
        after = lifetime.advance(algorithm, environment, life, start=0, stop=updates, total=updates)
        return sum((jnp.sum(x) for x in jax.tree.leaves(after.params)), jnp.zeros(())), (life.params, after)

    def train_with_gradient(algorithm: Algorithm, key: Key) -> Any:
        traces.append(name)
        return jax.value_and_grad(train, has_aux=True, allow_int=True)(algorithm, key)

    key = jax.random.key(0)
    _check_traces(lambda a: train(a, key), algorithm, name)
    program = jax.jit(train_with_gradient)
    (_, (before, after)), gradient = first = program(algorithm, key)
    require(finite(after), f"{name} gives parameters, a state or a report that is not finite in {updates} updates.")
    require(not same_bits(before, after.params), f"{name} changes no parameter in {updates} updates.")
    rollout = rule.rollout(environment.spec())
    steps = updates * rollout.steps * rollout.num_envs
    require(after.env_steps == steps, f"{name} takes {after.env_steps} env steps where its rollout says {steps}.")
    require(
        finite(differentiable(algorithm, gradient)),
        f"{name} has a gradient with respect to its own numbers that is not finite.",
    )
    require(same_bits(first, program(algorithm, key)), f"{name} gives other bits when it is run again.")
    population = members(algorithm, 3, spread=0.1)
    together = jax.jit(jax.vmap(lambda a: train(a, key)))(population)
    for index in range(3):
        one, alone = jax.tree.map(lambda x, i=index: x[i], (together, population))
        (value, (_, life)), _ = program(alone, key)
        same = close((one[0], one[1][1].params), (value, life.params), 1e-3)
        require(same, f"{name} trains a member of a population otherwise than alone.")
    require(len(traces) == 1, f"{name} is compiled anew for other numbers of the same structure.")


def _corridor_for(rule: UpdateRule) -> Environment:
    """A corridor with discrete actions, or with real ones if the rule refuses those."""
    try:
        rule.heads(Corridor().spec())
    except UserError:
        return Corridor(real=True)
    return Corridor()


def _check_traces(train: Train, algorithm: Algorithm, name: str) -> None:
    """Check by a trace alone that the parameters keep their structure, and that both kinds of derivative can be taken."""
    before, after = _forms(train, algorithm, name)
    require(form(before) == form(after.params), f"{name} gives parameters of another form than it was given.")
    tangent = jax.tree.map(_tangent, algorithm)
    for direction, differentiate in (
        ("forwards", lambda a: jax.jvp(train, (a,), (tangent,))),
        ("backwards", lambda a: jax.grad(train, has_aux=True, allow_int=True)(a)),
    ):
        try:
            jax.jit(differentiate).lower(algorithm)  # forwards, a custom_vjp raises no earlier
        except (TypeError, ValueError) as error:
            cause = str(error).splitlines()[0]
            require(
                False,
                f"{name} cannot be differentiated {direction} ({cause}): use neither while_loop nor custom_vjp in update.",
            )


def _tangent(x: jax.Array) -> jax.Array | np.ndarray:
    """A tangent of a leaf: ones, or the zero of integers."""
    return jnp.ones_like(x) if x.dtype == jnp.float32 else np.zeros(x.shape, jax.dtypes.float0)


def _forms(train: Train, algorithm: Algorithm, name: str) -> tuple[Params, Lifetime]:
    """Shapes of the parameters before the first update, and of the lifetime after the last one."""
    try:
        return jax.eval_shape(train, algorithm)[1]
    except TypeError as error:
        if "carry" not in str(error):
            raise
        cause = " ".join(str(error).split())[:300]
        raise ConformanceError(f"{name} changes the form of its parameters or state ({cause}).") from None
