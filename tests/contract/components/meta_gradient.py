"""Meta-gradients: a rule that adapts numbers of the rule that it wraps."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    Context,
    Experience,
    Heads,
    Info,
    Optimiser,
    Outputs,
    ReturnFunction,
    Rollout,
    Segment,
    Spec,
    UpdateRule,
    World,
    component,
    domain_at,
    get,
    replace,
)


class Adapting(NamedTuple):
    """The wrapped rule's state; eta ``[M]`` in its domains' coordinates; and ``d params / d eta``, ``[..., M]``."""

    rule: Any
    eta: jax.Array
    optimiser: Any
    trace: Any


@component
class MetaGradient(UpdateRule):
    """Online cross-validated meta-gradient (Xu et al. 2018, eq. 5 and 11 with mu = 0) around any rule.

    ``eta <- eta - optimiser(dJ'(tau', params') / d params' * z)`` with ``z = d params' / d eta`` of the last update, carried in
    forward mode, and ``J' = -mean(advantage * log pi)`` on the next experience tau', its advantage by a fixed reference.
    Policy and value see eta, as a context through which no gradient flows.
    """

    rule: UpdateRule
    reference: ReturnFunction
    optimiser: Optimiser
    adapt: tuple[str, ...]

    @property
    def name(self) -> str:
        """Under which eta stands in the context; nested meta-gradients have names of their own."""
        return f"eta of {self.rule.name}" if isinstance(self.rule, MetaGradient) else "eta"

    def rollout(self, spec: Spec) -> Rollout:
        return self.rule.rollout(spec)

    def heads(self, spec: Spec) -> Heads:
        outputs, context = self.rule.heads(spec)
        seeing = {k: head._replace(reads=(*head.reads, self.name)) for k, head in outputs.items()}
        return Heads(seeing, {**context, self.name: len(self.adapt)})

    def init(self, key: jax.Array, world: World, params: Any) -> Adapting:
        eta = jnp.concatenate([jnp.asarray(domain_at(self.rule, p).encode(get(self.rule, p))) for p in self.adapt])
        trace = jax.tree.map(lambda x: jnp.zeros((*x.shape, eta.size)), params)
        return Adapting(self.rule.init(key, world, params), eta, self.optimiser.init(eta), trace)

    def behaviour(self, params: Any, state: Adapting) -> tuple[Any, Context]:
        params, context = self._at(state.eta).behaviour(params, state.rule)
        return params, {**context, self.name: state.eta}

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self._at(context[self.name][0]).act(key, world, outputs, context)

    def update(
        self, key: jax.Array, world: World, params: Any, state: Adapting, experience: Experience
    ) -> tuple[Any, Adapting, Info]:
        slope = jax.grad(self._held_out)(params, world, experience)
        products = jax.tree.map(lambda g, z: jnp.tensordot(g, z, axes=jnp.ndim(g)), slope, state.trace)
        eta, optimiser = self.optimiser.update(sum(jax.tree.leaves(products)), state.optimiser, state.eta, world.progress)

        def learn(eta: jax.Array) -> tuple[Any, tuple[Any, Any, Info]]:
            learnt, inner, info = self._at(eta).update(key, world, params, state.rule, experience)
            return learnt, (learnt, inner, info)

        trace, (params, inner, info) = jax.jacfwd(learn, has_aux=True)(eta)
        adapted = {f"{self.name}: {p}": get(self._at(eta), p) for p in self.adapt}
        return params, Adapting(inner, eta, optimiser, trace), {**info, **adapted}

    def _at(self, eta: jax.Array) -> UpdateRule:
        values = {p: domain_at(self.rule, p).decode(eta[i : i + 1]) for i, p in enumerate(self.adapt)}
        return replace(self.rule, values)

    def _held_out(self, params: Any, world: World, experience: Experience) -> jax.Array:
        """``J'``: the policy-gradient loss on experience that eta has not touched."""
        outputs, stop = world.evaluate(params, experience), jax.lax.stop_gradient
        log_prob = world.policy(outputs).log_prob(experience.action)
        values = stop(outputs["value"]), stop(world.evaluate_next(params, experience)["value"])
        ends = experience.terminated, experience.truncated
        targets = self.reference(Segment(experience.reward, *values, *ends, experience.log_prob, stop(log_prob)))
        return -jnp.mean(targets.advantage * log_prob)
