"""What the record says of coverage: who answered, how long it took, and how far chance goes in that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from safeschools_geo.coverage.rates import OFFICERS_WORK
from safeschools_geo.coverage.record.durations import believed_minutes
from safeschools_geo.coverage.record.redrawn_days import TAILS, day_weights, interval
from safeschools_geo.coverage.response import P90, sorted_quantile
from safeschools_geo.school_calendar import local_day

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

OWN, BACKUP, PATROL = "zone_officer", "backup_officer", "patrol"
"""Values of `responder` that matter here."""

DISTRICT = ""
"""Stands for all zones together."""


class Observed(NamedTuple):
    """A figure of the record.

    Parameters
    ----------
    value
        The figure; missing where the record does not tell.
    low, high
        Its 95 % interval.
    calls
        Calls that it rests on.
    of
        Calls that it is about; those of them that it does not rest on lack a time or a responder.
    """

    value: float
    low: float
    high: float
    calls: int
    of: int

    def is_enough(self, least_calls: int) -> bool:
        """Say whether it may be said: it rests on enough calls, and on `LEAST_SHARE` of those it is about or more.

        Parameters
        ----------
        least_calls
            Calls that are enough.

        Returns
        -------
        bool
            Whether it may be said.
        """
        return bool(np.isfinite(self.value)) and self.calls >= max(least_calls, LEAST_SHARE * self.of)


NOT_OBSERVED = Observed(float("nan"), float("nan"), float("nan"), 0, 0)
"""What the record does not tell."""

LEAST_CALLS = 20
"""Fewest calls that a figure of the record rests on, where it is said."""

LEAST_SHARE = 0.5
"""Smallest share of the calls that a figure is about, on which it rests where it is said."""


@dataclass(frozen=True, eq=False)
class CallRecord:
    """Calls for officers, and the days they came on, drawn again.

    Parameters
    ----------
    calls
        One row for each call: `day` (position), `school_id`, `zone_id`, `hours_per_day` (of its school), `responder`
        (missing where it is not known), `busy_min` (from dispatch to clearing) and `trip_min` (to arrival), missing
        where they were not recorded or not believed.
    weights
        How often each day comes: first row 1 for the record itself, then one row for each draw, shape
        (draws + 1, days).
    """

    calls: pd.DataFrame
    weights: Floats

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

        Parameters
        ----------
        zone_id
            A zone: the time of its own officers with its own calls, which is all that the record tells of one zone;
            `DISTRICT`: the time of all officers with all calls.
        officers
            How many officers share it.

        Returns
        -------
        Observed
            Share of programme hours. Calls whose minutes are not known count with the mean of those that are, calls
            whose responder is not known as the zone officer's.
        """
        minutes = self.calls["busy_min"].where(self._by_officers())
        if not self.has_responders and zone_id != DISTRICT:
            return NOT_OBSERVED
        if not minutes.notna().any():
            return NOT_OBSERVED._replace(of=int(self._by_officers().sum()))
        is_counted = self._in(zone_id) & (self._by_officers() if zone_id == DISTRICT else self._by_own())
        per_call = minutes.fillna(minutes.mean()) / 60 / self.calls["hours_per_day"] / officers
        busy = np.where(is_counted, per_call, 0.0)
        ratios = self.weights @ self._by_day(busy) / self.weights.sum(axis=1)
        return _observed(ratios, int((is_counted & minutes.notna()).sum()), int(is_counted.sum()))

    def trips(self) -> pd.DataFrame:
        """Measure the trips of officers to each school.

        Returns
        -------
        pandas.DataFrame
            By `school_id`: `calls`, how many of them have a trip of an officer that is known (`timed`), and its mean
            (`mean_min`; missing where there is none). Confidential.
        """
        trips = self.calls["trip_min"].where(self._timed_trips(DISTRICT))
        grouped = trips.groupby(self.calls["school_id"].astype("str"))
        return pd.DataFrame({"calls": grouped.size(), "timed": grouped.count(), "mean_min": grouped.mean()})

    def answered_share(self, zone_id: str, responder: str) -> Observed:
        """Measure how many calls a kind of responder answered.

        Parameters
        ----------
        zone_id
            Zone of the calls; `DISTRICT` for all.
        responder
            The responder.

        Returns
        -------
        Observed
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

        Parameters
        ----------
        zone_id
            Zone of the calls; `DISTRICT` for all.
        minutes
            Longest trip that is in time.

        Returns
        -------
        Observed
            Share of the calls that patrol or the specialist answered, which count as not reached, and of those whose
            trip is known. Where it is none or all of them, the interval is the exact one, as in `answered_share`.
        """
        is_officers = self._by_officers()
        is_known = self._in(zone_id) & (~is_officers | self.calls["trip_min"].notna().to_numpy(dtype=bool))
        if not self._timed_trips(zone_id).any():
            return NOT_OBSERVED._replace(of=int(self._in(zone_id).sum()))
        in_time = (self.calls["trip_min"] <= minutes).fillna(value=False).to_numpy(dtype=bool)
        return self._share_of(is_known & is_officers & in_time, is_known, zone_id)

    def mean_trip_min(self, zone_id: str) -> Observed:
        """Measure the mean trip of officers.

        Parameters
        ----------
        zone_id
            Zone of the calls; `DISTRICT` for all.

        Returns
        -------
        Observed
            Minutes.
        """
        is_timed, of = self._timed_trips(zone_id), self._trips(zone_id)
        if not is_timed.any():
            return NOT_OBSERVED._replace(of=of)
        minutes = np.where(is_timed, self.calls["trip_min"].fillna(0.0), 0.0)
        return _observed(self._ratios(minutes, is_timed.astype(np.float64)), int(is_timed.sum()), of)

    def trip_quantile_min(self, zone_id: str, share: float = P90) -> Observed:
        """Measure the minutes within which officers made a share of their trips.

        Parameters
        ----------
        zone_id
            Zone of the calls; `DISTRICT` for all.
        share
            The share.

        Returns
        -------
        Observed
            Minutes.
        """
        trips = self.calls[self._timed_trips(zone_id)]
        minutes, day = trips["trip_min"].to_numpy(dtype=np.float64), trips["day"].to_numpy()
        if trips.empty:
            return NOT_OBSERVED._replace(of=self._trips(zone_id))
        order = np.argsort(minutes, kind="stable")
        minutes, day = minutes[order], day[order]
        # One draw after the other: all at once would take draws × calls in memory.
        found = [sorted_quantile(minutes, weights[day], share) for weights in self.weights]
        return _observed(np.array(found), len(trips), self._trips(zone_id))

    def _in(self, zone_id: str) -> Flags:
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
        top, bottom = (self.weights @ self._by_day(part) for part in (above, below))
        ratios: Floats = np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)
        return ratios


def read_record(
    history: pd.DataFrame,
    school_zones: pd.Series,
    hours_per_day: pd.Series,
    *,
    days: pd.DatetimeIndex,
    since: str,
    longest_min: float,
    draws: int,
    seed: int,
) -> CallRecord:
    """Read the calls for officers out of the history.

    Parameters
    ----------
    history
        Incidents in context.
    school_zones, hours_per_day
        Zone and programme hours of each school, by `school_id`; calls at other schools are left out.
    days
        School days, each once.
    since
        The moment that a trip counts from: ``dispatched_at`` or ``received_at``.
    longest_min
        Longest time that is believed, in minutes.
    draws, seed
        How often the days are drawn again, and the seed.

    Returns
    -------
    CallRecord
        The record.
    """
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
            "trip_min": believed_minutes(ours, since, "arrived_at", longest_min=longest_min),
        },
        index=ours.index,
    )
    weights = np.vstack([np.ones(len(days)), day_weights(len(days), draws=draws, seed=seed)])
    return CallRecord(calls, weights)


def _observed(values: Floats, calls: int, of: int) -> Observed:
    """Take the first value for the record, and the others for draws."""
    return Observed(float(values[0]), *interval(values[1:]), calls, of)
