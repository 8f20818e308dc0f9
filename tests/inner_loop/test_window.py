"""Windows of living agents: their gradient is that of differences, nothing leaks, and agents begin anew as their lives end."""

from pathlib import Path
from typing import Any

import climbing
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from climbing import Blind

from discover import Algorithm, Done, Space, UserError, free
from discover.inner_loop import window_programs
from discover.inner_loop.window_run import check_window, form_of_agents, run_window
from discover.outer_loop.pullback import Pullback
from discover.process import traced_programs
from discover.storage.array_file import tree_from_bytes, tree_to_bytes
from discover.testing.small import Affine

GENOME = np.array([[-0.4, 3.0, -4.0, 2.0]], np.float32)


def window(genomes: np.ndarray = GENOME, *, chunk: int = 2, ongoing: Any = None, updates: int = 3, **more: Any) -> Done:
    """The second or a later window where agents go on; the program is one for all of them."""
    return run_window(climbing.work(genomes, updates=updates, seeds=3, ongoing=ongoing, **more), chunk=chunk)


def climbed(done: Done) -> float:
    assert done.gradients is not None
    return float(done.gradients.info["objective"][0] + done.gradients.info["regularizer"][0])


def test_the_gradient_in_genome_coordinates_is_that_of_finite_differences() -> None:
    """At the second window, whose agents have learned already; their earlier lives are data."""
    space = Space(Algorithm(rule=Blind(rate=free(start=0.3), fraction=0.1), network=Affine()))
    first = window(space=space).lifetimes
    done = window(space=space, ongoing=first)
    assert done.gradients is not None
    gradient, error = Pullback(space, ())(GENOME, done.gradients)
    step, slopes = 0.2, []
    for unit in np.eye(4, dtype=np.float32):
        values = [climbed(window(GENOME + scale * step * unit, ongoing=first, space=space)) for scale in (-2, -1, 1, 2)]
        slopes.append((values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * step))
    assert np.abs(slopes).min() > 1e-4
    np.testing.assert_allclose(gradient[0], slopes, rtol=1e-3, atol=1e-3 * np.abs(slopes).max())
    assert np.isfinite(error).all()


@pytest.mark.slow
def test_the_first_update_of_a_window_has_no_gradient_in_the_rule() -> None:
    done = window(updates=1)
    assert done.gradients is not None
    assert abs(float(done.gradients.info["objective"][0])) > 1e-3
    assert all((leaf == 0.0).all() for leaf in done.gradients.batches)
    assert done.gradients.counts.tolist() == [[2.0, 1.0]]


@pytest.mark.slow
def test_the_gradient_is_the_mean_over_agents_whatever_the_tiles() -> None:
    tiled, alone = window(chunk=2).gradients, window(chunk=1).gradients
    assert tiled is not None
    assert alone is not None
    assert alone.counts.tolist() == [[1.0, 1.0, 1.0]]
    for pairs, single in zip(tiled.batches, alone.batches, strict=True):
        expected = np.stack([single[:, :2].mean(axis=1), single[:, 2]], axis=1)
        np.testing.assert_allclose(pairs, expected, rtol=1e-4, atol=1e-7)


def test_agents_live_on_and_begin_anew_one_by_one() -> None:
    agents: Any = None
    progress, updates = [], []
    for _ in range(5):
        done = window(ongoing=agents)
        agents = done.lifetimes
        progress.append(done.curves.info["progress"][0, :, 0])
        updates.append(done.curves.info["updates"][0, :, 0])
    # four windows are a life; the first ones end after 4, 3 and 2 of them
    np.testing.assert_allclose(progress, np.array([[0, 0, 0], [1, 1, 1], [2, 2, 0], [3, 0, 1], [0, 1, 2]]) / 4, atol=1e-6)
    np.testing.assert_array_equal(updates, 12 * np.array(progress))  # its own state begins anew too
    assert agents.births.tolist() == [[1, 1, 1]]
    assert agents.age.tolist() == [[3, 6, 9]]
    assert agents.end.tolist() == [[12, 12, 12]]
    keys = jax.random.key_data(agents.life.key)[0]
    assert len(np.unique(keys, axis=0)) == 3


