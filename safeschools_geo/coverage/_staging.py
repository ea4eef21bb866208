"""Where officers wait between calls: what is asked, what is found, and what that covers."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.coverage._staging_points import (
    StagingProblem,
    StagingSettings,
    best_center,
    best_cover,
    best_in_zones,
    best_median,
    busy_gains,
    find_cover,
    is_best,
    value_by_zone,
)
from safeschools_geo.errors import ColumnError, InputError, SettingsError, attempt_all, count_text, refuse
from safeschools_geo.solver import Labels
from safeschools_geo.text import minutes_text, more_text, share_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from safeschools_geo.solver import Numbers


# ── What is given to staging, checked: minutes to each place, its weight, and what is asked


def read_problem(
    minutes: pd.DataFrame, weights: pd.Series, *, points: int, settings: StagingSettings
) -> StagingProblem:
    """Check what is given and asked, and put it into arrays."""
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
    """Find the columns of the points where officers wait today."""
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
    """Refuse places that no choice of points would reach, where each place has to be reached."""
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
            remedy="Allow more officers, fix the roads, or leave the places on small parts out.",
        )


def check_zones(
    zone_of_place: pd.Series, zone_of_point: pd.Series, minutes: pd.DataFrame
) -> tuple[pd.Series, pd.Series]:
    """Refuse zones in which nobody can wait, or nobody has to."""
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
    """Find the columns of the points where the officers of zones wait today."""
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
    """Refuse zones of which no point reaches every place, where each place has to be reached."""
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


# ── Where officers wait, who answers, what that covers, and what is proven of it

CURRENT, BEST = "current", "best"
"""Plans in `Staging.coverage`: where officers wait today, and where they would wait best."""

NOBODY = -1
"""Stands for a place that no officer can reach."""

_COVERAGE_COLUMNS = ("plan", "officers", "within_min", "places_share", "students_share", "calls_share")


@dataclass(frozen=True, eq=False)
class Staging:
    """Points where officers wait between calls."""

    # A row for each officer: `officer` (a number, or the zone), `point_id`, `places` (that this officer answers: those
    # of the zone, or those nearest to the point), `calls_share` of them, `mean_min` (of a call at them) and
    # `longest_min`
    points: pd.DataFrame
    value: float  # Minutes, or a share from 0 to 1, as `settings.objective` says
    bound: float  # No choice of points has a better value
    value_current: float  # Value of the points where officers wait today; NaN if they were not given
    # A row for each place: `place_id`, `calls_share`, `officer` who answers first, `answer_min` of that officer,
    # `first_min` and `second_min` of the nearest and the second nearest officer; these two with ``_current`` for today
    places: pd.DataFrame
    # Single and double coverage, today and best: by `plan`, number of `officers` (one at least is near enough, or two)
    # and `within_min`, the `places_share`, `students_share` (of those known; missing if none is) and `calls_share`
    coverage: pd.DataFrame
    candidates: int  # Number of points that officers could have waited at
    students_unknown: int  # Places whose number of students is not known: they are in no share of students
    is_by_zone: bool  # Whether each officer waits in a zone and answers its calls; else all answer everywhere
    seconds: float  # Time taken
    settings: StagingSettings  # What was asked

    @property
    def is_proven(self) -> bool:
        """Whether no other choice does better, up to rounding; not where time ran out before that was certain."""
        return is_best(self.value, self.bound)

    @property
    def gap(self) -> float:
        """How much better any other choice can be at most, in minutes or as a share."""
        return 0.0 if self.is_proven else abs(self.value - self.bound)

    def summary(self, *, names: Mapping[str, str] | None = None) -> str:
        """Say in plain English where officers would wait best, what that gains, and whether it is proven.

        Points are called by their `names`, where they have one.
        """
        numbers = ((1, "an officer"), (2, "two officers"))[: len(self.points)]
        parts = [
            self._where(names or {}),
            f"{self._sentence(self.value)}{self._compared()}, by the ways on the map.",
            self._proof(),
            *(f"{self._covered(officers, words)}." for officers, words in numbers),
        ]
        if self.students_unknown:
            parts.append(f"{count_text(self.students_unknown, 'place')} without a known number of students.")
        return " ".join(parts)

    def difference(self, *, names: Mapping[str, str] | None = None) -> str:
        """Say where officers would wait best and what that gains, without saying how long any trip takes.

        Two sentences or three; the gain only where the places of today were given.
        """
        gain = self.value - self.value_current
        unit = "min" if self.settings.objective in {"mean", "longest"} else "share"
        parts = [self._where(names or {})]
        if not np.isnan(gain):
            parts.append(f"By the ways on the map, that changes {self._what()} so: {more_text(gain, unit)}.")
        return " ".join([*parts, *([self._proof()] if self.is_proven else [])])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each place."""
        return self.places.copy()

    def _where(self, names: Mapping[str, str]) -> str:
        ids = [names.get(str(point), str(point)) for point in self.points["point_id"]]
        if self.is_by_zone:
            parts = [f"{zone} at {point}" for zone, point in zip(self.points["officer"], ids, strict=True)]
            return f"The best place found for the officer of each zone to wait: {', '.join(parts)}."
        whose = "place found for the officer" if len(ids) == 1 else "places found for officers"
        return f"The best {whose} to wait: {', '.join(ids)}."

    def _what(self) -> str:
        return {
            "mean": "the mean trip",
            "longest": "the longest trip",
            "covered": "the share of calls near an officer",
            "expected": "the share of calls near a free officer",
        }[self.settings.objective]

    def _figure(self, value: float) -> str:
        if self.settings.objective in {"mean", "longest"}:
            return f"{minutes_text(value)} minutes"
        return share_text(value)

    def _sentence(self, value: float) -> str:
        limit = self.settings.within_min
        within = f"within {limit:g} minute{'' if limit == 1 else 's'}"
        whose = "the officer of its zone" if self.is_by_zone else "an officer"
        busy = f"if each is busy {share_text(self.settings.busy_share)} of the time"
        heads = {
            "mean": f"{whose.capitalize()} reaches a call in {{}} on average",
            "longest": f"{whose.capitalize()} reaches the farthest place in {{}}",
            "covered": f"{{}} of calls are {within} of {whose}",
            "expected": f"{{}} of calls find a free officer {within}, {busy}",
        }
        return heads[self.settings.objective].format(self._figure(value))

    def _compared(self) -> str:
        return "" if np.isnan(self.value_current) else f" (today {self._figure(self.value_current)})"

    def _proof(self) -> str:
        choice = f"choice among {count_text(self.candidates, 'point')}"
        if self.is_proven:
            return f"It is proven that no other {choice} does better."
        return (
            f"It is not proven to be the best: the search stopped after {self.seconds:.0f} s. No {choice} can do "
            f"better than {self._figure(self.bound)}."
        )

    def _covered(self, officers: int, words: str) -> str:
        table = self.coverage[self.coverage["officers"] == officers]
        best, today = (table[table["plan"] == plan] for plan in (BEST, CURRENT))
        parts = []
        for column, things in (("places_share", "places"), ("students_share", "students")):
            if best[column].notna().all():
                was = f" (today {_shares(today[column])})" if len(today) else ""
                parts.append(f"{_shares(best[column])} of {things}{was}")
        limits = "/".join(f"{limit:g}" for limit in best["within_min"])
        return f"Within {limits} minutes of {words} by those ways: {' and '.join(parts)}"


