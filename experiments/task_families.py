"""What are the returns of a random policy, and of the best one, on families of which each lifetime draws a task?

    python experiments/task_families.py              # all families
    python experiments/task_families.py --write      # also renew family_tasks.json in plugins/discover_zoo/environments
    python experiments/task_families.py --speed      # CPU seconds to compile, env steps of PPO per CPU second

Where a task is a table (mazes, deep seas, garnets), both returns are exact for each task that is drawn, by dynamic programming
over the states and the time that is left, and the scale is their mean. A pole can be balanced to the time limit. For pendulums
the best policy is computed on a grid of angles and speeds. For acrobots it is trained. In foggy mazes both returns are
measured, the upper one with an expert who knows the maze. Delayed rewards are exact by a sum over steps and delays.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.environments.catch.catches import Catches
from discover_zoo.environments.delayed_rewards import DelayedRewards
from discover_zoo.environments.family_tasks import TASKS
from discover_zoo.environments.grid_worlds.foggy_mazes import FoggyMazes
from discover_zoo.environments.gymnax.physics import RandomPhysics
from discover_zoo.environments.rescaled import Rescaled
from discover_zoo.environments.tabular import Exact, returns_of
from task_scales import Measured, measure, uniform

from discover import Environment, environment, load, run_lifetime, train

DRAWN = 1024
"""Tasks of a family with tables, over which its scale is a mean."""
EPISODES = 4096
ANGLES, SPEEDS, TORQUES = 61, 51, 5
"""The grid on which the best policy of a pendulum is computed."""
PENDULUMS = 384
TRAINED_STEPS, TRAINED_SEEDS = 200_000, 16


def exact(family: Any) -> dict[str, Any]:
    """The means of the exact returns of tasks that are drawn."""

    def one(key: jax.Array) -> Exact:
        return returns_of(family.table(family.sample_task(key)))

    found = jax.jit(lambda keys: jax.lax.map(one, keys, batch_size=16))(jax.random.split(jax.random.key(1), DRAWN))
    random, best = (np.asarray(values, np.float64) for values in found)
    errors = ", ".join(f"{np.std(values) / DRAWN**0.5:.2g}" for values in (random, best))
    origin = f"means of the exact returns of {DRAWN} tasks, random policy and optimum; standard errors {errors}"
    return scale(float(random.mean()), float(best.mean()), origin)


def catches(family: Catches) -> dict[str, Any]:
    """The ball's column is uniform, and every ball can be caught."""
    sides = np.arange(int(family.smallest), int(family.largest) + 1)
    return scale(
        float(np.mean(2.0 / sides - 1.0)), 1.0, "random: exact, one of n columns is right; reference: every ball caught"
    )


def delayed(family: DelayedRewards) -> dict[str, Any]:
    """A good action pays 1 unless the episode ends before, the bait at once; the best policy takes it when 1 comes too late."""
    delays = np.arange(int(family.shortest), int(family.longest) + 1)
    in_time, bait = np.maximum(float(family.horizon) - delays, 0.0), float(family.bait)
    random = (in_time + float(family.horizon) * bait) / family.actions
    best = in_time + (float(family.horizon) - in_time) * bait
    origin = "random: exact, each action has the same probability; reference: optimum, the good action while it is paid in time"
    return scale(float(random.mean()), float(best.mean()), origin)


def foggy(family: FoggyMazes) -> dict[str, Any]:
    """The mean returns of a random policy, and of an expert who sees the whole maze and knows the right door."""
    random, best = (walked(family, expert) for expert in (False, True))
    errors = ", ".join(f"{found.standard_error:.2g}" for found in (random, best))
    told = "random policy, and an expert who knows the maze and goes to the nearest crumb"
    return scale(random.mean, best.mean, f"{told}: {EPISODES} mazes, one episode each; standard errors {errors}")


