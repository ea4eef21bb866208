"""Times of incidents: in order, within the terms, and not all at midnight."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd

from safeschools_geo.errors import count_text
from safeschools_geo.school_calendar import local_day, term_of
from safeschools_geo.validate.telling import part_text, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd

    from safeschools_geo.results import Finding
    from safeschools_geo.settings import Term

IN_ORDER = ("received_at", "dispatched_at", "arrived_at", "cleared_at")
"""A call's moments in the order in which they come."""

LATEST_DAYS = 366
"""Days after the last term from which a date is taken for a slip."""

EARLIEST_YEARS = 30
"""Years before the first term beyond which a date is taken for a slip."""

MIDNIGHT_TIMES = 3.0
"""How many times as many incidents at midnight as at the full hours around it are a pile."""

_FEWEST_AT_MIDNIGHT = 10
_SHORTEST_SILENCE_DAYS = 14
_SURPRISE = 0.001
_MANY = 0.2


def check_times(incidents: gpd.GeoDataFrame, terms: Sequence[Term], *, time_zone: str = "UTC") -> list[Finding]:
    """Check the times of incidents.

    Parameters
    ----------
    incidents
        Table `incidents`, not empty.
    terms
        Terms of the district, in order.
    time_zone
        IANA time zone of the district, for what day it is today.

    Returns
    -------
    list of Finding
        All faults.
    """
    today = dt.datetime.now(tz=ZoneInfo(time_zone)).date()
    return [
        *check_order(incidents),
        *check_hours(incidents),
        *check_midnight(incidents),
        *check_terms(incidents, terms, today=today),
    ]


