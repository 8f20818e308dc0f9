"""Candidates on disk: exact, whole or refused, and nothing in them is ever executed."""

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import toys
from toys import Blank, Climb, Learned

from discover import Algorithm, Registry, UserError, component, free
from discover.config.candidate_file import fingerprint, load_candidate, load_notes, save_candidate

WEIGHTS = toys._start(Learned(), jax.random.key(0))


@component
class Taught(Climb):
    """A rule with weights, inside a return function."""

    returns: Learned


@pytest.fixture(scope="module")
def registry() -> Registry:
    made = Registry()
    toys.discover_register(made)
    made.add("taught", Taught)
    return made


@pytest.fixture
def candidate() -> Algorithm:
    return Algorithm(rule=Taught(slope=0.1, returns=Learned(drift=WEIGHTS)), network=Blank())


@pytest.fixture
def saved(tmp_path: Path, candidate: Algorithm, registry: Registry) -> Path:
    return save_candidate(tmp_path / "it.candidate", candidate, registry, {"fitness": 0.5})


def bits(candidate: Algorithm) -> tuple[Any, list[bytes]]:
    return jax.tree.structure(candidate), [np.asarray(x).tobytes() for x in jax.tree.leaves(candidate)]


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The file with its members changed, as somebody would who knows the format of zip files."""
    inside = members(path)
    change(inside)
    with zipfile.ZipFile(path, "w") as file:
        for name, data in inside.items():
            file.writestr(name, data)
    return path


def retold(path: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The file with its JSON changed."""

    def edit(inside: dict[str, bytes]) -> None:
        stored = json.loads(inside["candidate.json"])
        change(stored)
        inside["candidate.json"] = json.dumps(stored).encode()

    return rewritten(path, edit)


def refusal(path: Path, registry: Registry) -> str:
    with pytest.raises(UserError) as caught:
        load_candidate(path, registry)
    told = str(caught.value)
    assert told.startswith(f"candidate file '{path}'")
    assert "\n" not in told
    return told


# There and back -------------------------------------------------------------------------------------------------------


def test_a_candidate_comes_back_to_the_bit_with_its_weights(saved: Path, candidate: Algorithm, registry: Registry) -> None:
    assert bits(load_candidate(saved, registry)) == bits(candidate)
    assert load_notes(saved) == {"fitness": 0.5}


def test_saving_twice_gives_the_same_candidate_and_leaves_nothing_beside_it(
    saved: Path, candidate: Algorithm, registry: Registry
) -> None:
    first = members(saved)
    save_candidate(saved, candidate, registry, {"fitness": 0.5})
    assert members(saved) == first
    assert os.listdir(saved.parent) == [saved.name]


def test_an_open_or_illegal_candidate_is_not_saved(tmp_path: Path, candidate: Algorithm, registry: Registry) -> None:
    for rule, told in ((Climb(slope=free()), "rule.slope of Climb is open"), (Climb(noise=2), "rule.noise of Climb must lie")):
        with pytest.raises(UserError, match=told):
            save_candidate(tmp_path / "it", Algorithm(rule=rule, network=Blank()), registry)
    assert not list(tmp_path.iterdir())


def test_a_component_that_no_plugin_brings_is_named(tmp_path: Path, saved: Path, candidate: Algorithm) -> None:
    stranger = Registry()
    toys.discover_register(stranger)
    with pytest.raises(UserError, match=r"^component 'Taught' is not registered: add it in a plugin's discover_register"):
        save_candidate(tmp_path / "other", candidate, stranger)
    assert "no update rule is called 'taught'" in refusal(saved, stranger)


def test_notes_must_be_json(tmp_path: Path, registry: Registry) -> None:
    sound = Algorithm(rule=Climb(), network=Blank())
    with pytest.raises(UserError, match=r"^the notes of a candidate must be JSON \(.*\): leave out what is not\.$"):
        save_candidate(tmp_path / "it", sound, registry, {"when": object()})


# Damage ---------------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_told(tmp_path: Path, registry: Registry) -> None:
    assert refusal(tmp_path / "no", registry).endswith("does not exist: check the path.")


