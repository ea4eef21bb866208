"""Places off campus where incidents stand close together: descriptive, for there is no count of people to divide by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import geopandas as gpd
import numpy as np
import pandas as pd
from sklearn.cluster import DBSCAN, HDBSCAN

from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import ColumnError, InputError, count_text
from safeschools_geo.hotspots.place_facts import NEEDED, DistinctPlaces, incidents_held, place_facts
from safeschools_geo.hotspots.words import counted_text
from safeschools_geo.schemas import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        told, fewest = f"{counted_text(self.incidents, 'critical')} off campus", self.settings["min_incidents"]
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
        return (
            f" {counted_text(self.without_place, 'critical')} without a place left out." if self.without_place else ""
        )


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
    at = DistinctPlaces.read(incidents, metres)
    labels = _found(at, eps_m, min_incidents, method)
    sweep = [_found(at, eps_m * factor, min_incidents, "dbscan") for factor in eps_sweep]
    clusters = place_facts(incidents, at, labels, eps_m=eps_m, stability=_stability(labels, sweep, at.incidents))
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


def _found(at: DistinctPlaces, eps_m: float, min_incidents: int, method: Method) -> Ints:
    if method == "dbscan":
        labels = weighted_dbscan(at.xy, at.incidents, eps_m=eps_m, min_weight=min_incidents)
    else:
        labels = _hdbscan(at.xy, at.incidents)
    # The largest come first, so those that are too small are the last.
    enough = int((incidents_held(labels, at.incidents) >= min_incidents).sum())
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
