"""Actions in units of their reach, from their center."""

import math

import numpy as np

from discover import Continuous, Discrete, Spec
from discover.contract.environment import encode_action

BOX = Continuous((-2.0, 0.0, -math.inf, 3.0, 1.0), (4.0, 10.0, 5.0, 3.0, math.inf))


def test_a_bound_that_is_infinite_or_met_by_the_other_leaves_the_units_as_they_are() -> None:
    np.testing.assert_array_equal(BOX.center, [1.0, 5.0, 0.0, 3.0, 0.0])
    np.testing.assert_array_equal(BOX.reach, [3.0, 5.0, 1.0, 1.0, 1.0])


def test_a_network_reads_discrete_actions_as_one_of_n_and_real_ones_by_their_reach() -> None:
    np.testing.assert_array_equal(encode_action(Spec((1,), Discrete(3)), np.asarray([2, 0])), [[0, 0, 1], [1, 0, 0]])  # type: ignore[arg-type]
    action = np.asarray([4.0, 0.0, 2.0, 3.5, -1.0], np.float32)
    np.testing.assert_allclose(encode_action(Spec((1,), BOX), action), [1.0, -1.0, 2.0, 0.5, -1.0])  # type: ignore[arg-type]
