"""What the record says: how often calls come, how long they take, who answered, and how far chance goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from safeschools_geo.coverage._response import P90, sorted_quantile
from safeschools_geo.errors import ColumnError, SettingsError, attempt_all, count_text, refuse
from safeschools_geo.school_calendar import day_kinds, hour_shares, local_day

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Mapping

    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.settings import CalendarSettings, HoursSettings, WorkloadSettings

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]


# ── How much of each clock hour is program time at each school

_CLOCK = np.arange(24)
WHOLE_DAYS: Mapping[str, float] = MappingProxyType({"whole": 1.0})


def program_hours(levels: pd.Series, hours: HoursSettings, kinds: Mapping[str, float] = WHOLE_DAYS) -> pd.DataFrame:
    """Say how much of each clock hour is program time at each school, on the mean of days of these kinds."""
    shares = {}
    for school, level in levels.items():
        bells = hours.of(level, str(school))
        shares[school] = sum(part * hour_shares(bells.start, bells.end_on(kind)) for kind, part in kinds.items())
    table = pd.DataFrame(shares, index=pd.Index(_CLOCK, name="hour")).rename_axis(columns="school_id")
    return table[(table > 0).any(axis=1)]


# ── Days that chance could have brought: the school days of the record, drawn again with replacement

TAILS = (0.025, 0.975)
"""Quantiles at which every interval ends."""


def day_weights(days: int, *, draws: int, seed: int) -> Floats:
    """Draw how often each day comes in a time of as many days.

    Whole days are drawn, those without a call too, so that what comes on one day stays together. It tells of chance
    among days like these, not of what changes from term to term.

    Efron, B., and Tibshirani, R. J. (1993). An Introduction to the Bootstrap, Chapman and Hall, chapter 8.
    """
    for name, value in (("draws", draws), ("days", days)):
        if value < 1:
            raise SettingsError("A bootstrap needs a day and a draw.", where=name, found=value, expected="1 or more")
    drawn = np.random.default_rng(seed).multinomial(days, np.full(days, 1 / days), size=draws)
    return drawn.astype(np.float64)


def interval(drawn: ArrayLike) -> tuple[float, float]:
    """Give the interval in which nineteen of twenty draws lie."""
    values = np.asarray(drawn, dtype=np.float64)
    values = values[np.isfinite(values)]
    if not len(values):
        return float("nan"), float("nan")
    low, high = np.quantile(values, TAILS)
    return float(low), float(high)


# ── How long a call keeps an officer: the trip and the time on scene, measured, assumed, or not believed

PARTS = {"trip": ("dispatched_at", "arrived_at"), "scene": ("arrived_at", "cleared_at")}
"""Part of a call → the moments it lies between."""

_DAY_MIN = 24 * 60.0


@dataclass(frozen=True, eq=False)
class Durations:
    """Minutes of n calls, and where they come from."""

    minutes: pd.DataFrame  # `trip_min`, `scene_min` and `busy_min` (both together) of each call, float64, never missing
    # How many calls were `measured`, `assumed` and `rejected` (and then assumed), for each part: rows ``trip`` and
    # ``scene``; every row adds up to n
    counts: pd.DataFrame
    rejects: pd.DataFrame  # `incident_id`, `part` and `reason` of each duration that was not believed


def minutes_between(calls: pd.DataFrame, start: str, end: str) -> pd.Series:
    """Measure the minutes between two moments of each call, whatever they come to."""
    if not {start, end} <= set(calls.columns):
        return pd.Series(np.nan, index=calls.index, name="minutes", dtype="float64")
    minutes: pd.Series = (calls[end] - calls[start]).dt.total_seconds() / 60
    return minutes.rename("minutes")


def believed_minutes(calls: pd.DataFrame, start: str, end: str, *, longest_min: float) -> pd.Series:
    """Measure the minutes between two moments of each call, where they can be believed."""
    minutes = minutes_between(calls, start, end)
    return minutes.where((minutes >= 0) & (minutes <= longest_min))


def is_dispatched(calls: pd.DataFrame) -> pd.Series:
    """Say which incidents officers were sent to: those that they began keep them busy, and have no trip."""
    if "origin" not in calls.columns:
        return pd.Series(data=True, index=calls.index, name="is_dispatched")
    return (calls["origin"] != "officer_initiated").fillna(value=True).astype("bool").rename("is_dispatched")


def weighted_ratios(weights: Floats, day: NDArray[np.int64], above: Floats, below: Floats) -> Floats:
    """Divide sums over calls, for each weighing of their days; missing where there is nothing to divide by."""
    days = weights.shape[1]
    top, bottom = (weights @ np.bincount(day, part, minlength=days).astype(np.float64) for part in (above, below))
    ratios: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
    return ratios


def call_durations(
    calls: pd.DataFrame,
    settings: WorkloadSettings,
    *,
    scene_min: pd.Series | None = None,
    trip_min: pd.Series | None = None,
) -> Durations:
    """Find how long each call takes.

    Minutes that were given, or measured. What is missing or not believed (negative, or longer than
    `longest_service_min`) is replaced: on scene by the crosswalk's minutes, else the category's (assumption A4); the
    trip by the mean of those that are known, 0 where none is.
    """
    given = {"trip": trip_min, "scene": scene_min}
    longest = settings.longest_service_min
    minutes, counts, rejects = {}, {}, []
    for part, (start, end) in PARTS.items():
        stamped = minutes_between(calls, start, end)
        is_wrong = _is_wrong(stamped, longest)
        rejects.append(_rejects(calls, part, stamped, is_wrong, whose=f"{start} to {end}", longest_min=longest))
        value = stamped.mask(is_wrong)
        taken = given[part]
        if taken is not None:
            value = taken.reindex(calls.index).astype("float64")
            is_off = _is_wrong(value, longest)
            rejects.append(_rejects(calls, part, value, is_off & ~is_wrong, whose="as given", longest_min=longest))
            value, is_wrong = value.mask(is_off), is_wrong | is_off
        is_measured = stamped.notna() & ~is_wrong
        counts[part] = (int(is_measured.sum()), int((~is_measured & ~is_wrong).sum()), int(is_wrong.sum()))
        minutes[f"{part}_min"] = value.fillna(_assumed(part, calls, value, settings))
    table = pd.DataFrame(minutes, index=calls.index)
    return Durations(
        minutes=table.assign(busy_min=table["trip_min"] + table["scene_min"]),
        counts=pd.DataFrame.from_dict(counts, orient="index", columns=["measured", "assumed", "rejected"]).rename_axis(
            "part"
        ),
        rejects=pd.concat(rejects, ignore_index=True),
    )


def _is_wrong(minutes: pd.Series, longest_min: float) -> pd.Series:
    return minutes.notna() & ~((minutes >= 0) & (minutes <= longest_min))


def _assumed(part: str, calls: pd.DataFrame, known: pd.Series, settings: WorkloadSettings) -> pd.Series:
    if part == "trip":
        return pd.Series(known.mean() if known.notna().any() else 0.0, index=calls.index)
    by_category = calls["category"].map(dict(settings.service_min)).astype("float64").fillna(0.0)
    if "service_min" not in calls.columns:
        return by_category
    return calls["service_min"].astype("float64").fillna(by_category)


def _rejects(
    calls: pd.DataFrame, part: str, minutes: pd.Series, is_wrong: pd.Series, *, whose: str, longest_min: float
) -> pd.DataFrame:
    parts = [f"{whose}: {_why(value, longest_min)}" for value in minutes[is_wrong]]
    return pd.DataFrame(
        {
            "incident_id": calls.loc[is_wrong, "incident_id"].to_numpy(),
            "part": part,
            "reason": pd.Series(parts, dtype="str").to_numpy(),
        }
    ).astype("str")


def _why(minutes: float, longest_min: float) -> str:
    if minutes < 0:
        return f"{minutes:,.0f} min, which is negative"
    if minutes >= _DAY_MIN:
        return f"{minutes / _DAY_MIN:,.1f} days, longer than {longest_min:,.0f} min"
    return f"{minutes:,.0f} min, longer than {longest_min:,.0f}"


# ── How often calls come from each school, and how long they keep an officer, from the record

OFFICERS_WORK = "zone_officer"
"""Value of `work_of` of the calls that officers answer."""

PRIOR_CALLS = 20.0
"""Calls with which the mean of the district weighs against a zone's own."""