def test_a_file_cut_short_anywhere_is_refused(saved: Path, registry: Registry) -> None:
    whole = saved.read_bytes()
    for length in (0, 1, 3, 30, len(whole) // 3, len(whole) // 2, len(whole) - 30, len(whole) - 1):
        saved.write_bytes(whole[:length])
        assert "is damaged or cut short" in refusal(saved, registry)


def test_an_altered_byte_is_told_or_does_not_matter(saved: Path, candidate: Algorithm, registry: Registry) -> None:
    """Every second byte of the file in turn: nothing but the true candidate or a refusal may come of it."""
    whole, good, refused = saved.read_bytes(), bits(candidate), 0
    for place in range(0, len(whole), 2):
        saved.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert bits(load_candidate(saved, registry)) == good
        except UserError:
            refused += 1
    assert refused > 0.4 * len(whole)


def test_swapped_arrays_are_told(saved: Path, registry: Registry) -> None:
    def swap(inside: dict[str, bytes]) -> None:
        (one, other) = [name for name in inside if "kernel" in name or name.endswith("1.0.npy")]
        inside[one], inside[other] = inside[other], inside[one]

    assert "has been altered (its fingerprint does not match)" in refusal(rewritten(saved, swap), registry)


def test_altered_numbers_and_foreign_arrays_are_told(saved: Path, registry: Registry) -> None:
    whole = saved.read_bytes()
    retold(saved, lambda stored: stored["candidate"]["rule"]["taught"].update(slope=0.2))
    assert "has been altered" in refusal(saved, registry)
    saved.write_bytes(whole)
    rewritten(saved, lambda inside: inside.update({"arrays/more.npy": next(v for k, v in inside.items() if ".npy" in k)}))
    assert "has been altered" in refusal(saved, registry)


@pytest.mark.parametrize("found", [2, None, "1", [1]])
def test_another_format_is_told(saved: Path, registry: Registry, found: Any) -> None:
    told = refusal(retold(saved, lambda stored: stored.update(format=found)), registry)
    assert told.endswith(f"has format {found!r}; this version reads 1: update discover-rl.")


def test_a_file_that_is_no_candidate_is_told(saved: Path, registry: Registry) -> None:
    for text in (b"[]", b"{}", b'{"format": 1}', b"\xff", b"[" * 100_000):
        rewritten(saved, lambda inside, text=text: inside.update({"candidate.json": text}))
        told = refusal(saved, registry)
        assert any(words in told for words in ("is damaged or cut short", "has format None", "has been altered"))


def forged(path: Path, words: Any, arrays: dict[str, np.ndarray]) -> Path:
    """A file whose fingerprint is right, whatever it holds."""
    text = {"format": 1, "candidate": words, "fingerprint": fingerprint(words, arrays), "notes": {}}
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("candidate.json", json.dumps(text))
        for name, array in arrays.items():
            with file.open(name, "w") as member:
                np.save(member, array)
    return path


def test_a_forged_file_is_checked_like_any_other_words(tmp_path: Path, registry: Registry) -> None:
    def words(**rule: Any) -> Any:
        return {"rule": {"toy_climb": rule}, "network": "toy_blank"}

    path = tmp_path / "it"
    assert "slope must lie in [-10, 10]; got 99" in refusal(forged(path, words(slope=99), {}), registry)
    assert "is open (free())" in refusal(forged(path, words(slope="free"), {}), registry)
    assert "names an array 'gone' that it does not hold" in refusal(forged(path, words(slope={"$array": "gone"}), {}), registry)
    assert "names an array ['a'] that it does not hold" in refusal(forged(path, words(slope={"$array": ["a"]}), {}), registry)
    assert "must be the name of a recipe or a mapping" in refusal(forged(path, [1], {}), registry)
    text = {"a.npy": np.array("text")}
    assert "an array holds <U4, which is no number" in refusal(forged(path, words(slope={"$array": "a.npy"}), text), registry)


# Nothing is executed --------------------------------------------------------------------------------------------------


class Bomb:
    """Leaves a mark wherever it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_a_pickle_inside_is_refused_and_never_run(saved: Path, registry: Registry, tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb(mark)], dtype=object), allow_pickle=True)
    buffer.seek(0)
    np.load(buffer, allow_pickle=True)
    assert mark.exists(), "the bomb itself must work, or this test shows nothing"
    mark.unlink()

    def plant(inside: dict[str, bytes]) -> None:
        name = next(name for name in inside if name.endswith(".npy"))
        inside[name] = buffer.getvalue()

    assert "an array holds object, which is no number" in refusal(rewritten(saved, plant), registry)
    saved.write_bytes(pickle.dumps(Bomb(mark)))
    refusal(saved, registry)
    assert not mark.exists()


def test_what_could_not_be_read_again_is_not_written(
    tmp_path: Path, candidate: Algorithm, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("discover.config.candidate_file.MOST_BYTES", 16)
    with pytest.raises(UserError, match=r"^a candidate of \d+ arrays and \d+ bytes could not be read again: 5,000 arrays"):
        save_candidate(tmp_path / "it", candidate, registry)
    assert not list(tmp_path.iterdir())
