"""The recorded calls of a term, played call by call under any plan: what plans differ in, whatever lasts how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from safeschools_geo.coverage._calibration import LEAST_TRIP
from safeschools_geo.coverage._dispatch import zone_dispatch
from safeschools_geo.coverage._plan_scores import MINUTES, OF_CALLS, OF_TIME
from safeschools_geo.coverage._record import interval, is_dispatched
from safeschools_geo.coverage._response import P90, WITHIN_ONE_MIN
from safeschools_geo.errors import InputError, count_text, name_ids
from safeschools_geo.school_calendar import local_day
from safeschools_geo.text import change_text, figure_text, interval_text, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.coverage._dispatch import Dispatch
    from safeschools_geo.coverage._plan_scores import PlanScores
    from safeschools_geo.coverage._usual_day import UsualDay

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]

REPLAYS = 1000
"""How often a term is played."""

_AT_ONCE = 1_000_000
"""Trips of which the minutes are held at once."""

_SAID_EVERY = 500


class _Kind(NamedTuple):
    label: str
    unit: str
    better: str


KINDS = {
    "response": _Kind("mean trip", MINUTES, "lower"),
    "response_p90": _Kind("trip that nine calls of ten take at most", MINUTES, "lower"),
    f"within_{WITHIN_ONE_MIN:g}_min": _Kind(
        f"share of calls reached within {WITHIN_ONE_MIN:g} minutes", OF_CALLS, "higher"
    ),
    "backup": _Kind("share of calls that another zone’s officer answers", OF_CALLS, "lower"),
    "overflow": _Kind("share of calls that go to patrol", OF_CALLS, "lower"),
    "busiest": _Kind("busy share of the busiest officer", OF_TIME, "lower"),
}
"""What is measured in each replay, as `PlanScores` does in the queueing model."""


@dataclass(frozen=True, eq=False)
class Replay:
    """Recorded calls of a term, played under the zones of today and under a plan.

    Parameters
    ----------
    table
        A row for each measure: `measure`, `label`, `unit`, `better`, `today`, `today_low`, `today_high`, `plan`,
        `plan_low`, `plan_high`, `difference` (plan less today), `low` and `high` (its 95 % interval, paired by replay),
        and `verdict` (``better``, ``worse``, or ``unclear`` where the interval holds 0). Shares are 0 to 1.
    calls, days
        Calls and school days that were played.
    replays
        How often.
    """

    table: pd.DataFrame
    calls: int
    days: int
    replays: int

    def finding(self, *, of_zones: bool = False) -> str:
        """Say what the plan changes, as far as chance leaves it open, and at what price.

        `of_zones`: whether to speak of the proposed zones instead of the plan.
        """
        who, ending = ("the proposed zones", "") if of_zones else ("the plan", "s")
        changes = {name: self._changes(name) for name in ("better", "worse")}
        played = f"Played on {count_text(self.calls, 'recorded call')} of {count_text(self.days, 'school day')}"
        if not changes["better"] and not changes["worse"]:
            return f"{played}, {who} change{ending} no measure of coverage by more than chance leaves open."
        good = f"improve{ending} {listed(changes['better'])}" if changes["better"] else f"improve{ending} no measure"
        bad = f"worsen{ending} {listed(changes['worse'])}" if changes["worse"] else f"clearly worsen{ending} no measure"
        return f"{played}, {who} {good}, {'but' if changes['worse'] else 'and'} {bad}."

    def against_model(self, scores: PlanScores) -> str:
        """Say where the queueing model of today's zones lies apart from the replay, both intervals considered."""
        model = scores.table.set_index("measure")
        apart = []
        for row in self.table.to_dict("records"):
            if row["measure"] not in model.index or row["measure"] in scores.unshown:
                continue
            one = model.loc[row["measure"]]
            if max(float(one["low"]), row["today_low"]) > min(float(one["high"]), row["today_high"]):
                said, played = (figure_text(value, row["unit"]) for value in (float(one["value"]), row["today"]))
                apart.append(f"the {row['label']} ({said} and {played})")
        if apart:
            return f"The queueing model and the replay of the recorded calls differ on {listed(apart)}."
        return "The queueing model and the replay of the recorded calls differ by no more than both leave open."

    @staticmethod
    def facts(term: UsualDay, *, seed: int = 0) -> dict[str, Any]:
        """Give what a page needs to play the calls of a term itself, in plain lists.

        `schools` and `zones` (ids); `calls` (columns of the recorded calls, in their order); `minutes` from each place
        (the schools first, then the middles of zones without one) to each school; `waiting` (by zone, the place where
        its officer waits); and what is calibrated. Minutes are to the microsecond.
        """
        recorded, way = (
            _recorded(term),
            term.travel.response_minutes(term.zones.index, [*term.zones.index, *term.middles.index]),
        )
        officers, practice, calibrated = list(term.waiting.index), term.queueing.dispatch.practice, term.calibration
        places = {place: row for row, place in enumerate(way.columns)}
        trips = ("turnout_min", "trip_factor", "roaming_share", "backup_extra_min")
        return {
            "schools": list(term.zones.index),
            "zones": officers,
            "calls": [np.round(column.astype(np.float64), 6).tolist() for column in recorded[:5]],
            "days": recorded.days,
            "hours": recorded.days * recorded.hours_per_day,
            "minutes": np.round(way.T.to_numpy(), 6).tolist(),
            "waiting": [places[place] for place in term.waiting],
            "trip": [calibrated.value(name) for name in trips] if calibrated.has_trips else None,
            "extra": [
                calibrated.value("zone_extra_min", str(zone)) if calibrated.has_trips else 0.0 for zone in term.zones
            ],
            "diverted": practice.of(practice.diverted_share, officers).tolist(),
            "away": practice.of(practice.unavailable_share, officers).tolist(),
            "kept": practice.kept_share,
            "ratios": practice.ratios.tolist(),
            "least_trip": LEAST_TRIP,
            "within": WITHIN_ONE_MIN,
            "seed": seed,
        }

    def summary(self) -> str:
        """Say what came out, measure by measure."""
        rows = [
            f"{row['label'][0].upper()}{row['label'][1:]}: {figure_text(row['today'], row['unit'])} today, "
            f"{figure_text(row['plan'], row['unit'])} with the plan "
            f"({interval_text(row['plan_low'], row['plan_high'], row['unit'])})."
            for row in self.table.to_dict("records")
        ]
        return " ".join([self.finding(), *rows])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure."""
        return self.table.copy()

    def _changes(self, verdict: str) -> list[str]:
        rows = self.table[self.table["verdict"] == verdict].to_dict("records")
        sizes = [change_text(row["difference"], row["low"], row["high"], row["unit"]) for row in rows]
        return [f"the {row['label']} by {size}" for row, size in zip(rows, sizes, strict=True)]


def replay(
    term: UsualDay,
    plan: pd.Series | None = None,
    *,
    waiting: pd.Series | None = None,
    absent: Sequence[str] = (),
    replays: int = REPLAYS,
    seed: int = 0,
    on_part: Callable[[str], None] = lambda _: None,
) -> Replay:
    """Play the recorded calls of a term call by call, under today's zones and under a plan.

    Parameters
    ----------
    term
        The usual day of a term (``result.coverage.usual_day``): its calls, schools, ways and calibration.
    plan
        Zone of each school under the plan, by `school_id`; schools that are not in it keep theirs, and all do where it
        is left out.
    waiting
        Where the officer of each zone waits under the plan, by `zone_id`; as today if left out.
    absent
        Zones whose officer is absent under the plan.
    replays
        How often the term is played.
    seed
        Seed; the same seed gives the same replays.
    on_part
        Called with how many of the calls are played.

    Returns
    -------
    Replay
        Both, and their difference.

    Raises
    ------
    InputError
        When an absent officer is of no zone, nobody is left, or there is no replay.

    Notes
    -----
    Calls come when and where they came, and take as long on scene as recorded. Who comes is decided anew for each: the
    zone's officer, unless on a call or away, else whoever of the others is free and nearest, else patrol; trips, calls
    diverted to patrol, officers who are away and calls that wait are drawn as calibrated (`calibrate`). Incidents that
    officers began keep the zone's officer busy. Every officer is free in the morning. Nothing is taken to be
    exponential, and what runs on into the next hour does.

    Each replay weighs the school days as one draw of them with replacement does (Efron and Tibshirani 1993, chapter 8),
    and both plans are played on the same draws: the interval of the difference is paired. It is that of single terms.

    References
    ----------
    Efron, B., and Tibshirani, R. J. (1993). An Introduction to the Bootstrap. Chapman and Hall. Law, A. M. (2015).
    Simulation Modeling and Analysis, 5th ed., chapter 11.2 (common random numbers). McGraw-Hill.
    """
    zones = term.zones if plan is None else plan.reindex(term.zones.index).fillna(term.zones).astype("str")
    planned = _without(term.dispatch_of(zones.rename("zone_id"), waiting=waiting), tuple(absent))
    if replays < 1:
        raise InputError("A term is played once at least.", where="replays", found=str(replays), expected="1 or more")
    played = _recorded(term)
    today, after = play([term.queueing.dispatch, planned], played, replays=replays, seed=seed, on_part=on_part)
    rows = [_row(name, kind, today[name], after[name]) for name, kind in KINDS.items()]
    return Replay(pd.DataFrame(rows), int(played.is_call.sum()), played.days, replays)


def _row(name: str, kind: _Kind, today: Floats, plan: Floats) -> dict[str, Any]:
    difference = plan - today
    low, high = interval(difference)
    mean = float(np.nanmean(difference)) if np.isfinite(difference).any() else float("nan")
    is_clear = low > 0 or high < 0
    verdict = "unclear" if not is_clear else "better" if (mean < 0) == (kind.better == "lower") else "worse"
    (today_low, today_high), (plan_low, plan_high) = interval(today), interval(plan)
    return {
        "measure": name,
        "label": kind.label,
        "unit": kind.unit,
        "better": kind.better,
        "today": float(np.nanmean(today)) if np.isfinite(today).any() else float("nan"),
        "today_low": today_low,
        "today_high": today_high,
        "plan": float(np.nanmean(plan)) if np.isfinite(plan).any() else float("nan"),
        "plan_low": plan_low,
        "plan_high": plan_high,
        "difference": mean,
        "low": low,
        "high": high,
        "verdict": verdict,
    }


def _without(dispatch: Dispatch, absent: tuple[str, ...]) -> Dispatch:
    """Leave out the officers of some zones."""
    is_there = ~dispatch.officer_zones.isin(absent).to_numpy()
    unknown = [zone for zone in absent if zone not in set(dispatch.officer_zones)]
    if unknown or not is_there.any():
        raise InputError(
            "Nobody can be absent there." if unknown else "Nobody is left.",
            where="absent",
            ids=unknown,
            found=name_ids(absent),
            expected=f"some, not all, of {', '.join(dispatch.officer_zones)}",
            remedy="Name zones with an officer.",
        )
    if is_there.all():
        return dispatch
    minutes = pd.DataFrame(
        dispatch.travel_min[:, is_there],
        index=dispatch.school_zones.index,
        columns=dispatch.officer_zones.index[is_there],
    )
    return zone_dispatch(dispatch.school_zones, dispatch.officer_zones[is_there], minutes, practice=dispatch.practice)


# ── The calls as they came, and what happens to each


class Recorded(NamedTuple):
    """Calls and incidents that officers began, in the order they came."""

    day: Ints  # Position of the school day, shape (calls,)
    at_min: Floats  # Minutes since midnight at which somebody is sent
    school: Ints  # Position of the school
    scene_min: Floats
    is_call: Flags  # False for what officers began themselves
    days: int
    hours_per_day: float  # Program hours of an officer in a day


def _recorded(term: UsualDay) -> Recorded:
    """Take the calls of a term; one whose hour is not known comes at the middle of the others."""
    calls, school_days = term.calls, pd.DatetimeIndex(term.rates.by_day.index)
    day = school_days.get_indexer(pd.DatetimeIndex(local_day(calls["occurred_at"])))
    school = term.zones.index.get_indexer(pd.Index(calls["school_id"]))
    calls = calls[(day >= 0) & (school >= 0)]
    day, school = day[(day >= 0) & (school >= 0)], school[(day >= 0) & (school >= 0)]
    moment = calls["occurred_at"].where(calls["hour"].notna())
    if "dispatched_at" in calls.columns:
        moment = calls["dispatched_at"].fillna(moment)
    at_min = (moment - moment.dt.normalize()).dt.total_seconds() / 60
    at_min = at_min.fillna(at_min.median()).fillna(0.0).to_numpy(dtype=np.float64)
    order = np.lexsort((at_min, day))
    return Recorded(
        day[order],
        at_min[order],
        school[order],
        calls["scene_min"].to_numpy(dtype=np.float64)[order],
        is_dispatched(calls).to_numpy(dtype=bool)[order],
        len(school_days),
        float(term.rates.hours_per_day.max()),
    )


class _Officers:
    """The officers of one plan in all replays side by side: when each is free again."""

    def __init__(self, dispatch: Dispatch, replays: int) -> None:
        self.dispatch, self.rows = dispatch, np.arange(replays)
        number = len(dispatch.officer_zones)
        self.first = np.argsort(dispatch.preference, axis=1).astype(np.float64)
        self.last = np.argsort(dispatch.own_last, axis=1).astype(np.float64)
        self.away = dispatch.practice.of(dispatch.practice.unavailable_share, dispatch.school_zones)
        own = dispatch.preference[:, 0]
        self.own = np.where(dispatch.is_own[np.arange(len(own)), own], own, -1)
        self.free_at = np.zeros((replays, number))
        self.busy_min = np.zeros((replays, number))
        self.helped = np.zeros(replays)

    def send(self, school: int, at_min: float, scene_min: float, chance: Floats, weight: Floats) -> Ints:
        """Send somebody in each replay: the officer and how long the trip is, as one number (`trips_min`)."""
        own, is_free = int(self.own[school]), self.free_at <= at_min
        is_away = chance[1] < self.away[school]
        ranks = np.where(is_away[:, None], self.last[school], self.first[school])
        officer = np.where(is_free, ranks, np.inf).argmin(axis=1)
        is_sent = is_free.any(axis=1)
        if own >= 0 and self.dispatch.practice.kept_share > 0:
            waits = ~is_away & ~is_free[:, own] & (chance[2] < self.dispatch.practice.kept_share)
            officer, is_sent = np.where(waits, own, officer), is_sent | waits
        is_sent &= chance[0] >= self.dispatch.diverted_share[school]
        ratios = self.dispatch.practice.ratios
        ratio = (chance[3] * len(ratios)).astype(np.int64)
        rows, who = self.rows[is_sent], officer[is_sent]
        lasts = self.dispatch.travel_min[school, who] * ratios[ratio[is_sent]] + scene_min
        self.free_at[rows, who] = np.maximum(self.free_at[rows, who], at_min) + lasts
        self.busy_min[rows, who] += lasts * weight[is_sent]
        self.helped += weight * (is_sent & ~self.dispatch.is_own[school, officer])
        return np.where(is_sent, officer * len(ratios) + ratio, -1)

    def trips_min(self, school: Ints, sent: Ints) -> Floats:
        """Give the minutes of trips that `send` chose, missing where patrol went: shape (calls, replays)."""
        ratios = self.dispatch.practice.ratios
        officer, ratio = np.divmod(np.maximum(sent, 0).astype(np.int64), len(ratios))
        trips = self.dispatch.travel_min[school[:, None], officer] * ratios[ratio]
        return np.where(sent >= 0, trips, np.nan)

    def begin(self, school: int, at_min: float, scene_min: float, weight: Floats) -> None:
        """Keep the zone's officer busy with an incident that the officer began."""
        own = int(self.own[school])
        if own >= 0:
            self.free_at[:, own] = np.maximum(self.free_at[:, own], at_min + scene_min)
            self.busy_min[:, own] += scene_min * weight


