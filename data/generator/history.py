"""The history before it is spoilt: who calls, when, from which school, and who comes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from data.generator.calls import CALL_TYPES, Call
from data.generator.chance import happens, minutes, normal, one_of, pick, poisson, stream
from data.generator.ground import kilometres, lonlat

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from data.generator.campuses import Roles, School
    from data.generator.ground import Point
    from data.generator.streets import Street

HOTSPOT_FACTOR = 2.1
HOTSPOT_FROM = 4
OFFICER_SHARE = 2 / 3
OFFICER_FROM = 3
"""First term of the hotspot, and of the calls that officers start, counted from 0."""
ZONE_FACTORS = {"1": 0.9, "2": 0.93, "3": 1.55, "4": 1.08, "5": 0.8, "6": 0.95, "7": 0.95, "8": 0.8}
RISING = (0.45, 0.65, 0.9, 1.2, 1.55, 1.95)
FALLING = RISING[::-1]
"""Factor of the expected number of incidents, term by term."""

_PER_STUDENT_DAY = {
    "K-6": 2.22e-4, "K-5": 2.22e-4, "6-8": 4.65e-4, "7-8": 4.85e-4, "9-12": 4.85e-4, "K-8": 3.05e-4, "ALT": 8.6e-4,
}  # fmt: skip
_OFFICER_ODDS = 0.14
"""Calls started by an officer over calls reported, at an ordinary school."""
_TERM_FACTORS = (1.0, 0.97, 1.05, 1.0, 1.06, 1.02)
_ELSEWHERE = 240
_MONTHS = {8: 0.85, 9: 1.15, 10: 1.2, 11: 1.0, 12: 0.8, 1: 0.85, 2: 1.0, 3: 1.1, 4: 1.0, 5: 1.1, 6: 0.7, 7: 0.3}
_WEEKDAYS = (0.95, 1.0, 1.02, 1.04, 1.12, 0.5, 0.4)
_PATROL = ("P-11", "P-12", "P-14", "P-17", "P-21", "P-23")
_OLD = {"6-8", "7-8", "9-12", "ALT"}
_BY_PHONE = 0.04
_SCHOOL_HOURS = range(7, 16)
_OPENS = 7


@dataclass(frozen=True)
class Span:
    """A term with the break after it: days with school, and all days."""

    name: str
    school_days: tuple[dt.date, ...]
    days: tuple[dt.date, ...]


@dataclass(frozen=True)
class Kind:
    """A type of call as the crosswalk has it."""

    category: str
    service_min: float


def make_history(
    schools: Sequence[School],
    roles: Roles,
    streets: Sequence[Street],
    spans: Sequence[Span],
    kinds: Mapping[str, Kind],
) -> list[Call]:
    """Make the history, nothing wrong in it.

    Parameters
    ----------
    schools
        The schools.
    roles
        Schools that something is planted at.
    streets
        Streets, where calls come from that are not at a school.
    spans
        Terms, in their order.
    kinds
        Call type → its category and minutes on scene.

    Returns
    -------
    list of Call
        Calls in the order they were received, without case numbers.
    """
    calls = []
    for school in schools:
        for term, span in enumerate(spans):
            chance = stream(f"history {school.code} {span.name}")
            for source, mean in _expected(school, term, span, roles).items():
                calls += [_call(chance, school, span, kinds, source) for _ in range(poisson(chance, mean))]
    calls += _calls_elsewhere(streets, spans, kinds)
    return sorted(calls, key=lambda call: (call.received, call.school_code, call.call_type))


def _expected(school: School, term: int, span: Span, roles: Roles) -> dict[str, float]:
    """Expect so many calls of one school and term: reported, and started by an officer."""
    reported = _PER_STUDENT_DAY[school.span] * school.students * len(span.school_days) / (1 + _OFFICER_ODDS)
    reported *= _TERM_FACTORS[term] * ZONE_FACTORS[school.zone]
    if school.code in roles.hotspot and term >= HOTSPOT_FROM:
        reported *= HOTSPOT_FACTOR
    if school.code == roles.rising:
        reported *= RISING[term]
    if school.code == roles.falling:
        reported *= FALLING[term]
    is_watched = school.code == roles.officer_initiated and term >= OFFICER_FROM
    odds = OFFICER_SHARE / (1 - OFFICER_SHARE) if is_watched else _OFFICER_ODDS
    return {"reported": reported, "On-view": reported * odds}


def _call(chance: Random, school: School, span: Span, kinds: Mapping[str, Kind], source: str) -> Call:
    group = "old" if school.span in _OLD else "young"
    call_type = pick(chance, {name: spec.weight[group] for name, spec in CALL_TYPES.items()})
    occurred = _moment(chance, call_type, span)
    call = Call(
        case="",
        call_type=call_type,
        source=source if source == "On-view" else pick(chance, {"Phone": 4, "Radio": 1}),
        occurred=occurred,
        received=occurred,
        school_code=school.code,
        school_name=school.name,
        place=_place_at(chance, school.place),
    )
    in_hours = occurred.date() in set(span.school_days) and occurred.hour in _SCHOOL_HOURS
    unit = _unit(chance, kinds[call_type].category, school, in_hours=in_hours)
    return _with_times(chance, call, unit, kinds[call_type].service_min)


def _moment(chance: Random, call_type: str, span: Span) -> dt.datetime:
    spec = CALL_TYPES[call_type]
    days = span.school_days if happens(chance, spec.in_session) else span.days
    day = one_of(chance, days)
    while not happens(chance, _MONTHS[day.month] * _WEEKDAYS[day.weekday()] / 1.5):
        day = one_of(chance, days)
    hour = pick(chance, spec.hours)
    # Half past seven is when school begins: nobody is there to call at seven.
    minute = one_of(chance, range(30, 60) if hour == _OPENS else range(60))
    return dt.datetime.combine(day, dt.time(hour, minute, one_of(chance, range(60))))


def _place_at(chance: Random, campus: Point) -> Point:
    """Half the calls are placed at the school's address, the others somewhere on its campus."""
    if happens(chance, 0.5):
        return campus
    x, y = kilometres(campus)
    return lonlat((x + 0.04 * normal(chance), y + 0.04 * normal(chance)))


