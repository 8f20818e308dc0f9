"""Guided meta-policy search: adaptation by reinforcement, learned by imitation (Mendonca et al. 2019, arXiv 1904.00956)."""

from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    EXPERT,
    Actor,
    AtLeast,
    Context,
    Count,
    Heads,
    Info,
    Key,
    Outputs,
    Params,
    Registry,
    RuleState,
    Spec,
    Task,
    Trajectory,
    UpdateRule,
    World,
    component,
    decode_action,
    hookimpl,
    named_key,
)
from discover_zoo.rules.adapting import AdaptingRule
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.trained_experts import (
    TASK,
    advice,
    check_sizes,
    env_steps_of,
    experts_world,
    task_numbers,
    train_experts,
    with_experts,
)


class State(NamedTuple):
    """The state between two updates.

    Attributes:
        outer, experts: states of the outer rule, and of the rule that trains experts; ``()`` without one.
        rates: factors of the inner step, one per parameter; ``()`` if they are not learned.
        task: ``[task_size]`` for trained experts; zeros where the agent is judged.
    """

    outer: RuleState
    experts: RuleState
    rates: Params
    task: Any


@component
class GMPS(AdaptingRule):
    """Guided meta-policy search (Mendonca et al. 2019, algorithm 1): `MAML` whose outer rule imitates an expert of each task.

    For each task ``i`` of a batch of tasks, with ``D_i`` from the policy itself::

        phi_i = theta + rate * grad_theta mean(log pi_theta * sg(pi_theta / pi_old) * A)             # the inner rule, on D_i
        minimize  mean_i(imitation loss(phi_i; s, a*)),    s from the expert, later from the policy with phi_i (DAgger)

    over ``theta``, in many steps on the same data: the weight, 1 at the first of them, keeps the inner step a policy gradient
    as theta moves away from what collected ``D_i``. So `imitation` is the rule for ``outer``, and `policy_gradient` with
    ``weighted log likelihood`` that for ``inner``. In new tasks there is no expert; the agent adapts by its rewards alone.

    The expert is that of the family (`Environment.expert`), or is trained first by a rule of its own: one agent, which is told
    the numbers of the task, and learns from the shaped reward where there is one.

    Pitfalls: those of `MAML`. The heads of trained experts belong to the same network, so that its torsos must not be shared.
    Where an expert acts, the return that the curve shows is that of the expert.

    Attributes:
        inner, outer, tasks, num_envs, steps, adaptations, first_order, shaped, inner_kl: as in `MAML`.
        demonstrations: updates, the first ones of imitation, whose last batch is collected by the experts.
        learned_rates: learn a factor of the inner step for each parameter, from 1, with the outer rule's optimizer.
        experts: the rule that trains experts, SAC say; None for the expert of the family.
        expert_updates: updates, the first ones of all, which train experts alone, if they are trained.
        task_size: how many numbers a task has; for trained experts.

    >>> from discover import Continuous
    >>> from discover_zoo.optimizers.adam import Adam
    >>> from discover_zoo.optimizers.sgd import SGD
    >>> from discover_zoo.returns.monte_carlo import MonteCarlo
    >>> from discover_zoo.rules.imitation import Imitation
    >>> from discover_zoo.rules.policy_gradient import PolicyGradient
    >>> from discover_zoo.rules.sac import SAC
    >>> inner = PolicyGradient(returns=MonteCarlo(), optimizer=SGD(), surrogate="weighted log likelihood")
    >>> rule = GMPS(inner=inner, outer=Imitation(optimizer=Adam()), experts=SAC(optimizer=Adam(), policy_optimizer=Adam()))
    >>> heads = rule.heads(Spec((2,), Continuous((-1.0,), (1.0,))))
    >>> heads.outputs["expert_q1"].reads, heads.outputs["policy"].reads
    (('action', 'task'), ())
    """

    paper = "Mendonca et al. 2019, arXiv 1904.00956, algorithm 1"

    demonstrations: Annotated[int, AtLeast(0)] = 2
    learned_rates: bool = False
    experts: UpdateRule | None = None
    expert_updates: Count = 2
    task_size: Count = 2

    def heads(self, spec: Spec) -> Heads:
        heads = super().heads(spec)
        return heads if self.experts is None else with_experts(heads, self.experts, spec, self.task_size)

    def init(self, key: Key, world: World, params: Params) -> State:
        learned = (params, jax.tree.map(jnp.ones_like, params)) if self.learned_rates else params
        state = self.unpacked(learned, super().init(key, world, learned))[1]
        if self.experts is None:
            world.view(ask_expert=True).template(params, 1, 1)  # a family without an expert refuses
            return state
        check_sizes(self, self.experts, world, size=self.task_size)
        theirs = experts_world(self.experts, world, self.task_size)
        return state._replace(experts=self.experts.init(named_key(key, "experts"), theirs, params))

    def behavior(self, params: Params, state: State) -> tuple[Params, Context]:
        params, context = self.outer.behavior(params, state.outer)
        return params, context if self.experts is None else {**context, TASK: state.task}

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: State, trajectory: Trajectory
    ) -> tuple[Params, State]:
        adapted, _ = super().adapt_to_task(key, world, params, state, trajectory=trajectory)
        if self.learned_rates:
            adapted = jax.tree.map(lambda old, new, rate: old + rate * (new - old), params, adapted, state.rates)
        return adapted, state

    def update(
        self, key: Key, world: World, params: Params, state: State, trajectory: Trajectory | None
    ) -> tuple[Params, State, Info]:
        learn, experts = super().update, self.experts

        def imitate(params: Params, state: State) -> tuple[Params, State, Info]:
            params, after, info = learn(key, world, params, state, trajectory=None)
            return params, after._replace(experts=state.experts), info

        if experts is None:
            return imitate(params, state)

        def train(params: Params, state: State) -> tuple[Params, State, Info]:
            theirs, count = experts_world(experts, world, self.task_size), env_steps_of(self, world.spec)
            learned, actors = train_experts(experts, key, theirs, (params, state.experts), env_steps=count)
            idle = jax.tree.map(jnp.zeros_like, jax.eval_shape(imitate, params, state)[2])
            return learned[0], state._replace(experts=learned[1]), {**idle, **world.report(actors)}

        return jax.lax.cond(self._updates(world) < self.expert_updates, train, imitate, params, state)

    def collect_last(self, key: Key, world: World, learned: tuple[Params, State], start: Actor) -> tuple[Actor, Trajectory]:
        shows = self._updates(world) < self.demonstrations + self.expert_updates * (self.experts is not None)

        def act(key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
            action, log_prob = self.act(key, world, outputs, context)
            shown = decode_action(world.spec, self.advice(world, outputs, context))
            chosen = shown, world.policy(outputs).log_prob(shown)
            return jnp.where(shows, chosen[0], action), jnp.where(shows, chosen[1], log_prob)

        actor, batch = self.collect(key, world.view(act=act, ask_expert=self.experts is None), learned, start)
        return actor, batch._replace(context={**batch.context, EXPERT: self.advice(world, batch.outputs, batch.context)})

    def advice(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        """The actions of the expert, encoded, given outputs and context of ``[...]`` states."""
        if self.experts is None:
            return context[EXPERT]
        return advice(self.experts, experts_world(self.experts, world, self.task_size), outputs, context)

    def draw_tasks(self, key: Key, world: World, state: State) -> tuple[Task, Any]:
        tasks, _ = super().draw_tasks(key, world, state)
        return tasks, () if self.experts is None else task_numbers(tasks, self.tasks)

    def entering(self, state: State, which: Any) -> State:
        return state._replace(task=which)

    def packed(self, params: Params, state: State) -> tuple[Params, RuleState]:
        return (params, state.rates) if self.learned_rates else params, state.outer

    def unpacked(self, learned: Params, outer: RuleState) -> tuple[Params, State]:
        params, rates = learned if self.learned_rates else (learned, ())
        return params, State(outer, experts=(), rates=rates, task=() if self.experts is None else jnp.zeros(self.task_size))

    def _updates(self, world: World) -> jax.Array:
        """The number of updates before this one."""
        return world.env_steps // env_steps_of(self, world.spec)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("gmps", GMPS)
    registry.add_recipe(
        "gmps",
        RECIPES / "gmps.yaml",
        summary="GMPS in a small size, with the expert of the family, for tasks in the plane",
        paper=GMPS.paper,
    )
