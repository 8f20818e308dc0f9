"""The conformance suite draws the equations of components."""

import pytest

from discover import ReturnFunction, component
from discover.testing import check_component


@component
class Drawn(ReturnFunction):
    """A return function with an equation."""

    def formula(self) -> str:
        return r"G_t = \frac{r_t}{2}"


@component
class Cases(ReturnFunction):
    """A return function whose equation is an environment."""

    def formula(self) -> str:
        return r"\begin{cases} 1 \end{cases}"


@component
class Number(ReturnFunction):
    """A return function whose equation is no text."""

    def formula(self) -> str:
        return 3  # type: ignore[return-value]


def test_an_equation_that_can_be_drawn_passes() -> None:
    check_component(Drawn())


@pytest.mark.parametrize(
    ("one", "sentence"),
    [(Cases(), r"Cases: the formula '.*' cannot be drawn"), (Number(), "Number.formula.. gives int, not text")],
)
def test_an_equation_that_cannot_is_told(one: ReturnFunction, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check_component(one)
