"""How often calls come from each school, and how long they keep an officer, from the record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.record.durations import call_durations
from safeschools_geo.coverage.record.programme_hours import programme_hours
from safeschools_geo.coverage.record.redrawn_days import day_weights
from safeschools_geo.errors import ColumnError, SettingsError, SeveralFaultsError, attempt_all, count_text
from safeschools_geo.school_calendar import local_day

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from safeschools_geo.settings import HoursSettings, WorkloadSettings

    Floats = NDArray[np.float64]

OFFICERS_WORK = "zone_officer"
"""Value of `work_of` of the calls that officers answer."""

PRIOR_CALLS = 20.0
"""Calls with which the mean of the district weighs against a zone's own."""

_NEEDED = ("incident_id", "occurred_at", "category", "school_id", "hour", "work_of")


@dataclass(frozen=True, eq=False)
class CallRates:
    """How often calls come and how long they take, over the school days of a time.

    Parameters
    ----------
    arrivals_per_h
        Calls per programme hour, by `school_id`.
    by_hour
        Calls per hour of programme time in each clock hour (`hour`) of a school day, a column for each school; 0 where
        the school has no programme time.
    hour_share
        Share of each clock hour that is programme time, of the same shape: calls per school day are the sum of
        `by_hour` × `hour_share`.
    hours_per_day
        Programme hours of a school day, by `school_id`.
    service
        By `zone_id`: `calls`, `mean_min` (minutes of an officer for a call there, trip and scene; missing without
        calls), `weight_share` (of that mean) and `service_min` (shrunk towards the mean of all zones).
    service_min
        Mean minutes of an officer for a call, all zones together; missing where there is no call.
    scene_min
        Mean minutes on scene, by `category`.
    durations
        How many durations were `measured`, `assumed` and `rejected`, by `part` (``trip``, ``scene``).
    rejects
        `incident_id`, `part` and `reason` of each duration that was not believed.
    by_day
        Calls on each school day (`day`) from each school; days without a call are in it.
    hour_unknown
        Calls whose hour is not known: they are in all rates, spread over the hours as the others.
    """

    arrivals_per_h: pd.Series
    by_hour: pd.DataFrame
    hour_share: pd.DataFrame
    hours_per_day: pd.Series
    service: pd.DataFrame
    service_min: float
    scene_min: pd.Series
    durations: pd.DataFrame
    rejects: pd.DataFrame
    by_day: pd.DataFrame
    hour_unknown: int

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

        Parameters
        ----------
        zones
            Zone of each officer, n of them; one without calls has the rate of the district.

        Returns
        -------
        numpy.ndarray
            Calls per hour, float64, shape (n,); missing where there is no call at all.
        """
        minutes = self.service["service_min"].reindex(list(zones)).fillna(self.service_min)
        rates: Floats = 60.0 / minutes.to_numpy(dtype=np.float64)
        return rates

    def summary(self) -> str:
        """Say in plain English how often calls come and how far their minutes are known.

        Returns
        -------
        str
            A few sentences.
        """
        told = f"{count_text(self.calls, 'call')} for zone officers on {count_text(self.days, 'school day')}"
        if not self.calls:
            return f"{told}: there is nothing to answer."
        scene = self.durations.loc["scene"]
        often = f"{told}: {self.arrivals_per_h.sum():.2f} in a programme hour, all schools together."
        keeps = "keeps" if self.durations["measured"].any() else "is assumed to keep"
        long = f"A call {keeps} an officer {self.service_min:.1f} minutes on average, trip included."
        assumed = f"{scene['assumed'] + scene['rejected']:,}"
        known = f"Minutes on scene were measured for {scene['measured']:,} calls and assumed for {assumed}."
        said = [often, long, known]
        if len(self.rejects):
            said.append(f"{count_text(len(self.rejects), 'duration')} of the record could not be believed.")
        if self.hour_unknown:
            said.append(f"The hour of {count_text(self.hour_unknown, 'call')} is not known.")
        return " ".join(said)

    def to_frame(self) -> pd.DataFrame:
        """Return the rates of the schools.

        Returns
        -------
        pandas.DataFrame
            `school_id`, `calls`, `hours_per_day` and `arrivals_per_h`: internal, since counts of schools are small.
        """
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
    scene_min: pd.Series | None = None,
    trip_min: pd.Series | None = None,
    prior_calls: float = PRIOR_CALLS,
) -> CallRates:
    """Measure how often calls for zone officers come from each school, and how long they take.

    Parameters
    ----------
    history
        Incidents in context (`counts.in_context`); those whose `work_of` is ``zone_officer``, on one of `days`, count.
    schools
        `school_id` and `level` of the programme schools, in the order of the result.
    school_zones
        Zone of each school, by `school_id`; empty text where a school has none.
    days
        School days that the rates are of, of one term or several (`school_calendar.school_days`).
    hours
        Programme hours, by level.
    settings
        Minutes by category, and the longest time that is believed.
    scene_min, trip_min
        Minutes on scene and of the trip of each call, on the index of `history` (`workload.officer_work`); measured
        from the timestamps if left out (`durations.call_durations`).
    prior_calls
        Calls with which the mean of all zones weighs against a zone's own.

    Returns
    -------
    CallRates
        The rates.

    Raises
    ------
    InputError
        When columns are missing, there is no school day or school, a weight is negative, or calls are at schools that
        are not given or at an hour without programme time there.

    Notes
    -----
    A zone's service time is its own mean with weight ``n / (n + prior_calls)``, n being its calls, and the mean of all
    calls with the rest: a zone with few calls is taken to be like the others. It is that of the calls in the zone,
    whoever answered them.

    References
    ----------
    Bühlmann, H. (1967). Experience rating and credibility. ASTIN Bulletin 4, 199–207.
    """
    every_day = pd.DatetimeIndex(pd.to_datetime(list(days))).normalize().unique().sort_values().rename("day")
    attempt_all(
        {
            "columns": partial(_require_columns, history, schools),
            "days": partial(_require_days, every_day, schools, prior_calls),
        }
    )
    ids = pd.Index(schools["school_id"], name="school_id")
    calls = history[(history["work_of"] == OFFICERS_WORK) & local_day(history["occurred_at"]).isin(every_day)]
    share = programme_hours(schools.set_index("school_id")["level"], hours)
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
        service=_service(busy, calls["school_id"].map(zones), zones, prior_calls),
        service_min=float(busy.mean()),
        scene_min=durations.minutes["scene_min"].groupby(calls["category"]).mean().rename("scene_min"),
        durations=durations.counts,
        rejects=durations.rejects,
        by_day=by_day,
        hour_unknown=int(calls["hour"].isna().sum()),
    )


def redrawn(rates: CallRates, *, draws: int = 200, seed: int = 0) -> Floats:
    """Draw rates that chance could have brought: the school days again, with replacement.

    Parameters
    ----------
    rates
        The rates.
    draws
        How many times to draw as many days as there were.
    seed
        Seed; the same seed gives the same numbers.

    Returns
    -------
    numpy.ndarray
        Calls per programme hour of each school, float64, shape (draws, n_schools).

    Raises
    ------
    SettingsError
        When `draws` is below 1.

    Notes
    -----
    Whole days are drawn, those without a call too (`redrawn_days`). Service times stay as they are.
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


