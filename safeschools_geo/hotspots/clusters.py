"""Places off campus where incidents stand close together: descriptive, for there is no count of people to divide by."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial.distance import pdist
from sklearn.cluster import DBSCAN, HDBSCAN

from safeschools_geo.crs import STORAGE_CRS, check_degrees, measuring_crs, require_crs
from safeschools_geo.errors import ColumnError, GeometryError, InputError, count_text
from safeschools_geo.hotspots.rates import MOSTLY
from safeschools_geo.schemas import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray
    from pyproj import CRS

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Texts = list[str]

Method = Literal["dbscan", "hdbscan"]

EPS_SWEEP = (0.5, 0.75, 1.25, 1.5, 2.0)
"""Factors on the distance under which a cluster should stay itself."""

FEWEST_PLACES = 5
"""Fewest distinct places of a cluster of HDBSCAN, which counts places and not incidents."""

_NEEDED = ("category", "origin", "hour", "zone_id")
_SAME_PLACE_DECIMALS = 6
_TOP = 3
_HOURS = 24
_ROUND_M = 10
_SQUARE_KM = 1e6


@dataclass(frozen=True)
class PlaceClusters:
    """Places off campus where incidents stand close together.

    Parameters
    ----------
    clusters
        One row for each, the one with most incidents first: see `place_clusters`. EPSG:4326.
    labels
        `cluster_id` of each incident, empty text for none, on the index of the incidents.
    without_place
        Number of incidents without a place, which are in no cluster.
    settings
        ``eps_m``, ``min_incidents``, ``eps_sweep``, ``method`` and ``crs``.
    """

    clusters: gpd.GeoDataFrame
    labels: pd.Series
    without_place: int
    settings: dict[str, Any]

    @property
    def incidents(self) -> int:
        """Number of incidents with a place."""
        return len(self.labels) - self.without_place

    def summary(self) -> str:
        """Say in plain English what stands close together.

        Returns
        -------
        str
            How many incidents stand together, or that too few do; how many have no place; that it is no test.
        """
        return f"{self._finding()}{self._left_out()}"

    def to_frame(self) -> pd.DataFrame:
        """Return the clusters without their shapes.

        Returns
        -------
        pandas.DataFrame
            `clusters` without `geometry`.
        """
        return pd.DataFrame(self.clusters.drop(columns="geometry"))

    def _finding(self) -> str:
        told, fewest = f"{count_text(self.incidents, 'incident')} off campus", self.settings["min_incidents"]
        if self.incidents < fewest:
            return f"{told}: too few to look for places where they stand close together ({fewest:,} are needed)."
        if self.clusters.empty:
            return f"{told}: no {fewest:,} of them stand close together anywhere."
        inside = int(self.clusters["incidents"].sum())
        return (
            f"{told}, {inside:,} of them close together in {count_text(len(self.clusters), 'cluster')}. Descriptive: "
            "there is no count of people to divide by, so this is not a test."
        )

    def _left_out(self) -> str:
        return f" {count_text(self.without_place, 'incident')} without a place left out." if self.without_place else ""


def weighted_dbscan(xy: ArrayLike, weights: ArrayLike, *, eps_m: float, min_weight: float) -> Ints:
    """Cluster distinct places that each stand for several incidents.

    Parameters
    ----------
    xy
        Distinct places, metres, shape (n, 2).
    weights
        Number of incidents at each, 0 or more, shape (n,).
    eps_m
        Metres within which places are neighbours, included.
    min_weight
        Fewest incidents, with those of its neighbours, at a place in the core of a cluster; a whole number.

    Returns
    -------
    numpy.ndarray
        Cluster of each place, int64, shape (n,): 0 for the one with most incidents, ties by its westernmost, then
        southernmost place; -1 for none. A place at the edge of two clusters belongs to the one whose core begins
        further west (then south), so that the order of the rows does not matter.

    Raises
    ------
    InputError
        When shapes do not fit, when a coordinate or a weight is missing or a weight negative, or when `eps_m` or
        `min_weight` is none that can be meant.

    Notes
    -----
    The clusters are those of all incidents one by one. Memory is 8 bytes for each pair of neighbours: little for
    addresses in a city, but some GB where ten thousands of places lie within `eps_m` of each other.

    References
    ----------
    M. Ester, H.-P. Kriegel, J. Sander and X. Xu, "A density-based algorithm for discovering clusters in large spatial
    databases with noise", KDD-96, pp. 226–231; by scikit-learn, with weights.
    """
    places, numbers = _checked(xy, weights)
    _require_positive(eps_m=eps_m, min_weight=min_weight)
    if not float(min_weight).is_integer():
        raise InputError("The fewest incidents must be a whole number.", where="min_weight", found=min_weight)
    if not len(places):
        return np.empty(0, dtype=np.int64)
    order = np.lexsort(places.T[::-1])
    raw = np.empty(len(places), dtype=np.int64)
    model = DBSCAN(eps=float(eps_m), min_samples=int(min_weight))
    raw[order] = model.fit(places[order], sample_weight=numbers[order]).labels_
    return _numbered(raw, places, numbers)


def place_clusters(
    incidents: gpd.GeoDataFrame,
    *,
    crs: CRS,
    eps_m: float = 150.0,
    min_incidents: int = 10,
    eps_sweep: Sequence[float] = EPS_SWEEP,
    method: Method = "dbscan",
) -> PlaceClusters:
    """Find places where incidents stand close together.

    Parameters
    ----------
    incidents
        `category`, `origin`, `hour` (0 to 23, missing where unknown), `zone_id` (empty where there is none) and points,
        EPSG:4326, some of them missing. Those at schools are the caller's to leave out.
    crs
        Projected CRS in metres to measure in.
    eps_m
        Metres within which places belong together.
    min_incidents
        Fewest incidents of a cluster.
    eps_sweep
        Factors on `eps_m` for the stability.
    method
        ``dbscan``, where a place with twelve incidents counts twelve times. Or ``hdbscan``, which needs no distance but
        takes no weights: it looks at how close `FEWEST_PLACES` or more distinct places lie to each other, blind to
        the incidents at them, and what then holds fewer than `min_incidents` is dropped. It never finds a single
        address, and it is slow for more than some ten thousand places.

    Returns
    -------
    PlaceClusters
        `clusters` has `cluster_id` (``P1`` …), `incidents`, `places` (distinct points, to six decimals of a degree),
        `officer_initiated_share`, `top_categories` (the three most frequent), `top_hours` (the two hours on end with
        most of those whose hour is known; ``unknown`` where none is), `zone_id` (of most of its incidents),
        `stability_share` (mean over the sweep of the best overlap, as Jaccard's coefficient of incidents, with a
        cluster of ``dbscan`` at that distance; missing without a sweep), `area_km2`, `is_one_place`, `sentence` and
        `geometry` (all within half of `eps_m` of its places). A cluster that shares the places at its edge with a
        larger one, and so is left with fewer than `min_incidents`, is dropped.

    Raises
    ------
    CRSError
        When `crs` is not projected or not in metres, or the incidents state no CRS or no degrees.
    ColumnError
        When a column is missing or holds what it cannot.
    GeometryError
        When a geometry is no point.
    InputError
        When a setting is none that can be meant.
    """
    metres = measuring_crs(incidents, stated=crs)
    _require_positive(eps_m=eps_m, min_incidents=min_incidents, eps_sweep=min(eps_sweep, default=1.0))
    if method not in get_args(Method):
        raise InputError("This method is not known.", where="method", found=method, expected=get_args(Method))
    _require_columns(incidents)
    at = _Places.read(incidents, metres)
    labels = _found(at, eps_m, min_incidents, method)
    sweep = [_found(at, eps_m * factor, min_incidents, "dbscan") for factor in eps_sweep]
    clusters = _described(incidents, at, labels, eps_m=eps_m, stability=_stability(labels, sweep, at.incidents))
    # What is nowhere is in no cluster: -1 takes the last.
    of_incident = np.append(labels, -1)[at.of_incident]
    names = np.array([*clusters["cluster_id"], ""], dtype=object)
    return PlaceClusters(
        clusters.set_crs(metres).to_crs(STORAGE_CRS).pipe(_made_valid),
        pd.Series(names[of_incident], index=incidents.index, dtype="str", name="cluster_id"),
        int((at.of_incident < 0).sum()),
        {
            "eps_m": eps_m,
            "min_incidents": min_incidents,
            "eps_sweep": tuple(eps_sweep),
            "method": method,
            "crs": metres.to_string(),
        },
    )


@dataclass(frozen=True)
class _Places:
    """Distinct places in metres, shape (m, 2), incidents at each (m,), and the place of each incident (n,), or -1."""

    xy: Floats
    incidents: Ints
    of_incident: Ints

    @classmethod
    def read(cls, incidents: gpd.GeoDataFrame, metres: CRS) -> _Places:
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


def _found(at: _Places, eps_m: float, min_incidents: int, method: Method) -> Ints:
    if method == "dbscan":
        labels = weighted_dbscan(at.xy, at.incidents, eps_m=eps_m, min_weight=min_incidents)
    else:
        labels = _hdbscan(at.xy, at.incidents)
    # The largest come first, so those that are too small are the last.
    enough = int((_held(labels, at.incidents) >= min_incidents).sum())
    return np.where(labels < enough, labels, -1)


def _hdbscan(xy: Floats, numbers: Ints) -> Ints:
    """Cluster places blind to what they hold; R. Campello, D. Moulavi and J. Sander, PAKDD 2013."""
    raw = np.full(len(xy), -1, dtype=np.int64)
    if len(xy) >= FEWEST_PLACES:
        order = np.lexsort(xy.T[::-1])
        raw[order] = HDBSCAN(min_cluster_size=FEWEST_PLACES, copy=True).fit(xy[order]).labels_
    return _numbered(raw, xy, numbers.astype(np.float64))


def _numbered(raw: Ints, places: Floats, numbers: Floats) -> Ints:
    """Give clusters numbers by falling weight, ties by the westernmost, then southernmost place."""
    order = np.lexsort(places.T[::-1])
    rows = pd.DataFrame({"x": places[order, 0], "y": places[order, 1], "weight": numbers[order]}).groupby(raw[order])
    # Groups come sorted, and the first row of each is its westernmost place.
    table = rows.agg({"weight": "sum", "x": "first", "y": "first"}).drop(index=-1, errors="ignore")
    ranked = table.sort_values(["weight", "x", "y"], ascending=[False, True, True]).index
    number = np.full(len(ranked) + 1, -1, dtype=np.int64)
    number[ranked] = np.arange(len(ranked))
    return number[raw]


def _held(labels: Ints, numbers: Ints) -> Ints:
    """Count the incidents of each cluster."""
    is_in = labels >= 0
    return np.bincount(labels[is_in], numbers[is_in]).astype(np.int64)


def _stability(labels: Ints, sweep: list[Ints], numbers: Ints) -> Floats:
    """Average the best overlap of each cluster, in incidents, with one under other distances."""
    held = _held(labels, numbers)
    best = np.zeros((len(sweep), len(held)))
    for overlap, other in zip(best, sweep, strict=True):
        others = _held(other, numbers)
        is_both = (labels >= 0) & (other >= 0)
        pairs, which = np.unique(labels[is_both] * len(others) + other[is_both], return_inverse=True)
        shared = np.bincount(which, numbers[is_both])
        mine, theirs = np.divmod(pairs, max(len(others), 1))
        np.maximum.at(overlap, mine, shared / (held[mine] + others[theirs] - shared))
    return best.mean(axis=0) if sweep else np.full(len(held), np.nan)


def _described(
    incidents: gpd.GeoDataFrame, at: _Places, labels: Ints, *, eps_m: float, stability: Floats
) -> gpd.GeoDataFrame:
    held, members = _held(labels, at.incidents), _members(labels)
    is_in = np.append(labels, -1)[at.of_incident] >= 0
    inside = incidents.loc[is_in, list(_NEEDED)]
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
        f"Descriptive: {count_text(row['incidents'], 'incident')} at {where}{zone}, {how_often} "
        f"{CATEGORIES[kind].lower()} ({number:,}){started}; no count of people present, so this is not a test of harm."
    )


def _made_valid(clusters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Mend what bringing circles that just touch back to degrees may have crossed."""
    shapes = clusters.geometry.copy()
    is_wrong = ~shapes.is_valid
    # Not of all: of a shape with thousands of holes that takes long.
    shapes[is_wrong] = shapes[is_wrong].make_valid(method="structure", keep_collapsed=False)
    return clusters.set_geometry(shapes)


