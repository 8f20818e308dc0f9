"""What the world promises: true next observations, redrawn tasks, recurrence, named inputs, groups of columns."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.components.gru import GRU
from contract.small import Catch, Counter, agent, compiled, small_ppo
from discover_zoo.curricula.mix_and_match.mix_and_match import MixAndMatch
from discover_zoo.curricula.mix_and_match.shares import Ramp
from discover_zoo.networks.mlp import MLP

from discover import (
    ACTION,
    REWARD,
    Algorithm,
    Head,
    Heads,
    Inputs,
    Normalizer,
    Redraw,
    Rollout,
    Spec,
    Trajectory,
    UpdateRule,
    UserError,
    World,
    WrappingRule,
    component,
    policy_heads,
)
from discover.inner_loop import lifetime

STEPS, COLUMNS = 8, 4


AGENT, RECURRENT = agent(small_ppo(), MLP(hidden=(8,))), agent(small_ppo(), GRU())
MIXTURE = agent(small_ppo(), GRU(), curriculum=MixAndMatch(simple=(MLP(hidden=(4,)),), share=Ramp(start=0.5, end=1.0)))


@functools.cache
def collected(algorithm: Algorithm = AGENT, limit: int = 3, renewed: Redraw = "never") -> tuple[World, Any, Trajectory]:
    """A world, fresh parameters and the experience of one segment."""
    environment = Counter(limit=limit, renewed=renewed)

    def first(key: jax.Array) -> tuple[Any, Trajectory]:
        world = algorithm.world(environment)
        params = world.initial_params(key)
        actor = world.start(key, world.sample_tasks(key, COLUMNS))
        actor, _ = world.collect(params, actor, key, 2)  # so that the segment starts in the middle of episodes
        return params, world.collect(params, actor, jax.random.fold_in(key, 1), STEPS)[1]

    return algorithm.world(environment), *compiled(first)(jax.random.key(0))


def test_truncation_is_told_from_termination_and_the_next_observation_is_the_true_one() -> None:
    _, _, seen = collected()
    step = seen.observation[..., 0]
    np.testing.assert_array_equal(seen.next_observation[..., 0], step + 1.0)
    np.testing.assert_array_equal(seen.terminated, seen.action == 1)
    np.testing.assert_array_equal(seen.truncated, (step + 1.0 >= 3) & (seen.action != 1))
    done = seen.terminated | seen.truncated
    np.testing.assert_array_equal(seen.is_first[1:], done[:-1])
    np.testing.assert_array_equal(step[1:] == 0.0, done[:-1])
    assert seen.terminated.any()
    assert seen.truncated.any()


def test_the_next_value_is_that_of_the_true_next_observation() -> None:
    world, params, seen = collected()
    ahead = np.asarray(compiled(world.evaluate_next)(params, seen)["value"])[:-1]
    following = np.asarray(compiled(world.evaluate)(params, seen)["value"])[1:]
    done = np.asarray(seen.is_first)[1:]
    np.testing.assert_allclose(ahead[~done], following[~done], rtol=1e-5)
    assert not np.any(np.isclose(ahead[done], following[done], rtol=1e-3))


@pytest.mark.parametrize("algorithm", [AGENT, RECURRENT], ids=["feed-forward", "recurrent"])
def test_a_segment_holds_the_value_of_every_true_next_state(algorithm: Algorithm) -> None:
    """Whether it is read off the row below or evaluated; several segments side by side, of which each has its own gaps."""
    world, params, seen = collected(algorithm)
    cut = seen._replace(truncated=seen.truncated & (jnp.arange(COLUMNS) > 1), terminated=seen.terminated | seen.truncated)
    both = jax.tree.map(lambda *x: jnp.stack(x), seen, cut._replace(terminated=cut.terminated & ~cut.truncated))
    segment = compiled(jax.vmap(world.segment, (None, 0)))(params, both)
    ahead = compiled(world.evaluate_next)(params, seen)["value"]
    assert seen.truncated[:-1].any()
    assert (both.truncated[0] != both.truncated[1]).any()
    np.testing.assert_allclose(segment.next_value, np.where(both.terminated, 0.0, ahead), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("algorithm", [AGENT, RECURRENT], ids=["feed-forward", "recurrent"])
def test_experience_holds_what_the_network_said_when_acting(algorithm: Algorithm) -> None:
    world, params, seen = collected(algorithm)
    said = compiled(world.evaluate)(params, seen)
    assert seen.outputs.keys() == said.keys()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), dict(seen.outputs), dict(said))
    np.testing.assert_allclose(world.policy(seen.outputs).log_prob(seen.action), seen.log_prob, rtol=1e-4)


def test_truncated_episodes_are_valued_as_if_they_went_on() -> None:
    """Reward 1 forever at gamma = 0.8 is worth 5, however short the episodes are cut."""
    algorithm, environment = agent(small_ppo(gamma=0.8, learning_rate=0.02)), Counter(limit=3, stops=False, visible=False)

    def trained(key: jax.Array) -> jax.Array:
        life = lifetime.advance(algorithm, environment, lifetime.begin(algorithm, environment, key), 0, stop=300, total=300)
        world = algorithm.world(environment)
        assert life.actor is not None
        _, seen = world.collect(life.params, life.actor, key, STEPS)
        return seen.outputs["value"]

    np.testing.assert_allclose(compiled(trained)(jax.random.key(0)), 5.0, rtol=1e-3)


def test_an_episode_family_draws_a_task_per_episode() -> None:
    _, _, seen = collected(renewed="episode")
    task, same = np.asarray(seen.observation[..., 1]), ~np.asarray(seen.is_first[1:])
    np.testing.assert_array_equal(seen.next_observation[..., 1], task)
    assert np.all((task[1:] == task[:-1]) == same)
    np.testing.assert_array_equal(seen.task, task[0])


@component
class RunningMean(Normalizer):
    """Takes the running mean off observations and halves rewards."""

    def init(self, spec: Spec, num_envs: int) -> Any:
        return jnp.zeros(spec.observation_shape), jnp.zeros(())

    def update(self, state: Any, observation: jax.Array) -> tuple[Any, jax.Array]:
        total, count = state[0] + jnp.sum(observation, axis=0), state[1] + observation.shape[0]
        return (total, count), observation - total / count

    def normalize(self, state: Any, observation: jax.Array) -> jax.Array:
        return observation - state[0] / state[1]

    def update_reward(self, state: Any, reward: jax.Array, done: jax.Array) -> tuple[Any, jax.Array]:
        return state, 0.5 * reward


def test_an_update_family_starts_afresh_and_the_normalizer_goes_on() -> None:
    """Episodes cut off by a redraw are forgotten: each finished one lasts 5 of the 8 steps."""
    algorithm, environment = agent(small_ppo(), normalizer=RunningMean()), Counter(limit=5, stops=False, renewed="update")
    updates = 3

    advance = compiled(
        lambda life, start, stop: lifetime.advance(algorithm, environment, life, start, stop=stop, total=updates)
    )
    first = advance(compiled(lambda key: lifetime.begin(algorithm, environment, key))(jax.random.key(0)), 0, 1)
    last = advance(first, 1, updates)
    curve = lifetime.curve_of(last, updates)
    np.testing.assert_array_equal(curve.episode_return, 5.0)
    np.testing.assert_array_equal(curve.episode_length, 5.0)
    assert last.env_steps == updates * STEPS * COLUMNS
    assert len({*np.asarray(first.actor.task).tolist(), *np.asarray(last.actor.task).tolist()}) == 2 * COLUMNS
    observed = COLUMNS * (1 + updates * (1 + STEPS))  # one at the beginning; a start and its steps at each update
    np.testing.assert_array_equal(last.actor.normalizer[1], observed)


def test_a_normalized_next_observation_is_the_next_observation() -> None:
    _, _, seen = collected(agent(small_ppo(), normalizer=RunningMean()))
    inside = ~np.asarray(seen.is_first[1:])
    np.testing.assert_allclose(seen.next_observation[:-1][inside], seen.observation[1:][inside])
    np.testing.assert_array_equal(seen.reward, 0.5)


@pytest.mark.parametrize("candidate", [RECURRENT, MIXTURE], ids=["alone", "mixed with a feed-forward one"])
def test_a_recurrent_network_evaluates_as_it_acted(candidate: Algorithm) -> None:
    world, params, seen = collected(candidate)
    assert np.any(jax.tree.leaves(seen.carry)[0] != 0.0)  # the segment starts inside episodes
    outputs = compiled(world.evaluate)(params, seen)
    for name in world.heads.outputs:
        np.testing.assert_allclose(outputs[name], seen.outputs[name], rtol=1e-5, atol=1e-6)


def test_a_recurrent_network_looks_one_step_ahead_without_a_reset() -> None:
    world, params, seen = collected(RECURRENT)
    ahead = compiled(world.evaluate_next)(params, seen)["value"]
    carry, apply = seen.carry, compiled(lambda *x: RECURRENT.network.apply(x[0], world.heads, *x[1:]))
    for t in range(STEPS):
        inputs = Inputs(seen.observation[t], seen.is_first[t], {}, jnp.zeros(()))
        _, carry = apply(params, inputs, carry)
        following = Inputs(seen.next_observation[t], jnp.zeros(COLUMNS, bool), {}, jnp.zeros(()))
        expected = apply(params, following, carry)[0]["value"]
        np.testing.assert_allclose(ahead[t], expected, rtol=1e-5, atol=1e-6)


def test_minibatches_keep_recurrent_sequences_whole() -> None:
    world, params, seen = collected(RECURRENT)

    def divided(params: Any, seen: Trajectory) -> Any:
        whole = world.evaluate(params, seen)["value"]
        parts, values = world.minibatches(jax.random.key(1), 2, seen, whole)
        return parts, values, jax.vmap(world.evaluate, (None, 0))(params, parts)["value"]

    parts, values, evaluated = compiled(divided)(params, seen)
    assert parts.reward.shape == (2, STEPS, COLUMNS // 2)
    np.testing.assert_allclose(evaluated, values, rtol=1e-5, atol=1e-6)
    assert set(np.asarray(parts.task).ravel().tolist()) == set(np.asarray(seen.task).tolist())


def test_minibatches_of_single_steps_hold_each_step_once() -> None:
    world, _, seen = collected()
    number = jnp.arange(STEPS * COLUMNS).reshape(STEPS, COLUMNS)
    parts, numbers = compiled(lambda seen: world.minibatches(jax.random.key(1), 4, seen, number))(seen)
    assert numbers.shape == parts.reward.shape == (4, 1, STEPS * COLUMNS // 4)
    assert sorted(np.asarray(numbers).ravel().tolist()) == list(range(STEPS * COLUMNS))
    of_step = np.asarray(seen.observation).reshape(-1, 2)[np.asarray(numbers).ravel()]
    np.testing.assert_array_equal(np.asarray(parts.observation).reshape(-1, 2), of_step)


@component
class Critic(UpdateRule):
    """Asks for a policy that reads a latent, a critic of actions, and an encoder of transitions."""

    latent: str = "latent"

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(STEPS, COLUMNS)

    def heads(self, spec: Spec) -> Heads:
        policy = {name: head._replace(reads=(self.latent,)) for name, head in policy_heads(spec).items()}
        critic = Head((), reads=("latent", ACTION))
        return Heads({**policy, "q": critic, "encoder": Head((2,), reads=(ACTION, REWARD))}, {"latent": 2})


@pytest.mark.parametrize("shared", [False, True])
def test_heads_read_named_inputs_once_they_are_known(shared: bool) -> None:
    world = agent(Critic(), MLP(hidden=(4,), shared=shared)).world(Counter())
    latent = {"latent": jnp.arange(2 * COLUMNS, dtype=jnp.float32).reshape(COLUMNS, 2)}  # one for each column

    def everything(key: jax.Array) -> Any:
        params = world.initial_params(key)
        _, seen = world.collect(params, world.start(key, world.sample_tasks(key, COLUMNS)), key, STEPS, latent)
        other = world.evaluate(params, seen._replace(action=1 - seen.action))
        blind = world.evaluate(params, seen._replace(context={}))  # what infers the latent needs none
        ahead = world.evaluate_next(params, seen), world.evaluate_next(params, seen, seen.action)
        return seen, world.evaluate(params, seen), other, blind, *ahead

    seen, outputs, other, blind, ahead, ahead_acting = compiled(everything)(jax.random.key(0))
    np.testing.assert_array_equal(seen.context["latent"][3], latent["latent"])
    assert set(outputs) == {"policy", "q", "encoder"}
    assert set(seen.outputs) == set(ahead) == {"policy"}
    assert set(ahead_acting) == {"policy", "q"}
    assert set(blind) == {"encoder"}
    np.testing.assert_allclose(outputs["policy"], seen.outputs["policy"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(blind["encoder"], outputs["encoder"], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(outputs["policy"], other["policy"])
    assert not np.any(np.isclose(outputs["q"], other["q"]))


def test_the_template_has_the_shapes_of_experience() -> None:
    world = agent(Critic(), MLP(hidden=(4,))).world(Catch())

    def shapes(key: jax.Array) -> Any:
        params = world.initial_params(key)
        actor = world.start(key, world.sample_tasks(key, COLUMNS))
        return params, world.collect(params, actor, key, STEPS, {"latent": jnp.zeros(2)})[1]

    params, seen = jax.eval_shape(shapes, jax.random.key(0))
    assert world.template(params, STEPS, COLUMNS) == seen


def test_a_head_that_reads_what_nobody_gives_is_refused() -> None:
    with pytest.raises(UserError, match="head 'policy' reads 'latnt', which the rule's context does not hold; did you mean"):
        agent(Critic(latent="latnt")).world(Catch())


@component
class Echo(UpdateRule):
    """Returns its arguments, those by keyword after the others."""

    def rollout(self, *arguments: Any, **named: Any) -> Any:
        return (*arguments, *named.values())

    heads = init = behavior = act = update = adapt_to_task = rollout


@pytest.mark.parametrize(
    ("method", "count"),
    [("rollout", 1), ("heads", 1), ("init", 3), ("behavior", 2), ("act", 4), ("update", 5), ("adapt_to_task", 5)],
)
def test_a_wrapping_rule_passes_on_what_it_is_given(method: str, count: int) -> None:
    arguments = tuple(range(count))
    assert getattr(WrappingRule(rule=Echo()), method)(*arguments) == arguments
