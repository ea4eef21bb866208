"""The map of a plan, as the independent checker sees it: zones that tile the units, and links that are borders."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from safeschools_geo.check_report import Check, check_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from safeschools_geo.rebalance.checking.record import Edge, Record

    Shapes: TypeAlias = dict[str, BaseGeometry]

ROUNDING_M = 0.05
"""Coordinates are written to about 1 cm: what is thinner than this is rounding."""

SLIVER_M = 1.0
"""An enclosed gap that is narrower than this is a sliver; a wider one is taken for a place outside the district."""

_SPECK_M2 = 0.01
_HELD = 0.05
"""Share of a unit that a zone beside it may hold, so that a school on the border is in its planned zone."""

_SNAP_M = 0.1
_MIN_SHARED_M = 0.5
_EARTH_M = 6_371_008.8
_BESIDE_M, _ALONG_M = 1.0, 20.0
"""Units within so much of each other, along so much, are neighbors: what says otherwise is in dispute."""


@dataclass(frozen=True)
class Drawn:
    """The shapes of units and zones in metres, and what could not be drawn.

    Parameters
    ----------
    units, zones
        Id → shape, in metres.
    faults
        What is wrong → ids.
    """

    units: Shapes
    zones: Shapes
    faults: Mapping[str, list[str]]


def draw(record: Record) -> Drawn:
    """Turn the layers of a plan into shapes measured in metres.

    Parameters
    ----------
    record
        The files.

    Returns
    -------
    Drawn
        Longitude and latitude are stretched to metres by the district's middle latitude, which keeps straight lines
        straight; coordinates that are no degrees are taken for metres.
    """
    faults: dict[str, list[str]] = defaultdict(list)
    units = _shapes(record.unit_features, "unit_id", faults)
    zones = _shapes(record.zone_features, "zone_id", faults)
    if record.is_degrees and units and _look_like_degrees([*units.values(), *zones.values()]):
        _, south, _, north = shapely.total_bounds(list(units.values()))
        units, zones = (_in_metres(shapes, latitude=(south + north) / 2) for shapes in (units, zones))
    return Drawn(units, zones, faults)


def shape_checks(record: Record, drawn: Drawn) -> list[Check]:
    """Check the map of a plan.

    Parameters
    ----------
    record
        The files.
    drawn
        Their shapes.

    Returns
    -------
    list of Check
        ``shapes``; where those are sound, ``tiling``, ``edges`` and notes on links.
    """
    sound = check_of("shapes", drawn.faults, "all shapes are valid polygons", noun="shape")
    if not sound.passed:
        return [sound]
    return [sound, *_tiling(record, drawn), *_edges(record, drawn)]


def _shapes(features: Iterable[Mapping[str, Any]], key: str, faults: dict[str, list[str]]) -> Shapes:
    shapes: Shapes = {}
    for feature in features:
        name = feature["properties"][key]
        try:
            drawn = shape(feature["geometry"])
        except (AttributeError, KeyError, TypeError, ValueError, IndexError, shapely.GEOSException):
            faults["that cannot be drawn"].append(name)
            continue
        if drawn.geom_type not in {"Polygon", "MultiPolygon"} or drawn.is_empty:
            faults["that are no polygons"].append(name)
        elif not (drawn.is_valid and all(map(math.isfinite, drawn.bounds))):
            faults["that are not valid (an edge crosses another)"].append(name)
        else:
            shapes[name] = drawn
    return shapes


def _look_like_degrees(shapes: list[BaseGeometry]) -> bool:
    west, south, east, north = shapely.total_bounds(shapes)
    return bool(-180 <= west <= east <= 180 and -90 < south <= north < 90)  # noqa: PLR2004 - the whole globe


def _in_metres(shapes: Shapes, *, latitude: float) -> Shapes:
    degree = math.radians(1) * _EARTH_M
    stretch = [degree * math.cos(math.radians(latitude)), degree]
    return {name: shapely.transform(s, lambda xy: xy * stretch) for name, s in shapes.items()}


def _tiling(record: Record, drawn: Drawn) -> list[Check]:
    ground = shapely.union_all(list(drawn.units.values()))
    covered = shapely.union_all(list(drawn.zones.values()))
    gap, beyond = shapely.difference(ground, covered), shapely.difference(covered, ground)
    outside = _outside(record, drawn)
    faults = {
        "of which ground is in no zone": _touching(drawn.units, gap),
        "that a zone reaches beyond": _touching(drawn.units, beyond),
        "that overlap": _overlaps(drawn.units),
        "beside a sliver that is in none": _touching(drawn.units, _slivers(ground)),
        "that lie outside their planned zone": [i for i, m2 in outside.items() if m2 > _HELD * drawn.units[i].area],
    }
    zones = {"that overlap": _overlaps(drawn.zones)}
    told = [check_of("tiling", faults, ""), check_of("tiling", zones, "", noun="zone")]
    said = " ".join(c.message for c in told if not c.passed)
    whole = "The zones cover the units, without gap, overlap or sliver, and every unit lies in its planned zone."
    found = [Check("tiling", passed=not said, message=said or whole)]
    if outside and not said:
        names = sorted(outside, key=lambda i: -outside[i])
        held = ", ".join(f"{i} ({outside[i]:,.0f} m²)" for i in names[:5])
        note = f"Zones hold ground at the rim of {len(names)} units of other zones, as for school grounds: {held}."
        found.append(Check("ground_held", passed=None, message=note))
    return found


def _outside(record: Record, drawn: Drawn) -> dict[str, float]:
    parts = {u.unit_id: (drawn.units.get(u.unit_id), drawn.zones.get(u.after)) for u in record.units}
    found = {}
    for name, (unit, zone) in parts.items():
        if unit is not None and zone is not None:
            outside = shapely.difference(unit, zone)
            if not _is_rounding(outside, along=unit):
                found[name] = float(outside.area)
    return found


def _touching(shapes: Shapes, area: BaseGeometry) -> list[str]:
    parts = [p for p in shapely.get_parts(area) if not _is_rounding(p, along=p)]
    return [name for name, s in shapes.items() if any(shapely.dwithin(s, p, ROUNDING_M) for p in parts)]


def _is_rounding(area: BaseGeometry, *, along: BaseGeometry) -> bool:
    # Thin, and no larger than a hair along the whole outline; the second is cheap, the first is exact.
    if shapely.area(area) <= _SPECK_M2:
        return True
    is_small = shapely.area(area) <= ROUNDING_M * max(shapely.length(along), ROUNDING_M)
    return bool(is_small and shapely.is_empty(shapely.buffer(area, -ROUNDING_M / 2)))


def _overlaps(shapes: Shapes) -> list[str]:
    names, drawn = list(shapes), list(shapes.values())
    tree = shapely.STRtree(drawn)
    found = set()
    for i, one in enumerate(drawn):
        for j in tree.query(one, predicate="intersects"):
            if i < j and not _is_rounding(shapely.intersection(one, drawn[j]), along=one):
                found |= {names[i], names[j]}
    return sorted(found)


def _slivers(ground: BaseGeometry) -> BaseGeometry:
    holes = [shapely.Polygon(ring) for part in shapely.get_parts(ground) for ring in part.interiors]
    return shapely.MultiPolygon([h for h in holes if shapely.is_empty(shapely.buffer(h, -SLIVER_M / 2))])


def _edges(record: Record, drawn: Drawn) -> list[Check]:
    snap = _stated(record, "snap_m", _SNAP_M) + ROUNDING_M / 5
    least = _stated(record, "min_shared_m", _MIN_SHARED_M) * 0.9
    borders = [e for e in record.edges if e.kind == "border"]
    lengths = [(e, _shared_m(drawn.units, e.a, e.b, snap)) for e in borders]
    known = {"border", "bridge", "extra"}
    faults = {
        "that is no border: the units do not meet along a line": [_name(e) for e, m in lengths if m < least],
        "of an unknown kind": [f"{_name(e)} ({e.kind})" for e in record.edges if e.kind not in known],
    }
    checks = [check_of("edges", faults, f"{len(borders):,} links are borders on the map", noun="link")]
    others = [e for e in record.edges if e.kind in {"bridge", "extra"}]
    if others:
        told = ", ".join(f"{_name(e)} ({e.kind})" for e in others[:5])
        said = f"{len(others)} of {len(record.edges):,} links are no borders but were added: {told}."
        checks.append(Check("links_added", passed=None, message=said))
    missing = _missing(record.edges, drawn.units, snap=snap, least=max(1.0, least / 0.9 * 1.1))
    if missing:
        said = f"{len(missing)} pairs of units share a border and are not linked: {', '.join(missing[:5])}."
        checks.append(Check("links_left_out", passed=None, message=said))
    return [*checks, *_neighbors(record, drawn)]


def _neighbors(record: Record, drawn: Drawn) -> list[Check]:
    """Fail where the drawing leaves open who borders whom: contiguity, and so every proof, rests on it."""
    told = {frozenset(pair) for pair in record.pairs("apart")}
    open_pairs = _unlinked_beside(record.edges, drawn.units)
    far = [
        f"{_name(e)} ({apart:,.0f} m)"
        for e in record.edges
        if e.kind == "border" and e.a in drawn.units and e.b in drawn.units
        if (apart := shapely.distance(drawn.units[e.a], drawn.units[e.b])) > _BESIDE_M
    ]
    faults = {
        "unlinked though it runs beside the other within a meter, along 20 m or more": [
            f"{a}–{b}" for a, b in open_pairs if frozenset((a, b)) not in told
        ],
        "linked as by a border though the units lie apart": far,
    }
    whole = "the drawing leaves no doubt who borders whom"
    checks = [check_of("neighbors", faults, whole, noun="pair")]
    kept = [f"{a}–{b}" for a, b in open_pairs if frozenset((a, b)) in told]
    if kept:
        said = f"{len(kept)} pairs share a border and are kept apart, as the certificate says: {', '.join(kept[:5])}."
        checks.append(Check("links_kept_apart", passed=None, message=said))
    return checks


def _unlinked_beside(edges: Iterable[Edge], units: Shapes) -> list[tuple[str, str]]:
    linked = {frozenset((e.a, e.b)) for e in edges}
    names, drawn = list(units), list(units.values())
    tree, wide = shapely.STRtree(drawn), dict[int, BaseGeometry]()
    found = []
    for i, one in enumerate(drawn):
        for j in map(int, tree.query(one, predicate="dwithin", distance=_BESIDE_M)):
            if i >= j or frozenset((names[i], names[j])) in linked:
                continue
            for k in (i, j):
                wide.setdefault(k, shapely.buffer(drawn[k], _BESIDE_M))
            along = (shapely.intersection(one.boundary, wide[j]), shapely.intersection(drawn[j].boundary, wide[i]))
            if min(map(shapely.length, along)) >= _ALONG_M:
                found.append((names[i], names[j]))
    return found


def _stated(record: Record, key: str, default: float) -> float:
    value = record.certificate.get(key, default)
    return float(value) if isinstance(value, int | float) and value >= 0 else default


def _name(edge: Edge) -> str:
    return f"{edge.a}–{edge.b}"


def _shared_m(units: Shapes, a: str, b: str, snap: float) -> float:
    if a not in units or b not in units:
        return 0.0
    one, other = units[a], units[b]
    rims = ((one.boundary, other), (other.boundary, one))
    return min(shapely.length(shapely.intersection(rim, shapely.buffer(area, snap))) for rim, area in rims)


def _missing(edges: Iterable[Edge], units: Shapes, *, snap: float, least: float) -> list[str]:
    linked = {frozenset((e.a, e.b)) for e in edges}
    names, drawn = list(units), list(units.values())
    tree = shapely.STRtree(drawn)
    pairs = [
        (names[i], names[j])
        for i, one in enumerate(drawn)
        for j in tree.query(one, predicate="dwithin", distance=snap)
        if i < j and frozenset((names[i], names[j])) not in linked
    ]
    return [f"{a}–{b}" for a, b in pairs if _shared_m(units, a, b, snap) >= least]
