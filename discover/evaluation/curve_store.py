"""A store of learning curves in a folder, so that no lifetime is run twice.

The name of a file is a digest of all that its curves depend on.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from discover.base.errors import DiscoverError, DiscoverWarning
from discover.contract.algorithm import Algorithm
from discover.contract.environment import Environment
from discover.contract.executor import Curves, Done, Executor, Failure, Work
from discover.contract.registry import Registry
from discover.evaluation.work_digests import SIZE, WorkDigests
from discover.storage.array_file import remove_leftovers, write_atomically
from discover.storage.zip_archive import array_in, members_of

_NAME = r"[0-9a-f]{32}\.npz"
"""The form of a file's name: the digest in hexadecimal."""


class NotStoredError(DiscoverError):
    """Curves that are not in the store are requested, and running lifetimes is not allowed."""


class NotKeptWarning(DiscoverWarning):
    """Curves could not be stored; after a kill their lifetimes would be run again."""


class CurveStore(Executor):
    """An executor that stores the curves of another one, so that a repeated command runs no lifetime twice.

    Args:
        executor: runs lifetimes whose curves are not in the store.
        folder: of the store; created with the first file.
        registry: has the names of candidates and environments.
        dependencies: what else the bits depend on (versions, plugins, device), as JSON can hold it.
        only: whether to raise `NotStoredError` instead of running anything.
    """

    def __init__(
        self,
        executor: Executor,
        folder: Path,
        registry: Registry,
        dependencies: Mapping[str, Any],
        *,
        only: bool = False,
    ):
        self._executor, self._folder, self._registry = executor, folder, registry
        self._dependencies, self._only = dependencies, only
        self._digests = WorkDigests(executor, registry, dependencies)
        if folder.is_dir():
            remove_leftovers(folder, [_NAME])

    def __repr__(self) -> str:
        return repr(self._executor)

    def shaping(self) -> str:
        return self._executor.shaping()

    def settle(self, lifetimes: int, candidate: Algorithm, environments: Sequence[Environment]) -> Executor:
        executor = self._executor.settle(lifetimes, candidate, environments)
        return CurveStore(executor, self._folder, self._registry, self._dependencies, only=self._only)

    def run(
        self, work: Sequence[Work], progress: Callable[[float], None] | None = None
    ) -> Iterator[tuple[int, Done | Failure]]:
        paths = [self._folder / f"{self._digest(piece)}.npz" for piece in work]
        missing = []
        for place, path in enumerate(paths):
            curves = _read(path)
            if curves is None:
                missing.append(place)
            else:
                yield place, Done(curves)
        if missing and self._only:
            raise NotStoredError("its learning curves have not been kept")
        for index, result in self._executor.run([work[place] for place in missing], progress) if missing else ():
            if isinstance(result, Done):
                _write(paths[missing[index]], result.curves)
            yield missing[index], result

    def _digest(self, work: Work) -> str:
        """A digest of all that the curves of fresh lifetimes depend on."""
        return hashlib.blake2b(b"".join(self._digests.of(work)), digest_size=SIZE).hexdigest()


def _write(path: Path, curves: Curves) -> None:
    """Store curves. A full disk costs no more than a warning, since the lifetimes can be run again."""
    arrays = {f"info/{name}": array for name, array in curves.info.items()}
    arrays |= {name: array for name, array in curves._asdict().items() if name != "info"}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    try:
        with contextlib.suppress(FileExistsError):
            path.parent.mkdir()
        write_atomically(path, buffer.getvalue())
    except (OSError, DiscoverError) as error:
        warnings.warn(f"learning curves are not kept, and made again after a kill: {error}", NotKeptWarning, stacklevel=4)


def _read(path: Path) -> Curves | None:
    """The curves in a file; None if it does not exist, or is damaged."""
    try:
        members = members_of(io.BytesIO(path.read_bytes()))
        arrays = {name.removesuffix(".npy"): array_in(data) for name, data in members.items()}
    except Exception:  # damaged bytes make zipfile, zlib and numpy raise anything
        return None
    info = {name.removeprefix("info/"): arrays.pop(name) for name in list(arrays) if name.startswith("info/")}
    return Curves(info=info, **arrays) if {*arrays, "info"} == set(Curves._fields) else None
