"""From units to zones: polygons that tile the district, numbered in reading order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import STORAGE_CRS

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS


def zones_of_units(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join the units of each zone into one polygon.

    Parameters
    ----------
    units
        Units that are an exact coverage, with `zone_id`, in EPSG:4326.

    Returns
    -------
    geopandas.GeoDataFrame
        Table `zones`, in the numerical order of the ids where they are numbers; an exact coverage as well.
    """
    members = units.geometry.groupby(units["zone_id"].to_numpy())
    shapes = members.agg(lambda shapes: shapely.coverage_union_all(shapes.to_numpy()))
    ids = sorted(shapes.index, key=lambda i: (not i.isdigit(), int(i) if i.isdigit() else 0, i))
    return gpd.GeoDataFrame(
        {"zone_id": pd.array(ids, dtype="str"), "name": pd.array([f"Zone {i}" for i in ids], dtype="str")},
        geometry=shapes.loc[ids].to_numpy(),
        crs=STORAGE_CRS,
    )


def reading_order(units: gpd.GeoDataFrame, label: NDArray[np.int64], *, crs: CRS) -> NDArray[np.object_]:
    """Give zones their numbers like words on a page: in rows of one height from the north, each from the west.

    Parameters
    ----------
    units
        Areal units, n rows, with a CRS.
    label
        Zone of each unit, from 0, shape (n,).
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    numpy.ndarray
        The number of each zone as text, "1" first, shape (zones,).
    """
    shapes = units.geometry.to_crs(crs)
    middle = shapes.groupby(label).agg(shapely.union_all).set_crs(crs).centroid
    west, south, east, north = shapes.total_bounds
    zones = len(middle)
    rows = max(1, round(np.sqrt(zones * (north - south) / (east - west))))
    # Whole metres, so that zones at one height stay in order whatever the last digit.
    x, y = middle.x.round().to_numpy(), middle.y.round().to_numpy()
    row = ((north - y) / (north - south) * rows).astype("int64")
    zone_id = np.empty(zones, dtype=object)
    zone_id[np.lexsort((-y, x, row))] = [str(i + 1) for i in range(zones)]
    return zone_id
