"""The picture of a meta-network: its targets against reward, what comes next, and end, as Oh et al. (2020) look at theirs."""

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from discover_zoo.rules.lpg.meta_network import Experience, LearnedTargets, MetaNetwork

_STEPS, _STEP = 20, 8
"""Steps of the batch that is made up, and the one whose targets are drawn."""
_REWARDS = np.linspace(-1.0, 1.0, 41, dtype=np.float32)
_SURE = 4.0
"""Logit of a prediction that is nearly sure of a category."""


def targets_figure(network: MetaNetwork, gamma: float) -> Figure:
    """Targets of one step of a batch in which nothing else happens: no reward, predictions without an opinion, ``pi = 1/4``.

    Four panels: the target of the policy against the reward of the step, and for which later rewards it still pays; the target
    of the policy against the next prediction; and the target of the prediction against the reward.
    """
    figure = Figure(figsize=(12.0, 6.4), layout="constrained")
    of_reward, of_later, of_next, of_prediction = figure.subplots(2, 2).ravel()
    _draw_reward(of_reward, network, gamma)
    _draw_later(of_later, network, gamma)
    _draw_next(of_next, network, gamma)
    _draw_prediction(of_prediction, network, gamma)
    return figure


def nothing(network: MetaNetwork, gamma: float, columns: int) -> Experience:
    """A batch of that many columns in which nothing happens."""
    flat = jnp.zeros((_STEPS, columns))
    prediction = jnp.zeros((_STEPS, columns, network.predictions))
    return Experience(
        reward=flat,
        discount=flat + gamma,
        ends=flat > 0.0,
        probability=flat + 0.25,
        prediction=prediction,
        next_prediction=prediction,
        progress=jnp.asarray(0.5),
        updates=jnp.asarray(1000),
    )


def rewarded(network: MetaNetwork, gamma: float, *, delay: int = 0, end: bool = False) -> LearnedTargets:
    """Targets ``[41, ...]`` of a step, with a reward from -1 to 1 that many steps on; with ``end``, it ends an episode.

    >>> from discover_zoo.rules.lpg.backward_network import BackwardNetwork, random_weights
    >>> shape = BackwardNetwork(predictions=3, embedding=2, units=4)
    >>> network = BackwardNetwork(predictions=3, embedding=2, units=4, weights=random_weights(shape, jax.random.key(0)))
    >>> [x.shape for x in rewarded(network, 0.9)]
    [(41,), (41, 3)]
    """
    batch, row = nothing(network, gamma, len(_REWARDS)), _STEP + delay
    batch = batch._replace(reward=batch.reward.at[row].set(_REWARDS))
    if end:
        batch = batch._replace(discount=batch.discount.at[row].set(0.0), ends=batch.ends.at[row].set(True))
    return jax.tree.map(lambda x: x[_STEP], network(batch))


def _draw_reward(axes: Axes, network: MetaNetwork, gamma: float) -> None:
    for end, label in ((False, "episode goes on"), (True, "episode ends")):
        axes.plot(_REWARDS, rewarded(network, gamma, end=end).policy, label=label)
    axes.set(xlabel="reward of the step", ylabel="target of the policy", title="What the reward of a step is worth")
    axes.axhline(0.0, color="0.7", linewidth=0.8)
    axes.legend()


def _draw_later(axes: Axes, network: MetaNetwork, gamma: float) -> None:
    delays = range(_STEPS - _STEP)
    slopes = []
    for delay in delays:
        low, high = rewarded(network, gamma, delay=delay).policy[jnp.array([0, -1])]
        slopes.append(float(high - low) / 2.0)
    axes.plot(delays, slopes, marker="o")
    axes.plot(delays, [slopes[0] * gamma**delay for delay in delays], color="0.6", ls="--", label=f"{gamma:.3g} ** delay")
    axes.set(xlabel="steps until the reward", ylabel="slope of the policy's target", title="How far back a reward counts")
    axes.axhline(0.0, color="0.7", linewidth=0.8)
    axes.legend()


def _draw_next(axes: Axes, network: MetaNetwork, gamma: float) -> None:
    m = network.predictions
    batch, sure = nothing(network, gamma, m), _SURE * jnp.eye(m)
    moved = batch._replace(next_prediction=batch.next_prediction.at[_STEP].set(sure))
    axes.bar(range(m), network(moved).policy[_STEP] - network(batch).policy[_STEP])
    axes.set(xlabel="category that the next prediction is sure of", ylabel="change of the policy's target")
    axes.set_title("What it is worth to come to a state, by its prediction")
    axes.axhline(0.0, color="0.7", linewidth=0.8)


def _draw_prediction(axes: Axes, network: MetaNetwork, gamma: float) -> None:
    target = jax.nn.softmax(rewarded(network, gamma).prediction)
    edges = (float(_REWARDS[0]), float(_REWARDS[-1]), -0.5, network.predictions - 0.5)
    image = axes.imshow(np.asarray(target).T, aspect="auto", origin="lower", extent=edges, cmap="viridis", vmin=0.0)
    axes.set(xlabel="reward of the step", ylabel="category", title="Target of the prediction")
    axes.figure.colorbar(image, ax=axes, label="probability")
