"""Laws of update rules."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from discover.base.errors import UserError
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.network import Network
from discover.contract.update_rule import UpdateRule
from discover.inner_loop import lifetime
from discover.testing.components import settled
from discover.testing.failures import ConformanceError, close, finite, form, require, same_bits
from discover.testing.populations import differentiable, members
from discover.testing.small import Affine, Corridor


def check_update_rule(
    rule: UpdateRule, network: Network | None = None, environment: Environment | None = None, updates: int = 2
) -> None:
    """Check an update rule over a few updates on a small environment, in the lifetime that searches use.

    It trains: parameters change and stay finite, its state keeps its form, its clock is true to its rollout. Same key, same
    bits; other numbers compile nothing anew; a population agrees with its members alone. It can be differentiated with respect
    to its own numbers, forwards and backwards, to finite values (but for those that it declares not differentiable).

    Args:
        rule: choose small sizes, since it is compiled twice.
        network: one that gives the heads of the rule; an affine one unless given.
        environment: what to train on; unless given, a small one with discrete actions, or with real ones for a rule that
            refuses those.
        updates: more for a rule that does not learn at every update.

    Raises:
        ConformanceError: in one sentence.
    """
    algorithm = settled(Algorithm(rule=rule, network=network or Affine()))
    environment, name, traces = settled(environment or _walkable(rule)), type(rule).__name__, []

    def trained(algorithm: Algorithm, key: jax.Array) -> tuple[jax.Array, Any]:
        life = lifetime.begin(algorithm, environment, key)
        after = lifetime.advance(algorithm, environment, life, 0, stop=updates, total=updates)
        return sum((jnp.sum(x) for x in jax.tree.leaves(after.params)), jnp.zeros(())), (life.params, after)

    def differentiated(algorithm: Algorithm, key: jax.Array) -> Any:
        traces.append(name)
        return jax.value_and_grad(trained, has_aux=True, allow_int=True)(algorithm, key)

    key = jax.random.key(0)
    _check_traces(lambda a: trained(a, key), algorithm, name)
    program = jax.jit(differentiated)
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
    together = jax.jit(jax.vmap(lambda a: trained(a, key)))(population)
    for index in range(3):
        one, alone = jax.tree.map(lambda x, i=index: x[i], (together, population))
        (value, (_, life)), _ = program(alone, key)
        same = close((one[0], one[1][1].params), (value, life.params), 1e-3)
        require(same, f"{name} trains a member of a population otherwise than alone.")
    require(len(traces) == 1, f"{name} is compiled anew for other numbers of the same structure.")


def _walkable(rule: UpdateRule) -> Environment:
    """A corridor with actions that the rule does not refuse."""
    try:
        rule.heads(Corridor().spec())
    except UserError:
        return Corridor(real=True)
    return Corridor()


def _check_traces(trained: Any, algorithm: Algorithm, name: str) -> None:
    """Check what a trace alone can tell: the form of the state, and both kinds of derivative."""
    begun, after = _forms(trained, algorithm, name)
    require(form(begun) == form(after.params), f"{name} gives parameters of another form than it was given.")
    tangent = jax.tree.map(_tangent, algorithm)
    for how, differentiate in (
        ("forwards", lambda a: jax.jvp(trained, (a,), (tangent,))),
        ("backwards", lambda a: jax.grad(trained, has_aux=True, allow_int=True)(a)),
    ):
        try:
            jax.jit(differentiate).lower(algorithm)  # forwards, a custom_vjp is told no earlier
        except (TypeError, ValueError) as error:
            cause = str(error).splitlines()[0]
            require(False, f"{name} cannot be differentiated {how} ({cause}): use neither while_loop nor custom_vjp in update.")


def _tangent(x: Any) -> Any:
    return jnp.ones_like(x) if x.dtype == jnp.float32 else np.zeros(x.shape, jax.dtypes.float0)


def _forms(trained: Any, algorithm: Algorithm, name: str) -> tuple[Any, Any]:
    try:
        return jax.eval_shape(trained, algorithm)[1]
    except TypeError as error:
        if "carry" not in str(error):
            raise
        cause = " ".join(str(error).split())[:300]
        raise ConformanceError(f"{name} changes the form of its parameters or state ({cause}).") from None
