"""Does a mixture that slides from a simple agent to a complex one learn faster than the complex one alone?

    python experiments/mix_and_match.py actions         # few actions before many
    python experiments/mix_and_match.py architecture    # feed-forward before recurrent, where a memory is needed
    python experiments/mix_and_match.py architecture-seen    # the same where none is needed
    python experiments/mix_and_match.py tasks           # a specialist for each task before one agent for all
    ... [--seeds 16] [--figure FILE.png] [--json]

Analogs, small enough for a CPU, of the three uses in Czarnecki et al. 2018, on Catch with 10 rows and 5 columns: 101
actions of which 98 do nothing; a ball that is seen in its first row alone, or all the way; four tasks that differ in what the
actions mean and are told apart by the observation. PPO with the settings of its recipe but for the learning rate, which is that
of bsuite's actor-critic (3e-3); alpha goes linearly from 0 to 1 over the first half.
"""

import argparse
import itertools
import json
import sys
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from discover import (
    Discrete,
    Environment,
    Interval,
    Redraw,
    Registry,
    Spec,
    Step,
    Training,
    bootstrap_interval,
    component,
    difference_interval,
    get,
    hookimpl,
    plugins,
    train,
)

ROWS, COLUMNS = 10, 5
THRESHOLD = 0.9
SEEDS = 16


