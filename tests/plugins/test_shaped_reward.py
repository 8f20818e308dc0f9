"""The rule that lets another learn from the shaped reward."""

import jax
import jax.numpy as jnp
import numpy as np
import toys
from discover_zoo.rules.shaped_reward import ShapedReward

from discover import Algorithm, Info, Key, Params, RuleState, Trajectory, World, component, environment


@component
class Told(toys.Climb):
    """Tells what reward it learns from."""

    def update(
        self, key: Key, world: World, params: Params, state: RuleState, trajectory: Trajectory
    ) -> tuple[Params, RuleState, Info]:
        return params, state, {"told": jnp.sum(trajectory.reward)}


def test_the_rule_inside_learns_from_the_shaped_reward_where_there_is_one() -> None:
    key, told = jax.random.key(0), ShapedReward(rule=Told(steps=4, num_envs=2))
    for task in ("navigation-half-circle", "navigation-square"):
        world = Algorithm(rule=told, network=toys.Blank()).world(environment(task))
        params = world.initial_params(key)
        actor = world.start(key, world.sample_tasks(key, 2))
        _, trajectory = world.collect(params, actor, key, 4, context={})
        info = told.update(key, world, params, told.init(key, world, params), trajectory=trajectory)[2]
        np.testing.assert_allclose(info["told"], jnp.sum(trajectory.dense_reward))
        assert (float(info["told"]) == float(jnp.sum(trajectory.reward))) == (task == "navigation-square")
