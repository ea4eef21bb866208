"""What earlier terms say of trips, of who is sent, and of how long calls last: the model is calibrated on it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.optimize import nnls
from scipy.stats import norm

from safeschools_geo.coverage._dispatch import NO_PRACTICE, Practice
from safeschools_geo.coverage._record import (
    BACKUP,
    DISTRICT,
    LEAST_CALLS,
    OFFICERS_WORK,
    OWN,
    PATROL,
    believed_minutes,
    day_weights,
    interval,
    is_dispatched,
    weighted_ratios,
)
from safeschools_geo.errors import ColumnError, count_text
from safeschools_geo.school_calendar import local_day
from safeschools_geo.settings import CoverageSettings
from safeschools_geo.text import figure_text, interval_text, listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

COLUMNS = ["measure", "zone_id", "value", "low", "high", "calls", "source"]
"""Columns of a calibration."""

WAYS = ["zone_id", "waiting_min", "roaming_min", "other_min"]
"""Columns of the ways that trips are held against."""

_NEEDED = ["school_id", "occurred_at", "work_of", "responder", "dispatched_at", "arrived_at", "cleared_at"]
_Z = float(norm.ppf(0.975))
_POINTS, _ROUNDS, LEAST_TRIP, _SAME = 40, 8, 0.25, 1e-9
_MOST_SHARE = 0.9


class _Kind(NamedTuple):
    """A measure that is calibrated, and how it is called."""

    name: str
    unit: str


KINDS = {
    "turnout_min": _Kind("minutes before the trip begins", "min"),
    "trip_factor": _Kind("minutes of a trip for each minute of the way on the map", "ratio"),
    "roaming_share": _Kind("how far officers are about their schools, not at their waiting place", "share"),
    "zone_extra_min": _Kind("minutes that trips in a zone take more", "min"),
    "backup_extra_min": _Kind("minutes that another zone’s officer takes more", "min"),
    "diverted_share": _Kind("calls sent to patrol although the zone’s officer was on no call", "share"),
    "unavailable_share": _Kind("calls at which the zone’s officer was on no call, and another officer came", "share"),
    "kept_share": _Kind("calls that came while the zone’s officer was on one, and that this officer answered", "share"),
    "service_min": _Kind("minutes that a call keeps an officer", "min"),
    "scene_own_min": _Kind("minutes on scene of the zone’s officer", "min"),
    "scene_backup_min": _Kind("minutes on scene of another zone’s officer", "min"),
    "scene_patrol_min": _Kind("minutes on scene of patrol", "min"),
}
"""The measures, in the order they are reported."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What earlier terms, or the settings, say of trips, of who is sent, and of how long calls last.

    Parameters
    ----------
    table
        `measure`, `zone_id` (empty for all zones together), `value`, `low` and `high` (95 % interval), `calls` that it
        rests on, and `source`: ``record``, ``settings``, or ``map`` where all ways are alike. Minutes, shares from 0 to
        1, and ``trip_factor``, a ratio. What could not be estimated is not in it.
    ratios
        Recorded minutes of a trip over what the line says of it, equally likely, mean 1, rising, shape (k,).
    terms
        The earlier terms.
    calls
        Calls of these that officers were sent to, or could have been.
    """

    table: pd.DataFrame
    ratios: Floats = field(default_factory=lambda: np.ones(1))
    terms: tuple[str, ...] = ()
    calls: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether nothing is calibrated: the model rests on the ways on the map, and on its rules alone."""
        return self.table.empty

    @property
    def has_trips(self) -> bool:
        """Whether the minutes of trips are calibrated."""
        return self._has("trip_factor")

    @property
    def has_service(self) -> bool:
        """Whether it is known how long calls keep officers."""
        return self._has("service_min")

    def value(self, measure: str, zone_id: str = DISTRICT, *, default: float = 0.0) -> float:
        """Give the value of a measure of `KINDS`: the zone's, else that of all zones, else `default`."""
        return self._values.get((measure, zone_id), self._values.get((measure, DISTRICT), default))

    @cached_property
    def _values(self) -> dict[tuple[str, str], float]:
        columns = (self.table[name] for name in ("measure", "zone_id", "value"))
        return {(measure, zone): float(value) for measure, zone, value in zip(*columns, strict=True)}

    def trip_min(self, waiting_min: Floats, roaming_min: Floats, *, extra_min: Floats | float = 0.0) -> Floats:
        """Turn minutes of the way on the map into the minutes that a trip takes on average.

        Minutes, of the shape given. `waiting_min`: from where the officer waits; `roaming_min`: the mean from the
        schools of the officer's zone; `extra_min`: what is added for the zone of the call, or for another officer.
        """
        if not self.has_trips:
            return waiting_min
        share, factor = self.value("roaming_share"), self.value("trip_factor")
        way = (1 - share) * waiting_min + share * roaming_min
        trips: Floats = np.maximum(self.value("turnout_min") + factor * way + extra_min, LEAST_TRIP)
        return trips

    def practice(self, zones: list[str], began_share: pd.Series) -> Practice:
        """Say what dispatch does besides sending whoever is free.

        `zones`: all zones; `began_share`: share of the time of each zone's officer on incidents that the officer began.
        """
        if self.is_empty and not began_share.any():
            return NO_PRACTICE
        index = pd.Index(zones, name="zone_id")
        diverted, away = (
            pd.Series([self.value(name, zone) for zone in zones], index=index, dtype="float64").clip(0.0, _MOST_SHARE)
            for name in ("diverted_share", "unavailable_share")
        )
        began = began_share.reindex(index).fillna(0.0).astype("float64").clip(0.0, _MOST_SHARE)
        ratios, extra = (self.ratios, self.value("backup_extra_min")) if self.has_trips else (np.ones(1), 0.0)
        return Practice(diverted, away, began, self.value("kept_share"), extra, ratios)

    def service_per_h(self, zones: list[str], *, otherwise: Floats) -> Floats:
        """Give the calls that each officer could answer in an hour; `otherwise` where the record does not say."""
        if not self.has_service:
            return otherwise
        return np.array([60.0 / self.value("service_min", zone) for zone in zones])

    def summary(self) -> str:
        """Say in plain English what the model is calibrated on, and what came out."""
        if self.is_empty:
            return (
                "The model is not calibrated: there is no earlier term on record to calibrate it on. Trips take what "
                "the ways on the map take, and whoever is free is sent."
            )
        from_record = self.table.loc[self.table["source"] == "record", "measure"]
        parts = []
        if len(from_record):
            on = listed(list(self.terms)) if self.terms else "the record given"
            parts.append(f"The model is calibrated on {count_text(self.calls, 'call')} of {on}.")
        by_settings = set(self.table.loc[self.table["source"] == "settings", "measure"])
        if by_settings:
            fixed = [kind.name for name, kind in KINDS.items() if name in by_settings]
            parts.append(f"By the settings: {listed(fixed)}.")
        if self.has_trips:
            parts.append(
                f"A trip takes {self._shown('turnout_min')} plus {self.value('trip_factor'):.2f}"
                f"{self._between('trip_factor')} times the way on the map; officers set out {self._where()}."
            )
        else:
            parts.append("It has too few times of dispatch and arrival: trips take what the ways on the map take.")
        parts += [said.format(self._shown(name)) for name, said in _SAID.items() if self._has(name)]
        return " ".join(parts)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure and zone."""
        return self.table.copy()

    def _has(self, measure: str) -> bool:
        return bool((self.table["measure"] == measure).any())

    def _row(self, measure: str) -> pd.Series:
        rows = self.table[(self.table["measure"] == measure) & (self.table["zone_id"] == DISTRICT)]
        return rows.iloc[0]

    def _shown(self, measure: str) -> str:
        row = self._row(measure)
        text = figure_text(row["value"], KINDS[measure].unit)
        if row["source"] != "record":
            return text
        return f"{text} ({interval_text(row['low'], row['high'], KINDS[measure].unit)})"

    def _between(self, measure: str) -> str:
        row = self._row(measure)
        return "" if row["source"] != "record" else f" ({row['low']:.2f} to {row['high']:.2f})"

    def _where(self) -> str:
        share = self.value("roaming_share")
        if share <= 0:
            return "from their waiting places"
        if share >= 1:
            return "from any of their schools, wherever they are said to wait"
        return f"from any of their schools to {share:.0%}, from their waiting places to {1 - share:.0%}"


_SAID = {
    "backup_extra_min": "Another zone’s officer takes {} more than the way of the nearest one says.",
    "diverted_share": "Calls that went to patrol although the zone’s officer was on no call: {}.",
    "unavailable_share": "Of the others that came while the zone’s officer was on no call, another one answered {}.",
    "kept_share": "Of those that came while the zone’s officer was on a call, that officer answered {} all the same.",
    "service_min": "A call keeps an officer {} on average.",
}


def calibrate(
    record: pd.DataFrame,
    ways: pd.DataFrame,
    *,
    settings: CoverageSettings | None = None,
    longest_service_min: float = 480.0,
    draws: int = 200,
    seed: int = 0,
) -> Calibration:
    """Calibrate the model of coverage on a record, which is to be of other terms than the one it is judged on.

    Parameters
    ----------
    record
        Incidents in context (`counts.in_context`) of earlier terms: `school_id`, `occurred_at`, `work_of`, `responder`,
        `dispatched_at`, `arrived_at`, `cleared_at`, and `origin` and `term` where they are known. Those that are zone
        officers’ work at a school of `ways` count.
    ways
        Minutes on the map to each school (`UsualDay.ways`), by `school_id`: `zone_id`, `waiting_min` (from where the
        zone's officer waits), `roaming_min` (the mean from the schools of the zone) and `other_min` (from where the
        nearest officer of another zone waits).
    settings
        Of coverage: what they fix is not estimated.
    longest_service_min
        Longest time that is believed, in minutes.
    draws
        How often the days are drawn again for the intervals.
    seed
        Seed; the same seed gives the same intervals.

    Returns
    -------
    Calibration
        What the record says, each with a 95 % interval.

    Raises
    ------
    ColumnError
        When columns are missing.

    Notes
    -----
    Mean minutes of the zone officer's trip are ``turnout + factor × way``, the way being a mixture of that from the
    waiting place and that from any school of the zone: by maximum likelihood of gamma errors, whose spread grows with
    the mean, with factors of 0 or more (McCullagh and Nelder 1989, chapter 8). How far single trips are spread is taken
    from the record as it is. Incidents that officers began have no trip.

    An officer is on a call from dispatch to clearing of calls that the record gives to the zone's officer. Of calls
    that come while this officer is on none, and nobody helps in another zone, some are sent to patrol (a policy) and
    some to another officer (a visit, a break, court); of calls that come while the officer is on one, some wait.

    Zones differ as far as the record bears it: their difference to all zones is shrunk by the variance between zones
    over that and its own (Efron and Morris 1975). Intervals are those of whole days drawn again, and of a normal
    distribution for single zones.

    References
    ----------
    McCullagh, P., and Nelder, J. A. (1989). Generalized Linear Models, 2nd ed. Chapman and Hall. Efron, B., and Morris,
    C. (1975). Data analysis using Stein's estimator and its generalizations. Journal of the American Statistical
    Association 70, 311–319.
    """
    lacking = [name for name in _NEEDED if name not in record.columns]
    lacking += [f"{name} of ways" for name in WAYS if name not in ways.columns]
    if lacking:
        raise ColumnError(
            "A calibration needs columns that are missing.",
            where="record, ways",
            found=f"no {listed(lacking)}",
            expected=", ".join([*_NEEDED, *(f"{name} of ways" for name in WAYS)]),
            remedy="Give incidents in context, with their times and responders, and the ways of a usual day.",
        )
    chosen = CoverageSettings() if settings is None else settings
    calls = _calls(record, ways, longest_service_min)
    days = calls["day"].unique() if len(calls) else np.zeros(1)
    weights = np.vstack([np.ones(len(days)), day_weights(len(days), draws=draws, seed=seed)])
    data = _Data(calls, weights, ways)
    trips, ratios = _trips(data, chosen)
    rows = [*trips, *_shares(data, chosen), *_service(data)]
    names = tuple(str(name) for name in pd.unique(record["term"])) if "term" in record.columns else ()
    table = pd.DataFrame(rows, columns=COLUMNS)
    order = {name: i for i, name in enumerate(KINDS)}
    table = table.sort_values("measure", key=lambda found: found.map(order), kind="stable", ignore_index=True)
    return Calibration(table, ratios, names, int(calls["is_dispatched"].sum()))


# ── The calls of a record: where they are, who came, and whether the zone's officer was on a call


@dataclass(frozen=True, eq=False)
class _Data:
    calls: pd.DataFrame
    weights: Floats
    ways: pd.DataFrame

    @property
    def zones(self) -> list[str]:
        return [str(zone) for zone in pd.unique(self.ways["zone_id"])]

    def mean(self, values: Floats, rows: Flags) -> Floats:
        """Give the mean over some calls, of the record and of each draw."""
        day = self.calls["day"].to_numpy()[rows]
        return weighted_ratios(self.weights, day, values[rows], np.ones(int(rows.sum())))


def _calls(record: pd.DataFrame, ways: pd.DataFrame, longest_min: float) -> pd.DataFrame:
    ours = record[(record["work_of"] == OFFICERS_WORK) & record["school_id"].isin(ways.index)]
    sent = (ours["dispatched_at"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds() / 60
    busy = believed_minutes(ours, "dispatched_at", "cleared_at", longest_min=longest_min)
    calls = pd.DataFrame(
        {
            "day": pd.factorize(local_day(ours["occurred_at"]), sort=True)[0],
            "zone_id": ours["school_id"].map(ways["zone_id"]).astype("str"),
            "responder": ours["responder"].astype("object"),
            "is_dispatched": is_dispatched(ours),
            "sent_min": sent,
            "cleared_min": sent + busy,
            "trip_min": believed_minutes(ours, "dispatched_at", "arrived_at", longest_min=longest_min),
            "scene_min": believed_minutes(ours, "arrived_at", "cleared_at", longest_min=longest_min),
            "busy_min": busy,
            **{name: ours["school_id"].map(ways[name]).astype("float64") for name in WAYS[1:]},
        }
    ).reset_index(drop=True)
    everywhere = pd.Series("", index=calls.index)
    return calls.assign(
        is_on_call=_is_under_way(calls, OWN, calls["zone_id"]), is_helping=_is_under_way(calls, BACKUP, everywhere)
    )


def _is_under_way(calls: pd.DataFrame, responder: str, group: pd.Series) -> Flags:
    """Say of each call whether another of its group, with such a responder, was under way when it was sent out."""
    found = np.zeros(len(calls), dtype=bool)
    until = calls["cleared_min"].where(calls["responder"] == responder)
    for _, rows in calls.dropna(subset="sent_min").sort_values("sent_min", kind="stable").groupby(group):
        ends = until[rows.index].fillna(-np.inf).to_numpy()
        before = np.concatenate(([-np.inf], np.maximum.accumulate(ends)[:-1]))
        found[rows.index] = before > rows["sent_min"].to_numpy()
    return found


# ── Trips: turnout, minutes for each minute of the way, roaming, zones, other officers, and the spread


def _trips(data: _Data, chosen: CoverageSettings) -> tuple[list[tuple[object, ...]], Floats]:
    calls = data.calls
    is_trip = (calls["is_dispatched"] & calls["trip_min"].notna() & calls["waiting_min"].notna()).to_numpy(dtype=bool)
    is_own = is_trip & (calls["responder"] == OWN).to_numpy(dtype=bool)
    fixed, source = (chosen.turnout_min, chosen.trip_factor), "settings"
    known, nothing = int(is_own.sum()), np.ones(1)
    if known < LEAST_CALLS and None in fixed:
        return [], nothing
    minutes = calls["trip_min"].to_numpy(dtype=np.float64)
    roaming = calls["roaming_min"].fillna(calls["waiting_min"]).to_numpy(dtype=np.float64)
    ways = np.column_stack((np.ones(len(calls)), calls["waiting_min"].to_numpy(dtype=np.float64), roaming))
    if fixed[1] is None and not np.ptp(ways[is_own][:, 1:], axis=0).any():
        fixed, source = (fixed[0], 1.0), "map"
    of_day = data.weights[:, calls["day"].to_numpy()[is_own]] if known else np.ones((1, 0))
    line = _lines(minutes[is_own], ways[is_own], of_day, fixed)
    factor = line[:, 1] + line[:, 2]
    share = np.divide(line[:, 2], factor, out=np.zeros(len(line)), where=factor > 0)
    rows = [
        _row("turnout_min", line[:, 0], known, chosen.turnout_min),
        _row("trip_factor", factor, known, fixed[1], source=source),
        _row("roaming_share", share, known, None if fixed[1] is None else 0.0, source=source),
    ]
    if known < LEAST_CALLS:
        return rows, nothing
    said = ways @ line[0]
    extra = _by_zone("zone_extra_min", data, minutes - said, is_own, about=0.0)
    by_zone = {str(row[1]): float(row[2]) for row in extra}  # type: ignore[arg-type]
    said = np.maximum(said + calls["zone_id"].map(by_zone).fillna(0.0).to_numpy(), LEAST_TRIP)
    is_other = is_trip & (calls["responder"] == BACKUP).to_numpy(dtype=bool) & calls["other_min"].notna().to_numpy()
    if is_other.sum() >= LEAST_CALLS:
        # How far from its waiting place another officer was is not known: the way is that from there.
        other = line[0, 0] + factor[0] * calls["other_min"].to_numpy(dtype=np.float64)
        rows.append(_row("backup_extra_min", data.mean(minutes - other, is_other), int(is_other.sum())))
    ratios = np.sort(minutes[is_own] / said[is_own])
    points = np.array([part.mean() for part in np.array_split(ratios, min(_POINTS, known))])
    return [*rows, *extra], points / points.mean()


def _lines(minutes: Floats, ways: Floats, weights: Floats, fixed: tuple[float | None, float | None]) -> Floats:
    """Fit the line to the record and to each draw: shape (draws + 1, 3)."""
    turnout, factor = fixed
    held = np.array([0.0 if turnout is None else turnout, 0.0 if factor is None else factor, 0.0])
    # A way that is the same everywhere cannot be told from the turnout.
    varied = [i for i in (1, 2) if len(ways) and np.ptp(ways[:, i]) > _SAME]
    free = [*([0] if turnout is None else []), *(varied if factor is None else [])]
    lines = np.tile(held, (len(weights), 1))
    if not free:
        return lines
    rest, pairs = minutes - ways @ held, ways[:, :, None] * ways[:, None, :]
    mean = np.full((len(weights), len(minutes)), max(float(minutes.mean()), LEAST_TRIP))
    for _ in range(_ROUNDS):
        # The variance of gamma errors is that of the mean squared.
        weighing = weights / mean**2
        squares = np.einsum("dn,nij->dij", weighing, pairs[:, free][:, :, free], optimize=True)
        sums = (weighing * rest) @ ways[:, free]
        lines[:, free] = [_not_negative(a, b) for a, b in zip(squares, sums, strict=True)]
        mean = np.maximum(lines @ ways.T, LEAST_TRIP)
    return lines


def _not_negative(squares: Floats, sums: Floats) -> Floats:
    """Solve least squares of three coefficients or fewer, none below 0, from their sums of squares."""
    scale = np.sqrt(np.maximum(np.diag(squares), 1e-12))
    root = np.linalg.cholesky(squares / np.outer(scale, scale) + 1e-9 * np.eye(len(scale)))
    found: Floats = nnls(root.T, np.linalg.solve(root, sums / scale))[0] / scale
    return found


# ── Who is sent besides whoever is free


def _shares(data: _Data, chosen: CoverageSettings) -> list[tuple[object, ...]]:
    calls = data.calls
    who, on_call = calls["responder"], calls["is_on_call"].to_numpy(dtype=bool)
    is_seen = (calls["is_dispatched"] & calls["sent_min"].notna() & who.isin([OWN, BACKUP, PATROL])).to_numpy(
        dtype=bool
    )
    by_officer = is_seen & (who != PATROL).to_numpy()
    # While an officer helps in another zone, it is not known whose officer that is.
    is_free = ~on_call & ~calls["is_helping"].to_numpy(dtype=bool)
    is_timed = bool(calls["cleared_min"].notna().any())
    asked: dict[str, tuple[str, Flags, float | None]] = {
        "diverted_share": (PATROL, is_seen & is_free, chosen.diverted_share),
        "unavailable_share": (BACKUP, by_officer & is_free, chosen.unavailable_share),
    }
    rows: list[tuple[object, ...]] = []
    for name, (responder, is_asked, fixed) in asked.items():
        found = is_asked if is_timed else np.zeros(len(calls), dtype=bool)
        if fixed is None and found.sum() < LEAST_CALLS:
            continue
        is_so = np.where(who == responder, 1.0, 0.0)
        rows.append(_row(name, data.mean(is_so, found), int(found.sum()), fixed))
        if fixed is None:
            rows += _by_zone(name, data, is_so, found, about=float(is_so[found].mean()))
    is_held = by_officer & on_call
    if is_held.sum() >= LEAST_CALLS:
        away = next((float(row[2]) for row in rows if row[:2] == ("unavailable_share", DISTRICT)), 0.0)  # type: ignore[arg-type]
        kept = data.mean(np.where(who == OWN, 1.0, 0.0), is_held) / max(1 - away, _SAME)
        rows.append(_row("kept_share", np.minimum(kept, 1.0), int(is_held.sum())))
    return rows


# ── How long calls last, by who answers and by zone


def _service(data: _Data) -> list[tuple[object, ...]]:
    calls, rows = data.calls, list[tuple[object, ...]]()
    minutes = calls["busy_min"].to_numpy(dtype=np.float64)
    by_officers = (
        calls["is_dispatched"] & calls["busy_min"].notna() & calls["responder"].isin([OWN, BACKUP])
    ).to_numpy()
    if by_officers.sum() >= LEAST_CALLS:
        rows.append(_row("service_min", data.mean(minutes, by_officers), int(by_officers.sum())))
        rows += _by_zone("service_min", data, minutes, by_officers, about=float(minutes[by_officers].mean()))
    scene = calls["scene_min"].to_numpy(dtype=np.float64)
    for name, responder in (("scene_own_min", OWN), ("scene_backup_min", BACKUP), ("scene_patrol_min", PATROL)):
        is_theirs = (calls["is_dispatched"] & calls["scene_min"].notna() & (calls["responder"] == responder)).to_numpy()
        if is_theirs.sum() >= LEAST_CALLS:
            rows.append(_row(name, data.mean(scene, is_theirs), int(is_theirs.sum())))
    return rows


def _by_zone(name: str, data: _Data, values: Floats, rows: Flags, *, about: float) -> list[tuple[object, ...]]:
    """Shrink the mean of each zone towards what all zones have."""
    zone = data.calls["zone_id"].to_numpy()[rows]
    found = pd.Series(values[rows]).groupby(zone).agg(["size", "mean"]).reindex(data.zones)
    known = found["size"].fillna(0).to_numpy(dtype=np.float64)
    apart = np.where(known > 0, found["mean"].fillna(about).to_numpy() - about, 0.0)
    chance = np.divide(float(values[rows].var()), known, out=np.full(len(known), np.inf), where=known > 0)
    is_known = known > 1
    between = 0.0
    if is_known.sum() > 1:
        between = max(float((apart[is_known] ** 2).mean() - chance[is_known].mean()), 0.0)
    weight = between / (between + chance) if between > 0 else np.zeros(len(known))
    whole = float(values[rows].var()) / max(int(rows.sum()), 1)
    half = _Z * np.sqrt(weight * np.where(np.isfinite(chance), chance, 0.0) + (1 - weight) ** 2 * whole)
    value = about + weight * apart
    parts = zip(data.zones, value, value - half, value + half, known, strict=True)
    return [(name, one, float(v), float(low), float(high), int(n), "record") for one, v, low, high, n in parts]


def _row(
    name: str, drawn: Floats, calls: int, fixed: float | None = None, *, source: str = "settings"
) -> tuple[object, ...]:
    if fixed is not None:
        return name, DISTRICT, float(fixed), float(fixed), float(fixed), 0, source
    return name, DISTRICT, float(drawn[0]), *interval(drawn[1:]), calls, "record"


# ── Whether what earlier terms say holds in the term that the model is judged on

TESTED = ["measure", "earlier", "earlier_low", "earlier_high", "term", "low", "high", "calls", "holds", "told"]
"""Columns of the tests of assumptions."""

_TESTS: dict[str, str] = {
    "backup_extra_min": "another zone’s officer took {term} longer than the nearest would (before: {earlier})",
    "diverted_share": "{term} of calls went to patrol although the zone’s officer was on no call (before: {earlier})",
    "unavailable_share": "another officer answered {term} of calls while the zone’s was on none (before: {earlier})",
    "kept_share": "the zone’s officer answered {term} of calls that came while on another (before: {earlier})",
    "service_min": "a call kept an officer {term} (before: {earlier})",
}


def assumptions_tested(
    calibration: Calibration,
    record: pd.DataFrame,
    ways: pd.DataFrame,
    *,
    longest_service_min: float,
    draws: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Test on a term what earlier terms say: a row for each assumption that can be tested there."""
    if calibration.is_empty or not set(_NEEDED) <= set(record.columns):
        return pd.DataFrame(columns=TESTED)
    now = calibrate(record, ways, longest_service_min=longest_service_min, draws=draws, seed=seed)
    rows = _trip_test(calibration, record, ways, longest_min=longest_service_min, draws=draws, seed=seed)
    before, after = (one.table[one.table["zone_id"] == DISTRICT].set_index("measure") for one in (calibration, now))
    for name, sentence in _TESTS.items():
        if name not in before.index or name not in after.index:
            continue
        earlier: dict[Any, Any] = before.loc[name].to_dict()
        term: dict[Any, Any] = after.loc[name].to_dict()
        unit = KINDS[name].unit
        figures = [float(one[part]) for one in (earlier, term) for part in ("value", "low", "high")]
        was, was_low, was_high, now_is, low, high = figures
        holds = abs(was - now_is) <= max(float(np.hypot(was_high - was_low, high - low)) / 2, _SAME)
        said = {"earlier": figure_text(was, unit), "term": figure_text(now_is, unit)}
        rows.append((name, *figures, int(term["calls"]), holds, sentence.format(**said)))
    return pd.DataFrame(rows, columns=TESTED)


