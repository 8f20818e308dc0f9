"""Every recipe solves every probe that applies to it: it knows what episodes are worth, and chooses what pays."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from discover_zoo.environments.probe import Probe

from discover import ACTION, Algorithm, Outputs, Trajectory, UserError, World, replace
from discover.components.paths import check
from discover.config.build import algorithm_from, environment_from
from discover.contract.actor import Episodes
from discover.inner_loop import lifetime

REGISTRY = toys.plugins().registry
PREDICTION, CONTROL = ("constant_reward", "observed_reward", "delayed_reward"), ("chosen_reward", "matched_reward")
STEPS, UPDATES = 50_000, 60
"""The least that a recipe is given, in env steps and in updates."""

EXEMPT = {
    **dict.fromkeys(
        ("maml", "mmaml", "promp"), "it learns from many tasks, 160,000 env steps an update or more; a probe is one"
    ),
    **dict.fromkeys(
        ("ppo_easy_to_hard", "ppo_learning_progress", "ppo_regret", "ppo_uniform_levels"),
        "it orders the levels of a family, and a probe has one",
    ),
    "gmps": "it imitates an expert, and a probe has none",
}
BY_DEFAULT = ("q_learning",)
COMPILER = {"xla_backend_optimization_level": 1}


def complete_recipes() -> list[Any]:
    """Recipes that leave nothing open; a few by default, all with the slow tests."""
    found = []
    for entry in REGISTRY.entries("recipe"):
        if entry.provenance.plugin == "toys" or entry.name in EXEMPT:
            continue
        try:
            check(algorithm_from(REGISTRY, entry.name))
        except UserError:
            continue
        found.append(entry.name if entry.name in BY_DEFAULT else pytest.param(entry.name, marks=pytest.mark.slow))
    return found


def probe(name: str, actions: str) -> Probe:
    made = environment_from(REGISTRY, name if actions == "discrete" else f"{name}_continuous")
    assert isinstance(made, Probe)
    return made


def actions_of(algorithm: Algorithm) -> str:
    try:
        algorithm.rule.heads(probe("constant_reward", "discrete").spec())
    except UserError:
        return "continuous"
    return "discrete"


def estimates(world: World, outputs: Outputs, batch: Trajectory) -> jax.Array:
    """What the agent thinks that each step is worth: its value, or the value of the action that it took, or of its critics.

    NaN where it thinks nothing.
    """
    if "value" in outputs:
        return outputs["value"]
    if "q" in outputs:
        return jnp.take_along_axis(outputs["q"], batch.action[..., None], axis=-1)[..., 0]
    critics = [q for name, q in outputs.items() if ACTION in (head := world.heads.outputs[name]).reads and head.shape == ()]
    return jnp.mean(jnp.stack(critics), axis=0) if critics else jnp.full_like(batch.reward, jnp.nan)


def sized(recipe: str) -> tuple[Algorithm, int]:
    """The recipe and its budget: a small network and a short life for one that replays its memory at every step or two."""
    algorithm = algorithm_from(REGISTRY, recipe)
    rollout = algorithm.rule.rollout(probe("constant_reward", actions_of(algorithm)).spec())
    if rollout.steps * rollout.num_envs > 2 or not hasattr(algorithm.rule, "capacity"):
        return algorithm, max(STEPS, UPDATES * rollout.steps * rollout.num_envs)
    small = {"network.hidden": (32, 32), "rule.batch": 32, "rule.capacity": 4_000, "rule.learning_starts": 500}
    return replace(algorithm, small), STEPS // 10


@functools.cache
def trained(recipe: str) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
    """Names, returns at the end, and the mean error of the agent's estimates: ``[probes]``, all in one program."""
    algorithm, steps = sized(recipe)
    actions, names = actions_of(algorithm), (*PREDICTION, *CONTROL)
    probes = [probe(name, actions) for name in names]
    total = lifetime.updates_in(algorithm, probes[0], steps)

    def one(environment: Probe, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        life = lifetime.begin(algorithm, environment, key)
        life = lifetime.advance(algorithm, environment, life, 0, stop=jnp.int32(total), total=total)
        world = algorithm.world(environment, 1.0)
        left = None if life.actor is None else life.actor._replace(episodes=Episodes.empty(64))  # with its normalizer
        actor = world.start(key, world.sample_tasks(key, 64), previous=left)
        acting, context = algorithm.rule.behavior(life.params, life.rule_state)
        _, batch = world.collect(acting, actor, key, 2, context)
        cue = batch.original.observation
        worth = environment.constant + environment.observed * (cue[..., 2] - cue[..., 1])
        error = jnp.mean(jnp.abs(estimates(world, world.evaluate(life.params, batch), batch) - worth))
        return jnp.mean(lifetime.curve_of(life, total).episode_return[-2:]), error

    program = jax.jit(jax.vmap(one, (0, None)), compiler_options=COMPILER)
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *probes)
    returns, errors = program(stacked, jax.random.key(0))
    return names, np.asarray(returns), np.asarray(errors)


@pytest.mark.parametrize("recipe", complete_recipes())
def test_every_recipe_solves_the_probes(recipe: str) -> None:
    names, returns, errors = trained(recipe)
    algorithm = algorithm_from(REGISTRY, recipe)
    predicts = not np.isnan(errors).all()
    chooses = set(algorithm.rule.heads(probe("constant_reward", actions_of(algorithm)).spec()).outputs) - {"value"}
    found = dict(zip(names, zip(returns.tolist(), errors.tolist(), strict=True), strict=True))
    for name in PREDICTION if predicts else ():
        assert found[name][1] < 0.1, found
    for name in CONTROL if chooses else ():
        assert found[name][0] > 0.8, found


@pytest.mark.parametrize("actions", ["discrete", "continuous"])
@pytest.mark.parametrize("name", [*PREDICTION, *CONTROL])
def test_a_probe_pays_what_it_says(name: str, actions: str) -> None:
    environment, key = probe(name, actions), jax.random.key(0)
    for seed in range(4):
        state, observation = environment.reset(jax.random.key(seed), None)
        for action, choice in ((0, -1.0), (1, 1.0)):
            given = jnp.int32(action) if actions == "discrete" else jnp.array([3.0 * choice])
            made = environment.step(key, state, given, None)
            cue = {0: 0.0, 1: -1.0, 2: 1.0}[int(jnp.argmax(observation))]
            if name == "delayed_reward":
                assert not made.terminated
                assert float(made.reward) == 0.0
                assert int(jnp.argmax(made.observation)) == 3
                made = environment.step(key, made.state, given, None)
            pays = {"observed_reward": cue, "chosen_reward": choice, "matched_reward": cue * choice}.get(name, 1.0)
            assert float(made.reward) == pays
            assert made.terminated
            assert (cue != 0.0) == (name in ("observed_reward", "matched_reward"))
