"""MAML: a rule that learns parameters from which another rule adapts fast."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from discover import (
    Actor,
    Context,
    Experience,
    Heads,
    Info,
    Outputs,
    Rollout,
    Spec,
    UpdateRule,
    World,
    component,
    group_columns,
    join_columns,
)


@component
class MAML(UpdateRule):
    """Model-agnostic meta-learning (Finn et al. 2017, algorithm 3), with any inner and any outer rule.

    Each update samples tasks, collects with the parameters, adapts them to each task by the inner rule, collects again, and
    lets the outer rule learn from that in a world that adapts before it evaluates: gradients run through the inner update.
    """

    inner: UpdateRule
    outer: UpdateRule
    tasks: int = 8
    environments: int = 4
    steps: int = 8

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, 2 * self.tasks * self.environments, by_rule=True)

    def heads(self, spec: Spec) -> Heads:
        inner, outer = self.inner.heads(spec), self.outer.heads(spec)
        return Heads({**inner.outputs, **outer.outputs}, {**inner.context, **outer.context})

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return self.outer.init(key, self.adapting(world), params)

    def behaviour(self, params: Any, state: Any) -> tuple[Any, Context]:
        return self.outer.behaviour(params, state)

    def act(self, key: jax.Array, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self.outer.act(key, world, outputs, context)

    def adapt_to_task(self, key: jax.Array, world: World, params: Any, state: Any, experience: Experience) -> tuple[Any, Any]:
        return self.inner.update(key, world, params, self.inner.init(key, world, params), experience)[0], state

    def update(self, key: jax.Array, world: World, params: Any, state: Any, experience: Any) -> tuple[Any, Any, Info]:
        key_tasks, key_collect, key_update = jax.random.split(key, 3)
        acting, context = self.behaviour(params, state)

        def trial(key: jax.Array, task: Any) -> tuple[Actor, Actor, Experience]:
            keys = jax.random.split(key, 5)
            tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.environments, *jnp.shape(x))), task)
            first, before = world.collect(acting, world.start(keys[0], tasks), keys[1], self.steps, context)
            adapted, _ = self.adapt_to_task(keys[2], world, acting, state, before)
            second, after = world.collect(adapted, world.start(keys[3], tasks), keys[4], self.steps, context)
            return first, second, after._replace(extra=(keys[2], before))

        tasks = world.sample_tasks(key_tasks, self.tasks)
        first, second, after = jax.vmap(trial)(jax.random.split(key_collect, self.tasks), tasks)
        params, state, info = self.outer.update(key_update, self.adapting(world), params, state, join_columns(after))
        before, report = world.report(first), world.report(second)
        unadapted = before["episode_return"] / jnp.maximum(before["episodes"], 1.0)
        steps = before["env_steps"] + report["env_steps"]
        return params, state, {**info, **report, "env_steps": steps, "unadapted_return": unadapted}

    def adapting(self, world: World) -> World:
        """The world as the outer rule sees it: it adapts to the task of each group of columns, then evaluates there."""

        def through(evaluate: Callable[..., Outputs]) -> Callable[..., Outputs]:
            def one(params: Any, batch: Experience) -> Outputs:
                key, before = batch.extra
                return evaluate(self.adapt_to_task(key, world, params, (), before)[0], batch)

            return lambda params, batch: join_columns(jax.vmap(one, (None, 0))(params, group_columns(batch, self.environments)))

        return world.view(evaluate=through(world.evaluate), evaluate_next=through(world.evaluate_next), group=self.environments)
