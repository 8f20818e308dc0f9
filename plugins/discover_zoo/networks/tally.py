"""The memory of hand-written players: tallies of what happened in a trial."""

import jax
import jax.numpy as jnp

from discover import Carry, Heads, Inputs, Key, Network, Outputs, Params, Registry, Spec, component, hookimpl


@component
class Tally(Network):
    """Counts visits, rewards and transitions over a trial (see the wrapper ``trials``). It has no parameters.

    After a step from state ``s`` by action ``a`` to ``s'`` with reward ``r``::

        visits[s, a] += 1;  reward_sum[s, a] += r;  transitions[s, a, s'] += 1, unless the step ended an episode

    The observation is that of ``trials`` around a family whose observations are one-hot states. The heads are of the form
    ``tally``: ``visits[S, A]`` and ``reward_sum[S, A]`` of states and actions, ``transitions[S, A, S]``, and the present
    ``state[S]``, one-hot, and the number ``step`` of steps since the present episode began. The tallies are as they were at its
    beginning, so that a plan that is computed from them is the same for the whole episode.

    >>> from discover import Discrete, Head
    >>> heads = Heads({"visits": Head((3, 2), "tally"), "step": Head((), "tally")})
    >>> Tally().init(jax.random.key(0), Spec((3 + 2 + 2,), Discrete(2)), heads)
    {}
    """

    @property
    def forms(self) -> frozenset[str]:
        return frozenset({"tally"})

    def init(self, key: Key, spec: Spec, heads: Heads) -> Params:
        return {}

    def carry(self, heads: Heads) -> Carry:
        states, actions = heads.outputs["visits"].shape
        pairs = jnp.zeros((states, actions))
        tallies = {"visits": pairs, "reward_sum": pairs, "transitions": jnp.zeros((states, actions, states))}
        return {"state": jnp.zeros(states), "step": jnp.zeros(()), "now": tallies, "before": tallies}

    def apply(self, params: Params, heads: Heads, inputs: Inputs, carry: Carry) -> tuple[Outputs, Carry]:
        states, actions = heads.outputs["visits"].shape
        state, action, reward, ended = jnp.split(inputs.observation, (states, states + actions, states + actions + 1), axis=-1)
        carry = jax.tree.map(lambda x: _where(inputs.is_first, jnp.zeros_like(x), x), carry)
        pair = carry["state"][..., :, None] * action[..., None, :]
        went = pair[..., None] * jnp.where(ended > 0.0, 0.0, state)[..., None, None, :]  # the end leads nowhere
        more = {"visits": pair, "reward_sum": pair * reward[..., None], "transitions": went}
        now = jax.tree.map(jnp.add, carry["now"], more)
        begins = inputs.is_first | (ended[..., 0] > 0.0)
        before = jax.tree.map(lambda new, old: _where(begins, new, old), now, carry["before"])
        step = jnp.where(begins, 0.0, carry["step"] + 1.0)
        outputs = {**before, "state": state, "step": step}
        return {name: outputs[name] for name in heads.outputs}, {"state": state, "step": step, "now": now, "before": before}


def _where(condition: jax.Array, chosen: jax.Array, otherwise: jax.Array) -> jax.Array:
    """`jax.numpy.where` with a condition that lacks the last axes."""
    return jnp.where(condition.reshape(condition.shape + (1,) * (chosen.ndim - condition.ndim)), chosen, otherwise)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("tally", Tally)
