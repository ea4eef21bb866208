"""Places off campus where incidents stand close together: descriptive, for there is no count of people to divide by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from sklearn.cluster import DBSCAN, HDBSCAN

from safeschools_geo.errors import CRSError, InputError, count_text
from safeschools_geo.schemas import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray
    from pyproj import CRS

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

Method = Literal["dbscan", "hdbscan"]
EPS_SWEEP = (0.5, 0.75, 1.25, 1.5, 2.0)
"""Factors on the distance under which a cluster should stay itself."""

_TOP = 3
_SQUARE_KM = 1e6
_COLUMNS = (
    "cluster_id",
    "incidents",
    "places",
    "officer_initiated_share",
    "top_categories",
    "top_hours",
    "zone_id",
    "stability_share",
    "area_km2",
    "is_one_place",
    "sentence",
    "geometry",
)


@dataclass(frozen=True)
class PlaceClusters:
    """Places off campus where incidents stand close together.

    Parameters
    ----------
    clusters
        One row for each, the most incidents first: see `place_clusters`. EPSG:4326.
    labels
        `cluster_id` of each incident, empty text for none, on the index of the incidents.
    incidents
        Number of incidents with a place.
    without_place
        Number of incidents without one.
    settings
        ``eps_m``, ``min_incidents``, ``method``.
    """

    clusters: gpd.GeoDataFrame
    labels: pd.Series
    incidents: int
    without_place: int
    settings: dict[str, Any]

    def summary(self) -> str:
        """Say in plain English what stands close together.

        Returns
        -------
        str
            One or two sentences.
        """
        told = f"{count_text(self.incidents, 'incident')} off campus"
        if self.incidents < self.settings["min_incidents"]:
            return f"{told}: too few to form a place."
        if self.clusters.empty:
            return f"{told}: no {self.settings['min_incidents']} of them stand close together anywhere."
        inside = int(self.clusters["incidents"].sum())
        return (
            f"{told}; {inside:,} of them stand at {count_text(len(self.clusters), 'place')}. Descriptive: there is no "
            "count of people to divide by, so this is not a test."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the clusters without their shapes.

        Returns
        -------
        pandas.DataFrame
            `clusters` without `geometry`.
        """
        return pd.DataFrame(self.clusters.drop(columns="geometry"))


