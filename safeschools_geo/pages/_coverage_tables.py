"""Tables and charts of coverage."""

from __future__ import annotations

import math
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from safeschools_geo.coverage import WITHIN_ONE_MIN
from safeschools_geo.pages._charts import FAINT, FRAME, GRAY, HALO, INK, LETTER, svg, text
from safeschools_geo.pages._coverage_parts import (
    MINUTES,
    Column,
    MarkedTable,
    change,
    decimal,
    figure,
    interval,
    is_figure,
    printed,
    share,
    whole,
    words,
)
from safeschools_geo.schemas import LEVELS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    Row = dict[Any, Any]


# ── Charts of coverage as inline SVG: the hours of the day, the number of officers, and who is reached in time

_WIDTH = 760.0
_BAR, _MOST, _LATER, _TODAY = "#7fb3d5", "#253494", "#d55e00", "#ffe9a8"
_HOURS = (
    ("calls_per_h", "Calls an hour", decimal),
    ("busy_share", "By the model: share of the time that officers are busy with calls", share),
    ("overflow_share", "By the model: share of calls that find nobody free, and patrol is sent", share),
    ("response_min", "By the model: mean minutes until an officer is there", decimal),
)


def hours_chart(by_hour: pd.DataFrame, *, title: str) -> str:
    """Draw the hours of the day, a row of bars for each measure."""
    rows = by_hour.to_dict("records")
    shown = [panel for panel in _HOURS if panel[0] in by_hour.columns]
    if not rows or not shown:
        return svg(_WIDTH, 50, title, "No hour is known.", [text(16, 30, "No hour is known.")])
    left, tall, gap = 16.0, 52.0, 50.0
    step = min(110.0, (_WIDTH - 2 * left) / len(rows))
    parts = []
    for place, (name, label, written) in enumerate(shown):
        top = 22 + place * (tall + gap)
        known = [row[name] for row in rows if is_figure(row[name])]
        most = max(known, default=0.0)
        parts.append(text(left, top - 6, label, more='font-weight="600"'))
        for i, row in enumerate(rows):
            x, value = left + i * step, row[name]
            is_most = bool(known) and written(value) == written(most) and most > 0
            size = tall * value / most if is_figure(value) and most > 0 else 0.0
            y = top + 18 + tall - size
            look = f'fill="{_MOST if is_most else _BAR}"'
            parts.append(f'<rect x="{x + 3:.1f}" y="{y:.1f}" width="{step - 6:.1f}" height="{size:.1f}" {look}/>')
            bold = 'font-weight="700"' if is_most else ""
            parts.append(text(x + step / 2, y - 4, written(value), anchor="middle", size=13, more=bold))
        parts.append(f'<path d="M{left},{top + 18 + tall:.1f}h{step * len(rows):.1f}" stroke="{FRAME}"/>')
    bottom = 22 + len(shown) * (tall + gap) - 8
    parts += [
        text(left + (i + 0.5) * step, bottom, hour_text(row["hour"]), anchor="middle", color=GRAY)
        for i, row in enumerate(rows)
    ]
    return svg(_WIDTH, bottom + 12, title, "A bar for each hour; the table below holds the figures.", parts)


def hour_text(hour: object) -> str:
    """Write an hour of the day."""
    is_whole = isinstance(hour, (int, float)) and is_figure(hour) and float(hour).is_integer()
    return f"{int(hour)}:00" if is_whole else str(hour)  # type: ignore[call-overload]


def staffing_chart(staffing: pd.DataFrame, *, title: str) -> str:
    """Draw overflow and response against the number of officers."""
    rows = staffing.sort_values("officers").to_dict("records")
    lines = [
        (16.0, "By the model: calls that go to patrol", "", [("overflow_share", "", _MOST)]),
        (
            396.0,
            "By the model: minutes until an officer is there",
            MINUTES,
            [("p90_response_min", "nine calls of ten", _LATER), ("mean_response_min", "mean", _MOST)],
        ),
    ]
    known = [line for line in lines if any(name in staffing.columns for name, _, _ in line[3])]
    parts = [piece for left, words, unit, series in known for piece in _panel(rows, left, words, unit, series)]
    said = "Dots for each number of officers, today’s on a band; the table below holds the figures."
    return svg(_WIDTH, 286, title, said, parts)