def _checked(xy: ArrayLike, weights: ArrayLike) -> tuple[Floats, Floats]:
    places, numbers = np.asarray(xy, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if not places.size and not numbers.size:
        return np.empty((0, 2)), np.empty(0)
    if numbers.ndim != 1 or places.shape != (len(numbers), 2):
        raise InputError(
            "Places and weights do not fit each other.",
            found=f"places {places.shape}, weights {numbers.shape}",
            expected="places (n, 2), weights (n,)",
        )
    is_wrong = ~(np.isfinite(places).all(axis=1) & np.isfinite(numbers) & (numbers >= 0))
    if is_wrong.any():
        raise InputError(
            "A place or its weight is missing, or a weight is negative.",
            ids=np.flatnonzero(is_wrong),
            expected="coordinates in metres and numbers of incidents",
        )
    return places, numbers


def _require_positive(**sizes: float) -> None:
    for name, size in sizes.items():
        if not (np.isfinite(size) and size > 0):
            raise InputError("This must be a number above 0.", where=name, found=size)


def _require_columns(incidents: gpd.GeoDataFrame) -> None:
    lacking = [name for name in _NEEDED if name not in incidents.columns]
    if lacking:
        raise ColumnError("Incidents lack columns.", found=", ".join(map(str, incidents.columns)), expected=_NEEDED)
    hour, category = incidents["hour"], incidents["category"]
    _require_cells(category, category.isin(list(CATEGORIES)), ", ".join(CATEGORIES))
    _require_cells(hour, hour.isna() | hour.isin(range(_HOURS)), "whole numbers from 0 to 23, or missing")


def _require_cells(cells: pd.Series, is_right: pd.Series, expected: str) -> None:
    wrong = cells[~is_right.to_numpy(dtype=np.bool_)]
    if len(wrong):
        raise ColumnError(
            f"The column {cells.name} holds what it cannot.",
            where="incidents",
            ids=wrong.index,
            found=repr(wrong.iloc[0]),
            expected=expected,
        )
