"""Ids that spreadsheets have changed: which differ only in how they are written, and which have lost digits."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

from safeschools_geo.errors import name_ids
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pandas as pd

_SCIENTIFIC = r"(?i)\d(?:[.,]\d+)?E\+\d{1,3}"
_DECIMAL = r"(\d)[.,]0+"
_LEADING_ZEROS = r"(?<![\d.,])0+(?=\d)"
_LONGEST = 40


def id_key(ids: pd.Series) -> pd.Series:
    """Reduce ids to what spreadsheets leave of them.

    Parameters
    ----------
    ids
        Text.

    Returns
    -------
    pandas.Series
        Text on the same index, equal for ids that differ only in zeros in front of a number, in blanks, in capitals,
        or in the way a number is written (``123``, ``123.0``, ``1.23E+02``). ``2E47`` is no number and stays.
    """
    return ids.map(_key, na_action="ignore").astype("str")


def _key(text: str) -> str:
    plain = "".join(text.split()).casefold()
    if re.fullmatch(_SCIENTIFIC, plain):
        number = Decimal(plain.replace(",", "."))
        is_whole = number.adjusted() < _LONGEST and number == number.to_integral_value()
        plain = f"{number:.0f}" if is_whole else plain
    if re.fullmatch(r"\d+[.,]0+", plain):
        plain = re.split(r"[.,]", plain)[0]
    return re.sub(_LEADING_ZEROS, "", plain)


def difference_text(given: str, known: str) -> str:
    """Say how two ids of one key differ.

    Parameters
    ----------
    given, known
        The ids.

    Returns
    -------
    str
        For example ``"leading zeros"`` or ``"a decimal and leading zeros"``.
    """
    steps: dict[str, Callable[[str], str]] = {
        "blanks": lambda text: "".join(text.split()),
        "scientific notation": lambda text: _key(text) if re.fullmatch(_SCIENTIFIC, text) else text,
        "capitals": str.casefold,
        "a decimal": lambda text: re.sub(_DECIMAL + "$", r"\1", text),
        "leading zeros": lambda text: re.sub(_LEADING_ZEROS, "", text),
    }
    found = []
    for word, step in steps.items():
        a, b = step(given), step(known)
        if (a == b) != (given == known) or (a == given) != (b == known):
            found.append(word)
        given, known = a, b
    return " and ".join(found) or "the way they are written"


def alike_groups(ids: Iterable[str]) -> list[tuple[str, ...]]:
    """Find ids that differ only in how they are written.

    Parameters
    ----------
    ids
        Ids.

    Returns
    -------
    list of tuple of str
        Groups of two or more different ids of one key, in the order of first appearance.
    """
    groups: dict[str, list[str]] = {}
    for one in dict.fromkeys(ids):
        groups.setdefault(_key(one), []).append(one)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def groups_text(groups: list[tuple[str, ...]]) -> str:
    """Write groups of ids as examples in a sentence.

    Parameters
    ----------
    groups
        Result of `alike_groups`.

    Returns
    -------
    str
        For example ``"“0123” and “123” (leading zeros)"``.
    """
    return name_ids(
        f"{' and '.join(f'“{one}”' for one in group)} ({difference_text(group[0], group[1])})" for group in groups
    )


def check_digits(ids: pd.Series, *, table: str, where: str, column: str) -> list[Finding]:
    """Find ids in scientific notation, of which a spreadsheet has kept the first digits only.

    Parameters
    ----------
    ids
        Text.
    table
        What the rows are.
    where
        The file.
    column
        Our name of the column.

    Returns
    -------
    list of Finding
        One, which stops a run, or none.
    """
    is_cut = ids.str.fullmatch(_SCIENTIFIC).fillna(value=False).astype("bool")
    if not is_cut.any():
        return []
    cut = ids[is_cut]
    return [
        Finding(
            "error",
            "ids_scientific",
            table,
            f"{int(is_cut.sum()):,} of {int(ids.notna().sum()):,} values of {column} in {where} are in scientific "
            f"notation ({name_ids(f'“{one}”' for one in dict.fromkeys(cut))}): a spreadsheet has kept their first "
            "digits only, so they tell nothing apart and match no other table.",
            ids=tuple(f"row {row}" for row in cut.index),
            expected="every digit of the id, as text",
            remedy="Open the original export, format the column as text before saving, and replace the file; the "
            "digits cannot be recovered from this one.",
            is_blocking=True,
        )
    ]
