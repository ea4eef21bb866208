"""Places off campus where incidents stand close together: descriptive, for the Sheriff's patrol."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.interpolate import BSpline, RectBivariateSpline
from scipy.ndimage import gaussian_filter
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree
from scipy.spatial.distance import pdist

from safeschools_geo.crs import STORAGE_CRS, check_degrees, measuring_crs, require_crs
from safeschools_geo.errors import ColumnError, GeometryError, InputError, count_text
from safeschools_geo.hotspots._expected import counted_text
from safeschools_geo.hotspots._schools import MOSTLY
from safeschools_geo.schemas import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray
    from pyproj import CRS
    from scipy.sparse import csr_array

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Texts = list[str]


# ── What is reported of places where incidents stand close together: how many, of what kind, when, in which zone

NEEDED = ("category", "origin", "hour", "zone_id")
"""Columns of incidents that facts are stated from."""

_SAME_PLACE_DECIMALS = 6
_TOP = 3
_HOURS = 24
_ROUND_M = 10
_SQUARE_KM = 1e6


@dataclass(frozen=True)
class DistinctPlaces:
    """Distinct places of incidents."""

    xy: Floats  # Meters, shape (m, 2)
    incidents: Ints  # Number of incidents at each, shape (m,)
    of_incident: Ints  # Place of each incident, -1 without one, shape (n,)

    @classmethod
    def read(cls, incidents: gpd.GeoDataFrame, meters: CRS) -> DistinctPlaces:
        """Read the places of incidents: those equal to six decimals of a degree are one."""
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
        points = gpd.GeoSeries.from_xy(spots.real, spots.imag, crs=STORAGE_CRS).to_crs(meters)
        return cls(shapely.get_coordinates(points.to_numpy()), numbers.astype(np.int64), of_incident)


def place_facts(
    incidents: gpd.GeoDataFrame, at: DistinctPlaces, labels: Ints, *, eps_m: float, stability: Floats
) -> gpd.GeoDataFrame:
    """Tell the facts of clusters of places."""
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
            "top_categories": _texts("; ".join(f"{CATEGORIES[one]} ({n:,})" for one, n in top) for top in kinds),
            "top_hours": _texts(_top_hours(cluster, inside["hour"], len(held))),
            "zone_id": _texts(top[0][0] if top else "" for top in zones),
            "stability_share": stability,
            "area_km2": shapely.area(np.array(shapes, dtype=object)) / _SQUARE_KM,
        }
    )
    table["is_one_place"] = table["places"] == 1
    spread = [_spread_m(at.xy[rows]) for rows in members]
    is_whole = [bool(top) and top[0][1] == n for top, n in zip(zones, held, strict=True)]
    place_rows = zip(table.to_dict("records"), kinds, spread, is_whole, strict=True)
    table["sentence"] = _texts(_sentence(row, top[0], across, is_in=whole) for row, top, across, whole in place_rows)
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, index=table.index))


def incidents_held(labels: Ints, numbers: Ints) -> Ints:
    """Count the incidents of each cluster."""
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
    most_of_all = zip(first.tolist(), two.max(axis=1).tolist(), counts.sum(axis=1).tolist(), strict=True)
    return [
        f"{h:02}:00–{(h + 1) % _HOURS + 1:02}:00 ({n} of {known})" if known else "unknown"
        for h, n, known in most_of_all
    ]


def _texts(texts: Iterable[str]) -> pd.Series:
    return pd.Series(list(texts), dtype="str")


def _spread_m(places: Floats) -> int:
    """Measure how far apart the two outermost places are, rounded up."""
    return int(np.ceil(_width_m(places) / _ROUND_M)) * _ROUND_M


def _width_m(places: Floats) -> float:
    outermost = shapely.get_coordinates(shapely.convex_hull(shapely.multipoints(places)))
    return float(pdist(outermost).max(initial=0.0))


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


# ── Places off campus where incidents stand close together: descriptive, for there is no count of people to divide by

EPS_SWEEP = (0.5, 0.75, 1.25, 1.5, 2.0)
"""Factors on the distance under which a cluster should stay itself."""

_NARROWER = 0.75
"""Factor on the distance by which a cluster that is too wide for a place is clustered again."""

_AROUND = 2
"""So many squares away something may be near."""

_HAIR, _STEP, _FEW = 1e-9, 20_000, 400


@dataclass(frozen=True)
class PlaceClusters:
    """Places off campus where incidents stand close together."""

    clusters: gpd.GeoDataFrame  # One row for each, the one with most incidents first: see `place_clusters`. EPSG:4326.
    labels: pd.Series  # `cluster_id` of each incident, empty text for none, on the index of the incidents
    without_place: int  # Number of incidents without a place, which are in no cluster
    settings: dict[str, Any]  # ``eps_m``, ``min_incidents``, ``width_m``, ``eps_sweep`` and ``crs``

    @property
    def incidents(self) -> int:
        """Number of incidents with a place."""
        return len(self.labels) - self.without_place

    def summary(self) -> str:
        """Say in plain English what stands close together."""
        return f"{self._finding()}{self._left_out()}"

    def to_frame(self) -> pd.DataFrame:
        """Return the clusters without their shapes."""
        return pd.DataFrame(self.clusters.drop(columns="geometry"))

    def _finding(self) -> str:
        text, fewest = f"{counted_text(self.incidents, 'critical')} off campus", self.settings["min_incidents"]
        if self.incidents < fewest:
            return f"{text}: too few to look for places where they stand close together ({fewest:,} are needed)."
        if self.clusters.empty:
            return f"{text}: no {fewest:,} of them stand close together anywhere."
        inside = int(self.clusters["incidents"].sum())
        return (
            f"{text}, {inside:,} of them close together in {count_text(len(self.clusters), 'cluster')}. Descriptive: "
            "there is no count of people to divide by, so this is not a test."
        )

    def _left_out(self) -> str:
        return (
            f" {counted_text(self.without_place, 'critical')} without a place left out." if self.without_place else ""
        )


def weighted_dbscan(xy: ArrayLike, weights: ArrayLike, *, eps_m: float, min_weight: float) -> Ints:
    """Cluster distinct places that each stand for several incidents.

    Cluster of each place, int64, shape (n,): 0 for the one with most incidents, ties by its westernmost, then
    southernmost place; -1 for none. A place at the edge of two clusters belongs to the one whose core begins further
    west (then south), so that the order of the rows does not matter.

    The clusters are those of all incidents one by one.

    M. Ester, H.-P. Kriegel, J. Sander and X. Xu, "A density-based algorithm for discovering clusters in large spatial
    databases with noise", KDD-96, pp. 226–231; by squares: A. Gunawan, "A faster algorithm for DBSCAN", TU Eindhoven,
    2013.
    """
    places, numbers = _checked(xy, weights)
    _require_positive(eps_m=eps_m, min_weight=min_weight)
    if not float(min_weight).is_integer():
        raise InputError("The fewest incidents must be a whole number.", where="min_weight", found=min_weight)
    everything = np.zeros(len(places), dtype=np.int64)
    return _numbered(_dbscan(places, numbers, float(eps_m), int(min_weight), everything), places, numbers)


def _dbscan(places: Floats, numbers: Floats, eps_m: float, min_weight: int, group: Ints) -> Ints:
    """Cluster the places of each group by themselves, each cluster with any number; -1 for none.

    Groups are numbers from 0; places of group -1 are in no cluster. Places are counted within small squares first: all
    in one square are near each other, so that a square with many incidents needs no looking at its pairs.
    """
    raw = np.full(len(places), -1, dtype=np.int64)
    order = np.flatnonzero(group >= 0)
    order = order[np.lexsort((places[order, 1], places[order, 0]))]
    if not len(order):
        return raw
    at, weight, part = places[order], numbers[order], group[order]
    key, row = _squares(at, part, eps_m)
    square = np.unique(key, return_inverse=True)[1]
    is_core = np.bincount(square, weight)[square] >= min_weight
    loose = np.flatnonzero(~is_core)
    near = _near_loose(at, part, loose, eps_m=eps_m, most=min_weight)
    is_core[loose] = np.append(weight, 0.0)[near].sum(axis=1) >= min_weight
    cores = np.flatnonzero(is_core)
    number = np.full(len(at) + 1, len(at), dtype=np.int64)
    # From west to east, so that clusters are numbered by where their cores begin.
    number[cores] = _joined(at[cores], key[cores], row, eps_m)
    # What is no core belongs to the first of the clusters that reach it: all that is near it was listed.
    edge = ~is_core[loose]
    number[loose[edge]] = number[near[edge]].min(axis=1, initial=len(at))
    raw[order] = np.where(number[:-1] < len(at), number[:-1], -1)
    return raw


def _squares(at: Floats, part: Ints, eps_m: float) -> tuple[Ints, int]:
    """Find the square of each place, in which all are within `eps_m` of each other, and how many make a column."""
    column, row = ((at - at.min(axis=0)) // (eps_m / np.sqrt(2) * (1 - _HAIR))).astype(np.int64).T
    # Two empty ones beside each, so that no neighbor is one of another column or group.
    high, wide = int(row.max()) + 1 + 2 * _AROUND, int(column.max()) + 1 + 2 * _AROUND
    return (part * wide + column + _AROUND) * high + row + _AROUND, high


def _near_loose(at: Floats, part: Ints, loose: Ints, *, eps_m: float, most: int) -> NDArray[np.int32]:
    """List up to so many places within `eps_m` of those in squares with few incidents; how many there are for none."""
    # Groups stand so far apart that none sees another.
    apart = np.c_[at, part * (3.0 * eps_m)]
    tree, near = KDTree(apart), np.full((len(loose), min(most, len(at))), len(at), dtype=np.int32)
    for first in range(0, len(loose), _STEP):
        rows = loose[first : first + _STEP]
        _, found = tree.query(apart[rows], k=np.arange(1, near.shape[1] + 1), distance_upper_bound=eps_m * (1 + _HAIR))
        away = ((np.append(at, [[np.inf, np.inf]], axis=0)[found] - at[rows, None]) ** 2).sum(axis=2)
        near[first : first + _STEP] = np.where(away <= eps_m**2, found, len(at))
    return near


def _joined(at: Floats, key: Ints, high: int, eps_m: float) -> Ints:
    """Give each place the number of its chain of places within `eps_m` of each other, in the order they begin."""
    if not len(at):
        return np.empty(0, dtype=np.int64)
    known, square, held = np.unique(key, return_inverse=True, return_counts=True)
    ordered = at[np.argsort(square, kind="stable")]
    first = np.cumsum(held) - held
    steps = [x * high + y for x in range(_AROUND + 1) for y in range(-_AROUND, _AROUND + 1) if x or y > 0]
    to = np.searchsorted(known, known[:, None] + steps)
    is_there = known[np.minimum(to, len(known) - 1)] == known[:, None] + steps
    one, other = np.nonzero(is_there)[0], to[is_there]
    # Most squares are joined by their westernmost or easternmost places; of the rest all places are looked at.
    is_near = np.zeros(len(one), dtype=np.bool_)
    ends = (first, first + held - 1)
    for mine, theirs in product(ends, ends):
        is_near |= ((ordered[mine[one]] - ordered[theirs[other]]) ** 2).sum(axis=1) <= eps_m**2
    chain = _chains(len(known), one[is_near], other[is_near])
    left = np.flatnonzero(chain[one] != chain[other])
    looks = held[one[left]] * held[other[left]]
    for i in left[looks > _FEW]:
        here, there = (ordered[first[which] :][: held[which]] for which in (one[i], other[i]))
        is_near[i] = (((there[KDTree(there).query(here)[1]] - here) ** 2).sum(axis=1) <= eps_m**2).any()
    left = left[looks <= _FEW]
    for pairs in np.array_split(left, len(left) // _STEP + 1):
        number = held[one[pairs]] * held[other[pairs]]
        pair = np.repeat(pairs, number)
        mine, theirs = np.divmod(
            np.arange(len(pair)) - np.repeat(np.cumsum(number) - number, number), held[other[pair]]
        )
        away = ((ordered[first[one[pair]] + mine] - ordered[first[other[pair]] + theirs]) ** 2).sum(axis=1)
        is_near[pair[away <= eps_m**2]] = True
    chain = _chains(len(known), one[is_near], other[is_near])[square]
    begins, named = np.unique(chain, return_index=True)[1], np.empty(int(chain.max()) + 1, dtype=np.int64)
    named[np.argsort(begins)] = np.arange(len(begins))
    return named[chain]


def _chains(count: int, one: Ints, other: Ints) -> Ints:
    links = coo_array((np.ones(len(one)), (one, other)), shape=(count, count))
    return connected_components(links, directed=False)[1].astype(np.int64)


def place_clusters(
    incidents: gpd.GeoDataFrame,
    *,
    crs: CRS,
    eps_m: float = 150.0,
    min_incidents: int = 10,
    width_m: float = 1000.0,
    eps_sweep: Sequence[float] = EPS_SWEEP,
    on_part: Callable[[str], None] = lambda _: None,
) -> PlaceClusters:
    """Find places where incidents stand close together.

    `clusters` has `cluster_id` (``P1`` …), `incidents`, `places` (distinct points, to six decimals of a degree),
    `officer_initiated_share`, `top_categories` (the three most frequent), `top_hours` (the two hours on end with most
    of those whose hour is known; ``unknown`` where none is), `zone_id` (of most of its incidents), `stability_share`
    (mean over the sweep of the best overlap, as Jaccard's coefficient of incidents, with a cluster at that distance;
    missing without a sweep), `area_km2`, `is_one_place`, `sentence` and `geometry` (all within half of
    `eps_m` of its places). A cluster that shares the places at its edge with a larger one, and so is left with fewer
    than `min_incidents`, is dropped. A chain of incidents along a road is no place: what is wider than `width_m`,
    between its two outermost places, is clustered again by a shorter distance, until nothing is.
    """
    meters = measuring_crs(incidents, stated=crs)
    sizes = {"eps_m": eps_m, "min_incidents": min_incidents, "width_m": width_m}
    _require_positive(**sizes, eps_sweep=min(eps_sweep, default=1.0))
    _require_columns(incidents)
    at = DistinctPlaces.read(incidents, meters)
    found = []
    for number, factor in enumerate((1.0, *eps_sweep), start=1):
        on_part(f"within {eps_m * factor:,.0f} m of each other, {number} of {1 + len(eps_sweep)} distances")
        found.append(_found(at, eps_m * factor, min_incidents, width_m))
    labels, *sweep = found
    on_part("their outlines")
    clusters = place_facts(incidents, at, labels, eps_m=eps_m, stability=_stability(labels, sweep, at.incidents))
    # What is nowhere is in no cluster: -1 takes the last.
    of_incident = np.append(labels, -1)[at.of_incident]
    names = np.array([*clusters["cluster_id"], ""], dtype=object)
    return PlaceClusters(
        clusters.set_crs(meters).to_crs(STORAGE_CRS).pipe(_made_valid),
        pd.Series(names[of_incident], index=incidents.index, dtype="str", name="cluster_id"),
        int((at.of_incident < 0).sum()),
        {
            "eps_m": eps_m,
            "min_incidents": min_incidents,
            "width_m": width_m,
            "eps_sweep": tuple(eps_sweep),
            "crs": meters.to_string(),
        },
    )


def _found(at: DistinctPlaces, eps_m: float, min_incidents: int, width_m: float) -> Ints:
    labels = weighted_dbscan(at.xy, at.incidents, eps_m=eps_m, min_weight=min_incidents)
    labels = _narrowed(labels, at, eps_m=eps_m, min_incidents=min_incidents, width_m=width_m)
    # The largest come first, so those that are too small are the last.
    enough = int((incidents_held(labels, at.incidents) >= min_incidents).sum())
    return np.where(labels < enough, labels, -1)


def _narrowed(labels: Ints, at: DistinctPlaces, *, eps_m: float, min_incidents: int, width_m: float) -> Ints:
    """Cluster again by shorter and shorter distances what is wider than a place may be."""
    parts, found, numbers = np.full(len(labels), -1, dtype=np.int64), labels, at.incidents.astype(np.float64)
    while (found >= 0).any():
        is_wide = np.append(_are_wider(at.xy, found, width_m), False)[found]
        is_done = (found >= 0) & ~is_wide
        parts[is_done] = found[is_done] + parts.max() + 1
        eps_m *= _NARROWER
        found = _dbscan(at.xy, numbers, eps_m, min_incidents, np.where(is_wide, found, -1))
    return _numbered(np.unique(np.append(parts, -1), return_inverse=True)[1][:-1] - 1, at.xy, numbers)


def _are_wider(places: Floats, labels: Ints, width_m: float) -> NDArray[np.bool_]:
    """Say which clusters are wider than that, between their two outermost places."""
    members = _members(labels)
    sides = np.array([np.ptp(places[rows], axis=0) for rows in members]).reshape(-1, 2)
    is_wide: NDArray[np.bool_] = np.asarray((sides > width_m).any(axis=1))
    # A box that is no wider across its corners holds no two places that are.
    for number in np.flatnonzero(~is_wide & (np.hypot(*sides.T) > width_m)):
        is_wide[number] = _width_m(places[members[number]]) > width_m
    return is_wide


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


def _stability(labels: Ints, sweep: list[Ints], numbers: Ints) -> Floats:
    """Average the best overlap of each cluster, in incidents, with one under other distances."""
    held = incidents_held(labels, numbers)
    best = np.zeros((len(sweep), len(held)))
    for overlap, other in zip(best, sweep, strict=True):
        others = incidents_held(other, numbers)
        is_both = (labels >= 0) & (other >= 0)
        pairs, which = np.unique(labels[is_both] * len(others) + other[is_both], return_inverse=True)
        shared = np.bincount(which, numbers[is_both])
        mine, theirs = np.divmod(pairs, max(len(others), 1))
        np.maximum.at(overlap, mine, shared / (held[mine] + others[theirs] - shared))
    return best.mean(axis=0) if sweep else np.full(len(held), np.nan)


def _made_valid(clusters: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Fix what bringing circles that just touch back to degrees may have crossed."""
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
    is_wrong = ~(np.isfinite(places).all(axis=1) & np.isfinite(numbers) & (numbers >= 1))
    if is_wrong.any():
        raise InputError(
            "A place or its weight is missing, or a weight is below 1.",
            ids=np.flatnonzero(is_wrong),
            expected="coordinates in meters and numbers of incidents",
        )
    return places, numbers


