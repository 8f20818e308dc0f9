"""Messages between two processes: read exactly as they were written, or not at all."""

import io
from typing import Any, cast

import numpy as np
import pytest

from discover.process.frames import read_message, write_message


def data_of(*messages: tuple[Any, ...]) -> bytes:
    """The bytes of messages, each of values and arrays."""
    pipe = io.BytesIO()
    for values, *arrays in messages:
        write_message(pipe, values, *arrays)
    return pipe.getvalue()


def test_messages_follow_each_other_to_the_bit() -> None:
    one, two = np.arange(6, dtype=np.float32).reshape(2, 3), np.asarray([True, False])
    pipe = io.BytesIO(data_of(({"steps": 40, "none": None}, one, two), ("no arrays",), ([], two)))
    values, arrays = read_message(pipe)
    assert values == {"steps": 40, "none": None}
    assert [(array.dtype, array.shape, array.tobytes()) for array in arrays] == [
        (np.float32, (2, 3), one.tobytes()),
        (np.bool_, (2,), b"\1\0"),
    ]
    assert read_message(pipe) == ("no arrays", [])
    assert read_message(pipe)[0] == []
    with pytest.raises(EOFError):
        read_message(pipe)


def test_a_message_does_not_wait_in_a_buffer() -> None:
    sent = io.BytesIO()
    pipe = io.BufferedWriter(cast(io.RawIOBase, sent))
    write_message(pipe, "now")
    assert read_message(io.BytesIO(sent.getvalue())) == ("now", [])


def test_a_block_stands_behind_its_length_in_eight_bytes() -> None:
    data = data_of((7,))
    assert int.from_bytes(data[:8], "big") == len(data) - 8


def test_a_message_that_is_cut_off_anywhere_is_an_end() -> None:
    data = data_of((7, np.zeros(2)))
    for length in range(len(data)):
        with pytest.raises(EOFError):
            read_message(io.BytesIO(data[:length]))


def test_what_cannot_be_data_is_neither_written_nor_read() -> None:
    objects = np.asarray([{}], object)
    with pytest.raises(ValueError, match="allow_pickle"):
        data_of((1, objects))
