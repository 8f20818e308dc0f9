"""Digests of all that the curves of fresh lifetimes depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from discover.components.component import Component
from discover.config.candidate_file import fingerprint_of
from discover.contract.executor import Executor, Work
from discover.contract.registry import Registry

SIZE = 16
"""Bytes of a digest."""


class WorkDigests:
    """Digests of work that one executor runs.

    Args:
        executor: runs it; bits depend on its `Executor.shaping`.
        registry: has the names of candidates and environments.
        dependencies: what else the bits depend on (versions, plugins, device), as JSON can hold it.
    """

    def __init__(self, executor: Executor, registry: Registry, dependencies: Mapping[str, Any]):
        self._executor, self._registry, self._dependencies = executor, registry, dependencies
        self._fingerprints: dict[object, str] = {}

    def of(self, work: Work) -> list[bytes]:
        """A digest of each member: equal exactly where its curves are the same."""
        facts = [
            self._executor.shaping(),
            self._fingerprint(work.environment),
            self._fingerprint(jax.tree.map(lambda leaf: np.zeros_like(leaf[0]), work.candidates)),
            (work.start, work.stop, work.total),
            self._dependencies,
        ]
        if work.window is not None:
            facts.append((work.window.updates, self._fingerprint(work.window.objective)))
        shared = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=SIZE)
        shared.update(np.asarray(jax.random.key_data(work.keys)).tobytes())
        leaves = [np.ascontiguousarray(leaf) for leaf in jax.tree.leaves(work.candidates)]
        digests = []
        for member in range(work.shape[0]):
            digest = shared.copy()
            for leaf in leaves:
                digest.update(f"{leaf.dtype}{leaf.shape[1:]}".encode() + leaf[member].tobytes())
            digests.append(digest.digest())
        return digests

    def _fingerprint(self, component: Component) -> str:
        """The fingerprint of a component, which is computed once for each structure and numbers."""
        leaves, structure = jax.tree.flatten(component)
        key = structure, tuple((np.asarray(leaf).dtype, np.asarray(leaf).tobytes()) for leaf in leaves)
        if key not in self._fingerprints:
            self._fingerprints[key] = fingerprint_of(self._registry, component)
        return self._fingerprints[key]
