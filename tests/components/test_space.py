"""Spaces: genomes of any size decode to legal candidates, candidates to genomes and back, populations to groups."""

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from discover import (
    Component,
    Integer,
    Scalar,
    Space,
    UserError,
    Weights,
    choice,
    component,
    free,
    integer,
    option_index,
    real,
    weights,
)
from discover.components.paths import check


class Part(Component):
    kind: ClassVar[str] = "part"


@component
class Lever(Part):
    slope: Scalar = real(0.25, low=-1.0, high=1.0)
    rate: Scalar = real(0.01, low=1e-5, high=1.0, scale="log")


@component
class Wheel(Part):
    teeth: Integer = integer(7, low=3, high=40)
    discount: Scalar = real(0.99, low=0.8, high=0.9999, scale="log1m")


@component
class Net(Part):
    width: int = 3
    w: Weights = weights(init=lambda self, key: {"w": jax.random.normal(key, (2, self.width)), "b": jnp.zeros(self.width)})


@component
class Pair(Part):
    parts: tuple[Part, ...]
    index: Integer = option_index(1, count=lambda self: len(self.parts))


@component
class Machine(Component):
    part: Part
    spare: Part | None = None
    mode: Literal["slow", "fast"] = "slow"
    gain: Scalar = real(2.0, low=0.0, high=10.0)


def inner() -> Any:
    return choice(Lever(slope=free(), rate=free()), Wheel(teeth=free(), discount=free(low=0.9)))


def rich() -> Machine:
    """Choices of static values, of nothing, between options of one type, inside tuples, and nested in each other."""
    return Machine(
        part=choice(inner(), Net(), Net(width=5), Pair(parts=(inner(), Lever(slope=free())), index=free())),
        spare=choice(None, Wheel(teeth=free(start=11))),
        mode=choice("slow", "fast"),
        gain=free(),
    )


SPACE = Space(rich())
KEYS = jax.random.split(jax.random.key(1), 60)
PRIOR = np.asarray(jax.jit(jax.vmap(SPACE.sample))(KEYS))
MUTATE = jax.jit(jax.vmap(SPACE.mutate, in_axes=(0, 0, None)))


def leaves(tree: Component) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def same(one: Component, other: Component, rtol: float = 0.0) -> bool:
    """Whether two candidates are of one structure and their numbers agree."""
    return jax.tree.structure(one) == jax.tree.structure(other) and all(
        np.allclose(a, b, rtol=rtol, atol=1e-6 * bool(rtol)) for a, b in zip(leaves(one), leaves(other), strict=True)
    )


def test_structures_are_counted() -> None:
    assert SPACE.structures == (2 + 1 + 1 + 2) * 2 * 2
    assert len({SPACE.structure(genome) for genome in PRIOR}) > SPACE.structures / 2


@pytest.mark.parametrize("size", [1.0, 1e4, 1e30])
def test_any_genome_decodes_to_a_legal_candidate(size: float) -> None:
    for group in SPACE.groups(size * np.asarray(jax.random.normal(jax.random.key(0), (60, SPACE.dimension)))):
        for row in range(len(group.members)):
            check(jax.tree.map(lambda x, r=row: x[r], group.candidates))


def test_a_candidate_survives_encoding() -> None:
    for genome in PRIOR:
        candidate = SPACE.decode(genome)
        again = SPACE.decode(SPACE.encode(candidate))
        assert same(candidate, again, rtol=1e-4)


def test_the_start_is_what_the_components_declare() -> None:
    start = SPACE.decode(SPACE.start(jax.random.key(0)))
    assert same(start, Machine(part=Lever(), spare=None), rtol=1e-5)


def test_the_start_of_each_option_is_what_it_declares() -> None:
    start = np.array(SPACE.start(jax.random.key(0)))
    genes = {gene.path: gene for gene in SPACE.genes}

    def take(path: str, option: int) -> None:
        start[genes[path].start + option] += 1.0

    take("part", 3)
    take("spare", 1)
    pair = Pair(parts=(Lever(), Lever()), index=1)
    assert same(SPACE.decode(start), Machine(part=pair, spare=Wheel(teeth=11)), rtol=1e-5)


