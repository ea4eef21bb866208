"""A table as its file gives it, before anything is made of it."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd

from safeschools_geo.results import Finding, empty_rejects

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, eq=False)
class RawTable:
    """A table as its file gives it.

    Parameters
    ----------
    path
        The file.
    frame
        Attribute columns as read. The index is the row's number in the file: the first row under the header is 1, blank
        rows are counted but not kept. Cells of text files are text, missing ones NA; Excel, Parquet and vector files
        keep their types.
    geometry
        Geometry on the same index, in two dimensions, in the CRS that the file states (None if it states none); None
        for a file without geometry.
    encoding, delimiter
        How a text file was read.
    name_length
        Number of letters to which the format cuts names of columns; None where it cuts none.
    findings
        What was found while reading.
    rejects
        Table `rejects`: rows that cannot be read. Rows read = rows of `frame` + rows of `rejects`; blank rows are
        neither.
    """

    path: Path
    frame: pd.DataFrame
    geometry: gpd.GeoSeries | None = None
    encoding: str | None = None
    delimiter: str | None = None
    name_length: int | None = None
    findings: tuple[Finding, ...] = ()
    rejects: pd.DataFrame = field(default_factory=empty_rejects)


def column_names(header: Sequence[object], path: Path) -> tuple[list[str], list[Finding]]:
    """Make the names in a header text, and different from each other.

    Parameters
    ----------
    header
        The header as it is; None or empty text where a column has no name.
    path
        The file, for messages.

    Returns
    -------
    names : list of str
        ``column_3`` for the third column if it has no name, ``NAME_3`` for it if there was another ``NAME`` before.
    findings : list of Finding
        The names that came more than once.
    """
    given = ["" if cell is None else str(cell).strip() for cell in header]
    names: dict[str, None] = {}
    for number, name in enumerate(given, start=1):
        plain = name or f"column_{number}"
        candidates = itertools.chain([plain], (f"{plain}_{n}" for n in itertools.count(number)))
        names[next(c for c in candidates if c not in names)] = None
    repeated = [name for name, count in Counter(given).items() if count > 1 and name]
    finding = Finding(
        "warning",
        "repeated_columns",
        path.name,
        f"{path.name} has several columns of one name; the later ones have the number of the column added.",
        ids=tuple(repeated),
        expected="each column name once",
        remedy="Name the one that is meant in district.toml, for example NAME_7.",
    )
    return list(names), [finding] if repeated else []


def without_blank_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out rows without any value, and columns that have neither a name nor a value.

    Parameters
    ----------
    frame
        Rows as read, with names by `column_names`.

    Returns
    -------
    pandas.DataFrame
        The other rows and columns; row numbers stay.
    """
    is_missing = frame.isna()
    is_nameless = frame.columns == [f"column_{n}" for n in range(1, frame.shape[1] + 1)]
    return frame.loc[~is_missing.all(axis=1), ~(is_nameless & is_missing.all(axis=0).to_numpy())]
