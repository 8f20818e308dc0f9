"""Does a recurrent network that PPO trains learn bandits and small decision processes as well as hand-written players do?

    python experiments/rl2_bandits.py                              # rows of rl2.md, all trials
    python experiments/rl2_bandits.py --task bandits-10            # one kind of trial
    python experiments/rl2_bandits.py --task mdps-10 --candidate psrl --tasks 2000
    python experiments/rl2_bandits.py --task bandits-10 --candidate rl2 --json    # {"bandits-10": {"rl2": [[mean, se], ...]}}

The total reward of a trial, as in tables 1 and 2 of Duan et al. 2016: the mean over 20,000 tasks that training did not see,
with its standard error. RL^2 is trained first, once for each seed; the players have nothing to learn. Actions are sampled.
"""

import argparse
import json
import time

import jax
import numpy as np

from discover import environment, evaluate_adaptation, recipe, trained_agent

LENGTHS = {"bandits-10": 10, "bandits-100": 100, "mdps-10": 100}
PLAYERS = {
    "bandits-10": ("random_play", "thompson", "ucb1", "epsilon_greedy_bandit", "greedy_bandit", "rl2"),
    "bandits-100": ("random_play", "thompson", "ucb1", "epsilon_greedy_bandit", "greedy_bandit", "rl2_100"),
    "mdps-10": ("random_play", "psrl", "epsilon_greedy_mdp", "greedy_mdp", "rl2_mdp"),
}
TRIALS = {"rl2": 820_000, "rl2_100": 200_000, "rl2_mdp": 350_000}
PIECE = 2_000


def returns(task: str, candidate: str, seed: int, count: int) -> tuple[np.ndarray, float]:
    """The returns ``[count]`` of trials on new tasks, and the minutes of training."""
    algorithm, family = recipe(candidate), environment(task)
    key_train, key_tasks, key_act = jax.random.split(jax.random.key(seed), 3)
    started = time.perf_counter()
    agent = trained_agent(algorithm, family, key_train, TRIALS.get(candidate, 0) * LENGTHS[task])
    jax.block_until_ready(agent)
    minutes = (time.perf_counter() - started) / 60
    found = []
    for piece in range(count // PIECE):
        tasks = jax.vmap(family.sample_task)(jax.random.split(jax.random.fold_in(key_tasks, piece), PIECE))
        key = jax.random.fold_in(key_act, piece)
        played = evaluate_adaptation(algorithm, family, agent, tasks, key=key, episodes=1, horizon=LENGTHS[task], steps=0)
        found.append(played.returns[0])
    return np.concatenate(found), minutes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", choices=tuple(LENGTHS), help="one kind of trial")
    parser.add_argument("--candidate", help="one recipe")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of RL^2, and repetitions of the players")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object alone")
    parser.add_argument("--tasks", type=int, default=20_000, help="new tasks to play, a multiple of 2,000")
    arguments = parser.parse_args()
    table: dict[str, dict[str, list[tuple[float, float]]]] = {}
    for task in (arguments.task,) if arguments.task else tuple(LENGTHS):
        for candidate in (arguments.candidate,) if arguments.candidate else PLAYERS[task]:
            for seed in range(arguments.first_seed, arguments.first_seed + arguments.seeds):
                found, minutes = returns(task, candidate, seed, arguments.tasks)
                mean, error = float(found.mean()), float(found.std() / np.sqrt(len(found)))
                table.setdefault(task, {}).setdefault(candidate, []).append((mean, error))
                if not arguments.json:
                    told = f"{minutes:.1f} min of training, {time.process_time() / 60:.1f} min of processors in all"
                    print(f"| {task} | {candidate}, seed {seed} | {mean:.3f} +- {error:.3f} | {told} |", flush=True)
    if arguments.json:
        print(json.dumps(table))


if __name__ == "__main__":
    main()
