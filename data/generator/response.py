"""Who comes to a call, from where, and how long the way takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from data.generator.chance import minutes, one_of, pick
from data.generator.ground import Point, kilometers
from data.generator.streets import TOWNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random

    from data.generator.campuses import School

PATROL = ("P-11", "P-12", "P-14", "P-17", "P-21", "P-23")
SPECIALIST = "TA-1"

_TURNOUT_MIN = {"SS": 1.5, "BU": 3.0, "P": 4.0, "TA": 10.0}
"""Minutes before the way begins, by the first letters of the unit."""
_MIN_PER_KM = 1.95
"""Minutes for a kilometer of the straight line: 40 km/h, by streets 1.3 times as long."""
_SPREAD = 0.45

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
