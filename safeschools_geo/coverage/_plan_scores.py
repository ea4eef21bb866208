"""Zones scored by their coverage, two plans side by side, and the day an officer is absent."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from safeschools_geo.coverage._dispatch import NO_PRACTICE, Dispatch, zone_dispatch
from safeschools_geo.coverage._record import interval
from safeschools_geo.coverage._response import WITHIN_ONE_MIN, mean_response_min, response_quantile_min, within_share
from safeschools_geo.coverage.queueing import MOST_EXACT, hypercube, hypercube_approximation
from safeschools_geo.errors import InputError, count_text, name_ids
from safeschools_geo.text import (
    change_text,
    figure_text,
    highest,
    interval_text,
    listed,
    minutes_text,
    more_text,
    share_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.coverage._validation import Validation
    from safeschools_geo.coverage.queueing import Hypercube

    Floats = NDArray[np.float64]


# ── Scores of zones by their coverage: response, backup, overflow and the busiest officer, and how far they are known

COLUMNS = ["measure", "value", "low", "high", "label", "shown", "unit", "better", "note"]
"""Columns of a table of scores."""

MINUTES, OF_CALLS, OF_TIME = "min", "share of calls", "share of the time"
"""Units of the measures."""

_RARE = 0.0005
_SAID_EVERY = 20
_VALIDATED = {"response": "response", "response_p90": "response_p90", "backup": "backup", "overflow": "overflow"}


class _Kind(NamedTuple):
    label: str
    unit: str
    better: Literal["lower", "higher"]
    note: str


@dataclass(frozen=True, eq=False)
class PlanScores:
    """How well zones are covered."""

    # A row for each measure: `measure`, `value`, `low` and `high` (95 % interval; missing without draws), `label`,
    # `shown`, `unit`, `better` (``lower`` or ``higher``) and `note`. It is what `score_plan(coverage=…)` takes
    table: pd.DataFrame
    drawn: pd.DataFrame  # A row for each draw of the calls, a column for each measure; missing where a draw has no call
    # Only differences between plans are reported of these measures, since the record says nothing of the kind
    unshown: frozenset[str] = frozenset()

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure."""
        return self.table.copy()

    def as_shown(self) -> pd.DataFrame:
        """Return `table` without the value, interval and note of measures that are `unshown`."""
        is_unshown = self.table["measure"].isin(self.unshown)
        figures = {name: self.table[name].mask(is_unshown) for name in ("value", "low", "high")}
        return self.table.assign(**figures, note=self.table["note"].mask(is_unshown, ""))

    def with_record(self, validation: Validation, *, today: PlanScores | None) -> PlanScores:
        """Call the figures the model's, with what the record says today beside them.

        The same figures: `label` names the model, the recorded figure and a failed check. Where the record says nothing
        of the kind, `shown` is the difference to today. `today`: scores of the zones of today, from which a plan's
        figures that are not reported differ; None for today's own.
        """
        unshown = {
            row["measure"]
            for row in self.table.to_dict("records")
            if not (validation.shows_minutes if _is_of_trips(row) else validation.shows_answers or _is_busy(row))
        }
        before = None if today is None else today.table.set_index("measure")["value"]

        def shown(row: dict[Any, Any]) -> str:
            if row["measure"] not in unshown:
                return str(row["shown"])
            if before is None:
                return "not recorded"
            change = row["value"] - float(before[row["measure"]])
            difference = more_text(change, row["unit"])
            return difference if difference == "no change" else f"{difference} than today"

        rows = self.table.to_dict("records")
        table = self.table.assign(
            label=[f"{row['label']} ({_source(row, validation)})" for row in rows],
            shown=[shown(row) for row in rows],
        )
        return replace(self, table=table, unshown=frozenset(unshown))