def _service(busy: pd.Series, call_zones: pd.Series, zones: pd.Series, prior_calls: float) -> pd.DataFrame:
    ids = pd.Index(pd.unique(zones[zones != ""]), name="zone_id")
    own = busy.groupby(call_zones).agg(["size", "mean"]).reindex(ids)
    calls = own["size"].fillna(0)
    weight = (calls / (calls + prior_calls)).fillna(0.0)
    shrunk = weight * own["mean"].fillna(0.0) + (1 - weight) * busy.mean()
    return pd.DataFrame(
        {"calls": calls.astype("int64"), "mean_min": own["mean"], "weight_share": weight, "service_min": shrunk}
    )


def _require_columns(history: pd.DataFrame, schools: pd.DataFrame) -> None:
    lacking = [name for name in _NEEDED if name not in history.columns]
    lacking += [f"{name} of schools" for name in ("school_id", "level") if name not in schools.columns]
    if lacking:
        raise ColumnError("Rates of calls need columns that are missing.", expected=", ".join(lacking))


def _require_days(days: pd.DatetimeIndex, schools: pd.DataFrame, prior_calls: float) -> None:
    lacking = [noun for noun, things in (("school day", days), ("school", schools)) if not len(things)]
    if lacking:
        raise SettingsError("Rates of calls need days and schools.", where="days, schools", found=f"no {lacking[0]}")
    if not prior_calls >= 0:
        raise SettingsError("A weight is not negative.", where="prior_calls", found=prior_calls)


def _require_places(calls: pd.DataFrame, share: pd.DataFrame) -> None:
    column = share.columns.get_indexer(pd.Index(calls["school_id"]))
    row = share.index.get_indexer(pd.Index(calls["hour"].fillna(share.index[0]).astype("int64")))
    is_closed = calls["hour"].notna() & ((row < 0) | (share.to_numpy()[row, column] == 0)) & (column >= 0)
    faults = {
        "Some calls for officers are at a school that is not among the schools.": column < 0,
        "Some calls for officers are at an hour without programme time at their school.": is_closed,
    }
    remedy = "Give the schools, and the hours, by which it was told whose work each incident is."
    found = [
        ColumnError(problem, where="history", ids=calls.loc[is_faulty, "incident_id"], remedy=remedy)
        for problem, is_faulty in faults.items()
        if is_faulty.any()
    ]
    if found:
        raise SeveralFaultsError(found) if len(found) > 1 else found[0]
