"""MAML: a rule that learns parameters from which another rule adapts fast."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from discover import (
    AUXILIARY_LOSS,
    Actor,
    Context,
    Count,
    Heads,
    Info,
    Outputs,
    Registry,
    Rollout,
    Scalar,
    Spec,
    Trajectory,
    UpdateRule,
    World,
    component,
    group_columns,
    hookimpl,
    join_columns,
    real,
)
from discover_zoo.rules.recipes import RECIPES


@component
class MAML(UpdateRule):
    """Model-agnostic meta-learning (Finn et al. 2017, algorithm 3), with any inner and any outer rule.

    Each update samples tasks; in each, ``adaptations`` times, it collects and lets the inner rule take an update; it then
    collects once more, and the outer rule learns from that last experience in a world that adapts before it evaluates:
    gradients run through the inner updates. What the inner rule carries from update to update starts anew each time.

    Attributes:
        inner: adapts; it sees the experience of one task. Its own rollout is not asked for.
        outer: learns; it sees all tasks, the columns of each as a group.
        tasks: how many per update.
        num_envs, steps: B and T in each task, for each collection. Environments start anew, so that ``steps`` is best as
            long as the longest episode: columns whose episode ends early begin another, which the batch may cut off.
        adaptations: inner updates in training; at test time any number may be taken.
        first_order: take the inner steps for constants, as first-order MAML does.
        inner_kl: weight of ``mean(KL(pi_old || pi))`` of the policies that collected before each inner update, on what they
            saw (Rothfuss et al. 2019, eq. 11); it is added to whatever the outer rule minimizes.
    """

    paper = "Finn et al. 2017, arXiv 1703.03400, algorithm 3"

    inner: UpdateRule
    outer: UpdateRule
    tasks: Count = 20
    num_envs: Count = 20
    steps: Count = 100
    adaptations: Count = 1
    first_order: bool = False
    inner_kl: Scalar = real(0.0, low=0.0, high=1.0)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, (1 + self.adaptations) * self.tasks * self.num_envs, by_rule=True)

    def heads(self, spec: Spec) -> Heads:
        inner, outer = self.inner.heads(spec), self.outer.heads(spec)
        return Heads({**inner.outputs, **outer.outputs}, {**inner.context, **outer.context})

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return self.outer.init(key, self.adapting(world), params)

    def behavior(self, params: Any, state: Any) -> tuple[Any, Context]:
        return self.outer.behavior(params, state)

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self.outer.act(key, world, outputs, context)

    def adapt_to_task(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Trajectory) -> tuple[Any, Any]:
        adapted, _, _ = self.inner.update(key, world, params, self.inner.init(key, world, params), trajectory)
        if self.first_order:
            adapted = jax.tree.map(lambda old, new: old + jax.lax.stop_gradient(new - old), params, adapted)
        return adapted, state

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Any) -> tuple[Any, Any, Info]:
        key_tasks, key_collect, key_update = jax.random.split(key, 3)
        acting, context = self.behavior(params, state)

        def trial(key: jax.Array, task: Any) -> tuple[list[Actor], Trajectory]:
            tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.num_envs, *jnp.shape(x))), task)
            adapted, actors, seen = acting, [], []
            *befores, last = jax.random.split(key, (1 + self.adaptations, 3))
            for start, act, adapt in befores:
                actor, collected = world.collect(adapted, world.start(start, tasks), act, self.steps, context)
                adapted, _ = self.adapt_to_task(adapt, world, adapted, state, collected)
                actors.append(actor)
                seen.append((adapt, collected))
            actor, collected = world.collect(adapted, world.start(last[0], tasks), last[1], self.steps, context)
            return [*actors, actor], collected._replace(extra=seen)

        tasks = world.sample_tasks(key_tasks, self.tasks)
        actors, last = jax.vmap(trial)(jax.random.split(key_collect, self.tasks), tasks)
        params, state, info = self.outer.update(key_update, self.adapting(world), params, state, join_columns(last))
        return params, state, {**info, **self._report(world, actors)}

    def adapting(self, world: World) -> World:
        """The world as the outer rule sees it: it adapts to the task of each group of columns, then evaluates there."""

        def through(evaluate: Callable[..., Outputs]) -> Callable[..., Outputs]:
            def one(params: Any, batch: Trajectory) -> Outputs:
                divergence = jnp.zeros(())
                for key, seen in batch.extra:
                    now = world.policy(world.evaluate(params, seen))
                    divergence += jnp.mean(world.policy(seen.outputs).kl(now))
                    params, _ = self.adapt_to_task(key, world, params, (), seen)
                outputs = evaluate(params, batch)
                penalty = self.inner_kl * divergence / self.adaptations
                return {**outputs, AUXILIARY_LOSS: outputs.get(AUXILIARY_LOSS, jnp.zeros_like(batch.reward)) + penalty}

            return lambda params, batch: join_columns(jax.vmap(one, (None, 0))(params, group_columns(batch, self.num_envs)))

        return world.view(
            evaluate_with=through(world.evaluate), evaluate_next_with=through(world.evaluate_next), group=self.num_envs
        )

    def _report(self, world: World, actors: list[Actor]) -> Info:
        """The report of those that have adapted; all env steps; what was returned before the first inner update."""
        first, last = world.report(actors[0]), world.report(actors[-1])
        unadapted = first["episode_return"] / jnp.maximum(first["episodes"], 1.0)
        steps = sum((world.report(actor)["env_steps"] for actor in actors), jnp.zeros((), jnp.int32))
        return {**last, "env_steps": steps, "unadapted_return": unadapted}


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("maml", MAML)
    registry.add_recipe(
        "maml",
        RECIPES / "maml.yaml",
        summary="MAML with TRPO outside, with the settings of its authors' code for 2-D navigation",
        paper=MAML.paper,
    )
