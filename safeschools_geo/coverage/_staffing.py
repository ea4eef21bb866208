"""Fewer or more officers, and the specialist's caseload."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import stats

from safeschools_geo.coverage._dispatch import by_travel, spread_trips
from safeschools_geo.coverage._record import call_durations
from safeschools_geo.coverage._response import mean_response_min, response_quantile_min
from safeschools_geo.errors import ColumnError, InputError, SettingsError, attempt_all, count_text, refuse
from safeschools_geo.school_calendar import school_days
from safeschools_geo.text import figure_text, listed, more_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.coverage.queueing import Hypercube
    from safeschools_geo.settings import CalendarSettings, Term, WorkloadSettings

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


# ── How overflow and response would change with fewer or more officers, and what that costs

COLUMNS = [
    "officers",
    "overflow_share",
    "overflow_per_term",
    "mean_response_min",
    "p90_response_min",
    "busy_share_mean",
    "officer_h",
    "cost",
]
"""Columns of a table of staffing."""


@dataclass(frozen=True, eq=False)
class Staffing:
    """Coverage with each number of officers."""

    # A row for each number, the fewest first: `officers`, `overflow_share` (of all calls, to patrol),
    # `overflow_per_term` (calls), `mean_response_min` and `p90_response_min` (trips of officers), `busy_share_mean`
    # (with calls), `officer_h` (program hours of all officers in a term) and `cost` (of those hours; missing without a
    # rate)
    table: pd.DataFrame
    current: int  # The number of today
    points: dict[int, Ints]  # Number of officers → rows of the candidates where they wait
    unproven: tuple[int, ...] = ()  # Numbers for which better places may be left
    is_exact: bool = True  # Whether the queueing model is
    why: str = ""  # Why nothing is compared

    @classmethod
    def without(cls, current: int, *, why: str) -> Staffing:
        """Make one that compares nothing, and says why."""
        return cls(pd.DataFrame(columns=COLUMNS, dtype=np.float64), current, {}, why=why)

    def finding(self) -> str:
        """Say in plain English what an officer fewer or more would change."""
        if self.why:
            return self.why
        rows = {row["officers"]: row for row in self.table.to_dict("records")}
        now = rows[self.current]
        said = []
        for other, word in ((self.current - 1, "one officer fewer"), (self.current + 1, "one officer more")):
            if other in rows:
                trip = more_text(
                    rows[other]["mean_response_min"] - now["mean_response_min"], "min", more="longer", less="shorter"
                )
                patrol = more_text(rows[other]["overflow_share"] - now["overflow_share"], "share")
                cost = _cost_change(now["cost"], rows[other]["cost"])
                said.append(
                    f"{word} than today’s {self.current}: mean trip {trip}, calls that go to patrol {patrol}{cost}"
                )
        text = f"The model says of {'; '.join(said)}. " if said else ""
        text += "Officers wait where they are best placed in the whole district, not tied to zones."
        if self.unproven:
            numbers = listed([str(number) for number in self.unproven])
            text += f" With {numbers} officers it is not proven that no better places are left."
        if not self.is_exact:
            text += " The queueing model of so many officers is an approximation."
        if self.table["cost"].isna().all():
            text += " No cost is given, since no rate per hour is set."
        return text

    def summary(self) -> str:
        """Say the finding, and what busy time is."""
        if self.why:
            return self.why
        now = self.table.loc[self.table["officers"] == self.current, "busy_share_mean"].tolist()[0]
        busy = f"In the model calls keep an officer busy {figure_text(now, 'share')} of the time"
        return f"{self.finding()} {busy}; routine visits are not counted, since they can be broken off for a call."

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each number of officers."""
        return self.table.copy()


def staffing(
    arrivals_per_h: ArrayLike,
    service_min: float,
    *,
    travel: Callable[[Ints], ArrayLike],
    place: Callable[[int], ArrayLike],
    hypercube: Callable[[Floats, Floats, Ints], Hypercube],
    hours_per_term: float,
    current: int,
    officers: Iterable[int],
    cost_per_h: float | None = None,
    ratios: ArrayLike = (1.0,),
) -> Staffing:
    """Work out the coverage with each number of officers, today's among them.

    `arrivals_per_h` are calls per program hour from each school, `service_min` the mean minutes of an officer for a
    call, trip and scene. `place` gives the rows of the candidates where n officers wait, shape (n,): the p-median by
    calls, for example; `travel` the minutes to each school from such rows, shape (n_schools, n_rows). `hypercube` is
    the queueing model, with overflow to patrol. `hours_per_term` are program hours of one officer. Without `cost_per_h`
    no cost is given. `ratios` are minutes of a trip over those of `travel`, equally likely.

    Officers are not tied to zones here, whatever their number: every call is tried at the officer with the shortest way
    first. With as many officers as zones the figures are therefore those of the best case, not of the zones as they
    are. All officers have the same service time, the mean of the record; that trips get shorter with more of them is in
    the response, not in the service time. Rates are those of a mean hour: in a busy hour more calls overflow. Response
    is of the calls that officers answer: where many overflow, those left out may be the far ones.
    """
    arrivals = np.asarray(arrivals_per_h, dtype=np.float64)
    numbers = sorted({int(number) for number in (*officers, current)})
    refuse(_faults(arrivals, service_min, hours_per_term, cost_per_h, numbers))
    calls = float(arrivals.sum()) * hours_per_term
    rows, points, is_exact = [], {}, True
    for number in numbers:
        waiting = np.asarray(place(number), dtype=np.int64)
        minutes = np.asarray(travel(waiting), dtype=np.float64)
        model = hypercube(arrivals, np.full(number, 60.0 / service_min), by_travel(minutes))
        trips = spread_trips(model.dispatch_share, minutes, np.asarray(ratios, dtype=np.float64))
        hours = number * hours_per_term
        points[number] = waiting
        is_exact = is_exact and model.is_exact
        rows.append(
            (
                number,
                float(model.overflow_share),
                float(model.overflow_share) * calls,
                mean_response_min(*trips),
                response_quantile_min(*trips),
                float(np.mean(model.busy_share)),
                hours,
                np.nan if cost_per_h is None else hours * cost_per_h,
            )
        )
    return Staffing(pd.DataFrame(rows, columns=COLUMNS), int(current), points, is_exact=is_exact)