@component
class Ball(Environment):
    """Catch in three disguises. A task says what actions 0, 1, 2 mean: it is one of the orders of left, stay, right.

    Attributes:
        actions: how many there are; those beyond the third do nothing.
        seen: in how many rows, from the top, the ball is seen.
        tasks: how many orders of the actions there are; told at the end of the observation if there are several.
    """

    actions: int = 3
    seen: int = ROWS
    tasks: int = 1

    @property
    def redraw(self) -> Redraw:
        return "never" if self.tasks == 1 else "episode"

    def spec(self) -> Spec:
        return Spec((ROWS * COLUMNS + (self.tasks if self.tasks > 1 else 0),), Discrete(self.actions))

    def sample_task(self, key: jax.Array) -> Any:
        return jax.random.randint(key, (), 0, self.tasks)

    def reset(self, key: jax.Array, task: Any) -> tuple[Any, jax.Array]:
        state = jnp.stack([jnp.zeros((), jnp.int32), jax.random.randint(key, (), 0, COLUMNS), jnp.int32(COLUMNS // 2)])
        return state, self._picture(state, task)

    def step(self, key: jax.Array, state: Any, action: jax.Array, task: Any) -> Step:
        moves = jnp.asarray(list(itertools.permutations((-1, 0, 1))))[task]
        move = jnp.where(action < 3, moves[jnp.clip(action, 0, 2)], 0)
        row, ball, paddle = state[0] + 1, state[1], jnp.clip(state[2] + move, 0, COLUMNS - 1)
        state, landed = jnp.stack([row, ball, paddle]), row == ROWS - 1
        reward = jnp.where(landed, jnp.where(ball == paddle, 1.0, -1.0), 0.0)
        return Step(state, self._picture(state, task), reward, landed, truncated=jnp.array(False))

    def _picture(self, state: jax.Array, task: jax.Array) -> jax.Array:
        cell = jnp.arange(ROWS * COLUMNS)
        ball = (cell == state[0] * COLUMNS + state[1]) & (state[0] < self.seen)
        picture = (ball | (cell == (ROWS - 1) * COLUMNS + state[2])).astype(jnp.float32)
        return picture if self.tasks == 1 else jnp.concatenate([picture, jax.nn.one_hot(task, self.tasks)])


class Use(NamedTuple):
    """One use of a curriculum over agents: candidates in words, by name; each with the task that it is trained on."""

    steps: int
    candidates: dict[str, tuple[str, dict[str, Any]]]


_WIDE = {"mlp": {"hidden": [64], "activation": "tanh", "shared": True}}
_SMALL_GRU = {"gru": {"encoder": [32], "memory": 32, "hidden": [32]}}


def _ppo(network: dict[str, Any], curriculum: dict[str, Any] | None = None) -> dict[str, Any]:
    rate = {"optimizer": {"clip_norm": {"optimizer": {"adam": {"learning_rate": 3e-3}}}}}
    words = {"recipe": "ppo", "rule": {"ppo": rate}, "network": network}
    return words | ({"curriculum": curriculum} if curriculum else {})


USES = {
    "actions": Use(
        100_000,
        {
            "mixture": ("ball-101", _ppo(_WIDE, {"growing_actions": {"known": [[0, 1, 2]]}})),
            "3 actions alone": ("ball-3", _ppo(_WIDE)),
            "101 actions alone": ("ball-101", _ppo(_WIDE)),
        },
    ),
    "architecture": Use(
        200_000,
        {
            "mixture": ("ball-hidden", _ppo(_SMALL_GRU, {"mix_and_match": {"simple": [_WIDE]}})),
            "feed-forward alone": ("ball-hidden", _ppo(_WIDE)),
            "recurrent alone": ("ball-hidden", _ppo(_SMALL_GRU)),
        },
    ),
    "architecture-seen": Use(
        100_000,
        {
            "mixture": ("ball-3", _ppo(_SMALL_GRU, {"mix_and_match": {"simple": [_WIDE]}})),
            "feed-forward alone": ("ball-3", _ppo(_WIDE)),
            "recurrent alone": ("ball-3", _ppo(_SMALL_GRU)),
        },
    ),
    "tasks": Use(
        400_000,
        {
            "mixture": (
                "ball-tasks",
                _ppo(_WIDE, {"mix_and_match": {"simple": [{"specialists": {"network": _WIDE, "tasks": 4}}]}}),
            ),
            "specialists alone": ("ball-tasks", _ppo({"specialists": {"network": _WIDE, "tasks": 4}})),
            "one agent for all alone": ("ball-tasks", _ppo(_WIDE)),
        },
    ),
}


@hookimpl
def discover_register(registry: Registry) -> None:
    """Registers the tasks. Random returns: a random walk of a paddle is under the ball one time in five."""
    registry.add("ball", Ball)
    kinds = {"3": {}, "101": {"actions": 101}, "hidden": {"seen": 1}, "tasks": {"tasks": 4}}
    for name, settings in kinds.items():
        words = {"ball": settings}
        registry.add_task(f"ball-{name}", words, summary="Catch", random=-0.6, reference=1.0, origin="exact")


def steps_to(curves: np.ndarray, steps: int) -> np.ndarray:
    """Env steps ``[S]`` after which each seed's curve ``[S, 100]`` is first at the threshold; all steps if it never is."""
    reached = curves >= THRESHOLD
    first = np.where(reached.any(axis=1), reached.argmax(axis=1) + 1, curves.shape[1])
    return first * steps / curves.shape[1]


def trained(use: Use, seeds: int) -> dict[str, Training]:
    plugins(extra=[sys.modules[__name__]])
    return {name: train(words, task, steps=use.steps, seeds=seeds, name=name) for name, (task, words) in use.candidates.items()}


def figures(use: Use, made: dict[str, Training]) -> dict[str, Any]:
    """Per candidate: steps to the threshold and final return, with intervals, how many seeds get there; and the seconds.

    Steps come with how many more they are than the mixture's, paired by seed.
    """
    found, mixture = {}, steps_to(np.asarray(made["mixture"].curves), use.steps)
    for name, training in made.items():
        curves = np.asarray(training.curves)
        more = difference_interval(steps_to(curves, use.steps), mixture, paired=True)
        found[name] = {
            "steps": _told(bootstrap_interval(steps_to(curves, use.steps))),
            "more": _told(more),
            "final": _told(training.interval),
            "reached": int((curves >= THRESHOLD).any(axis=1).sum()),
            "seconds": training.seconds,
        }
    return found


def draw(use: Use, made: dict[str, Training], path: str, *, threshold: float = THRESHOLD) -> None:
    """Mean learning curves, with a line at a threshold, and alpha over time."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    steps = use.steps * (np.arange(100) + 1) / 100
    for name, training in made.items():
        low, high = np.quantile(training.curves, [0.25, 0.75], axis=0)
        above.plot(steps, np.mean(training.curves, axis=0), label=name)
        above.fill_between(steps, low, high, alpha=0.2)
    above.axhline(threshold, color="gray", linewidth=0.8, linestyle=":")
    share = get(made["mixture"].algorithm, "curriculum.share")
    below.plot(steps, [float(share(jnp.float32(step / use.steps))) for step in steps], color="black")
    above.legend()
    above.set_ylabel("episode return")
    below.set(xlabel="env steps", ylabel="alpha")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("use", choices=sorted(USES))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--figure", help="also draw the learning curves into this file")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    wanted = parser.parse_args()
    use = USES[wanted.use]
    made = trained(use, wanted.seeds)
    found = figures(use, made)
    if wanted.figure:
        draw(use, made, wanted.figure)
    if wanted.json:
        print(json.dumps(found))
        return
    print("| candidate | env steps to 0.9 | more than the mixture | seeds that get there | final return | seconds |")
    print("| --- " * 6 + "|")
    for name, one in found.items():
        first, more = ("{:,.0f} [{:,.0f}, {:,.0f}]".format(*one[key]) for key in ("steps", "more"))
        final = "{:.3f} [{:.3f}, {:.3f}]".format(*one["final"])
        print(f"| {name} | {first} | {more} | {one['reached']} of {wanted.seeds} | {final} | {one['seconds']:.0f} |")


def _told(interval: Interval) -> list[float]:
    return [interval.estimate, interval.low, interval.high]


if __name__ == "__main__":
    main()