_NEEDED = ("incident_id", "occurred_at", "category", "school_id", "hour", "work_of")


@dataclass(frozen=True, eq=False)
class CallRates:
    """How often calls come and how long they take, over the school days of a time."""

    arrivals_per_h: pd.Series  # Calls per program hour, by `school_id`
    # Calls per hour of program time in each clock hour (`hour`) of a school day, a column for each school; 0 where the
    # school has no program time
    by_hour: pd.DataFrame
    # Share of each clock hour that is program time, of the same shape: calls per school day are the sum of `by_hour` ×
    # `hour_share`
    hour_share: pd.DataFrame
    hours_per_day: pd.Series  # Program hours of a school day, by `school_id`
    # By `zone_id`: `calls`, `mean_min` (minutes of an officer for a call there, trip and scene; missing without calls),
    # `weight_share` (of that mean) and `service_min` (shrunk towards the mean of all zones)
    service: pd.DataFrame
    service_min: float  # Mean minutes of an officer for a call, all zones together; missing where there is none
    scene_min: pd.Series  # Mean minutes on scene, by `category`
    durations: pd.DataFrame  # How many were `measured`, `assumed` and `rejected`, by `part` (``trip``, ``scene``)
    rejects: pd.DataFrame  # `incident_id`, `part` and `reason` of each duration that was not believed
    by_day: pd.DataFrame  # Calls on each school day (`day`) from each school; days without a call are in it
    hour_unknown: int  # Calls whose hour is not known: they are in all rates, spread over the hours as the others
    began: int = 0  # Incidents that officers began themselves on those days: they keep officers busy and are no calls
    # Share of the program time of the officer of each zone that these take, by `zone_id`
    began_share: pd.Series = field(default_factory=lambda: pd.Series(dtype="float64"))

    @property
    def days(self) -> int:
        """School days that the rates are of."""
        return len(self.by_day)

    @property
    def calls(self) -> int:
        """Number of calls on those days."""
        return int(self.by_day.to_numpy().sum())

    def service_per_h(self, zones: Iterable[str]) -> Floats:
        """Give the calls that each officer could answer in an hour, were there no pause between them.

        Calls per hour, float64, shape (n,); missing where there is no call at all. `zones`: zone of each officer, n of
        them; one without calls has the rate of the district.
        """
        minutes = self.service["service_min"].reindex(list(zones)).fillna(self.service_min)
        rates: Floats = 60.0 / minutes.to_numpy(dtype=np.float64)
        return rates

    def summary(self) -> str:
        """Say in plain English how often calls come and how far their minutes are known."""
        noun = "reported call" if self.began else "call"
        text = f"{count_text(self.calls, noun)} for zone officers on {count_text(self.days, 'school day')}"
        if not self.calls:
            return f"{text}: there is nothing to answer."
        scene = self.durations.loc["scene"]
        often = f"{text}: {self.arrivals_per_h.sum():.2f} in a program hour, all schools together."
        keeps = "keeps" if self.durations["measured"].any() else "is assumed to keep"
        long = f"A call {keeps} an officer {self.service_min:.1f} minutes on average, trip included."
        assumed = f"{scene['assumed'] + scene['rejected']:,}"
        measured = count_text(float(self.durations["measured"]["scene"]), "call")
        known = f"Minutes on scene were measured for {measured} and assumed for {assumed}."
        said = [often, long, known]
        if len(self.rejects):
            said.append(f"{count_text(len(self.rejects), 'duration')} of the record could not be believed.")
        if self.began:
            said.append(
                f"Officers began {count_text(self.began, 'incident')} more themselves: these keep them busy, and "
                "nobody is sent."
            )
        if self.hour_unknown:
            said.append(f"The hour of {count_text(self.hour_unknown, 'call')} is not known.")
        return " ".join(said)

    def to_frame(self) -> pd.DataFrame:
        """Return the rates of the schools: internal, since counts of schools are small."""
        return pd.DataFrame(
            {
                "calls": self.by_day.sum(),
                "hours_per_day": self.hours_per_day,
                "arrivals_per_h": self.arrivals_per_h,
            }
        ).reset_index()


