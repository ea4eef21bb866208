"""Coordinates that cannot be where they say: swapped, sign-flipped, zero, not degrees, or far away."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from safeschools_geo.errors import count_text
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from safeschools_geo.results import Finding, Severity

FAR_M = 50_000.0
"""Metres from the district's bounding box beyond which a place cannot be one of the district's."""

_METRES_PER_DEGREE = 111_320.0
_EXAMPLES = 2
_MOST = 0.5
_FAULTS: dict[str, tuple[str, str]] = {
    "swapped": (
        "with longitude and latitude the wrong way round",
        "Exchange the two columns: x is the longitude, y the latitude.",
    ),
    "sign_flipped": (
        "with the wrong sign",
        "Longitudes west of Greenwich and latitudes south of the equator are negative: put the minus sign back.",
    ),
    "null_island": (
        "with a zero where a coordinate should be, which geocoders write when they find nothing",
        "Leave the coordinates of such rows empty, or geocode their addresses again.",
    ),
    "not_degrees": (
        "with numbers that are no longitude and latitude; they look like metres or feet",
        "State the CRS they are in, or export these rows in degrees like the others.",
    ),
    "far_outside": (
        f"more than {FAR_M / 1000:.0f} km from the district",
        "Check the addresses; leave out rows of other districts with a `keep` setting.",
    ),
}
UNUSABLE = ("swapped", "sign_flipped", "null_island", "not_degrees")
"""Codes of coordinates that are no place at all, however far one looks."""


def classify_coordinates(points: gpd.GeoSeries, extent: gpd.GeoSeries) -> pd.Series:
    """Judge each place against the district.

    Parameters
    ----------
    points
        Points, or areas judged by the middle of their bounding box, EPSG:4326.
    extent
        The district: its boundary or its zones, EPSG:4326; every place is near an empty one.

    Returns
    -------
    pandas.Series
        Named `coordinates`, dtype str, on the index of `points`: ``ok``; ``missing``; ``null_island`` (a coordinate is
        exactly zero); ``swapped`` or ``sign_flipped`` (the place would be the district's if they were not);
        ``not_degrees`` (beyond ±180, ±90); ``far_outside`` (more than `FAR_M` metres from the district's bounding box).
        The first that fits, with ``ok`` before all faults.
    """
    bounds = shapely.bounds(points.to_numpy())
    with np.errstate(invalid="ignore"):
        x, y = (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2
    is_near = _nearness(extent)
    flips = ((-1, 1), (1, -1), (-1, -1))
    cases = {
        "missing": ~(np.isfinite(x) & np.isfinite(y)),
        "ok": is_near(x, y),
        "null_island": (x == 0) | (y == 0),
        "swapped": np.any([is_near(a * y, b * x) for a, b in ((1, 1), *flips)], axis=0),
        "sign_flipped": np.any([is_near(a * x, b * y) for a, b in flips], axis=0),
        "not_degrees": (np.abs(x) > 180) | (np.abs(y) > 90),  # noqa: PLR2004 - the globe
    }
    codes = np.select(list(cases.values()), list(cases), default="far_outside")
    return pd.Series(codes, index=points.index, name="coordinates", dtype="str")


def check_coordinates(
    points: gpd.GeoSeries, ids: pd.Series, extent: gpd.GeoSeries, *, table: str, severity: Severity = "warning"
) -> list[Finding]:
    """Name the rows whose coordinates cannot be where they say.

    Parameters
    ----------
    points
        Places, EPSG:4326; a missing place is for its table to judge.
    ids
        Id of each row, in the order of `points`.
    extent
        The district: its boundary or its zones, EPSG:4326.
    table
        What the rows are.
    severity
        How bad unusable coordinates are in this table; a place that is only far away is a warning. A fault that more
        than half of the places have is an error.

    Returns
    -------
    list of Finding
        One for each kind of fault, coded ``coordinates_`` and the kind.
    """
    codes = classify_coordinates(points, extent).to_numpy()
    findings = []
    for code, (fault, remedy) in _FAULTS.items():
        rows = np.flatnonzero(codes == code)
        message = f"{count_text(len(rows), table.removesuffix('s'), of=len(points))} {fault}"
        is_most = len(rows) > _MOST * np.count_nonzero(codes != "missing")
        findings += tell(
            ids.iloc[rows],
            "error" if is_most else "warning" if code == "far_outside" else severity,
            f"coordinates_{code}",
            table,
            f"{message}; for example {_examples(points, rows)}.",
            expected=f"longitude and latitude of the district, about {_box_text(extent)}",
            remedy=remedy,
        )
    return findings


def _nearness(extent: gpd.GeoSeries) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    if extent.is_empty.all():
        return lambda x, y: np.isfinite(x) & np.isfinite(y)
    low_x, low_y, high_x, high_y = extent.total_bounds
    margin_y = FAR_M / _METRES_PER_DEGREE
    margin_x = margin_y / max(np.cos(np.radians((low_y + high_y) / 2)), 0.01)

    def is_near(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        within_x = (x >= low_x - margin_x) & (x <= high_x + margin_x)
        return np.asarray(within_x & (y >= low_y - margin_y) & (y <= high_y + margin_y))

    return is_near


def _examples(points: gpd.GeoSeries, rows: np.ndarray) -> str:
    bounds = shapely.bounds(points.to_numpy()[rows])
    texts = dict.fromkeys(f"{x:.6g}, {y:.6g}" for x, y, _, _ in bounds)
    return "; ".join(itertools.islice(texts, _EXAMPLES))


def _box_text(extent: gpd.GeoSeries) -> str:
    low_x, low_y, high_x, high_y = extent.total_bounds
    return f"{low_x:.2f} to {high_x:.2f} and {low_y:.2f} to {high_y:.2f}"
