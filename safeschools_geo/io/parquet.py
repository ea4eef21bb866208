"""Parquet and GeoParquet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.arrow_tables import to_frame
from safeschools_geo.io.file_kinds import describe
from safeschools_geo.io.raw import RawTable, column_names
from safeschools_geo.io.shapes import with_shapes

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from safeschools_geo.results import Finding

_DEFAULT_CRS = "OGC:CRS84"


def read_parquet(path: Path) -> RawTable:
    """Read Parquet or GeoParquet.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    RawTable
        Columns in their types. What a pandas frame was indexed by is a column; an index without a name is ``index``.

    Raises
    ------
    FileReadError
        When it is no Parquet file, or is damaged.

    Notes
    -----
    Geometry follows the GeoParquet specification 1.1: the primary column of the ``geo`` metadata; coordinates without a
    stated CRS are longitude and latitude, while a CRS of ``null`` is unknown.
    """
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        geo = json.loads((table.schema.metadata or {}).get(b"geo", b"null"))
        frame, findings = _frame(table, path)
        column = geo and geo["primary_column"]
        described = geo and geo["columns"][column]
        wkb = described and _wkb(path, table, column, described["encoding"])
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise FileReadError(
            "The file is not Parquet that can be read.",
            where=path,
            found=f"{describe(path)} ({error})",
            expected="a whole Parquet file",
            remedy="Export or download it again. If it is text, name it .csv.",
        ) from error
    if geo is None:
        return RawTable(path, frame, findings=findings)
    return with_shapes(path, frame.drop(columns=column), wkb, described.get("crs", _DEFAULT_CRS), findings=findings)


def _frame(table: Any, path: Path) -> tuple[pd.DataFrame, tuple[Finding, ...]]:  # noqa: ANN401 - pyarrow has no types
    given = ["index" if name.startswith("__index_level_") else name for name in table.column_names]
    names, findings = column_names(given, path)
    return to_frame(dict(zip(names, table.columns, strict=True)), rows=table.num_rows), tuple(findings)


def _wkb(path: Path, table: Any, column: str, encoding: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 - pyarrow
    if encoding == "WKB":
        return np.asarray(table.column(column).to_pylist(), dtype="object")
    return np.asarray(shapely.to_wkb(gpd.read_parquet(path, columns=[column]).geometry.to_numpy()), dtype="object")
