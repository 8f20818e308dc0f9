"""Functions that are traced once for all processes: the same bits, and traced in each process wherever that is not sure."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from toys import Blank, Climb, Payday

from discover import Algorithm, UserError, fresh_work, run_population
from discover.base.randomness import unrolled
from discover.inner_loop import programs, traced
from discover.inner_loop.traced import Function, Traced
from discover.process import forgetting, traced_programs
from discover.testing.compilations import Compilations, counted_compilations

MESH = Mesh(np.asarray(jax.devices()), ("lifetimes",))
EACH, SAME = (NamedSharding(MESH, spec) for spec in (PartitionSpec("lifetimes"), PartitionSpec()))
SCALE = np.float32(0.5)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of traced programs, in which those of the toys are kept too."""
    monkeypatch.setattr(traced_programs, "place", lambda: tmp_path)
    monkeypatch.setattr(traced_programs, "_packages", {"discover", "toys"})
    monkeypatch.setattr(traced_programs, "loaded_sources", dict)
    yield tmp_path
    traced._compiled.clear()


class TracedError(Exception):
    """Something was traced."""


def never(*trees: object) -> Any:
    raise TracedError


def step(scale: Any, tile: dict[str, jax.Array], count: Any) -> dict[str, jax.Array]:
    """A tile of a number and a random key each, after a draw."""
    keys = unrolled(tile["key"])
    return {"key": keys, "sum": tile["sum"] + scale * count * (jax.vmap(jax.random.bits)(keys) % 8)}


def process(function: Callable[..., Any] = step, name: str = "step") -> Traced:
    """The function, in a process that has not called it yet."""
    traced._compiled.clear()
    sharded = jax.shard_map(
        function, mesh=MESH, in_specs=(SAME.spec, EACH.spec, SAME.spec), out_specs=EACH.spec, check_vma=False
    )
    return Traced(Function(name, sharded, (SAME, EACH, SAME), EACH, {}, given_away=(1,)))


def tile() -> dict[str, jax.Array]:
    made = {"key": jax.random.split(jax.random.key(3), 4), "sum": jnp.arange(4.0)}
    return jax.device_put(made, EACH)


def bits(tree: dict[str, jax.Array]) -> list[bytes]:
    return [np.asarray(x).tobytes() for x in (jax.random.key_data(tree["key"]), tree["sum"])]


def test_a_later_process_does_not_trace_and_has_the_same_bits(folder: Path) -> None:
    first = process()(SCALE, tile(), 3)
    given = tile()
    later = process(never)(SCALE, given, 3)
    plain = jax.jit(step)(SCALE, tile(), 3)
    assert bits(first) == bits(later) == bits(plain)
    assert later["key"].dtype == plain["key"].dtype, "the generator of a lifetime"
    assert later["sum"].sharding.is_equivalent_to(EACH, 1)
    assert given["sum"].is_deleted(), "the tile is given away"


