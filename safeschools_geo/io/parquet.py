"""Parquet and GeoParquet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from safeschools_geo.errors import FileReadError
from safeschools_geo.io.arrow_tables import to_frame
from safeschools_geo.io.file_kinds import check_size, check_table_size, describe
from safeschools_geo.io.raw import RawTable, column_names
from safeschools_geo.io.shapes import with_shapes

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from safeschools_geo.results import Finding
    from safeschools_geo.settings import ReadingSettings

_DEFAULT_CRS = "OGC:CRS84"


def read_parquet(path: Path, *, limits: ReadingSettings) -> RawTable:
    """Read Parquet or GeoParquet.

    Parameters
    ----------
    path
        The file.
    limits
        How much it may hold.

    Returns
    -------
    RawTable
        Columns in their types. What a pandas frame was indexed by is a column; an index without a name is ``index``.

    Raises
    ------
    FileReadError
        When it is no Parquet file, is damaged, or holds more than `limits` allow.

    Notes
    -----
    Geometry follows the GeoParquet specification 1.1: the primary column of the ``geo`` metadata; coordinates without a
    stated CRS are longitude and latitude, while a CRS of ``null`` is unknown.
    """
    try:
        table = _table(path, limits)
        geo = json.loads((table.schema.metadata or {}).get(b"geo", b"null"))
        frame, findings = _frame(table, path)
        column = geo and geo["primary_column"]
        described = geo and geo["columns"][column]
        wkb = described and _wkb(path, table, column, described["encoding"])
    except FileReadError:
        raise
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


def _table(path: Path, limits: ReadingSettings) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Read all columns, texts as a list of those there are: a text that comes in every row is in the file but once."""
    with path.open("rb") as opened:
        with pq.ParquetFile(opened) as file:
            about = file.metadata
            check_table_size(path, limits, rows=about.num_rows, columns=about.num_columns)
            size = sum(about.row_group(n).total_byte_size for n in range(about.num_row_groups))
            check_size(path, size, limits, packed=path.stat().st_size)
            texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
        with pq.ParquetFile(opened, read_dictionary=texts) as file:
            table = file.read()
    check_size(path, sum(map(_spread_bytes, table.columns)), limits, packed=path.stat().st_size)
    return table


def _is_text(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return bool(pa.types.is_string(kind) or pa.types.is_binary(kind))


def _spread_bytes(column: Any) -> int:  # noqa: ANN401 - pyarrow has no types
    """Count the bytes of a column once every row has its own text."""
    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return sum(
        int(pc.sum(pc.binary_length(chunk.dictionary).take(chunk.indices)).as_py() or 0)
        for chunk in column.chunks
        if _is_text(column.type.value_type)
    )


def _frame(table: Any, path: Path) -> tuple[pd.DataFrame, tuple[Finding, ...]]:  # noqa: ANN401 - pyarrow has no types
    given = ["index" if name.startswith("__index_level_") else name for name in table.column_names]
    names, findings = column_names(given, path)
    return to_frame(dict(zip(names, table.columns, strict=True)), rows=table.num_rows), tuple(findings)


def _wkb(path: Path, table: Any, column: str, encoding: str) -> np.ndarray[Any, Any]:  # noqa: ANN401 - pyarrow
    if encoding == "WKB":
        return np.asarray(table.column(column).to_pylist(), dtype="object")
    with path.open("rb") as file:
        shapes = gpd.read_parquet(file, columns=[column]).geometry.to_numpy()
    return np.asarray(shapely.to_wkb(shapes), dtype="object")