def call_rates(
    history: pd.DataFrame,
    schools: pd.DataFrame,
    school_zones: pd.Series,
    *,
    days: Iterable[dt.date],
    hours: HoursSettings,
    settings: WorkloadSettings,
    calendar: CalendarSettings | None = None,
    scene_min: pd.Series | None = None,
    trip_min: pd.Series | None = None,
) -> CallRates:
    """Measure how often calls for zone officers come from each school, and how long they take.

    Incidents in context (`counts.in_context`) count where their `work_of` is ``zone_officer``, on one of `days`.
    `schools` are the program schools, in the order of the result; `school_zones` are by `school_id`, empty text where a
    school has none. Without `calendar` no day ends early. `scene_min` and `trip_min` are on the index of `history`
    (`workload.officer_work`); left out, they are measured from the timestamps (`call_durations`). Calls at schools that
    are not given, or at an hour without program time there, are refused.

    A zone's service time is its own mean with weight ``n / (n + PRIOR_CALLS)``, n being its calls, and the mean of all
    calls with the rest: a zone with few calls is taken to be like the others. It is that of the calls in the zone,
    whoever answered them. Bühlmann, H. (1967). Experience rating and credibility. ASTIN Bulletin 4, 199–207.
    """
    every_day = pd.DatetimeIndex(pd.to_datetime(list(days))).normalize().unique().sort_values().rename("day")
    attempt_all(
        {
            "columns": partial(_require_columns, history, schools),
            "days": partial(_require_days, every_day, schools),
        }
    )
    ids = pd.Index(schools["school_id"], name="school_id")
    ours = history[(history["work_of"] == OFFICERS_WORK) & local_day(history["occurred_at"]).isin(every_day)]
    calls, began = ours[is_dispatched(ours)], ours[~is_dispatched(ours)]
    kinds: Mapping[str, float] = WHOLE_DAYS
    if calendar is not None:
        ends = pd.Series(day_kinds(every_day, calendar)).value_counts(normalize=True).sort_index()
        kinds = {str(kind): float(part) for kind, part in ends.items()}
    share = program_hours(schools.set_index("school_id")["level"], hours, kinds)
    _require_places(calls, share)
    hours_per_day = share.sum().rename("hours_per_day")
    by_day = _counts(local_day(calls["occurred_at"]), every_day, calls["school_id"], ids)
    per_day = by_day.sum() / len(every_day)
    durations = call_durations(calls, settings, scene_min=scene_min, trip_min=trip_min)
    busy, zones = durations.minutes["busy_min"], school_zones.reindex(ids).fillna("")
    return CallRates(
        arrivals_per_h=(per_day / hours_per_day).rename("arrivals_per_h"),
        by_hour=_by_hour(calls, share, len(every_day)),
        hour_share=share,
        hours_per_day=hours_per_day,
        service=_service(busy, calls["school_id"].map(zones), zones),
        service_min=float(busy.mean()),
        scene_min=durations.minutes["scene_min"].groupby(calls["category"]).mean().rename("scene_min"),
        durations=durations.counts,
        rejects=durations.rejects,
        by_day=by_day,
        hour_unknown=int(calls["hour"].isna().sum()),
        began=len(began),
        began_share=_began_share(began, zones, hours_per_day * len(every_day), settings, scene_min),
    )


