"""A share of replayed experience for rules that learn from fresh batches, corrected by their return function."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    AtLeast,
    Count,
    Info,
    Key,
    Params,
    Registry,
    ReturnFunction,
    Rollout,
    RuleState,
    Segment,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    WindowBuffer,
    World,
    WrappingRule,
    component,
    empty_window_buffer,
    hookimpl,
    named_key,
    nodes,
)
from discover_zoo.rules.columns import side_by_side

_KEPT = (
    "observation",
    "action",
    "log_prob",
    "reward",
    "terminated",
    "truncated",
    "next_observation",
    "is_first",
    "context",
    "shaped",
)
"""The fields of a trajectory that are replayed, beside the memory."""


class ReplayedState(NamedTuple):
    """The rule's state.

    Attributes:
        rule: state of the wrapped rule.
        buffer: of windows; ``()`` where none is replayed.
    """

    rule: RuleState
    buffer: WindowBuffer | tuple[()]


@component
class Replayed(WrappingRule):
    """Hands a rule old experience beside the fresh one, for which its return function corrects (Espeholt et al. 2018).

    Each update, ``columns`` windows are drawn evenly from the latest ``capacity`` ones and stand beside the B fresh columns: a
    share ``columns / (B + columns)`` of the batch is replayed. Env steps are those of the fresh columns. Of the replayed ones

    - values and policy are those of the parameters that learn, so that the ratio of a rule such as PPO begins at 1;
    - the return function sees the log-probability under the policy that took the action, and corrects by ``pi / mu``
      (V-trace, its leaky variant, Retrace). The advantage of V-trace has that ratio as a factor, as a policy gradient needs.

    Without columns the wrapped rule is the same to the bit.

    Pitfalls: the memory before a window is as it was when the agent acted. With a normalizer, windows are rescaled by what is
    known now, so that the ratio compares the policy on other numbers. ``minibatches`` must divide ``steps * (B + columns)``.
    What a rule around this one puts into the extra data is not replayed, and left out.

    Attributes:
        rule: a rule that learns from fresh batches by a return function that corrects.
        columns: windows that are replayed in an update; 0 for none.
        capacity: windows that are kept, a multiple of B.

    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.returns.v_trace import VTrace
    >>> from discover_zoo.rules.ppo import PPO
    >>> corrects(GAE()), corrects(VTrace())
    (False, True)
    >>> from discover import Discrete
    >>> Replayed(rule=PPO(returns=GAE(), optimizer=Adam()), columns=4).rollout(  # doctest: +ELLIPSIS
    ...     Spec((4,), Discrete(2))
    ... )
    Traceback (most recent call last):
    discover.base.errors.UserError: Replayed needs a return function that corrects for old actions, which GAE does not: use ...
    """

    paper = "Espeholt et al. 2018, arXiv 1802.01561, section 5.2.2"

    columns: Annotated[int, AtLeast(0)] = 0
    capacity: Count = 64

    def effective(self) -> UpdateRule:
        return self if self.columns else self.rule

    def inner_state(self, state: ReplayedState) -> RuleState:
        return state.rule

    def with_inner_state(self, state: ReplayedState, inner: RuleState) -> ReplayedState:
        return state._replace(rule=inner)

    def rollout(self, spec: Spec) -> Rollout:
        rollout = super().rollout(spec)
        if self.columns:
            self._check(rollout)
        return rollout

    def init(self, key: Key, world: World, params: Params) -> ReplayedState:
        buffer: WindowBuffer | tuple[()] = ()
        if self.columns:
            rollout = self.rollout(world.spec)
            buffer = empty_window_buffer(world.template(params, rollout.steps, rollout.num_envs), self.capacity, keep=_KEPT)
        return ReplayedState(super().init(key, world, params), buffer)

    def update(
        self, key: Key, world: World, params: Params, state: ReplayedState, trajectory: Trajectory
    ) -> tuple[Params, ReplayedState, Info]:
        if not isinstance(state.buffer, WindowBuffer):
            return super().update(key, world, params, state, trajectory=trajectory)
        buffer = state.buffer.add(trajectory)
        old = buffer.sample(named_key(key, "replayed"), self.columns)
        evaluated = jax.lax.stop_gradient(world.evaluate(params, old))
        outputs = {name: evaluated[name] for name in trajectory.outputs}
        log_prob = world.policy(outputs).log_prob(old.action)
        mixed = side_by_side([trajectory, old._replace(outputs=outputs, log_prob=log_prob)])
        behavior = jnp.concatenate([trajectory.log_prob, old.log_prob], axis=1)

        def segment(params: Params, batch: Trajectory) -> Segment:
            return world.segment(params, batch)._replace(behavior_log_prob=behavior)

        inside = world.view(segment_with=segment)
        params, state, info = super().update(key, inside, params, state, trajectory=mixed)
        return params, state._replace(buffer=buffer), info

    def _check(self, rollout: Rollout) -> None:
        """Check that the wrapped rule can learn from replayed experience.

        Raises:
            UserError: it collects by itself, or has no return function, or one that does not correct.
        """
        name = type(self.rule).__name__
        if rollout.by_rule:
            raise UserError(f"Replayed cannot wrap {name}, which collects its experience by itself: put it inside that rule.")
        returns = return_functions(self.rule)
        if not returns:
            raise UserError(f"Replayed finds no return function in {name} to correct: wrap a rule that has one, such as ppo.")
        for one in returns:
            if not corrects(one):
                raise UserError(
                    f"Replayed needs a return function that corrects for old actions, which {type(one).__name__} does not: use "
                    "v_trace, leaky_v_trace or retrace."
                )


def return_functions(rule: UpdateRule) -> list[ReturnFunction]:
    """The return functions of a rule, without those inside others."""
    found: dict[str, ReturnFunction] = {}
    for path, node in nodes(rule):
        if isinstance(node, ReturnFunction) and not any(path.startswith(f"{outer}.") for outer in found):
            found[path] = node
    return list(found.values())


def corrects(returns: ReturnFunction) -> bool:
    """Whether a return function uses the log-probability under the policy that acted; of several, whether all do."""
    if options := getattr(returns, "options", ()):
        return all(map(corrects, options))
    zero, no = jax.ShapeDtypeStruct((2, 1), jnp.float32), jax.ShapeDtypeStruct((2, 1), bool)
    without = Segment(*[zero] * 3, no, no, behavior_log_prob=None, target_log_prob=zero)  # type: ignore[arg-type]
    try:
        jax.eval_shape(returns, without)
    except TypeError:  # it computes with what is not there
        return True
    return False


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("replayed", Replayed)
