"""The network of LPG: a memory that runs backward over a batch (Oh et al. 2020; Jackson et al. 2024)."""

import math
from typing import Literal

import jax
import jax.numpy as jnp

from discover import Count, Key, Weights, component, named_key, weights
from discover_zoo.rules.lpg.cells import CELLS, CellName, backwards
from discover_zoo.rules.lpg.meta_network import Experience, LearnedTargets, MetaNetwork

_INPUTS = 5
_TIMES = 2


def random_weights(network: "BackwardNetwork", key: Key) -> dict[str, jax.Array]:
    """Normal weights of variance ``1 / inputs`` and biases of zero (the forget gate's is 1), by name.

    A network that sees the time has those of one that does not, and ``time`` besides.

    >>> small = BackwardNetwork(predictions=3, embedding=2, units=4)
    >>> {name: array.shape for name, array in random_weights(small, jax.random.key(0)).items() if "embed" not in name}
    {'bias': (4, 4), 'input': (5, 4, 4), 'memory': (4, 4, 4), 'policy': (4,), 'policy_bias': (), \
'prediction': (4, 3), 'prediction_bias': (3,)}
    """
    cell, units, m = CELLS[network.cell], network.units, network.predictions
    kernels = {
        "embed": (m, network.embedding),
        "embed_output": (network.embedding,),
        "input": (_INPUTS, cell.gates, units),
        "memory": (units, cell.gates, units),
        "policy": (units,),
        "prediction": (units, m),
        **({} if network.time == "none" else {"time": (_TIMES, cell.gates, units)}),
    }
    biases = {
        "bias": jnp.zeros((cell.gates, units)).at[cell.keep].set(cell.keep_bias),
        "embed_bias": jnp.zeros(network.embedding),
        "embed_output_bias": jnp.zeros(()),
        "policy_bias": jnp.zeros(()),
        "prediction_bias": jnp.zeros(m),
    }
    drawn = {name: jax.random.normal(named_key(key, name), shape) / math.sqrt(shape[0]) for name, shape in kernels.items()}
    return dict(sorted((drawn | biases).items()))


@component
class BackwardNetwork(MetaNetwork):
    """A memory that reads a batch from its last step to its first (Oh et al. 2020, section 3).

    With the agent's prediction ``y = softmax(logits)``, a small network ``phi(y) = w . relu(W y + b) + c``, and
    ``discount = gamma (1 - terminated)``::

        x_t       = [r_t, discount_t, pi(a_t | s_t), phi(y(s_t)), phi(y(s_{t+1}))],   phi(y(s_{t+1})) = 0 at a termination
        h_t       = cell(W x_t + b, h_{t+1}),                                         h_{t+1} = 0 where an episode ends
        pi_hat_t  = u . h_t + c_1,    y_hat_t = softmax(U h_t + c_2)

    What comes after a batch is not seen, as what comes after a truncation: ``phi(y(s_{t+1}))`` stands for it.

    Attributes:
        predictions: m, the size of the agent's prediction ``y``; 30 in the publication, 8 in GROOVE.
        embedding: hidden units of ``phi``.
        units: size of the memory.
        cell: ``lstm`` (Oh et al. 2020) or ``gru`` (GROOVE, Jackson et al. 2023).
        time: whether the memory also sees where in the lifetime its agent is, which makes it TA-LPG (Jackson et al. 2024):
            ``relative`` is n / N and log N for update n of N, ``raw`` is n and N themselves (their code). Times have weights of
            their own, and are added to the bias: where those weights are zero, each bit is that of ``none``.
        weights: the network's weights, see `random_weights`; open until set.

    >>> from discover import Space
    >>> Space(BackwardNetwork()).dimension, Space(BackwardNetwork(cell="gru", predictions=8, time="relative")).dimension
    (276768, 205226)
    """

    paper = "Jackson et al. 2024, arXiv 2402.05828"

    embedding: Count = 16
    units: Count = 256
    cell: CellName = "lstm"
    time: Literal["none", "relative", "raw"] = "none"
    weights: Weights = weights(init=random_weights)

    def __call__(self, experience: Experience) -> LearnedTargets:
        w, cell = self.weights, CELLS[self.cell]
        sums = jnp.tensordot(self.inputs(experience), w["input"], axes=1) + (w["bias"] + self._from_time(experience))
        h = backwards(cell, sums, experience.ends, w["memory"])
        return LearnedTargets(h @ w["policy"] + w["policy_bias"], h @ w["prediction"] + w["prediction_bias"])

    def inputs(self, experience: Experience) -> jax.Array:
        """The inputs ``x`` of the memory, ``[T, B, 5]``."""
        now, following = self.embedded(jnp.stack([experience.prediction, experience.next_prediction]))
        following = jnp.where(experience.discount == 0.0, 0.0, following)
        return jnp.stack([experience.reward, experience.discount, experience.probability, now, following], axis=-1)

    def embedded(self, prediction: jax.Array) -> jax.Array:
        """``phi(softmax(prediction))``, of logits ``[..., m]``."""
        w = self.weights
        hidden = jax.nn.relu(jax.nn.softmax(prediction) @ w["embed"] + w["embed_bias"])
        return hidden @ w["embed_output"] + w["embed_output_bias"]

    def formula(self) -> str:
        time = {"none": "", "relative": r",\ n / N,\ \log N", "raw": r",\ n,\ N"}[self.time]
        seen = r"r_t,\ \gamma (1 - d_t),\ \pi(a_t \mid s_t),\ \phi(y(s_t)),\ \phi(y(s_{t+1}))"
        return "\n".join(
            [
                rf"x_t = \left[{seen}{time}\right]",
                rf"\hat{{\pi}}_t,\ \hat{{y}}_t = \operatorname{{{self.cell.upper()}}}_w(x_t,\ x_{{t+1}},\ \ldots)",
            ]
        )

    def _from_time(self, experience: Experience) -> jax.Array:
        """The share of the time in the bias, ``[gates, units]``; a zero without it."""
        if self.time == "none":
            return jnp.zeros(())
        share, updates = experience.progress, jnp.asarray(experience.updates, jnp.float32)
        relative = jnp.stack([share, jnp.log(jnp.maximum(updates, 1.0))])
        times = relative if self.time == "relative" else jnp.stack([share * updates, updates])
        return jnp.tensordot(times, self.weights["time"], axes=1)
