"""Formulas in LaTeX: numbers put in, and the same formula as plain text for a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import SupportsFloat

from discover.base.short_number import short_number

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\s+|.", re.DOTALL)

_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega"
_SYMBOLS = {
    **dict(zip(_GREEK.split(), "αβγδεζηθικλμνξπρστυφχψω", strict=True)),
    **{"Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Pi": "Π", "Sigma": "Σ", "Phi": "Φ", "varepsilon": "ε"},
    **{"cdot": "·", "times": "\u00d7", "pm": "±", "leq": "≤", "geq": "≥", "neq": "≠", "approx": "≈", "sim": "~", "in": "∈"},
    **{"mid": "|", "|": "‖", "Vert": "‖", "ldots": "...", "cdots": "...", "infty": "∞", "nabla": "∇", "partial": "∂"},
    **{"sum": "Σ", "prod": "Π", "to": "→", "leftarrow": "←", "rightarrow": "→", "top": "T", "ell": "l"},
    **{"{": "{", "}": "}", "%": "%", "_": "_", "&": "&", "lfloor": "⌊", "rfloor": "⌋"},
    **{",": " ", ";": " ", ":": " ", " ": " ", "quad": "  ", "qquad": "    ", "!": "", "left": "", "right": ""},
}
"""The characters of commands; those that are not here (min, log, tanh) keep their name."""

_STYLES = ("operatorname", "mathrm", "mathcal", "mathbb", "mathbf", "mathit", "text", "boldsymbol")
_ACCENTS = {"hat": "\u0302", "widehat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "overline": "\u0304", "vec": "\u20d7"}
_RAISED = dict(zip("0123456789+-n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", strict=True))


def latex_number(value: SupportsFloat) -> str:
    r"""A number for a formula; very small and very large ones as a power of ten.

    >>> print(latex_number(0.31), latex_number(2.5e-4), latex_number(1e-8))
    0.31 2.5 \cdot 10^{-4} 10^{-8}
    """
    number = float(value)
    if number == 0 or 9.995e-4 <= abs(number) < 1e5:
        return short_number(number)
    mantissa, exponent = f"{number:.3e}".split("e")
    power = f"10^{{{int(exponent)}}}"
    factor = short_number(float(mantissa))
    return power if factor == "1" else f"{factor} \\cdot {power}"


def latex_as_text(latex: str) -> str:
    r"""A formula as plain text with the characters of Unicode.

    >>> latex_as_text(r"\frac{\pi(a_t \mid s_t)}{\mu(a_t \mid s_t)} \leq 1.2^{n-1}")
    'π(a_t | s_t) / μ(a_t | s_t) ≤ 1.2ⁿ⁻¹'
    """
    text = _Reader(_TOKEN.findall(latex)).rest()
    return unicodedata.normalize("NFC", re.sub(r" +", " ", text).strip())


class _Reader:
    """Tokens of a formula, read from left to right."""

    def __init__(self, tokens: Sequence[str]):
        self._tokens, self._place = tokens, 0

    def rest(self) -> str:
        """Everything up to the end of the group, or of the formula."""
        parts: list[str] = []
        while self._place < len(self._tokens):
            token = self._next()
            if token == "}":
                break
            parts.append(self._part(token))
        return "".join(parts)

    def _next(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

    def _argument(self) -> str:
        """The group or the single token that follows."""
        while self._place < len(self._tokens) and self._tokens[self._place].isspace():
            self._place += 1
        return self._part(self._next()) if self._place < len(self._tokens) else ""

    def _part(self, token: str) -> str:
        if token == "{":
            return self.rest()
        if token == "^":
            return _raised(self._argument())
        if token == "_":
            return f"_{_bracketed(self._argument(), ' ,=+-_')}"
        if token.isspace():
            return " "
        return self._command(token[1:]) if token.startswith("\\") else token

    def _command(self, name: str) -> str:
        if name in ("frac", "dfrac", "tfrac"):
            above, below = self._argument(), self._argument()
            if (above, below) == ("1", "2"):
                return "½"
            return f"{_bracketed(above, '+-')} / {_bracketed(below, ' +-/·')}"
        if name == "sqrt":
            return f"√({self._argument()})"
        if name in _STYLES:
            return self._argument()
        if name in _ACCENTS:
            return f"{self._argument()}{_ACCENTS[name]}"
        return _SYMBOLS.get(name, name)


def _raised(text: str) -> str:
    """An exponent: in raised characters if they exist."""
    if text in ("'", "*"):
        return text
    if text and all(character in _RAISED for character in text):
        return "".join(_RAISED[character] for character in text)
    return f"^{_bracketed(text, ' +-/·')}"


def _bracketed(text: str, marks: str) -> str:
    """A text in brackets if it holds one of the marks outside brackets of its own."""
    depth = 0
    for character in text:
        depth += (character in "([") - (character in ")]")
        if depth == 0 and character in marks:
            return f"({text})"
    return text
