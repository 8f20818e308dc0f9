"""The base class of rules that learn to adapt to tasks by another rule."""

from collections.abc import Callable
from typing import Any, Literal

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
class AdaptingRule(UpdateRule):
    """An outer rule that learns through the updates of an inner one, in each of several tasks.

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
    shaped: Literal["none", "outer", "all"] = "none"
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

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory | None
    ) -> tuple[Params, RuleState, Info]:
        del trajectory  # it collects by itself
        key_tasks, key_collect, key_update = jax.random.split(key, 3)
        acting, _ = self.behavior(params, state)

        def trial(key: Key, task: Task, which: Any) -> tuple[list[Actor], Trajectory]:
            """The actors of one task after each batch; and the last batch, with those before it as its extra data."""
            tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.num_envs, *jnp.shape(x))), task)
            learned, actors, earlier = (acting, self.entering(state, which)), [], []

            *befores, last = jax.random.split(key, (1 + self.adaptations, 3))
            for start, act, adapt in befores:
                actor, batch = self.collect(act, world, learned, world.start(start, tasks))
                batch = _shaped(batch, self.shaped == "all")
                learned = self.adapt_to_task(adapt, world, *learned, trajectory=batch)
                actors.append(actor)
                earlier.append((adapt, batch._replace(extra=which)))
            actor, batch = self.collect_last(last[1], world, learned, world.start(last[0], tasks))
            batch = _shaped(batch, self.shaped != "none")
            return [*actors, actor], batch._replace(extra=earlier)

        tasks, which = self.draw_tasks(key_tasks, world, state)
        actors, last = jax.vmap(trial)(jax.random.split(key_collect, self.tasks), tasks, which)
        learned, outer = self.packed(params, state)
        joined = join_environments(last)
        learned, outer, info = self.outer.update(key_update, self.adapting(world), learned, outer, trajectory=joined)
        params, state = self.unpacked(learned, outer)
        return params, state, {**info, **self._report(world, actors)}

    def collect(self, key: Key, world: World, learned: tuple[Params, RuleState], start: Actor) -> tuple[Actor, Trajectory]:
        """The actor after a batch in one task, and the batch."""
        context = self.behavior(*learned)[1]
        return world.collect(learned[0], start, key, self.steps, context=context)

    def collect_last(self, key: Key, world: World, learned: tuple[Params, RuleState], start: Actor) -> tuple[Actor, Trajectory]:
        """The same for the last batch. A subclass may change who acts there, and what is recorded."""
        return self.collect(key, world, learned, start)

    def draw_tasks(self, key: Key, world: World, state: RuleState) -> tuple[Task, Any]:
        """The tasks of an update, and their names, if there are any; the names travel with the batches before the last."""
        del state
        return world.sample_tasks(key, self.tasks), ()

    def entering(self, state: RuleState, which: Any) -> RuleState:
        """The state on coming to a task. A subclass that knows more of some tasks looks it up by their names."""
        del which
        return state

    def packed(self, params: Params, state: RuleState) -> tuple[Params, RuleState]:
        """All that the outer rule learns, and its state. A subclass that learns more than the parameters adds that to them."""
        return params, state

    def unpacked(self, learned: Params, outer: RuleState) -> tuple[Params, RuleState]:
        """The parameters and the state before any adaptation, of which `packed` made this."""
        return learned, outer

    def given(self, batch: Trajectory, state: RuleState) -> Trajectory:
        """A batch as the network reads it in this state. A subclass whose context is adapted puts it in."""
        del state
        return batch

    def adapting(self, world: World) -> World:
        """The world as the outer rule sees it: it adapts to the task of each group of columns, then evaluates there."""

        def through(evaluate: Callable[..., Outputs]) -> Callable[..., Outputs]:
            def one(learned: Params, batch: Trajectory) -> Outputs:
                (params, state), divergence = self.unpacked(learned, ()), jnp.zeros(())
                state = self.entering(state, batch.extra[0][1].extra)
                for key, earlier in batch.extra:
                    policy = world.policy(world.evaluate(params, self.given(earlier, state)))
                    divergence += jnp.mean(world.policy(earlier.outputs).kl(policy))
                    params, state = self.adapt_to_task(key, world, params, state, trajectory=earlier)
                outputs = evaluate(params, self.given(batch, state))
                penalty = self.inner_kl * divergence / self.adaptations
                return {**outputs, AUXILIARY_LOSS: outputs.get(AUXILIARY_LOSS, jnp.zeros_like(batch.reward)) + penalty}

            return lambda params, batch: join_environments(
                jax.vmap(one, (None, 0))(params, group_environments(batch, self.num_envs))
            )

        return world.view(
            evaluate_with=through(world.evaluate), evaluate_next_with=through(world.evaluate_next), group=self.num_envs
        )

    def _report(self, world: World, actors: list[Actor]) -> Info:
        """The report of the adapted actors, with all env steps, and the mean return before the first inner update."""
        first, last = world.report(actors[0]), world.report(actors[-1])
        unadapted = first["episode_return"] / jnp.maximum(first["episodes"], 1.0)
        steps = sum((world.report(actor)["env_steps"] for actor in actors), jnp.zeros((), jnp.int32))
        return {**last, "env_steps": steps, "unadapted_return": unadapted}


def _shaped(batch: Trajectory, wanted: bool) -> Trajectory:
    return batch._replace(reward=batch.dense_reward) if wanted else batch
