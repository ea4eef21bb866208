"""Streets and places: a connected network over the district, denser in its towns."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

from shapely import LineString, Polygon

from data.generator.chance import sample, stream
from data.generator.ground import SHAPE, Node, Point, border_streets, lonlat, node_place, street

_LEFT_OUT = 0.16
_HIGHWAYS = {"column": {8: "Cinderpan Highway", 22: "Saltgrass Parkway"}, "row": {12: "Old Tessaly Road"}}
_ROOTS = (
    "Alkali", "Bitterbrush", "Cairn", "Drymarsh", "Ephedra", "Flint", "Greasewood", "Hornfels", "Ironwash", "Jasper",
    "Kiln", "Longwater", "Mica", "Nightjar", "Obsidian", "Playa", "Quartzite", "Rabbitbrush", "Shadscale", "Tuff",
    "Upland", "Vesper", "Windrow", "Yucca", "Zeolite", "Basalt", "Cholla", "Dustdevil", "Echo", "Fescue", "Gypsum",
    "Hopsage",
)  # fmt: skip
_SPEEDS_KPH = {"Highway": 90, "Parkway": 80, "Road": 70, "Avenue": 55, "Way": 40, "Lane": 40}


@dataclass(frozen=True)
class Town:
    """A place: its name, middle and size in kilometers."""

    name: str
    middle: Point
    radius: float


TOWNS = (
    Town("Tessaly", (0.6, 1.4), 2.3),
    Town("Harrow", (-5.6, 3.3), 1.5),
    Town("Quillon Springs", (6.8, 2.2), 1.7),
    Town("Ostrey", (3.6, -3.6), 1.6),
)


@dataclass(frozen=True)
class Street:
    """One segment of the network, in degrees."""

    name: str
    speed_kph: int
    line: LineString


def town_polygons(district: Polygon) -> dict[str, Polygon]:
    """Make the places.

    Parameters
    ----------
    district
        Boundary of the district, degrees.

    Returns
    -------
    dict of str to shapely.Polygon
        Name → outline in degrees, inside the district.
    """
    outlines = {town.name: Polygon([lonlat(p) for p in _outline(town)]) for town in TOWNS}
    outside = [name for name, outline in outlines.items() if not district.contains(outline)]
    if outside:
        raise ValueError(f"Places reach out of the district: {', '.join(outside)}")
    return outlines


def _outline(town: Town) -> list[Point]:
    chance = stream(f"town {town.name}")
    phases = [2 * math.pi * chance.random() for _ in range(4)]
    points = []
    for step in range(48):
        angle = 2 * math.pi * step / 48
        wave = sum(0.12 / n * math.sin((n + 1) * angle + phase) for n, phase in enumerate(phases, start=1))
        reach = town.radius * (1 + wave)
        points.append((town.middle[0] + reach * math.cos(angle), town.middle[1] + 0.8 * reach * math.sin(angle)))
    return points


def streets(district: Polygon) -> list[Street]:
    """Make the streets.

    Parameters
    ----------
    district
        Boundary of the district, degrees.

    Returns
    -------
    list of Street
        Segments from node to node, all connected.
    """
    pairs = _connected(_thinned(_pairs_inside(district)))
    return [Street(*_name_of(*pair), _line(*pair)) for pair in pairs]


def _pairs_inside(district: Polygon) -> list[tuple[Node, Node]]:
    nodes = itertools.product(range(SHAPE[0]), range(SHAPE[1]))
    pairs = [((i, j), other) for i, j in nodes for other in ((i + 1, j), (i, j + 1))]
    wanted = [pair for pair in pairs if _is_main(*pair) or all(_is_in_town(node) for node in pair)]
    return [pair for pair in wanted if district.contains(_line(*pair))]


def _line(a: Node, b: Node) -> LineString:
    return LineString([lonlat(p) for p in street(a, b)])


def _is_main(a: Node, b: Node) -> bool:
    return a[1] == b[1] and a[1] % 2 == 0 if a[0] != b[0] else a[0] % 2 == 0


def _is_in_town(node: Node) -> bool:
    place = node_place(node)
    return any(math.dist(place, town.middle) < 0.9 * town.radius for town in TOWNS)


def _thinned(pairs: list[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
    """Leave some streets out, as in open country; never one that zones border on, nor a highway."""
    borders = border_streets()
    free = [p for p in pairs if frozenset(p) not in borders and _name_of(*p)[1] < _SPEEDS_KPH["Road"]]
    left_out = set(sample(stream("streets left out"), free, round(_LEFT_OUT * len(free))))
    return [pair for pair in pairs if pair not in left_out]


def _connected(pairs: list[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
    """Keep the largest part in which each street can be reached from each other."""
    parts: list[set[Node]] = []
    for pair in pairs:
        touching = [part for part in parts if part & set(pair)]
        parts = [part for part in parts if not part & set(pair)] + [set(pair).union(*touching)]
    largest = max(parts, key=len)
    return [pair for pair in pairs if pair[0] in largest]


def _name_of(a: Node, b: Node) -> tuple[str, int]:
    is_row = a[0] != b[0]
    line = a[1] if is_row else a[0]
    highway = _HIGHWAYS["row" if is_row else "column"].get(line)
    if highway is not None:
        return highway, _SPEEDS_KPH[highway.split()[-1]]
    kind = "Avenue" if line % 2 == 0 and line % 6 == 0 else "Way" if is_row else "Lane"
    root = _ROOTS[(line * (1 if is_row else 3) + (0 if is_row else 7)) % len(_ROOTS)]
    return f"{root} {kind}", _SPEEDS_KPH[kind]
