"""Circular windows: each unit with its nearest neighbours, nearest first, up to a share of what is expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike

Distances = Literal["plane", "great_circle"]
EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the earth, GRS 80."""

LAST_BITS = 1e-14
"""Rounding of a coordinate, as a share of the largest one: nothing nearer than that is told apart."""

ONE_DISTANCE = 1e-9
"""Distances that differ by this share of the largest are one."""

_LOST = 1e-12


@dataclass(frozen=True)
class Windows:
    """Circles around every unit.

    Parameters
    ----------
    order
        Row i holds the units by distance from unit i, itself first, shape (n, n).
    is_complete
        Whether the circle around unit i that holds its first j + 1 neighbours is a window: it holds every unit at its
        own radius, no more than the largest share and no less than the least, shape (n, n).
    radius
        Distance of the (j + 1)-th neighbor, in the unit of the places (meters on the globe), shape (n, n).
    """

    order: NDArray[np.int64]
    is_complete: NDArray[np.bool_]
    radius: NDArray[np.float64]

    def __iter__(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.bool_]]]:
        """Yield, for every centre, its neighbours as far as windows reach, and which of them end a window."""
        for order, is_complete in zip(self.order, self.is_complete, strict=True):
            reach = int(np.flatnonzero(is_complete)[-1]) + 1 if is_complete.any() else 0
            yield order[:reach], is_complete[:reach]

    @property
    def count(self) -> int:
        """How many windows there are."""
        return int(self.is_complete.sum())


def circular_windows(
    xy: ArrayLike,
    weights: NDArray[np.float64],
    *,
    max_share: float,
    min_share: float = 0.0,
    distances: Distances = "plane",
) -> Windows:
    """List the circular windows of a scan.

    Parameters
    ----------
    xy
        Places of the units, shape (n, 2): in any plane unit, or longitude and latitude with
        ``distances="great_circle"``.
    weights
        What is expected at each unit, shape (n,).
    max_share
        Largest share of all that is expected that a window may hold.
    min_share
        Least share that it has to hold.
    distances
        How distances are measured.

    Returns
    -------
    Windows
        The windows; units at one distance from a centre enter together.

    Raises
    ------
    InputError
        When a place is missing, or is no longitude and latitude where one is asked for.
    """
    places = np.asarray(xy, dtype=np.float64)
    require_places(places, len(weights), distances)
    apart = great_circle_m(places) if distances == "great_circle" else cdist(places, places)
    largest = EARTH_RADIUS_M if distances == "great_circle" else float(np.abs(places).max(initial=0.0))
    order, radius, starts = _rings(apart, least=LAST_BITS * largest)
    ends_circle = np.ones_like(radius, dtype=np.bool_)
    ends_circle[:, :-1] = starts[:, 1:]
    held = np.cumsum(weights[order], axis=1)
    total = weights.sum()
    ends_circle &= (held <= max_share * total * (1 + _LOST)) & (held >= min_share * total * (1 - _LOST))
    return Windows(order, ends_circle, radius)


def _rings(
    apart: NDArray[np.float64], *, least: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """Order the units around each unit, nearest first, and tell where a larger distance begins.

    Distances that differ by no more than rounding are one distance, in whatever unit they are: by `least`, or by
    `ONE_DISTANCE` of the largest. In a ring, units stand in the order given; each unit stands first in its own row.
    """
    nearest = np.argsort(apart, axis=1, kind="stable")
    radius = np.take_along_axis(apart, nearest, axis=1)
    starts = np.zeros_like(radius, dtype=np.bool_)
    starts[:, 1:] = np.diff(radius, axis=1) > max(least, ONE_DISTANCE * float(apart.max(initial=0.0)))
    is_other = nearest != np.arange(len(apart))[:, None]
    within = np.lexsort((nearest, is_other, np.cumsum(starts, axis=1)), axis=1)
    return np.take_along_axis(nearest, within, axis=1), radius, starts


def great_circle_m(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measure distances on a sphere.

    Parameters
    ----------
    lonlat
        Longitude and latitude in degrees, shape (n, 2).

    Returns
    -------
    numpy.ndarray
        Metres between every two places (haversine formula, mean radius), shape (n, n).
    """
    lon, lat = np.radians(lonlat).T
    chord = (
        np.sin((lat[:, None] - lat) / 2) ** 2
        + np.cos(lat)[:, None] * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.clip(chord, 0, 1))))


def require_places(places: NDArray[np.float64], n: int, distances: Distances) -> None:
    """Refuse places that cannot be measured between.

    Parameters
    ----------
    places
        Places of the units.
    n
        How many there ought to be.
    distances
        How distances are measured.

    Raises
    ------
    InputError
        When the shape is wrong, a place is missing, or degrees are out of range.
    """
    if places.shape != (n, 2):
        raise InputError("The places do not fit the counts.", found=f"shape {places.shape}", expected=f"({n}, 2)")
    lost = np.flatnonzero(~np.isfinite(places).all(axis=1))
    if len(lost):
        raise InputError("Units without a place cannot be scanned.", ids=lost, remedy="Leave them out, and say so.")
    if distances == "great_circle" and (np.abs(places) > [180, 90]).any():
        raise InputError(
            "These are no degrees.",
            found=f"coordinates up to {np.abs(places).max():,.0f}",
            expected="longitude and latitude",
            remedy='Leave out distances="great_circle" for coordinates in metres.',
        )
