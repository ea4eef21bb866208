"""Who comes to a call, from where, and how long the way takes."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from typing import TYPE_CHECKING

from data.generator.chance import happens, minutes, one_of, pick, stream
from data.generator.ground import Point, kilometers
from data.generator.streets import TOWNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    import pandas as pd

    from data.generator.calls import Call
    from data.generator.campuses import School

PATROL = ("P-11", "P-12", "P-14", "P-17", "P-21", "P-23")
SPECIALIST = "TA-1"

_TURNOUT_MIN = {"SS": 1.5, "BU": 3.0, "P": 4.0, "TA": 10.0}
"""Minutes before the way begins, by the first letters of the unit."""
_MIN_PER_KM = 1.95
"""Minutes for a kilometer of the straight line: 40 km/h, by streets 1.3 times as long."""
_SPREAD = 0.45

TURNOUT_MIN = 2.0
"""Mean minutes before a zone officer's way to a reported call begins."""
TRIP_FACTOR = 1.2
"""Mean minutes for each minute of the quickest way over the streets, from one of the schools of the officer's zone."""
DIVERTED_SHARE = 0.08
"""Share of the calls for zone officers that are sent to patrol whoever is free."""
UNAVAILABLE_SHARE = 0.06
"""Share of the others at which the zone's officer is on no call and cannot come."""

_WEEKEND = 5

Posts = dict[str, list[Point]]
"""Zone → places where its officer may be when a call comes: its schools, in kilometers."""


def posts_of(schools: Sequence[School]) -> Posts:
    """List where the officer of each zone may be.

    Parameters
    ----------
    schools
        The schools.

    Returns
    -------
    dict of str to list
        Zone → its schools' places, kilometers.
    """
    posts: Posts = {}
    for school in schools:
        posts.setdefault(school.zone, []).append(kilometers(school.place))
    return posts


def unit_for(chance: Random, category: str, school: School, posts: Posts, *, in_hours: bool) -> str:
    """Choose who comes to a call at a school.

    Parameters
    ----------
    chance
        Random numbers.
    category
        Category of the call.
    school
        Where it is.
    posts
        As `posts_of` gives them.
    in_hours
        Whether it comes on a school day, in school hours.

    Returns
    -------
    str
        Call sign: the zone's officer, another zone's as backup, a patrol, or the specialist.
    """
    if category == "threat_assessment":
        return SPECIALIST
    weights: Mapping[str, float] = {"zone": 0.8, "backup": 0.1, "patrol": 0.1}
    if category == "non_critical" or not in_hours or not school.in_program:
        weights = {"zone": 0.12 if in_hours else 0.0, "patrol": 0.88}
    who = pick(chance, weights)
    if who == "patrol":
        return one_of(chance, PATROL)
    if who == "zone":
        return f"SS-{school.zone}"
    return f"BU-{one_of(chance, [zone for zone in posts if zone != school.zone])}"


def travel_min(chance: Random, unit: str, place: Point, posts: Posts) -> float:
    """Draw how long a unit is on its way.

    Parameters
    ----------
    chance
        Random numbers.
    unit
        Its call sign.
    place
        Where the call is, degrees.
    posts
        As `posts_of` gives them.

    Returns
    -------
    float
        Log-normal minutes; their median grows with the distance. Officers start at one of their schools, a patrol in
        the nearest town, and the specialist in the first town.
    """
    kind, number = unit.split("-")
    here = kilometers(place)
    if kind == "P":
        way_km = min(math.dist(town.middle, here) for town in TOWNS)
    else:
        start = TOWNS[0].middle if unit == SPECIALIST else one_of(chance, posts[number])
        way_km = math.dist(start, here)
    return minutes(chance, _TURNOUT_MIN[kind] + _MIN_PER_KM * way_km, spread=_SPREAD)


def send_officers(calls: Sequence[Call], schools: Sequence[School], ways: pd.DataFrame, ours: set[str]) -> list[Call]:
    """Send zone officers to calls as a dispatcher does: who is free comes, and takes as long as the streets take.

    Parameters
    ----------
    calls
        The calls, with who comes and when drawn regardless of who is free.
    schools
        The schools.
    ways
        Minutes of the quickest way from each school (rows, by code) to each school (columns).
    ours
        Call types that are zone officers' work.

    Returns
    -------
    list of Call
        The calls in their order. Those at program schools in school hours have the zone's officer, the nearest of the
        other officers who is free, or patrol; all else is as it was, the minutes on scene too.
    """
    by_code, watch = {school.code: school for school in schools}, _Watch(schools, ways)
    sent = list(calls)
    order = sorted((i for i, call in enumerate(calls) if call.dispatched), key=lambda i: (calls[i].dispatched, i))
    for i in order:
        call, school = calls[i], by_code.get(calls[i].school_code)
        is_ours = call.call_type in ours and call.unit[:2] in {"SS", "BU", "P-"}
        if school is not None and is_ours and school.in_program and _is_in_school_hours(call):
            sent[i] = watch.send(call, school)
    return sent


def _is_in_school_hours(call: Call) -> bool:
    return call.occurred.weekday() < _WEEKEND and call.occurred.hour in range(7, 16)


class _Watch:
    """The officers of the zones, and until when each is on a call."""

    def __init__(self, schools: Sequence[School], ways: pd.DataFrame) -> None:
        zones = sorted({school.zone for school in schools})
        self.posts = {zone: [s.code for s in schools if s.zone == zone and s.in_program] for zone in zones}
        self.places, self.ways = posts_of(schools), ways
        self.chance, self.until = stream("who comes"), dict[str, dt.datetime]()

    def send(self, call: Call, school: School) -> Call:
        """Decide who comes to a call, and when it is over."""
        assert call.dispatched is not None and call.arrived is not None and call.cleared is not None  # noqa: PT018, S101
        at, scene = call.dispatched, call.cleared - call.arrived
        if call.source == "On-view":
            self._keep(school.zone, at, call.cleared)
            return replace(call, unit=f"SS-{school.zone}")
        free = [zone for zone in self.posts if self.until.get(zone, at) <= at]
        is_diverted, is_away = happens(self.chance, DIVERTED_SHARE), happens(self.chance, UNAVAILABLE_SHARE)
        if is_away and school.zone in free:
            free.remove(school.zone)
        if is_diverted or not free:
            unit = one_of(self.chance, PATROL)
            arrived = _after(at, travel_min(self.chance, unit, school.place, self.places))
            return replace(call, unit=unit, arrived=arrived, cleared=arrived + scene)
        zone = school.zone if school.zone in free else min(free, key=lambda one: (self._mean_way(one, school), one))
        start = one_of(self.chance, self.posts[zone])
        mean = TURNOUT_MIN + TRIP_FACTOR * float(self.ways[school.code].loc[start])
        # The mean of a log-normal is its median times this.
        arrived = _after(at, minutes(self.chance, mean / math.exp(_SPREAD**2 / 2), spread=_SPREAD))
        self._keep(zone, at, arrived + scene)
        unit = f"{'SS' if zone == school.zone else 'BU'}-{zone}"
        return replace(call, unit=unit, arrived=arrived, cleared=arrived + scene)

    def _keep(self, zone: str, at: dt.datetime, until: dt.datetime) -> None:
        self.until[zone] = max(self.until.get(zone, at), until)

    def _mean_way(self, zone: str, school: School) -> float:
        return float(self.ways.loc[self.posts[zone], school.code].mean())


def _after(moment: dt.datetime, delay_min: float) -> dt.datetime:
    return moment + dt.timedelta(seconds=round(60 * delay_min))