_CHANCES = 4
"""Draws for a call: whether it is diverted, whether its officer is away, whether it waits, and how long the trip is."""


def chances(draws: ArrayLike, replays: int, *, seed: int) -> Floats:
    """Draw numbers from 0 up to 1 by counting, so that a page draws the same: shape (draws, replays).

    The number of a draw and a replay is a hash of both (the finalizer of MurmurHash3, on 32 bits): it hangs on no other
    draw, and `what_if_replay.js` has it in the same three lines.
    """
    row = _mixed(np.uint32(seed % 2**32) + np.asarray(draws, dtype=np.uint32) * np.uint32(0x9E3779B9))
    column = _mixed(np.arange(replays, dtype=np.uint32) + np.uint32(0x632BE59B))
    return _mixed(row[:, None] ^ column[None, :]) / 2.0**32


def _mixed(bits: NDArray[np.uint32]) -> NDArray[np.uint32]:
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        bits = (bits ^ (bits >> np.uint32(shift))) * np.uint32(factor)
    return bits ^ (bits >> np.uint32(16))


def _day_weights(days: int, replays: int, *, seed: int) -> Floats:
    """Draw days with replacement: how often each comes in each replay, shape (replays, days)."""
    picked = (chances(np.arange(days) + 2**31, replays, seed=seed) * days).astype(np.int64)
    flat = np.bincount((picked + np.arange(replays) * days).ravel(), minlength=replays * days)
    return flat.reshape(replays, days).astype(np.float64)


