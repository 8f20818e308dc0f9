"""Work and its results as plain values and arrays, for executors that run it in another process.

A candidate travels as its words, as in a config, and the arrays of its members: nothing that is executed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from discover.config.build import algorithm_from, config_of, environment_from
from discover.config.candidate_file import with_arrays, without_arrays
from discover.contract.executor import Curves, Done, Failure, Work
from discover.contract.registry import Registry
from discover.contract.types import Members

Message: TypeAlias = "tuple[dict[str, Any], list[np.ndarray]]"
"""A mapping, and arrays."""


def message_of_work(registry: Registry, work: Work) -> Message:
    """Fresh lifetimes that are not kept, as a message.

    Args:
        registry: gives components their names.
        work: the lifetimes.
    """
    words = {"environment": config_of(registry, work.environment), "candidate": config_of(registry, _sound(work.candidates))}
    words, weights = without_arrays(words)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(work.candidates)]
    values = {
        "words": words,
        "weights": list(weights),
        "leaves": len(leaves),
        "updates": [work.start, work.stop, work.total],
        "generator": str(jax.random.key_impl(work.keys)),
    }
    return values, [*weights.values(), *leaves, np.asarray(jax.random.key_data(work.keys))]


def work_from(registry: Registry, values: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Work:
    """The work in a message that `message_of_work` made."""
    names, (start, stop, total) = values["weights"], values["updates"]
    words = with_arrays(values["words"], dict(zip(names, arrays, strict=False)), "a message")
    candidate = algorithm_from(registry, words["candidate"])
    leaves = arrays[len(names) : len(names) + values["leaves"]]
    return Work(
        environment_from(registry, words["environment"]),
        jax.tree.unflatten(jax.tree.structure(candidate), leaves),
        jax.random.wrap_key_data(jnp.asarray(arrays[-1]), impl=values["generator"]),
        start=start,
        stop=stop,
        total=total,
    )


def message_of_result(result: Done | Failure) -> Message:
    """The result of work whose lifetimes are not kept, as a message."""
    if isinstance(result, Failure):
        return {"failure": [result.fault, result.why, result.retry]}, []
    curves = result.curves
    fields = (curves.episode_return, curves.episode_length, curves.finite, curves.env_steps)
    return {"info": list(curves.info)}, [*fields, *curves.info.values()]


def result_from(values: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Done | Failure:
    """The result in a message that `message_of_result` made."""
    if "failure" in values:
        return Failure(*values["failure"])
    returns, lengths, finite, env_steps, *info = arrays
    curves = Curves(returns, lengths, dict(zip(values["info"], info, strict=True)), finite=finite, env_steps=env_steps)
    return Done(curves)


def _sound(candidates: Members) -> Members:
    """The first member whose numbers are all finite, since others have no words; the first of all if there is none."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(candidates)]
    finite = [np.isfinite(leaf).reshape(len(leaf), -1).all(axis=1) for leaf in leaves]
    place = int(np.argmax(np.all(finite, axis=0))) if finite else 0
    return jax.tree.map(lambda leaf: np.asarray(leaf)[place], candidates)
