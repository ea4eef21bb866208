"""What is given to staging, checked: minutes to each place, its weight, and what is asked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.points.best_points import busy_gains, find_cover
from safeschools_geo.coverage.points.staging_problem import StagingProblem
from safeschools_geo.coverage.roads_travel.faults import refuse
from safeschools_geo.errors import ColumnError, InputError, SettingsError, attempt_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from safeschools_geo.coverage.points.staging_problem import Labels, StagingSettings
    from safeschools_geo.programs import Numbers


def read_problem(
    minutes: pd.DataFrame, weights: pd.Series, *, points: int, settings: StagingSettings
) -> StagingProblem:
    """Check what is given and asked, and put it into arrays.

    Parameters
    ----------
    minutes, weights, points, settings
        As for `staging.stage_officers`.

    Returns
    -------
    StagingProblem
        The problem.

    Raises
    ------
    InputError
        All that is wrong, at once.
    """
    found = attempt_all(
        {
            "minutes": partial(_check_minutes, minutes),
            "weights": partial(_check_weights, weights, minutes.index.unique()),
            "points": partial(_check_points, points, minutes.shape[1], settings),
        }
    )
    return StagingProblem(
        minutes=found["minutes"],
        weight=found["weights"],
        points=points,
        objective=settings.objective,
        within_min=settings.within_min,
        gains=busy_gains(settings.busy_share, points) if settings.objective == "expected" else (1.0,),
        may_share=settings.shares_points,
    )


def columns_of(points: Iterable[str], candidates: pd.Index) -> Labels:
    """Find the columns of the points where officers wait today.

    Parameters
    ----------
    points
        Ids of points.
    candidates
        Ids of all points, in their order.

    Returns
    -------
    numpy.ndarray
        Column of each.

    Raises
    ------
    ColumnError
        When there are none, or some are not among the candidates.
    """
    asked = list(points)
    columns = candidates.get_indexer(pd.Index(asked, dtype=candidates.dtype))
    if not asked or (columns < 0).any():
        raise ColumnError(
            "Some current points are not in the table of minutes." if asked else "There are no current points.",
            where="current",
            ids=[point for point, column in zip(asked, columns, strict=True) if column < 0],
            expected="ids of its columns",
            remedy="Measure the way from them too.",
        )
    return columns.astype("int64")


def refuse_out_of_reach(problem: StagingProblem, places: pd.Index, *, deadline: float) -> None:
    """Refuse places that no choice of points would reach, where each place has to be reached.

    Parameters
    ----------
    problem
        The problem.
    places
        Ids of the places.
    deadline
        Moment of `time.process_time` at which to give up looking.

    Raises
    ------
    InputError
        When there is no way to a place from any point, or not to all of them from so few points.
    """
    if problem.is_share or np.isfinite(problem.minutes).all():
        return
    counts = np.ones(len(places), dtype=bool) if problem.objective == "longest" else problem.weight > 0
    has_way = np.isfinite(problem.minutes[counts])
    lost = places[np.flatnonzero(counts)[~has_way.any(axis=1)]]
    if len(lost):
        raise InputError(
            "There is no way to some places from any point.",
            where="minutes",
            ids=lost,
            expected="finite minutes from one point at least",
            remedy="See the findings of the travel times; leave these places out, or cover shares instead.",
        )
    if find_cover(has_way, problem.points, deadline=deadline).is_impossible:
        raise SettingsError(
            "So few points cannot reach every place: the roads fall into too many parts.",
            where="points",
            found=problem.points,
            expected="a point on each part of the roads with places",
            remedy="Allow more officers, mend the roads, or leave the places on small parts out.",
        )


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


def _check_minutes(minutes: pd.DataFrame) -> Numbers:
    """Refuse a table of minutes that cannot be used; the table, infinite where there is no way."""
    faults: list[InputError] = []
    for axis, name in ((minutes.index, "places"), (minutes.columns, "points")):
        if not len(axis):
            faults.append(
                InputError(f"There are no {name}.", where="minutes", expected="at least one", remedy=f"Give {name}.")
            )
        if axis.has_duplicates:
            faults.append(
                ColumnError(
                    f"Some ids of {name} repeat.",
                    where="minutes",
                    ids=axis[axis.duplicated()].unique(),
                    expected="each id once",
                    remedy="Give each its own id.",
                )
            )
    table: Numbers = minutes.apply(pd.to_numeric, errors="coerce").to_numpy("float64", na_value=np.nan)
    is_wrong = np.asarray(~(table >= 0), dtype=bool)
    if is_wrong.any():
        faults.append(
            ColumnError(
                "Some minutes are missing, negative or no numbers.",
                where="minutes",
                ids=minutes.index[np.flatnonzero(is_wrong.any(axis=1))],
                found=f"{int(is_wrong.sum()):,} of {table.size:,} pairs",
                expected="minutes of 0 or more; infinite where there is no way",
                remedy="Take them from `travel_times(…).response_minutes(…)`.",
            )
        )
    refuse(faults)
    return table


def _check_weights(weights: pd.Series, places: pd.Index) -> Numbers:
    """Refuse weights that cannot be used; the share of all calls of each place, in the order of `places`."""
    faults: list[InputError] = []
    unknown = weights.index.difference(places)
    if len(unknown):
        faults.append(
            ColumnError(
                "Some weights are of places that are not in the table of minutes.",
                where="weights",
                ids=unknown,
                expected="ids of places",
                remedy="Measure the way to them too, or leave them out of the weights on purpose.",
            )
        )
    if weights.index.has_duplicates:
        weights = weights[~weights.index.duplicated()]
        faults.append(
            ColumnError("Some places have several weights.", where="weights", remedy="Add them up by place first.")
        )
    given = pd.to_numeric(weights, errors="coerce").reindex(places).to_numpy("float64", na_value=np.nan)
    is_wrong = ~(np.isfinite(given) & (given >= 0))
    if is_wrong.any() or not given.sum() > 0:
        faults.append(
            ColumnError(
                "Some places have no weight." if is_wrong.any() else "No place has a weight.",
                where="weights",
                ids=places[is_wrong],
                expected="a number of 0 or more for every place, and one above 0",
                remedy="Give each place its calls; 1 each counts all alike.",
            )
        )
    refuse(faults)
    share: Numbers = given / given.sum()
    return share


def _check_points(points: int, candidates: int, settings: StagingSettings) -> Numbers:
    most = np.inf if settings.shares_points else candidates
    if not 1 <= points <= most:
        raise SettingsError(
            "There cannot be so many officers." if points > most else "There has to be an officer.",
            where="points",
            found=points,
            expected="1 or more" if settings.shares_points else f"1 to {candidates:,}: one at each point",
            remedy="Give more points where officers may wait." if points > most else "Ask for one at least.",
        )
    return np.empty(0)


def _zones(zone: pd.Series, ids: pd.Index) -> pd.Series:
    return zone.reindex(ids).astype("object").where(lambda z: z.notna(), "").astype("str")