def check_order(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Find moments that come before those they should follow.

    Parameters
    ----------
    incidents
        Table `incidents`.

    Returns
    -------
    list of Finding
        One for the moments of a call, one for spans that end before they begin.
    """
    columns = [c for c in IN_ORDER if c in incidents.columns]
    wrong = {
        f"{later} before {earlier}": incidents[later] < incidents[earlier]
        for earlier, later in itertools.combinations(columns, 2)
    }
    counts = ", ".join(f"{name}: {int(rows.sum()):,}" for name, rows in wrong.items() if rows.any())
    is_wrong = pd.DataFrame(wrong, index=incidents.index).any(axis=1)
    has_span = "occurred_to" in incidents.columns
    reversed_ids = incidents["incident_id"][incidents["occurred_to"] < incidents["occurred_at"]] if has_span else ()
    return [
        *tell(
            incidents["incident_id"][is_wrong],
            "warning",
            "times_out_of_order",
            "incidents",
            f"{count_text(int(is_wrong.sum()), 'incident')} with moments out of order ({counts}).",
            expected="received, dispatched, arrived, cleared, in this order",
            remedy="Correct them in the export; minutes on scene that come out negative are not used.",
        ),
        *tell(
            reversed_ids,
            "warning",
            "span_reversed",
            "incidents",
            f"{count_text(len(reversed_ids), 'incident')} with an end before the beginning.",
            expected="occurred_to at or after occurred_at",
            remedy="Correct them in the export, or see whether the two columns are exchanged.",
        ),
    ]


def check_hours(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Count incidents without a time of day.

    Parameters
    ----------
    incidents
        Table `incidents`.

    Returns
    -------
    list of Finding
        A note, or a warning where they are more than 20 % of all.
    """
    timeless = incidents["incident_id"][~incidents["has_time"]]
    return tell(
        timeless,
        "warning" if len(timeless) > _MANY * len(incidents) else "note",
        "incident_no_time",
        "incidents",
        f"{part_text(len(timeless), len(incidents), 'incident')} with a date but no time of day.",
        expected="a time of day for every incident",
        remedy="Export the time; without it an incident is in no hour, and its programme hours are not known.",
    )


def check_midnight(incidents: gpd.GeoDataFrame) -> list[Finding]:
    """Find out whether midnight stands for "not known".

    Parameters
    ----------
    incidents
        Table `incidents`.

    Returns
    -------
    list of Finding
        One, or none. Incidents at exactly 00:00:00 are compared with the mean of those at exactly 22, 23, 1 and 2
        o'clock, so that a habit of writing full hours is not taken for it.
    """
    timed = incidents[incidents["has_time"]]
    wall = timed["occurred_at"].dt.tz_localize(None)
    is_full_hour = wall == wall.dt.floor("h")
    at_hour = wall[is_full_hour].dt.hour.value_counts().reindex(range(24), fill_value=0)
    usual = at_hour[[22, 23, 1, 2]].mean()
    midnight = timed["incident_id"][is_full_hour & (wall.dt.hour == 0)]
    is_pile = len(midnight) >= _FEWEST_AT_MIDNIGHT and len(midnight) > MIDNIGHT_TIMES * usual
    return tell(
        midnight if is_pile else (),
        "warning",
        "midnight_pile_up",
        "incidents",
        f"{count_text(len(midnight), 'incident')} at exactly midnight; the full hours around it "
        f"have {usual:,.0f} on average.",
        expected="times of day as they were",
        remedy="If midnight stands for an unknown time, set `midnight_is_unknown = true` under [incidents].",
    )


def check_terms(incidents: gpd.GeoDataFrame, terms: Sequence[Term], *, today: dt.date) -> list[Finding]:
    """Lay the history beside the terms.

    Parameters
    ----------
    incidents
        Table `incidents`.
    terms
        Terms of the district, in order; without any there is one finding that says so.
    today
        The day; a term that has not begun by then needs no record.

    Returns
    -------
    list of Finding
        Terms without incidents: an error, since nothing can be concluded about them. Terms silent at their beginning or
        end; incidents outside all terms; dates that are hard to believe, measured against the terms and not against
        today.
    """
    if not terms:
        return tell(
            ["terms"],
            "warning",
            "no_terms",
            "settings",
            "The settings name no term, so no term can be run.",
            expected="at least one [[terms]] with name, start and end",
            remedy="Add it to district.toml.",
        )
    day = local_day(incidents["occurred_at"])
    return [
        *(finding for term in terms for finding in _of_term(day, term, today)),
        *_outside_terms(incidents, day, terms),
        *_unlikely_dates(incidents, day, terms),
    ]


def _of_term(day: pd.Series, term: Term, today: dt.date) -> list[Finding]:
    start, end = pd.Timestamp(term.start), pd.Timestamp(term.end)
    days = day[(day >= start) & (day <= end)]
    if days.empty:
        return tell(
            [term.name],
            "error" if term.start <= max(today, day.max().date()) else "note",
            "term_without_incidents",
            "incidents",
            f"The record holds no incident of the term {term.name}; it runs from {day.min():%Y-%m-%d} to "
            f"{day.max():%Y-%m-%d}. Nothing is concluded about that term: it cannot be run, and trends and comparisons "
            "leave it out.",
            expected=f"incidents from {term.start} to {term.end}",
            remedy="Add the export of that term, or correct its dates in district.toml.",
        )
    silences = {"begins": days.min() - start, "ends": end - days.max()}
    length = (end - start).days + 1
    found = []
    for side, silence in silences.items():
        # If incidents were spread evenly, all of them would miss these days with this probability.
        is_surprise = (1 - silence.days / length) ** len(days) < _SURPRISE
        if silence.days >= _SHORTEST_SILENCE_DAYS and is_surprise:
            found += tell(
                [term.name],
                "warning",
                "term_partly_silent",
                "incidents",
                f"The term {term.name} {side} with {silence.days} days without incidents; the rest has {len(days):,}.",
                expected=f"incidents from {term.start} to {term.end}",
                remedy="See whether the export covers the whole term, or whether school was out.",
            )
    return found


def _outside_terms(incidents: gpd.GeoDataFrame, day: pd.Series, terms: Sequence[Term]) -> list[Finding]:
    is_out = term_of(incidents["occurred_at"], terms).isna()
    before = int((day < pd.Timestamp(terms[0].start)).sum())
    after = int((day > pd.Timestamp(terms[-1].end)).sum())
    between = int(is_out.sum()) - before - after
    parts = {"before the first": before, "between two": between, "after the last": after}
    return tell(
        incidents["incident_id"][is_out],
        "note",
        "incident_outside_terms",
        "incidents",
        f"{part_text(int(is_out.sum()), len(incidents), 'incident')} outside every term: "
        f"{', '.join(f'{n:,} {where}' for where, n in parts.items() if n)}.",
        expected="incidents within the terms of district.toml",
        remedy="They are in the history but in no term's counts; add the terms if they should count.",
    )


def _unlikely_dates(incidents: gpd.GeoDataFrame, day: pd.Series, terms: Sequence[Term]) -> list[Finding]:
    latest = pd.Timestamp(terms[-1].end) + pd.Timedelta(days=LATEST_DAYS)
    earliest = pd.Timestamp(terms[0].start) - pd.DateOffset(years=EARLIEST_YEARS)
    is_odd = (day > latest) | (day < earliest)
    odd = day[is_odd]
    span = f"{odd.min():%Y-%m-%d} to {odd.max():%Y-%m-%d}" if len(odd) else ""
    return tell(
        incidents["incident_id"][is_odd],
        "warning",
        "incident_date_unlikely",
        "incidents",
        f"{count_text(len(odd), 'incident')} with dates that are hard to believe, {span}.",
        expected=f"dates between {earliest:%Y-%m-%d} and {latest:%Y-%m-%d}",
        remedy="Correct the dates in the export, or add the terms they belong to.",
    )