def _trip_test(
    calibration: Calibration, record: pd.DataFrame, ways: pd.DataFrame, *, longest_min: float, draws: int, seed: int
) -> list[tuple[object, ...]]:
    calls = _calls(record, ways, longest_min)
    is_own = (
        calls["is_dispatched"] & (calls["responder"] == OWN) & calls[["trip_min", "waiting_min"]].notna().all(axis=1)
    )
    rows = is_own.to_numpy(dtype=bool)
    if rows.sum() < LEAST_CALLS or not calibration.has_trips:
        return []
    extra = calls["zone_id"].map(lambda zone: calibration.value("zone_extra_min", zone)).to_numpy(dtype=np.float64)
    waiting = calls["waiting_min"].to_numpy(dtype=np.float64)
    roaming = calls["roaming_min"].fillna(calls["waiting_min"]).to_numpy(dtype=np.float64)
    said = calibration.trip_min(waiting, roaming, extra_min=extra)
    days = int(calls["day"].max()) + 1
    weights = np.vstack([np.ones(days), day_weights(days, draws=draws, seed=seed)])
    minutes, day = calls["trip_min"].to_numpy(dtype=np.float64)[rows], calls["day"].to_numpy()[rows]
    drawn = weighted_ratios(weights, day, minutes, said[rows])
    low, high = interval(drawn[1:])
    # The earlier terms know their mean no better than chance in as many calls.
    trips = calibration.table.loc[calibration.table["measure"] == "trip_factor", "calls"].max()
    wider = np.sqrt(1 + rows.sum() / trips) if trips else 1.0
    holds = bool(abs(drawn[0] - 1) <= (high - low) / 2 * wider)
    text = f"trips of zone officers took {drawn[0]:.2f} times what earlier terms say ({low:.2f} to {high:.2f})"
    return [("trip_ratio", 1.0, np.nan, np.nan, float(drawn[0]), low, high, int(rows.sum()), holds, text)]
