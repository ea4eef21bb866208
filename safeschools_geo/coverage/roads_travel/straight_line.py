"""Minutes in a straight line, made longer by a detour factor: for districts that have no layer of roads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import shapely
from scipy.spatial.distance import cdist

if TYPE_CHECKING:
    from safeschools_geo.coverage.roads_travel.roads import Numbers, Shapes

_METRES_PER_MIN = 1000 / 60
"""Metres that are driven in a minute at 1 km/h."""


def straight_line_minutes(origins: Shapes, destinations: Shapes, *, detour_factor: float, speed_kph: float) -> Numbers:
    """Estimate the minutes between places.

    Parameters
    ----------
    origins, destinations
        Points in one CRS of metres, shapes (n,) and (m,).
    detour_factor
        Road distance over straight-line distance.
    speed_kph
        Average driving speed.

    Returns
    -------
    numpy.ndarray
        Minutes, shape (n, m): straight-line distance × detour factor ÷ speed (assumption A5).
    """
    metres = cdist(shapely.get_coordinates(origins), shapely.get_coordinates(destinations))
    minutes: Numbers = metres * detour_factor / (speed_kph * _METRES_PER_MIN)
    return minutes


def straight_line_text(*, detour_factor: float, speed_kph: float) -> str:
    """Say how the minutes were estimated.

    Parameters
    ----------
    detour_factor, speed_kph
        As for `straight_line_minutes`.

    Returns
    -------
    str
        One sentence.
    """
    return (
        f"Straight-line distance × {detour_factor:g} (detour factor) at {speed_kph:g} km/h; streets, rivers and "
        "motorways between places are not seen."
    )