def test_agents_that_were_saved_and_restored_go_on_to_the_same_bits() -> None:
    first = window().lifetimes
    restored = tree_from_bytes(tree_to_bytes(first), first, "the agents")[0]
    after, again = (
        tree_to_bytes((done.lifetimes, done.gradients)) for done in (window(ongoing=first), window(ongoing=restored))
    )
    assert after == again


@pytest.mark.slow
@pytest.mark.parametrize("recompute", [False, True])
def test_a_program_that_was_kept_on_the_disk_gives_the_same_bits(
    recompute: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bits() -> bytes:
        monkeypatch.setattr(window_programs, "_kept", type(window_programs._kept)())
        piece = climbing.work(GENOME, updates=3, seeds=3)
        assert piece.window is not None
        done = run_window(piece._replace(window=piece.window._replace(recompute=recompute)), chunk=2)
        return tree_to_bytes((done.lifetimes, done.gradients))

    monkeypatch.setattr(traced_programs, "loaded_sources", dict)
    monkeypatch.setattr(traced_programs, "_packages", {"discover", "discover_zoo", "climbing"})
    monkeypatch.setattr(traced_programs, "place", lambda: None)
    traced_here = bits()
    monkeypatch.setattr(traced_programs, "place", lambda: tmp_path)
    kept = bits()
    assert len(list(tmp_path.glob("[!.]*"))) == 2, "the program, and the list of its sources"
    monkeypatch.setattr(window_programs, "run_tile", None)
    assert traced_here == kept == bits()


def test_members_have_the_same_agents_and_gradients_of_their_own() -> None:
    both = window(np.concatenate([GENOME, GENOME + 1.0])).gradients
    one, other = window(GENOME).gradients, window(GENOME + 1.0).gradients
    assert both is not None
    assert one is not None
    assert other is not None
    for two, first, second in zip(both.batches, one.batches, other.batches, strict=True):
        np.testing.assert_array_equal(two, np.concatenate([first, second]))


@pytest.mark.slow
def test_an_agent_that_broke_is_left_out_and_begins_anew() -> None:
    agents = window(chunk=1, windows=8).lifetimes
    broken = jax.tree.map(lambda leaf: leaf.at[0, 1].set(jnp.nan), agents.life.params)
    done = window(chunk=1, windows=8, ongoing=agents._replace(life=agents.life._replace(params=broken)))
    assert done.gradients is not None
    assert done.gradients.counts.tolist() == [[1.0, 0.0, 1.0]]
    assert all(np.isfinite(leaf).all() for leaf in done.gradients.batches)
    assert done.curves.finite.all()
    done = window(chunk=1, windows=8, ongoing=done.lifetimes)
    assert done.gradients is not None
    assert done.gradients.counts.tolist() == [[1.0, 1.0, 1.0]]
    assert done.lifetimes.births.tolist() == [[0, 1, 0]]


def test_the_form_of_agents_is_known_before_they_live() -> None:
    form = form_of_agents(climbing.work(GENOME, updates=3, seeds=3))
    after = window().lifetimes
    assert jax.tree.structure(form) == jax.tree.structure(after)
    assert [(x.shape, x.dtype) for x in jax.tree.leaves(form)] == [(x.shape, x.dtype) for x in jax.tree.leaves(after)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"loops": True}, "Blind cannot be differentiated .*: choose another rule"),
        ({"alone": True}, "Blind collects by itself"),
    ],
)
def test_what_has_no_gradient_is_told_at_once(change: dict[str, bool], why: str) -> None:
    space = Space(Algorithm(rule=Blind(rate=free(), **change), network=Affine()))
    with pytest.raises(UserError, match=why):
        check_window(climbing.work(GENOME, updates=3, seeds=2, space=space))
