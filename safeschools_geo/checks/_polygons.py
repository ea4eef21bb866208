"""Polygons: repaired where they are not valid, measured in meters, and whether zones cover the district once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from pyproj import Geod

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import GeometryError, count_text, name_ids
from safeschools_geo.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pyproj import CRS


# ── How findings are reported: only of rows that there are, and in numbers that read well


def report_rows(
    ids: Iterable[object],
    severity: Severity,
    code: str,
    table: str,
    message: str,
    *,
    expected: str,
    remedy: str,
    location: tuple[float, float] | None = None,
) -> list[Finding]:
    """Report rows, if there are any.

    Parameters
    ----------
    ids
        The rows concerned.
    severity, code, table, message, expected, remedy, location
        As in `Finding`.

    Returns
    -------
    list of Finding
        One finding; none when there are no rows.
    """
    named = tuple(str(i) for i in ids)
    return [Finding(severity, code, table, message, named, expected, remedy, location)] if named else []


def part_text(number: int, total: int, noun: str) -> str:
    """Write a number of things out of all, and its share.

    Parameters
    ----------
    number
        How many.
    total
        Out of how many.
    noun
        What they are, in the singular.

    Returns
    -------
    str
        For example ``"686 of 125,590 incidents (0.5 %)"``.
    """
    return f"{count_text(number, noun, of=total)} ({100 * number / max(total, 1):.1f} %)"


# ── Polygons: repaired where they are not valid, and brought to meters without bending their edges

_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON, shapely.GeometryType.GEOMETRYCOLLECTION)
_GLOBE = Geod(ellps="WGS84")
_LARGEST_IN_M2 = 100_000.0
# An edge that is straight in degrees bends when it is projected; cut this short it stays within 2 mm of its line.
_LONGEST_EDGE_DEGREES = 0.002
# One round is not always enough: where edges cross beside a corner, rounding can leave a new crossing.
_MOST_ROUNDS = 5


def repair(
    frame: gpd.GeoDataFrame, *, table: str, id_column: str = "zone_id"
) -> tuple[gpd.GeoDataFrame, list[Finding]]:
    """Make polygons valid, and say which were not.

    Parameters
    ----------
    frame
        Rows with any geometry, EPSG:4326. Points, lines and missing geometry are left as they are.
    table
        What the rows are, for the findings.
    id_column
        Column that names a row.

    Returns
    -------
    frame : geopandas.GeoDataFrame
        The same rows, their areas valid Polygons or MultiPolygons. What encloses no area becomes an empty Polygon.
    findings : list of Finding
        One for each polygon that was repaired, with the change of its area in square meters on the ellipsoid, and one
        for all that are beyond repair.

    Notes
    -----
    GEOS's ``structure`` method: rings are made valid first, then holes are taken from shells, so that both lobes of a
    bow-tie are kept, and nothing but areas comes out.
    """
    before = frame.geometry.to_numpy()
    kinds = shapely.get_type_id(before)
    is_wrong = np.isin(kinds, _AREAS) & (~shapely.is_valid(before) | (kinds == shapely.GeometryType.GEOMETRYCOLLECTION))
    if not is_wrong.any():
        return frame, []
    after = before.copy()
    after[is_wrong] = [_made_valid(shape) for shape in before[is_wrong]]
    ids = frame[id_column].astype("str").to_numpy()
    is_lost = is_wrong & shapely.is_empty(after)
    findings = [_repaired(table, ids[i], before[i], after[i]) for i in np.flatnonzero(is_wrong & ~is_lost)]
    if is_lost.any():
        findings.insert(0, _beyond_repair(table, ids[is_lost]))
    return frame.set_geometry(gpd.GeoSeries(after, index=frame.index, crs=frame.crs)), findings


def polygon_parts(shapes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take all geometries apart and keep the polygons.

    Parameters
    ----------
    shapes
        Geometries of any type, shape (n,); missing ones have no parts.

    Returns
    -------
    parts : numpy.ndarray
        Polygons that are not empty, shape (m,).
    rows : numpy.ndarray
        Position in `shapes` that each comes from, shape (m,), integers.
    """
    pieces, rows = shapely.get_parts(shapes, return_index=True)
    # A collection may hold a MultiPolygon, which comes apart the second time.
    parts, inner = shapely.get_parts(pieces, return_index=True)
    is_polygon = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & ~shapely.is_empty(parts)
    return parts[is_polygon], rows[inner][is_polygon]