def test_a_start_outside_a_narrowed_range_moves_to_its_end() -> None:
    space = Space(Lever(slope=free(low=0.5), rate=free()))
    assert float(space.decode(space.start(jax.random.key(0))).slope) == pytest.approx(0.5, abs=1e-5)


def test_weights_start_from_their_own_prior() -> None:
    space = Space(Net())
    start = space.decode(space.start(jax.random.key(3)))
    assert start.w["w"].shape == (2, 3)
    assert 0.1 < float(jnp.std(start.w["w"])) < 3.0
    assert not np.any(np.asarray(start.w["b"]))


def test_every_member_of_a_population_is_in_exactly_one_group() -> None:
    groups = SPACE.groups(PRIOR)
    members = np.concatenate([group.members for group in groups])
    assert sorted(members) == list(range(len(PRIOR)))
    assert len({group.structure for group in groups}) == len(groups) > 5
    for group in groups:
        assert {SPACE.structure(PRIOR[member]) for member in group.members} == {group.structure}
        assert {len(leaf) for leaf in leaves(group.candidates)} == {len(group.members)}


def test_a_group_holds_what_its_members_decode_to_alone() -> None:
    for group in SPACE.groups(PRIOR):
        for row, member in enumerate(group.members):
            assert same(jax.tree.map(lambda x, r=row: x[r], group.candidates), SPACE.decode(PRIOR[member]), rtol=1e-5)


def test_groups_of_any_size_share_one_compiled_program(compilations: Any) -> None:
    space = Space(Machine(part=inner()))
    genomes = np.asarray(jax.vmap(space.sample)(KEYS[:8]))
    one, other = (next(g for g in genomes if space.structure(g)[0][1] == option) for option in (0, 1))
    space.groups(np.stack([one] * 4 + [other] * 4))
    with compilations() as count:
        space.groups(np.stack([one] * 1 + [other] * 7))
        space.groups(np.stack([one] * 3))
        space.groups(np.stack([one] * 65))
    assert count.compiled == 0


def test_no_bit_of_a_member_depends_on_who_else_is_decoded() -> None:
    space = Space(Lever(slope=free(), rate=free()))
    genomes = np.asarray(jax.vmap(space.sample)(jax.random.split(jax.random.key(3), 67)))
    (together,) = space.groups(genomes)
    for size in (1, 2, 3, 7, 13):
        (group,) = space.groups(genomes[-size:])
        np.testing.assert_array_equal(group.candidates.rate, together.candidates.rate[-size:])
        np.testing.assert_array_equal(group.candidates.slope, together.candidates.slope[-size:])


def test_spaces_of_the_same_values_are_equal_and_share_their_program(compilations: Any) -> None:
    def space(**changes: float) -> Space:
        return Space(Lever(slope=free(std=0.123, **changes), rate=free()))

    assert space() == space()
    assert hash(space()) == hash(space())
    assert space() != space(low=0.0)
    genomes = np.zeros((3, 2), np.float32)
    space().groups(genomes)
    with compilations() as count:
        space().groups(genomes)
    assert count.compiled == 0


def test_the_slope_of_a_decoded_candidate_is_finite() -> None:
    space = Space(Machine(part=Lever(slope=free(), rate=free()), spare=Wheel(discount=free()), gain=free()))
    total = jax.jit(jax.vmap(jax.grad(lambda genome: sum(jnp.sum(leaf) for leaf in jax.tree.leaves(space.decode(genome, ()))))))
    genomes = jnp.asarray([0.0, 1.0, -1.0, 1e4, -1e4])[:, None] * jnp.ones((5, space.dimension))
    assert bool(jnp.all(jnp.isfinite(total(genomes))))
    assert bool(jnp.all(total(genomes)[0] != 0.0))


# Operators ------------------------------------------------------------------------------------------------------------