def play(
    plans: Sequence[Dispatch],
    calls: Recorded,
    *,
    replays: int,
    seed: int,
    on_part: Callable[[str], None] = lambda _: None,
) -> list[dict[str, Floats]]:
    """Play calls under several plans on the same draws: each measure of each plan, shape (replays,)."""
    weights = _day_weights(calls.days, replays, seed=seed)
    watches = [_Officers(plan, replays) for plan in plans]
    number = int(calls.is_call.sum())
    # Who went, not how long it took: of 35,000 calls the minutes of a thousand replays would be 280 MB for each plan.
    sent = [
        np.empty((number, replays), np.min_scalar_type(-plan.travel_min.shape[1] * len(plan.practice.ratios)))
        for plan in plans
    ]
    today, row = -1, 0
    for day, at_min, school, scene_min, is_call in zip(*calls[:5], strict=True):
        weight = weights[:, day]
        if day != today:
            today = day
            for watch in watches:
                watch.free_at[:] = 0.0
        if not is_call:
            for watch in watches:
                watch.begin(school, at_min, scene_min, weight)
            continue
        if row % _SAID_EVERY == 0:
            on_part(f"{row:,} of {number:,} recorded calls played")
        chance = chances(np.arange(_CHANCES) + _CHANCES * row, replays, seed=seed)
        for watch, chosen in zip(watches, sent, strict=True):
            chosen[row] = watch.send(school, at_min, scene_min, chance, weight)
        row += 1
    school, day = calls.school[calls.is_call], calls.day[calls.is_call]
    hours, wide = calls.days * calls.hours_per_day, max(_AT_ONCE // max(number, 1), 2)
    measured = []
    for watch, chosen in zip(watches, sent, strict=True):
        parts = [
            _measured(watch.trips_min(school, chosen[:, part]), weights[part, day].T, watch.helped[part])
            for part in _blocks(replays, wide)
        ]
        busiest = (watch.busy_min / 60 / hours).max(axis=1)
        measured.append(dict(zip(KINDS, (*np.concatenate(parts, axis=1), busiest), strict=True)))
    return measured


def _blocks(number: int, wide: int) -> list[slice]:
    """Part a number into runs of about `wide`, none of them of one alone unless that is all."""
    return [slice(part[0], part[-1] + 1) for part in np.array_split(np.arange(number), max(number // wide, 1))]


def _measured(trips: Floats, weights: Floats, helped: Floats) -> Floats:
    """Measure some replays: every measure of `KINDS` but the last, shape (measures, replays)."""
    is_sent = np.isfinite(trips)
    sent, minutes = np.where(is_sent, weights, 0.0), np.where(is_sent, trips, np.inf)
    calls, answered = weights.sum(axis=0), sent.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (sent * np.where(is_sent, trips, 0.0)).sum(axis=0) / answered
        within = (sent * (minutes <= WITHIN_ONE_MIN)).sum(axis=0) / calls
        return np.stack([mean, _quantile(minutes, sent), within, helped / calls, 1 - answered / calls])


def _quantile(minutes: Floats, weights: Floats) -> Floats:
    """Find the trip that nine of ten weighted calls take at most, in each replay."""
    order = np.argsort(minutes, axis=0, kind="stable")
    reached = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    row = (reached < P90 * reached[-1] * (1 - 1e-12)).sum(axis=0)
    found: Floats = np.take_along_axis(minutes, np.take_along_axis(order, row[None], axis=0), axis=0)[0]
    return np.where(reached[-1] > 0, found, np.nan)