def _require_positive(**sizes: float) -> None:
    for name, size in sizes.items():
        if not (np.isfinite(size) and size > 0):
            raise InputError("This must be a number above 0.", where=name, found=size)


def _require_columns(incidents: gpd.GeoDataFrame) -> None:
    lacking = [name for name in NEEDED if name not in incidents.columns]
    if lacking:
        raise ColumnError("Incidents lack columns.", found=", ".join(map(str, incidents.columns)), expected=NEEDED)
    hour, category = incidents["hour"], incidents["category"]
    _require_cells(category, category.isin(list(CATEGORIES)), ", ".join(CATEGORIES))
    _require_cells(hour, hour.isna() | hour.isin(range(24)), "whole numbers from 0 to 23, or missing")


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


# ── Density of incidents as a picture: no test, no rate

_REACH = 5
_FEWEST_CELLS = 2.0
_NODES = 4
"""Nodes to a bandwidth."""
_DEGREE, _SPREAD = 2, 0.25
"""Degree of the splines that share points out, and the variance that they add, in squared steps between nodes."""
_TAIL = 6
"""Standard deviations after which the kernel is nothing."""


def kernel_density(
    xy: ArrayLike,
    *,
    bounds: Sequence[float],
    shape: tuple[int, int] = (250, 300),
    bandwidth_m: float,
    weights: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Estimate the density of points with a Gaussian kernel.

    Points are shared out among the nine nearest nodes of a fine grid by quadratic splines, the nodes are smoothed, and
    a cubic spline reads the cells off them. Sharing out adds a quarter of a squared step to the variance wherever a
    point lies (a histogram would shift it by up to half a step), which is taken off the kernel's. The nodes are a
    quarter of a bandwidth apart, whatever the cells, so that even a single point is within 1 % of its exact kernel
    wherever that is more than 1 % of its peak.

    M. Wand, "Fast computation of multivariate kernel estimators", Journal of Computational and Graphical Statistics 3,
    1994 (binned kernels); R. Hockney and J. Eastwood, "Computer Simulation Using Particles", 1988 (the splines, there
    triangular-shaped clouds).
    """
    places, numbers = _checked_points(xy, weights)
    west, south, east, north = map(float, bounds)
    rows, columns = shape
    _check_picture((west, south, east, north), shape, bandwidth_m)
    step = bandwidth_m / _NODES
    x, y = (_nodes(low, high, step) for low, high in ((west, east), (south, north)))
    is_in = ((places >= (x[1], y[1])) & (places <= (x[-2], y[-2]))).all(axis=1)
    if not is_in.any():
        return np.zeros(shape)
    across, up = (_shares(places[is_in, axis], nodes, step) for axis, nodes in enumerate((x, y)))
    grid = (up.multiply(numbers[is_in, None]).T @ across).toarray()
    smooth = gaussian_filter(grid, np.sqrt(_NODES**2 - _SPREAD), mode="constant", truncate=_TAIL)
    density = RectBivariateSpline(y, x, smooth)(_centers(south, north, rows), _centers(west, east, columns))
    return np.maximum(density, 0.0) / step**2 * _SQUARE_KM


def _checked_points(xy: ArrayLike, weights: ArrayLike | None) -> tuple[Floats, Floats]:
    places = np.asarray(xy, dtype=np.float64)
    places = places.reshape(-1, 2) if places.size == 0 else places
    if places.ndim != 2 or places.shape[1] != 2:  # noqa: PLR2004 - a table of x and y
        raise InputError("Points have two coordinates.", found=f"shape {places.shape}", expected="(n, 2)")
    numbers = np.ones(len(places)) if weights is None else np.asarray(weights, dtype=np.float64)
    if numbers.shape != (len(places),):
        raise InputError("Each point has one weight.", found=f"shape {numbers.shape}", expected=f"({len(places)},)")
    lost = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if len(lost):
        raise InputError("Points without a place cannot be drawn.", ids=lost, remedy="Leave them out, and say so.")
    wrong = np.flatnonzero(~(np.isfinite(numbers) & (numbers >= 0)))
    if len(wrong):
        raise InputError("Weights are numbers.", ids=wrong, found=numbers[wrong[0]], expected="0 or more")
    return places, numbers


def _check_picture(bounds: tuple[float, float, float, float], shape: tuple[int, int], bandwidth_m: float) -> None:
    west, south, east, north = bounds
    if min(shape) < 1 or not (np.isfinite(bounds).all() and east > west and north > south):
        raise InputError(
            "A picture needs an area.",
            found=f"{bounds}, {shape[0]} × {shape[1]} cells",
            expected="west, south, east, north in meters, and one row and column or more",
        )
    least = _FEWEST_CELLS * max((east - west) / shape[1], (north - south) / shape[0])
    # Widths that were computed may be a hair off.
    if not (bandwidth_m >= least * (1 - 1e-9) and np.isfinite(bandwidth_m)):
        raise InputError(
            "The bandwidth is too small for the cells of the picture.",
            found=f"{bandwidth_m:g} m, with cells of {least / _FEWEST_CELLS:g} m",
            expected=f"at least {least:g} m",
            remedy="Draw more rows and columns, or take a larger bandwidth.",
        )


def _centers(low: float, high: float, count: int) -> Floats:
    return np.asarray(low + (np.arange(count) + 0.5) * (high - low) / count)


def _nodes(low: float, high: float, step: float) -> Floats:
    """Lay nodes over a side of the picture and what lies in reach beside it."""
    margin = _REACH * _NODES + 2
    return np.asarray(low + step * np.arange(-margin, int(np.ceil((high - low) / step)) + margin + 1))


def _shares(at: Floats, nodes: Floats, step: float) -> csr_array:
    """Share points out among the nodes of a side, shape (points, nodes)."""
    knots = nodes[0] + step * (np.arange(len(nodes) + _DEGREE + 1) - (_DEGREE + 1) / 2)
    return BSpline.design_matrix(at, knots, _DEGREE)
