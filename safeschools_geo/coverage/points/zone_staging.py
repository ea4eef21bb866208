"""One officer in each zone: the best point is found by trying every point of the zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.points.staging_tables import Waiting
from safeschools_geo.coverage.roads_travel.faults import refuse
from safeschools_geo.errors import ColumnError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.coverage.points.staging_problem import Labels, StagingProblem
    from safeschools_geo.programs import Numbers

_ROUNDING = 1e-12
_LEAST_WEIGHT = 1e-9
_FAR_MIN = 1e9


def check_zones(
    zone_of_place: pd.Series, zone_of_point: pd.Series, minutes: pd.DataFrame
) -> tuple[pd.Series, pd.Series]:
    """Refuse zones in which nobody can wait, or nobody has to.

    Parameters
    ----------
    zone_of_place, zone_of_point
        Zone by id of place and by id of point.
    minutes
        Minutes from each point (column) to each place (row).

    Returns
    -------
    places, points : pandas.Series
        Zone of each row and of each column, as text; empty text for a point in no zone, which is not used.

    Raises
    ------
    ColumnError
        When a place has no zone, or a zone no place or no point; all at once.
    """
    places = _zones(zone_of_place, minutes.index)
    points = _zones(zone_of_point, minutes.columns)
    zones, stations = set(places) - {""}, set(points) - {""}
    checks = (
        ("Some places are in no zone.", places.index[places == ""], "Leave them out, or give them a zone."),
        ("Some zones have no point where an officer could wait.", sorted(zones - stations), "Give each a point."),
        ("Some zones have no place to go to.", sorted(stations - zones), "Leave these zones out."),
    )
    refuse(
        ColumnError(problem, where="zones", ids=ids, expected="places and points in every zone", remedy=remedy)
        for problem, ids, remedy in checks
        if len(ids)
    )
    return places, points


def columns_of_zones(
    current: Mapping[str, str] | pd.Series, zone_of_place: pd.Series, candidates: pd.Index
) -> dict[str, int]:
    """Find the columns of the points where the officers of zones wait today.

    Parameters
    ----------
    current
        Zone → id of a point.
    zone_of_place
        Zone by id of place.
    candidates
        Ids of all points, in their order.

    Returns
    -------
    dict of str to int
        Zone → column.

    Raises
    ------
    ColumnError
        When a zone with places has no point, or one that is not among the candidates.
    """
    given = {str(zone): point for zone, point in dict(current).items()}
    zones = [zone for zone in dict.fromkeys(zone_of_place.dropna().astype("str")) if zone]
    found = {zone: int(candidates.get_indexer(pd.Index([given.get(zone)]))[0]) for zone in zones}
    lost = [zone for zone, column in found.items() if column < 0]
    if lost:
        raise ColumnError(
            "Some zones have no point today, or one that is not in the table of minutes.",
            where="current",
            ids=lost,
            found=", ".join(str(given.get(zone, "nothing")) for zone in lost[:3]),
            expected="a point among the columns for every zone",
            remedy="Give the point of each zone, and measure the way from it.",
        )
    return found


def zones_answer(places: pd.Series, chosen: Mapping[str, int]) -> Waiting:
    """Let each place be answered by the officer of its zone.

    Parameters
    ----------
    places
        Zone of each place.
    chosen
        Zone → column of the point where its officer waits.

    Returns
    -------
    Waiting
        Officers called after their zones.
    """
    zones = list(chosen)
    return Waiting(zones, np.array(list(chosen.values()), dtype="int64"), pd.Index(zones).get_indexer(pd.Index(places)))


def refuse_lost(problem: StagingProblem, answer_min: Numbers, places: pd.Index) -> None:
    """Refuse zones of which no point reaches every place, where each place has to be reached.

    Parameters
    ----------
    problem
        What is made small or large.
    answer_min
        Minutes from the best point of its zone to each place, shape (n,).
    places
        Ids of the places.

    Raises
    ------
    InputError
        When there is no way to a place that counts.
    """
    counts = np.ones(len(places), dtype=bool) if problem.objective == "longest" else problem.weight > 0
    lost = places[counts & ~np.isfinite(answer_min)]
    if not problem.is_share and len(lost):
        raise InputError(
            "No point of its zone reaches some places and the others of the zone too.",
            where="minutes",
            ids=lost,
            expected="a point in each zone with a way to all its places",
            remedy="See the findings of the travel times; leave these places out, or cover shares instead.",
        )


def best_in_zones(problem: StagingProblem, places: pd.Series, points: pd.Series) -> dict[str, int]:
    """Choose the point of each zone.

    Parameters
    ----------
    problem
        Minutes and weights.
    places, points
        Zone of each row and of each column of the minutes.

    Returns
    -------
    dict of str to int
        Zone, in the order of the places → column of its best point; of several as good, the one with the shortest mean
        minutes, then the first.
    """
    members = {zone: (np.flatnonzero(places == zone), np.flatnonzero(points == zone)) for zone in places.unique()}
    return {zone: _best_point(problem, *rows_and_columns) for zone, rows_and_columns in members.items()}


def value_by_zone(problem: StagingProblem, answer_min: Numbers) -> float:
    """Value points of which each answers the places of its own zone.

    Parameters
    ----------
    problem
        Weights, and what is made small or large.
    answer_min
        Minutes from the officer of its zone to each place, shape (n,).

    Returns
    -------
    float
        Mean or longest minutes, or the share that is covered by the zone's own officer.
    """
    return float(_values(problem, answer_min[:, None], problem.weight)[0])


def _best_point(problem: StagingProblem, places: Labels, points: Labels) -> int:
    minutes, weight = problem.minutes[np.ix_(places, points)], problem.weight[places]
    values = _values(problem, minutes, weight) * (-1.0 if problem.is_share else 1.0)
    best = values.min()
    is_as_good = values <= best + _ROUNDING * max(abs(best), 1.0)
    # A zone without calls, or with all places covered from everywhere, still has a middle.
    mean = (weight + _LEAST_WEIGHT) @ np.where(np.isfinite(minutes), minutes, _FAR_MIN)
    return int(points[np.where(is_as_good, mean, np.inf).argmin()])


def _values(problem: StagingProblem, minutes: Numbers, weight: Numbers) -> Numbers:
    """Value each column of minutes as the one officer of some places, shape (columns,)."""
    if problem.objective == "longest":
        longest: Numbers = minutes.max(axis=0)
        return longest
    counts = weight > 0
    if problem.objective == "mean":
        mean: Numbers = weight[counts] @ minutes[counts]
        return mean
    covered: Numbers = problem.gains[0] * (weight @ (minutes <= problem.within_min))
    return covered


def _zones(zone: pd.Series, ids: pd.Index) -> pd.Series:
    return zone.reindex(ids).astype("object").where(lambda z: z.notna(), "").astype("str")
