"""PEARL: SAC given a latent variable, which is inferred from experience (Rakelly et al. 2019, arXiv 1903.08254)."""

from typing import Annotated, NamedTuple

import jax
import jax.numpy as jnp

from discover import (
    ACTION,
    REWARD,
    Actor,
    AtLeast,
    Context,
    Count,
    Head,
    Heads,
    Info,
    Key,
    Outputs,
    Params,
    Registry,
    Rollout,
    RuleState,
    Scalar,
    Spec,
    Task,
    Trajectory,
    UserError,
    World,
    component,
    hookimpl,
    latex_number,
    real,
)
from discover_zoo.rules.beliefs import Belief
from discover_zoo.rules.critics import critic_loss
from discover_zoo.rules.recipes import RECIPES
from discover_zoo.rules.soft_critics import SoftCritics
from discover_zoo.rules.task_inference import ENCODER, LATENT, Evidence, given_latent, inferred, inferred_from
from discover_zoo.rules.task_memories import TaskMemories, empty_task_memories
from discover_zoo.rules.twin_critics import Learner


class State(NamedTuple):
    """The learner without its parameters; M tasks and their memories; and at test time the belief, and ``z`` to act with."""

    learner: Learner
    tasks: Task
    memories: TaskMemories
    belief: Belief
    latent: jax.Array


