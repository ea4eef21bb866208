"""The schools: where they stand, what they are called, and how many students they have."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import shapely
from shapely import LineString, Polygon
from shapely import Point as ShapelyPoint

from data.generator.chance import happens, normal, stream
from data.generator.ground import Point, kilometers, lonlat
from data.generator.streets import TOWNS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from shapely.geometry.base import BaseGeometry

    from data.generator.streets import Street

_CLOSEST_KM = 0.55
_FROM_BORDER_KM = 0.15
_FROM_STREET_KM = 0.25
_COUNTS = {
    "1": {"K-6": 5, "7-8": 1, "9-12": 1},
    "2": {"K-6": 3, "K-5": 2, "6-8": 1, "7-8": 1, "9-12": 1, "K-8": 1},
    "3": {"K-6": 4, "K-5": 2, "6-8": 1, "7-8": 1, "9-12": 1, "ALT": 1},
    "4": {"K-6": 5, "7-8": 1, "9-12": 1, "K-8": 1},
    "5": {"K-6": 4, "7-8": 1, "9-12": 1, "K-8": 1},
    "6": {"K-6": 3, "K-5": 2, "6-8": 1, "7-8": 1, "9-12": 1},
    "7": {"K-6": 5, "7-8": 2, "9-12": 1, "ALT": 1},
    "8": {"K-6": 3, "7-8": 1, "9-12": 1, "K-8": 1},
}
"""Schools by zone and grade span."""
_STUDENTS: dict[str, tuple[float, float]] = {
    "K-6": (485, 0.2), "K-5": (440, 0.2), "6-8": (720, 0.15), "7-8": (620, 0.15), "9-12": (1460, 0.16),
    "K-8": (540, 0.15), "ALT": (150, 0.2),
}  # fmt: skip
"""Grade span → usual number of students, and its spread."""
LARGE_ZONE = "3"
LARGE_FACTOR = 1.5
"""The schools of this zone have so many times the usual number of students."""
_KINDS = {
    "K-6": "Elementary", "K-5": "Elementary", "6-8": "Middle", "7-8": "Middle", "9-12": "High", "K-8": "K-8",
    "ALT": "Continuation",
}  # fmt: skip
_ROOTS = (
    "Aldersyke", "Bexmoor", "Corvane", "Dunmarrow", "Elverdask", "Fennimark", "Gossamere", "Hathervale", "Ivenstead",
    "Joscarn", "Kestrovia", "Lathmere", "Mirrowick", "Norrigand", "Ostrelle", "Peñalume", "Quarrendine", "Rushmarch",
    "Selwith", "Tarnhollow", "Ulvernesse", "Varnholt", "Wendrake", "Xanthorne", "Yarrowfell", "Zephrada", "Ambervoe",
    "Brindlemoor", "Cindrith", "Dapplewade", "Eskerling", "Frostenby", "Gullivane", "Hollowmuir", "Inkerdale",
    "Jundabrook", "Klaventry", "Lowtharn", "Moordannock", "Nettlequay", "Oxbarrow", "Plinthorpe", "Quillonby",
    "Ravendask", "Skerrigold", "Thessaby", "Umberleet", "Vexlington", "Wyndolac", "Yostervane", "Zindlewick",
    "Arkwenna", "Blaisemoor", "Croftunel", "Druskilde", "Embergast", "Flaxenwold", "Grithmund", "Hespervale",
    "Ilkandor", "Jessoprith", "Kirrandale", "Lumbrizar", "Mossgrave",
)  # fmt: skip


@dataclass(frozen=True)
class School:
    """A school of the demo.

    Parameters
    ----------
    code
        Its id, seven digits.
    students
        Students enrolled.
    is_listed
        Whether the school file gives the number of students.
    place
        Longitude and latitude.
    """

    code: str
    name: str
    span: str
    students: int
    is_listed: bool
    in_program: bool
    zone: str
    place: Point


@dataclass(frozen=True)
class Roles:
    """Codes of the schools that something is planted at."""

    hotspot: tuple[str, ...]
    officer_initiated: str
    rising: str
    falling: str


def make_schools(zones: dict[str, Polygon], streets: Sequence[Street]) -> list[School]:
    """Make the schools.

    Parameters
    ----------
    zones
        Zones in degrees.
    streets
        Streets; every school is near one.

    Returns
    -------
    list of School
        Schools in the order of their zones.
    """
    chance = stream("schools")
    spans = [(zone, span) for zone, counts in _COUNTS.items() for span, n in counts.items() for _ in range(n)]
    roots = sorted(_ROOTS, key=lambda root: stream(f"root {root}").random())
    places = _places(chance, zones, streets)
    without_number = {_first(spans, "6", "K-5"), _first(spans, "7", "ALT")}
    outside_program = {_first(spans, "5", "K-8"), _first(spans, "2", "K-5")}
    schools = []
    code = 40_112
    for n, ((zone, span), root, place) in enumerate(zip(spans, roots, places, strict=True)):
        code += 3 + int(90 * chance.random())
        usual, spread = _STUDENTS[span]
        usual *= LARGE_FACTOR if zone == LARGE_ZONE else 1
        schools.append(
            School(
                code=f"{code:07d}",
                name=f"{root} {_KINDS[span]}",
                span=span,
                students=round(usual * math.exp(spread * max(-2.0, min(2.0, normal(chance))))),
                is_listed=n not in without_number,
                in_program=n not in outside_program,
                zone=zone,
                place=place,
            )
        )
    return schools


def give_roles(schools: list[School]) -> Roles:
    """Choose the schools that something is planted at.

    Parameters
    ----------
    schools
        The schools.

    Returns
    -------
    Roles
        The three elementary and middle schools of Zone 4 that are closest together, and three middle schools of other
        zones.
    """
    fit = [s for s in schools if s.zone == "4" and s.span not in {"9-12", "K-8"}]
    hotspot = min(itertools.combinations(fit, 3), key=_width_km)
    middle = {s.zone: s.code for s in schools if s.span == "7-8"}
    return Roles(tuple(s.code for s in hotspot), officer_initiated=middle["7"], rising=middle["6"], falling=middle["2"])


def _width_km(schools: tuple[School, ...]) -> float:
    return max(math.dist(kilometers(a.place), kilometers(b.place)) for a, b in itertools.combinations(schools, 2))


def _first(spans: list[tuple[str, str]], zone: str, span: str) -> int:
    return spans.index((zone, span))


def _places(chance: Random, zones: dict[str, Polygon], streets: Sequence[Street]) -> list[Point]:
    """Place the schools of each zone, elementary schools in its outskirts."""
    lines = [LineString([kilometers((x, y)) for x, y in street.line.coords]) for street in streets]
    near_streets = shapely.union_all([line.buffer(_FROM_STREET_KM) for line in lines])
    taken: list[Point] = []
    for zone, polygon in zones.items():
        inner = Polygon([kilometers((x, y)) for x, y in polygon.exterior.coords]).buffer(-_FROM_BORDER_KM)
        area = inner.intersection(near_streets)
        shapely.prepare(area)
        places: list[Point] = []
        for _ in range(sum(_COUNTS[zone].values())):
            places.append(_free_place(chance, area, [*taken, *places]))
        taken += sorted(places, key=_settled)
    return [lonlat(place) for place in taken]


def _free_place(chance: Random, area: BaseGeometry, taken: list[Point]) -> Point:
    low_x, low_y, high_x, high_y = area.bounds
    while True:
        place = (low_x + (high_x - low_x) * chance.random(), low_y + (high_y - low_y) * chance.random())
        is_free = all(math.dist(place, other) >= _CLOSEST_KM for other in taken)
        if is_free and happens(chance, _settled(place)) and area.contains(ShapelyPoint(place)):
            return place


def _settled(place: Point) -> float:
    """Give how settled a place is, from 0 to 1: most in the towns, thinner between them."""
    nearness = (math.exp(-((math.dist(place, t.middle) / t.radius) ** 2)) for t in TOWNS)
    return min(1.0, 0.03 + sum(nearness))