def in_meters(shapes: gpd.GeoSeries, crs: CRS) -> gpd.GeoSeries:
    """Bring geometry in degrees to meters; vertices added to long edges keep them where they were drawn."""
    return shapes.segmentize(_LONGEST_EDGE_DEGREES).to_crs(crs)


def area_text(area_m2: float) -> str:
    """Write an area as a person would.

    Parameters
    ----------
    area_m2
        Square meters.

    Returns
    -------
    str
        For example ``"1,000 m²"`` or ``"199.80 km²"``.
    """
    if area_m2 < _LARGEST_IN_M2:
        return f"{area_m2:,.0f} m²" if area_m2 >= 1 else f"{area_m2:.2f} m²"
    return f"{area_m2 / 1e6:,.2f} km²"


def spot_of(shape: shapely.Geometry) -> tuple[float, float]:
    """Find a point inside a shape, to say where it is."""
    x, y = shapely.get_coordinates(shapely.point_on_surface(shape))[0].round(6).tolist()
    return x, y


def _made_valid(shape: shapely.Geometry) -> shapely.Geometry:
    nothing = shapely.Polygon()
    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return nothing
    repaired, _ = polygon_parts(np.array([shape], dtype=object))
    for _ in range(_MOST_ROUNDS):
        if shapely.is_valid(repaired).all():
            return shapely.union_all(repaired) if len(repaired) else nothing
        repaired, _ = polygon_parts(shapely.make_valid(repaired, method="structure", keep_collapsed=False))
    return nothing


def _repaired(table: str, label: str, before: shapely.Geometry, after: shapely.Geometry) -> Finding:
    fault = re.match(r"([^\[]+)(?:\[(\S+) (\S+)\])?", shapely.is_valid_reason(before))
    text, x, y = fault.groups() if fault else ("not valid", None, None)
    area = _area_m2(after)
    kind = "several kinds of geometry" if text == "Valid Geometry" else text.lower()
    return Finding(
        "warning",
        "geometry_repaired",
        table,
        f"The polygon of {label} is not valid ({kind}) and was repaired; that changed its area by "
        f"{area_text(abs(area - _area_m2(before)))}, to {area_text(area)}.",
        ids=(label,),
        expected="a polygon whose outline does not cross or touch itself",
        remedy="Compare the repaired polygon on the map with the one you mean, and save it repaired in your GIS.",
        location=spot_of(after) if x is None or y is None else (round(float(x), 6), round(float(y), 6)),
    )


def _beyond_repair(table: str, labels: np.ndarray) -> Finding:
    return Finding(
        "error",
        "geometry_beyond_repair",
        table,
        f"{count_text(len(labels), 'polygon')} without an area, beyond repair: taken as empty.",
        ids=tuple(labels),
        expected="at least three corners that do not lie on one line, all of them numbers",
        remedy="Draw these polygons again.",
    )


def _area_m2(shape: shapely.Geometry) -> float:
    parts, _ = polygon_parts(np.array([shape], dtype=object))
    return float(sum(abs(_GLOBE.geometry_area_perimeter(part)[0]) for part in shapely.orient_polygons(parts)))


# ── Patches of land where zones overlap, leave a gap, or leave the district

SLIVER_M = 1.0
"""Land that is narrower is a sliver: two drawings of one line, not a piece of land."""

_DUST_M = 0.02  # coordinates of seven decimals are exact to a centimeter; narrower slivers are their rounding
_TIP_M = 3.0  # how far the pointed end of a wide patch may reach before it is a sliver of its own
_TOUCH_M = 0.1
_DEGREES_PER_M = 1 / 111_320


@dataclass(frozen=True)
class Patch:
    """One connected piece of land.

    Parameters
    ----------
    ids
        The zones concerned, in the order of the zone file.
    area_m2
        Its area.
    location
        Longitude and latitude of a point in it.
    is_sliver
        Whether it is narrower than `SLIVER_M`.
    """

    ids: tuple[str, ...]
    area_m2: float
    location: tuple[float, float]
    is_sliver: bool = False


def overlaps(zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Patch]:
    """Find the land that two zones claim.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in meters to measure in.

    Returns
    -------
    list of Patch
        Largest first; land that three zones claim is in three patches, one for each pair.
    """
    shapes = zones.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    first, second = first[first < second], second[first < second]
    parts, rows = polygon_parts(shapely.intersection(shapes[first], shapes[second]))
    ids = zones["zone_id"].astype("str").to_numpy()
    return _patches(parts, lambda _, part: [(ids[first[row]], ids[second[row]]) for row in rows[part]], crs)