def _panel(rows: list[Row], left: float, words: str, unit: str, series: Sequence[tuple[str, str, str]]) -> list[str]:
    east, top, south = left + 340, 86.0, 236.0
    first, last = rows[0]["officers"] if rows else 0, rows[-1]["officers"] if rows else 1
    known = [row[name] for row in rows for name, _, _ in series if is_figure(row[name])]
    highest = max([*known, 0.0]) or 1.0

    def x(officers: float) -> float:
        return left + 30 + (officers - first) / max(last - first, 1) * (east - left - 70)

    def y(value: float) -> float:
        return south - value / highest * (south - top)

    parts = [text(left, 20, words, more='font-weight="600"')]
    parts.append(f'<path d="M{left},{south}H{east}" stroke="{FRAME}"/>')
    for row in rows:
        if row["is_current"]:
            band = f'x="{x(row["officers"]) - 22:.1f}" y="26" width="44" height="{south - 26}"'
            parts.append(f'<rect {band} fill="{_TODAY}"/>')
            parts.append(text(x(row["officers"]), 40, "today", anchor="middle", more='font-weight="700"', size=13))
        bold = 'font-weight="700"' if row["is_current"] else ""
        officers = decimal(row["officers"], 0)
        parts.append(text(x(row["officers"]), south + 18, officers, anchor="middle", color=INK, more=bold))
    parts.append(text((left + east) / 2, south + 38, "officers", anchor="middle", color=GRAY))
    for name, called, color in series:
        dots = [(x(row["officers"]), y(row[name]), row[name]) for row in rows if is_figure(row[name])]
        path = "L".join(f"{a:.1f},{b:.1f}" for a, b, _ in dots)
        dash = "" if color == _MOST else ' stroke-dasharray="6 4"'
        if len(dots) > 1:
            parts.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"{dash}/>')
        fill = color if color == _MOST else "#ffffff"
        parts += [
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4.5" fill="{fill}" stroke="{color}" stroke-width="2"/>'
            + text(a, b - 10, figure(value, unit), anchor="middle", size=13, more=HALO)
            for a, b, value in dots
        ]
        if called and dots:
            # Curves fall with more officers: above their first dot is room.
            parts.append(text(dots[0][0] - 14, dots[0][1] - 27, called, color=GRAY, size=13, more=HALO))
    return parts


def reach_chart(reach: pd.DataFrame, *, title: str, ending: str, who: dict[str, str]) -> str:
    """Draw which share is reached in time, now and from the best waiting points."""
    present = [key for key in who if key in set(reach["of"])]
    wide = (_WIDTH - 32) / max(len(present), 1)
    minutes = sorted(set(reach["within_min"]))
    parts = []
    for place, key in enumerate(present):
        left = 16 + place * wide
        west, east = left + 105, left + wide - 70
        parts.append(text(left, 20, who[key], more='font-weight="600"'))
        rows = {row["within_min"]: row for row in reach[reach["of"] == key].to_dict("records")}
        for i, within in enumerate(minutes):
            y = 48.0 + i * 34
            parts.append(text(left, y + 5, f"{within:g} min", color=GRAY))
            parts.append(f'<path d="M{west},{y}H{east}" stroke="{FAINT}" stroke-width="2"/>')
            if within in rows:
                parts += _pair([rows[within][f"{when}{ending}"] for when in ("now", "best")], (west, east), y)
        bottom = 48.0 + len(minutes) * 34
        for edge, label in ((west, "0%"), (east, "100%")):
            parts.append(text(edge, bottom, label, anchor="middle", color=GRAY, size=13))
    height = 48.0 + len(minutes) * 34 + 40
    parts += _key(16, height - 10)
    return svg(_WIDTH, height, title, "Squares are now, diamonds the best; the table holds the figures.", parts)


