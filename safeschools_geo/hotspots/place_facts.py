"""What is told of places where incidents stand close together: how many, of what kind, when, in which zone."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial.distance import pdist

from safeschools_geo.crs import STORAGE_CRS, check_degrees, require_crs
from safeschools_geo.errors import GeometryError
from safeschools_geo.hotspots.rates import MOSTLY
from safeschools_geo.hotspots.words import counted_text
from safeschools_geo.schemas import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from numpy.typing import NDArray
    from pyproj import CRS

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

NEEDED = ("category", "origin", "hour", "zone_id")
"""Columns of incidents that facts are told from."""

_SAME_PLACE_DECIMALS = 6
_TOP = 3
_HOURS = 24
_ROUND_M = 10
_SQUARE_KM = 1e6


@dataclass(frozen=True)
class DistinctPlaces:
    """Distinct places of incidents.

    Parameters
    ----------
    xy
        Metres, shape (m, 2).
    incidents
        Number of incidents at each, shape (m,).
    of_incident
        Place of each incident, -1 without one, shape (n,).
    """

    xy: Floats
    incidents: Ints
    of_incident: Ints

    @classmethod
    def read(cls, incidents: gpd.GeoDataFrame, metres: CRS) -> DistinctPlaces:
        """Read the places of incidents: those equal to six decimals of a degree are one.

        Parameters
        ----------
        incidents
            Points, any CRS, some of them missing.
        metres
            Projected CRS in metres.

        Returns
        -------
        DistinctPlaces
            The places.

        Raises
        ------
        GeometryError
            When a geometry is no point.
        """
        require_crs(incidents, "incidents")
        shapes = incidents.geometry.to_crs(STORAGE_CRS).to_numpy()
        corners = shapely.bounds(shapes)
        is_placed = np.isfinite(corners).all(axis=1)
        is_wrong = is_placed & (shapely.get_type_id(shapes) != shapely.GeometryType.POINT)
        if is_wrong.any():
            raise GeometryError("Places of incidents must be points.", ids=incidents.index[is_wrong])
        lonlat = corners[is_placed, :2].round(_SAME_PLACE_DECIMALS)
        if len(lonlat):
            check_degrees((*lonlat.min(axis=0), *lonlat.max(axis=0)), STORAGE_CRS, "incidents")
        # A complex number sorts by its real part, then by its imaginary one: much quicker than rows do.
        spots, place, numbers = np.unique(lonlat[:, 0] + 1j * lonlat[:, 1], return_inverse=True, return_counts=True)
        of_incident = np.full(len(shapes), -1, dtype=np.int64)
        of_incident[is_placed] = place
        points = gpd.GeoSeries.from_xy(spots.real, spots.imag, crs=STORAGE_CRS).to_crs(metres)
        return cls(shapely.get_coordinates(points.to_numpy()), numbers.astype(np.int64), of_incident)


def place_facts(
    incidents: gpd.GeoDataFrame, at: DistinctPlaces, labels: Ints, *, eps_m: float, stability: Floats
) -> gpd.GeoDataFrame:
    """Tell the facts of clusters of places.

    Parameters
    ----------
    incidents
        Incidents with the columns of `NEEDED`.
    at
        Their distinct places.
    labels
        Cluster of each place, from 0, -1 for none, shape (m,).
    eps_m
        Metres within which places belong together.
    stability
        Stability of each cluster.

    Returns
    -------
    geopandas.GeoDataFrame
        One row for each cluster, in their order, in metres: the columns of `clusters.place_clusters`.
    """
    held, members = incidents_held(labels, at.incidents), _members(labels)
    is_in = np.append(labels, -1)[at.of_incident] >= 0
    inside = incidents.loc[is_in, list(NEEDED)]
    cluster = labels[at.of_incident[is_in]]
    started = np.bincount(cluster[inside["origin"].to_numpy() == "officer_initiated"], minlength=len(held))
    kinds = _most_frequent(cluster, pd.Categorical(inside["category"], list(CATEGORIES)), len(held))
    in_zone = inside["zone_id"].where(inside["zone_id"] != "")
    zones = _most_frequent(cluster, pd.Categorical(in_zone), len(held))
    shapes = [shapely.union_all(shapely.buffer(shapely.points(at.xy[rows]), eps_m / 2)) for rows in members]
    table = pd.DataFrame(
        {
            "cluster_id": _texts(f"P{number}" for number in range(1, len(held) + 1)),
            "incidents": held,
            "places": np.array([len(rows) for rows in members], dtype=np.int64),
            "officer_initiated_share": started / held,
            "top_categories": _texts(_kinds_text(top) for top in kinds),
            "top_hours": _texts(_top_hours(cluster, inside["hour"], len(held))),
            "zone_id": _texts(top[0][0] if top else "" for top in zones),
            "stability_share": stability,
            "area_km2": shapely.area(np.array(shapes, dtype=object)) / _SQUARE_KM,
        }
    )
    table["is_one_place"] = table["places"] == 1
    spread = [_spread_m(at.xy[rows]) for rows in members]
    is_whole = [bool(top) and top[0][1] == n for top, n in zip(zones, held, strict=True)]
    told = zip(table.to_dict("records"), kinds, spread, is_whole, strict=True)
    table["sentence"] = _texts(_sentence(row, top[0], across, is_in=whole) for row, top, across, whole in told)
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, index=table.index))


def incidents_held(labels: Ints, numbers: Ints) -> Ints:
    """Count the incidents of each cluster.

    Parameters
    ----------
    labels
        Cluster of each place, -1 for none, shape (m,).
    numbers
        Incidents at each place, shape (m,).

    Returns
    -------
    numpy.ndarray
        Incidents, int64, by cluster.
    """
    is_in = labels >= 0
    return np.bincount(labels[is_in], numbers[is_in]).astype(np.int64)


def _members(labels: Ints) -> list[Ints]:
    """List the places of each cluster, by one sort."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(labels.max(initial=-1) + 2))
    return [order[first:last] for first, last in pairwise(starts)]


