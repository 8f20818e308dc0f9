"""Records that only grow: whole or ignored, and never more than the limit."""

from pathlib import Path

import pytest

from discover.storage.record_file import RecordFile


def records(path: Path, most: int = 2**20) -> list[bytes]:
    return [data for _, data in RecordFile(path, most=most).all()]


def test_records_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = RecordFile(tmp_path / "it", most=2**20)
    places = [file.append(data) for data in (b"one", b"", b"x" * 1000)]
    assert [file.read(place) for place in places] == [b"one", b"", b"x" * 1000]
    again = RecordFile(tmp_path / "it", most=2**20)
    assert list(again.all()) == list(zip(places, [b"one", b"", b"x" * 1000], strict=True))
    assert again.read(again.append(b"more")) == b"more"
    assert records(tmp_path / "it") == [b"one", b"", b"x" * 1000, b"more"]


@pytest.mark.parametrize("cut", range(1, 16))
def test_a_torn_last_record_is_ignored_and_its_place_taken(tmp_path: Path, cut: int) -> None:
    file = RecordFile(tmp_path / "it", most=2**20)
    for data in (b"one", b"two"):
        file.append(data)
    whole = (tmp_path / "it").read_bytes()
    (tmp_path / "it").write_bytes(whole[:-cut])
    torn = RecordFile(tmp_path / "it", most=2**20)
    assert [data for _, data in torn.all()] == [b"one"]
    torn.append(b"new")
    assert records(tmp_path / "it") == [b"one", b"new"]


def test_bytes_that_are_no_records_are_ignored(tmp_path: Path) -> None:
    for junk in (b"\xff" * 40, b"no record at all", b"\x00" * 11):
        (tmp_path / "it").write_bytes(junk)
        assert records(tmp_path / "it") == []
        RecordFile(tmp_path / "it", most=2**20).append(b"one")
        assert records(tmp_path / "it") == [b"one"]
    assert records(tmp_path / "missing") == []


def test_a_file_never_holds_more_than_its_limit_and_always_the_latest_half(tmp_path: Path) -> None:
    file, places = RecordFile(tmp_path / "it", most=400), []
    for number in range(50):
        places.append(file.append(bytes([number]) * 40))
        sizes = [path.stat().st_size for path in tmp_path.iterdir()]
        assert sum(sizes) <= 400
        latest = places[-3:]
        assert [file.read(place) for place in latest] == [bytes([n]) * 40 for n in range(max(0, number - 2), number + 1)]
    assert file.read(places[0]) is None
    assert records(tmp_path / "it", most=400)[-3:] == [bytes([n]) * 40 for n in (47, 48, 49)]
    file.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = RecordFile(tmp_path / "it", most=2**20)
    place = file.append(b"one")
    with monkeypatch.context() as patched:
        patched.setattr("builtins.open", _full)
        with pytest.raises(OSError, match="No space left"):
            file.append(b"two")
    assert file.read(place) == b"one"
    file.append(b"three")
    assert records(tmp_path / "it") == [b"one", b"three"]


def _full(path: Path, mode: str) -> None:
    """A disk that takes half of a record, and no more."""
    with path.open(mode) as file:
        file.write(b"half of it")
    raise OSError(28, "No space left on device")