def _pair(pair: Sequence[float], ends: tuple[float, float], y: float) -> list[str]:
    """Draw now and best, the smaller figure written on the left and the larger on the right."""
    west, east = ends

    def x(value: float) -> float:
        return west + value * (east - west)

    if not all(is_figure(value) for value in pair):
        return [text(x(0) + 6, y + 5, "not known", color=GRAY, more=HALO)]
    now, best = (float(value) for value in pair)
    low, high = sorted((now, best))
    told = f"now {share(now)}, best {share(best)}"
    marks = [
        f'<path d="M{x(low):.1f},{y}H{x(high):.1f}" stroke="{INK}" stroke-width="3"/>',
        f'<path d="M{x(best):.1f},{y - 8}l8,8l-8,8l-8,-8Z" fill="{_LATER}" stroke="{INK}"/>',
        f'<path d="M{x(now) - 4.5:.1f},{y - 4.5}h9v9h-9Z" fill="#fff" stroke="{INK}" stroke-width="2"/>',
    ]
    said = [text(x(high) + 12, y + 5, share(high), size=13, more=HALO)]
    if share(low) != share(high):
        said.append(text(x(low) - 11, y + 5, share(low), anchor="end", size=13, more=HALO))
    return [f"<g><title>{escape(told)}</title>{''.join(marks)}</g>", *said]


def _key(x: float, y: float) -> list[str]:
    first = "now, where officers wait today"
    square = f'<rect x="{x}" y="{y - 10}" width="10" height="10" fill="#fff" stroke="{INK}" stroke-width="2"/>'
    later = x + 40 + math.ceil(LETTER * len(first))
    diamond = f'<path d="M{later},{y - 13}l8,8l-8,8l-8,-8Z" fill="{_LATER}" stroke="{INK}"/>'
    return [
        square,
        text(x + 18, y, first, size=13),
        diamond,
        text(later + 14, y, "best, from the best points", size=13),
    ]


# ── Tables of coverage: zones, schools, who answers for whom, waiting points, minutes, and the hours of the day

BACKUP_EDGES = (0.01, 0.05, 0.1, 0.2)
"""Shares from which a cell of the backup table is a shade darker."""

REACHED = {"schools": "Schools", "students": "Students"}
"""Whom a table of reach counts."""

_WHEN = {"now": "Now", "best": "Best"}


def level_text(level: object) -> str:
    """Write the level of a school."""
    return LEVELS.get(str(level), words(level))


def zone_table(by_zone: pd.DataFrame, *, within_min: float, slowest: Collection[str]) -> MarkedTable:
    """Print the coverage of the zones."""
    columns = (
        Column("Zone", "name", words),
        Column("Officer", "officer", words),
        Column("Schools", "schools", whole),
        Column("Calls a day", "calls_per_day", decimal),
        Column("Minutes, mean", "response_min", decimal),
        Column("95% interval", "response_interval", words),
        Column("Nine calls of ten within", "response_p90_min", decimal),
        Column(f"Within {within_min:g} min", "within_share", share),
        Column("Own officer answered", "in_zone_share", share),
        Column("Another zone’s officer", "backup_share", share),
        Column("Went to patrol", "overflow_share", share),
        Column("Officer busy", "busy_share", share),
    )
    if {"response_low_min", "response_high_min", "response_min"} <= set(by_zone.columns):
        ends = by_zone[["response_low_min", "response_high_min"]].to_numpy()
        by_zone = by_zone.assign(response_interval=[interval(low, high, decimal) for low, high in ends])
    table = printed(
        by_zone, columns, caption="Zones, as recorded: minutes until an officer was there, and who answered"
    )
    slow = [i for i, zone_id in enumerate(by_zone["zone_id"].astype("str")) if zone_id in slowest]
    return MarkedTable(table.caption, table.columns, table.rows, marked=frozenset(slow))


