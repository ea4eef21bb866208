"""A town of six units, 1 km a side, in three zones of two, one for each column::

    north |  d  |  e  |  f       workload  4 | 1 | 2     level  high       | middle     | elementary
    south |  a  |  b  |  c                 1 | 2 | 2            elementary | elementary | elementary
    zone     1     2     3       load      5 | 3 | 4

The mean load is 4. Unit b holds two schools, b1 and b2; every other unit holds the school of its own name.
"""

from __future__ import annotations

import geopandas as gpd
import pandas as pd
from grid_town import EAST, NORTH, UTM
from shapely.geometry import box

from safeschools_geo.rebalance._neighbors import rook_adjacency

CORNERS = {"a": (0, 0), "b": (1, 0), "c": (2, 0), "d": (0, 1), "e": (1, 1), "f": (2, 1)}
SCHOOL_IDS = [("a",), ("b1", "b2"), ("c",), ("d",), ("e",), ("f",)]
LEVELS = {
    "a": "elementary",
    "b1": "elementary",
    "b2": "elementary",
    "c": "elementary",
    "d": "high",
    "e": "middle",
    "f": "elementary",
}
PLAN = pd.Series({"a": "2", "b": "2", "c": "3", "d": "1", "e": "2", "f": "3"}, name="zone_id")
"""Unit a goes from zone 1 to zone 2: loads 4, 4, 4."""


def six_units() -> gpd.GeoDataFrame:
    """Draw the town."""
    shapes = [
        box(EAST + 1000 * x, NORTH + 1000 * y, EAST + 1000 * (x + 1), NORTH + 1000 * (y + 1))
        for x, y in CORNERS.values()
    ]
    return gpd.GeoDataFrame(
        {
            "unit_id": pd.array(list(CORNERS), dtype="str"),
            "zone_id": pd.array(["1", "2", "3", "1", "2", "3"], dtype="str"),
            "workload": [1.0, 2.0, 2.0, 4.0, 1.0, 2.0],
            "name": pd.array(["Ash", "Birch", "Cedar", "Dogwood", "Elm", "Fir"], dtype="str"),
            "school_ids": SCHOOL_IDS,
            "schools": [1, 2, 1, 1, 1, 1],
            "students": [300.0, 700.0, float("nan"), 1500.0, 600.0, 400.0],
            "incidents": [10, 20, 20, 40, 10, 20],
        },
        geometry=shapes,
        crs=UTM,
    )


def six_edges() -> pd.DataFrame:
    """Link neighbors."""
    return rook_adjacency(six_units(), crs=UTM).assign(kind="border")


def seven_schools() -> pd.DataFrame:
    """List the schools with their levels."""
    return pd.DataFrame({"school_id": list(LEVELS), "level": list(LEVELS.values())})


def current() -> pd.Series:
    """Return the zones as they are."""
    units = six_units()
    return pd.Series(units["zone_id"].to_numpy(), index=units["unit_id"], name="zone_id")