@component
class PEARL(SoftCritics):
    """Probabilistic embeddings for actor-critic RL (Rakelly et al. 2019, algorithms 1 and 2).

    Critics and policy of SAC read a latent variable ``z`` besides. An encoder infers it from transitions ``c_n = (s, a, r)`` of
    the task, in any order::

        q(z|c)  =  product_n N(mean(c_n), variance(c_n)),      prior N(0, 1)
        critic loss of SAC + kl * sum over tasks of KL(q(z|c) || N(0, 1))

    An update collects in ``collected`` tasks, the next in turn: with ``z`` from the prior, then ``posterior`` times from the
    posterior given what came before, each held for ``steps``. It then learns from batches of tasks: transitions from their
    replay buffers, and as context the first k rounds of their latest collection, k at random. The encoder learns from the
    critics alone, and reads the real reward; SAC learns from the shaped one where there is one. At test time `adapt_to_task`
    adds a trajectory to the belief, and draws the ``z`` of the next one.

    Pitfalls: environments start anew for each trajectory, so that ``steps`` is best as long as an episode. At test time all
    environments side by side have one ``z``. A normalizer would start anew with each trajectory.

    Attributes:
        tasks: M tasks, drawn once, to train on.
        collected: of them, in which an update collects.
        posterior: rounds of collection with ``z`` from the posterior, after the first with ``z`` from the prior.
        steps, num_envs: of each round in each task. A gradient step takes ``batch`` transitions of ``meta_batch`` tasks.
        capacity: transitions in the replay buffer of each task; a multiple of ``steps * num_envs``.
        latent, kl: d, the size of ``z``, and the weight of its divergence from the prior.
        reward_scale: factor of the reward from which SAC learns.

    The other fields are those of SAC.

    >>> from discover import Continuous
    >>> from discover_zoo.optimizers.adam import Adam
    >>> heads = PEARL(optimizer=Adam(), policy_optimizer=Adam(), latent=3).heads(Spec((3,), Continuous((-2.0,), (2.0,))))
    >>> heads.outputs["encoder"].shape, heads.outputs["q1"].reads, heads.outputs["policy"].reads
    ((6,), ('action', 'latent'), ('latent',))
    """

    paper = "Rakelly et al. 2019, arXiv 1903.08254, algorithms 1 and 2"

    tasks: Count = 80
    collected: Count = 4
    posterior: Annotated[int, AtLeast(0)] = 4
    steps: Count = 20
    meta_batch: Count = 16
    latent: Count = 5
    kl: Scalar = real(0.01, low=1e-6, high=10.0, scale="log")
    reward_scale: Scalar = real(10.0, low=0.1, high=100.0, scale="log")

    def formula(self) -> str:
        posterior = r"q(z \mid c) \propto \prod_n N(\mu(c_n), \sigma^2(c_n)), \quad z \sim q(z \mid c)"
        prior = rf"\min_q\ {latex_number(self.kl)}\, KL(q(z \mid c) \,\|\, N(0, 1)) + \text{{the loss of}}\ Q_1, Q_2"
        return "\n".join([posterior, prior, super().formula()])

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(self.steps, self.collected * (1 + self.posterior) * self.num_envs, by_rule=True)

    def heads(self, spec: Spec) -> Heads:
        outputs = {name: head._replace(reads=(*head.reads, LATENT)) for name, head in super().heads(spec).outputs.items()}
        return Heads({**outputs, ENCODER: Head((2 * self.latent,), reads=(ACTION, REWARD))}, {LATENT: self.latent})

    def init(self, key: Key, world: World, params: Params) -> RuleState:
        if self.collected > self.tasks:
            raise UserError(f"pearl cannot collect in {self.collected} of {self.tasks} tasks: lower collected, or raise tasks.")
        key_tasks, key_latent = jax.random.split(key)
        template, recent = world.template(params, self.steps, self.num_envs), (1 + self.posterior) * self.steps * self.num_envs
        return State(
            learner=super().init(key, world, params).learner,
            tasks=world.sample_tasks(key_tasks, self.tasks),
            memories=empty_task_memories(template, self.tasks, self.capacity, recent),
            belief=Belief.empty(self.latent),
            latent=jax.random.normal(key_latent, (self.latent,)),
        )

    def behavior(self, params: Params, state: RuleState) -> tuple[Params, Context]:
        return params, {LATENT: state.latent}

    def adapt_to_task(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState]:
        belief = state.belief.times(inferred_from(world, params, trajectory))
        return params, state._replace(belief=belief, latent=belief.sample(jax.random.normal(key, (self.latent,))))

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory | None
    ) -> tuple[Params, RuleState, Info]:
        del trajectory  # it collects by itself
        key_collect, key_learn, key_latent = jax.random.split(key, 3)
        rollout = self.rollout(world.spec)
        first = world.env_steps // (rollout.steps * rollout.num_envs) * self.collected
        turn = (first + jnp.arange(self.collected)) % self.tasks
        tasks = jax.tree.map(lambda x: x[turn], state.tasks)
        collect = jax.vmap(lambda *its: self.collect(world, params, *its))
        after, actors = collect(jax.random.split(key_collect, self.collected), tasks, state.memories.of(turn))
        memories, learner = state.memories.put(turn, after), state.learner._replace(params=params)
        learner, info = self.learn(key_learn, world, learner, lambda key, params: self.draw(key, world, params, memories))
        latent = jax.random.normal(key_latent, (self.latent,))
        state = state._replace(learner=learner._replace(params=()), memories=memories, latent=latent)
        return learner.params, state, {**info, **world.report(actors)}

    def collect(self, world: World, params: Params, key: Key, task: Task, memory: TaskMemories) -> tuple[TaskMemories, Actor]:
        """The memory of one task after a collection, and the actors of each of its rounds."""
        tasks = jax.tree.map(lambda x: jnp.broadcast_to(x, (self.num_envs, *jnp.shape(x))), task)

        def collect_round(belief: Belief, key: Key) -> tuple[Belief, tuple[Actor, Trajectory]]:
            key_start, key_act, key_latent = jax.random.split(key, 3)
            context = {LATENT: belief.sample(jax.random.normal(key_latent, (self.num_envs, self.latent)))}
            actor, trajectory = world.collect(params, world.start(key_start, tasks), key_act, self.steps, context=context)
            return belief.times(inferred_from(world, params, trajectory)), (actor, trajectory)

        keys = jax.random.split(key, 1 + self.posterior)
        _, (actors, rounds) = jax.lax.scan(collect_round, Belief.empty(self.latent), keys)
        return memory.add(rounds), actors

    def draw(self, key: Key, world: World, params: Params, memories: TaskMemories) -> Trajectory:
        """A batch ``[1, meta_batch * batch]`` with `Evidence` of each task, and with ``z`` inferred from it as its context."""
        key_tasks, key_batch, key_known, key_noise = jax.random.split(key, 4)
        chosen = memories.draw_tasks(key_tasks, self.meta_batch)
        evidence = Evidence(
            transitions=jax.tree.map(lambda x: x[chosen], memories.recent),
            known=self.steps * self.num_envs * jax.random.randint(key_known, (self.meta_batch,), 1, 2 + self.posterior),
            noise=jax.random.normal(key_noise, (self.meta_batch, self.latent)),
        )
        batch = memories.sample(key_batch, chosen, self.batch)
        batch = batch._replace(reward=self.reward_scale * batch.dense_reward, extra=evidence)
        return given_latent(batch, inferred(world, params, evidence.transitions, evidence.known).sample(evidence.noise))

    def critic_gradient(self, world: World, params: Params, batch: Trajectory, target: jax.Array) -> tuple[Params, Info]:
        def evaluate(params: Params, batch: Trajectory) -> Outputs:
            belief = inferred(world, params, batch.extra.transitions, batch.extra.known)
            return {**world.evaluate(params, given_latent(batch, belief.sample(batch.extra.noise))), "kl": belief.divergence()}

        def loss(outputs: Outputs, batch: Trajectory, target: jax.Array) -> tuple[jax.Array, Info]:
            value, info = critic_loss(outputs, batch, target)
            return value + self.kl * jnp.sum(outputs["kl"]), {**info, "kl": jnp.mean(outputs["kl"])}

        return world.view(evaluate_with=evaluate).gradient(loss)(params, batch, target)


@hookimpl
def discover_register(registry: Registry) -> None:
    registry.add("pearl", PEARL)
    registry.add_recipe(
        "pearl",
        RECIPES / "pearl.yaml",
        summary="PEARL in a small size, for tasks in the plane with episodes of 20 steps",
        paper=PEARL.paper,
    )