def _cost_change(now: float, then: float) -> str:
    if not (np.isfinite(now) and np.isfinite(then)):
        return ""
    return f", for {abs(then - now):,.0f} {'more' if then > now else 'less'} a term"


def _faults(
    arrivals: Floats, service_min: float, hours_per_term: float, cost_per_h: float | None, numbers: list[int]
) -> Iterator[InputError]:
    if arrivals.ndim != 1 or not np.isfinite(arrivals).all() or (arrivals < 0).any() or not arrivals.any():
        yield InputError(
            "The rates of calls cannot be used.",
            where="arrivals_per_h",
            found=f"shape {arrivals.shape}, from {arrivals.min(initial=0):g} to {arrivals.max(initial=0):g}",
            expected="calls per hour of 0 or more for each school, not 0 everywhere",
        )
    amounts = {"service_min": service_min, "hours_per_term": hours_per_term}
    for name, value in amounts.items():
        if not 0 < value < np.inf:
            yield SettingsError("This must be a number above 0.", where=name, found=value)
    if cost_per_h is not None and not 0 <= cost_per_h < np.inf:
        yield SettingsError("A cost is not negative.", where="cost_per_h", found=cost_per_h)
    if numbers[0] < 1:
        yield SettingsError("There must be an officer.", where="officers", found=numbers[0])


# ── The threat-assessment specialist's caseload: how many come, how many are open, and how long they take

SPECIALISTS_WORK = "specialist"
"""Value of `work_of` of the specialist's cases."""

OPEN_DAYS = 10.0
"""School days that a case stays open on average, where nobody says."""

FEWEST_CASES, FEWEST_TERMS = 10, 3
"""Fewest cases, and terms, from which a trend is reported."""

ALPHA = 0.05
"""Largest p-value of what is called a trend."""

_NEEDED = ("incident_id", "category", "term", "work_of")
_TAIL = 0.025


