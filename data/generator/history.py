"""The history before it is spoilt: who calls, when, from which school, and who comes."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from data.generator.calls import CALL_TYPES, Call
from data.generator.chance import gamma, happens, minutes, normal, one_of, pick, poisson, stream
from data.generator.ground import kilometers, lonlat
from data.generator.response import PATROL, posts_of, send_officers, travel_min, unit_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    import pandas as pd

    from data.generator.campuses import Roles, School
    from data.generator.ground import Point
    from data.generator.response import Posts
    from data.generator.streets import Street

HOTSPOT_FACTOR = 3.0
HOTSPOT_FROM = 4
OFFICER_SHARE = 2 / 3
OFFICER_FROM = 3
"""First term of the hotspot, and of the calls that officers start, counted from 0."""
ZONE_FACTORS = {"1": 0.98, "2": 0.97, "3": 1.08, "4": 1.0, "5": 0.95, "6": 1.0, "7": 1.0, "8": 0.96}
RISING = (0.45, 0.65, 0.9, 1.2, 1.55, 1.95)
FALLING = RISING[::-1]
"""Factor of the expected number of incidents, term by term."""

PER_STUDENT_DAY = {
    "K-6": 2.15e-4, "K-5": 2.15e-4, "6-8": 4.5e-4, "7-8": 4.7e-4, "9-12": 4.7e-4, "K-8": 2.95e-4, "ALT": 8.3e-4,
}  # fmt: skip
"""Grade span → incidents expected for a student and school day, at an ordinary school."""
SCHOOL_SHAPE = 60
"""Shape of the gamma factor by which schools differ for good, those apart that something is planted at."""
_OFFICER_ODDS = 0.14
"""Calls started by an officer over calls reported, at an ordinary school."""
_TERM_FACTORS = (1.0, 0.97, 1.05, 1.0, 1.06, 1.02)
_ELSEWHERE = 240
_MONTHS = {8: 0.85, 9: 1.15, 10: 1.2, 11: 1.0, 12: 0.8, 1: 0.85, 2: 1.0, 3: 1.1, 4: 1.0, 5: 1.1, 6: 0.7, 7: 0.3}
_WEEKDAYS = (0.95, 1.0, 1.02, 1.04, 1.12, 0.5, 0.4)
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
    *,
    ways: pd.DataFrame,
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
    ways
        Minutes of the quickest way from school (rows, by code) to school (columns).

    Returns
    -------
    list of Call
        Calls in the order they were received, without case numbers.
    """
    calls = []
    posts = posts_of(schools)
    for school in schools:
        own = _own_factor(school, roles)
        for term, span in enumerate(spans):
            chance = stream(f"history {school.code} {span.name}")
            for source, mean in _expected(school, term, span, roles).items():
                number = poisson(chance, own * mean)
                calls += [_call(chance, school, span, kinds, posts=posts, source=source) for _ in range(number)]
    calls += _calls_elsewhere(streets, spans, kinds, posts)
    in_order = sorted(calls, key=lambda call: (call.received, call.school_code, call.call_type))
    apart = {"threat_assessment", "non_critical"}
    ours = {name for name, kind in kinds.items() if kind.category not in apart}
    return send_officers(in_order, schools, ways, ours)


def _own_factor(school: School, roles: Roles) -> float:
    """Tell by what a school differs from others like it; what is planted stands out of ordinary schools."""
    planted = {*roles.hotspot, roles.officer_initiated, roles.rising, roles.falling}
    return 1.0 if school.code in planted else gamma(stream(f"school {school.code}"), shape=SCHOOL_SHAPE)


def _expected(school: School, term: int, span: Span, roles: Roles) -> dict[str, float]:
    """Expect so many calls of one school and term: reported, and started by an officer."""
    reported = PER_STUDENT_DAY[school.span] * school.students * len(span.school_days) / (1 + _OFFICER_ODDS)
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


def _call(chance: Random, school: School, span: Span, kinds: Mapping[str, Kind], *, posts: Posts, source: str) -> Call:
    group = "old" if school.span in _OLD else "young"
    call_type = pick(chance, {name: spec.weight[group] for name, spec in CALL_TYPES.items()})
    occurred = _moment(chance, call_type, span)
    place = _place_at(chance, school.place)
    call = Call(
        case="",
        call_type=call_type,
        source=source if source == "On-view" else pick(chance, {"Phone": 4, "Radio": 1}),
        occurred=occurred,
        received=occurred,
        school_code=school.code,
        school_name=school.name,
        place=place,
    )
    in_hours = occurred.date() in set(span.school_days) and occurred.hour in _SCHOOL_HOURS
    kind = kinds[call_type]
    unit = unit_for(chance, kind.category, school, posts, in_hours=in_hours)
    return _with_times(chance, call, unit, travel_min(chance, unit, place, posts), kind.service_min)


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
    x, y = kilometers(campus)
    return lonlat((x + 0.04 * normal(chance), y + 0.04 * normal(chance)))


def _with_times(chance: Random, call: Call, unit: str, way_min: float, service_min: float) -> Call:
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
    arrived = dispatched if is_seen else _later(dispatched, way_min)
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


def _calls_elsewhere(
    streets: Sequence[Street], spans: Sequence[Span], kinds: Mapping[str, Kind], posts: Posts
) -> list[Call]:
    """Make calls that are at no school: bus stops, parks, the way home."""
    chance = stream("elsewhere")
    calls = []
    for _ in range(_ELSEWHERE):
        call_type = pick(chance, {"TRAFFIC HAZARD": 4, "WELFARE CHECK": 3, "PUBLIC ASSIST": 3, "FIGHT IN PROGRESS": 1})
        span = one_of(chance, spans)
        occurred = _moment(chance, call_type, span)
        line = one_of(chance, streets).line.coords
        place = (line[len(line) // 2][0], line[len(line) // 2][1])
        call = Call("", call_type, "Phone", occurred, occurred, place=place)
        unit = one_of(chance, PATROL)
        way_min = travel_min(chance, unit, place, posts)
        calls.append(_with_times(chance, call, unit, way_min, kinds[call_type].service_min))
    return calls
