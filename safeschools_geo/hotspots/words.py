"""How ratios and chances are put into words, so that everyone reads the same thing."""

from __future__ import annotations

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


def times(ratio: float) -> str:
    """Write a ratio.

    Parameters
    ----------
    ratio
        Observed over expected.

    Returns
    -------
    str
        For example ``"2.1 times"``.
    """
    return f"{ratio:.1f} times"


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
