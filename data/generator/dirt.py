"""What is wrong with the exports: each kind of fault in an exactly known number of rows."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from data.generator.chance import happens, one_of, sample, stream
from data.generator.ground import lonlat
from data.generator.streets import TOWNS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from data.generator.calls import Call

    Spoil = Callable[[Random, Call], Call]

FAULTS = {
    "name_exact": 45,
    "name_misspelt": 30,
    "name_hopeless": 12,
    "name_script": 2,
    "name_formula": 2,
    "swapped": 18,
    "sign_flipped": 14,
    "null_island": 16,
    "far_outside": 10,
    "sentinel_time": 8,
    "unreadable_time": 9,
    "date_only": 35,
    "dst_gap": 2,
    "dst_repeat": 2,
    "pile_up": 60,
    "cleared_before_arrived": 25,
    "arrived_before_dispatched": 12,
    "missing_id": 6,
    "call_type_odd": 60,
    "exact_duplicate": 40,
    "duplicate_in_next_file": 12,
    "conflicting_id": 15,
}
"""Kind of fault → rows."""
DESCRIPTIONS = {
    "name_exact": "no coordinates and no school id, but the school's name",
    "name_misspelt": "the same, a letter of the name left out or two exchanged",
    "name_hopeless": "the same, and a name that is no school's",
    "name_script": "no school id, and markup in place of the name",
    "name_formula": "no school id, and a spreadsheet formula in place of the name",
    "swapped": "longitude and latitude exchanged",
    "sign_flipped": "longitude without its minus sign",
    "null_island": "coordinates 0, 0",
    "far_outside": "coordinates in another part of the country",
    "sentinel_time": "1900-01-01 in place of the moment of occurrence",
    "unreadable_time": "a moment of occurrence that is none",
    "date_only": "a day of occurrence without a time",
    "dst_gap": "a moment that the clock skips in spring",
    "dst_repeat": "a moment that the clock has twice in autumn",
    "pile_up": "coordinates of the town's middle, where the geocoder puts what it cannot find",
    "cleared_before_arrived": "cleared before anyone arrived",
    "arrived_before_dispatched": "arrived before anyone was sent",
    "missing_id": "no case number",
    "call_type_odd": "call type in other case, or with blanks around it",
    "exact_duplicate": "a row that stands in its file already",
    "duplicate_in_next_file": "a row that stands in the export of the year before already",
    "conflicting_id": "a case number that another row has already, with other content",
}
"""Kind of fault → what it looks like."""
LATER_FAULTS = ("exact_duplicate", "duplicate_in_next_file", "conflicting_id")
"""Faults that add a row instead of spoiling one."""
REJECTED = {
    "exact_duplicate": "exact_duplicate",
    "duplicate_in_next_file": "exact_duplicate",
    "conflicting_id": "conflicting_id",
    "missing_id": "missing_id",
    "unreadable_time": "unreadable_time",
    "sentinel_time": "sentinel_time",
}
"""Kind of fault → why the reader does not keep the row; rows of all other kinds are kept."""
PILE = lonlat(TOWNS[0].middle)
"""Where the geocoder puts what it cannot find, the middle of the first town; no school stands there."""
_HOPELESS = ("NORTH CAMPUS", "see narrative", "Elem by the water tower", "TVUSD", "unk school", "GYM")
_UNREADABLE = ("31/31/2024 08:15", "PENDING", "25:70", "see narrative", "2025-02-30 10:00")
_GAP = dt.datetime.fromisoformat("2025-03-09T02:30")
_REPEAT = dt.datetime.fromisoformat("2024-11-03T01:30")
"""Wall time that does not exist, and wall time that comes twice."""
_SENTINEL = dt.datetime.fromisoformat("1900-01-01")
_CLOCK_YEAR = 2024
_LAST_YEAR = 2025


def spoil(calls: Sequence[Call], *, year_of: Callable[[Call], int]) -> list[Call]:
    """Spoil some calls, each in one way only.

    Parameters
    ----------
    calls
        Calls in the order of their files.
    year_of
        School year of a call, by its first year.

    Returns
    -------
    list of Call
        The same calls, those spoilt marked with their `kind`.
    """
    spoilt = list(calls)
    for kind, size in FAULTS.items():
        if kind in LATER_FAULTS:
            continue
        fit = [n for n, call in enumerate(spoilt) if _fits(kind, call, year_of(call))]
        chance = stream(f"fault {kind}")
        for n in sample(chance, fit, size):
            spoilt[n] = replace(_SPOIL[kind](chance, spoilt[n]), kind=kind)
    return spoilt


def _fits(kind: str, call: Call, year: int) -> bool:
    if call.kind or not call.school_code:
        return False
    if kind in ("dst_gap", "dst_repeat"):
        month = 3 if kind == "dst_gap" else 11
        return year == _CLOCK_YEAR and call.call_type == "ALARM-BURGLARY" and call.occurred.month == month
    years = {"name_script": 2025, "name_formula": 2023}
    if year != years.get(kind, year):
        return False
    is_of_minutes = kind in ("cleared_before_arrived", "arrived_before_dispatched")
    return not is_of_minutes or (call.arrived is not None and call.source != "On-view")


def repeats(calls: Sequence[Call], *, year_of: Callable[[Call], int]) -> list[tuple[int, int, Call]]:
    """Make the rows that repeat an incident.

    Parameters
    ----------
    calls
        Calls in the order of their files, after `spoil`.
    year_of
        School year of a call, by its first year.

    Returns
    -------
    list of (int, int, Call)
        School year of the file it stands in, the number of the call it comes after (-1 for the top), and the row.
    """
    rows: list[tuple[int, int, Call]] = []
    used: set[int] = set()
    for kind in LATER_FAULTS:
        chance = stream(f"fault {kind}")
        moves_on = kind == "duplicate_in_next_file"
        fit = [
            n
            for n, c in enumerate(calls)
            if n not in used and _is_plain(c) and (year_of(c) < _LAST_YEAR or not moves_on)
        ]
        if moves_on:
            # Exports overlap at their seams: what comes twice is of the last weeks of a school year.
            fit = [n for n in fit if calls[n].occurred.month in (6, 7)]
        for n in sample(chance, fit, FAULTS[kind]):
            used.add(n)
            row = replace(_conflicting(chance, calls[n]) if kind == "conflicting_id" else calls[n], kind=kind)
            year = year_of(calls[n])
            rows.append((year + 1, -1, row) if moves_on else (year, n + 1 + int(12 * chance.random()), row))
    return rows


def _is_plain(call: Call) -> bool:
    return not call.kind and bool(call.school_code)


def _conflicting(chance: Random, call: Call) -> Call:
    shift = dt.timedelta(minutes=5 + int(50 * chance.random()))
    return replace(
        call,
        call_type="PUBLIC ASSIST" if call.call_type != "PUBLIC ASSIST" else "THEFT",
        occurred=call.occurred - shift,
    )


def _named(call: Call, name: str) -> Call:
    return replace(call, school_code="", school_name=name, place=None)


def _misspelt(chance: Random, call: Call) -> Call:
    """Leave out a letter of the name, or exchange two."""
    name = call.school_name
    at = 2 + int((name.index(" ") - 4) * chance.random())
    if name[at] == name[at + 1] or happens(chance, 0.5):
        return _named(call, name[:at] + name[at + 1 :])
    return _named(call, name[:at] + name[at + 1] + name[at] + name[at + 2 :])


def _moved(call: Call, change: Callable[[float, float], tuple[float, float]]) -> Call:
    if call.place is None:
        raise ValueError(f"{call.case} has no place to spoil")
    return replace(call, place=change(*call.place))


def _far(chance: Random, call: Call) -> Call:
    return replace(call, place=(round(-114.9 + chance.random(), 6), round(40.7 + 0.4 * chance.random(), 6)))


def _at(call: Call, moment: dt.datetime, minutes_later: int) -> Call:
    """Move a whole call to a moment, its received time to some minutes later."""
    shift = moment + dt.timedelta(minutes=minutes_later) - call.received
    return replace(call.retimed(lambda known: known + shift), occurred=moment, occurred_to=None)


def _odd_case(chance: Random, call: Call) -> Call:
    text = call.call_type
    return replace(
        call, call_type=(text.lower(), text.title() + "  ", f" {text}", text + " ")[int(4 * chance.random())]
    )


def _arrived_early(chance: Random, call: Call) -> Call:
    dispatched = call.dispatched or call.received
    return replace(call, arrived=dispatched - dt.timedelta(minutes=2 + int(25 * chance.random())))


def _cleared_early(chance: Random, call: Call) -> Call:
    arrived = call.arrived or call.received
    return replace(call, cleared=arrived - dt.timedelta(minutes=5 + int(40 * chance.random())))


_SPOIL: dict[str, Spoil] = {
    "name_exact": lambda _, call: _named(call, call.school_name),
    "name_misspelt": _misspelt,
    "name_hopeless": lambda chance, call: _named(call, one_of(chance, _HOPELESS)),
    "name_script": lambda _, call: replace(call, school_code="", school_name="<script>alert(1)</script>"),
    "name_formula": lambda _, call: replace(call, school_code="", school_name='=HYPERLINK("http://x")'),
    "swapped": lambda _, call: _moved(call, lambda x, y: (y, x)),
    "sign_flipped": lambda _, call: _moved(call, lambda x, y: (-x, y)),
    "null_island": lambda _, call: replace(call, place=(0.0, 0.0)),
    "far_outside": _far,
    "sentinel_time": lambda _, call: replace(call, occurred=_SENTINEL, occurred_to=None),
    "unreadable_time": lambda chance, call: replace(call, occurred_as=one_of(chance, _UNREADABLE), occurred_to=None),
    "date_only": lambda _, call: replace(call, occurred_as="date", occurred_to=None),
    "dst_gap": lambda _, call: _at(call, _GAP, 65),
    "dst_repeat": lambda _, call: _at(call, _REPEAT, 3),
    "pile_up": lambda _, call: replace(call, place=PILE),
    "cleared_before_arrived": _cleared_early,
    "arrived_before_dispatched": _arrived_early,
    "missing_id": lambda _, call: replace(call, case=""),
    "call_type_odd": _odd_case,
}
