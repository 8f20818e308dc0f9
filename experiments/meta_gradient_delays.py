"""Does a meta-gradient find a discount that suits the delay of each task, from starts that do not?

    python experiments/meta_gradient_delays.py          # the table of meta_gradient_delays.md

Each seed draws a delay of 8 to 32 steps (the family `delayed_rewards`): a small discount learns the bait, a large one gathers
noise. The recipe `meta_gradient` with gamma, lambda or both adapted, from several starts, none of which is at the end of its
range; and the rule that it wraps, A2C, alone at the same starts and at further ones. The reference of the held-out loss is
gamma' = 0.995 and lambda' = 1 throughout. Figures are interquartile means over seeds with their 95 % intervals: of the return
at the end (last 2 % of the lifetime), and of the mean return over the lifetime. Differences from the fixed agent with the same
start are paired by seed and not corrected for their number.
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from discover import Algorithm, Interval, Training, bootstrap_interval, difference_interval, get, recipe, replace, train

TASK = "delayed-rewards"
SEEDS, STEPS = 8, 800_000
GAMMA, LAMBDA = "returns.gamma", "returns.lam"
ADAPTED = {"fixed": (), "{gamma}": (GAMMA,), "{lambda}": (LAMBDA,), "{gamma, lambda}": (GAMMA, LAMBDA)}
SETTINGS = {
    "rule.optimizer.learning_rate": 0.03,
    "rule.held_out.returns.gamma": 0.995,
    "rule.held_out.returns.lam": 1.0,
    "rule.rule.returns.lam": 0.98,
    "rule.rule.steps": 64,
    "rule.rule.num_envs": 16,
    "rule.rule.entropy_coefficient": 0.03,
    "rule.rule.optimizer.optimizer.learning_rate": 2e-3,
}
"""Batches are longer than the longest delay, and the entropy keeps a policy that took the bait from settling on it."""
MEASURES = {"end": slice(98, 100), "lifetime": slice(0, 100)}


class Case(NamedTuple):
    """What is adapted, and the gamma at the start."""

    adapted: str
    gamma: float


CASES = [
    *[Case("fixed", gamma) for gamma in (0.9, 0.95, 0.98, 0.99, 0.995)],
    *[Case("{gamma}", gamma) for gamma in (0.9, 0.95, 0.98)],
    *[Case("{lambda}", gamma) for gamma in (0.95, 0.98)],
    *[Case("{gamma, lambda}", gamma) for gamma in (0.9, 0.95, 0.98)],
]


def algorithm_of(case: Case) -> Algorithm:
    algorithm = replace(recipe("meta_gradient"), SETTINGS | {"rule.rule.returns.gamma": case.gamma})
    adapt = ADAPTED[case.adapted]
    return replace(algorithm, {"rule.adapt": adapt} if adapt else {"rule": get(algorithm, "rule.rule")})


def rows(case: Case, found: dict[Case, Training]) -> Iterator[str]:
    """The rows of the table for a case."""
    made, fixed, adapt = found[case], found[Case("fixed", case.gamma)], ADAPTED[case.adapted]
    last = [_span(made.info[f"eta: {path}"][:, -1]) if path in adapt else "-" for path in (GAMMA, LAMBDA)]
    for measure, part in MEASURES.items():
        mean, alone = (np.asarray(one.curves)[:, part].mean(axis=1) for one in (made, fixed))
        difference = _cell(difference_interval(mean, alone, paired=True)) if adapt else "-"
        shown = [case.adapted, f"{case.gamma:g}", measure, _cell(bootstrap_interval(mean)), difference, *last]
        yield f"| {' | '.join(shown)} | {made.seconds:.0f} |"


def _cell(interval: Interval) -> str:
    return f"{interval.estimate:.1f} ({interval.low:.1f} to {interval.high:.1f})"


def _span(values: np.ndarray) -> str:
    """The mean of numbers, the lowest and the highest."""
    return f"{values.mean():.3f} ({values.min():.3f} to {values.max():.3f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, default=STEPS)
    wanted = parser.parse_args()
    found: dict[Case, Training] = {}
    print("| adapted | first gamma | measure | return | more than fixed | last gamma | last lambda | seconds |")
    print("| --- " * 8 + "|", flush=True)
    for case in CASES:
        found[case] = train(
            algorithm_of(case), TASK, steps=wanted.steps, seeds=wanted.seeds, name=f"{case.adapted} {case.gamma}"
        )
        print("\n".join(rows(case, found)), flush=True)


if __name__ == "__main__":
    main()
