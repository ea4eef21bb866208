"""How ratios and chances are put into words, so that everyone reads the same thing, and what can carry a ratio."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.schemas import POPULATIONS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FEWEST_EXPECTED = 1.0
"""Fewest expected cases that carry a ratio (assumption A68)."""

NOT_CLEARLY = "not clearly more than chance"
"""What is said of a difference that a test does not confirm: that it is chance is not shown either."""

_ALWAYS = 0.95
_NEVER = 0.001


def once_in_terms(expected_number: float) -> str:
    """Say how often chance alone does this.

    Parameters
    ----------
    expected_number
        How many times in a term chance does it: a p-value after looking everywhere, or a p-value times the number of
        places looked at.

    Returns
    -------
    str
        For example ``"once in 40 terms"``.
    """
    if expected_number >= _ALWAYS:
        return "in about every term"
    if expected_number <= _NEVER:
        return "once in 1,000 terms or less often"
    return f"once in {1 / expected_number:,.0f} terms"


def carried(ratio: ArrayLike, base: ArrayLike, *, fewest: float = FEWEST_EXPECTED) -> NDArray[np.float64]:
    """Keep the ratios that what they are divided by can carry.

    Parameters
    ----------
    ratio
        Ratios, shape (n,).
    base
        What each is a multiple of, in cases, shape (n,).
    fewest
        `FEWEST_EXPECTED` of what is expected, `FEWEST_AS_BASE` of what was counted.

    Returns
    -------
    numpy.ndarray
        The ratios, missing where the base is smaller, shape (n,).
    """
    values, cases = np.asarray(ratio, dtype=np.float64), np.asarray(base, dtype=np.float64)
    return np.where(np.isfinite(values) & (cases >= fewest), values, np.nan)


def times(ratio: float) -> str:
    """Write a ratio.

    Parameters
    ----------
    ratio
        A ratio that `carried` has kept.

    Returns
    -------
    str
        For example ``"2.1 times"``: as many decimals as two figures need, at most two.
    """
    if 0 < ratio < 0.01:  # noqa: PLR2004 - two decimals
        return "less than 0.01 times"
    return f"{ratio:,.0f} times" if ratio >= 100 else f"{ratio:.{1 if ratio >= 1 else 2}f} times"  # noqa: PLR2004


def counted_text(number: int, population: str = "reported") -> str:
    """Write a number of incidents or calls by the name that the count has.

    Parameters
    ----------
    number
        How many.
    population
        What is counted, a key of `schemas.POPULATIONS`.

    Returns
    -------
    str
        For example ``"1 reported call for zone officers"`` or ``"1,200 calls for zone officers"``.
    """
    name = POPULATIONS[population]
    if number == 1:
        name = name.replace("calls", "call", 1).replace("incidents", "incident", 1)
    return f"{number:,} {name}"


def listed(names: list[str]) -> str:
    """Write names one after the other.

    Parameters
    ----------
    names
        The names.

    Returns
    -------
    str
        For example ``"a, b and c"``.
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


_SMALL_NUMBERS = ("No", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten")


def number_word(number: int) -> str:
    """Write a small number as a word, to begin a sentence with.

    Parameters
    ----------
    number
        The number, 0 or more.

    Returns
    -------
    str
        For example ``"Three"``, and figures above ten.
    """
    return _SMALL_NUMBERS[number] if number < len(_SMALL_NUMBERS) else f"{number:,}"


def chance_text(value: float) -> str:
    """Write a p- or q-value.

    Parameters
    ----------
    value
        The value.

    Returns
    -------
    str
        For example ``"= 0.012"`` or ``"< 0.001"``.
    """
    return "< 0.001" if value < _NEVER else f"= {value:.3f}"
