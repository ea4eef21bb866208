"""A record of calls small enough to count by hand, for the tests of coverage."""

from __future__ import annotations

import datetime as dt

import pandas as pd

from safeschools_geo.settings import Bells, HoursSettings

TZ = "America/Los_Angeles"

DAYS = pd.date_range("2026-01-05", periods=4, freq="D")
"""Monday to Thursday."""

HOURS = HoursSettings(
    start=dt.time(8), end=dt.time(12), levels={"high": Bells(start=dt.time(7, 30), end=dt.time(12, 30))}
)
"""Four program hours, five at high schools."""

SCHOOLS = pd.DataFrame({"school_id": ["a", "b", "h"], "level": ["elementary", "middle", "high"]})

ZONES = pd.Series({"a": "1", "b": "1", "h": "2"})


def moment(text: str | None) -> pd.Timestamp:
    return pd.NaT if text is None else pd.Timestamp(text, tz=TZ)


def call(
    school: str,
    when: str,
    *,
    scene: float | None = 30.0,
    trip: float | None = 10.0,
    category: str = "assault_battery",
    responder: str | None = "zone_officer",
    has_time: bool = True,
    work_of: str = "zone_officer",
    term: str = "Spring",
    delay: float = 2.0,
) -> dict[str, object]:
    """Make a call that is dispatched after `delay`, arrived at after `trip` and cleared after `scene` minutes."""
    occurred = moment(when)
    dispatched = occurred + pd.Timedelta(minutes=delay)
    arrived = pd.NaT if trip is None else dispatched + pd.Timedelta(minutes=trip)
    return {
        "occurred_at": occurred,
        "received_at": occurred,
        "dispatched_at": pd.NaT if trip is None else dispatched,
        "arrived_at": arrived,
        "cleared_at": pd.NaT if scene is None or trip is None else arrived + pd.Timedelta(minutes=scene),
        "has_time": has_time,
        "category": category,
        "school_id": school,
        "term": term,
        "work_of": work_of,
        "responder": responder,
    }


def record(calls: list[dict[str, object]]) -> pd.DataFrame:
    """Put calls into a history in context."""
    table = pd.DataFrame(calls)
    times = ["occurred_at", "received_at", "dispatched_at", "arrived_at", "cleared_at"]
    for name in times:
        table[name] = pd.to_datetime(table[name], utc=True).dt.tz_convert(TZ)
    hour = table["occurred_at"].dt.hour.astype("Int64").where(table["has_time"])
    return table.assign(
        incident_id=[f"c{i}" for i in range(len(table))],
        hour=hour,
        zone_id=table["school_id"].map(ZONES),
        reason="program_work",
    )
