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
from discover.contract.types import Lifetimes, Members
from discover.inner_loop.population import form_of_lifetimes
from discover.storage.array_file import generator_of, is_key, raw_leaf

Message: TypeAlias = "tuple[dict[str, Any], list[np.ndarray]]"
"""A mapping, and arrays."""


def message_of_work(registry: Registry, work: Work) -> Message:
    """Work as a message.

    Args:
        registry: gives components their names.
        work: the lifetimes; those that go on are arrays.
    """
    words = {"environment": config_of(registry, work.environment), "candidate": config_of(registry, _sound(work.candidates))}
    words, weights = without_arrays(words)
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(work.candidates)]
    ongoing = leaves_of(work.ongoing)
    values = {
        "words": words,
        "weights": list(weights),
        "leaves": len(leaves),
        "updates": [work.start, work.stop, work.total],
        "generator": str(jax.random.key_impl(work.keys)),
        "ongoing": len(ongoing),
        "keep": work.keep,
    }
    return values, [*weights.values(), *leaves, *ongoing, np.asarray(jax.random.key_data(work.keys))]


def work_from(registry: Registry, values: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Work:
    """The work in a message that `message_of_work` made."""
    names, (start, stop, total) = values["weights"], values["updates"]
    words = with_arrays(values["words"], dict(zip(names, arrays, strict=False)), "a message")
    candidate = algorithm_from(registry, words["candidate"])
    leaves = arrays[len(names) : len(names) + values["leaves"]]
    work = Work(
        environment_from(registry, words["environment"]),
        jax.tree.unflatten(jax.tree.structure(candidate), leaves),
        jax.random.wrap_key_data(jnp.asarray(arrays[-1]), impl=values["generator"]),
        start=start,
        stop=stop,
        total=total,
        keep=values["keep"],
    )
    ongoing = arrays[len(names) + len(leaves) : -1]
    return work._replace(ongoing=lifetimes_from(work, ongoing)) if values["ongoing"] else work


def leaves_of(lifetimes: Lifetimes) -> list[np.ndarray]:
    """The leaves of lifetimes as plain arrays."""
    return [np.asarray(raw_leaf(leaf)) for leaf in jax.tree.leaves(lifetimes)]


def lifetimes_from(work: Work, leaves: Sequence[np.ndarray]) -> Lifetimes:
    """Lifetimes of the candidates in a piece of work, from their leaves as plain arrays."""
    form = form_of_lifetimes(work)
    made = [
        jax.random.wrap_key_data(jnp.asarray(leaf), impl=generator_of(like)) if is_key(like) else leaf
        for leaf, like in zip(leaves, jax.tree.leaves(form), strict=True)
    ]
    return jax.tree.unflatten(jax.tree.structure(form), made)


def message_of_result(result: Done | Failure) -> Message:
    """The result of work as a message; kept lifetimes are arrays."""
    if isinstance(result, Failure):
        return {"failure": [result.fault, result.why, result.retry]}, []
    curves = result.curves
    fields = (curves.episode_return, curves.episode_length, curves.finite, curves.env_steps)
    return {"info": list(curves.info)}, [*fields, *curves.info.values(), *leaves_of(result.lifetimes)]


def result_from(values: Mapping[str, Any], arrays: Sequence[np.ndarray], work: Work | None = None) -> Done | Failure:
    """The result in a message that `message_of_result` made.

    Args:
        values, arrays: the message.
        work: whose result it is, where it may have lifetimes.
    """
    if "failure" in values:
        return Failure(*values["failure"])
    returns, lengths, finite, env_steps, *rest = arrays
    info = dict(zip(values["info"], rest, strict=False))
    leaves = rest[len(info) :]
    lifetimes = lifetimes_from(work, leaves) if work is not None and leaves else None
    return Done(Curves(returns, lengths, info, finite=finite, env_steps=env_steps), lifetimes)


def _sound(candidates: Members) -> Members:
    """The first member whose numbers are all finite, since others have no words; the first of all if there is none."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(candidates)]
    finite = [np.isfinite(leaf).reshape(len(leaf), -1).all(axis=1) for leaf in leaves]
    place = int(np.argmax(np.all(finite, axis=0))) if finite else 0
    return jax.tree.map(lambda leaf: np.asarray(leaf)[place], candidates)