def redrawn(rates: CallRates, *, draws: int = 200, seed: int = 0) -> Floats:
    """Draw rates that chance could have brought: the school days again, with replacement.

    Calls per program hour of each school, shape (draws, n_schools). Whole days are drawn, those without a call too
    (`day_weights`). Service times stay as they are.
    """
    calls = day_weights(rates.days, draws=draws, seed=seed) @ rates.by_day.to_numpy(dtype=np.float64)
    arrivals: Floats = calls / (rates.days * rates.hours_per_day.to_numpy(dtype=np.float64))
    return arrivals


def _counts(rows: pd.Series, row_ids: pd.Index, columns: pd.Series, column_ids: pd.Index) -> pd.DataFrame:
    table = np.zeros((len(row_ids), len(column_ids)), dtype=np.int64)
    np.add.at(table, (row_ids.get_indexer(pd.Index(rows)), column_ids.get_indexer(pd.Index(columns))), 1)
    return pd.DataFrame(table, index=row_ids, columns=column_ids)


def _by_hour(calls: pd.DataFrame, share: pd.DataFrame, days: int) -> pd.DataFrame:
    is_known = calls["hour"].notna()
    known = calls[is_known]
    counts = _counts(known["hour"].astype("int64"), share.index, known["school_id"], share.columns).astype("float64")
    # Calls of an unknown hour: as those of all schools together, within the school's own hours.
    likely = share.mul(counts.sum(axis=1) / share.sum(axis=1), axis=0)
    is_dark = likely.columns[likely.sum() == 0]
    likely[is_dark] = share[is_dark]
    unknown = calls.loc[~is_known, "school_id"].value_counts().reindex(share.columns).fillna(0)
    spread = counts + likely / likely.sum() * unknown
    return (spread / (days * share.where(share > 0))).fillna(0.0)