def score_coverage(
    arrivals_per_h: ArrayLike,
    service_per_h: ArrayLike,
    dispatch: Dispatch,
    *,
    redrawn: ArrayLike | None = None,
    on_part: Callable[[str], None] = lambda _: None,
) -> PlanScores:
    """Score zones by how their schools are covered.

    `response` and `response_p90` are minutes of the trip; `within_<t>_min` is the share of all calls reached in
    `WITHIN_ONE_MIN`, `backup` the share answered by an officer of another zone, `overflow` the share for which nobody
    is free, and patrol is sent; `busiest` is the largest share of the time that an officer is busy with calls. Rates
    are in the order of `dispatch`. `redrawn` are rates that chance could have brought, shape (draws, n_schools);
    without them there are no intervals. Give the same to every plan: then their differences are paired. `on_part` hears
    how many of the draws are done.

    The hypercube queueing model (`queueing`) says who is sent how often, exactly for up to 15 officers, else by an
    approximation, which the notes then say; calls that find all officers busy go to patrol. Response is the trip of the
    officer who is sent, from where that officer waits; calls that go to patrol have none, and count as not reached in
    time. Intervals are of chance in the numbers of calls only. Larson, R. C. (1974). A hypercube queuing model for
    facility location and redistricting in urban emergency services. Computers & Operations Research 1, 67–95.
    """
    arrivals = np.asarray(arrivals_per_h, dtype=np.float64)
    values, busiest = _scores(arrivals, service_per_h, dispatch)
    draws = np.empty((0, len(arrivals))) if redrawn is None else np.asarray(redrawn, dtype=np.float64)
    if draws.ndim != 2 or draws.shape[1:] != arrivals.shape:  # noqa: PLR2004 - draws, schools
        raise InputError(
            "The rates redrawn are not of these schools.",
            where="redrawn",
            found=f"shape {draws.shape}",
            expected=f"a row for each draw, with {len(arrivals)} schools",
        )
    scored = np.full((len(draws), len(_KINDS)), np.nan)
    for number, draw in enumerate(draws):
        if number % _SAID_EVERY == 0:
            on_part(f"{number:,} of {len(draws):,} draws")
        # A draw without any call scores nothing.
        if draw.any():
            scored[number] = _scores(draw, service_per_h, dispatch)[0]
    drawn = pd.DataFrame(scored, columns=list(_KINDS)).rename_axis("draw")
    notes = {"busiest": f"zone {busiest}", "overflow": _how_rare(values[list(_KINDS).index("overflow")])}
    model_note = "" if is_exact(dispatch) else "by an approximation of the queueing model"
    rows = []
    for (name, kind), value in zip(_KINDS.items(), values, strict=True):
        low, high = interval(drawn[name])
        parts = [notes.get(name, ""), f"95% interval {interval_text(low, high, kind.unit)}" if len(draws) else ""]
        note = "; ".join(text for text in (*parts, kind.note, model_note) if text)
        shown = minutes_text(value) if kind.unit == MINUTES else share_text(value)
        rows.append((name, value, low, high, kind.label, shown, kind.unit, kind.better, note))
    return PlanScores(pd.DataFrame(rows, columns=COLUMNS), drawn)


_TRIP = "the trip of the officer who is sent; calls that go to patrol are not in it"
_WITHIN = f"within_{WITHIN_ONE_MIN:g}_min"
_KINDS = {
    "response": _Kind("Response, mean", MINUTES, "lower", _TRIP),
    "response_p90": _Kind("Response, nine calls of ten within", MINUTES, "lower", _TRIP),
    _WITHIN: _Kind(
        f"Reached within {WITHIN_ONE_MIN:g} minutes",
        OF_CALLS,
        "higher",
        "calls that go to patrol count as not reached",
    ),
    "backup": _Kind("Backup: answered by another zone’s officer", OF_CALLS, "lower", ""),
    "overflow": _Kind("Calls that go to patrol", OF_CALLS, "lower", ""),
    "busiest": _Kind(
        "Busiest officer",
        OF_TIME,
        "lower",
        "calls only: a routine visit can be broken off for a call, and is not busy time",
    ),
}


def _scores(arrivals: Floats, service: ArrayLike, dispatch: Dispatch) -> tuple[Floats, str]:
    """Score one set of rates, in the order of `_KINDS`, and name the zone of the busiest officer."""
    model = queueing_model(arrivals, service, dispatch)
    shares, busy = model.dispatch_share, np.asarray(model.busy_share)
    trips = dispatch.trips(shares)
    values = (
        mean_response_min(*trips),
        response_quantile_min(*trips),
        within_share(*trips, WITHIN_ONE_MIN),
        float(shares[~dispatch.is_own].sum()),
        float(model.overflow_share),
        float(busy.max()),
    )
    return np.array(values), str(dispatch.officer_zones.iloc[int(busy.argmax())])


def _is_of_trips(row: dict[Any, Any]) -> bool:
    return row["unit"] == MINUTES or str(row["measure"]).startswith("within_")


def _is_busy(row: dict[Any, Any]) -> bool:
    return bool(row["unit"] == OF_TIME)


