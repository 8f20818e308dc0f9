"""The meta-network of LPG as loops over single numbers, in double precision: independent of JAX and of the plugin."""

from collections.abc import Mapping
from typing import Any, TypeAlias

import jax
import numpy as np
from discover_zoo.rules.lpg.meta_network import Experience

Arrays: TypeAlias = Mapping[str, np.ndarray]


def doubles(tree: Any) -> Any:
    return jax.tree.map(lambda x: np.asarray(x, bool if x.dtype == bool else np.float64), tree)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-x))


def log_softmax(x: np.ndarray) -> np.ndarray:
    shifted = x - x.max()
    return shifted - np.log(np.exp(shifted).sum())


def phi(w: Arrays, logits: np.ndarray) -> np.ndarray:
    hidden = np.maximum(np.exp(log_softmax(logits)) @ w["embed"] + w["embed_bias"], 0.0)
    return hidden @ w["embed_output"] + w["embed_output_bias"]


def read_backward(w: Arrays, cell: str, seen: Experience, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The targets of policy and prediction, one number after the other, in double precision."""
    (steps, columns), units = np.shape(seen.reward), w["policy"].size
    policy, prediction = np.zeros((steps, columns)), np.zeros((steps, columns, w["prediction_bias"].size))
    for b in range(columns):
        h = c = np.zeros(units)
        for t in range(steps - 1, -1, -1):
            if seen.ends[t, b]:
                h = c = np.zeros(units)
            after = phi(w, np.asarray(seen.next_prediction[t, b])) if seen.discount[t, b] > 0.0 else 0.0
            prediction_now = phi(w, np.asarray(seen.prediction[t, b]))
            x = np.array([seen.reward[t, b], seen.discount[t, b], seen.probability[t, b], prediction_now, after])
            inside = w["bias"] + np.sum([x[i] * w["input"][i] for i in range(5)], axis=0)
            inside = inside + sum(times[i] * w["time"][i] for i in range(len(times)))
            from_memory = np.sum([h[i] * w["memory"][i] for i in range(units)], axis=0)
            if cell == "lstm":
                i, f, g, o = inside + from_memory
                c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
                h = sigmoid(o) * np.tanh(c)
            else:
                z = sigmoid(inside[0] + from_memory[0])
                h = z * h + (1.0 - z) * np.tanh(inside[2] + sigmoid(inside[1] + from_memory[1]) * from_memory[2])
            policy[t, b] = h @ w["policy"] + w["policy_bias"]
            prediction[t, b] = h @ w["prediction"] + w["prediction_bias"]
    return policy, prediction
