"""Which rows of an export count: patterns on columns, and the rows they exclude."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo import io
from safeschools_geo.errors import RejectedRowsError, name_ids
from safeschools_geo.results import join_rejects, rejects_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

EXCLUDED = "excluded_by_"
"""Reason codes that begin so are a choice made in the settings, not a fault of the row."""


def exclude_rows(
    raw: io.RawTable, keep: Mapping[str, str | tuple[str, ...]], *, id_column: str | None
) -> tuple[pd.Series, pd.DataFrame]:
    """Apply the patterns of a ``keep`` setting.

    Parameters
    ----------
    raw
        The table as read.
    keep
        Column of the file → pattern or patterns (``*`` and ``?`` as in file names); a row is kept when every
        column matches one of its patterns. Missing cells count as empty text.
    id_column
        Column that holds the id, for the rejects.

    Returns
    -------
    is_kept : pandas.Series
        Bool, on the index of ``raw.frame``.
    rejects : pandas.DataFrame
        Table `rejects`: each excluded row once, under the first column that excludes it.

    Raises
    ------
    ColumnError
        When a column is not in the file.
    """
    is_kept = pd.Series(data=True, index=raw.frame.index)
    excluded = []
    for column, patterns in keep.items():
        wanted = (patterns,) if isinstance(patterns, str) else patterns
        cells = io.as_text(io.require(raw, {column: column}, column)).fillna("")
        matcher = re.compile("|".join(fnmatch.translate(pattern) for pattern in wanted))
        is_match = cells.map(lambda cell, matcher=matcher: matcher.match(cell) is not None).astype(bool)
        excluded += [
            _excluded(raw, cells[is_kept & ~is_match], column=column, wanted=wanted, id_column=id_column),
        ]
        is_kept &= is_match
    return is_kept, join_rejects(excluded)


def _excluded(
    raw: io.RawTable, cells: pd.Series, *, column: str, wanted: tuple[str, ...], id_column: str | None
) -> pd.DataFrame:
    rejects = rejects_frame(
        raw.frame.loc[cells.index],
        source_file=raw.path.name,
        id_column=id_column,
        code=f"{EXCLUDED}{column}",
        reason="",
    )
    reasons = [f"{column} is {cell!r}; the settings keep {' or '.join(map(repr, wanted))}." for cell in cells]
    return rejects.assign(reason=pd.Series(reasons, dtype="str"))


def refuse_rejects(rejects: pd.DataFrame) -> None:
    """Fail when rows were rejected for a fault of theirs.

    Parameters
    ----------
    rejects
        Table `rejects`; rows that the settings exclude do not count.

    Raises
    ------
    RejectedRowsError
        When there is such a row.
    """
    faulty = rejects[~rejects["reason_code"].str.startswith(EXCLUDED)]
    if len(faulty):
        counts = faulty["reason_code"].value_counts()
        raise RejectedRowsError(
            f"{len(faulty):,} rows were rejected, and --strict allows none.",
            ids=[f"{r.source_file} row {r.row}" for r in faulty.itertuples()],
            found=name_ids([f"{code} ({n:,})" for code, n in counts.items()], shown=20),
            remedy="Correct them (run without --strict to get rejects.csv with every row and reason).",
        )
