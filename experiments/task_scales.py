"""What are the returns of a uniform random policy, and of a good one, on the tasks of gymnax?

    python experiments/task_scales.py              # measure all and print
    python experiments/task_scales.py --write      # also renew plugins/discover_zoo/environments/gymnax/tasks.json
    python experiments/task_scales.py --train      # also train PPO where a reference comes from it (minutes)
    python experiments/task_scales.py Pong-misc --episodes 4096

Each task's normalized scale is 0 at the random policy's mean episode return and 1 at its reference. A reference is an
optimum that is known, a published figure, or, where there is neither, what a policy of this file reaches; `tasks.json` says
which.
"""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.environments import gymnax
from discover_zoo.environments.gymnax.environment import Gymnax, make

from discover import Continuous, Environment, MultiDiscrete, load, run_lifetime

TABLE = Path(gymnax.__file__).with_name("tasks.json")
AT_ONCE = 4096

Policy = Callable[[jax.Array, Any], jax.Array]
"""``(key, state) -> action``: the policies here may look at the whole state."""


class Measured(NamedTuple):
    """Mean episode return over independent episodes, with its standard error."""

    mean: float
    standard_error: float
    episodes: int


def measure(environment: Environment, policy: Policy, episodes: int, seed: int = 0) -> Measured:
    """The mean return of the first episode in each of ``episodes`` independent environments."""
    at_once = min(episodes, AT_ONCE)

    def one(key: jax.Array) -> jax.Array:
        key_task, key_reset, key_run = jax.random.split(key, 3)
        task = environment.sample_task(key_task)

        def step(carry: tuple[Any, ...]) -> tuple[Any, ...]:
            time, state, total, _ = carry
            key_act, key_step = jax.random.split(jax.random.fold_in(key_run, time))
            made = environment.step(key_step, state, policy(key_act, state), task)
            return time + 1, made.state, total + made.reward, made.terminated | made.truncated

        first = (0, environment.reset(key_reset, task)[0], jnp.zeros(()), jnp.array(False))
        return jax.lax.while_loop(lambda carry: ~carry[3], step, first)[2]

    keys = jax.random.split(jax.random.key(seed), (episodes // at_once, at_once))
    run = jax.jit(jax.vmap(one))
    returns = np.concatenate([np.asarray(run(k), np.float64) for k in keys])
    return Measured(float(returns.mean()), float(returns.std(ddof=1) / math.sqrt(returns.size)), returns.size)


def uniform(environment: Environment) -> Policy:
    """Every action with the same probability (density)."""
    space = environment.spec().action
    if isinstance(space, Continuous):
        low, high = (np.asarray(bound, np.float32) for bound in space)
        return lambda key, state: jax.random.uniform(key, low.shape, minval=low, maxval=high)
    if isinstance(space, MultiDiscrete):
        return lambda key, state: jax.random.randint(key, (len(space.factors),), 0, np.asarray(space.factors))
    return lambda key, state: jax.random.randint(key, (), 0, space.n)


# Policies for tasks without a known optimum or a published figure -----------------------------------------------------


def towards(distance: jax.Array, velocity: jax.Array) -> jax.Array:
    """Fastest stop at a distance with acceleration in [-1, 1]: full thrust, then full brake."""
    return jnp.clip(20.0 * (distance - 0.5 * velocity * jnp.abs(velocity) - 0.05 * velocity), -1.0, 1.0)


def swimmer(key: jax.Array, state: Any) -> jax.Array:
    return towards(state.goal_xy - state.xy, state.xy_vel)


def reacher(key: jax.Array, state: Any) -> jax.Array:
    """Inverse kinematics of two links of length 1, the nearer of the two elbows."""
    reach = jnp.minimum(jnp.linalg.norm(state.goal_xy), 2.0)
    direction = jnp.arctan2(state.goal_xy[1], state.goal_xy[0])
    bend = jnp.arccos(0.5 * reach) * jnp.array([1.0, -1.0])
    errors = jnp.stack([direction + bend - state.angles, direction - bend - state.angles])
    errors = (errors + jnp.pi) % (2 * jnp.pi) - jnp.pi
    nearer = jnp.argmin(jnp.max(jnp.abs(errors), axis=1))
    return towards(errors[nearer], state.angle_vels)


def point_robot(key: jax.Array, state: Any) -> jax.Array:
    return state.goal - state.pos


def pong(key: jax.Array, state: Any) -> jax.Array:
    error = state.ball_position[0] - state.paddle_centers[0]
    return jnp.where(error > 0.5, 2, jnp.where(error < -0.5, 1, 0))


def meta_maze(key: jax.Array, state: Any) -> jax.Array:
    environment = make("MetaMaze-misc").environment
    ahead = state.pos + environment.directions
    free = environment.env_map[ahead[:, 0], ahead[:, 1]]
    distance = jnp.asarray(distances(np.asarray(environment.env_map)))[state.goal[0], state.goal[1]]
    return jnp.argmin(jnp.where(free, distance[ahead[:, 0], ahead[:, 1]], jnp.inf))


def distances(free: np.ndarray) -> np.ndarray:
    """Steps between all pairs of cells of a map, ``[rows, columns, rows, columns]``; infinite through walls."""
    steps = np.full(free.shape * 2, np.inf)
    for goal in np.argwhere(free):
        found = steps[tuple(goal)]
        found[tuple(goal)] = 0.0
        for step in range(1, free.size):
            near = np.isfinite(found)
            for axis in (0, 1):
                near = near | np.roll(np.isfinite(found), 1, axis) | np.roll(np.isfinite(found), -1, axis)
            fresh = near & free & ~np.isfinite(found)
            if not fresh.any():
                break
            found[fresh] = step
    return steps


def gaussian_bandit(key: jax.Array, state: Any) -> jax.Array:
    return jnp.where((state.time == 0) | (state.last_reward > 0), 1, 0)


POLICIES: dict[str, Policy] = {
    "GaussianBandit-misc": gaussian_bandit,
    "MetaMaze-misc": meta_maze,
    "PointRobot-misc": point_robot,
    "Pong-misc": pong,
    "Reacher-misc": reacher,
    "Swimmer-misc": swimmer,
}


# Optima that can be computed ------------------------------------------------------------------------------------------


def bernoulli_bandit(pulls: int = 100, best: float = 0.9) -> float:
    """Each pull of either arm tells the better one with probability ``best``; play the arm with more evidence for it."""
    total = 0.0
    for seen in range(pulls):
        chance = [math.comb(seen, k) * best**k * (1 - best) ** (seen - k) for k in range(seen + 1)]
        right = sum(p * (1.0 if 2 * k > seen else 0.5 if 2 * k == seen else 0.0) for k, p in enumerate(chance))
        total += best * right + (1 - best) * (1 - right)
    return total


def frozen_lake() -> float:
    """Value of the start, by backward induction over the time limit: a move goes as meant, or to either side, each 1/3."""
    made = make("FrozenLake-misc")
    tiles = np.asarray(made.environment.desc)
    rows, columns = tiles.shape
    row, column = np.divmod(np.arange(tiles.size), columns)
    moves = ((0, -1), (1, 0), (0, 1), (-1, 0))
    after = np.array([np.clip(row + y, 0, rows - 1) * columns + np.clip(column + x, 0, columns - 1) for y, x in moves])
    start, going, goal = (tiles.ravel() == 0), (tiles.ravel() < 2), (tiles.ravel() == 3)
    value = np.zeros(tiles.size)
    for _ in range(made.params.max_steps_in_episode):
        reached = (goal + going * value)[after]
        value = ((np.roll(reached, 1, axis=0) + reached + np.roll(reached, -1, axis=0)) / 3).max(axis=0)
    return float(value[start][0])


OPTIMA: dict[str, Callable[[], float]] = {"BernoulliBandit-misc": bernoulli_bandit, "FrozenLake-misc": frozen_lake}


# Training, where nothing better is known ------------------------------------------------------------------------------

TRAINED = ("Seaquest-MinAtar",)
TRAINING_STEPS = 200_000
CANDIDATE = {
    "recipe": "ppo",
    "rule": {
        "ppo": {
            "num_envs": 64,
            "steps": 128,
            "minibatches": 8,
            "optimizer": {
                "clip_norm": {
                    "max_norm": 0.5,
                    "optimizer": {"adam": {"learning_rate": 5e-3, "eps": 1e-5, "anneal": 1.0}},
                }
            },
        }
    },
    "network": {"mlp": {"hidden": [64, 64], "activation": "relu"}},
}


def trained(environment: Environment, seed: int = 0) -> float:
    """Mean return of the last twentieth of one lifetime of PPO."""
    algorithm = load(CANDIDATE)
    run = jax.jit(lambda key: run_lifetime(algorithm, environment, key, TRAINING_STEPS))
    returns = run(jax.random.key(seed)).episode_return
    return float(np.mean(returns[-len(returns) // 20 :]))


def scales(name: str, task: dict[str, Any], episodes: int, train: bool) -> None:
    """Renew the figures of one task that this file measures, computes or (if ``train``) trains for."""
    environment = Gymnax(id=name, **task.get("settings", {}))
    random = measure(environment, uniform(environment), episodes)
    task["random"] = figures(random) | {"episodes": random.episodes}
    if name in POLICIES:
        task["reference"] |= figures(measure(environment, POLICIES[name], episodes))
    elif name in OPTIMA:
        task["reference"]["return"] = significant(OPTIMA[name]())
    elif name in TRAINED and train:
        origin = f"PPO of this file, {TRAINING_STEPS:,} env steps, one seed: mean of the last twentieth"
        task["reference"] = {"return": significant(trained(environment)), "origin": origin}


def figures(measured: Measured) -> dict[str, float]:
    return {"return": significant(measured.mean), "standard_error": significant(measured.standard_error)}


def significant(value: float) -> float:
    """Five significant digits, which is more than any measurement here has."""
    return float(f"{value:.5g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("tasks", nargs="*", help="ids of tasks; all if none is given")
    parser.add_argument("--write", action="store_true", help=f"renew {TABLE.name}")
    parser.add_argument("--episodes", type=int, default=65_536, help=f"a multiple of {AT_ONCE}, or less than it")
    parser.add_argument("--train", action="store_true", help="also train PPO where a reference comes from it: minutes")
    arguments = parser.parse_args()
    table = json.loads(TABLE.read_text(encoding="utf-8"))
    for name in arguments.tasks or table:
        scales(name, table[name], arguments.episodes, arguments.train)
        random, reference = table[name]["random"], table[name]["reference"]
        print(f"{name:24} {random['return']:9.3f} +- {random['standard_error']:.3f} -> {reference['return']:9.3f}", flush=True)
        if arguments.write:
            TABLE.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
