"""What are the returns of a uniform random policy, and of the best one, on the grid worlds? Does tabular A2C come near?

    python experiments/grid_worlds.py              # the exact returns, and those that are measured
    python experiments/grid_worlds.py --write      # also renew tasks.json and levels.json of the grid worlds
    python experiments/grid_worlds.py --a2c        # tabular A2C on the level "dense"
    python experiments/grid_worlds.py --speed      # env steps per second

Where objects stay at their places, dynamic programming over all states is exact. Where they come back elsewhere, their places
are part of the state, which has too many values for that: there, a random policy and the expert of the family are measured.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.environments import grid_worlds
from discover_zoo.environments.grid_worlds.grid_world import GridWorld
from discover_zoo.environments.grid_worlds.grid_worlds import GridWorlds
from discover_zoo.environments.grid_worlds.moving import MovingGridWorld
from discover_zoo.environments.grid_worlds.returns import Returns, returns_of
from discover_zoo.networks.linear import Linear
from discover_zoo.optimizers.adam import Adam
from discover_zoo.optimizers.clip_norm import ClipNorm
from discover_zoo.returns.gae import GAE
from discover_zoo.rules.a2c import A2C

from discover import Algorithm, Environment, environment, train

TASKS, LEVELS = (Path(grid_worlds.__file__).with_name(name) for name in ("tasks.json", "levels.json"))
NUMBERED = 100
"""Levels of each distribution whose exact returns are kept."""
DRAWN = 1000
"""Levels of each distribution over which the scale of its task is a mean."""
EPISODES = 8192
A2C_STEPS, A2C_SEEDS = 1_000_000, 4


def exact(family: GridWorld | GridWorlds) -> dict[str, Any]:
    """The scale of a family whose objects stay: of its one level, or of levels that are drawn."""
    one = isinstance(family, GridWorld) and family.places == "map" and len(family.maps) == 1
    keys = jax.random.split(jax.random.key(1), 1 if one else DRAWN)
    found = returns_of(jax.jit(jax.vmap(family.sample_task))(keys))
    if one:
        return scale(found, "random and reference: exact, the optimum by dynamic programming over all states")
    errors = ", ".join(f"{np.std(values) / len(values) ** 0.5:.2g}" for values in found)
    return scale(found, f"means of the exact returns of {DRAWN} levels, random policy and optimum; standard errors {errors}")


def scale(found: Returns, origin: str) -> dict[str, Any]:
    """The two returns of a task."""
    random, optimal = (round(float(np.mean(values)), 4) for values in found)
    return {"random": random, "reference": optimal, "origin": origin}


def measured(family: MovingGridWorld) -> dict[str, Any]:
    """The scale of a family whose objects come back elsewhere: means over first episodes."""
    task = family.sample_task(jax.random.key(0))

    def episode(key: jax.Array, skilled: bool) -> jax.Array:
        key_reset, key_run = jax.random.split(key)

        def step(carry: tuple[Any, ...]) -> tuple[Any, ...]:
            time, state, total, _ = carry
            key_act, key_step = jax.random.split(jax.random.fold_in(key_run, time))
            action = family.expert(state, task) if skilled else jax.random.randint(key_act, (), 0, 5)
            made = family.step(key_step, state, action, task)
            return time + 1, made.state, total + made.reward, made.terminated | made.truncated

        first = (0, family.reset(key_reset, task)[0], jnp.zeros(()), jnp.array(False))
        return jax.lax.while_loop(lambda carry: ~carry[3], step, first)[2]

    def returns(skilled: bool, episodes: int) -> np.ndarray:
        keys = jax.random.split(jax.random.key(0), episodes)
        return np.asarray(jax.jit(jax.vmap(lambda key: episode(key, skilled)))(keys), np.float64)

    found = Returns(returns(False, EPISODES), returns(True, EPISODES // 32))
    errors = ", ".join(f"{np.std(values) / len(values) ** 0.5:.2g}" for values in found)
    counts = f"{EPISODES} episodes of a random policy, and {EPISODES // 32} of the family's expert"
    return scale(found, f"{counts}, who walks to the nearest object that pays; standard errors {errors}")


def scale_of(family: Environment) -> dict[str, Any]:
    if isinstance(family, MovingGridWorld):
        return measured(family)
    assert isinstance(family, GridWorld | GridWorlds)
    return exact(family)


def numbered(family: GridWorlds) -> dict[str, list[float]]:
    """The exact returns of the first numbered levels of a distribution."""
    indices = jnp.arange(1, NUMBERED + 1)
    levels = jax.vmap(family.numbered)(indices)
    return {name: np.round(values, 5).tolist() for name, values in returns_of(levels)._asdict().items()}


def tabular_a2c(learning_rate: float = 0.03) -> Algorithm:
    """A2C whose policy and values are tables: 64 environments and 20 steps as GROOVE's agent, but a discount of 0.9.

    With 0.99, waiting beside an object until it is there again is worth nearly as much as walking to the other one.
    """
    optimizer = ClipNorm(optimizer=Adam(learning_rate=learning_rate), max_norm=0.5)
    rule = A2C(returns=GAE(gamma=0.9, lam=0.95), optimizer=optimizer, steps=20, num_envs=64, entropy_coefficient=0.01)
    return Algorithm(rule=rule, network=Linear())


def steps_per_second(family: Environment, columns: int = 64, steps: int = 2000) -> float:
    """Env steps per second of random actions in 64 levels side by side, with observations."""

    def run(key: jax.Array) -> jax.Array:
        key_task, key_reset, key_run = jax.random.split(key, 3)
        tasks = jax.vmap(family.sample_task)(jax.random.split(key_task, columns))
        state, observation = jax.vmap(family.reset)(jax.random.split(key_reset, columns), tasks)

        def step(carry: tuple[Any, ...], key: jax.Array) -> tuple[Any, None]:
            state, seen = carry
            actions = jax.random.randint(key, (columns,), 0, 5)
            made = jax.vmap(family.step)(jax.random.split(key, columns), state, actions, tasks)
            return (made.state, seen + made.observation), None

        return jax.lax.scan(step, (state, observation), jax.random.split(key_run, steps))[0][1]

    program = jax.jit(run)
    jax.block_until_ready(program(jax.random.key(0)))
    began = time.perf_counter()
    jax.block_until_ready(program(jax.random.key(1)))
    return columns * steps / (time.perf_counter() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tasks", nargs="*", help="of which tasks; all by default")
    parser.add_argument("--write", action="store_true", help="renew the stored returns")
    parser.add_argument("--a2c", action="store_true", help="train tabular A2C instead")
    parser.add_argument("--json", action="store_true", help="print the returns of A2C as JSON")
    parser.add_argument("--speed", action="store_true", help="measure env steps per second instead")
    arguments = parser.parse_args()
    tasks = json.loads(TASKS.read_text(encoding="utf-8"))
    if arguments.a2c:
        training = train(tabular_a2c(), "grid-dense", steps=A2C_STEPS, seeds=A2C_SEEDS)
        print(json.dumps(training.returns.tolist()) if arguments.json else training)
        return
    if arguments.speed:
        print("| task | env steps per second |\n|---|---|")
        for name in tasks:
            print(f"| {name} | {steps_per_second(environment(name)):,.0f} |")
        return
    print("| task | random | reference | origin |\n|---|---|---|---|")
    chosen = {name: environment(name) for name in tasks if name in (arguments.tasks or tasks)}
    for name, family in chosen.items():
        tasks[name].update(scale_of(family))
        print(
            f"| {name} | {tasks[name]['random']:.3f} | {tasks[name]['reference']:.3f} | {tasks[name]['origin']} |", flush=True
        )
    if arguments.write:
        found = json.loads(LEVELS.read_text(encoding="utf-8")) if LEVELS.exists() else {}
        found |= {name: numbered(family) for name, family in chosen.items() if isinstance(family, GridWorlds)}
        TASKS.write_text(json.dumps(tasks, indent=2) + "\n", encoding="utf-8")
        LEVELS.write_text(json.dumps(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