@dataclass(frozen=True, eq=False)
class Caseload:
    """The specialist's cases, which are no part of any zone's load."""

    # A row for each term with a school day: `term`, `school_days`, `school_weeks`, `cases`, `cases_per_week`, `low` and
    # `high` (its 95 % interval), `mean_min` (minutes of a case; missing without cases), `hours_per_week`, `open_cases`
    # (on an ordinary day) and `change_share` (of cases per week, on the term before; missing for the first and after a
    # term without any)
    table: pd.DataFrame
    durations: pd.DataFrame  # How many minutes were `measured`, `assumed` and `rejected`
    rejects: pd.DataFrame  # `incident_id`, `part` and `reason` of each duration that was not believed
    outside_terms: int  # Cases that came in no term; they are in no rate
    open_days: float  # School days that a case stays open on average
    trend_p_value: float  # Two-sided, of a steady rise or fall over the terms; missing with too few

    def finding(self) -> str:
        """Say in plain English what the specialist's caseload of the last term is, and its trend."""
        if self.table.empty:
            return "There is no term with a school day to count the specialist’s cases in."
        last = self.table.to_dict("records")[-1]
        if not last["cases"]:
            return f"No threat assessment came in {last['term']}. {self._trend()}"
        came = f"In {last['term']} {count_text(last['cases'], 'threat assessment')} came"
        often = f"{last['cases_per_week']:.1f} in a school week ({last['low']:.1f} to {last['high']:.1f})"
        still = f"if a case stays open for {self.open_days:g} school days, about {last['open_cases']:.1f} are open"
        taking = f"which take {last['hours_per_week']:.1f} hours a week; {still} at a time."
        return f"{came}, {often}, {taking} {self._trend()} They are the specialist’s, and in no zone’s load."

    def summary(self) -> str:
        """Say the finding, and what it rests on."""
        measured = int(self.durations["measured"].sum())
        assumed = int(self.durations[["assumed", "rejected"]].to_numpy().sum())
        known = f"Minutes were measured for {count_text(measured, 'case')} and assumed for {assumed:,}."
        said = [self.finding(), known]
        said.append("Hours are those on scene: what is written or telephoned afterwards is not in the record.")
        if self.outside_terms:
            said.append(f"{count_text(self.outside_terms, 'case')} came outside the terms.")
        return " ".join(said)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each term."""
        return self.table.copy()

    def _trend(self) -> str:
        if not np.isfinite(self.trend_p_value):
            return "There are too few cases or terms to tell a trend."
        first, last = (float(self.table["cases_per_week"].iloc[i]) for i in (0, -1))
        text = f"from {first:.1f} in {self.table['term'].iloc[0]} to {last:.1f} a school week"
        if self.trend_p_value > ALPHA:
            return f"There is no clear trend over {len(self.table)} terms ({text})."
        return f"Cases {'rise' if last > first else 'fall'} over {len(self.table)} terms, {text}."


def caseload(
    history: pd.DataFrame,
    *,
    terms: Iterable[Term],
    calendar: CalendarSettings,
    settings: WorkloadSettings,
    open_days: float = OPEN_DAYS,
) -> Caseload:
    """Count the specialist's cases in each of some terms, which are in the order of time.

    Incidents in context (`counts.in_context`) count where their `work_of` is ``specialist``. `open_days` are the school
    days that a case stays open on average: a setting, since the record does not say when a case is closed.

    Open cases are those that come per school day × the days that they stay open (Little's law), with no assumption on
    how either varies. A school week is as many school days as the calendar has weekdays with school. The interval is
    exact for a Poisson number (Garwood). The trend is the score test of a log-linear change of the rate over the terms,
    given all cases (Armitage, for Poisson numbers).

    Little, J. D. C. (1961). A proof for the queuing formula: L = λW. Operations Research 9, 383–387. Garwood, F.
    (1936). Fiducial limits for the Poisson distribution. Biometrika 28, 437–442. Armitage, P. (1955). Tests for linear
    trends in proportions and frequencies. Biometrics 11, 375–386.
    """
    attempt_all({"columns": partial(_require_columns, history), "days": partial(_require_days, open_days)})
    cases = history[history["work_of"] == SPECIALISTS_WORK]
    durations = call_durations(cases, settings)
    days = {term.name: len(school_days(term, calendar)) for term in terms}
    names = [name for name, count in days.items() if count]
    by_term = durations.minutes["scene_min"].groupby(cases["term"]).agg(["size", "mean"]).reindex(names)
    table = pd.DataFrame({"term": names, "school_days": [days[name] for name in names]}).astype({"term": "str"})
    count = by_term["size"].fillna(0).to_numpy(dtype=np.float64)
    weeks = table["school_days"].to_numpy(dtype=np.float64) / len(calendar.weekdays)
    minutes = by_term["mean"].to_numpy(dtype=np.float64)
    per_week = pd.Series(count / weeks)
    before = per_week.shift().where(lambda rate: rate > 0)
    table = table.assign(
        school_weeks=weeks,
        cases=count.astype(np.int64),
        cases_per_week=per_week,
        low=np.where(count > 0, stats.chi2.ppf(_TAIL, 2 * np.maximum(count, 1)) / 2, 0.0) / weeks,
        high=stats.chi2.ppf(1 - _TAIL, 2 * (count + 1)) / 2 / weeks,
        mean_min=minutes,
        hours_per_week=per_week * np.nan_to_num(minutes) / 60,
        open_cases=count / table["school_days"] * open_days,
        change_share=(per_week / before - 1).astype("float64"),
    )
    return Caseload(
        table=table,
        durations=durations.counts.loc[["scene"]],
        rejects=durations.rejects[durations.rejects["part"] == "scene"].reset_index(drop=True),
        outside_terms=int((~cases["term"].isin(names)).sum()),
        open_days=float(open_days),
        trend_p_value=_trend_p_value(count, table["school_days"].to_numpy(dtype=np.float64)),
    )


def _trend_p_value(cases: Floats, days: Floats) -> float:
    total = cases.sum()
    if total < FEWEST_CASES or len(cases) < FEWEST_TERMS:
        return float("nan")
    moments, chance = np.arange(len(cases), dtype=np.float64), days / days.sum()
    middle = chance @ moments
    variance = total * (chance @ moments**2 - middle**2)
    return float(2 * stats.norm.sf(abs(cases @ moments - total * middle) / np.sqrt(variance)))


def _require_columns(history: pd.DataFrame) -> None:
    lacking = [name for name in _NEEDED if name not in history.columns]
    if lacking:
        raise ColumnError("The specialist’s caseload needs columns that are missing.", expected=", ".join(lacking))


def _require_days(open_days: float) -> None:
    if not 0 < open_days < np.inf:
        raise SettingsError("A case stays open for some days.", where="open_days", found=open_days)
