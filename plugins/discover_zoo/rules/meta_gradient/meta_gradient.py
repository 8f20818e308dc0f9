"""Meta-gradients: a rule that adapts numbers of the rule that it wraps, while that one learns."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from discover import (
    Context,
    Domain,
    Heads,
    Info,
    Optimizer,
    Outputs,
    Rollout,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    component,
    domain_at,
    get,
    nodes,
    replace,
)
from discover_zoo.rules.meta_gradient.derivatives import Derivative, Forward, Given, Learned
from discover_zoo.rules.meta_gradient.held_out import HeldOutLoss


class Adapting(NamedTuple):
    """The rule's state.

    Attributes:
        rule: state of the wrapped rule.
        eta: ``[M]``, what is adapted, in the coordinates of its domains.
        optimizer: state of the meta-optimizer.
        memory: what the derivative keeps of earlier updates.
    """

    rule: Any
    eta: jax.Array
    optimizer: Any
    memory: Any


@component
class MetaGradient(UpdateRule):
    """Online cross-validated meta-gradient (Xu et al. 2018, eq. 1 to 5) around any differentiable rule::

        eta    <- optimizer(dJ'(tau', params) / d params * d params / d eta)
        params <- rule_eta(tau', params)

    ``tau'`` is fresh trajectory, which the update that made ``params`` has not seen; ``J'`` is the held-out loss on it, in
    which eta plays no part. ``d params / d eta`` comes from `derivative`. Eta moves in its domains' unconstrained coordinates.

    Policy and value see how far eta has moved from where it started, since what is to be learned moves with it: the network's
    first layer embeds it. No gradient reaches eta by this way.

    Attributes:
        rule: the one whose numbers are adapted. One that collects by itself is refused: put the meta-gradient inside it.
        held_out: ``J'``.
        optimizer: what moves eta. The paper has Adam at 1e-3.
        derivative: forward with a trace, or in reverse.
        adapt: dotted paths of real numbers (or weights) of ``rule``.
        embedding: whether policy and value see eta.
    """

    paper = "Xu et al. 2018, arXiv 1805.09801"

    rule: UpdateRule
    held_out: HeldOutLoss
    optimizer: Optimizer
    derivative: Derivative = Forward()
    adapt: tuple[str, ...] = ("returns.gamma", "returns.lam")
    embedding: bool = True

    @property
    def name(self) -> str:
        """Under which eta stands in the context; meta-gradients inside this one have shorter names."""
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

    def init(self, key: jax.Array, world: World, params: Any) -> Adapting:
        eta, inner = self._start(), self.rule.init(key, world, params)
        rollout = self.rollout(world.spec)
        given = Given(key, params, inner, world.template(params, rollout.steps, rollout.num_envs))
        memory = self.derivative.init(given, eta)
        return Adapting(inner, eta, self.optimizer.init(eta), memory)

    def behavior(self, params: Any, state: Adapting) -> tuple[Any, Context]:
        params, context = self._at(state.eta).behavior(params, state.rule)
        return params, {**context, self.name: state.eta - self._start()}

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self._at(context[self.name][0] + self._start()).act(key, world, outputs, context)

    def update(
        self, key: jax.Array, world: World, params: Any, state: Adapting, trajectory: Trajectory
    ) -> tuple[Any, Adapting, Info]:
        def loss(params: Any) -> jax.Array:
            return self.held_out(world, params, trajectory)

        given = Given(key, params, state.rule, trajectory)
        slope = self.derivative.slope(state.memory, self._learn, world, given, state.eta, loss)
        eta, optimizer = self.optimizer.update(slope, state.optimizer, state.eta, world.progress)
        (params, inner, info), memory = self.derivative.update(state.memory, self._learn, world, given, eta)
        adapted = {f"{self.name}: {path}": _mean(get(self._at(eta), path)) for path in self.adapt}
        return params, Adapting(inner, eta, optimizer, memory), {**info, **adapted}

    def adapt_to_task(
        self, key: jax.Array, world: World, params: Any, state: Adapting, trajectory: Trajectory
    ) -> tuple[Any, Adapting]:
        params, inner = self._at(state.eta).adapt_to_task(key, world, params, state.rule, trajectory)
        return params, state._replace(rule=inner)

    def _learn(self, eta: jax.Array, world: World, given: Given) -> Learned:
        return self._at(eta).update(given.key, world, given.params, given.state, given.trajectory)

    def _start(self) -> jax.Array:
        """Eta as the candidate has it."""
        return jnp.concatenate([jnp.asarray(domain.encode(get(self.rule, p))) for p, domain in self._domains().items()])

    def _at(self, eta: jax.Array) -> UpdateRule:
        """The wrapped rule with the numbers that eta stands for."""
        values, first = {}, 0
        for path, domain in self._domains().items():
            values[path] = domain.decode(eta[first : first + domain.size])
            first += domain.size
        return replace(self.rule, values)

    def _domains(self) -> dict[str, Domain]:
        """The domains of what is adapted, by path.

        Raises:
            UserError: nothing is named, something is named twice, does not exist or has no derivative.
        """
        if not self.adapt or len(set(self.adapt)) < len(self.adapt):
            raise UserError(f"adapt of MetaGradient must name one number or more, each once; got {self.adapt}.")
        return {path: _differentiable(self.rule, path) for path in self.adapt}


def _differentiable(rule: UpdateRule, path: str) -> Domain:
    domain = domain_at(rule, path)
    head, _, name = path.rpartition(".")
    owner = get(rule, head) if head else rule
    called = f"adapt of MetaGradient names '{path}', but {type(owner).__name__}"
    if name in owner.not_differentiable:
        raise UserError(f"{called} is not differentiable with respect to '{name}': name another number.")
    if domain.dtype.__name__ != "float32":
        raise UserError(f"{called} has a whole number there, which has no derivative: name a real one.")
    return domain


def _mean(value: Any) -> jax.Array:
    """A number as it is, of weights the mean."""
    return jnp.mean(ravel_pytree(value)[0])
