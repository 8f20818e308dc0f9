"""Trees of arrays on disk: exact, replaced as a whole, and refused in a sentence when damaged."""

import errno
import io
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover import UserError
from discover.base.errors import StorageError
from discover.storage.array_file import ArrayTree, tree_from_bytes, tree_to_bytes, write_atomically

TREE = {
    "numbers": (jnp.arange(6, dtype=jnp.float32).reshape(2, 3) / 7, [jnp.int32(3), jnp.bool_(True)]),
    "strange": np.array([np.nan, np.inf, -0.0, 1e-45], np.float32),
    "none": None,
    "key": jax.random.key(5),
    "keys": jax.random.split(jax.random.key(6), 3),
}


def bits(tree: ArrayTree) -> list[tuple[np.dtype, tuple[int, ...], bytes]]:
    raw = [jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x for x in jax.tree.leaves(tree)]
    return [(np.asarray(x).dtype, np.asarray(x).shape, np.asarray(x).tobytes()) for x in raw]


def template() -> ArrayTree:
    return jax.tree.map(jnp.zeros_like, {**TREE, "key": 0, "keys": 0}) | {"key": TREE["key"], "keys": TREE["keys"]}


def test_a_tree_and_its_text_come_back_to_the_bit() -> None:
    for like in (template(), jax.eval_shape(lambda: TREE)):
        tree, text = tree_from_bytes(tree_to_bytes(TREE, "a ß\n"), like, "it")
        assert bits(tree) == bits(TREE)
        assert jax.tree.structure(tree) == jax.tree.structure(TREE)
        assert text == "a ß\n"
        assert jax.random.uniform(tree["keys"][1]) == jax.random.uniform(TREE["keys"][1])


def refusal(data: bytes, like: ArrayTree) -> str:
    with pytest.raises(UserError) as caught:
        tree_from_bytes(data, like, "checkpoint 'x'")
    sentence = str(caught.value)
    assert sentence.startswith("checkpoint 'x' ")
    assert "\n" not in sentence
    return sentence


def test_a_tree_of_another_structure_is_told() -> None:
    data = tree_to_bytes({"a": jnp.zeros(3), "b": jnp.zeros(())})
    other = "it belongs to another config."
    assert refusal(data, {"a": jnp.zeros(3)}) == f"checkpoint 'x' holds 2 arrays where 1 are expected: {other}"
    sentence = refusal(data, {"a": jnp.zeros(4), "b": jnp.zeros(())})
    assert sentence == f"checkpoint 'x' holds float32 of shape (3,) where float32 of shape (4,) is expected: {other}"
    sentence = refusal(data, {"a": jnp.zeros(3, jnp.int32), "b": jnp.zeros(())})
    assert sentence == f"checkpoint 'x' holds float32 of shape (3,) where int32 of shape (3,) is expected: {other}"
    sentence = refusal(data, {"a": jax.random.key(0), "b": jnp.zeros(())})
    assert sentence == f"checkpoint 'x' holds float32 of shape (3,) where uint32 of shape (2,) is expected: {other}"


def test_a_damaged_file_is_told_or_the_damage_does_not_matter() -> None:
    whole, like, good = tree_to_bytes(TREE, "text"), template(), bits(TREE)
    damaged = [whole[:length] for length in (0, 1, 40, len(whole) // 2, len(whole) - 1)]
    for data in damaged:
        assert refusal(data, like).endswith(": start from an older copy.")
    refused = 0
    for place in range(len(whole)):
        data = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        try:
            tree, text = tree_from_bytes(data, like, "checkpoint 'x'")
            assert (bits(tree), text) == (good, "text")
        except UserError:
            refused += 1
    assert refused > 0.5 * len(whole)


def test_an_object_array_is_refused() -> None:
    buffer = io.BytesIO()
    np.savez(buffer, text=np.zeros(0, np.uint8), a=np.array([print], dtype=object))
    assert "an array holds object, which is no number" in refusal(buffer.getvalue(), {"a": jnp.zeros(1)})


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOSPC, StorageError), (errno.EIO, StorageError), (errno.EACCES, UserError)]
)
def test_a_failed_write_leaves_the_old_file_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    path = tmp_path / "it"
    write_atomically(path, b"old")

    def fail(descriptor: int) -> None:
        raise OSError(number, "it fails")

    sentence = f"^'{path}' cannot be written \\(it fails\\): make room, or choose another place\\.$"
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        with pytest.raises(kind, match=sentence):
            write_atomically(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["it"]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_write_that_is_cut_off_leaves_nothing_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "it", b"new")
    assert os.listdir(tmp_path) == []
