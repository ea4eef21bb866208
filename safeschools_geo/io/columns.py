"""Columns by our names: those that the settings name, else those of our own names."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from safeschools_geo.errors import ColumnError
from safeschools_geo.io.text import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    import pandas as pd

    from safeschools_geo.io.raw import RawTable

    ColumnMapping: TypeAlias = Mapping[str, str | tuple[str, ...]]

_LISTED = 30
_LIKENESS = 0.6


def take(raw: RawTable, mapping: ColumnMapping, name: str) -> pd.Series | None:
    """Take the column for one of our names, if the file has it.

    Parameters
    ----------
    raw
        The table.
    mapping
        Our name → the file's name, or several of them, of which the first is taken; names that are equal need no
        entry. Names are compared exactly, then without regard to case, spaces, hyphens and underscores.
    name
        Our name.

    Returns
    -------
    pandas.Series or None
        The column, under the file's name; None when `mapping` has no entry and the file no column of our name.

    Raises
    ------
    ColumnError
        When `mapping` names a column that the file does not have, or two columns are equally like the name.
    """
    wanted = _wanted(mapping, name)
    if wanted:
        return _named(raw, wanted[0], name)
    found = _find(raw, name)
    return None if found is None else raw.frame[found]


def require(raw: RawTable, mapping: ColumnMapping, name: str) -> pd.Series:
    """Take the column for one of our names, or refuse to go on.

    Parameters
    ----------
    raw
        The table.
    mapping
        As for `take`.
    name
        Our name.

    Returns
    -------
    pandas.Series
        The column, under the file's name.

    Raises
    ------
    ColumnError
        When the file does not have it; the message lists the columns there are and the nearest names.
    """
    return _named(raw, (*_wanted(mapping, name), name)[0], name)


def text_columns(raw: RawTable, mapping: ColumnMapping, name: str) -> list[pd.Series]:
    """Take all columns for one of our names, as text.

    Parameters
    ----------
    raw
        The table.
    mapping
        As for `take`, but all names of an entry are taken.
    name
        Our name.

    Returns
    -------
    list of pandas.Series
        Text, in the order of the entry; empty when there is no entry and the file has no column of our name.

    Raises
    ------
    ColumnError
        As for `take`.
    """
    wanted = _wanted(mapping, name)
    if wanted:
        return [as_text(_named(raw, theirs, name)) for theirs in wanted]
    column = take(raw, {}, name)
    return [] if column is None else [as_text(column)]


def _wanted(mapping: ColumnMapping, name: str) -> tuple[str, ...]:
    entry = mapping.get(name, ())
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _named(raw: RawTable, theirs: str, ours: str) -> pd.Series:
    found = _find(raw, theirs)
    if found is not None:
        return raw.frame[found]
    available = [str(column) for column in raw.frame.columns]
    by_key = {_key(column): column for column in available}
    near = [by_key[key] for key in difflib.get_close_matches(_key(theirs), by_key, cutoff=_LIKENESS)]
    more = f" and {len(available) - _LISTED} more" if len(available) > _LISTED else ""
    raise ColumnError(
        f"The file has no column {theirs}." + (f" Close to it: {', '.join(near)}." if near else ""),
        where=raw.path,
        found=", ".join(available[:_LISTED]) + more if available else "no columns",
        expected=f"a column for {ours}",
        remedy=f'Name the right column in district.toml, under columns: {ours} = "…"; or add it to the file.',
    )


def _find(raw: RawTable, name: str) -> str | None:
    columns = [str(column) for column in raw.frame.columns]
    if name in columns:
        return name
    alike = [column for column in columns if _key(column) == _key(name)]
    if len(alike) > 1:
        raise ColumnError(
            f"Several columns of the file could be {name}.",
            where=raw.path,
            found=", ".join(alike),
            expected="one column of that name",
            remedy="Write the name exactly as it is in the file, in district.toml under columns.",
        )
    return next(iter(alike), None)


def _key(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name).casefold()