def _source(row: dict[Any, Any], validation: Validation) -> str:
    """Call a figure the model's, and say what the record says today."""
    name = "within" if row["measure"] == _WITHIN else _VALIDATED.get(row["measure"], "")
    found = validation.figure(name) if name else None
    if found is None or not found.is_recorded:
        return "model"
    check = "; the model fails this check" if found.is_within is False else ""
    return f"model; recorded today: {found}{check}"


def is_exact(dispatch: Dispatch) -> bool:
    """Say whether the queueing model of so many officers is the exact one."""
    return len(dispatch.officer_zones) <= MOST_EXACT


def queueing_model(arrivals: ArrayLike, service: ArrayLike, dispatch: Dispatch) -> Hypercube:
    """Solve the queueing model, exactly for as many officers as can be; calls that find nobody free go to patrol.

    What dispatch does besides is laid over it: calls that are diverted to patrol do not come to it; those at which the
    zone's officer cannot come are calls of a place of their own, where that officer is tried last; and of those that
    find the officer on a call, some wait for that officer.
    """
    solve = hypercube if is_exact(dispatch) else hypercube_approximation
    if dispatch.practice is NO_PRACTICE:
        return solve(arrivals, service, dispatch.preference, capacity="loss")
    calls = np.asarray(arrivals, dtype=np.float64)
    sent, away = 1 - dispatch.diverted_share, dispatch.away_share
    order = np.vstack((dispatch.preference, dispatch.own_last))
    found = solve(np.concatenate((calls * sent * (1 - away), calls * sent * away)), service, order, capacity="loss")
    there, gone = np.split(found.place_share, 2)
    # Whom the call waits for: the first of the zone's own officers.
    first = dispatch.preference[:, 0]
    has_own = dispatch.is_own[np.arange(len(calls)), first]
    kept = dispatch.practice.kept_share * has_own
    of_own = np.where(dispatch.is_own, there, 0.0).sum(axis=1)
    there = np.where(dispatch.is_own, there, there * (1 - kept)[:, None])
    there[np.arange(len(calls)), first] += kept * (1 - of_own)
    shares = sent[:, None] * ((1 - away)[:, None] * there + away[:, None] * gone)
    return replace(
        found,
        arrivals_per_h=calls,
        busy_share=np.minimum(found.busy_share + dispatch.began_share, 1.0),
        place_share=shares,
        overflow_share=float(1 - calls @ shares.sum(axis=1) / calls.sum()),
        diverted_share=float(calls @ dispatch.diverted_share / calls.sum()),
        method=f"{found.method}, with what dispatch does besides laid over it",
        is_exact=False,
    )


def _how_rare(share: float) -> str:
    if not 0 < share < _RARE:
        return ""
    return f"about one call in {float(f'{1 / share:.2g}'):,.0f}"


# ── Whether proposed zones are covered better or worse than the current ones, and how sure that is

_SAID = {
    "response": "the mean response",
    "response_p90": "the response to nine calls of ten",
    "backup": "the share of calls that another zone’s officer answers",
    "overflow": "the overflow to patrol",
    "busiest": "the load of the busiest officer",
}