def gaps(zones: gpd.GeoDataFrame, *, crs: CRS, boundary: gpd.GeoDataFrame | None = None) -> list[Patch]:
    """Find the land that no zone claims.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    crs
        Projected CRS in meters to measure in.
    boundary
        The district, valid polygons, EPSG:4326; without it only gaps that zones enclose can be reported.

    Returns
    -------
    list of Patch
        Largest first, with the zones that touch each.
    """
    covered = shapely.union_all(zones.geometry.to_numpy())
    bare = _holes(covered) if boundary is None else shapely.difference(boundary.union_all(), covered)
    parts, _ = polygon_parts(np.array([bare], dtype=object))
    ids = zones["zone_id"].astype("str").to_numpy()
    tree = shapely.STRtree(in_meters(zones.geometry, crs).to_numpy())

    def neighbors(shapes: np.ndarray, _: np.ndarray) -> list[tuple[str, ...]]:
        shape, zone = tree.query(shapes, predicate="dwithin", distance=_TOUCH_M)
        return [tuple(ids[np.sort(zone[shape == i])]) for i in range(len(shapes))]

    return _patches(parts, neighbors, crs)


def outside(zones: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame, *, crs: CRS) -> list[Patch]:
    """Find the land of zones that is not the district's.

    Parameters
    ----------
    zones
        Table `zones`, valid polygons, EPSG:4326.
    boundary
        The district, valid polygons, EPSG:4326.
    crs
        Projected CRS in meters to measure in.

    Returns
    -------
    list of Patch
        Largest first.
    """
    parts, rows = polygon_parts(shapely.difference(zones.geometry.to_numpy(), boundary.union_all()))
    ids = zones["zone_id"].astype("str").to_numpy()
    return _patches(parts, lambda _, part: [(ids[row],) for row in rows[part]], crs)


def pieces(zones: gpd.GeoDataFrame, *, crs: CRS) -> list[Patch]:
    """Take zones apart."""
    parts, rows = polygon_parts(zones.geometry.to_numpy())
    ids = zones["zone_id"].astype("str").to_numpy()
    areas = in_meters(gpd.GeoSeries(parts, crs=STORAGE_CRS), crs).area
    found = [Patch((ids[rows[i]],), float(areas[i]), spot_of(parts[i])) for i in range(len(parts))]
    return sorted(found, key=_largest_first)


def by_zones(patches: Sequence[Patch]) -> list[Patch]:
    """Put the patches of the same zones together."""
    together: dict[tuple[str, ...], Patch] = {}
    for patch in patches:
        seen = together.get(patch.ids)
        together[patch.ids] = replace(seen, area_m2=seen.area_m2 + patch.area_m2) if seen else patch
    return sorted(together.values(), key=_largest_first)


def _patches(
    parts: np.ndarray, names: Callable[[np.ndarray, np.ndarray], list[tuple[str, ...]]], crs: CRS
) -> list[Patch]:
    """Measure polygons in degrees, wide land and slivers apart, without the dust.

    They were laid over each other in degrees, as they were drawn, so that edges which meet in the file meet here.
    `names` is given pieces of land in meters and the position in `parts` of each, and says which zones they concern.
    """
    metric = in_meters(gpd.GeoSeries(parts, crs=STORAGE_CRS), crs).to_numpy()
    # What is left when a margin of half the width is taken away is wide; slivers often hang on to it.
    core = shapely.buffer(metric, -SLIVER_M / 2)
    around = shapely.buffer(core, SLIVER_M / 2 + _TIP_M)
    found = []
    for is_sliver, cut in ((False, shapely.intersection), (True, shapely.difference)):
        shapes, rows = polygon_parts(cut(metric, around))
        areas = shapely.area(shapes)
        is_real = 2 * areas >= _DUST_M * shapely.length(shapes)
        spots = gpd.GeoSeries(shapely.point_on_surface(shapes), crs=crs).to_crs(STORAGE_CRS)[is_real]
        ids = names(shapes[is_real], rows[is_real])
        found += [
            Patch(who, float(area), spot_of(spot), is_sliver)
            for who, area, spot in zip(ids, areas[is_real], spots, strict=True)
        ]
    return sorted(found, key=_largest_first)


def _largest_first(patch: Patch) -> float:
    return -patch.area_m2


