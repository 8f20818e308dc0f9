"""GMPS: inner steps on old data stay policy gradients, gradients run through them, and experts advise in training alone."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contract.small import CATCH, agent, compiled
from discover_zoo.environments.navigation.square import Square
from discover_zoo.networks.mlp import MLP
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.sgd import SGD
from discover_zoo.returns.monte_carlo import MonteCarlo
from discover_zoo.rules.gmps import GMPS
from discover_zoo.rules.imitation import Imitation
from discover_zoo.rules.policy_gradient import PolicyGradient
from discover_zoo.rules.sac import SAC
from discover_zoo.rules.trained_experts import TASK
from discover_zoo.wrappers.action_repeat import ActionRepeat
from discover_zoo.wrappers.time_limit import TimeLimit
from discover_zoo.wrappers.trials.trials import Trials
from plugins.bandits import Arm, Logits, pulls

from discover import EXPERT, Algorithm, Info, Params, Task, Trajectory, UserError, Wrapper, component, encode_action, replace

OLD, NEW = jnp.asarray([0.2, -0.3]), jnp.asarray([-0.4, 0.5])
SIZES: dict[str, Any] = {"tasks": 2, "num_envs": 2, "steps": 4}


def inner(surrogate: str = "weighted log likelihood") -> PolicyGradient:
    settings: dict[str, Any] = {"surrogate": surrogate, "normalize": False}
    return PolicyGradient(returns=MonteCarlo(), optimizer=SGD(learning_rate=2.0), **settings)


def gmps(**changes: Any) -> GMPS:
    settings: dict[str, Any] = {"inner": inner(), "outer": Imitation(optimizer=Adam(), epochs=2)} | SIZES | changes
    return GMPS(**settings)


@component
class Advised(Arm):
    """Has an expert, who pulls the second arm."""

    def expert(self, state: Any, task: Task) -> jax.Array:
        return jnp.int32(1)


# The inner step -------------------------------------------------------------------------------------------------------


def stepped(rule: PolicyGradient, params: jax.Array, batch: Trajectory) -> np.ndarray:
    world = agent(rule, Logits()).world(Arm())
    update = compiled(lambda params: rule.update(jax.random.key(0), world, params, (), trajectory=batch)[0])
    return np.asarray(update(params))


def test_at_first_the_inner_step_is_the_policy_gradient_step_bit_for_bit() -> None:
    batch = pulls(OLD, (3.0, 1.0))
    found = stepped(inner(), OLD, batch)
    assert found.tobytes() == stepped(inner("log likelihood"), OLD, batch).tobytes()
    assert np.any(found != np.asarray(OLD))


def test_on_old_data_the_inner_step_is_that_on_data_of_the_parameters_themselves() -> None:
    reward = (3.0, 1.0)
    own = stepped(inner(), NEW, pulls(NEW, reward))
    np.testing.assert_allclose(stepped(inner(), NEW, pulls(OLD, reward)), own, rtol=1e-5)
    assert not np.allclose(stepped(inner("log likelihood"), NEW, pulls(OLD, reward)), own, rtol=0.05)


def test_the_gradient_of_the_imitation_through_the_inner_step_is_that_of_finite_differences() -> None:
    """On old data; the weight is a constant, as in the paper, so it is one in the differences too."""
    rule = gmps(tasks=1, steps=1)
    world = agent(rule, Logits()).world(Advised())
    chosen = encode_action(world.spec, jnp.asarray([[1, 0]]))
    last, outer = pulls(OLD, (0.0, 0.0))._replace(context={EXPERT: chosen}), rule.outer
    assert isinstance(outer, Imitation)

    def loss(params: Params, weights_at: Params) -> jax.Array:
        before = pulls(OLD, (3.0, 1.0))
        here, there = (world.policy(world.evaluate(at, before)).log_prob(before.action) for at in (params, weights_at))
        before = before._replace(log_prob=before.log_prob + jax.lax.stop_gradient(here - there))
        extra = jax.tree.map(lambda x: x[None], [(jax.random.key(0), before)])
        return rule.adapting(world).objective(outer.loss(world))(params, last._replace(extra=extra))[0]

    value, slope = compiled(loss), compiled(jax.grad(loss))(NEW, NEW)
    moved = [NEW + 1e-2 * way * jnp.eye(2)[i] for i in range(2) for way in (1.0, -1.0)]
    up, down, right, left = (float(value(at, NEW)) for at in moved)
    np.testing.assert_allclose(slope, [(up - down) / 2e-2, (right - left) / 2e-2], rtol=2e-3)
    assert np.all(np.abs(slope) > 1e-3)


def test_learned_rates_are_factors_of_the_inner_step() -> None:
    plain, learned = gmps(), gmps(learned_rates=True)
    world, batch, key = agent(plain, Logits()).world(Advised()), pulls(OLD, (3.0, 1.0)), jax.random.key(0)
    rates = jnp.asarray([0.0, 2.0])

    def adapted(rule: GMPS, learned: Any) -> np.ndarray:
        params, state = rule.unpacked(learned, ())
        return np.asarray(compiled(lambda p: rule.adapt_to_task(key, world, p, state, trajectory=batch)[0])(params))

    step = adapted(plain, OLD) - np.asarray(OLD)
    np.testing.assert_allclose(adapted(learned, (OLD, rates)) - np.asarray(OLD), rates * step, rtol=1e-4, atol=1e-7)


# Experts --------------------------------------------------------------------------------------------------------------


@functools.cache
def last_batches() -> tuple[Trajectory, Trajectory]:
    """The last batch of a task in the first updates, and in later ones."""
    rule = gmps(demonstrations=2)
    candidate, goal = agent(rule), jnp.asarray([0.3, -0.2])

    def collected(key: jax.Array, env_steps: jax.Array) -> Trajectory:
        world = candidate.world(Square(), env_steps=env_steps)
        params = world.initial_params(key)
        learned, start = (params, rule.init(key, world, params)), world.start(key, jnp.tile(goal, (2, 1)))
        return rule.collect_last(key, world, learned, start)[1]

    each, program = 2 * 2 * 2 * 4, compiled(collected)
    return program(jax.random.key(0), each), program(jax.random.key(0), 2 * each)


def test_the_expert_acts_at_first_and_then_says_what_it_would_do() -> None:
    shown, own = last_batches()
    for batch in (shown, own):
        wanted = np.clip((np.asarray([0.3, -0.2]) - batch.observation) / 0.1, -1.0, 1.0)
        np.testing.assert_allclose(batch.context[EXPERT], wanted, atol=1e-6)
    np.testing.assert_array_equal(shown.action, shown.context[EXPERT])
    assert not np.any(np.isclose(own.action, own.context[EXPERT]).all(axis=-1))


@pytest.mark.parametrize("wrapper", [TimeLimit(steps=5), Trials(episodes=2), ActionRepeat(times=3)])
def test_wrappers_pass_the_expert_on(wrapper: Wrapper) -> None:
    family, goal = wrapper.wrap(Square()), jnp.asarray([0.05, -0.5])
    found = family.expert(family.reset(jax.random.key(0), goal)[0], goal)
    np.testing.assert_allclose(found, [0.5, -1.0], rtol=1e-6)


def refusal(rule: GMPS, family: Any) -> str:
    world = agent(rule).world(family)
    with pytest.raises(UserError) as caught:
        jax.eval_shape(lambda key: rule.init(key, world, world.initial_params(key)), jax.random.key(0))
    return str(caught.value)


def test_a_family_without_an_expert_is_refused() -> None:
    told = "the environment Catch has no expert to imitate: choose a task that has one, give it the method expert, or let"
    assert refusal(gmps(), CATCH).startswith(told)


def taught(**changes: Any) -> GMPS:
    settings: dict[str, Any] = {"steps": 2, "num_envs": 2, "capacity": 16, "batch": 4, "learning_starts": 0} | changes
    return gmps(experts=SAC(optimizer=Adam(), policy_optimizer=Adam(), **settings), expert_updates=1)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (replace(taught(), {"task_size": 3}), "told 3 numbers of a task, but this task has 2: set task_size to 2"),
        (taught(steps=5, capacity=20), "the 32 env steps of an update are no whole number .* which takes 10: change"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(rule: GMPS, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        raise UserError(refusal(rule, Square()))


@pytest.mark.slow
def test_experts_are_trained_first_and_then_the_agent_which_is_not_told_the_task() -> None:
    rule = taught()
    candidate: Algorithm = agent(rule, MLP(hidden=(4,)))

    def trained(key: jax.Array) -> tuple[list[Params], list[Info], Any]:
        world = candidate.world(Square())
        params = world.initial_params(key)
        learned, kept, infos = (params, rule.init(key, world, params)), [params], []
        for index in range(2):
            *learned, info = rule.update(key, candidate.world(Square(), env_steps=32 * index), *learned, trajectory=None)
            kept.append(learned[0])
            infos.append(info)
        return kept, infos, rule.behavior(*learned)[1][TASK]

    (first, second, third), infos, told = compiled(trained)(jax.random.key(0))

    def changed(before: Params, after: Params) -> set[str]:
        heads = before["heads"]
        equal = {n: jax.tree.map(np.array_equal, heads[n], after["heads"][n]) for n in heads}
        return {name for name, each in equal.items() if not all(jax.tree.leaves(each))}

    assert changed(first, second) == {"expert_policy", "expert_log_std", "expert_q1", "expert_q2"}
    assert changed(second, third) == {"policy", "log_std"}
    assert [int(info["env_steps"]) for info in infos] == [32, 32]
    np.testing.assert_array_equal(told, 0.0)