def walked(family: FoggyMazes, expert: bool) -> Measured:
    """The return of an episode in each of many mazes."""

    def episode(key: jax.Array) -> jax.Array:
        key_task, key_reset, key_run = jax.random.split(key, 3)
        task = family.sample_task(key_task)

        def step(carry: tuple[Any, jax.Array], key: jax.Array) -> tuple[tuple[Any, jax.Array], jax.Array]:
            state, going = carry
            action = family.expert(state, task) if expert else jax.random.randint(key, (), 0, 4)
            made = family.step(key, state, action, task)
            return (made.state, going & ~made.terminated), going * made.reward

        first = family.reset(key_reset, task)[0], jnp.array(True)
        return jnp.sum(jax.lax.scan(step, first, jax.random.split(key_run, int(family.horizon)))[1])

    returns = np.asarray(_episodes(episode, jax.random.key(3), EPISODES), np.float64)
    return Measured(float(returns.mean()), float(returns.std(ddof=1) / returns.size**0.5), returns.size)


def physics(family: RandomPhysics) -> dict[str, Any]:
    random = measure(family, uniform(family), EPISODES)
    told = f"random: {random.episodes} episodes, standard error {random.standard_error:.2g}; reference: "
    best, origin = REFERENCES[family.id](family)
    return scale(random.mean, best, told + origin)


def balanced(_: RandomPhysics) -> tuple[float, str]:
    return 500.0, "the time limit"


