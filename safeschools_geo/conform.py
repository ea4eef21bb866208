"""Whether a frame is the table it is said to be: `schemas` checked by pandera, faults in our words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import ColumnError

if TYPE_CHECKING:
    from safeschools_geo.schemas import Column, Table


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