def _most_frequent(cluster: Ints, values: pd.Categorical, k: int) -> list[list[tuple[str, int]]]:
    """List the most frequent values of each cluster with their counts, ties in the order of the categories."""
    names, width = list(values.categories), max(len(values.categories), 1)
    is_known = values.codes >= 0
    counts = np.bincount(cluster[is_known] * width + values.codes[is_known], minlength=k * width).reshape(k, width)
    ranked = np.argsort(-counts, axis=1, kind="stable")[:, :_TOP]
    return [[(str(names[i]), int(row[i])) for i in best if row[i]] for row, best in zip(counts, ranked, strict=True)]


def _top_hours(cluster: Ints, hours: pd.Series, k: int) -> list[str]:
    is_known = hours.notna().to_numpy()
    hour = hours[is_known].to_numpy(dtype=np.int64)
    counts = np.bincount(cluster[is_known] * _HOURS + hour, minlength=k * _HOURS).reshape(k, _HOURS)
    two = counts + np.roll(counts, -1, axis=1)
    # Of equal pairs, the one that begins with the busier hour; of these, the earliest.
    first = np.argmax(two * (len(hour) + 1) + counts, axis=1)
    told = zip(first.tolist(), two.max(axis=1).tolist(), counts.sum(axis=1).tolist(), strict=True)
    return [f"{h:02}:00–{(h + 1) % _HOURS + 1:02}:00 ({n} of {known})" if known else "unknown" for h, n, known in told]


def _texts(texts: Iterable[str]) -> pd.Series:
    return pd.Series(list(texts), dtype="str")


def _kinds_text(top: list[tuple[str, int]]) -> str:
    return "; ".join(f"{CATEGORIES[kind]} ({number:,})" for kind, number in top)


def _spread_m(places: Floats) -> int:
    """Measure how far apart the two outermost places are, rounded up."""
    if len(places) == 1:
        return 0
    outermost = shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(places)))
    return int(np.ceil(pdist(outermost).max() / _ROUND_M)) * _ROUND_M


def _sentence(row: Mapping[Hashable, Any], top: tuple[str, int], across_m: int, *, is_in: bool) -> str:
    kind, number = top
    where = "one place" if row["is_one_place"] else f"{row['places']:,} places within {across_m:,} m of each other"
    zone = f" in{'' if is_in else ' and around'} Zone {row['zone_id']}" if row["zone_id"] else ""
    how_often = "mostly" if 2 * number > row["incidents"] else "most often"
    share = row["officer_initiated_share"]
    started = f"; officers started {share:.0%} of them" if share >= MOSTLY else ""
    return (
        f"Descriptive: {counted_text(row['incidents'], 'critical')} at {where}{zone}, {how_often} "
        f"{CATEGORIES[kind].lower()} ({number:,}){started}; no count of people present, so this is not a test of harm."
    )