def test_only_what_stands_below_options_taken_has_effect() -> None:
    for genome in PRIOR[:20]:
        candidate, active = SPACE.decode(genome), np.asarray(SPACE.active(jnp.asarray(genome)))
        for index, gene in enumerate(SPACE.genes):
            changed = genome.copy()
            stretch = slice(gene.start, gene.start + gene.size)
            changed[stretch] = (
                np.roll(genome[stretch], 1) if gene.decides or gene.path.endswith("index") else genome[stretch] + 3.0
            )
            if not active[index]:
                assert same(candidate, SPACE.decode(changed))
            elif gene.path in ("gain", "mode", "spare"):
                assert not same(candidate, SPACE.decode(changed))


def changed_genes(genome: np.ndarray, mutant: np.ndarray) -> list[str]:
    return [gene.path for gene in SPACE.genes if np.any((genome != mutant)[gene.start : gene.start + gene.size])]


def test_a_mutation_always_changes_one_value_that_has_effect() -> None:
    changed = set[str]()
    for genome, mutant in zip(PRIOR, np.asarray(MUTATE(KEYS, PRIOR, 0.0)), strict=True):
        genes = changed_genes(genome, mutant)
        assert len(genes) == 1
        assert not same(SPACE.decode(genome), SPACE.decode(mutant))
        changed.update(genes)
    assert len(changed) > 5


def test_the_rate_is_how_often_each_further_value_mutates() -> None:
    mutants, genes = np.asarray(MUTATE(KEYS, PRIOR, 0.3)), len(SPACE.genes)
    share = np.mean([len(changed_genes(genome, mutant)) / genes for genome, mutant in zip(PRIOR, mutants, strict=True)])
    expected = 0.3 + 0.7 / genes
    assert abs(share - expected) < 5 * np.sqrt(expected * (1 - expected) / (len(KEYS) * genes))


def test_members_of_one_structure_take_the_same_options() -> None:
    options = np.asarray(jax.jit(jax.vmap(SPACE.active_options))(jnp.asarray(PRIOR)))
    for group in SPACE.groups(PRIOR):
        assert len(np.unique(options[group.members], axis=0)) == 1
    assert len(np.unique(options, axis=0)) == len(SPACE.groups(PRIOR))


def test_a_child_takes_numbers_from_the_parent_in_which_they_have_effect() -> None:
    space = Space(Machine(part=inner()))
    genes = {gene.path: gene.start for gene in space.genes}
    lever, wheel = np.zeros(space.dimension, np.float32), np.zeros(space.dimension, np.float32)
    lever[genes["part"]], wheel[genes["part"] + 1] = 1.0, 1.0
    lever[genes["part.0.slope"]], wheel[genes["part.1.teeth"]] = 1.5, -1.5
    children = np.asarray(jax.vmap(lambda k: space.crossover(k, jnp.asarray(lever), jnp.asarray(wheel)))(KEYS))
    assert {space.structure(child) for child in children} == {space.structure(lever), space.structure(wheel)}
    assert np.all(children[:, genes["part.0.slope"]] == 1.5)
    assert np.all(children[:, genes["part.1.teeth"]] == -1.5)


