"""Terms of formulas that several optimizers share, in LaTeX."""

from discover import Scalar, latex_number


def step_size(rate: Scalar, anneal: Scalar) -> str:
    r"""A learning rate that falls over the lifetime, of which the share p has passed.

    >>> print(step_size(0.001, 0.0), step_size(0.001, 1.0), step_size(0.001, 0.5))
    0.001 0.001 \left(1 - p\right) 0.001 \left(1 - 0.5\, p\right)
    """
    if float(anneal) == 0.0:
        return latex_number(rate)
    share = "" if float(anneal) == 1.0 else rf"{latex_number(anneal)}\, "
    return rf"{latex_number(rate)} \left(1 - {share}p\right)"


def moving_average(decay: Scalar, average: str, term: str) -> str:
    r"""An exponential moving average after one more term.

    >>> print(moving_average(0.75, "m", "g"), "and", moving_average(0.0, "m", "g"))
    0.75\, m + 0.25\, g and g
    """
    if float(decay) == 0.0:
        return term
    return rf"{latex_number(decay)}\, {average} + {latex_number(1.0 - float(decay))}\, {term}"