def _unit(chance: Random, category: str, school: School, *, in_hours: bool) -> str:
    if category == "threat_assessment":
        return "TA-1"
    if category == "non_critical" or not in_hours or not school.in_program:
        weights = {"zone": 0.12 if in_hours else 0.0, "patrol": 0.88}
    else:
        weights = {"zone": 0.8, "backup": 0.1, "patrol": 0.1}
    who = pick(chance, weights)
    if who == "patrol":
        return one_of(chance, _PATROL)
    if who == "zone":
        return f"SS-{school.zone}"
    others = [zone for zone in ZONE_FACTORS if zone != school.zone]
    return f"BU-{one_of(chance, others)}"


def _with_times(chance: Random, call: Call, unit: str, service_min: float) -> Call:
    spec = CALL_TYPES[call.call_type]
    is_seen = call.source == "On-view"
    occurred_to = None
    if spec.is_found_later and not is_seen and happens(chance, 0.6):
        occurred_to = call.occurred + dt.timedelta(minutes=round(minutes(chance, 420, spread=0.4)))
    found = occurred_to or call.occurred
    received = found if is_seen else _later(found, minutes(chance, spec.delay))
    if not is_seen and happens(chance, _BY_PHONE):
        return replace(call, occurred_to=occurred_to, received=received, cleared=_later(received, 12))
    dispatched = received if is_seen else _later(received, minutes(chance, 2.5, spread=0.7))
    travel = {"S": 6.5, "B": 12.0, "P": 10.0, "T": 24.0}[unit[0]]
    arrived = dispatched if is_seen else _later(dispatched, minutes(chance, travel))
    cleared = _later(arrived, minutes(chance, service_min, spread=0.45))
    return replace(
        call,
        occurred_to=occurred_to,
        received=received,
        dispatched=dispatched,
        arrived=arrived,
        cleared=cleared,
        unit=unit,
    )


def _later(moment: dt.datetime, delay_min: float) -> dt.datetime:
    return moment + dt.timedelta(seconds=round(60 * delay_min))


def _calls_elsewhere(streets: Sequence[Street], spans: Sequence[Span], kinds: Mapping[str, Kind]) -> list[Call]:
    """Make calls that are at no school: bus stops, parks, the way home."""
    chance = stream("elsewhere")
    calls = []
    for _ in range(_ELSEWHERE):
        call_type = pick(chance, {"TRAFFIC HAZARD": 4, "WELFARE CHECK": 3, "PUBLIC ASSIST": 3, "FIGHT IN PROGRESS": 1})
        span = one_of(chance, spans)
        occurred = _moment(chance, call_type, span)
        line = one_of(chance, streets).line.coords
        call = Call(
            "", call_type, "Phone", occurred, occurred, place=(line[len(line) // 2][0], line[len(line) // 2][1])
        )
        unit = one_of(chance, _PATROL)
        calls.append(_with_times(chance, call, unit, kinds[call_type].service_min))
    return calls
