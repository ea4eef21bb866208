"""Columns by our names: mapped by the settings, else found by name, else a clear error."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from safeschools_geo.errors import ColumnError
from safeschools_geo.io.text import as_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from safeschools_geo.io.raw import RawTable

    Columns = Mapping[str, str | tuple[str, ...]]

_LISTED = 30


def take(raw: RawTable, columns: Columns, name: str) -> pd.Series | None:
    """Take the column for one of our names, if the file has it.

    Parameters
    ----------
    raw
        The table.
    columns
        Our name → the file's, where they differ.
    name
        Our name.

    Returns
    -------
    pandas.Series or None
        The column under the file's name; None when the settings map nothing and the file has no column of our name.

    Raises
    ------
    ColumnError
        When the settings name a column that the file does not have.
    """
    mapped = columns.get(name)
    if mapped is None:
        found = _find(raw, name)
        return None if found is None else raw.frame[found]
    first = mapped if isinstance(mapped, str) else mapped[0]
    return _named(raw, first, name)


def require(raw: RawTable, columns: Columns, name: str) -> pd.Series:
    """Take the column for one of our names.

    Parameters
    ----------
    raw
        The table.
    columns
        Our name → the file's, where they differ.
    name
        Our name.

    Returns
    -------
    pandas.Series
        The column under the file's name.

    Raises
    ------
    ColumnError
        When the file does not have it.
    """
    column = take(raw, columns, name)
    return _named(raw, name, name) if column is None else column


def text_columns(raw: RawTable, columns: Columns, name: str) -> list[pd.Series]:
    """Take every column for one of our names, as text.

    Parameters
    ----------
    raw
        The table.
    columns
        Our name → the file's, one or several.
    name
        Our name.

    Returns
    -------
    list of pandas.Series
        Text; empty when the settings map nothing and the file has no column of our name.

    Raises
    ------
    ColumnError
        When the settings name a column that the file does not have.
    """
    mapped = columns.get(name)
    if mapped is None:
        found = _find(raw, name)
        return [] if found is None else [as_text(raw.frame[found])]
    names = (mapped,) if isinstance(mapped, str) else mapped
    return [as_text(_named(raw, one, name)) for one in names]


def _named(raw: RawTable, theirs: str, ours: str) -> pd.Series:
    found = _find(raw, theirs)
    if found is not None:
        return raw.frame[found]
    available = [str(c) for c in raw.frame.columns]
    near = difflib.get_close_matches(theirs, available, n=3, cutoff=0.5)
    more = f" and {len(available) - _LISTED} more" if len(available) > _LISTED else ""
    raise ColumnError(
        f"The file has no column {theirs}." + (f" Close to it: {', '.join(near)}." if near else ""),
        where=raw.path,
        found=(", ".join(available[:_LISTED]) + more) or "no columns",
        expected=f"a column for {ours}",
        remedy=f'Say in district.toml which column it is, as in [….columns] {ours} = "…", or correct the name.',
    )


def _find(raw: RawTable, name: str) -> str | None:
    if name in raw.frame.columns:
        return name
    plain = name.casefold().strip()
    return next((c for c in raw.frame.columns if str(c).casefold().strip() == plain), None)
