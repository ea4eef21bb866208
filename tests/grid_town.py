"""A town drawn on squared paper: a school in the middle of each square, 1 km a side unless told.

Square (row, column) has the school ``"r<row>c<column>"``; row 0 is the southernmost, column 0 the westernmost::

    r1c0 | r1c1 | r1c2
    -----+------+-----
    r0c0 | r0c1 | r0c2
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
from shapely.geometry import Point, Polygon, box

UTM = "EPSG:32610"
EAST, NORTH = 600_000.0, 4_200_000.0
CM_DEG = 1e-7


def school_at(places: dict[str, tuple[float, float]], *, enrollment: list[int | None] | None = None):
    """Place schools, in meters east and north of the corner of the paper."""
    return gpd.GeoDataFrame(
        {
            "school_id": pd.array(list(places), dtype="str"),
            "level": "elementary",
            "enrollment": pd.array(enrollment or [100] * len(places), dtype="Int64"),
        },
        geometry=[Point(EAST + x, NORTH + y) for x, y in places.values()],
        crs=UTM,
    )


def district_of(*shapes: Polygon) -> gpd.GeoDataFrame:
    """Make a district of shapes drawn in meters from the corner of the paper."""
    return gpd.GeoDataFrame(geometry=gpd.GeoSeries(shapes, crs=UTM).translate(EAST, NORTH), crs=UTM)


def grid_schools(rows: int, columns: int, *, width: float = 1000.0, height: float = 1000.0):
    """Place a school in the middle of each square."""
    return school_at(
        {f"r{r}c{c}": ((c + 0.5) * width, (r + 0.5) * height) for r in range(rows) for c in range(columns)}
    )


def grid_district(rows: int, columns: int, *, width: float = 1000.0, height: float = 1000.0) -> gpd.GeoDataFrame:
    """Draw the outline of the paper."""
    return district_of(box(0, 0, columns * width, rows * height))
