"""Whether a frame is the table it is said to be, and whether its words are those that a column may hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import ColumnError
from safeschools_geo.results import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.schemas import Column, Table

TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}
"""Words that are plainly true or false."""
BLANK = "(blank)"


def read_words(cells: pd.Series, meanings: Mapping[str, object]) -> tuple[pd.Series, pd.Series]:
    """Read the words of a column, and none that nobody has given a meaning.

    Parameters
    ----------
    cells
        Text.
    meanings
        Word → what it means; the empty text stands for a blank cell. Case does not matter.

    Returns
    -------
    meaning : pandas.Series
        On the index of `cells`; missing where the word has no meaning.
    unknown : pandas.Series
        The cells without a meaning, as written; a blank one is `BLANK`.
    """
    known = {word.strip().casefold(): meaning for word, meaning in meanings.items()}
    folded = cells.fillna("").str.casefold()
    is_known = folded.isin(list(known))
    meaning = folded.where(is_known).map(known, na_action="ignore").astype("object")
    return meaning, cells.fillna(BLANK)[~is_known]


def words_text(words: pd.Series) -> str:
    """Write words with their numbers, the most frequent first.

    Parameters
    ----------
    words
        Text.

    Returns
    -------
    str
        For example ``"“X” (3), (blank) (2)"``: all of them.
    """
    counts = words.value_counts(sort=False).sort_index().sort_values(ascending=False, kind="stable")
    return ", ".join(f"{word if word == BLANK else f'“{word}”'} ({n:,})" for word, n in counts.items())


def unknown_words(
    unknown: pd.Series, ids: pd.Series, *, table: str, where: str, column: str, expected: str, remedy: str
) -> Finding:
    """Tell of words without a meaning: a run stops until the settings give them one.

    Parameters
    ----------
    unknown
        From `read_words`, not empty.
    ids
        Ids of the rows.
    table
        What the rows are.
    where
        The file.
    column
        Our name of the column.
    expected, remedy
        As in `Finding`.

    Returns
    -------
    Finding
        All the words, with their numbers.
    """
    return Finding(
        "error",
        f"{column}_unknown",
        table,
        f"{len(unknown):,} of {len(ids):,} rows of {where} have a value of {column} that the settings give no "
        f"meaning: {words_text(unknown)}.",
        ids=tuple(ids.loc[unknown.index].fillna("").astype("str")),
        expected=expected,
        remedy=remedy,
        is_blocking=True,
    )


def lines_to_write(unknown: pd.Series, *, shown: int = 8) -> str:
    """Write the lines of ``district.toml`` that would give words a meaning.

    Parameters
    ----------
    unknown
        From `read_words`.
    shown
        How many are spelled out.

    Returns
    -------
    str
        For example ``'"X" = …, "" = …'``.
    """
    words = ["" if word == BLANK else str(word) for word in sorted(set(unknown))]
    lines = [json.dumps(word, ensure_ascii=False) + " = …" for word in words[:shown]]
    return ", ".join(lines) + (", …" if len(words) > shown else "")


def conform(frame: pd.DataFrame, table: Table) -> None:
    """Check that a frame has the columns, types and values of a table.

    Parameters
    ----------
    frame
        The frame; its geometry is not looked at.
    table
        What it is said to be.

    Raises
    ------
    ColumnError
        When a column is missing, of another type, or holds values it may not; every fault is named.
    """
    schema = pa.DataFrameSchema(
        {c.name: _pandera_column(c) for c in table.columns if c.dtype != "geometry"},
        unique_column_names=True,
    )
    try:
        schema.validate(pd.DataFrame(frame.drop(columns="geometry", errors="ignore")), lazy=True)
    except SchemaErrors as error:
        cases = error.failure_cases
        faults = cases.groupby(["column", "check"], dropna=False, sort=True)["failure_case"].agg(["count", "first"])
        lines = [
            f"{column}: {check}, {n:.0f} ×, such as {first!r}" for (column, check), n, first in faults.itertuples()
        ]
        raise ColumnError(
            f"This is not a table {table.name}.",
            found="; ".join(lines),
            expected=", ".join(f"{c.name} ({c.dtype})" for c in table.columns if c.is_required),
            remedy="See docs/data_dictionary.md for the meaning of each column.",
        ) from error


def _pandera_column(column: Column) -> pa.Column:
    checks = [pa.Check.isin(list(column.values))] if column.values else []
    dtype = None if column.dtype == "datetime64[tz]" else column.dtype
    if column.dtype == "datetime64[tz]":
        checks = [pa.Check(lambda s: isinstance(s.dtype, pd.DatetimeTZDtype), name="time_zone_aware")]
    return pa.Column(
        dtype,
        checks,
        nullable=column.is_nullable,
        required=column.is_required,
        unique=column.is_unique,
        name=column.name,
    )


def empty_frame(table: Table, *, time_zone: str = "UTC") -> gpd.GeoDataFrame:
    """Return a table without rows.

    Parameters
    ----------
    table
        The table.
    time_zone
        Time zone of its moments.

    Returns
    -------
    geopandas.GeoDataFrame
        No rows, every column in its type, geometry in EPSG:4326.
    """
    dtypes = {c.name: f"datetime64[us, {time_zone}]" if c.dtype == "datetime64[tz]" else c.dtype for c in table.columns}
    columns = {name: pd.Series(dtype=dtype) for name, dtype in dtypes.items() if dtype != "geometry"}
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries([], crs=STORAGE_CRS), crs=STORAGE_CRS)[table.column_names]
