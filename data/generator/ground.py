"""The ground: a lattice of streets, zones that follow it, and the boundary around them."""

from __future__ import annotations

import itertools
import math

from shapely import Polygon

from data.generator.chance import normal, stream

Point = tuple[float, float]
Node = tuple[int, int]

ORIGIN = (-117.3, 38.4)
"""Longitude and latitude of the middle: open desert in central Nevada, where nobody lives."""
KM_PER_DEGREE = (111.32 * math.cos(math.radians(ORIGIN[1])), 110.99)
DECIMALS = 6
HALF = 0.6
"""Kilometers between neighboring nodes; main streets run along the even ones."""
SHAPE = (33, 25)
SOUTH_WEST = (-9.6, -7.2)

_JUNCTIONS: dict[str, tuple[str, Point]] = {
    "B": ("west", (-9.3, 1.2)),
    "L": ("south", (-3.8, -6.5)),
    "K": ("south", (0.1, -5.2)),
    "J": ("south", (5.0, -6.9)),
    "H": ("east", (9.6, -1.2)),
    "E": ("north", (4.6, 5.1)),
    "D": ("north", (-1.0, 6.7)),
    "C": ("north", (-4.6, 5.9)),
}
"""Where borders between zones meet the boundary: side, and kilometers from the middle."""

_BOUNDARY: tuple[tuple[str, str, tuple[Point, ...], float], ...] = (
    ("B", "L", ((-9.1, -2.9), (-7.4, -3.0), (-7.2, -6.4)), 0.0),
    ("L", "K", ((-2.4, -6.7), (-2.3, -5.2)), 0.02),
    ("K", "J", ((2.6, -5.4), (3.0, -7.0)), 0.03),
    ("J", "H", ((8.2, -6.6), (8.4, -3.6), (9.7, -2.9)), 0.0),
    ("H", "E", ((9.8, 2.6), (8.3, 6.2), (6.4, 6.5)), 0.09),
    ("E", "D", ((1.4, 6.9),), 0.08),
    ("D", "C", ((-2.9, 7.3),), 0.07),
    ("C", "B", ((-7.3, 5.6), (-8.2, 3.4)), 0.05),
)
"""The boundary against the clock: from, to, corners between, and how rough (0 is a surveyed, straight line)."""

_SPINE: dict[str, tuple[Node, ...]] = {
    "B1": ((1, 7), (2, 7), (3, 7), (4, 7)),
    "12": ((4, 7), (4, 6), (5, 6)),
    "23": ((5, 6), (6, 6), (7, 6)),
    "34": ((7, 6), (8, 6), (8, 5), (9, 5)),
    "45": ((9, 5), (10, 5), (10, 6), (11, 6)),
    "56": ((11, 6), (12, 6), (12, 5), (13, 5)),
    "6H": ((13, 5), (14, 5), (15, 5)),
}
_BRANCHES: dict[str, tuple[Node, ...]] = {
    "C": ((4, 7), (4, 8), (4, 9), (4, 10)),
    "L": ((5, 6), (5, 5), (4, 5), (4, 4), (4, 3), (5, 3), (5, 2)),
    "D": ((7, 6), (7, 7), (8, 7), (8, 8), (8, 9), (7, 9), (7, 10)),
    "K": ((9, 5), (9, 4), (8, 4), (8, 3)),
    "E": ((11, 6), (11, 7), (12, 7), (12, 8), (12, 9)),
    "J": ((13, 5), (13, 4), (12, 4), (12, 3), (12, 2)),
}
"""Borders between zones, along main streets: the spine from west to east, and branches to the boundary."""

_ZONES: dict[str, tuple[str, ...]] = {
    "1": ("B1", "+C", "C>B"),
    "2": ("12", "23", "+D", "D>C", "-C"),
    "3": ("34", "45", "+E", "E>D", "-D"),
    "4": ("56", "6H", "H>E", "-E"),
    "5": ("B>L", "-L", "~12", "~B1"),
    "6": ("+L", "L>K", "-K", "~34", "~23"),
    "7": ("+K", "K>J", "-J", "~56", "~45"),
    "8": ("+J", "J>H", "~6H"),
}
"""The ring of each zone, against the clock: ``+`` out along a branch, ``-`` back, ``~`` the spine backwards."""


def lonlat(point: Point) -> Point:
    """Turn kilometers into degrees.

    Parameters
    ----------
    point
        Kilometers east and north of the middle.

    Returns
    -------
    tuple of float
        Longitude and latitude, rounded, so that equal corners stay equal.
    """
    lon, lat = (ORIGIN[axis] + point[axis] / KM_PER_DEGREE[axis] for axis in (0, 1))
    return round(lon, DECIMALS), round(lat, DECIMALS)


