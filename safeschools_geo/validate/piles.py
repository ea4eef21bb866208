"""Piles of equal coordinates that are no school: what a geocoder gives when it finds nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.validate.geometry import in_metres

if TYPE_CHECKING:
    from pyproj import CRS

AWAY_M = 100.0
"""A pile of incidents nearer than this to a school is the school's."""

_SAME_PLACE_DECIMALS = 6


def find_piles(points: gpd.GeoSeries, schools: gpd.GeoSeries, *, smallest: int, crs: CRS) -> pd.DataFrame:
    """Find places, away from every school, where very many incidents have the same coordinates.

    Parameters
    ----------
    points
        Places of the incidents, EPSG:4326; some may be missing.
    schools
        Places of the schools, EPSG:4326; some may be missing.
    smallest
        Number of incidents at one place, to six decimals of a degree, from which it is a pile.
    crs
        Projected CRS in metres to measure in.

    Returns
    -------
    pandas.DataFrame
        `x`, `y` (longitude and latitude, to six decimals) and `incidents` of the piles that are more than `AWAY_M`
        metres from every school, the largest first.
    """
    sizes = _rounded(points).dropna().value_counts(sort=False).sort_index()
    piles = sizes[sizes >= smallest].sort_values(ascending=False, kind="stable").rename("incidents").reset_index()
    places = gpd.GeoSeries.from_xy(piles["x"], piles["y"], crs="EPSG:4326")
    campuses = in_metres(schools[~(schools.isna() | schools.is_empty)], crs).union_all()
    # With no school at all the distance is not a number, and every pile is away from schools.
    is_away = ~(in_metres(places, crs).distance(campuses).to_numpy() <= AWAY_M)
    return pd.DataFrame(piles[is_away]).reset_index(drop=True)


def pile_of(points: gpd.GeoSeries, piles: pd.DataFrame) -> pd.Series:
    """Tell which pile each incident is in.

    Parameters
    ----------
    points
        Places of the incidents, EPSG:4326.
    piles
        Result of `find_piles`.

    Returns
    -------
    pandas.Series
        Named `pile`, row of `piles`, int64, -1 where an incident is in none, on the index of `points`.
    """
    keys = pd.MultiIndex.from_frame(piles[["x", "y"]])
    rows = keys.get_indexer(pd.MultiIndex.from_frame(_rounded(points))) if len(piles) else np.full(len(points), -1)
    return pd.Series(rows, index=points.index, dtype="int64", name="pile")


def _rounded(points: gpd.GeoSeries) -> pd.DataFrame:
    xy = shapely.bounds(points.to_numpy())[:, :2].round(_SAME_PLACE_DECIMALS)
    return pd.DataFrame(xy, index=points.index, columns=["x", "y"])