def _service(busy: pd.Series, call_zones: pd.Series, zones: pd.Series) -> pd.DataFrame:
    ids = pd.Index(pd.unique(zones[zones != ""]), name="zone_id")
    own = busy.groupby(call_zones).agg(["size", "mean"]).reindex(ids)
    calls = own["size"].fillna(0)
    weight = (calls / (calls + PRIOR_CALLS)).fillna(0.0)
    shrunk = weight * own["mean"].fillna(0.0) + (1 - weight) * busy.mean()
    return pd.DataFrame(
        {"calls": calls.astype("int64"), "mean_min": own["mean"], "weight_share": weight, "service_min": shrunk}
    )


def _began_share(
    began: pd.DataFrame, zones: pd.Series, hours: pd.Series, settings: WorkloadSettings, scene_min: pd.Series | None
) -> pd.Series:
    """Measure the share of program time that incidents take which officers of a zone began themselves."""
    by_officer = began[(began["responder"] == OWN) | began["responder"].isna()] if "responder" in began else began
    scene = call_durations(by_officer, settings, scene_min=scene_min).minutes["scene_min"]
    taken = scene.groupby(by_officer["school_id"].map(zones)).sum() / 60
    # The officer of a zone is there while one of its schools is.
    open_h = hours.groupby(zones).max().drop("", errors="ignore")
    return (taken.reindex(open_h.index).fillna(0.0) / open_h).rename("began_share").rename_axis("zone_id")


def _require_columns(history: pd.DataFrame, schools: pd.DataFrame) -> None:
    lacking = [name for name in _NEEDED if name not in history.columns]
    lacking += [f"{name} of schools" for name in ("school_id", "level") if name not in schools.columns]
    if lacking:
        raise ColumnError("Rates of calls need columns that are missing.", expected=", ".join(lacking))


def _require_days(days: pd.DatetimeIndex, schools: pd.DataFrame) -> None:
    lacking = [noun for noun, things in (("school day", days), ("school", schools)) if not len(things)]
    if lacking:
        raise SettingsError("Rates of calls need days and schools.", where="days, schools", found=f"no {lacking[0]}")


def _require_places(calls: pd.DataFrame, share: pd.DataFrame) -> None:
    column = share.columns.get_indexer(pd.Index(calls["school_id"]))
    row = share.index.get_indexer(pd.Index(calls["hour"].fillna(share.index[0]).astype("int64")))
    is_closed = calls["hour"].notna() & ((row < 0) | (share.to_numpy()[row, column] == 0)) & (column >= 0)
    faults = {
        "Some calls for officers are at a school that is not among the schools.": column < 0,
        "Some calls for officers are at an hour without program time at their school.": is_closed,
    }
    remedy = "Give the schools, and the hours, by which it was reported whose work each incident is."
    refuse(
        ColumnError(problem, where="history", ids=calls.loc[is_faulty, "incident_id"], remedy=remedy)
        for problem, is_faulty in faults.items()
        if is_faulty.any()
    )


# ── What the record says of coverage: who answered, how long it took, and how far chance goes in that

OWN, BACKUP, PATROL = "zone_officer", "backup_officer", "patrol"
"""Values of `responder` that matter here."""

DISTRICT = ""
"""Stands for all zones together."""


class Observed(NamedTuple):
    """A figure of the record."""

    value: float  # The figure; missing where the record does not tell
    # Its 95 % interval
    low: float
    high: float
    calls: int  # Calls that it rests on
    of: int  # Calls that it is about; those of them that it does not rest on lack a time or a responder

    def is_enough(self, least_calls: int) -> bool:
        """Say whether it may be said: it rests on enough calls, and on `LEAST_SHARE` of those it is about or more."""
        return bool(np.isfinite(self.value)) and self.calls >= max(least_calls, LEAST_SHARE * self.of)


NOT_OBSERVED = Observed(float("nan"), float("nan"), float("nan"), 0, 0)
"""What the record does not tell."""

LEAST_CALLS = 20
"""Fewest calls that a figure of the record rests on, where it is said."""

LEAST_SHARE = 0.5
"""Smallest share of the calls that a figure is about, on which it rests where it is said."""