@dataclass(frozen=True, eq=False)
class Waiting:
    """Where p officers wait, and who answers each of n places."""

    officers: Sequence[str]  # What they are called, p of them
    columns: Labels  # Column of the point of each, shape (p,)
    answers: Labels  # Which officer answers each place, `NOBODY` where none can, shape (n,)


def all_answer(problem: StagingProblem, columns: Labels) -> Waiting:
    """Let each place be answered by the officer nearest to it."""
    first, _, nearest = _two_nearest(problem.minutes, columns)
    officers = [str(number) for number in range(1, len(columns) + 1)]
    return Waiting(officers, columns, np.where(np.isfinite(first), nearest, NOBODY))


def zones_answer(places: pd.Series, chosen: Mapping[str, int]) -> Waiting:
    """Let each place be answered by the officer of its zone."""
    zones = list(chosen)
    return Waiting(zones, np.array(list(chosen.values()), dtype="int64"), pd.Index(zones).get_indexer(pd.Index(places)))


def answer_minutes(problem: StagingProblem, waiting: Waiting) -> Numbers:
    """Find the minutes of the officer who answers."""
    minutes = problem.minutes[np.arange(len(waiting.answers)), waiting.columns[waiting.answers]]
    answered: Numbers = np.where(waiting.answers == NOBODY, np.inf, minutes)
    return answered