def school_table(by_school: pd.DataFrame, *, zone_names: Mapping[str, str], within_min: float) -> MarkedTable:
    """Print the coverage of the schools, the longest response first."""
    columns = (
        Column("School", "name", words),
        Column("Level", "level", level_text),
        Column("Zone", "zone_id", lambda zone: zone_names.get(str(zone), words(zone))),
        Column("Calls a week", "calls_per_week", lambda value: decimal(value, 2)),
        Column("Minutes, mean", "response_min", decimal),
        Column("Nine calls of ten within", "response_p90_min", decimal),
        Column(f"Within {within_min:g} min", "within_share", share),
    )
    if "response_min" not in by_school.columns:
        return printed(by_school, columns, caption="Schools: how often they call")
    known = by_school["response_min"].map(is_figure).astype("bool")
    order = by_school["response_min"].where(known).sort_values(ascending=False, kind="stable", na_position="last").index
    caption = "Schools, by the model: minutes until an officer is there, longest first"
    return printed(by_school.loc[order], columns, caption=caption)


def backup_table(backup: pd.DataFrame, *, zone_names: Mapping[str, str], officers: Mapping[str, str]) -> MarkedTable:
    """Print who answers the calls of each zone."""
    heads = [officers.get(str(zone), str(zone)) for zone in backup.columns]
    values = backup.to_numpy(dtype="float64")
    rows = tuple(
        (zone_names.get(str(zone), str(zone)), *map(share, row))
        for zone, row in zip(backup.index, values.tolist(), strict=True)
    )
    shades = {
        (i, j + 1): sum(value >= edge for edge in BACKUP_EDGES)
        for i, row in enumerate(values.tolist())
        for j, value in enumerate(row)
        if is_figure(value)
    }
    own = frozenset(
        (i, j + 1)
        for i, zone in enumerate(backup.index)
        for j, officer_zone in enumerate(backup.columns)
        if str(zone) == str(officer_zone)
    )
    caption = (
        "By the model, of the calls of each zone that an officer answers: share of each officer (own officer framed)"
    )
    return MarkedTable(caption, ("Call from", *heads), rows, shades=shades, bold=own)


def reach_table(reach: pd.DataFrame) -> MarkedTable:
    """Print which share is reached in time."""
    named = reach.assign(
        head=[f"{REACHED.get(str(of), str(of))} within {m:g} min" for of, m in reach[["of", "within_min"]].to_numpy()],
        place=reach["of"].map({key: place for place, key in enumerate(REACHED)}),
    ).sort_values(["place", "within_min"], kind="stable")
    columns = (
        Column("Reached", "head", words),
        Column("Now", "now_share", share),
        Column("Best", "best_share", share),
        Column("By a second officer too, now", "now_twice_share", share),
        Column("By a second officer too, best", "best_twice_share", share),
    )
    return printed(
        named,
        columns,
        caption="Reached in time by the ways on the map while every officer is free, now and from the best points",
    )


def staging_table(staging: pd.DataFrame, *, zone_names: Mapping[str, str]) -> MarkedTable:
    """Print where officers wait, now and best."""
    frame = pd.DataFrame(staging.drop(columns="geometry", errors="ignore"))
    sides = [frame[frame["kind"] == kind].set_index(["zone_id", "officer"]) for kind in _WHEN]
    keys = pd.MultiIndex.from_frame(frame[["zone_id", "officer"]].drop_duplicates())
    both = pd.concat(
        [
            side[["place_name", "mean_min"]][~side.index.duplicated()].reindex(keys).add_suffix(f"_{kind}")
            for kind, side in zip(_WHEN, sides, strict=True)
        ],
        axis=1,
    ).reset_index()
    both["head"] = [
        words(zone_names.get(str(zone), zone)) if pd.isna(officer) else str(officer)
        for zone, officer in both[["zone_id", "officer"]].to_numpy()
    ]
    minutes = ("mean_min_now", "mean_min_best")
    columns = (
        Column("Officer", "head", words),
        Column("Zone", "zone_id", lambda zone: zone_names.get(str(zone), words(zone))),
        Column("Waits now at", "place_name_now", words),
        Column("Minutes, mean, now", "mean_min_now", decimal),
        Column("Best place", "place_name_best", words),
        Column("Minutes, mean, best", "mean_min_best", decimal),
    )
    return printed(
        both if both[["mean_min_now", "mean_min_best"]].notna().any(axis=None) else both.drop(columns=list(minutes)),
        columns,
        caption="Waiting points: where each officer waits, and mean minutes to schools by the ways on the map",
    )


