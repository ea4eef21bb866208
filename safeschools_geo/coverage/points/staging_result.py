"""Where officers wait, what that covers, and what is proven of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from safeschools_geo.coverage.figure_text import minutes_text, more_text, share_text
from safeschools_geo.coverage.points.staging_problem import StagingSettings, is_best
from safeschools_geo.errors import count_text

CURRENT, BEST = "current", "best"
"""Plans in `Staging.coverage`: where officers wait today, and where they would wait best."""


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
        Single and double coverage, today and best (`within.coverage_shares`).
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


def _shares(shares: pd.Series) -> str:
    return "/".join(share_text(share) for share in shares)