def staging_tables(
    problem: StagingProblem,
    best: Waiting,
    today: Labels | None,
    minutes: pd.DataFrame,
    *,
    students: pd.Series | None,
    settings: StagingSettings,
) -> dict[str, Any]:
    """Describe a choice."""
    known = None if students is None else _student_numbers(students, minutes.index)
    plans = {BEST: best.columns} if today is None else {CURRENT: today, BEST: best.columns}
    return {
        "points": _points_table(problem, best, minutes.columns),
        "places": _places_table(problem, best, today, minutes.index),
        "coverage": _coverage_shares(
            problem.minutes, plans, weight=problem.weight, students=known, limits_min=settings.limits_min
        ),
        "candidates": minutes.shape[1],
        "students_unknown": 0 if known is None else int(np.isnan(known).sum()),
        "settings": settings,
    }


def _points_table(problem: StagingProblem, waiting: Waiting, candidates: pd.Index) -> pd.DataFrame:
    """Describe what each officer answers; missing minutes where there is no place."""
    answered = answer_minutes(problem, waiting)
    rows = []
    for officer, name in enumerate(waiting.officers):
        own = np.flatnonzero(waiting.answers == officer)
        weight, minutes = problem.weight[own], answered[own]
        calls = float(weight.sum())
        counted = weight > 0 if calls > 0 else np.ones(len(own), dtype=bool)
        mean = np.average(minutes[counted], weights=weight[counted] if calls > 0 else None) if len(own) else np.nan
        longest = minutes.max() if len(own) else np.nan
        rows.append((name, candidates[waiting.columns[officer]], len(own), calls, mean, longest))
    columns = ["officer", "point_id", "places", "calls_share", "mean_min", "longest_min"]
    return pd.DataFrame(rows, columns=columns)


def _places_table(problem: StagingProblem, waiting: Waiting, today: Labels | None, places: pd.Index) -> pd.DataFrame:
    """Describe how soon each place is reached."""
    names = np.append(np.array(waiting.officers, dtype="object"), "")
    unknown = np.full(len(places), np.nan)
    first, second = _two_nearest(problem.minutes, waiting.columns)[:2]
    before = (unknown, unknown) if today is None else _two_nearest(problem.minutes, today)[:2]
    return pd.DataFrame(
        {
            "place_id": places.to_numpy(),
            "calls_share": problem.weight,
            "officer": pd.array(names[waiting.answers], dtype="str"),
            "answer_min": answer_minutes(problem, waiting),
            "first_min": first,
            "second_min": second,
            "first_min_current": before[0],
            "second_min_current": before[1],
        }
    )


def _two_nearest(minutes: Numbers, chosen: Labels) -> tuple[Numbers, Numbers, Labels]:
    """Find the minutes of the nearest officer of each place and of the next, and which the nearest is."""
    there = minutes[:, chosen]
    nearest = there.argmin(axis=1).astype("int64")
    ordered = np.sort(np.column_stack([there, np.full(len(there), np.inf)]), axis=1)
    return ordered[:, 0], ordered[:, 1], nearest


def _coverage_shares(
    minutes: Numbers,
    plans: Mapping[str, Labels],
    *,
    weight: Numbers,
    students: Numbers | None = None,
    limits_min: Sequence[float],
) -> pd.DataFrame:
    """Measure what one officer at least, and two, can reach within some times; shares of those known."""
    known = np.zeros(len(minutes)) if students is None else np.nan_to_num(students, nan=0.0)
    rows = []
    for plan, chosen in plans.items():
        for officers, nearest in zip((1, 2), _two_nearest(minutes, chosen)[:2], strict=True):
            for limit in limits_min:
                near = nearest <= limit
                students_share = float(known[near].sum() / known.sum()) if known.sum() > 0 else np.nan
                rows.append((plan, officers, limit, near.mean(), students_share, float(weight[near].sum())))
    return pd.DataFrame(rows, columns=list(_COVERAGE_COLUMNS))


def _student_numbers(students: pd.Series, places: pd.Index) -> Numbers:
    """Put the numbers of students in the order of the places, missing (NaN) where not known."""
    numbers = pd.to_numeric(students[~students.index.duplicated()], errors="coerce").reindex(places)
    given: Numbers = numbers.to_numpy("float64", na_value=np.nan)
    return np.where(given >= 0, given, np.nan)


