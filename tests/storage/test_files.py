"""A file is read up to a limit, and what is beyond it is told."""

from pathlib import Path

import pytest

from discover.base.errors import UserError
from discover.storage.files import bytes_of


def test_a_file_may_hold_as_much_as_the_limit_and_not_a_byte_more(tmp_path: Path) -> None:
    path = tmp_path / "data"
    path.write_bytes(b"1234")
    assert bytes_of(path, "file", 4) == b"1234"
    with pytest.raises(UserError, match=r"^file '.*/data' holds more than 3 bytes: is it the right file\?$"):
        bytes_of(path, "file", 3)
