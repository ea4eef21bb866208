"""The queueing model beside the record: what it predicts, what was observed, and where the two differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from safeschools_geo.coverage.record.call_record import BACKUP, DISTRICT, LEAST_CALLS, OWN, PATROL, read_record
from safeschools_geo.coverage.record.validation_finding import KINDS, Since, Validation
from safeschools_geo.coverage.response import WITHIN_MIN, mean_response_min, response_quantile_min, within_share
from safeschools_geo.errors import InputError, SettingsError, count_text

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from safeschools_geo.coverage.dispatch import Dispatch
    from safeschools_geo.coverage.rates import CallRates
    from safeschools_geo.coverage.record.call_record import CallRecord, Observed
    from safeschools_geo.coverage.staffing import QueueingResult

    Floats = NDArray[np.float64]

COLUMNS = ["measure", "zone_id", "predicted", "observed", "low", "high", "is_within", "calls", "of", "note"]
"""Columns of a validation."""


def validate(
    history: pd.DataFrame,
    rates: CallRates,
    dispatch: Dispatch,
    model: QueueingResult,
    *,
    longest_service_min: float,
    days: Iterable[dt.date] | None = None,
    since: Since = "dispatched_at",
    least_calls: int = LEAST_CALLS,
    draws: int = 1000,
    seed: int = 0,
) -> Validation:
    """Compare what the queueing model predicts with what the record says.

    Parameters
    ----------
    history
        Incidents in context (`counts.in_context`), of days on which the zones of `dispatch` were in force.
    rates
        The rates that the model was given.
    dispatch
        Schools and officers of the model.
    model
        Result of `queueing.hypercube` with overflow to patrol.
    longest_service_min
        Longest time that is believed, in minutes (`WorkloadSettings`).
    days
        School days of the record; those of `rates` if left out. Rates of one term and the record of the next are the
        harder test.
    since
        The moment that response is measured from: ``dispatched_at``, which is what the model's trips are, or
        ``received_at``, which has the dispatcher's time in it.
    least_calls
        Fewest calls that a figure of the record rests on, where it is said.
    draws
        How often the days are drawn again for the intervals.
    seed
        Seed; the same seed gives the same intervals.

    Returns
    -------
    Validation
        The comparison, for each zone and all together.

    Raises
    ------
    InputError
        When the rates are not of the schools of `dispatch`.
    SettingsError
        When `since` is neither moment, or `draws` is below 1.

    Notes
    -----
    The record does not say which officer came as a backup: the busy share of one zone is therefore that of its own
    officer with its own calls, predicted and observed alike, and only all officers together are compared on all calls.
    Minutes run from dispatch to clearing. Visits are no busy time, on neither side. Intervals are bootstrap intervals
    over whole school days (`redrawn_days`); they tell of chance in the record, and of nothing in the model.

    A figure of the record is said where it rests on `least_calls` calls or more, and on half of the calls that it is
    about. Where the record says nothing of response, the model's minutes cannot be held against anything and are left
    out; so are its shares of who answers where the record does not say who did (assumption A67).
    """
    if since not in get_args(Since):
        raise SettingsError(
            "Response has no such start.", where="since", found=since, expected=", ".join(get_args(Since))
        )
    schools = dispatch.school_zones.index
    if not schools.isin(rates.arrivals_per_h.index).all():
        raise InputError(
            "Some schools of the model have no rates.",
            where="rates",
            ids=schools[~schools.isin(rates.arrivals_per_h.index)],
            remedy="Make the rates for the schools that officers are dispatched to.",
        )
    own_days = pd.DatetimeIndex(rates.by_day.index)
    days_seen = own_days
    if days is not None:
        days_seen = pd.DatetimeIndex(pd.to_datetime(list(days))).normalize().unique().sort_values()
    record = read_record(
        history,
        dispatch.school_zones,
        rates.hours_per_day,
        days=days_seen,
        since=since,
        longest_min=longest_service_min,
        draws=draws,
        seed=seed,
    )
    arrivals = rates.arrivals_per_h[schools].to_numpy(dtype=np.float64)
    late = "the record’s has the dispatcher’s time in it" if since == "received_at" else ""
    rows: list[tuple[object, ...]] = []
    for zone_id in (DISTRICT, *dispatch.zones):
        officers = _officers_of(zone_id, dispatch)
        predicted = _predicted(zone_id, arrivals, dispatch, model)
        seen = _seen(zone_id, record, officers)
        rows += [
            _row(name, zone_id, predicted[name], found, late=late if KINDS[name].unit == "min" else "")
            if found.is_enough(least_calls)
            else _unsaid(name, zone_id, predicted[name], found)
            for name, found in seen.items()
        ]
    order = {name: i for i, name in enumerate(KINDS)}
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"is_within": "boolean"})
    told = set(table.loc[(table["zone_id"] == DISTRICT) & table["observed"].notna(), "measure"])
    is_idle = table["measure"].map(lambda name: bool(KINDS[name].rests_on) and KINDS[name].rests_on not in told)
    figures = ["predicted", "observed", "low", "high", "is_within"]
    table[figures] = table[figures].mask(is_idle)
    table["note"] = table["note"].mask(is_idle & table["calls"].gt(0), "the record says it of too few calls")
    return Validation(
        table=table.sort_values("measure", key=lambda names: names.map(order), kind="stable", ignore_index=True),
        answered={str(who): int(number) for who, number in record.calls["responder"].value_counts().items()},
        trips=record.trips(),
        calls=len(record.calls),
        days=len(days_seen),
        is_timed=record.is_timed,
        has_responders=record.has_responders,
        is_own_days=bool(days_seen.equals(own_days)),
        since=since,
    )


def _officers_of(zone_id: str, dispatch: Dispatch) -> int:
    is_here = dispatch.officer_zones == zone_id
    return len(is_here) if zone_id == DISTRICT else int(is_here.sum())


def _predicted(zone_id: str, arrivals: Floats, dispatch: Dispatch, model: QueueingResult) -> dict[str, float]:
    shares = model.dispatch_share
    busy = np.asarray(model.busy_share, dtype=np.float64)
    rows = np.ones(len(shares), dtype=bool)
    if zone_id != DISTRICT:
        rows = dispatch.school_zones.to_numpy() == zone_id
        # Busy time is shared over calls as they are answered, since an officer's calls all take the same on average.
        of_officer = np.divide(
            shares[rows].sum(axis=0), shares.sum(axis=0), out=np.zeros(len(busy)), where=shares.sum(axis=0) > 0
        )
        is_theirs = (dispatch.officer_zones == zone_id).to_numpy()
        busy = (busy * of_officer)[is_theirs]
    calls = float(arrivals[rows].sum() / arrivals.sum())
    here, minutes = shares[rows], dispatch.travel_min[rows]
    other = float(here[~dispatch.is_own[rows]].sum())
    return {
        "busy": float(busy.mean()) if len(busy) else np.nan,
        "backup": other / calls if calls else np.nan,
        "overflow": float(model.overflow_share),
        "response": mean_response_min(here, minutes),
        "response_p90": response_quantile_min(here, minutes),
        "within": within_share(here, minutes, WITHIN_MIN) / calls if calls else np.nan,
        "own": float(here[dispatch.is_own[rows]].sum()) / calls if calls else np.nan,
    }


def _seen(zone_id: str, record: CallRecord, officers: int) -> dict[str, Observed]:
    seen = {
        "backup": record.answered_share(zone_id, BACKUP),
        "overflow": record.answered_share(zone_id, PATROL),
        "response": record.mean_trip_min(zone_id),
        "response_p90": record.trip_quantile_min(zone_id),
        "within": record.reached_share(zone_id, WITHIN_MIN),
        "own": record.answered_share(zone_id, OWN),
    }
    return {"busy": record.busy_share(zone_id, officers=officers), **seen} if officers else seen


def _unsaid(name: str, zone_id: str, predicted: float, found: Observed) -> tuple[object, ...]:
    known = f": {found.calls:,} of {count_text(found.of, 'call')} have it" if found.calls else ""
    nothing = (np.nan, np.nan, np.nan, pd.NA)
    return name, zone_id, predicted, *nothing, found.calls, found.of, f"the record does not say{known}"


def _row(name: str, zone_id: str, predicted: float, found: Observed, *, late: str) -> tuple[object, ...]:
    whole = count_text(found.of, "call")
    note = f"from {whole}" if found.calls == found.of else f"from {found.calls:,} of {whole}"
    is_within: object = pd.NA
    why = ""
    if np.isfinite(predicted):
        is_within = found.low <= predicted <= found.high
        why = "" if is_within else KINDS[name].if_more if found.value > predicted else KINDS[name].if_less
    told = "; ".join(text for text in (note, why, late) if text)
    return name, zone_id, predicted, found.value, found.low, found.high, is_within, found.calls, found.of, told
