"""Changes of all that an agent holds in the form of its parameters: the optimizer's state, target networks, older copies."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

from discover.base.errors import UserError
from discover.components.paths import nodes
from discover.contract.optimizer import Optimizer
from discover.contract.params_map import ParamsMap
from discover.contract.types import OptimizerState, Params, RuleState
from discover.contract.update_rule import UpdateRule
from discover.contract.world import World

_Form: TypeAlias = tuple[Any, tuple[tuple[int, ...], ...]]
"""The structure of a tree, and the shapes of its leaves."""

_Owner: TypeAlias = Optimizer | int | None
"""Whose a part of a rule's state is: an optimizer's; the network's, below so many leading axes; or none of theirs."""


class _Parts(NamedTuple):
    """A rule's state in parts: those in the form of the parameters or of an optimizer's state are whole, others are leaves."""

    values: list[Any]
    owners: list[_Owner]
    structure: Any


def map_agent(
    rule: UpdateRule, params: Params, state: RuleState, change: ParamsMap, *, when: jax.Array
) -> tuple[Params, RuleState]:
    """The parameters and the rule's state after a change of the parameters; for `Curriculum.before_update`.

    Within the state, whatever has the form of an optimizer's state is changed by `Optimizer.map_state`; whatever has the form
    of the parameters (a target network; with leading axes, a row of older copies) is changed as they are. All else stays.

    Args:
        rule: the rule, whose optimizers are found in its fields.
        params: before the change.
        state: the rule's state before the change.
        change: the change.
        when: scalar; where it is false, nothing changes.
    """
    parts = _parts_of(rule, params, state)
    places = [place for place, owner in enumerate(parts.owners) if owner is not None]

    def changed(before: tuple[Params, list[Any]]) -> tuple[Params, list[Any]]:
        mapped = [_mapped(parts.owners[i], value, before[0], change) for i, value in zip(places, before[1], strict=True)]
        return change.params(before[0]), mapped

    held = (params, [parts.values[place] for place in places])
    params, mapped = jax.lax.cond(when, changed, lambda before: before, held)
    values = list(parts.values)
    for place, value in zip(places, mapped, strict=True):
        values[place] = value
    return params, jax.tree.unflatten(parts.structure, values)


def check_mappable(rule: UpdateRule, world: World, other: World) -> None:
    """Check that `map_agent` reaches all of a rule's state that depends on the form of the network's parameters.

    Args:
        rule: the rule.
        world: its world.
        other: the same world with a network of other sizes.

    Raises:
        UserError: some of the state has another shape there, and is neither like the parameters nor an optimizer's state.
    """
    here, there = (_shapes_beside(rule, one) for one in (world, other))
    if here != there:
        apart = next((pair for pair in zip(here, there, strict=False) if pair[0] != pair[1]), ((), ()))
        raise UserError(
            f"{type(rule).__name__} keeps what depends on the network's size ({apart[1]} or {apart[0]}) and is neither like "
            "its parameters nor an optimizer's state, so that the network cannot change: choose another rule or curriculum."
        )


def _shapes_beside(rule: UpdateRule, world: World) -> list[tuple[int, ...]]:
    """The shapes of all parts of the rule's state that `map_agent` leaves as they are."""

    def begin(key: jax.Array) -> tuple[Params, RuleState]:
        params = world.initial_params(key)
        return params, rule.init(key, world, params)

    parts = _parts_of(rule, *jax.eval_shape(begin, jax.random.key(0)))
    return [tuple(part.shape) for part, owner in zip(parts.values, parts.owners, strict=True) if owner is None]


def _mapped(owner: _Owner, part: OptimizerState | Params, params: Params, change: ParamsMap) -> OptimizerState | Params:
    """One part of the state after the change."""
    if isinstance(owner, Optimizer):
        return owner.map_state(part, params, change)
    mapped = change.params
    for _ in range(owner or 0):
        mapped = jax.vmap(mapped)
    return mapped(part)


def _parts_of(rule: UpdateRule, params: Params, state: RuleState) -> _Parts:
    form = _form(params)
    optimizers = [(one, _form(jax.eval_shape(one.init, params))) for _, one in nodes(rule) if isinstance(one, Optimizer)]
    known = [(one, kept) for one, kept in optimizers if kept[1]]  # one that keeps nothing has nothing to change

    def owner(tree: Any) -> _Owner:
        if jax.tree_util.all_leaves([tree]):
            return None
        own = _form(tree)
        for optimizer, kept in known:
            if own == kept:
                return optimizer
        return _leading_axes(own, form)

    values, structure = jax.tree.flatten(state, is_leaf=lambda tree: owner(tree) is not None)
    return _Parts(values, [owner(value) for value in values], structure)


def _form(tree: Any) -> _Form:
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple(jnp.shape(leaf) for leaf in leaves)


def _leading_axes(form: _Form, inner: _Form) -> int | None:
    """The number of leading axes, the same for all leaves, that one form has before those of another; None if it has not."""
    if form[0] != inner[0] or not inner[1]:
        return None
    axes = len(form[1][0]) - len(inner[1][0])
    lead = form[1][0][: max(axes, 0)]
    fits = axes >= 0 and all(shape == lead + own for shape, own in zip(form[1], inner[1], strict=True))
    return axes if fits else None