def weighted_dbscan(xy: ArrayLike, weights: ArrayLike, *, eps_m: float, min_weight: float) -> Ints:
    """Cluster distinct places that each stand for several incidents.

    Parameters
    ----------
    xy
        Distinct places, metres, shape (n, 2).
    weights
        Number of incidents at each, shape (n,).
    eps_m
        Distance within which places are neighbours, included.
    min_weight
        Fewest incidents, with those of neighbours, at the core of a cluster.

    Returns
    -------
    numpy.ndarray
        Cluster of each place, int64, shape (n,): 0 for the one with most incidents, ties by its westernmost, then
        southernmost place; -1 for none (M. Ester et al., "A density-based algorithm for discovering clusters", KDD-96;
        by scikit-learn, with weights). A place on the border of two clusters belongs to the one met first when places
        are gone through from west to east.
    """
    places, numbers = np.asarray(xy, dtype=np.float64), np.asarray(weights, dtype=np.float64)
    if places.shape != (len(numbers), 2):
        raise InputError("Places and weights do not fit each other.", found=f"{places.shape} and {numbers.shape}")
    if not len(places):
        return np.empty(0, dtype=np.int64)
    order = np.lexsort(places.T[::-1])
    found = DBSCAN(eps=eps_m, min_samples=min_weight).fit(places[order], sample_weight=numbers[order]).labels_
    raw = np.empty(len(places), dtype=np.int64)
    raw[order] = found
    return _by_weight(raw, places, numbers)


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
        `category`, `origin`, `hour` (missing where unknown), `zone_id` and points, EPSG:4326, some of them missing.
    crs
        Projected CRS in metres to measure in.
    eps_m
        Metres within which places belong together.
    min_incidents
        Fewest incidents of a cluster.
    eps_sweep
        Factors on `eps_m` for the stability.
    method
        ``dbscan``, or ``hdbscan``, which needs no distance but knows no weights: it runs on distinct places, and
        clusters with fewer than `min_incidents` incidents are dropped.

    Returns
    -------
    PlaceClusters
        `clusters` has `cluster_id` (``P1`` …), `incidents`, `places` (distinct points), `officer_initiated_share`,
        `top_categories`, `top_hours` (incidents without a known time are left out), `zone_id` (of most of its
        incidents), `stability_share` (mean over the sweep of the best overlap, in incidents, with a cluster there),
        `area_km2`, `is_one_place`, `sentence`, and polygons (places within half of `eps_m`, merged). Incidents at one
        address are one point that counts many times, not many points.

    Raises
    ------
    CRSError
        When `crs` is not projected.
    """
    if not crs.is_projected:
        raise CRSError(
            "Distances in degrees are no distances.", found=crs.to_string(), expected="a projected CRS in metres"
        )
    settings = {"eps_m": eps_m, "min_incidents": min_incidents, "method": method}
    is_placed = ~(incidents.geometry.isna() | incidents.geometry.is_empty)
    placed = incidents[is_placed]
    xy = placed.geometry.to_crs(crs).get_coordinates().to_numpy().round(2)
    spots, where, numbers = _distinct(xy)
    cluster = _clusters(spots, numbers, eps_m, min_incidents, method)
    sweep = [_clusters(spots, numbers, eps_m * factor, min_incidents, "dbscan") for factor in eps_sweep]
    rows, shapes = [], []
    # Members of each cluster by one sort: looking for each would take as many passes as there are clusters.
    of_incident = cluster[where] if len(where) else np.empty(0, dtype=np.int64)
    members = placed.groupby(pd.Series(of_incident, index=placed.index), sort=True)
    for label, rows_of in members.indices.items():
        if label < 0:
            continue
        mine, at = placed.iloc[rows_of], np.flatnonzero(cluster == label)
        shape = shapely.union_all(shapely.buffer(shapely.points(spots[at]), eps_m / 2))
        shapes.append(shape)
        rows.append(_described(int(label), mine, len(at), shape.area, _stability(at, numbers, sweep)))
    table = pd.DataFrame(rows, columns=[c for c in _COLUMNS if c != "geometry"])
    frame = gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(shapes, crs=crs), crs=crs).to_crs("EPSG:4326")
    named = pd.Series([f"P{c + 1}" if c >= 0 else "" for c in of_incident], index=placed.index, dtype="str")
    labels = named.reindex(incidents.index, fill_value="").rename("cluster_id")
    return PlaceClusters(frame[list(_COLUMNS)], labels, len(placed), int((~is_placed).sum()), settings)


def _distinct(xy: Floats) -> tuple[Floats, Ints, Ints]:
    if not len(xy):
        return np.empty((0, 2)), np.empty(0, np.int64), np.empty(0, np.int64)
    # A complex number sorts by its real part, then by its imaginary one: much quicker than rows.
    keys, where, numbers = np.unique(xy[:, 0] + 1j * xy[:, 1], return_inverse=True, return_counts=True)
    return np.c_[keys.real, keys.imag], where, numbers


def _clusters(spots: Floats, numbers: Ints, eps_m: float, min_incidents: int, method: Method) -> Ints:
    if method == "dbscan" or len(spots) < 2:  # noqa: PLR2004 - HDBSCAN needs a pair
        return weighted_dbscan(spots, numbers, eps_m=eps_m, min_weight=min_incidents)
    raw = HDBSCAN(min_cluster_size=2, min_samples=1, copy=True).fit(spots).labels_.astype(np.int64)
    held = np.bincount(raw[raw >= 0], numbers[raw >= 0], minlength=max(int(raw.max()) + 1, 1))
    return _by_weight(np.where((raw >= 0) & (held[raw] >= min_incidents), raw, -1), spots, numbers.astype(np.float64))


def _by_weight(raw: Ints, places: Floats, numbers: Floats) -> Ints:
    """Give clusters numbers by falling weight, ties from west to east."""
    found = np.unique(raw[raw >= 0])
    if not len(found):
        return np.full(len(raw), -1, dtype=np.int64)
    held = np.bincount(raw[raw >= 0], numbers[raw >= 0], minlength=int(found[-1]) + 1)
    west = pd.Series(places[:, 0] + 1j * places[:, 1]).groupby(raw).agg(lambda z: np.sort(z.to_numpy())[0])
    order = sorted(found.tolist(), key=lambda c: (-held[c], west[c].real, west[c].imag))
    # One more place at the end, which is where -1 leads to.
    rank = np.full(int(found[-1]) + 2, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    return np.asarray(rank[raw])


def _stability(at: Ints, numbers: Ints, sweep: list[Ints]) -> float:
    """Average the best overlap, in incidents, with a cluster under other distances."""
    mine = float(numbers[at].sum())
    best = []
    for other in sweep:
        touching = other[at]
        shared = np.bincount(touching[touching >= 0], numbers[at][touching >= 0], minlength=1)
        whole = np.bincount(other[other >= 0], numbers[other >= 0], minlength=len(shared))[: len(shared)]
        best.append(float((shared / np.maximum(mine + whole - shared, 1e-9)).max()))
    return float(np.mean(best)) if best else float("nan")


def _described(label: int, mine: gpd.GeoDataFrame, places: int, area: float, stability: float) -> dict[str, Any]:
    categories = mine["category"].value_counts()
    top = [(CATEGORIES.get(str(c), str(c)), int(n)) for c, n in categories.head(_TOP).items()]
    zones = mine["zone_id"][mine["zone_id"] != ""]
    zone = str(zones.mode().iloc[0]) if len(zones) else ""
    where = f" in Zone {zone}" if zone else ""
    spread = "at one place" if places == 1 else f"at {places:,} places close together"
    return {
        "cluster_id": f"P{label + 1}",
        "incidents": len(mine),
        "places": places,
        "officer_initiated_share": float((mine["origin"] == "officer_initiated").mean()),
        "top_categories": "; ".join(f"{name} ({n})" for name, n in top),
        "top_hours": _top_hours(mine["hour"]),
        "zone_id": zone,
        "stability_share": stability,
        "area_km2": area / _SQUARE_KM,
        "is_one_place": places == 1,
        "sentence": (
            f"Descriptive: {count_text(len(mine), 'incident')} {spread}{where}, most often {top[0][0].lower()} "
            f"({top[0][1]}); there is no count of people to divide by, so this is not a test."
        ),
    }


def _top_hours(hours: pd.Series) -> str:
    known = hours.dropna().astype("int64")
    if known.empty:
        return "unknown"
    best = known.value_counts().sort_index(kind="stable").sort_values(ascending=False, kind="stable")
    hour, number = int(best.index[0]), int(best.iloc[0])
    return f"{hour:02}:00–{hour + 1:02}:00 ({number} of {len(known)})"
