"""Options within one program: lifetimes side by side have one option, and none changes the bits of another."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import toys
from toys import Blank, Payday

from discover import Algorithm, Integer, component, fresh_work, option_index, replace, run_population
from discover.inner_loop.options import in_order, kept_apart, mapped, of_tile

FAMILY, KEYS = Payday(length=7, spread=1.0, drawn="episode"), jax.random.split(jax.random.key(11), 3)


@component
class Either(toys.Climb):
    """Climbs by its slope, or twice as fast."""

    option: Integer = option_index(count=lambda self: 2, apart=True)

    def update(self, *given: Any, **more: Any) -> Any:
        factor = jax.lax.switch(self.option, [lambda: jnp.float32(1.0), lambda: jnp.float32(2.0)])
        return toys.Climb(slope=factor * self.slope, noise=self.noise, limit=self.limit).update(*given, **more)


def population(*options: int) -> Algorithm:
    one = Algorithm(rule=Either(slope=0.25, noise=0.5), network=Blank())
    many = jax.tree.map(lambda x: jnp.broadcast_to(x, (len(options), *np.shape(x))), one)
    return replace(many, {"rule.option": jnp.asarray(options, jnp.int32)})


def test_of_all_numbers_the_index_alone_is_shared() -> None:
    assert kept_apart(population(0)) == [False, False, False, True]


def test_a_chunk_is_of_one_option_and_the_last_one_is_filled_up() -> None:
    order = in_order(population(0, 1, 0, 1, 1), seeds=3, chunk=4)
    options = np.asarray([0, 1, 0, 1, 1])[order // 3].reshape(-1, 4)
    assert options.tolist() == [[0] * 4, [0] * 4, [1] * 4, [1] * 4, [1] * 4]
    assert sorted(set(order.tolist())) == list(range(15))
    tile = of_tile(population(0, 1, 0, 1, 1), order[4:12], seeds=3, chunk=4)
    assert tile.rule.option.tolist() == [0, 1]
    assert tile.rule.slope.shape == (8,)


def test_a_switch_by_a_shared_index_stays_a_switch() -> None:
    """Mapped over an index that differs, it becomes a selection among all options."""

    def one(member: Any, x: jax.Array) -> jax.Array:
        return jax.lax.switch(member.rule.option, [jnp.sin, jnp.cos], x)

    members, x = population(1, 1), jnp.arange(2.0)
    shared = of_tile(members, np.arange(2), seeds=1, chunk=2)
    np.testing.assert_array_equal(mapped(one)(shared, x), jnp.cos(x))
    assert "cond[" in str(jax.make_jaxpr(mapped(one))(shared, x))
    assert "cond[" not in str(jax.make_jaxpr(jax.vmap(one))(members, x))


def test_a_lifetime_has_its_own_bits_in_any_company() -> None:
    def curves(*options: int) -> tuple[Any, Any]:
        done = run_population(fresh_work(FAMILY, population(*options), KEYS, 96)._replace(keep=True), chunk=2)
        return done.curves.info["level"], done.lifetimes.params["policy"]

    level, params = curves(0, 1, 0, 1, 1)
    assert params.shape == (5, 3, 1)
    np.testing.assert_allclose(params[..., 0], np.asarray([3.0, 6.0, 3.0, 6.0, 6.0])[:, None] * np.ones(3))
    assert level[1].tobytes() == level[3].tobytes() == curves(1)[0][0].tobytes()
    assert level[0].tobytes() == level[2].tobytes() == curves(1, 0)[0][1].tobytes()