def node_place(node: Node) -> Point:
    """Place a node of the lattice.

    Parameters
    ----------
    node
        Its column and row.

    Returns
    -------
    tuple of float
        Kilometers east and north of the middle: a lattice bent in long waves and jittered.
    """
    i, j = node
    chance = stream(f"node {i} {j}")
    x = SOUTH_WEST[0] + HALF * i + 0.28 * math.sin(0.31 * j + 0.4) + 0.12 * (chance.random() - 0.5)
    y = SOUTH_WEST[1] + HALF * j + 0.3 * math.sin(0.24 * i) + 0.12 * (chance.random() - 0.5)
    return x, y


def street(a: Node, b: Node) -> list[Point]:
    """Draw the street between two neighboring nodes.

    Parameters
    ----------
    a, b
        The nodes.

    Returns
    -------
    list of tuple of float
        Kilometers; the same bend whichever end comes first.
    """
    first, last = min(a, b), max(a, b)
    bent = rough_line([node_place(first), node_place(last)], 0.06, purpose=f"street {first} {last}", finest=0.3)
    return bent if (first, last) == (a, b) else bent[::-1]


def rough_line(corners: list[Point], roughness: float, *, purpose: str, finest: float = 0.2) -> list[Point]:
    """Bend a line by displacing the middles of its parts, over and over.

    Parameters
    ----------
    corners
        Corners, kilometers.
    roughness
        Displacement, as a share of the part's length.
    purpose
        Names the stream of random numbers.
    finest
        Length in kilometers below which a part is left as it is.

    Returns
    -------
    list of tuple of float
        The line, its corners kept.
    """
    chance = stream(purpose)
    line = corners
    while roughness > 0 and any(math.dist(a, b) > finest for a, b in itertools.pairwise(line)):
        bent = [line[0]]
        for a, b in itertools.pairwise(line):
            if math.dist(a, b) > finest:
                shift = roughness * normal(chance)
                bent.append(((a[0] + b[0]) / 2 - shift * (b[1] - a[1]), (a[1] + b[1]) / 2 + shift * (b[0] - a[0])))
            bent.append(b)
        line = bent
    return line


def zone_polygons() -> dict[str, Polygon]:
    """Make the zones.

    Returns
    -------
    dict of str to shapely.Polygon
        Zone id → polygon in degrees; neighbors share every corner of their border.
    """
    return {zone: Polygon(_ring(parts)) for zone, parts in _ZONES.items()}


def boundary_polygon() -> Polygon:
    """Make the boundary of the district.

    Returns
    -------
    shapely.Polygon
        Polygon in degrees, made of the outer corners of the zones.
    """
    return Polygon(_ring(tuple(f"{a}>{b}" for a, b, *_ in _BOUNDARY)))


def border_streets() -> set[frozenset[Node]]:
    """List the streets that zones border on.

    Returns
    -------
    set of frozenset
        Pairs of neighboring nodes.
    """
    paths = [*_SPINE.values(), *_BRANCHES.values()]
    return {frozenset(pair) for path in paths for pair in itertools.pairwise(_half_nodes(path))}


def kilometers(place: Point) -> Point:
    """Turn degrees into kilometers, the inverse of `lonlat`.

    Parameters
    ----------
    place
        Longitude and latitude.

    Returns
    -------
    tuple of float
        Kilometers east and north of the middle.
    """
    x, y = ((place[axis] - ORIGIN[axis]) * KM_PER_DEGREE[axis] for axis in (0, 1))
    return x, y


def _ring(parts: tuple[str, ...]) -> list[Point]:
    ring: list[Point] = []
    for part in parts:
        line = [lonlat(p) for p in _part(part)]
        ring += line[1:] if ring and ring[-1] == line[0] else line
    return ring


def _part(part: str) -> list[Point]:
    if ">" in part:
        start, end, corners, roughness = next(b for b in _BOUNDARY if part == f"{b[0]}>{b[1]}")
        ends = [_JUNCTIONS[name][1] for name in (start, end)]
        return rough_line([ends[0], *corners, ends[1]], roughness, purpose=f"boundary {part}")
    if part[0] in "+-":
        out = [*_along(_BRANCHES[part[1]]), _JUNCTIONS[part[1]][1]]
        return out if part[0] == "+" else out[::-1]
    name = part.removeprefix("~")
    line = _along(_SPINE[name])
    if name[0] in _JUNCTIONS:
        line = [_JUNCTIONS[name[0]][1], *line]
    if name[-1] in _JUNCTIONS:
        line = [*line, _JUNCTIONS[name[-1]][1]]
    return line[::-1] if part.startswith("~") else line


def _half_nodes(path: tuple[Node, ...]) -> list[Node]:
    doubled = [(2 * i, 2 * j) for i, j in path]
    between = [((a[0] + b[0]) // 2, (a[1] + b[1]) // 2) for a, b in itertools.pairwise(doubled)]
    return [node for pair in zip(doubled, [*between, doubled[-1]], strict=True) for node in pair][:-1]


def _along(path: tuple[Node, ...]) -> list[Point]:
    nodes = _half_nodes(path)
    lines = [street(a, b) for a, b in itertools.pairwise(nodes)]
    return [lines[0][0], *(point for line in lines for point in line[1:])]
