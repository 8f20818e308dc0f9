"""Memories of a meta-network: one step of an LSTM or of a GRU on sums of its inputs that are known before."""

from typing import Literal, NamedTuple, Protocol, TypeAlias

import jax
import jax.numpy as jnp

CellName: TypeAlias = Literal["lstm", "gru"]
"""A kind of memory."""

State: TypeAlias = tuple[jax.Array, ...]
"""The memory ``[..., units]`` each; the output is the first."""


class Step(Protocol):
    """One step of a memory."""

    def __call__(self, sums: jax.Array, state: State, memory: jax.Array) -> State:
        """The next memory.

        Args:
            sums: ``[..., gates, units]``, the weighted inputs with their bias.
            state: the memory before.
            memory: ``[units, gates, units]``, weights of the output before.
        """
        ...


class Cell(NamedTuple):
    """A kind of memory.

    Attributes:
        gates: how many sums of inputs each unit has.
        states: how many vectors the memory has.
        keep: the gate that says how much is kept.
        keep_bias: its bias at first.
        step: one step.
    """

    gates: int
    states: int
    keep: int
    keep_bias: float
    step: Step


def lstm_step(sums: jax.Array, state: State, memory: jax.Array) -> State:
    """One step of an LSTM: ``c' = sigmoid(f) c + sigmoid(i) tanh(g)``, ``h' = sigmoid(o) tanh(c')`` with gates i, f, g, o.

    >>> h, c = lstm_step(jnp.zeros((4, 2)), (jnp.zeros(2), jnp.ones(2)), jnp.zeros((2, 4, 2)))
    >>> print(c)
    [0.5 0.5]
    """
    output, cell = state
    write, keep, new, show = jnp.moveaxis(sums + jnp.tensordot(output, memory, axes=1), -2, 0)
    cell = jax.nn.sigmoid(keep) * cell + jax.nn.sigmoid(write) * jnp.tanh(new)
    return jax.nn.sigmoid(show) * jnp.tanh(cell), cell


def gru_step(sums: jax.Array, state: State, memory: jax.Array) -> State:
    """One step of a GRU: ``h' = z h + (1 - z) tanh(n + r (U h))``, ``z`` and ``r`` sigmoids, with gates z, r, n.

    >>> print(*gru_step(jnp.zeros((3, 2)), (jnp.ones(2),), jnp.zeros((2, 3, 2))))
    [0.5 0.5]
    """
    (output,) = state
    keep, reset, new = jnp.moveaxis(sums, -2, 0)
    from_keep, from_reset, from_new = jnp.moveaxis(jnp.tensordot(output, memory, axes=1), -2, 0)
    keep = jax.nn.sigmoid(keep + from_keep)
    return (keep * output + (1.0 - keep) * jnp.tanh(new + jax.nn.sigmoid(reset + from_reset) * from_new),)


CELLS: dict[CellName, Cell] = {
    "lstm": Cell(gates=4, states=2, keep=1, keep_bias=1.0, step=lstm_step),
    "gru": Cell(gates=3, states=1, keep=0, keep_bias=0.0, step=gru_step),
}
"""The kinds of memory by name. The forget gate of an LSTM begins open (Jozefowicz et al. 2015)."""


def backwards(cell: Cell, sums: jax.Array, ends: jax.Array, memory: jax.Array) -> jax.Array:
    """The outputs ``[T, B, units]`` of a memory that runs from the last step to the first, empty where an episode ends.

    Args:
        cell: the kind of memory.
        sums: ``[T, B, gates, units]``, the weighted inputs.
        ends: ``[T, B]``, whether what comes later belongs to another episode.
        memory: ``[units, gates, units]``.
    """

    def step(state: State, row: tuple[jax.Array, jax.Array]) -> tuple[State, jax.Array]:
        sums, ends = row
        state = cell.step(sums, tuple(jnp.where(ends[..., None], 0.0, x) for x in state), memory)
        return state, state[0]

    empty = (jnp.zeros((*sums.shape[1:-2], sums.shape[-1])),) * cell.states
    return jax.lax.scan(step, empty, (sums, ends), reverse=True)[1]