@dataclass(frozen=True, eq=False)
class CallRecord:
    """Calls for officers, and the days they came on, drawn again."""

    # One row for each call: `day` (position), `school_id`, `zone_id`, `hours_per_day` (of its school), `responder`
    # (missing where it is not known), `busy_min` (from dispatch to clearing) and `trip_min` (to arrival), missing where
    # they were not recorded or not believed, and `is_dispatched`: incidents that officers began keep them busy, and are
    # in no other figure
    calls: pd.DataFrame
    # How often each day comes: first row 1 for the record itself, then one row for each draw, shape (draws + 1, days)
    weights: Floats

    @property
    def dispatched(self) -> pd.DataFrame:
        """The calls that somebody was sent to."""
        return self.calls[self.calls["is_dispatched"]]

    @property
    def is_timed(self) -> bool:
        """Whether any call has times from which minutes can be measured."""
        return bool(self.calls[["busy_min", "trip_min"]].notna().any(axis=None))

    @property
    def has_responders(self) -> bool:
        """Whether it is known of any call who answered it."""
        return bool(self.calls["responder"].notna().any())

    def busy_share(self, zone_id: str, *, officers: int) -> Observed:
        """Measure how much of their time officers were busy with calls.

        Share of program hours. Calls whose minutes are not known count with the mean of those that are, calls whose
        responder is not known as the zone officer's.
        """
        minutes = self.calls["busy_min"].where(self._by_officers())
        if not self.has_responders and zone_id != DISTRICT:
            return NOT_OBSERVED
        if not minutes.notna().any():
            return NOT_OBSERVED._replace(of=int(self._by_officers().sum()))
        is_counted = self._of(zone_id) & (self._by_officers() if zone_id == DISTRICT else self._by_own())
        per_call = minutes.fillna(minutes.mean()) / 60 / self.calls["hours_per_day"] / officers
        busy = np.where(is_counted, per_call, 0.0)
        ratios = self.weights @ self._by_day(busy) / self.weights.sum(axis=1)
        return _observed(ratios, int((is_counted & minutes.notna()).sum()), int(is_counted.sum()))

    def trips(self) -> pd.DataFrame:
        """Measure the trips of officers to each school.

        By `school_id`: `calls`, how many of them have a trip of an officer that is known (`timed`), and its mean
        (`mean_min`; missing where there is none). Confidential.
        """
        trips = self.calls["trip_min"].where(self._timed_trips(DISTRICT))
        grouped = trips.groupby(self.calls["school_id"].astype("str"))
        return pd.DataFrame({"calls": grouped.size(), "timed": grouped.count(), "mean_min": grouped.mean()})

    def answered_share(self, zone_id: str, responder: str) -> Observed:
        """Measure how many calls a kind of responder answered.

        Share of the calls whose responder is known. Where it is none or all of them, every draw is so too, and the
        interval is the exact one (Clopper and Pearson, Biometrika 26, 1934).
        """
        is_known = self._in(zone_id) & self.calls["responder"].notna().to_numpy()
        known = int(is_known.sum())
        if not known:
            return NOT_OBSERVED._replace(of=int(self._in(zone_id).sum()))
        return self._share_of(is_known & (self.calls["responder"] == responder).to_numpy(dtype=bool), is_known, zone_id)

    def reached_share(self, zone_id: str, minutes: float) -> Observed:
        """Measure how many of all calls an officer reached in time.

        Share of the calls that patrol or the specialist answered, which count as not reached, and of those whose trip
        is known. Where it is none or all of them, the interval is the exact one, as in `answered_share`.
        """
        is_officers = self._by_officers()
        is_known = self._in(zone_id) & (~is_officers | self.calls["trip_min"].notna().to_numpy(dtype=bool))
        if not self._timed_trips(zone_id).any():
            return NOT_OBSERVED._replace(of=int(self._in(zone_id).sum()))
        in_time = (self.calls["trip_min"] <= minutes).fillna(value=False).to_numpy(dtype=bool)
        return self._share_of(is_known & is_officers & in_time, is_known, zone_id)

    def mean_trip_min(self, zone_id: str) -> Observed:
        """Measure the mean trip of officers."""
        is_timed, of = self._timed_trips(zone_id), self._trips(zone_id)
        if not is_timed.any():
            return NOT_OBSERVED._replace(of=of)
        minutes = np.where(is_timed, self.calls["trip_min"].fillna(0.0), 0.0)
        return _observed(self._ratios(minutes, is_timed.astype(np.float64)), int(is_timed.sum()), of)

    def trip_p90_min(self, zone_id: str) -> Observed:
        """Measure the minutes within which officers made nine trips of ten."""
        trips = self.calls[self._timed_trips(zone_id)]
        minutes, day = trips["trip_min"].to_numpy(dtype=np.float64), trips["day"].to_numpy()
        if trips.empty:
            return NOT_OBSERVED._replace(of=self._trips(zone_id))
        order = np.argsort(minutes, kind="stable")
        minutes, day = minutes[order], day[order]
        # One draw after the other: all at once would take draws × calls in memory.
        found = [sorted_quantile(minutes, weights[day], P90) for weights in self.weights]
        return _observed(np.array(found), len(trips), self._trips(zone_id))

    def _in(self, zone_id: str) -> Flags:
        is_sent: Flags = self.calls["is_dispatched"].to_numpy(dtype=bool)
        return self._of(zone_id) & is_sent

    def _of(self, zone_id: str) -> Flags:
        is_here = np.ones(len(self.calls), dtype=bool)
        return is_here if zone_id == DISTRICT else (self.calls["zone_id"] == zone_id).to_numpy(dtype=bool)

    def _by_own(self) -> Flags:
        responder = self.calls["responder"]
        return (responder.isna() | (responder == OWN)).to_numpy(dtype=bool)

    def _by_officers(self) -> Flags:
        return self._by_own() | (self.calls["responder"] == BACKUP).to_numpy(dtype=bool)

    def _trips(self, zone_id: str) -> int:
        return int((self._in(zone_id) & self._by_officers()).sum())

    def _timed_trips(self, zone_id: str) -> Flags:
        return self._in(zone_id) & self._by_officers() & self.calls["trip_min"].notna().to_numpy(dtype=bool)

    def _by_day(self, values: Floats) -> Floats:
        return np.bincount(self.calls["day"], values, minlength=self.weights.shape[1]).astype(np.float64, copy=False)

    def _share_of(self, is_so: Flags, is_known: Flags, zone_id: str) -> Observed:
        known = int(is_known.sum())
        ratios = self._ratios(is_so.astype(np.float64), is_known.astype(np.float64))
        found = _observed(ratios, known, int(self._in(zone_id).sum()))
        if 0 < found.value < 1:
            return found
        extreme = float(stats.beta.ppf(TAILS[1], 1, known))
        low, high = (0.0, extreme) if found.value == 0 else (1 - extreme, 1.0)
        return found._replace(low=low, high=high)

    def _ratios(self, above: Floats, below: Floats) -> Floats:
        return weighted_ratios(self.weights, self.calls["day"].to_numpy(), above, below)


