"""Meta-gradients: a rule that adapts numbers of the rule that it wraps, while that one learns (arXiv 1805.09801)."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from discover import (
    Context,
    Domain,
    Heads,
    Info,
    Key,
    Optimizer,
    OptimizerState,
    Outputs,
    Params,
    Rollout,
    RuleState,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    Weights,
    World,
    component,
    domain_at,
    get,
    nodes,
    replace,
)
from discover_zoo.rules.meta_gradient.derivatives import Derivative, DerivativeState, Forward, UpdateInputs, UpdateOutputs
from discover_zoo.rules.meta_gradient.held_out import HeldOutLoss


class MetaState(NamedTuple):
    """The rule's state.

    Attributes:
        rule: state of the wrapped rule.
        eta: ``[M]``, the adapted numbers, in the coordinates of their domains.
        optimizer: state of the meta-optimizer.
        derivative: state of the derivative.
    """

    rule: RuleState
    eta: jax.Array
    optimizer: OptimizerState
    derivative: DerivativeState


@component
class MetaGradient(UpdateRule):
    """Online cross-validated meta-gradient (Xu et al. 2018, eq. 1 to 5) around any differentiable rule.

    Each update adapts the numbers eta of the wrapped rule, then lets that rule learn::

        eta    <- optimizer(dJ'(tau', params) / d params * d params / d eta)
        params <- rule_eta(tau', params)

    ``tau'`` is a fresh trajectory, which the update that led to ``params`` has not used; ``J'`` is the held-out loss on it, in
    which eta has no part. ``d params / d eta`` comes from `derivative`. Eta moves in its domains' unconstrained coordinates.

    Policy and value see how far eta has moved from its start, since the right value moves with it: the network's first layer
    embeds it. No gradient reaches eta by this way.

    Pitfall: the effect of eta on one update is tiny where the learning rate of the rule is; the size of its own optimizer's
    steps (Adam's, say) then decides how fast it moves, whatever the slope.

    Attributes:
        rule: the rule whose numbers are adapted. One that collects by itself is refused: put the meta-gradient inside it.
        held_out: ``J'``.
        optimizer: moves eta. The paper uses Adam with a learning rate of 1e-3.
        derivative: forward with a trace, or in reverse.
        adapt: dotted paths of real numbers (or weights) of ``rule``.
        embedding: whether policy and value see eta.

    >>> from discover import Discrete, Space, free
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.returns.gae import GAE
    >>> from discover_zoo.rules.a2c import A2C
    >>> from discover_zoo.rules.meta_gradient.held_out import PolicyImprovement
    >>> inner, held_out = A2C(returns=GAE(), optimizer=Adam()), PolicyImprovement(returns=GAE())
    >>> rule = MetaGradient(rule=inner, held_out=held_out, optimizer=Adam(learning_rate=1e-3), adapt=("returns.gamma",))
    >>> rule.heads(Spec((4,), Discrete(2))).context
    {'eta': 1}
    >>> replace(rule, {"adapt": ("returns.gama",)}).heads(Spec((4,), Discrete(2)))
    Traceback (most recent call last):
    discover.base.errors.UserError: GAE has no field 'gama'; did you mean 'gamma'? Known: gamma, lam.
    >>> Space(replace(rule, {"optimizer": Adam(learning_rate=free())})).dimension
    1
    """

    paper = "Xu et al. 2018, arXiv 1805.09801"
    names_parts = True

    rule: UpdateRule
    held_out: HeldOutLoss
    optimizer: Optimizer
    derivative: Derivative = Forward()
    adapt: tuple[str, ...] = ("returns.gamma", "returns.lam")
    embedding: bool = True

    @property
    def name(self) -> str:
        """The name of eta in the context; meta-gradients inside this one have shorter names."""
        return " of ".join(["eta"] * sum(isinstance(node, MetaGradient) for _, node in nodes(self)))

    def rollout(self, spec: Spec) -> Rollout:
        rollout = self.rule.rollout(spec)
        if rollout.by_rule:
            raise UserError(
                f"MetaGradient cannot wrap {type(self.rule).__name__}, which collects its experience by itself: put the "
                "MetaGradient inside it."
            )
        return rollout

    def heads(self, spec: Spec) -> Heads:
        outputs, context = self.rule.heads(spec)
        size = sum(domain.size for domain in self._domains().values())
        if self.embedding:
            outputs = {k: head._replace(reads=(*head.reads, self.name)) for k, head in outputs.items()}
        return Heads(outputs, {**context, self.name: size})

    def init(self, key: Key, world: World, params: Params) -> MetaState:
        eta, inner = self._start(), self.rule.init(key, world, params)
        rollout = self.rollout(world.spec)
        inputs = UpdateInputs(key, params, inner, world.template(params, rollout.steps, rollout.num_envs))
        return MetaState(inner, eta, self.optimizer.init(eta), self.derivative.init(inputs, eta))

    def behavior(self, params: Params, state: MetaState) -> tuple[Params, Context]:
        params, context = self._at(state.eta).behavior(params, state.rule)
        return params, {**context, self.name: state.eta - self._start()}

    def episode_context(self, key: Key, context: Context) -> Context:
        return self._at(context[self.name][0] + self._start()).episode_context(key, context)

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self._at(context[self.name][0] + self._start()).act(key, world, outputs, context)

    def update(
        self, key: Key, world: World, params: Params, state: MetaState, trajectory: Trajectory
    ) -> tuple[Params, MetaState, Info]:
        def loss(params: Params) -> jax.Array:
            return self.held_out(world, params, trajectory)

        inputs = UpdateInputs(key, params, state.rule, trajectory)
        slope = self.derivative.meta_gradient(state.derivative, self._update_at, world, inputs=inputs, eta=state.eta, loss=loss)
        eta, optimizer = self.optimizer.update(slope, state.optimizer, state.eta, world.progress)
        outputs, derivative = self.derivative.update(state.derivative, self._update_at, world, inputs=inputs, eta=eta)
        params, inner, info = outputs
        adapted = {f"{self.name}: {path}": _mean(get(self._at(eta), path)) for path in self.adapt}
        return params, MetaState(inner, eta, optimizer, derivative), {**info, **adapted}

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: MetaState, trajectory: Trajectory
    ) -> tuple[Params, MetaState]:
        params, inner = self._at(state.eta).adapt_to_task(key, world, params, state.rule, trajectory=trajectory)
        return params, state._replace(rule=inner)

    def regularizer(self, info: Info) -> jax.Array:
        return self.rule.regularizer(info)

    def _update_at(self, eta: jax.Array, world: World, inputs: UpdateInputs) -> UpdateOutputs:
        """An update of the wrapped rule with the numbers that eta stands for."""
        return self._at(eta).update(inputs.key, world, inputs.params, inputs.state, trajectory=inputs.trajectory)

    def _start(self) -> jax.Array:
        """Eta at the numbers of the candidate."""
        return jnp.concatenate([jnp.asarray(domain.encode(get(self.rule, p))) for p, domain in self._domains().items()])

    def _at(self, eta: jax.Array) -> UpdateRule:
        """The wrapped rule with the numbers that eta stands for."""
        values, first = {}, 0
        for path, domain in self._domains().items():
            values[path] = domain.decode(eta[first : first + domain.size])
            first += domain.size
        return replace(self.rule, values)

    def _domains(self) -> dict[str, Domain]:
        """The domains of the adapted numbers, by path.

        Raises:
            UserError: no number is named, one is named twice, does not exist or has no derivative.
        """
        if not self.adapt or len(set(self.adapt)) < len(self.adapt):
            raise UserError(f"adapt of MetaGradient must name one number or more, each once; got {self.adapt}.")
        return {path: _differentiable(self.rule, path) for path in self.adapt}


def _differentiable(rule: UpdateRule, path: str) -> Domain:
    """The domain at ``path`` of a rule; a sentence where the rule has no derivative with respect to it."""
    domain = domain_at(rule, path)
    head, _, name = path.rpartition(".")
    owner = get(rule, head) if head else rule
    complaint = f"adapt of MetaGradient names '{path}', but {type(owner).__name__}"
    if name in owner.not_differentiable:
        raise UserError(f"{complaint} is not differentiable with respect to '{name}': name another number.")
    if domain.dtype.__name__ != "float32":
        raise UserError(f"{complaint} has a whole number there, which has no derivative: name a real one.")
    return domain


def _mean(value: Scalar | Weights) -> jax.Array:
    """A number itself, or the mean of weights."""
    return jnp.mean(ravel_pytree(value)[0])