def _holes(shape: shapely.Geometry) -> shapely.Geometry:
    """Find the holes of a shape, also those that cracks narrower than a sliver connect to the outside."""
    enclosed = []
    for crack_m in (_DUST_M, SLIVER_M):
        margin = crack_m / 2 * _DEGREES_PER_M
        parts, _ = polygon_parts(np.array([shapely.buffer(shape, margin)], dtype=object))
        rings = [shapely.Polygon(ring) for part in parts for ring in part.interiors]
        enclosed.append(shapely.buffer(shapely.union_all(rings), 1.5 * margin))
    return shapely.difference(shapely.union_all(enclosed), shape)


# ── Whether the zones cover the district once: no overlaps, no gaps, nothing beyond

MOST_PLACES = 10
"""Patches of one kind that get a finding of their own; the rest share one."""


@dataclass(frozen=True)
class _Kind:
    """What is said of one patch (`one`) and of several (`many`): ``{zones}``, ``{area}`` and ``{n}`` are filled in."""

    severity: Severity
    code: str
    one: str
    many: str
    expected: str
    remedy: str


_OVERLAP = _Kind(
    "error",
    "zones_overlap",
    "The zones {zones} overlap by {area}.",
    "{n} more pairs of zones overlap, by {area} together.",
    "every place in one zone only",
    "Snap the border that the zones share in your GIS; until then such places go to the zone that comes first in the "
    "file.",
)
_GAP = _Kind(
    "warning",
    "zones_gap",
    "A part of the district, {area} beside {zones}, lies in no zone.",
    "{n} more parts of the district, {area} together, lie in no zone.",
    "the whole district covered by zones",
    "Extend the zones beside the gap to each other, or to the border of the district.",
)
_HOLE = _Kind(
    "warning",
    "zones_gap",
    "A hole of {area} beside {zones} lies in no zone.",
    "{n} more holes, {area} together, lie in no zone.",
    "no holes between zones, unless the place is not the district's",
    "Extend the zones around the hole; if it is meant, add the boundary of the district, with the hole, as a layer.",
)
_EXCESS = _Kind(
    "warning",
    "zones_outside_boundary",
    "Zone {zones} reaches beyond the district, by {area}.",
    "{n} more zones reach beyond the district, by {area} together.",
    "zones within the boundary of the district",
    "Clip the zones to the boundary, or correct the boundary.",
)


def check_cover(zones: gpd.GeoDataFrame, *, crs: CRS, boundary: gpd.GeoDataFrame | None = None) -> list[Finding]:
    """Find where zones overlap, leave gaps, or leave the district.

    Overlaps by pair of zones, gaps one by one, excesses by zone, each with its area and location. The largest
    `MOST_PLACES` of a kind come one by one, the others together, as do all slivers, narrower than `SLIVER_M`.
    """
    shared, bare = overlaps(zones, crs=crs), gaps(zones, crs=crs, boundary=boundary)
    beyond = [] if boundary is None else outside(zones, boundary, crs=crs)
    return [
        *_by_place(by_zones(_wide(shared)), _OVERLAP),
        *_by_place(_wide(bare), _HOLE if boundary is None else _GAP),
        *_by_place(by_zones(_wide(beyond)), _EXCESS),
        *_slivers({"overlaps": shared, "gaps": bare, "strips outside the district": beyond}),
    ]


def _wide(patches: Sequence[Patch]) -> list[Patch]:
    return [p for p in patches if not p.is_sliver]


def _by_place(patches: Sequence[Patch], kind: _Kind) -> list[Finding]:
    alone, rest = patches[:MOST_PLACES], patches[MOST_PLACES:]
    return [_finding([p], kind) for p in alone] + ([_finding(rest, kind)] if rest else [])


def _finding(patches: Sequence[Patch], kind: _Kind) -> Finding:
    ids = tuple(dict.fromkeys(zone for p in patches for zone in p.ids))
    message = (kind.one if len(patches) == 1 else kind.many).format(
        zones=name_ids(ids) or "no zone", area=_area(patches), n=len(patches)
    )
    return Finding(
        kind.severity,
        kind.code,
        "zones",
        message,
        ids=ids,
        expected=kind.expected,
        remedy=kind.remedy,
        location=patches[0].location,
    )