def read_record(
    history: pd.DataFrame,
    school_zones: pd.Series,
    hours_per_day: pd.Series,
    *,
    days: pd.DatetimeIndex,
    longest_min: float,
    draws: int,
    seed: int,
) -> CallRecord:
    """Read the calls for officers out of the history."""
    day = days.get_indexer(pd.DatetimeIndex(local_day(history["occurred_at"])))
    is_ours = (history["work_of"] == OFFICERS_WORK) & (day >= 0) & history["school_id"].isin(school_zones.index)
    ours = history[is_ours]
    calls = pd.DataFrame(
        {
            "day": day[is_ours.to_numpy()],
            "school_id": ours["school_id"],
            "zone_id": ours["school_id"].map(school_zones),
            "hours_per_day": ours["school_id"].map(hours_per_day),
            "responder": ours["responder"] if "responder" in ours.columns else None,
            "busy_min": believed_minutes(ours, "dispatched_at", "cleared_at", longest_min=longest_min),
            "trip_min": believed_minutes(ours, "dispatched_at", "arrived_at", longest_min=longest_min),
            "is_dispatched": is_dispatched(ours),
        },
        index=ours.index,
    )
    weights = np.vstack([np.ones(len(days)), day_weights(len(days), draws=draws, seed=seed)])
    return CallRecord(calls, weights)


def _observed(values: Floats, calls: int, of: int) -> Observed:
    """Take the first value for the record, and the others for draws."""
    return Observed(float(values[0]), *interval(values[1:]), calls, of)