# Mistakes -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (
            lambda: Machine(part=Lever()),
            "the space has no open value: write 'free' for a number, or {choice: [...]} for a component.",
        ),
        (
            lambda: Machine(part=Lever(), mode=free()),
            "mode is structure, not a number: leave it open with choice(...), not with free().",
        ),
        (
            lambda: Machine(part=Lever(slope=free(step=1))),
            "part.slope: free cannot change 'step' here; it can change high, low, scale, std.",
        ),
        (
            lambda: Machine(part=Wheel(teeth=free(scale="log"))),
            "part.teeth: free cannot change 'scale' here; it can change high, low, std.",
        ),
        (
            lambda: Pair(parts=(Lever(), Lever()), index=free(low=1)),
            "index: free cannot change 'low' here; leave it out.",
        ),
        (
            lambda: Machine(part=Lever(slope=free(low=-2.0))),
            "part.slope: free may only narrow the domain [-1, 1]; got low=-2, high=1.",
        ),
        (
            lambda: Machine(part=Lever(rate=free(low=0.0))),
            "part.rate: scale 'log' is not finite at low=0.0 or high=1.0; move the bound.",
        ),
        (
            lambda: Machine(part=Lever(slope=free(low="a"))),
            "part.slope: a real domain needs finite numbers low < high; got low='a', high=1.0.",
        ),
        (
            lambda: Machine(part=Lever(slope=free(high=0.0, start=0.5))),
            "part.slope: start must lie in [-1, 0]; got 0.5.",
        ),
        (
            lambda: Machine(part=Lever(slope=3.0), gain=free()),
            "part.slope of Lever must lie in [-1, 1]; got 3.",
        ),
        (
            lambda: Machine(part=choice(Lever(), Wheel(teeth=2))),
            "part.1.teeth of Wheel must lie in [3, 40]; got 2.",
        ),
        (
            lambda: Machine(part=Lever(slope=choice(0.5, 2.0))),
            "part.slope.1 of Lever must lie in [-1, 1]; got 2.",
        ),
        (
            lambda: Machine(part=Lever(), mode=choice("slow", "quick")),
            "mode.1: mode of Machine must be one of 'slow', 'fast'; got 'quick'.",
        ),
        (
            lambda: Machine(part=choice(Lever(), "wheel")),
            "part.1: part of Machine must be a part; got 'wheel'.",
        ),
        (
            lambda: Pair(parts=(choice(Lever(), 1), Lever())),
            "parts.0.1: parts of Pair must be a part; got 1.",
        ),
        (
            lambda: Net(width=choice(2, 4)),
            "w: the shapes of these weights depend on 'width', which is an open choice itself: write a choice between whole "
            "components, Net(width=...) and Net(width=...).",
        ),
    ],
)
def test_a_space_that_makes_no_sense_is_refused(build: Callable[[], Component], sentence: str) -> None:
    with pytest.raises(UserError) as error:
        Space(build())
    assert str(error.value) == sentence


def test_numbers_that_were_decoded_are_found_among_the_options() -> None:
    space = Space(Lever(slope=choice(0.5, 0.9), rate=free()))
    genomes = np.array([[1.0, 0.0, 0.25], [0.0, 1.0, 0.5]], np.float32)
    for group in space.groups(genomes):
        (member,) = group.members
        candidate = jax.tree.map(lambda leaf: leaf[0], group.candidates)
        np.testing.assert_allclose(space.encode(candidate), genomes[member], atol=1e-6)


def test_one_option_is_no_gene() -> None:
    space, closed = Space(Machine(part=choice(inner()))), Space(Machine(part=inner()))
    assert [(gene.path, gene.size) for gene in space.genes] == [(gene.path, gene.size) for gene in closed.genes]
    assert space.structures == closed.structures


def test_a_candidate_of_another_space_is_refused() -> None:
    space = Space(Machine(part=inner()))
    with pytest.raises(UserError, match=r"^Net\(.*\) is none of the options choice\(Lever"):
        space.encode(Machine(part=Net(w={"w": np.zeros((2, 3)), "b": np.zeros(3)})))


# Names ----------------------------------------------------------------------------------------------------------------


def test_options_are_named_by_their_class_where_it_tells_them_apart_else_as_they_print() -> None:
    long = Wheel(teeth=11, discount=0.9125)
    space = Space(
        Machine(part=choice(inner(), Net(), Net(width=5)), spare=choice(None, long, Wheel()), mode=choice("slow", "fast"))
    )
    genome, genes = np.zeros(space.dimension, np.float32), {gene.path: gene.start for gene in space.genes}

    def described(part: int, inside: int, spare: int, mode: int) -> str:
        one = genome.copy()
        for path, option in (("part", part), ("part.0", inside), ("spare", spare), ("mode", mode)):
            one[genes[path] + option] = 1.0
        return space.describe(space.structure(one))

    nested = "choice(Lever(slope=free(), ra … (), discount=free(low=0.9)))"
    assert described(0, 1, 0, 1) == f"mode='fast', part={nested}, part.0=Wheel, spare=None"
    assert described(1, 0, 1, 0) == "mode='slow', part=Net(w=free()), spare=Wheel(teeth=11, discount=0.9125)"
    assert described(2, 0, 2, 0) == "mode='slow', part=Net(width=5, w=free()), spare=Wheel(teeth=7, discount=0.99)"
