"""Trees of arrays on disk, as ``.npz`` files without pickled code.

A file is first written under another name and then renamed, so that a process that is killed leaves the old file complete.
"""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
import re
from collections.abc import Hashable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import jax
import numpy as np

from discover.base.errors import StorageError, UserError
from discover.storage.zip_archive import array_in, damage, members_of

ArrayTree: TypeAlias = Any
"""Arrays and random keys in nested tuples, lists, mappings and other nodes that JAX knows."""

Leaf: TypeAlias = jax.Array | np.ndarray | jax.ShapeDtypeStruct
"""An array, a random key, or the shape and type of one."""

_DISK_FAILS = (errno.ENOSPC, errno.EDQUOT, errno.EIO)

_HEADER = 2**10  # bytes before an array, at most
_TEXT = 2**24  # bytes of a text beside the arrays, at most


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file, or replace it: as a whole or not at all, also if the power fails.

    Raises:
        StorageError: the disk is full or fails.
        UserError: the place cannot be written to.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_atomically(Path(folder) / "it", b"data")
    ...     (Path(folder) / "it").read_bytes()
    b'data'
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
    """Remove the temporary files of `write_atomically` calls that were killed, in a folder that this process alone writes to.

    Only the files of processes that have ended are removed.

    Args:
        folder: the folder.
        names: names of the files that were to be written, as regular expressions.
    """
    for path, process in leftovers(folder, names):
        if process == os.getpid() or not _runs(process):  # in a container a new process may have the id of an ended one
            with contextlib.suppress(OSError):
                path.unlink()


def leftovers(folder: Path, names: Sequence[str]) -> Iterator[tuple[Path, int]]:
    """The temporary files of `write_atomically` in a folder, each with the id of the process that wrote it.

    Args:
        folder: the folder.
        names: names of the files that were to be written, as regular expressions.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     (Path(folder) / ".state.npz.123.new").touch()
    ...     [(path.name, process) for path, process in leftovers(Path(folder), [r"state\\.npz"])]
    [('.state.npz.123.new', 123)]
    """
    pattern = re.compile(rf"\.(?:{'|'.join(names)})\.([1-9][0-9]*)\.new")
    for path in sorted(folder.iterdir()):
        match = pattern.fullmatch(path.name)
        if match and path.is_file() and not path.is_symlink():
            yield path, int(match[1])


def _runs(process: int) -> bool:
    """Whether a process with this id runs."""
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        pass  # a process of another user
    return True


def tree_to_bytes(tree: ArrayTree, text: str = "") -> bytes:
    """The arrays of a tree, in the order of its leaves, and a text, in the ``.npz`` format. Random keys become raw data.

    `tree_from_bytes` has an example.
    """
    buffer = io.BytesIO()
    arrays = {f"{i:06d}": np.asarray(raw_leaf(leaf)) for i, leaf in enumerate(jax.tree.leaves(tree))}
    np.savez(buffer, allow_pickle=False, text=np.frombuffer(text.encode(), np.uint8), **arrays)
    return buffer.getvalue()


def tree_from_bytes(data: bytes, template: ArrayTree, what: str) -> tuple[ArrayTree, str]:
    """The tree and the text that `tree_to_bytes` wrote.

    Args:
        data: the bytes.
        template: a tree of the same structure, of arrays or of their shapes and types.
        what: a name for the data, which begins the message of an error.

    Raises:
        UserError: the data is damaged, or belongs to a tree of another structure.

    >>> data = tree_to_bytes({"weights": np.ones(3, np.float32)}, "generation 7")
    >>> tree, text = tree_from_bytes(data, {"weights": np.zeros(3)}, "the checkpoint")
    >>> tree["weights"].tolist(), text
    ([1.0, 1.0, 1.0], 'generation 7')
    """
    leaves, structure = jax.tree.flatten(template)
    expected = sum(_size(leaf) + _HEADER for leaf in leaves)
    try:
        members = {name: array_in(member) for name, member in members_of(io.BytesIO(data), expected + _TEXT).items()}
        text = members.pop("text.npy").tobytes().decode()
        arrays = [members[name] for name in sorted(members)]
    except Exception as error:  # damaged bytes make zipfile, zlib and numpy raise anything
        raise UserError(f"{what} is damaged ({damage(error)}): start from an older copy.") from None
    if len(arrays) != len(leaves):
        raise UserError(f"{what} holds {len(arrays)} arrays where {len(leaves)} are expected: it belongs to another config.")
    return jax.tree.unflatten(structure, [_leaf_of(a, t, what) for a, t in zip(arrays, leaves, strict=True)]), text


def _size(leaf: Leaf) -> int:
    """The bytes of an array, or of one with such a shape and type."""
    return math.prod(leaf.shape) * leaf.dtype.itemsize


def is_key(leaf: Leaf) -> bool:
    """Whether a leaf is a random key."""
    return hasattr(leaf, "dtype") and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)


def raw_leaf(leaf: jax.Array | np.ndarray) -> jax.Array | np.ndarray:
    """The raw data of a random key; any other leaf as it is."""
    return jax.random.key_data(leaf) if is_key(leaf) else leaf


def _leaf_of(array: np.ndarray, template: Leaf, what: str) -> jax.Array:
    """The leaf that an array holds, an array or a random key like ``template``."""
    raw = jax.eval_shape(raw_leaf, template)
    if array.shape != raw.shape or array.dtype != raw.dtype:
        raise UserError(
            f"{what} holds {array.dtype} of shape {array.shape} where {raw.dtype} of shape {raw.shape} is expected: "
            "it belongs to another config."
        )
    data = jax.numpy.asarray(array)
    return jax.random.wrap_key_data(data, impl=generator_of(template)) if is_key(template) else data


def generator_of(key: Leaf) -> Hashable:
    """The generator that a key, or the shape and type of one, belongs to."""
    generators: list[Hashable] = []
    jax.eval_shape(lambda key: generators.append(jax.random.key_impl(key)), key)
    return generators[0]