def hour_table(by_hour: pd.DataFrame) -> MarkedTable:
    """Print the hours of the day."""
    columns = (
        Column("From", "hour", hour_text),
        Column("Calls an hour", "calls_per_h", decimal),
        Column("Officers busy", "busy_share", share),
        Column("Goes to patrol", "overflow_share", share),
        Column("Minutes, mean", "response_min", decimal),
    )
    return printed(by_hour, columns, caption="The hours of the day: calls as recorded, all else by the model")


# ── Tables that weigh coverage: numbers of officers, plans side by side, the model beside the record, the specialist

ALL_ZONES = ""
"""`zone_id` of a validation that stands for all zones together."""


class _Measure(NamedTuple):
    name: str
    unit: str


_MEASURES = {
    "busy": _Measure("Officers busy with calls", "share of the time"),
    "backup": _Measure("Another zone’s officer answers", "share of calls"),
    "overflow": _Measure("Goes to patrol", "share of calls"),
    "response": _Measure("Mean trip", MINUTES),
    "response_p90": _Measure("Trip, nine calls of ten within", MINUTES),
    "within": _Measure(f"Reached within {WITHIN_ONE_MIN:g} minutes", "share of calls"),
    "own": _Measure("The zone’s own officer answers", "share of calls"),
}
_DIFFERS, _AGREES, _UNTOLD = "differs", "agrees", "not told"
_VERDICTS = {"better": "better", "worse": "WORSE", "unclear": "may be chance", "same": "no difference"}


def staffing_table(staffing: pd.DataFrame) -> MarkedTable:
    """Print coverage with each number of officers."""
    rows = staffing.sort_values("officers")
    heads = [f"{whole(n)}{' (today)' if now else ''}" for n, now in rows[["officers", "is_current"]].to_numpy()]
    columns = (
        Column("Officers", "head", words),
        Column("Goes to patrol", "overflow_share", share),
        Column("Minutes, mean", "mean_response_min", decimal),
        Column("Nine calls of ten within", "p90_response_min", decimal),
        Column("Officers busy", "busy_share_mean", share),
        Column("Officer-hours a term", "officer_h", whole),
        Column("Cost a term", "cost", whole),
    )
    table = printed(rows.assign(head=heads), columns, caption="By the model: coverage with each number of officers")
    marked = frozenset(i for i, now in enumerate(rows["is_current"].tolist()) if now)
    return MarkedTable(table.caption, table.columns, table.rows, marked=marked)


def comparison_table(comparison: pd.DataFrame) -> MarkedTable:
    """Print current and proposed zones measure by measure."""
    rows = comparison.to_dict("records")
    cells = tuple(
        (
            words(row["label"]),
            "minutes" if row["unit"] == MINUTES else words(row["unit"]),
            figure(row["current"], row["unit"]),
            figure(row["proposed"], row["unit"]),
            change(row["difference"], row["unit"]),
            interval(row["low"], row["high"], partial(change, unit=row["unit"])),
            _VERDICTS.get(str(row["verdict"]), words(row["verdict"])),
        )
        for row in rows
    )
    columns = ("Measure", "In", "Current", "Proposed", "Difference", "95% interval of it", "Proposed is")
    worse = frozenset(i for i, row in enumerate(rows) if row["verdict"] == "worse")
    caption = "By the model: current and proposed zones; differences of shares in percentage points"
    return MarkedTable(caption, columns, cells, marked=worse)


