"""How the checker tells what is wrong: a few faults in full and the number of all, in plain characters."""

from __future__ import annotations

import reprlib
from typing import TYPE_CHECKING

from safeschools_geo.check_report import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOLD = 5
_SHORT = reprlib.Repr()
_SHORT.maxstring = 80


def told(name: str, faults: Sequence[str], otherwise: str) -> Check:
    """Make one check of the faults that were found.

    Parameters
    ----------
    name
        Word for the check.
    faults
        What is wrong, each with where it is.
    otherwise
        What is said when nothing is.

    Returns
    -------
    Check
        The first few faults and how many there are, or that all is well.
    """
    return Check(name, passed=not faults, message=_sentence(several(faults) or otherwise))


def note(name: str, text: str) -> Check:
    """Make a note: something that was not checked, or is good to know.

    Parameters
    ----------
    name
        Word for what it is about.
    text
        The note.

    Returns
    -------
    Check
        The note.
    """
    return Check(name, passed=None, message=_sentence(text))


def several(items: Sequence[str]) -> str:
    """Name the first few, and say how many there are in all.

    Parameters
    ----------
    items
        What is named.

    Returns
    -------
    str
        Joined by semicolons.
    """
    more = len(items) - _TOLD
    rest = [f"and {more:,} more ({len(items):,} in all)"] if more > 0 else []
    return "; ".join([*items[:_TOLD], *rest])


def quoted(value: object) -> str:
    """Show a value that stands in a file.

    Parameters
    ----------
    value
        The value.

    Returns
    -------
    str
        As Python writes it, and cut where it is long.
    """
    return _SHORT.repr(value)


def _sentence(text: str) -> str:
    # Names come from files that anybody may have written.
    plain = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    is_name = bool(plain) and "." in plain.split(maxsplit=1)[0]
    first = plain[:1] if is_name else plain[:1].upper()
    return f"{first}{plain[1:]}{'' if plain.endswith('.') else '.'}"
