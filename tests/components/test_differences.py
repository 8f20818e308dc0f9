"""Differences of candidates: the smallest parts that can be taken over alone."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from discover import Component, Integer, Scalar, Weights, component, integer, real, weights
from discover.components.differences import Difference, differences, number_of_differences, with_value_of


class Part(Component):
    kind: ClassVar[str] = "part"


@component
class Lever(Part):
    slope: Scalar = real(0.25, low=-1.0, high=1.0)
    rate: Scalar = real(0.01, low=1e-5, high=1.0, scale="log")


@component
class Wheel(Part):
    teeth: Integer = integer(7, low=3, high=40)


@component
class Net(Part):
    width: int = 3
    w: Weights = weights(init=lambda self, key: jnp.zeros((2, self.width)))


@component
class Machine(Component):
    part: Part
    parts: tuple[Part, ...] = ()
    spare: Part | None = None
    size: int = 4


def machine(**changes: Any) -> Machine:
    return Machine(**{"part": Lever(), **changes})


def told(one: Machine, other: Machine) -> list[tuple[str, ...]]:
    return [tuple(each) for each in differences(one, other)]


def test_numbers_settings_and_components_are_told_one_by_one() -> None:
    one = machine(part=Lever(slope=0.5), size=8, spare=Wheel(), parts=(Wheel(), Lever(rate=0.1)))
    other = machine(parts=(Wheel(teeth=9), Wheel()))
    assert told(one, other) == [
        ("part.slope", "0.5", "0.25"),
        ("parts.0.teeth", "7", "9"),
        ("parts.1", "Lever", "Wheel"),
        ("spare", "Wheel", "None"),
        ("size", "8", "4"),
    ]
    assert told(other, machine(parts=(Wheel(),))) == [("parts", "(Wheel, Wheel)", "(Wheel)")]
    assert differences(one, one) == []


def test_rounding_is_no_difference() -> None:
    assert told(machine(part=Lever(rate=0.01)), machine(part=Lever(rate=0.01 * 1.000001))) == []


def test_settings_that_do_not_go_with_the_weights_of_the_other_are_taken_over_with_their_component() -> None:
    one, other = machine(part=Net(width=5, w=np.ones((2, 5)))), machine(part=Net(w=np.zeros((2, 3))))
    assert told(one, other) == [("part", "Net", "Net")]
    alike = machine(part=Net(w=np.ones((2, 3))))
    assert differences(alike, other) == [Difference("part.w", "6 weights", "6 weights")]


def test_a_value_is_taken_over_alone() -> None:
    one, other = machine(part=Lever(slope=0.5, rate=0.1), size=8), machine()
    changed = with_value_of(one, other, "part.slope")
    assert told(changed, other) == [("part.rate", "0.1", "0.01"), ("size", "8", "4")]
    assert repr(with_value_of(one, machine(part=Wheel()), "part")) == repr(machine(part=Wheel(), size=8))


def test_the_number_of_differences_counts_what_a_component_holds() -> None:
    assert number_of_differences(machine(size=8), machine()) == 1
    assert number_of_differences(machine(), machine(part=Wheel())) == 3  # the lever and its two numbers
    assert number_of_differences(machine(), machine()) == 0