def _shares(shares: pd.Series) -> str:
    return "/".join(share_text(share) for share in shares)


# ── Where officers wait between calls: the best points, district-wide or zone by zone, with proof

_CHOOSE = {"mean": best_median, "longest": best_center, "covered": best_cover, "expected": best_cover}


def place_officers(
    minutes: pd.DataFrame,
    weights: pd.Series,
    *,
    points: int,
    students: pd.Series | None = None,
    current: Iterable[str] | None = None,
    settings: StagingSettings | None = None,
) -> Staging:
    """Choose the points where officers wait who answer calls everywhere.

    Parameters
    ----------
    minutes
        Minutes from each point where an officer may wait (column) to each place (row), such as
        ``travel_times(…).response_minutes(schools, points)``; infinite where there is no way.
    weights
        Calls, or what else a place counts for, by place; 0 or more.
    points
        Number of officers.
    students
        Students by place, missing where not known.
    current
        Points where officers wait today, one for each officer.
    settings
        What is asked: least mean or longest minutes, or the largest share of calls covered.

    Returns
    -------
    Staging
        The points, their value, the bound, and what they cover.

    Raises
    ------
    InputError
        All that is wrong at once: no places or points, ids that repeat, minutes or weights that are no numbers of 0 or
        more, too many officers, current points that are unknown; then places that no point reaches, or that so few
        points cannot all reach.

    Notes
    -----
    The methods, with their sources: `best_median`, `best_center`, `best_cover`.
    """
    start = time.monotonic()
    asked = settings or StagingSettings()
    steps: dict[str, Callable[[], Any]] = {
        "problem": partial(read_problem, minutes, weights, points=points, settings=asked)
    }
    if current is not None:
        steps["today"] = partial(columns_of, current, minutes.columns)
    found = attempt_all(steps)
    problem: StagingProblem = found["problem"]
    deadline = time.process_time() + asked.time_limit_s
    refuse_out_of_reach(problem, minutes.index, deadline=deadline)
    choice = _CHOOSE[asked.objective](problem, deadline=deadline, seed=asked.seed)
    today: Labels | None = found.get("today")
    return Staging(
        **staging_tables(
            problem, all_answer(problem, choice.chosen), today, minutes, students=students, settings=asked
        ),
        value=choice.value,
        bound=choice.bound,
        value_current=np.nan if today is None else problem.value(today),
        is_by_zone=False,
        seconds=time.monotonic() - start,
    )


def stage_zones(
    minutes: pd.DataFrame,
    weights: pd.Series,
    *,
    zone_of_place: pd.Series,
    zone_of_point: pd.Series,
    students: pd.Series | None = None,
    current: Mapping[str, str] | pd.Series | None = None,
    settings: StagingSettings | None = None,
) -> Staging:
    """Choose the point where the one officer of each zone waits, who answers the calls of that zone.

    Zones do not depend on each other, so the best point of each, found by trying all of them, makes the best staging by
    any of the measures. Coverage counts the officers of all zones. What is not described here is as for
    `place_officers`. Zones are by id of the place or the point; points without one are not used. `current` is the point
    of today by zone, in the zone or not. A place without a zone is refused, and a zone without a place or a point, or
    without a point today.
    """
    start = time.monotonic()
    asked = settings or StagingSettings()
    steps: dict[str, Callable[[], Any]] = {
        "problem": partial(read_problem, minutes, weights, points=1, settings=asked),
        "zones": partial(check_zones, zone_of_place, zone_of_point, minutes),
    }
    if current is not None:
        steps["today"] = partial(columns_of_zones, current, zone_of_place, minutes.columns)
    found = attempt_all(steps)
    problem: StagingProblem = found["problem"]
    places, points = found["zones"]
    chosen = best_in_zones(problem, places, points)
    best = zones_answer(places, chosen)
    answered = answer_minutes(problem, best)
    refuse_lost(problem, answered, minutes.index)
    value = value_by_zone(problem, answered)
    today: dict[str, int] | None = found.get("today")
    before = None if today is None else zones_answer(places, today)
    columns = None if before is None else before.columns
    return Staging(
        **staging_tables(problem, best, columns, minutes, students=students, settings=asked),
        value=value,
        bound=value,
        value_current=np.nan if before is None else value_by_zone(problem, answer_minutes(problem, before)),
        is_by_zone=True,
        seconds=time.monotonic() - start,
    )