def _slivers(patches_by_kind: Mapping[str, Sequence[Patch]]) -> list[Finding]:
    slivers = {kind: [p for p in patches if p.is_sliver] for kind, patches in patches_by_kind.items()}
    largest_first = sorted((p for found in slivers.values() for p in found), key=lambda p: -p.area_m2)
    if not largest_first:
        return []
    counts = ", ".join(f"{kind}: {len(found)} ({_area(found)})" for kind, found in slivers.items() if found)
    message = f"Borders that should meet miss each other by less than {SLIVER_M:.0f} m; {counts}."
    return report_rows(
        dict.fromkeys(zone for p in largest_first for zone in p.ids),
        "note",
        "zones_slivers",
        "zones",
        message,
        expected="neighbors that share their border vertex for vertex",
        remedy="Snap the borders in your GIS; places in a sliver are few, but their zone is an accident.",
        location=largest_first[0].location,
    )


def _area(patches: Sequence[Patch]) -> str:
    return area_text(sum(p.area_m2 for p in patches))


_POLYGONS = frozenset({"Polygon", "MultiPolygon"})
_HALF_EARTH_DEG = 180.0
_POLE_DEG = 90


def require_kind(
    geometry: gpd.GeoSeries, kinds: set[str], name: str, *, expected: str = "", may_be_missing: bool = False
) -> None:
    """Refuse a layer of the wrong geometry type, or without any.

    Parameters
    ----------
    geometry
        The layer.
    kinds
        Geometry types that are accepted; missing geometry is.
    name
        What the layer is called, for the message.
    expected
        What is expected, in words; the types if left out.
    may_be_missing
        Whether a layer without any geometry will do.

    Raises
    ------
    GeometryError
        When a geometry is of another type, all are missing, or areas lie beyond a pole or on both sides of the 180th
        meridian.
    """
    if geometry.empty and not may_be_missing:
        raise GeometryError(
            f"The layer {name} has no rows.",
            where=name,
            found="0 rows",
            expected=expected or " or ".join(sorted(kinds)),
            remedy="Export the layer again; if `keep` is set for it, see whether any row matches.",
            setting="keep",
        )
    present = geometry[~(geometry.isna() | geometry.is_empty)]
    _require_on_globe(present, kinds, name)
    west, _, east, _ = present.total_bounds if kinds <= _POLYGONS and len(present) else (0.0, 0.0, 0.0, 0.0)
    if east - west > _HALF_EARTH_DEG:
        raise GeometryError(
            f"The layer {name} lies on both sides of the 180th meridian, which cuts it in two.",
            where=name,
            found=f"longitudes from {west:.2f} to {east:.2f}",
            expected="a district within 180 degrees of longitude",
            remedy="Such districts are not supported. If yours is not one, a corner of it has the wrong sign.",
        )
    wrong = present[~present.geom_type.isin(kinds)]
    if len(wrong) or (present.empty and not may_be_missing):
        raise GeometryError(
            f"The layer {name} does not hold the right kind of geometry.",
            where=name,
            ids=[f"row {row}" for row in wrong.index],
            found=", ".join(sorted(set(wrong.geom_type))) or "no geometry at all",
            expected=expected or " or ".join(sorted(kinds)),
            remedy="Give the file of the right layer."
            if len(wrong) == len(present)
            else "Take these rows out of the layer, or draw them as they are expected.",
        )


def _require_on_globe(present: gpd.GeoSeries, kinds: set[str], name: str) -> None:
    """Refuse areas beyond a pole: reading leaves them for whoever can say that longitude and latitude are exchanged.

    Single places have their own check, against the district; areas and lines are what the district is known by.
    """
    if "Point" in kinds or present.crs is None or not present.crs.is_geographic:
        return
    bounds = present.bounds
    is_beyond = (bounds["miny"] < -_POLE_DEG) | (bounds["maxy"] > _POLE_DEG)
    # What is no longitude either is in no degrees at all, which is told where the CRS is looked at.
    is_beyond &= bounds.abs().max(axis=1) <= _HALF_EARTH_DEG
    if not is_beyond.any():
        return
    first = bounds[is_beyond].iloc[0]
    raise GeometryError(
        f"The layer {name} has longitude and latitude exchanged.",
        where=name,
        ids=[f"row {row}" for row in bounds.index[is_beyond]],
        found=f"x from {first.minx:.2f} to {first.maxx:.2f}, y from {first.miny:.2f} to {first.maxy:.2f}",
        expected="longitudes in x, and latitudes within ±90 in y",
        remedy="Export the layer again with the longitude first.",
    )
