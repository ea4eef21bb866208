"""A table as a file has it, before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import pandas as pd

from safeschools_geo.results import Finding, empty_rejects


@dataclass(frozen=True)
class RawTable:
    """A table as it was read.

    Parameters
    ----------
    path
        The file.
    frame
        Attributes as read; the index is the row number in the file, 1 for the first row under the header. Cells of
        text files are text (dtype str, empty cells missing); spreadsheets, Parquet and layers keep their types.
    geometry
        Geometry on the same index, in the CRS the file states (none if it states none); None for a plain table.
    encoding, delimiter
        What a text file was read as.
    findings
        What was found on the way.
    rejects
        Table `rejects`: rows that could not be read.
    """

    path: Path
    frame: pd.DataFrame
    geometry: gpd.GeoSeries | None = None
    encoding: str | None = None
    delimiter: str | None = None
    findings: tuple[Finding, ...] = ()
    rejects: pd.DataFrame = field(default_factory=empty_rejects)
