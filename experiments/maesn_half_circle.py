"""Does MAESN explore the half-circle by its latent variable, and find goals that pay nothing until they are near?

    python experiments/maesn_half_circle.py                        # rows of maesn_half_circle.md
    python experiments/maesn_half_circle.py --set rule.rate=2      # another number in the recipe
    python experiments/maesn_half_circle.py --seeds 1 --json       # {"reached": [seed], "returns": [seed][step]} alone

The recipe ``maesn`` on 100 goals drawn from the half-circle, with the shaped reward. Then all 100 goals, with the sparse one:
the share of them within 0.2 of which an episode comes, among 100 episodes with latent variables from the prior; and the
undiscounted return after k steps of adaptation, each from 20 episodes.
"""

import argparse
import json
import time

import jax
import jax.numpy as jnp
import numpy as np

from discover import Adaptation, Algorithm, Lifetime, environment, evaluate_adaptation, recipe, replace, trained_agent

TASK, ITERATIONS, STEPS, EPISODES, HORIZON, LATENTS, NEAR = "navigation-half-circle", 600, 3, 20, 20, 100, 0.2
ANGLES = np.pi * np.arange(100) / 99
GOALS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1).astype(np.float32)


def candidate(changes: list[str]) -> Algorithm:
    """The recipe, with other numbers: ``PATH=NUMBER`` each."""
    pairs = [change.split("=", 1) for change in changes]
    return replace(recipe("maesn"), {path: float(number) for path, number in pairs})


@jax.jit
def paths(algorithm: Algorithm, agent: Lifetime, key: jax.Array) -> jax.Array:
    """Positions ``[T, N, 2]`` of episodes with latent variables from the prior; no goal has a part in them."""
    world = algorithm.world(environment(TASK), progress=1.0)
    params, context = algorithm.rule.behavior(agent.params, agent.rule_state)
    actor = world.start(key, jnp.tile(jnp.asarray(GOALS[:1]), (LATENTS, 1)))
    return world.collect(params, actor, key, HORIZON, context=context)[1].next_observation


def reached(algorithm: Algorithm, agent: Lifetime, key: jax.Array) -> float:
    """The share of the goals that at least one episode comes near to."""
    visits = np.asarray(paths(algorithm, agent, key)).reshape(-1, 2)
    return float(np.mean(np.linalg.norm(visits[:, None] - GOALS, axis=-1).min(axis=0) <= NEAR))


def adapted(algorithm: Algorithm, agent: Lifetime, key: jax.Array) -> Adaptation:
    """Sparse returns on all goals after each number of steps."""
    family, goals = environment(TASK), jnp.asarray(GOALS)
    return evaluate_adaptation(algorithm, family, agent, goals, key=key, episodes=EPISODES, horizon=HORIZON, steps=STEPS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    parser.add_argument("--iterations", type=int, default=ITERATIONS, help="updates of training")
    parser.add_argument("--set", action="append", default=[], metavar="PATH=NUMBER", help="another number in the recipe")
    arguments = parser.parse_args()
    algorithm, family = candidate(arguments.set), environment(TASK)
    rollout = algorithm.rule.rollout(family.spec())
    found: dict[str, list[object]] = {"reached": [], "returns": []}
    for seed in range(arguments.seeds):
        key_train, key_paths, key_test = jax.random.split(jax.random.key(seed), 3)
        started = time.perf_counter()
        agent = trained_agent(algorithm, family, key_train, arguments.iterations * rollout.steps * rollout.num_envs)
        jax.block_until_ready(agent.params)
        minutes = (time.perf_counter() - started) / 60
        share, adaptation = reached(algorithm, agent, key_paths), adapted(algorithm, agent, key_test)
        found["reached"].append(share)
        found["returns"].append(adaptation.returns.mean(axis=1).tolist())
        if not arguments.json:
            cells = [f"{row.estimate:.2f} [{row.low:.2f}, {row.high:.2f}]" for row in adaptation.intervals()]
            print(f"| seed {seed} ({minutes:.1f} min) | {share:.0%} | {' | '.join(cells)} |", flush=True)
            rates, divergence = agent.rule_state.rates, agent.rule_state.latents.kl(agent.rule_state.latent).mean()
            print(f"step sizes {np.round(np.concatenate(rates), 2)}, divergence {divergence:.2f} nats", flush=True)
    if arguments.json:
        print(json.dumps(found))


if __name__ == "__main__":
    main()
