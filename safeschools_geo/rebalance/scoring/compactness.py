"""Compactness of zones: how far a polygon is from a circle, by two classic measures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from safeschools_geo.crs import measuring_crs

if TYPE_CHECKING:
    import geopandas as gpd


def polsby_popper(zones: gpd.GeoDataFrame | gpd.GeoSeries, *, crs: object = None) -> pd.Series:
    """Measure compactness by area and perimeter.

    Parameters
    ----------
    zones
        Polygons or MultiPolygons of n zones, with a CRS.
    crs
        Projected CRS in metres to measure in; the UTM zone of the zones by default.

    Returns
    -------
    pandas.Series
        Named `polsby_popper`, float64 between 0 and 1 (a circle), on the index of `zones`; missing where a zone has no
        area.

    Raises
    ------
    CRSError
        When `crs` is not projected in metres.

    Notes
    -----
    ``4 π area / perimeter²``. A jagged district boundary lowers it for zones that no one could draw better.

    References
    ----------
    Polsby, D. D., and Popper, R. D. (1991). The third criterion: compactness as a procedural safeguard against
    partisan gerrymandering. Yale Law & Policy Review 9(2), 301–353.
    """
    shapes = zones.geometry.to_crs(measuring_crs(zones, stated=crs))
    perimeter = shapes.length.where(shapes.area > 0)
    measure: pd.Series = 4 * np.pi * shapes.area / perimeter**2
    return measure.rename("polsby_popper")


def reock(zones: gpd.GeoDataFrame | gpd.GeoSeries, *, crs: object = None) -> pd.Series:
    """Measure compactness by the smallest circle around a zone.

    Parameters
    ----------
    zones
        Polygons or MultiPolygons of n zones, with a CRS.
    crs
        Projected CRS in metres to measure in; the UTM zone of the zones by default.

    Returns
    -------
    pandas.Series
        Named `reock`, float64 between 0 and 1 (a circle), on the index of `zones`; missing where a zone has no area.

    Raises
    ------
    CRSError
        When `crs` is not projected in metres.

    Notes
    -----
    ``area / area of the minimum bounding circle``. It is blind to a jagged edge and sees only how long a zone is.

    References
    ----------
    Reock, E. C. (1961). A note: measuring compactness as a requirement of legislative apportionment. Midwest Journal
    of Political Science 5(1), 70–74.
    """
    shapes = zones.geometry.to_crs(measuring_crs(zones, stated=crs))
    radius = pd.Series(shapely.minimum_bounding_radius(shapes.to_numpy()), index=zones.index)
    circle = (np.pi * radius**2).where(shapes.area > 0)
    measure: pd.Series = shapes.area / circle
    return measure.rename("reock")
