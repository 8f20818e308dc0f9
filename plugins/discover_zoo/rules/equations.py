"""Terms of formulas that several rules share, in LaTeX."""

from discover import Scalar, latex_number

RATIO = r"r = \frac{\pi_\theta(a \mid s)}{\pi_{\mathrm{old}}(a \mid s)}"
"""The ratio of the policy that learns and the one that acted."""

ENTROPY = r"\mathbb{E}\left[\mathcal{H}(\pi_\theta)\right]"
"""The mean entropy of the policy."""


def weighted(sign: str, weight: Scalar, term: str) -> str:
    r"""A term of a sum with a number in front; empty where the number is zero, so that the term has no effect.

    >>> weighted("+", 0.01, "x"), weighted("-", 1.0, "x"), weighted("+", 0.0, "x")
    (' + 0.01\\, x', ' - x', '')
    """
    if float(weight) == 0.0:
        return ""
    factor = "" if float(weight) == 1.0 else rf"{latex_number(weight)}\, "
    return f" {sign} {factor}{term}"


def half(weight: Scalar) -> float:
    """Half of a number, since the value loss has half the squared error.

    >>> half(0.5)
    0.25
    """
    return 0.5 * float(weight)


def clipped_ratio(clip: Scalar) -> str:
    r"""The ratio within a distance of one.

    >>> print(clipped_ratio(0.2))
    \operatorname{clip}(r, 0.8, 1.2)
    """
    low, high = latex_number(1.0 - float(clip)), latex_number(1.0 + float(clip))
    return rf"\operatorname{{clip}}(r, {low}, {high})"
