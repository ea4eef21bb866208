"""Hours of the week with more incidents than hours in session explain."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from scipy.special import xlogy

from safeschools_geo.checks import check_midnight
from safeschools_geo.errors import ColumnError, InputError
from safeschools_geo.hotspots._expected import (
    FEWEST_EXPECTED,
    NOT_CLEARLY,
    carried,
    counted,
    once_in_terms,
    q_values,
    rate_interval,
    times,
)
from safeschools_geo.hotspots._schools import overlap
from safeschools_geo.hotspots.scan import (
    LikelihoodRatio,
    critical_ratio,
    gumbel_p_value,
    rank_p_value,
    simulate_counts,
    smallest_ratio,
)
from safeschools_geo.hotspots.temporal import aoristic, as_zone
from safeschools_geo.schemas import CATEGORIES, FEWEST_AS_BASE, LEVELS, POPULATIONS
from safeschools_geo.school_calendar import day_kinds, hour_shares, school_days
from safeschools_geo.text import listed

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.settings import CalendarSettings, HoursSettings, Settings, Term

    Floats = NDArray[np.float64]
    Zone = str | dt.tzinfo
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


# ── Hours in session, and the incidents of each hour of the week beside them

NO_LEVEL = "no_level"
"""Group of the incidents that are at no school of a known level."""

_WEEK_HOURS = 168
_PER = 1000.0


def session_hours(terms: Iterable[Term], calendar: CalendarSettings, hours: HoursSettings, levels: pd.Series) -> Floats:
    """Count the school-hours in session in each hour of the week."""
    unknown = sorted(set(levels.fillna("other").astype("str")) - set(LEVELS))
    if unknown:
        raise InputError("These are no school levels.", found=", ".join(unknown), expected=", ".join(LEVELS))
    days = pd.DatetimeIndex(sorted({day for term in terms for day in school_days(term, calendar)}))
    kinds = day_kinds(days, calendar)
    bells = [hours.of(level, str(school)) for school, level in levels.fillna("other").astype("str").items()]
    week = np.zeros((7, 24))
    for kind in set(kinds):
        on_weekday = np.bincount(days[kinds == kind].day_of_week, minlength=7)
        week += np.outer(on_weekday, sum((hour_shares(one.start, one.end_on(kind)) for one in bells), np.zeros(24)))
    return week


def timed_incidents(incidents: pd.DataFrame, *, tz: Zone | None = None) -> tuple[pd.DataFrame, int]:
    """Leave out incidents whose time of day is not known.

    Incidents with a time of day. Without those at exactly 00:00:00 if these are a pile, by the rule of
    `check_midnight`: midnight then stands for "not known". How many were left out.
    """
    _require_columns(incidents, ["occurred_at", "has_time"])
    at = incidents["occurred_at"]
    if tz is not None and at.dt.tz is not None:
        at = at.dt.tz_convert(as_zone(tz))
    times = pd.DataFrame({"incident_id": range(len(at)), "occurred_at": at, "has_time": incidents["has_time"]})
    is_kept = times["has_time"].to_numpy(dtype="bool")
    if check_midnight(times):
        wall = at.dt.tz_localize(None)
        is_kept = is_kept & (wall != wall.dt.normalize()).to_numpy()
    return incidents[is_kept], int((~is_kept).sum())


def hour_tables(
    incidents: pd.DataFrame,
    levels: pd.Series,
    *,
    terms: Sequence[Term],
    calendar: CalendarSettings,
    hours: HoursSettings,
    tz: Zone,
) -> pd.DataFrame:
    """Make the table of hours for all incidents, for each category and for each level.

    `by` (``all``, ``category`` or ``level``), `group` (``all``, a category or a level, in the order of `schemas`),
    and the columns of `_hour_table`. The rates of a level are over the hours of its own schools; incidents at no
    school of a known level are the group ``no_level``, without rates. The incidents of each `by` add up to the same
    number. Whether midnight stands for "not known" is decided once, for all incidents.
    """
    if not levels.index.is_unique:
        raise InputError("A school has one level.", where="levels", ids=levels.index[levels.index.duplicated()])
    _require_columns(incidents, ["category", "school_id"])
    kept, _ = timed_incidents(incidents, tz=tz)
    known = levels.fillna("other").astype("str")
    of_incident = kept["school_id"].map(known).fillna(NO_LEVEL)

    def in_session(is_meant: pd.Series | slice) -> Floats:
        return session_hours(terms, calendar, hours, known[is_meant])

    everywhere = in_session(slice(None))
    tables = {("all", "all"): _hour_table(kept, everywhere, tz)}
    for category in _present(kept["category"], CATEGORIES):
        tables["category", category] = _hour_table(kept[kept["category"] == category], everywhere, tz)
    for level in _present(pd.concat([known, of_incident]), [*LEVELS, NO_LEVEL]):
        tables["level", level] = _hour_table(kept[of_incident == level], in_session(known == level), tz)
    joined = pd.concat(tables, names=["by", "group"]).reset_index(level=["by", "group"])
    return joined.astype({"by": "str", "group": "str"}).reset_index(drop=True)


def checked_week(values: ArrayLike, name: str) -> Floats:
    """Check a table of the hours of the week."""
    week = np.asarray(values, dtype=np.float64)
    if week.shape != (7, 24):
        raise InputError(
            "A week has 7 days of 24 hours.", where=name, found=f"shape {week.shape}", expected="shape (7, 24)"
        )
    wrong = np.argwhere(~(np.isfinite(week) & (week >= 0)))
    if len(wrong):
        raise InputError(
            "Hours of the week hold numbers of 0 or more.",
            where=name,
            ids=(f"weekday {day} hour {hour}" for day, hour in wrong),
            found=week[tuple(wrong[0])],
        )
    return week


def _hour_table(kept: pd.DataFrame, exposure: Floats, tz: Zone) -> pd.DataFrame:
    end = kept.get("occurred_to", pd.Series(pd.NaT, index=kept.index))
    weights, hours = aoristic(kept["occurred_at"], end, tz=tz).ravel(), exposure.ravel()
    rates = np.divide(_PER * weights, hours, out=np.full(len(hours), np.nan), where=hours > 0)
    columns = {"incidents": weights, "school_hours": hours, "rate_per_1000_h": rates}
    cell = np.arange(_WEEK_HOURS)
    return pd.DataFrame({"weekday": cell // 24, "hour": cell % 24, **columns})


def _present(values: pd.Series, order: Iterable[str]) -> list[str]:
    found = set(values)
    return [value for value in order if value in found]


def _require_columns(incidents: pd.DataFrame, names: list[str]) -> None:
    lacking = [name for name in names if name not in incidents.columns]
    if lacking:
        raise ColumnError(
            "Incidents lack columns that hours are counted from.",
            where="incidents",
            found=", ".join(map(str, incidents.columns)),
            expected=", ".join(lacking),
        )


# ── The worst hours of the week: days and hours with more incidents than hours in session explain, after all looking

Status = Literal["high", "not_high", "insufficient_data"]

FEWEST_INCIDENTS = 20
"""Incidents in session below which nothing is said about hours."""

ALPHA = 0.05
"""Largest p-value of a window that is called high."""

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LOST = 1e-9
_MIDNIGHT = 24
_LISTED = 2


@dataclass(frozen=True)
class WorstWindow:
    """The days and hours in which incidents are most unusually frequent."""

    # Days on which the window begins and has school in its hours, 0 for Monday, in the order they follow each other;
    # none where there is no window
    weekdays: tuple[int, ...]
    # Local hours from and to, the end not included (24 for midnight); None where there is no window
    start_hour: int | None
    end_hour: int | None
    # Aoristic weight of the incidents in it: may be a fraction. Missing where there is no window, as are the next.
    observed: float
    expected: float  # Incidents expected in it: the same total, spread as the hours in session are
    relative_risk: float  # Observed over expected inside, divided by the same in the other hours in session
    llr: float  # Log likelihood ratio
    p_value: float  # One-sided Monte-Carlo p-value, after looking at all windows
    gumbel_p_value: float  # The same from a Gumbel distribution fitted to the simulated maxima
    detectable_ratio: float  # Smallest observed over expected at which this window would have had a p-value of 5 %
    status: Status  # ``high`` (p ≤ 0.05), ``not_high``, or ``insufficient_data``
    incidents: float  # Aoristic weight in session
    left_out: float  # Aoristic weight in hours without school, which is not looked at
    # Number of windows looked at that differ in the hours in session they hold, and in which at least one incident is
    # expected
    windows: int
    settings: dict[str, Any]  # ``longest_h``, ``simulations`` and ``seed``

    def summary(self) -> str:
        """Say in plain English when incidents are most frequent."""
        return self._finding() + self._left_out()

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        row = {name: value for name, value in asdict(self).items() if name != "settings"}
        days = ";".join(DAY_NAMES[day] for day in self.weekdays)
        return pd.DataFrame([{**row, "weekdays": days, "sentence": self.summary()}]).astype(
            {"start_hour": "Int64", "end_hour": "Int64"}
        )

    def _finding(self) -> str:
        if self.status == "insufficient_data":
            return (
                f"Too few {POPULATIONS['reported']} in session to tell hours apart: {self.incidents:,.4g}, "
                f"where {FEWEST_INCIDENTS} are needed."
            )
        looked = f"after looking at {self.windows:,} windows"
        if not self.weekdays:
            return f"No hours in session have more {POPULATIONS['reported']} than others, {looked}."
        chance = once_in_terms(self.p_value)
        if self.status == "high":
            return f"{self._when()}, {self._ratio()}; a pattern this strong arises by chance {chance} {looked}."
        when = self._when()
        return (
            f"{when}, {self._ratio()}, which is {NOT_CLEARLY}: a pattern this strong arises by chance {chance} "
            f"{looked}."
        )

    def _when(self) -> str:
        return f"From {self.start_hour:02d}:00 to {self.end_hour:02d}:00{_days_text(self.weekdays)}"

    def _ratio(self) -> str:
        if np.isnan(carried(self.relative_risk, self.incidents - self.observed, fewest=FEWEST_AS_BASE)):
            inside = f"{self.observed:,.4g} of the {self.incidents:,.4g} {POPULATIONS['reported']}"
            return f"there were {inside} in session, where {self.expected:,.1f} were expected"
        return (
            f"{POPULATIONS['reported']} were {times(self.relative_risk)} as frequent as in the other hours in session"
        )

    def _left_out(self) -> str:
        if self.left_out < _LOST:
            return ""
        return f" Left out: calls with a weight of {self.left_out:,.1f} in hours without school."


def worst_window(
    weights: ArrayLike, exposure: ArrayLike, *, longest_h: int = 4, simulations: int = 999, seed: int = 0
) -> WorstWindow:
    """Find the days and hours with more incidents than the hours in session explain.

    The likeliest window. Windows are successive weekdays (Sunday is followed by Monday) times successive hours (23 is
    followed by 0, which is then the next day's); only hours in session enter, and windows that hold the same ones are
    one.

    Kulldorff's Poisson scan (M. Kulldorff, "A spatial scan statistic", Communications in Statistics 26, 1997) on the
    circles of the week and of the day. Simulations draw as many whole incidents as there are in session, rounded, and
    spread them as the hours in session are. Incidents that were spread over several hours vary less than that, so their
    p-value errs on the side of caution. Incidents are taken to be independent of each other: several reports of one
    event make the p-value too small.
    """
    week, hours = checked_week(weights, "weights"), checked_week(exposure, "exposure")
    _require_settings(longest_h, simulations)
    in_session = hours > 0
    settings = {"longest_h": longest_h, "simulations": simulations, "seed": seed}
    windows = _Windows.of(in_session, longest_h)
    counts, share = week[in_session], hours[in_session] / hours.sum()
    known: dict[str, Any] = {
        "incidents": float(counts.sum()),
        "left_out": float(week[~in_session].sum()),
        "windows": len(windows.members),
        "settings": settings,
    }
    # Aoristic weights add up to the incidents but for rounding.
    if counts.sum() < FEWEST_INCIDENTS - _LOST:
        return _without_window("insufficient_data", float("nan"), known)
    # Windows in which less than one is expected carry no ratio, and are not looked at, in the simulations either.
    windows = windows.of_share(share, FEWEST_EXPECTED / max(counts.sum(), FEWEST_EXPECTED))
    known["windows"] = len(windows.members)
    observed, held = windows.members @ counts, windows.members @ share
    ratios = _likelihood_ratios(observed, held, counts.sum())
    if ratios.max(initial=0.0) <= _LOST:
        return _without_window("not_high", 1.0, known)
    best = int(ratios.argmax())
    maxima = _simulated_maxima(windows.members, share, round(known["incidents"]), simulations, seed)
    return _window(
        windows.arcs[best],
        in_session,
        observed=float(observed[best]),
        share=float(held[best]),
        llr=float(ratios[best]),
        maxima=maxima,
        known=known,
    )


@dataclass(frozen=True, eq=False)
class _Windows:
    """Windows that differ in the hours in session they hold, smaller ones first.

    `members`: whether an hour in session is in it, float64, shape (windows, hours in session). `arcs`: first weekday,
    number of weekdays, first hour, number of hours, shape (windows, 4).
    """

    members: Floats
    arcs: Ints

    @classmethod
    def of(cls, in_session: Flags, longest_h: int) -> _Windows:
        """List the windows that hold some of the hours in session, but not all."""
        arcs, cells = _every_arc(longest_h)
        members = cells[:, in_session]
        is_some = np.flatnonzero(members.any(axis=1) & ~members.all(axis=1))
        _, first = np.unique(np.packbits(members[is_some], axis=1), axis=0, return_index=True)
        chosen = is_some[np.sort(first)]
        return cls(members[chosen].astype(np.float64), arcs[chosen])

    def of_share(self, share: Floats, least: float) -> _Windows:
        """Keep those with at least such a share of what is expected."""
        is_kept = self.members @ share >= least * (1 - _LOST)
        return _Windows(self.members[is_kept], self.arcs[is_kept])


@cache
def _every_arc(longest_h: int) -> tuple[Ints, Flags]:
    """List all windows, smaller ones first, and the hours of the week in each, shape (windows, 7, 24)."""
    arcs = np.array([(*days, *hours) for days, hours in product(_arcs(7, 7), _arcs(24, longest_h))])
    arcs = arcs[np.argsort(arcs[:, 1] * arcs[:, 3], kind="stable")]
    return arcs, _cells(arcs)


def _arcs(circle: int, longest: int) -> list[tuple[int, int]]:
    """List starts and lengths of the arcs of a circle; the whole circle is one."""
    arcs = [(start, length) for length in range(1, min(longest, circle - 1) + 1) for start in range(circle)]
    return [*arcs, (0, circle)] if longest == circle else arcs


def _cells(arcs: Ints) -> Flags:
    """Tell the hours of the week in windows, shape (windows, 7, 24)."""
    day, days, hour, hours = arcs.T[:, :, None]
    clock = np.arange(24)
    is_in_hours = (clock - hour) % 24 < hours
    # Each hour counts for the day on which the window that holds it would begin.
    began = np.arange(7)[:, None] - (clock < hour)[:, None, :]
    return np.asarray(((began - day[:, :, None]) % 7 < days[:, :, None]) & is_in_hours[:, None, :])


def _days_in_session(arc: Ints, in_session: Flags) -> tuple[int, ...]:
    """List the days of a window on which it begins and holds hours in session."""
    first, length, *hours = (int(number) for number in arc)
    days = [day % 7 for day in range(first, first + length)]
    held = _cells(np.array([(day, 1, *hours) for day in days]))[:, in_session].any(axis=1)
    return tuple(days[i] for i in np.flatnonzero(held))


def _likelihood_ratios(observed: Floats, share: Floats, total: float) -> Floats:
    """Compute Kulldorff's ratio for counts that may be fractions, shape (windows,)."""
    expected = total * share
    inside = xlogy(observed, observed / expected)
    # Sums of fractions may exceed their total by a hair.
    rest = np.maximum(total - observed, 0.0)
    ratios = inside + xlogy(rest, rest / (total - expected))
    return np.where(observed > expected, ratios, 0.0)


def _simulated_maxima(members: Floats, share: Floats, total: int, simulations: int, seed: int) -> Floats:
    counts = simulate_counts(total, share, simulations=simulations, seed=seed)
    # Whole numbers below 2**53 are exact.
    cases = (members @ counts.astype(np.float64)).astype(np.int32)
    return np.asarray(LikelihoodRatio(total)(cases, members @ share).max(axis=0, initial=0.0))


def _window(
    arc: Ints, in_session: Flags, *, observed: float, share: float, llr: float, maxima: Floats, known: dict[str, Any]
) -> WorstWindow:
    total = known["incidents"]
    rest = max(total - observed, 0.0)
    p_value = rank_p_value(llr, maxima)
    start, end = int(arc[2]), int(arc[2] + arc[3])
    return WorstWindow(
        weekdays=_days_in_session(arc, in_session),
        start_hour=start,
        end_hour=end if end <= _MIDNIGHT else end - _MIDNIGHT,
        observed=observed,
        expected=total * share,
        relative_risk=observed / share / (rest / (1 - share)) if rest > _LOST else float("inf"),
        llr=llr,
        p_value=p_value,
        gumbel_p_value=gumbel_p_value(llr, maxima),
        detectable_ratio=smallest_ratio(share, total, critical_ratio(maxima)),
        status="high" if p_value <= ALPHA else "not_high",
        **known,
    )


def _without_window(status: Status, p_value: float, known: dict[str, Any]) -> WorstWindow:
    unknown = float("nan")
    return WorstWindow(
        weekdays=(),
        start_hour=None,
        end_hour=None,
        observed=unknown,
        expected=unknown,
        relative_risk=unknown,
        llr=unknown,
        p_value=p_value,
        gumbel_p_value=p_value,
        detectable_ratio=unknown,
        status=status,
        **known,
    )


def _days_text(days: tuple[int, ...]) -> str:
    names = [DAY_NAMES[day] for day in days]
    is_run = all((later - day) % 7 == 1 for day, later in pairwise(days))
    if is_run and len(names) > _LISTED:
        return f", {names[0]} to {names[-1]}"
    return f" on {listed([f'{name}s' for name in names])}"


def _require_settings(longest_h: int, simulations: int) -> None:
    if longest_h not in range(1, 25):
        raise InputError(
            "A window is some whole hours of a day.", where="longest_h", found=longest_h, expected="1 to 24"
        )
    if simulations < 1:
        raise InputError("A p-value needs simulations.", found=simulations, expected="at least 1, better 999")


# ── Hours of the week with more incidents than hours in session explain: of all, of each category and of each level

GROUP_NAMES = {**CATEGORIES, **LEVELS, "all": "All together"}
_OTHER_LENGTHS = (2, 6)
_SIMULATIONS = 999


@dataclass(frozen=True)
class HourHotspots:
    """Hours of the week."""

    # Reported incidents, school-hours and rate of each hour of the week, for all, by category and by level
    # (`hour_tables`)
    table: pd.DataFrame
    windows: pd.DataFrame  # The worst window of each of these groups: see `hour_hotspots`
    without_time: int  # Incidents without a known time of day, which are left out

    @property
    def high(self) -> pd.DataFrame:
        """The groups whose worst hours stand out."""
        return self.windows[self.windows["status"] == "high"]

    def week(self, group: str = "all") -> pd.DataFrame:
        """Return the hours of the week of one group."""
        return self.table[self.table["group"] == group].sort_values(["weekday", "hour"], ignore_index=True)


def hour_hotspots(this: pd.DataFrame, levels: pd.Series, *, term: Term, settings: Settings, seed: int) -> HourHotspots:
    """Look for the worst hours of all incidents, of each category and of each level."""
    tz, chosen = settings.district.time_zone, settings.hotspots
    all_work = this[counted(this)]
    work = all_work[all_work["origin"] == "reported"]
    calendars: dict[str, Any] = {"terms": [term], "calendar": settings.calendar, "hours": settings.hours, "tz": tz}
    table = hour_tables(work, levels, **calendars)
    everything = hour_tables(all_work, levels, **calendars).set_index(["group", "weekday", "hour"])["incidents"]
    draws = min(chosen.simulations, _SIMULATIONS)
    rows = []
    for key, part in table.groupby(["by", "group"], sort=False):
        by, group = map(str, key)
        week = part.sort_values(["weekday", "hour"])
        counts, exposure = (week[name].to_numpy().reshape(7, 24) for name in ("incidents", "school_hours"))
        if not exposure.any():
            continue
        worst, *others = (
            worst_window(counts, exposure, longest_h=longest, simulations=draws, seed=seed)
            for longest in (chosen.longest_window_h, *_OTHER_LENGTHS)
        )
        every = everything.loc[group].reindex(pd.MultiIndex.from_product([range(7), range(24)]), fill_value=0.0)
        rows.append(
            worst.to_frame().assign(
                by=by,
                group=group,
                **_rate(worst, exposure),
                stability_share=np.mean(
                    [overlap(_hour_hotspots_cells(worst), _hour_hotspots_cells(other)) for other in others]
                ),
                officer_initiated_share=_started(worst, counts, every.to_numpy().reshape(7, 24)),
            )
        )
    windows = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["by", "group", "status", "q_value"])
    if rows:
        was_tested = windows["status"] != "insufficient_data"
        windows["q_value"] = q_values(windows["p_value"].where(was_tested))
        is_high = was_tested & (windows["q_value"] <= chosen.alpha)
        windows["status"] = windows["status"].mask(was_tested, "not_high").mask(is_high, "high")
    return HourHotspots(table, windows, timed_incidents(work, tz=tz)[1])


def _hour_hotspots_cells(window: WorstWindow) -> list[tuple[int, int]]:
    """List the hours of the week in a window, as weekday and hour."""
    if window.start_hour is None or window.end_hour is None:
        return []
    length = (window.end_hour - window.start_hour) % 24 or 24
    hours = [(window.start_hour + step) for step in range(length)]
    return [((day + hour // 24) % 7, hour % 24) for day in window.weekdays for hour in hours]


def _rate(window: WorstWindow, exposure: Floats) -> dict[str, float]:
    cells = _hour_hotspots_cells(window)
    school_hours = sum(exposure[cell] for cell in cells) if cells else float("nan")
    low, high = rate_interval(window.observed, school_hours)
    return {
        "rate_per_1000_h": 1000 * window.observed / school_hours,
        "rate_low_per_1000_h": 1000 * float(low),
        "rate_high_per_1000_h": 1000 * float(high),
    }


def _started(window: WorstWindow, reported: Floats, every: Floats) -> float:
    cells = _hour_hotspots_cells(window)
    total = sum(every[cell] for cell in cells)
    return float(1 - sum(reported[cell] for cell in cells) / total) if total > 0 else float("nan")
