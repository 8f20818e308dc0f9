"""Trees of arrays on disk: one .npz beside no code. Written aside and renamed, so that a kill leaves the old file whole."""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from discover.base.errors import StorageError, UserError
from discover.storage.zip_archive import array_in, damage, members_of

_DISK_FAILS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)

_HEADER = 2**10  # bytes before an array, at most
_TEXT = 2**24  # bytes of a text beside the arrays, at most


def write_atomically(path: Path, data: bytes) -> None:
    """Replace a file as a whole or not at all, also under a power cut.

    Raises:
        StorageError: the disk is full or fails.
        UserError: the place cannot be written to.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with aside.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        if not isinstance(error, OSError):
            raise
        kind = StorageError if error.errno in _DISK_FAILS else UserError
        raise kind(f"'{path}' cannot be written ({error.strerror}): make room, or choose another place.") from None


def remove_leftovers(folder: Path, names: Sequence[str]) -> None:
    """Remove what a killed `write_atomically` to one of these names has left aside in a folder that nobody else writes to.

    Only files called exactly so, of processes that have ended; a name may be a pattern (regular expression).
    """
    for path, process in leftovers(folder, names):
        if process == os.getpid() or not _runs(process):  # in a container every process may have the number of the last
            with contextlib.suppress(OSError):
                path.unlink()


def leftovers(folder: Path, names: Sequence[str]) -> Iterator[tuple[Path, int]]:
    """What writers to these names have left aside in a folder, or are about to rename, and the process that each belongs to."""
    pattern = re.compile(rf"\.(?:{'|'.join(names)})\.([1-9][0-9]*)\.new")
    for path in sorted(folder.iterdir()):
        match = pattern.fullmatch(path.name)
        if match and path.is_file() and not path.is_symlink():
            yield path, int(match[1])


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # another user's
    return True


def tree_to_bytes(tree: Any, text: str = "") -> bytes:
    """The arrays of a tree, in the order of its leaves, and a text beside them; random keys as their raw data."""
    buffer = io.BytesIO()
    arrays = {f"{i:06d}": np.asarray(_raw(leaf)) for i, leaf in enumerate(jax.tree.leaves(tree))}
    np.savez(buffer, allow_pickle=False, text=np.frombuffer(text.encode(), np.uint8), **arrays)
    return buffer.getvalue()


def tree_from_bytes(data: bytes, template: Any, what: str) -> tuple[Any, str]:
    """The tree and the text that `tree_to_bytes` wrote, in the structure of ``template`` (arrays or their shapes).

    Raises:
        UserError: the data is damaged, or belongs to a tree of another structure.
    """
    leaves, structure = jax.tree.flatten(template)
    expected = sum(_size(leaf) + _HEADER for leaf in leaves)
    try:
        stored = {name: array_in(inner) for name, inner in members_of(io.BytesIO(data), expected + _TEXT).items()}
        text = stored.pop("text.npy").tobytes().decode()
        arrays = [stored[name] for name in sorted(stored)]
    except Exception as error:  # damaged bytes make zipfile, zlib and numpy raise anything
        raise UserError(f"{what} is damaged ({damage(error)}): start from an older copy.") from None
    if len(arrays) != len(leaves):
        raise UserError(f"{what} holds {len(arrays)} arrays where {len(leaves)} are expected: it belongs to another config.")
    return jax.tree.unflatten(structure, [_restored(a, t, what) for a, t in zip(arrays, leaves, strict=True)]), text


def _size(leaf: Any) -> int:
    """Bytes of an array, or of one of such a shape."""
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def _is_key(leaf: Any) -> bool:
    return hasattr(leaf, "dtype") and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def _raw(leaf: Any) -> Any:
    return jax.random.key_data(leaf) if _is_key(leaf) else leaf


def _restored(array: np.ndarray, template: Any, what: str) -> jax.Array:
    raw = jax.eval_shape(_raw, template)
    if array.shape != raw.shape or array.dtype != raw.dtype:
        raise UserError(
            f"{what} holds {array.dtype} of shape {array.shape} where {raw.dtype} of shape {raw.shape} is expected: "
            "it belongs to another config."
        )
    made = jax.numpy.asarray(array)
    return jax.random.wrap_key_data(made, impl=_generator(template)) if _is_key(template) else made


def _generator(key: Any) -> Any:
    """Which generator a key, or the shape of one, belongs to."""
    found: list[Any] = []
    jax.eval_shape(lambda key: found.append(jax.random.key_impl(key)), key)
    return found[0]
