"""Checks of environment wrappers and curricula: of what they make of a small environment and a small network."""

from __future__ import annotations

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.contract.algorithm import Algorithm
from discover.contract.curriculum import Curriculum
from discover.contract.environment import Environment, Wrapper
from discover.contract.network import AUXILIARY_LOSS, Head, Heads, Inputs, Network
from discover.testing.components import complete
from discover.testing.environments import check_environment, check_environment_shapes
from discover.testing.failures import ConformanceError, form, require
from discover.testing.guard import guarded
from discover.testing.networks import check_network
from discover.testing.small import Affine, Corridor, Reinforced


@guarded("wrap")
def check_wrapper(wrapper: Wrapper) -> None:
    """Check a wrapper by the environments that it makes of small ones with discrete and with real actions.

    It takes at least one of the two, or else one with factored actions; whatever it makes passes `check_environment`.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    wrapper, name, refusals = complete(wrapper), type(wrapper).__name__, []
    for inner in (Corridor(), Corridor(real=True), Corridor(factored=True)):
        if inner.factored and len(refusals) < 2:
            break
        try:
            wrapped = wrapper.wrap(inner)
            if isinstance(wrapped, Environment):
                wrapped.spec()
        except UserError as error:
            refusals.append(str(error))
            continue
        require(
            isinstance(wrapped, Environment),
            f"{name}.wrap gives {type(wrapped).__name__}, not an environment.",
            "A wrapper turns one family of tasks into another.",
            "Return a component that derives from Environment.",
        )
        _check_made(name, "environment", lambda made=wrapped: check_environment(made))
    require(
        len(refusals) < 3,
        f"{name} wraps no environment with discrete, real or factored actions ({'; '.join(refusals)}).",
        "A wrapper must fit some environment.",
        "Let `wrap` pass on what it does not change: spec, sample_task, redraw.",
    )


@guarded("wrap_network")
def check_curriculum(curriculum: Curriculum, network: Network | None = None) -> tuple[str, ...]:
    """Check a curriculum by the network and the environment that it makes of small ones.

    The network passes `check_network`, and its auxiliary loss, if it has one, is one number per row. The environment passes
    `check_environment_shapes`. A change of the agent keeps the form of its parameters.

    Args:
        curriculum: to be checked.
        network: one that it takes; a small one unless given.

    Returns:
        What could not be checked, a sentence each.

    Raises:
        ConformanceError: the first check that fails, in one sentence.
    """
    curriculum, name = complete(curriculum), type(curriculum).__name__
    inner, notes = Affine() if network is None else network, ()
    try:
        made = curriculum.wrap_network(inner)
    except UserError as error:
        require(network is None, f"{name} refuses the network: {error}", "It was given as one that it takes.", "Give another.")
        notes = (f"{name} refuses the small network of the checks ({error}): give check_curriculum one that it takes.",)
    else:
        _check_network(name, made)
        _check_change(curriculum, name, inner)
    family = curriculum.wrap_family(Corridor())
    require(
        isinstance(family, Environment),
        f"{name}.wrap_family gives {type(family).__name__}, not an environment.",
        "A curriculum may change the tasks, not the way in which they are used.",
        "Return a component that derives from Environment.",
        method="wrap_family",
    )
    _check_made(name, "environment", lambda: check_environment_shapes(family))
    return notes


def _check_network(name: str, network: Network) -> None:
    """Check the network that a curriculum makes of another one."""
    require(
        isinstance(network, Network),
        f"{name}.wrap_network gives {type(network).__name__}, not a network.",
        "A rule sees one agent, whatever stands behind it.",
        "Return a component that derives from Network.",
    )
    _check_auxiliary_loss(name, network)
    _check_made(name, "network", lambda: check_network(network))


def _check_change(curriculum: Curriculum, name: str, inner: Network) -> None:
    """Check how a curriculum changes an agent with a network."""
    rule = Reinforced()
    world = Algorithm(rule=rule, network=inner, curriculum=curriculum).world(Corridor(), 1.0)

    def changed(key: jax.Array) -> tuple[object, object]:
        params = world.initial_params(key)
        held = (params, rule.init(key, world, params))
        return held, curriculum.before_update(key, world, rule, params=held[0], state=held[1])

    before, after = jax.eval_shape(changed, jax.random.key(0))
    require(
        form(before) == form(after),
        f"{name}.before_update changes the form of the parameters or of the rule's state.",
        "All updates of a lifetime are one compiled program.",
        "Give the parameters their last shapes from the start, with zeros for what is not in use.",
        method="before_update",
    )


def _check_auxiliary_loss(name: str, network: Network) -> None:
    spec, heads = Corridor().spec(), Heads({"policy": Head((2,), mix="distribution"), "value": Head(())})
    inputs = Inputs(jnp.ones((3, 2)), jnp.zeros(3, bool), {}, jnp.zeros(()))

    def outputs(key: jax.Array) -> object:
        carry = jax.tree.map(lambda x: jnp.broadcast_to(x, (3, *x.shape)), network.carry(heads))
        return network.apply(network.init(key, spec, heads), heads, inputs, carry)[0].get(AUXILIARY_LOSS)

    loss = jax.eval_shape(outputs, jax.random.key(0))
    shape = None if loss is None else jnp.shape(loss)
    require(
        shape in (None, (3,)),
        f"{name} adds an auxiliary loss of shape {shape}, not one number per row.",
        "World.gradient adds its mean over the batch.",
        "Take the mean over the axes of each head.",
    )


def _check_made(name: str, noun: str, check: object) -> None:
    """Run a check of what a component makes; its failure names the component too."""
    assert callable(check)
    try:
        check()
    except ConformanceError as error:
        raised = ConformanceError(f"the {noun} that {name} makes fails: {error.sentence}", error.why, error.remedy)
        raised.place = error.place
        raise raised from None
