"""Where officers wait, who answers, what that covers, and what is proven of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.coverage.figure_text import minutes_text, more_text, share_text
from safeschools_geo.coverage.points.staging_problem import Labels, StagingSettings, is_best
from safeschools_geo.errors import count_text

if TYPE_CHECKING:
    from safeschools_geo.coverage.points.staging_problem import StagingProblem
    from safeschools_geo.programs import Numbers

CURRENT, BEST = "current", "best"
"""Plans in `Staging.coverage`: where officers wait today, and where they would wait best."""

NOBODY = -1
"""Stands for a place that no officer can reach."""

_COVERAGE_COLUMNS = ("plan", "officers", "within_min", "places_share", "students_share", "calls_share")


@dataclass(frozen=True, eq=False)
class Staging:
    """Points where officers wait between calls.

    Parameters
    ----------
    points
        One row for each officer: `officer` (a number, or the zone), `point_id`, `places` (that this officer answers:
        those of the zone, or those nearest to the point), `calls_share` of them, `mean_min` (of a call at them) and
        `longest_min`.
    value
        Minutes, or a share from 0 to 1, as `settings.objective` says.
    bound
        No choice of points has a better value.
    value_current
        Value of the points where officers wait today; missing (NaN) if they were not given.
    places
        One row for each place: `place_id`, `calls_share`, `officer` who answers first, `answer_min` of that officer,
        `first_min` and `second_min` of the nearest and the second nearest officer; both with ``_current`` for today.
    coverage
        Single and double coverage, today and best: by `plan`, number of `officers` (one at least is near enough, or
        two) and `within_min`, the `places_share`, `students_share` (of those known; missing if none is) and
        `calls_share`.
    candidates
        Number of points that officers could have waited at.
    students_unknown
        Places whose number of students is not known: they are in no share of students.
    is_by_zone
        Whether each officer waits in a zone and answers its calls; else all answer everywhere.
    seconds
        Time taken.
    settings
        What was asked.
    """

    points: pd.DataFrame
    value: float
    bound: float
    value_current: float
    places: pd.DataFrame
    coverage: pd.DataFrame
    candidates: int
    students_unknown: int
    is_by_zone: bool
    seconds: float
    settings: StagingSettings

    @property
    def is_proven(self) -> bool:
        """Whether no other choice does better, up to rounding; not where time ran out before that was certain."""
        return is_best(self.value, self.bound)

    @property
    def gap(self) -> float:
        """How much better any other choice can be at most, in minutes or as a share."""
        return 0.0 if self.is_proven else abs(self.value - self.bound)

    def summary(self) -> str:
        """Say in plain English where officers wait, what that gains, and whether it is proven.

        Returns
        -------
        str
            A few sentences.
        """
        numbers = ((1, "an officer"), (2, "two officers"))[: len(self.points)]
        told = [
            self._where(),
            f"{self._sentence(self.value)}{self._compared()}, by the ways on the map.",
            self._proof(),
            *(f"{self._covered(officers, words)}." for officers, words in numbers),
        ]
        if self.students_unknown:
            told.append(f"{count_text(self.students_unknown, 'place')} without a known number of students.")
        return " ".join(told)

    def difference(self) -> str:
        """Say where officers would wait best and what that gains, without saying how long any trip takes.

        Returns
        -------
        str
            Two sentences or three; the gain only where the places of today were given.
        """
        gain = self.value - self.value_current
        unit = "min" if self.settings.objective in {"mean", "longest"} else "share"
        told = [self._where()]
        if not np.isnan(gain):
            told.append(f"By the ways on the map, that changes {self._what()} so: {more_text(gain, unit)}.")
        return " ".join([*told, *([self._proof()] if self.is_proven else [])])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each place.

        Returns
        -------
        pandas.DataFrame
            `places`.
        """
        return self.places.copy()

    def _where(self) -> str:
        ids = [str(point) for point in self.points["point_id"]]
        if self.is_by_zone:
            told = [f"{zone} at {point}" for zone, point in zip(self.points["officer"], ids, strict=True)]
            return f"The officer of each zone waits: {', '.join(told)}."
        return f"{'The officer waits' if len(ids) == 1 else 'Officers wait'} at {', '.join(ids)}."

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
        told = []
        for column, things in (("places_share", "places"), ("students_share", "students")):
            if best[column].notna().all():
                was = f" (today {_shares(today[column])})" if len(today) else ""
                told.append(f"{_shares(best[column])} of {things}{was}")
        limits = "/".join(f"{limit:g}" for limit in best["within_min"])
        return f"Within {limits} minutes of {words} by those ways: {' and '.join(told)}"


@dataclass(frozen=True, eq=False)
class Waiting:
    """Where p officers wait, and who answers each of n places.

    Parameters
    ----------
    officers
        What they are called, p of them.
    columns
        Column of the point of each, shape (p,).
    answers
        Which officer answers each place, `NOBODY` where none can, shape (n,).
    """

    officers: Sequence[str]
    columns: Labels
    answers: Labels


def all_answer(problem: StagingProblem, columns: Labels) -> Waiting:
    """Let each place be answered by the officer nearest to it.

    Parameters
    ----------
    problem
        Minutes.
    columns
        Column of the point of each officer, shape (p,).

    Returns
    -------
    Waiting
        Officers called 1, 2, …; of several as near, the first answers.
    """
    first, _, nearest = _two_nearest(problem.minutes, columns)
    officers = [str(number) for number in range(1, len(columns) + 1)]
    return Waiting(officers, columns, np.where(np.isfinite(first), nearest, NOBODY))


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


def answer_minutes(problem: StagingProblem, waiting: Waiting) -> Numbers:
    """Find the minutes of the officer who answers.

    Parameters
    ----------
    problem
        Minutes.
    waiting
        Who answers.

    Returns
    -------
    numpy.ndarray
        Minutes, shape (n,); infinite where nobody can.
    """
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
    """Describe a choice.

    Parameters
    ----------
    problem
        Minutes and weights.
    best
        Where officers wait best, and who answers.
    today
        Columns of the points where officers wait today, if that is known.
    minutes
        Minutes with the ids of places and points.
    students
        Students by place, missing where not known.
    settings
        What was asked.

    Returns
    -------
    dict
        The fields of `Staging` that do not hang on how the choice was made.
    """
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