def swung_up(family: RandomPhysics) -> tuple[float, str]:
    """The mean return of the best policy of each pendulum, computed on a grid."""
    returns = np.concatenate([one_pendulum(family, key) for key in jax.random.split(jax.random.key(2), PENDULUMS // 16)])
    found = Measured(float(returns.mean()), float(returns.std() / returns.size**0.5), returns.size)
    grid = f"{ANGLES} angles x {SPEEDS} speeds x {TORQUES} torques"
    origin = (
        f"the best policy on a grid of {grid} for each of {found.episodes} tasks, standard error {found.standard_error:.2g}"
    )
    return found.mean, origin


def one_pendulum(family: RandomPhysics, key: jax.Array, episodes: int = 16) -> np.ndarray:
    """The returns of episodes of one pendulum each, with the policy that looks one step ahead of the values on the grid."""
    torques = jnp.linspace(-2.0, 2.0, TORQUES)[:, None]
    speeds = jnp.linspace(-8.0, 8.0, SPEEDS)
    angles = jnp.arange(ANGLES) * (2 * jnp.pi / ANGLES)

    def ahead(task: Any, state: Any, value: jax.Array) -> tuple[Any, jax.Array, jax.Array]:
        """The steps by all torques: states, rewards, and these with the values that follow."""
        step = jax.vmap(lambda torque: family.step(jax.random.key(0), state, torque, task))(torques)
        theta, speed = step.state.theta % (2 * jnp.pi) * (ANGLES / (2 * jnp.pi)), (step.state.theta_dot + 8.0) / 16.0
        place = jnp.stack([theta, speed * (SPEEDS - 1)])
        rows = jnp.concatenate([value, value[:1]])
        after = jax.scipy.ndimage.map_coordinates(rows, list(place), order=1, mode="nearest")
        return step.state, step.reward, step.reward + after

    def episode(key: jax.Array) -> jax.Array:
        key_task, key_reset = jax.random.split(key)
        task = family.sample_task(key_task)
        first = family.reset(key_reset, task)[0]

        def before(value: jax.Array, _: None) -> tuple[jax.Array, jax.Array]:
            def at(angle: jax.Array, speed: jax.Array) -> jax.Array:
                return jnp.max(ahead(task, first.replace(theta=angle, theta_dot=speed), value)[2])

            return jax.vmap(lambda a: jax.vmap(lambda s: at(a, s))(speeds))(angles), value

        def act(state: Any, value: jax.Array) -> tuple[Any, jax.Array]:
            states, rewards, worth = ahead(task, state, value)
            best = jnp.argmax(worth)
            return jax.tree.map(lambda leaf: leaf[best], states), rewards[best]

        values = jax.lax.scan(before, jnp.zeros((ANGLES, SPEEDS)), None, length=200)[1]  # with 0 .. 199 steps left
        return jnp.sum(jax.lax.scan(act, first, values[::-1])[1])

    return np.asarray(_episodes(episode, key, episodes), np.float64)


def _episodes(episode: Callable[[jax.Array], jax.Array], key: jax.Array, count: int) -> jax.Array:
    return jax.jit(lambda keys: jax.lax.map(episode, keys))(jax.random.split(key, count))


def trained(family: RandomPhysics) -> tuple[float, str]:
    """The mean return of the last tenth of lifetimes of PPO, each with a task of its own."""
    training = train("ppo", "acrobot-random", steps=TRAINED_STEPS, seeds=TRAINED_SEEDS)
    error = float(training.returns.std() / TRAINED_SEEDS**0.5)
    origin = f"PPO, {TRAINED_STEPS:,} env steps, {TRAINED_SEEDS} lifetimes, mean of the last tenth, standard error {error:.2g}"
    return float(training.returns.mean()), origin


REFERENCES: dict[str, Callable[[RandomPhysics], tuple[float, str]]] = {
    "Acrobot-v1": trained,
    "CartPole-v1": balanced,
    "Pendulum-v1": swung_up,
}


def scale(random: float, reference: float, origin: str) -> dict[str, Any]:
    """The two returns of a task, with five significant digits."""
    return {"random": float(f"{random:.5g}"), "reference": float(f"{reference:.5g}"), "origin": origin}


def scale_of(family: Environment) -> dict[str, Any]:
    if isinstance(family, Rescaled):
        found, by = scale_of(family.inner), float(family.scale)
        return scale(by * found["random"], by * found["reference"], f"{found['origin']}; both times {by:g}")
    if isinstance(family, Catches):
        return catches(family)
    for kind, of in {DelayedRewards: delayed, FoggyMazes: foggy, RandomPhysics: physics}.items():
        if isinstance(family, kind):
            return of(family)
    return exact(family)


# Speed ----------------------------------------------------------------------------------------------------------------

SPEED_TASKS = ("mazes-small", "deep-sea-8", "garnets-small", "catches-small", "cartpole-random", "acrobot-random")


def speed(name: str, lifetimes: int = 32, steps: int = 16_384) -> tuple[float, float]:
    """CPU seconds to compile PPO on a task, and env steps per CPU second of lifetimes side by side.

    Time of the processor, not of the clock: so the figures do not depend on what else runs on the machine.
    """
    algorithm, family = load({"recipe": "ppo", "rule": {"ppo": {"num_envs": 8, "steps": 32}}}), environment(name)
    run = jax.jit(jax.vmap(lambda key: run_lifetime(algorithm, family, key, steps).episode_return))
    keys = jax.random.split(jax.random.key(0), lifetimes)
    began = time.process_time()
    program = run.lower(keys).compile()
    compiled = time.process_time()
    program(keys).block_until_ready()
    return compiled - began, lifetimes * steps / (time.process_time() - compiled)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", help="of which tasks; all by default")
    parser.add_argument("--write", action="store_true", help=f"renew {TASKS.name}")
    parser.add_argument("--speed", action="store_true", help="measure what compiling and training costs instead")
    arguments = parser.parse_args()
    tasks = json.loads(TASKS.read_text(encoding="utf-8"))
    if arguments.speed:
        print("| task | CPU seconds to compile | env steps per CPU second |\n|---|---|---|")
        for name in arguments.tasks or SPEED_TASKS:
            seconds, rate = speed(name)
            print(f"| {name} | {seconds:.1f} | {rate:,.0f} |", flush=True)
        return
    print("| task | random | reference | origin |\n|---|---|---|---|")
    for name in arguments.tasks or tasks:
        tasks[name] |= scale_of(environment(name))
        print(
            "| " + " | ".join([name, *(str(tasks[name][key]) for key in ("random", "reference", "origin"))]) + " |", flush=True
        )
        if arguments.write:
            TASKS.write_text(json.dumps(tasks, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
