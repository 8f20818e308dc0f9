"""Does population-based training do on a quadratic what its paper's Figure 2 shows?

    python experiments/pbt_toy.py            # the table of pbt_toy.md
    python experiments/pbt_toy.py --json     # the same as one JSON object

Two workers raise ``1.2 - h0 theta0^2 - h1 theta1^2`` from theta = (0.9, 0.9) by gradient ascent (step size 0.01), one with
h = (1, 0), the other with h = (0, 1); they are scored by ``1.2 - theta0^2 - theta1^2`` every ten steps. A figure is the better
worker's score at the end.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from discover_zoo.strategies.pbt.pbt import PBT, State

from discover import (
    Algorithm,
    Discrete,
    Environment,
    Generation,
    Heads,
    Info,
    Inputs,
    Network,
    Outputs,
    Registry,
    Rollout,
    Scalar,
    Space,
    Spec,
    Told,
    UpdateRule,
    World,
    component,
    free,
    hookimpl,
    plugins,
    real,
    replace,
    search,
)

READY, RATE, START = 10, 0.01, 0.9
WORKERS = ((1.0, 0.0), (0.0, 1.0))
SEEDS = 200


@component
class Nowhere(Environment):
    """No environment: the rule knows what it raises."""

    def spec(self) -> Spec:
        return Spec((1,), Discrete(1))


@component
class Theta(Network):
    """Two parameters."""

    def init(self, key: jax.Array, spec: Spec, heads: Heads) -> Any:
        return jnp.full(2, START)

    def apply(self, params: Any, heads: Heads, inputs: Inputs, carry: Any) -> tuple[Outputs, Any]:
        return {}, carry


@component
class Ascent(UpdateRule):
    """Gradient ascent on the surrogate; what it reports as return is the true objective."""

    h0: Scalar = real(1.0, low=0.0, high=2.0)
    h1: Scalar = real(0.0, low=0.0, high=2.0)

    def rollout(self, spec: Spec) -> Rollout:
        return Rollout(1, 1, by_rule=True)

    def heads(self, spec: Spec) -> Heads:
        return Heads({})

    def init(self, key: jax.Array, world: World, params: Any) -> Any:
        return ()

    def update(self, key: jax.Array, world: World, params: Any, state: Any, trajectory: Any) -> tuple[Any, Any, Info]:
        params = params - RATE * 2.0 * jnp.stack([self.h0, self.h1]) * params
        score, one = 1.2 - jnp.sum(params**2), jnp.ones(())
        return params, state, {"episode_return": score, "episode_length": one, "episodes": one, "env_steps": one}


@component
class TwoWorkers(PBT):
    """PBT from the figure's two workers."""

    def init(self, key: jax.Array, space: Space, population: int) -> State:
        begun = PBT.init(self, key, space, population)
        genomes = [space.encode(replace(space.template, {"rule.h0": h0, "rule.h1": h1})) for h0, h1 in WORKERS]
        return begun._replace(genomes=jnp.asarray(np.stack(genomes)))


@component
class ExploitOnly(TwoWorkers):
    """Copies parameters alone: a worker keeps its numbers."""

    def explored(self, key: jax.Array, own: jax.Array, other: jax.Array, space: Space) -> jax.Array:
        return own


@component
class Gaussian(TwoWorkers):
    """Explores as the independent script does: noise of standard deviation 0.1 on each number (here held in its range)."""

    deviation: Scalar = real(0.1, low=0.0, high=1.0)

    def explored(self, key: jax.Array, own: jax.Array, other: jax.Array, space: Space) -> jax.Array:
        noise = self.deviation * jax.random.normal(key, (len(space.genes),))
        values = [g.domain.decode(other[g.start : g.start + 1]) + n for g, n in zip(space.genes, noise, strict=True)]
        return jnp.concatenate([g.domain.encode(v) for g, v in zip(space.genes, values, strict=True)])