@pytest.mark.parametrize("kept", [True, False], ids=["on the disk", "in this process"])
def test_a_program_outlives_the_caches_of_jax(folder: Path, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    if not kept:
        monkeypatch.setattr(traced_programs, "place", lambda: None)
    monkeypatch.setattr(forgetting, "_forgotten", 0)
    one, traces = process(), cast(Any, jax.jit(lambda x: x + 1))
    first = bits(one(SCALE, tile(), 3))
    traces(1.0)
    before = traces._cache_size()
    forgetting.forget(forgetting.EVERY - 1)
    assert traces._cache_size() == before == 1, "a few are not worth it"
    forgetting.forget(1)
    assert traces._cache_size() == 0
    again = tile()
    with counted_compilations() as count:
        after = one(SCALE, again, 3)
    assert count.compiled == 0, count.programs
    assert bits(after) == first


@pytest.mark.parametrize(
    ("name", "scale", "count"),
    [("other", SCALE, 3), ("step", np.float64(0.5).astype(np.float16), 3), ("step", (SCALE,), 3), ("step", SCALE, np.int32(3))],
)
def test_another_function_type_structure_or_weak_number_is_another_program(
    folder: Path, name: str, scale: Any, count: Any
) -> None:
    process()(SCALE, tile(), 3)
    with pytest.raises(TracedError):
        process(never, name)(scale, tile(), count)


def spoilt(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def not_a_program(path: Path) -> None:
    """Sound as a file, but nothing that JAX can read."""
    traced_programs.write(path.parent, path.name, {"structure": 0, "keys": [""]}, b"nothing")


@pytest.mark.parametrize("spoil", [spoilt, not_a_program])
def test_what_cannot_be_read_is_traced_and_kept_again(folder: Path, spoil: Callable[[Path], None]) -> None:
    expected = bits(process()(SCALE, tile(), 3))
    (path,) = (each for each in folder.iterdir() if not each.suffix)
    spoil(path)
    assert bits(process()(SCALE, tile(), 3)) == expected
    assert bits(process(never)(SCALE, tile(), 3)) == expected


def of_component(scale: Any, tile: dict[str, jax.Array], count: Any) -> dict[str, jax.Array]:
    return step(scale.rule.slope, tile, count)


def test_a_component_of_this_process_alone_is_traced_in_each(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    candidate = Algorithm(rule=Climb(slope=0.5), network=Blank())
    process(of_component)(candidate, tile(), 3)
    process(never)(candidate, tile(), 3)
    monkeypatch.setattr(traced_programs, "_packages", {"discover"})
    with pytest.raises(TracedError):
        process(never)(candidate, tile(), 3)


@jax.tree_util.register_pytree_node_class
class Opaque:
    """A number and a function, which has no words."""

    def tree_flatten(self) -> tuple[tuple[np.float32], Any]:
        return (SCALE,), never

    @classmethod
    def tree_unflatten(cls, function: object, children: object) -> "Opaque":
        return cls()


def called_back(scale: Any, tile: dict[str, jax.Array], count: Any) -> dict[str, jax.Array]:
    jax.debug.callback(lambda x: None, tile["sum"])
    return step(scale, tile, count)


@pytest.mark.parametrize(
    ("function", "scale"),
    [(lambda scale, *rest: step(SCALE, *rest), Opaque()), (called_back, SCALE)],
    ids=["no words", "callback"],
)
def test_what_cannot_be_written_down_is_traced_in_each_process(folder: Path, function: Any, scale: Any) -> None:
    assert bits(process(function)(scale, tile(), 3)) == bits(jax.jit(step)(SCALE, tile(), 3))
    assert not list(folder.iterdir())


def mistaken(*trees: object) -> Any:
    raise UserError("a minibatch does not divide.")


def test_a_mistake_is_raised_as_it_is(folder: Path) -> None:
    with pytest.raises(UserError, match="minibatch does not divide"):
        process(mistaken)(SCALE, tile(), 3)
    assert not list(folder.iterdir())


def test_structures_with_one_program_compile_it_once(
    folder: Path, compilations: Callable[[], AbstractContextManager[Compilations]]
) -> None:
    def of_member(member: Any, tile: dict[str, jax.Array], count: Any) -> dict[str, jax.Array]:
        return step(jax.tree.leaves(member)[0], tile, count)

    calls = (process(of_member), {"a": SCALE}, tile()), (process(of_member), {"b": SCALE}, tile())
    with compilations() as count:
        first, second = [call(member, given, 3) for call, member, given in calls]  # one line, which the programs name
    assert count.programs["_step"] == 1
    assert bits(first) == bits(second)


@pytest.mark.slow
def test_lifetimes_have_the_same_bits_with_and_without(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def curves() -> list[bytes]:
        monkeypatch.setattr(programs, "_kept", type(programs._kept)())
        many = jax.tree.map(lambda x: np.stack([x, x]), Algorithm(rule=Climb(noise=0.5), network=Blank()))
        work = fresh_work(Payday(length=7, spread=1.0, drawn="episode"), many, jax.random.split(jax.random.key(1), 2), 96)
        return [np.asarray(x).tobytes() for x in jax.tree.leaves(run_population(work, chunk=2).curves)]

    first = curves()
    assert len(list(folder.glob("[!.]*"))) >= 3, "begin, advance and finish are kept"
    monkeypatch.setattr(programs.lifetime, "begin", never)
    monkeypatch.setattr(programs.lifetime, "advance", never)
    later = curves()
    monkeypatch.undo()
    monkeypatch.setattr(traced_programs, "place", lambda: None)
    assert first == later == curves()
