"""The generation in which a champion appeared first."""

import numpy as np

from discover import Registry, Space
from discover.config.build import algorithm_from
from discover.outer_loop.history import History, columns_kept
from discover.reading.birth import birth_of

WORDS = {"recipe": "ppo", "rule": {"ppo": {"clip": "free", "returns": {"choice": [{"gae": {"gamma": "free"}}, "n_step"]}}}}


def drawn(space: Space, seed: int, shape: tuple[int, int]) -> np.ndarray:
    """Genomes of generations and members."""
    return np.random.default_rng(seed).normal(size=(*shape, space.dimension)).astype(np.float32)


def history_of(space: Space, genomes: np.ndarray) -> History:
    generations, members = genomes.shape[:2]
    return History(
        generation=np.arange(generations, dtype=np.int32),
        env_steps=np.arange(generations, dtype=np.int64),
        genomes=genomes[..., columns_kept(space)],
        fitness=np.arange(generations * members, dtype=np.float32).reshape(generations, members),
        status=np.zeros((generations, members), np.int8),
    )


def test_the_first_appearance_is_told_with_its_fitness(registry: Registry) -> None:
    space = Space(algorithm_from(registry, WORDS))
    genomes = drawn(space, 0, (3, 4))
    genomes[2, 3] = genomes[1, 2]
    birth = birth_of(space.decode(genomes[1, 2]), space, history_of(space, genomes))
    assert birth == (1, 2, 6.0, 2)


def test_genes_that_have_no_effect_make_no_difference(registry: Registry) -> None:
    space = Space(algorithm_from(registry, WORDS))
    genomes = drawn(space, 1, (2, 2))
    gamma = next(gene for gene in space.genes if gene.path.endswith("gamma"))
    choice = next(gene for gene in space.genes if gene.decides)
    genomes[0, 1, choice.start : choice.start + 2] = 0.0, 1.0  # n_step, whose gamma is not open
    champion = space.decode(genomes[0, 1])
    genomes[0, 1, gamma.start] += 1.0
    assert birth_of(champion, space, history_of(space, genomes)) == (0, 1, 1.0, 1)


def test_a_candidate_that_was_in_no_generation_has_no_birth(registry: Registry) -> None:
    space = Space(algorithm_from(registry, WORDS))
    genomes = drawn(space, 2, (2, 2))
    assert birth_of(space.decode(genomes[0, 0] + 0.1), space, history_of(space, genomes)) is None


def test_weights_alone_tell_no_candidates_apart(registry: Registry) -> None:
    space = Space(algorithm_from(registry, "lpo"))
    genomes = drawn(space, 3, (1, 1))
    assert birth_of(space.decode(genomes[0, 0]), space, history_of(space, genomes)) is None