@dataclass(frozen=True, eq=False)
class PlanComparison:
    """Proposed zones beside the current ones, on the same calls."""

    # A row for each measure: `measure`, `label`, `unit`, `better`, `current`, `proposed`, `difference` (proposed less
    # current; all that is reported where the record says nothing of the kind), `low` and `high` (95 % interval of the
    # difference, paired by draw; missing without draws), `verdict` (``better``, ``worse``, ``unclear`` where the
    # interval holds 0, ``same`` where the difference is too small to be shown) and `sentence`
    table: pd.DataFrame
    # Imbalance of the current and of the proposed loads; None where it was not given
    imbalance: tuple[float, float] | None

    def finding(self) -> str:
        """Say in one sentence what the proposed zones gain and what they cost.

        For example ``"The model says that the proposed zones balance load (imbalance 60.2% to 4.9%), but worsen the
        mean response by 0.4 min (0.2 to 0.6)."``
        """
        gains, costs = self._changes("better"), self._changes("worse")
        praise = [self._balance(), f"improve {listed(gains)}" if gains else ""]
        good = " and ".join(text for text in praise if text)
        bad = f"worsen {listed(costs)}" if costs else ""
        if not good and not bad:
            return (
                "The model says that the proposed zones change no measure of coverage by more than the numbers of "
                "calls leave open."
            )
        if good and not bad:
            return f"The model says that the proposed zones {good}, and clearly worsen no measure of coverage."
        return f"The model says that the proposed zones {', but '.join(text for text in (good, bad) if text)}."

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure."""
        return self.table.copy()

    def _changes(self, verdict: str) -> list[str]:
        rows = self.table[self.table["verdict"] == verdict].to_dict("records")
        return [f"{_named(row)} by {_size(row)}" for row in rows]

    def _balance(self) -> str:
        if self.imbalance is None:
            return ""
        before, after = (share_text(value) for value in self.imbalance)
        return f"balance load (imbalance {before} to {after})" if self.imbalance[1] < self.imbalance[0] else ""


def compare(current: PlanScores, proposed: PlanScores, *, imbalance: Sequence[float] | None = None) -> PlanComparison:
    """Compare the coverage of proposed zones with that of the current ones, scored on the same rates and draws.

    Since draws are paired, the interval is that of the difference: chance that makes both better or worse is not in it.
    Without draws a difference is judged as it stands. `imbalance` of the current and of the proposed loads lets the
    finding say what is gained beside coverage.
    """
    a, b = (scores.table.set_index("measure") for scores in (current, proposed))
    if list(a.index) != list(b.index) or len(current.drawn) != len(proposed.drawn):
        raise InputError(
            "The scores of the two plans do not go together.",
            found=f"{len(a)} and {len(b)} measures, {len(current.drawn)} and {len(proposed.drawn)} draws",
            expected="the same measures, scored on the same draws",
            remedy="Score both with the same `redrawn` and `within_min`.",
        )
    differences = proposed.drawn - current.drawn
    unshown = current.unshown | proposed.unshown
    rows = []
    for name in a.index:
        low, high = interval(differences[name])
        row: dict[Any, Any] = {
            "measure": name,
            **a.loc[name, ["label", "unit", "better"]].to_dict(),
            "current": np.nan if name in unshown else float(a.loc[name, "value"]),
            "proposed": np.nan if name in unshown else float(b.loc[name, "value"]),
            "difference": float(b.loc[name, "value"]) - float(a.loc[name, "value"]),
            "low": low,
            "high": high,
        }
        row["verdict"] = _verdict(row)
        rows.append({**row, "sentence": _sentence(row)})
    return PlanComparison(
        table=pd.DataFrame(rows), imbalance=None if imbalance is None else (float(imbalance[0]), float(imbalance[1]))
    )


def _verdict(row: dict[Any, Any]) -> str:
    """Judge a difference: shown at all, then outside chance, then the direction."""
    if change_text(row["difference"], np.nan, np.nan, row["unit"]) == change_text(0.0, np.nan, np.nan, row["unit"]):
        return "same"
    if not np.isfinite(row["difference"]) or row["low"] <= 0 <= row["high"]:
        return "unclear"
    return "better" if (row["difference"] < 0) == (row["better"] == "lower") else "worse"


def _sentence(row: dict[Any, Any]) -> str:
    before, after = (figure_text(row[plan], row["unit"]) for plan in ("current", "proposed"))
    levels = f"{before} now, {after} with the proposed zones" if np.isfinite(row["current"]) else "the proposed zones"
    text = f"{row['label']}: {levels}"
    if row["verdict"] == "same":
        return f"{text}: no difference."
    if row["verdict"] == "unclear":
        return f"{text}: {'up' if row['difference'] > 0 else 'down'} by {_size(row)}, which may be chance."
    return f"{text}: {row['verdict']} by {_size(row)}."


def _size(row: dict[Any, Any]) -> str:
    return change_text(row["difference"], row["low"], row["high"], row["unit"])


def _named(row: dict[Any, Any]) -> str:
    if row["measure"].startswith("within_"):
        minutes = row["measure"].split("_")[1]
        return f"the share of calls reached within {minutes} minutes"
    return _SAID[row["measure"]]


# ── The day an officer is absent: who takes which schools, and what that does to loads, response and overflow


@dataclass(frozen=True, eq=False)
class Watch:
    """A usual day: who is called where, how often, and for how long."""

    # In its order are the n schools and m officers below
    dispatch: Dispatch
    arrivals_per_h: Floats  # Calls per program hour from each school, shape (n,)
    service_per_h: Floats  # Calls that each officer could answer in an hour, shape (m,)
    workload_h: Floats  # Officer-hours per school day of each school, shape (n,)

    def model(self) -> Hypercube:
        """Solve the queueing model of the day, in which calls that find nobody free go to patrol."""
        return queueing_model(self.arrivals_per_h, self.service_per_h, self.dispatch)


@dataclass(frozen=True, eq=False)
class AbsenceCase:
    """One or more officers absent.

    Parameters
    ----------
    absent
        Zones without their officer.
    schools
        Schools that change hands: `school_id`, `zone_before`, `zone_after`, `officer_after`,
        `response_before_min`, `response_after_min` (mean minutes until an officer is there, of calls they answer).
    loads
        One row for each officer who is there: `zone_id`, `officer`, `schools_before`, `schools_after`,
        `load_before_h`, `load_after_h` (officer-hours per school day), `busy_before_share`, `busy_after_share`.
    figures
        `response_min`, `overflow_share` and `imbalance`, each ``_before`` and ``_after``; the imbalance is that of the
        officers who are there.
    school_zones
        Zone of each school on the day.
    """

    absent: tuple[str, ...]
    schools: pd.DataFrame
    loads: pd.DataFrame
    figures: dict[str, float]
    school_zones: pd.Series

    @property
    def busiest(self) -> pd.Series:
        """The row of `loads` with the largest load on the day."""
        return self.loads.iloc[int(self.loads["load_after_h"].to_numpy().argmax())]

    def finding(self) -> str:
        """Say in plain English who covers what and what it costs.

        A few sentences. What it does to response is reported as the model's difference to a usual day: how long
        response is on one is for the record to say.
        """
        takers = self.schools.groupby("zone_after", sort=False).size()
        given = ", ".join(f"zone {zone} takes {count}" for zone, count in takers.items())
        noun = "Officer of zone" if len(self.absent) == 1 else "Officers of zones"
        schools = (
            f"{count_text(len(self.schools), 'school')} to cover; {given}" if given else "there is no school to cover"
        )
        trip = more_text(self.change("response_min"), "min", more="longer", less="shorter")
        patrol = more_text(self.change("overflow_share"), "share")
        return (
            f"{noun} {' and '.join(self.absent)} absent: {schools}.{self._heaviest()} The model says, against a usual "
            f"day: mean trip {trip}; calls that go to patrol: {patrol}."
        )

    def change(self, measure: str) -> float:
        """Give ``response_min``, ``overflow_share`` or ``imbalance`` of the day less that of a usual day."""
        return self.figures[f"{measure}_after"] - self.figures[f"{measure}_before"]

    def _heaviest(self) -> str:
        loads = self.loads.set_index("zone_id")["load_after_h"].astype("float64")
        top = highest({str(zone): load for zone, load in loads.items()}, lambda hours: f"{hours:.1f}")
        if not top:
            return ""
        if len(top) > 1:
            return f" The busiest are zones {listed(top)} with {loads[top[0]]:.1f} officer-hours each."
        usual = self.busiest["load_before_h"]
        return f" The busiest is zone {top[0]} with {loads[top[0]]:.1f} officer-hours (usually {usual:.1f})."

    def to_frame(self) -> pd.DataFrame:
        """Return the schools that change hands."""
        return self.schools.copy()


def absences(zones: Sequence[str], *, most_absent: int = 2) -> Iterator[tuple[str, ...]]:
    """List the cases, as the zones without their officer: each officer absent, then each pair; somebody is there."""
    for count in range(1, min(most_absent, len(zones) - 1) + 1):
        yield from itertools.combinations(zones, count)


def cover_absence(
    watch: Watch, absent: Sequence[str], take_over: Callable[[tuple[str, ...]], pd.Series]
) -> AbsenceCase:
    """Work out a day without some officers.

    Parameters
    ----------
    watch
        A usual day.
    absent
        Zones without their officer.
    take_over
        Who covers the schools: called with `absent`, gives the zone of each of their schools, by `school_id`, such that
        every zone stays contiguous and as few schools as possible change hands: those of the absent officers only.

    Returns
    -------
    AbsenceCase
        The case.

    Raises
    ------
    InputError
        When a zone has no officer, nobody is left, or a school is covered by nobody who is there.

    Notes
    -----
    Officers wait where they usually do, and are as quick with a call as usual: the minutes of a trip in their service
    time are not measured again. The queueing model is that of `queueing.hypercube`.
    """
    usual = watch.dispatch
    gone = tuple(dict.fromkeys(absent))
    _require_absent(usual, gone)
    is_there = ~usual.officer_zones.isin(gone).to_numpy()
    taken = take_over(gone)
    zones = _covered(usual.school_zones, gone, taken, usual.officer_zones[is_there])
    is_taken = (zones.to_numpy()[:, None] == usual.officer_zones.to_numpy()[None, :]) & ~usual.is_own
    # Who takes a school over for the day is its officer, and no longer one of another zone.
    trips = np.maximum(usual.travel_min - usual.practice.other_extra_min * is_taken, 0.0)
    minutes = pd.DataFrame(trips, index=usual.school_zones.index, columns=usual.officer_zones.index)
    day = Watch(
        zone_dispatch(zones, usual.officer_zones[is_there], minutes.loc[:, is_there], practice=usual.practice),
        watch.arrivals_per_h,
        watch.service_per_h[is_there],
        watch.workload_h,
    )
    before, after = watch.model(), day.model()
    loads = _loads(watch, day, before, after, is_there)
    figures = {}
    for name, one, model in (("before", watch, before), ("after", day, after)):
        figures[f"response_min_{name}"] = mean_response_min(model.dispatch_share, one.dispatch.travel_min)
        figures[f"overflow_share_{name}"] = float(model.overflow_share)
        load = loads[f"load_{name}_h"]
        figures[f"imbalance_{name}"] = float((load - load.mean()).abs().max() / load.mean()) if load.sum() else 0.0
    return AbsenceCase(gone, _schools(watch, day, before, after), loads, figures, zones)


def _require_absent(usual: Dispatch, gone: tuple[str, ...]) -> None:
    unknown = [zone for zone in gone if zone not in set(usual.officer_zones)]
    if unknown or not gone or usual.officer_zones.isin(gone).all():
        raise InputError(
            "Nobody can be absent there." if unknown or not gone else "Nobody is left.",
            where="absent",
            ids=unknown,
            found=name_ids(gone) or "no zone",
            expected=f"some, not all, of {', '.join(usual.officer_zones)}",
            remedy="Name zones with an officer.",
        )


def _covered(zones: pd.Series, gone: tuple[str, ...], taken: pd.Series, there: pd.Series) -> pd.Series:
    is_open = zones.isin(gone)
    after = zones.where(~is_open, taken.reindex(zones.index).fillna("").astype("str"))
    lost = after.index[is_open & ~after.isin(set(there))]
    if len(lost):
        raise InputError(
            "Some schools are covered by nobody who is there.",
            where="take_over",
            ids=lost,
            expected=f"one of the zones {', '.join(there)}",
            remedy="Give every school of an absent officer to a zone whose officer is there.",
        )
    return after


def _loads(watch: Watch, day: Watch, before: Hypercube, after: Hypercube, is_there: NDArray[np.bool_]) -> pd.DataFrame:
    posts = day.dispatch.officer_zones
    columns: dict[str, object] = {"zone_id": posts.to_numpy(), "officer": posts.index.to_numpy()}
    for name, one in (("before", watch), ("after", day)):
        columns[f"schools_{name}"] = [int((one.dispatch.school_zones == zone).sum()) for zone in posts]
    for name, one in (("before", watch), ("after", day)):
        held = [one.workload_h[(one.dispatch.school_zones == zone).to_numpy()].sum() for zone in posts]
        columns[f"load_{name}_h"] = np.array(held, dtype=np.float64)
    columns["busy_before_share"] = np.asarray(before.busy_share)[is_there]
    columns["busy_after_share"] = np.asarray(after.busy_share)
    return pd.DataFrame(columns)


def _schools(watch: Watch, day: Watch, before: Hypercube, after: Hypercube) -> pd.DataFrame:
    usual, now = watch.dispatch.school_zones, day.dispatch.school_zones
    rows = np.flatnonzero((usual != now).to_numpy())
    post_of = pd.Series(day.dispatch.officer_zones.index, index=day.dispatch.officer_zones.to_numpy())
    table = pd.DataFrame(
        {
            "school_id": usual.index.to_numpy()[rows],
            "zone_before": usual.to_numpy()[rows],
            "zone_after": now.to_numpy()[rows],
            "officer_after": [post_of[~post_of.index.duplicated()][zone] for zone in now.iloc[rows]],
            "response_before_min": _mean_minutes(watch, before)[rows],
            "response_after_min": _mean_minutes(day, after)[rows],
        }
    )
    return table.sort_values(["zone_after", "school_id"], kind="stable").reset_index(drop=True)


def _mean_minutes(one: Watch, model: Hypercube) -> Floats:
    """Mean minutes of the trip to each school, of the calls that officers answer."""
    total = model.place_share.sum(axis=1)
    driven = (model.place_share * one.dispatch.travel_min).sum(axis=1)
    minutes: Floats = np.divide(driven, total, out=np.full(len(total), np.nan), where=total > 0)
    return minutes
