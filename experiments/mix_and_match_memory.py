"""Does a mixture that slides from a reactive agent to one with a memory end higher than that one alone, in foggy mazes?

    python experiments/mix_and_match_memory.py          # the table of mix_and_match.md
    ... [--seeds 8] [--steps 300000] [--figure FILE.png]

The analog of the use over architectures in Czarnecki et al. 2018 on tasks that have what the paper's have: each seed draws a
maze of which the agent sees little; crumbs pay without a memory, and one of two doors pays most, which needs one. PPO and alpha
as in mix_and_match.py. Whoever does not remember gets at most all crumbs and half of the prize.
"""

import argparse

import numpy as np
from mix_and_match import Use, draw

from discover import Interval, Training, bootstrap_interval, difference_interval, environment, get, train

TASK = "foggy-mazes-small"
STEPS, SEEDS = 300_000, 8
MIXTURE, REACTIVE, MEMORY = "mixture", "reactive alone", "memory alone"
SIMPLE = {"mlp": {"hidden": [64], "activation": "tanh", "shared": True}}
COMPLEX = {"lstm": {"encoder": [32], "memory": 32, "hidden": [32]}}
RULE = {"ppo": {"num_envs": 8, "optimizer": {"clip_norm": {"optimizer": {"adam": {"learning_rate": 3e-3}}}}}}
CANDIDATES = {
    MIXTURE: {"recipe": "ppo", "rule": RULE, "network": COMPLEX, "curriculum": {"mix_and_match": {"simple": [SIMPLE]}}},
    REACTIVE: {"recipe": "ppo", "rule": RULE, "network": SIMPLE},
    MEMORY: {"recipe": "ppo", "rule": RULE, "network": COMPLEX},
}
SPANS = {"first tenth": slice(0, 10), "first half": slice(0, 50), "end": slice(98, 100)}
"""Hundredths of the lifetime over which a return is a mean."""


def limit() -> float:
    """The most that an agent without a memory can expect: all crumbs, and the prize one time in two."""
    family = environment(TASK)
    return float(get(family, "crumbs") * get(family, "crumb") + get(family, "prize") / 2.0)


def row(name: str, found: dict[str, Training], above: float) -> str:
    """The row of the table for a candidate."""
    means = {span: np.asarray(found[name].curves)[:, part].mean(axis=1) for span, part in SPANS.items()}
    shown = [_cell(bootstrap_interval(mean)) for mean in means.values()]
    alone = np.asarray(found[MEMORY].curves)[:, SPANS["end"]].mean(axis=1)
    shown.append("" if name == MEMORY else _cell(difference_interval(means["end"], alone, paired=True)))
    shown.append(f"{int((means['end'] > above).sum())} of {len(alone)}")
    return f"| {name} | {' | '.join(shown)} | {found[name].seconds:.0f} |"


def _cell(interval: Interval) -> str:
    return f"{interval.estimate:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--figure", help="also draw the learning curves into this file")
    wanted = parser.parse_args()
    found = {name: train(words, TASK, steps=wanted.steps, seeds=wanted.seeds, name=name) for name, words in CANDIDATES.items()}
    above = limit()
    ends = f"end, more than {MEMORY} | seeds that end above {above:.1f} | seconds"
    print(f"| candidate | {' | '.join(SPANS)} | {ends} |")
    print("| --- " * (len(SPANS) + 4) + "|")
    for name in CANDIDATES:
        print(row(name, found, above))
    if wanted.figure:
        draw(
            Use(wanted.steps, {name: (TASK, words) for name, words in CANDIDATES.items()}),
            found,
            wanted.figure,
            threshold=above,
        )


if __name__ == "__main__":
    main()
