"""Zip files of arrays that unfold, claim or hold more than they should."""

import io
import json
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from discover import Registry, UserError
from discover.config.candidate_file import fingerprint, load_candidate
from discover.storage.array_file import tree_from_bytes
from discover.storage.zip_archive import array_in, members_of


def npy(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def header(shape: str, descr: str = "'<f4'") -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(118 - 10 - 1 + 10) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="<f4").reshape(2, 3),
        np.asfortranarray(np.eye(3)),
        np.array(True),
        np.zeros((0, 2), ">i8"),
        np.float16(1),
    ],
)
def test_arrays_come_back_to_the_bit(array: np.ndarray) -> None:
    actual, expected = array_in(npy(array)), np.asarray(array)
    assert (actual.dtype, actual.shape, actual.tobytes()) == (expected.dtype, expected.shape, expected.tobytes())
    assert actual.flags.writeable


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (header("(1000000000000,)"), "has 0 bytes where it needs 4,000,000,000,000"),
        (header("(-1,)") + b"1234", "an array of shape (-1,)"),
        (header("(1,)", "'|O'") + b"12345678", "an array holds object, which is no number"),
        (header("(1,)", "[('a', '<f4')]") + b"1234", "which is no number"),
        (header("(1,)", "'<U9'") + b"1" * 36, "which is no number"),
        (npy(np.zeros(2)) + b"more", "has 20 bytes where it needs 16"),
        (npy(np.zeros(2))[:-1], "has 15 bytes where it needs 16"),
        (b"", "EOF"),
    ],
)
def test_an_array_that_is_not_what_it_says_is_refused_before_memory_is_taken(data: bytes, sentence: str) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r".") as caught:
            array_in(data)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert sentence in str(caught.value)


def archive(members: Iterator[tuple[str, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members:
            file.writestr(name, data)
    return buffer.getvalue()


def test_an_archive_is_weighed_before_it_is_unfolded() -> None:
    assert members_of(io.BytesIO(archive(iter([("a", b"1"), ("b", b"22")]))), 3) == {"a": b"1", "b": b"22"}
    with pytest.raises(ValueError, match=r"^its members unfold to 3 bytes, more than 2$"):
        members_of(io.BytesIO(archive(iter([("a", b"1"), ("b", b"22")]))), 2)
    with pytest.raises(ValueError, match=r"^it holds 10,001 members, more than 10,000$"):
        members_of(io.BytesIO(archive((f"{i}", b"") for i in range(10_001))))


def lying(text: bytes, method: int, size: int) -> bytes:
    """A candidate file with a large array whose entry says that it is small."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        file.writestr("candidate.json", text)
        file.writestr("a.npy", bytes(2**27))
    data = bytearray(buffer.getvalue())
    entry = data.rfind(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = size.to_bytes(4, "little")
    return bytes(data)


@pytest.mark.parametrize("size", [0, 100])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_member_unfolds_to_no_more_than_it_says(method: int, size: int) -> None:
    data = io.BytesIO(lying(b"{}", method, size))
    tracemalloc.start()
    try:
        with pytest.raises((ValueError, zipfile.BadZipFile), match=r"Bad CRC-32|^a member is neither stored nor deflated$"):
            members_of(data)
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


BOMBS: dict[str, Callable[[bytes], Iterator[tuple[str, bytes]]]] = {
    "one large array": lambda text: iter([("candidate.json", text), ("a.npy", bytes(2**28 + 1))]),
    "many arrays": lambda text: iter([("candidate.json", text), *((f"{i}.npy", bytes(2**24)) for i in range(17))]),
    "many members": lambda text: iter([("candidate.json", text), *((f"{i}", b"") for i in range(10_000))]),
    "a large text": lambda text: iter([("candidate.json", b" " * (2**23 + 1))]),
    "a deep text": lambda text: iter([("candidate.json", b"[" * 2**20)]),
    "long digits": lambda text: iter([("candidate.json", b'{"format": ' + b"9" * 5000 + b"}")]),
    "a false size": lambda text: iter([("candidate.json", text), ("a.npy", header("(1000000000000,)"))]),
    "no text": lambda text: iter([("a.npy", header("(0,)"))]),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_candidate_file_that_is_a_bomb_is_one_short_sentence(name: str, tmp_path: Path, registry: Registry) -> None:
    candidate = {"rule": "toy_climb", "network": "toy_blank"}
    text = json.dumps({"format": 1, "candidate": candidate, "fingerprint": fingerprint(candidate, {}), "notes": {}}).encode()
    path = tmp_path / "bomb.candidate"
    path.write_bytes(archive(BOMBS[name](text)))
    tracemalloc.start()
    try:
        with pytest.raises(
            UserError, match=r"^candidate file '.*' is damaged or cut short \(.*\): fetch it again\.$"
        ) as caught:
            load_candidate(path, registry)
        assert tracemalloc.get_traced_memory()[1] < 40 * 2**20
    finally:
        tracemalloc.stop()
    assert len(str(caught.value)) <= 300


def test_a_checkpoint_that_unfolds_to_more_than_its_search_needs_is_refused() -> None:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, np.zeros(2**22), text=np.zeros(0, np.uint8))
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match=r"^checkpoint is damaged \(its members unfold to .* bytes, more than .*\): start"):
            tree_from_bytes(buffer.getvalue(), {"a": np.zeros(3)}, "checkpoint")
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()


def test_bombs_of_text_fit_in_little_memory() -> None:
    """In a process that may take no more than 400 MiB in all."""
    script = (
        "import resource\n"
        "resource.setrlimit(resource.RLIMIT_AS, (400 * 2**20, 400 * 2**20))\n"
        "from discover.storage.yaml_text import values_in\n"
        "text = 'a0: &a0 [lol]\\n'\n"
        "for i in range(1, 12):\n"
        "    text += f'a{i}: &a{i} [' + ','.join([f'*a{i - 1}'] * 9) + ']\\n'\n"
        "try:\n"
        "    values_in(text)\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert process.stdout.startswith("its aliases stand for more than 262,144 characters, in line ")
