"""The base class of rules whose outer rule learns through the steps of an inner rule, in each of several tasks."""

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
    Key,
    Outputs,
    Params,
    Rollout,
    RuleState,
    Scalar,
    Spec,
    Task,
    Trajectory,
    UpdateRule,
    World,
    component,
    group_environments,
    join_environments,
    real,
)


@component
class InnerSteps(UpdateRule):
    """Everything that MAML and its relatives share, but for the tasks of an update, and what is learned about them.

    A subclass adds ``update``: it chooses tasks, calls `collect`, and lets the outer rule learn in the world `adapting`. If it
    learns more about a task than parameters, `entering` says what it knows on coming to one, `adapt_to_task` what it learns
    there, and `conditioned` how a batch is evaluated by that.

    Attributes:
        inner, outer, tasks, num_envs, steps, adaptations, first_order, shaped, inner_kl: as in `MAML`.
    """

    inner: UpdateRule
    outer: UpdateRule
    tasks: Count = 20
    num_envs: Count = 20
    steps: Count = 100
    adaptations: Count = 1
    first_order: bool = False
    shaped: bool = False
    inner_kl: Scalar = real(0.0, low=0.0, high=1.0)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, (1 + self.adaptations) * self.tasks * self.num_envs, by_rule=True)

    def heads(self, spec: Spec) -> Heads:
        inner, outer = self.inner.heads(spec), self.outer.heads(spec)
        return Heads({**inner.outputs, **outer.outputs}, {**inner.context, **outer.context})

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        return self.outer.init(key, self.adapting(world), params)

    def behavior(self, params: Params, state: RuleState) -> tuple[Params, Context]:
        return self.outer.behavior(params, state)

    def episode_context(self, key: Key, context: Context) -> Context:
        return self.outer.episode_context(key, context)

    def act(self, key: Key, world: World, outputs: Outputs, context: Context) -> tuple[jax.Array, jax.Array]:
        return self.outer.act(key, world, outputs, context)

    def act_greedily(self, world: World, outputs: Outputs, context: Context) -> jax.Array:
        return self.outer.act_greedily(world, outputs, context)

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState]:
        adapted, _, _ = self.inner.update(key, world, params, self.inner.init(key, world, params), trajectory=trajectory)
        if self.first_order:
            adapted = jax.tree.map(lambda old, new: old + jax.lax.stop_gradient(new - old), params, adapted)
        return adapted, state

    def collect(
        self, key: Key, world: World, tasks: Task, *, begin: Callable[[Any], tuple[Params, RuleState]], which: Any = ()
    ) -> tuple[list[Actor], Trajectory]:
        """Adapt to each task; the actors of each batch, and the last batches side by side, with those before as extra data.

        Args:
            key: randomness.
            world: the world.
            tasks: ``[N, ...]``.
            begin: what has been learned on coming to a task, by its name.
            which: ``[N, ...]`` the names of the tasks, which travel with the batches before the last (`entering`).
        """

        def practice(learned: tuple[Params, RuleState], keys: Key, tasks: Task) -> tuple[Actor, Trajectory]:
            acting, context = self.behavior(*learned)
            actor, batch = world.collect(acting, world.start(keys[0], tasks), keys[1], self.steps, context=context)
            return actor, batch._replace(reward=batch.dense_reward) if self.shaped else batch

        def trial(key: Key, task: Task, which: Any) -> tuple[list[Actor], Trajectory]:
            tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.num_envs, *jnp.shape(x))), task)
            learned, actors, earlier = begin(which), [], []
            *befores, last = jax.random.split(key, (1 + self.adaptations, 3))
            for keys in befores:
                actor, batch = practice(learned, keys, tasks)
                learned = self.adapt_to_task(keys[2], world, *learned, trajectory=batch)
                actors.append(actor)
                earlier.append((keys[2], batch._replace(extra=which)))
            actor, batch = practice(learned, last, tasks)
            return [*actors, actor], batch._replace(extra=earlier)

        actors, last = jax.vmap(trial)(jax.random.split(key, len(jax.tree.leaves(tasks)[0])), tasks, which)
        return actors, join_environments(last)

    def entering(self, learned: Any, which: Any) -> tuple[Params, RuleState]:
        """Parameters and state with which `adapt_to_task` begins in one task, of all that the outer rule learns."""
        del which
        return learned, ()

    def conditioned(self, batch: Trajectory, state: RuleState) -> Trajectory:
        """The batch of a task, as it is evaluated once ``state`` is known there."""
        del state
        return batch

    def adapting(self, world: World) -> World:
        """The world as the outer rule sees it: it adapts to the task of each group of columns, then evaluates there."""

        def through(evaluate: Callable[..., Outputs]) -> Callable[..., Outputs]:
            def one(learned: Any, batch: Trajectory) -> Outputs:
                divergence = jnp.zeros(())
                params, state = self.entering(learned, batch.extra[0][1].extra)
                for key, earlier in batch.extra:
                    policy = world.policy(world.evaluate(params, self.conditioned(earlier, state)))
                    divergence += jnp.mean(world.policy(earlier.outputs).kl(policy))
                    params, state = self.adapt_to_task(key, world, params, state, trajectory=earlier)
                outputs = evaluate(params, self.conditioned(batch, state))
                penalty = self.inner_kl * divergence / self.adaptations
                return {**outputs, AUXILIARY_LOSS: outputs.get(AUXILIARY_LOSS, jnp.zeros_like(batch.reward)) + penalty}

            return lambda learned, batch: join_environments(
                jax.vmap(one, (None, 0))(learned, group_environments(batch, self.num_envs))
            )

        return world.view(
            evaluate_with=through(world.evaluate), evaluate_next_with=through(world.evaluate_next), group=self.num_envs
        )

    def report(self, world: World, actors: list[Actor]) -> Info:
        """The report of the adapted actors, with all env steps, and the mean return before the first inner update."""
        first, last = world.report(actors[0]), world.report(actors[-1])
        unadapted = first["episode_return"] / jnp.maximum(first["episodes"], 1.0)
        steps = sum((world.report(actor)["env_steps"] for actor in actors), jnp.zeros((), jnp.int32))
        return {**last, "env_steps": steps, "unadapted_return": unadapted}