class Plugin:
    """Registers the toy, and keeps the last generation of the latest search."""

    def __init__(self) -> None:
        self.last: Generation | None = None

    @hookimpl
    def discover_register(self, registry: Registry) -> None:
        for name, made in {"ascent": Ascent, "theta": Theta, "nowhere": Nowhere}.items():
            registry.add(name, made)
        for name, strategy in {"two_workers": TwoWorkers, "exploit_only": ExploitOnly, "gaussian": Gaussian}.items():
            registry.add(name, strategy)
        registry.add_task("quadratic", "nowhere", summary="the toy", random=0.0, reference=1.0, origin="none")

    @hookimpl
    def discover_generation_done(self, generation: Generation) -> None:
        self.last = generation


PLUGIN = Plugin()


def searched(strategy: Any, steps: int, seed: int = 0) -> float:
    """The better worker's score at the end of a real search."""
    plugins(extra=[PLUGIN])
    words = {
        "seed": seed,
        "candidate": {"rule": {"ascent": {"h0": "free", "h1": "free"}}, "network": "theta"},
        "strategy": strategy,
        "objective": {"final_return": {"rows": 1}},
        "population": 2,
        "generations": steps // READY,
        "seeds": 1,
        "selection_seeds": 1,
        "tasks": [{"task": "quadratic", "steps": steps}],
    }
    with tempfile.TemporaryDirectory() as folder:
        search(words, Path(folder) / "toy")
    assert PLUGIN.last is not None
    return float(PLUGIN.last.returns[0][:, 0, -1].max())


def by_hand(strategy: PBT, steps: int, seeds: int = SEEDS) -> np.ndarray:
    """The better worker's score at the end ``[seeds]``, the strategy driven without a search: all seeds at once."""
    space = Space(Algorithm(rule=Ascent(h0=free(), h1=free()), network=Theta()))

    def generation(carry: tuple[Any, jax.Array], key: jax.Array) -> tuple[tuple[Any, jax.Array], jax.Array]:
        state, theta = carry
        key_ask, key_tell = jax.random.split(key)
        proposal, state = strategy.ask(key_ask, state, space, 2)
        rules = jax.vmap(lambda genome: space.decode(genome, ()).rule)(proposal.genomes)
        h = jnp.stack([rules.h0, rules.h1], axis=1)
        theta = theta[proposal.parents] * (1.0 - 2.0 * RATE * h) ** READY
        score = 1.2 - jnp.sum(theta**2, axis=1)
        return (strategy.tell(key_tell, state, space, Told.of(proposal.genomes, score)), theta), score.max()

    def run(key: jax.Array) -> jax.Array:
        begun = strategy.init(key, space, 2), jnp.full((2, 2), START)
        return jax.lax.scan(generation, begun, jax.random.split(key, steps // READY))[1][-1]

    return np.asarray(jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(0), seeds)))


def figures() -> dict[str, Any]:
    """All figures of the table."""
    own, gauss, wide = TwoWorkers(), Gaussian(), Gaussian(deviation=0.3)
    spread = {
        "gaussian 0.1, 200 steps": by_hand(gauss, 200),
        "gaussian 0.3, 200 steps": by_hand(wide, 200),
        "gaussian 0.1, 1000 steps": by_hand(gauss, 1000),
        "own exploration, 200 steps": by_hand(own, 200),
        "own exploration, 1000 steps": by_hand(own, 1000),
    }
    return {
        "grid": searched({"two_workers": {"share": 0.0}}, 200),
        "exploit only": searched("exploit_only", 200),
        "pbt, 1000 steps": searched("gaussian", 1000),
        **{name: [float(found.mean()), float(found.min())] for name, found in spread.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    as_json = parser.parse_args().json
    found = figures()
    if as_json:
        print(json.dumps(found))
        return
    for name, figure in found.items():
        text = f"{figure:.3f}" if isinstance(figure, float) else f"{figure[0]:.3f} (lowest {figure[1]:.3f})"
        print(f"| {name} | {text} |")


if __name__ == "__main__":
    main()