def validation_table(validation: pd.DataFrame, *, zone_names: Mapping[str, str], of_zones: bool) -> MarkedTable:
    """Print the model beside the record, what differs first."""
    order = {_DIFFERS: 0, _AGREES: 1, _UNTOLD: 2}
    chosen = [row for row in validation.to_dict("records") if (_zone(row) != ALL_ZONES) == of_zones]
    rows = sorted(chosen, key=lambda row: order[_verdict(row)])
    cells = tuple(
        (
            "All zones" if _zone(row) == ALL_ZONES else zone_names.get(_zone(row), _zone(row)),
            _measure(row).name,
            "minutes" if _measure(row).unit == MINUTES else _measure(row).unit,
            figure(row["observed"], _measure(row).unit),
            interval(row["low"], row["high"], partial(figure, unit=_measure(row).unit)),
            figure(row["predicted"], _measure(row).unit),
            _verdict(row),
            words(row["note"]),
        )
        for row in rows
    )
    columns = ("Zone", "Measure", "In", "Record", "95% interval of the record", "Model", "Verdict", "What is behind it")
    differing = frozenset(i for i, row in enumerate(rows) if _verdict(row) == _DIFFERS)
    caption = (
        f"Record, and the model beside it, {'zone by zone' if of_zones else 'all zones together'}: what differs first"
    )
    return MarkedTable(caption, columns, cells or (("None", *["–"] * (len(columns) - 1)),), marked=differing)


def coverage_caution(validation: pd.DataFrame | None) -> tuple[bool, str]:
    """Say whether the model can be relied on, before anything is read from it.

    Whether model and record differ, or were not compared at all. One or two sentences.
    """
    whole_district = [] if validation is None else [r for r in validation.to_dict("records") if _zone(r) == ALL_ZONES]
    differing = [row for row in whole_district if _verdict(row) == _DIFFERS]
    if differing:
        told = "; ".join(f"{_measure(row).name.lower()}: {_told(row)}" for row in differing)
        return True, f"Before you rely on this: model and record differ. {told[:1].upper()}{told[1:]}."
    alike = [_measure(row).name.lower() for row in whole_district if _verdict(row) == _AGREES]
    if alike:
        return False, f"Model and record agree, as far as the record tells, on: {'; '.join(alike)}."
    return True, "These figures come from a model that could not be checked against a record."


def caseload_table(caseload: pd.DataFrame) -> MarkedTable:
    """Print the specialist's cases."""
    rows = caseload.assign(between=[interval(a, b, decimal) for a, b in caseload[["low", "high"]].to_numpy()])
    columns = (
        Column("Term", "term", words),
        Column("School weeks", "school_weeks", decimal),
        Column("Cases", "cases", whole),
        Column("Cases a week", "cases_per_week", decimal),
        Column("95% interval", "between", words),
        Column("Minutes a case", "mean_min", whole),
        Column("Hours a week", "hours_per_week", decimal),
        Column("Open on an ordinary day", "open_cases", decimal),
        Column("Change on the term before", "change_share", _signed),
    )
    return printed(rows, columns, caption="Threat assessments by term; they are in no zone’s load")


def _told(row: dict[Any, Any]) -> str:
    unit = _measure(row).unit
    predicted, observed = (figure(row[name], unit) for name in ("predicted", "observed"))
    return f"record {observed}, model {predicted}{' min' if unit == MINUTES else ''}"


def _measure(row: dict[Any, Any]) -> _Measure:
    return _MEASURES.get(str(row["measure"]), _Measure(words(row["measure"]), "share"))


def _zone(row: dict[Any, Any]) -> str:
    return ALL_ZONES if pd.isna(row["zone_id"]) else str(row["zone_id"])


def _verdict(row: dict[Any, Any]) -> str:
    if pd.isna(row["is_within"]):
        return _UNTOLD
    return _AGREES if row["is_within"] else _DIFFERS


def _signed(value: Any) -> str:  # noqa: ANN401 -- a cell of any column
    text = share(value)
    return f"+{text}" if is_figure(value) and value > 0 else text
