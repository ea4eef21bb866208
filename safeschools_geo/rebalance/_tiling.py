"""Ground divided without gap or overlap: faces, areas drawn as one coverage, and the zones of a plan."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay

from safeschools_geo.checks import polygon_parts
from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import ColumnError, GeometryError, name_ids
from safeschools_geo.schemas import ZONES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pyproj import CRS
    from shapely import Geometry

    Labels = NDArray[np.int64]
    Meters = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Shapes = NDArray[np.object_]


# ── Faces: ground cut along lines on one grid, each face given to an owner, so that the owners tile the ground

GRID_DEG = 1e-7
"""Vertices lie on this grid: the seven decimals (about 1 cm) that layers are written with."""

NOBODY = -1
"""Owner of a face that has none yet."""

DUST_M = 0.02
"""Ground that is narrower is the rounding of the grid."""

_LONGEST_CHORD_M = 1000.0
"""A line straight in meters is bent in degrees, over this length by 2 cm at most."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Ground cut along lines."""

    shapes: Shapes  # Polygons in degrees that share their vertices, on the grid, shape (n,)
    metric: Shapes  # The same in meters
    # Pairs of faces that share a border, ``a < b``, and its length in meters
    a: Labels
    b: Labels
    shared_m: Meters

    @classmethod
    def of(cls, shapes: Shapes, meters: CRS) -> Faces:
        """Measure polygons that share their vertices."""
        metric = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(meters).to_numpy()
        return cls(shapes, metric, *shared_borders(metric))

    def __len__(self) -> int:
        """Return how many faces there are."""
        return len(self.shapes)

    def where(self, is_kept: Flags) -> Faces:
        """Take some of the faces."""
        row = np.cumsum(is_kept) - 1
        is_inner = is_kept[self.a] & is_kept[self.b]
        a, b = row[self.a[is_inner]], row[self.b[is_inner]]
        return Faces(self.shapes[is_kept], self.metric[is_kept], a, b, self.shared_m[is_inner])

    def inner_points(self) -> Meters:
        """Return a point inside each face, in meters, shape (n, 2)."""
        return shapely.get_coordinates(shapely.point_on_surface(self.metric))

    def is_dust(self) -> Flags:
        """Say which faces are as narrow as the rounding of the grid, shape (n,)."""
        return 2 * shapely.area(self.metric) < DUST_M * shapely.length(self.metric)

    def parts(self, is_joined: Flags) -> Labels:
        """Say which faces hang together."""
        a, b = self.a[is_joined], self.b[is_joined]
        links = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(len(self), len(self)))
        return connected_components(links, directed=False)[1].astype("int64")


def shared_borders(
    shapes: NDArray[np.object_], *, snap_m: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Measure the border that each pair of polygons shares."""
    tree = shapely.STRtree(shapes)
    a, b = tree.query(shapes, predicate="dwithin", distance=snap_m) if snap_m else tree.query(shapes, "intersects")
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    a, b = a[a < b], b[a < b]
    rims = shapely.boundary(shapes)
    if snap_m:
        wide = shapely.buffer(shapes, snap_m)
        both = [shapely.length(shapely.intersection(rims[i], wide[j])) for i, j in ((a, b), (b, a))]
        length = np.minimum(*both)
    else:
        length = shapely.length(shapely.intersection(rims[a], rims[b]))
    return a[length > 0], b[length > 0], length[length > 0]


def cut(lines: Iterable[Geometry]) -> Shapes:
    """Cut the plane along lines.

    Hobby, J. D. (1999). Practical segment intersection with finite precision output. Computational Geometry 13(4),
    199–214.
    """
    noded = shapely.union_all(list(lines), grid_size=GRID_DEG)
    faces: Shapes = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return faces


def in_degrees(shapes: Shapes, meters: CRS) -> Shapes:
    """Bring what was drawn in meters to degrees, its straight lines kept straight on the ground."""
    drawn: Shapes = (
        gpd.GeoSeries(shapely.segmentize(shapes, _LONGEST_CHORD_M), crs=meters).to_crs(STORAGE_CRS).to_numpy()
    )
    return drawn


def cell_borders(xy: Meters, around: Geometry, meters: CRS) -> Geometry:
    """Draw the borders of the Voronoi cells of some places."""
    box = shapely.box(*gpd.GeoSeries([around], crs=STORAGE_CRS).to_crs(meters).total_bounds).buffer(_LONGEST_CHORD_M)
    sites = shapely.multipoints(np.unique(xy.round(3), axis=0))
    borders = shapely.intersection(shapely.voronoi_polygons(sites, extend_to=box, only_edges=True), box)
    drawn: Geometry = in_degrees(np.array([borders]), meters)[0]
    return drawn


def give_to_neighbors(owner: Labels, faces: Faces, *, piece: Labels, is_open: Flags) -> None:
    """Give each piece without an owner to the neighbor of the longest shared border, the longest border first."""
    a, b, shared_m = (side[is_open] for side in (faces.a, faces.b, faces.shared_m))
    both = pd.DataFrame({"face": np.r_[a, b], "other": np.r_[b, a], "shared_m": np.r_[shared_m, shared_m]})
    while True:
        open_ = both[(owner[both["face"]] == NOBODY) & (owner[both["other"]] != NOBODY)]
        if open_.empty:
            return
        borders = open_["shared_m"].groupby([piece[open_["face"]], owner[open_["other"]]]).sum()
        chosen, taker = borders.index[int(borders.to_numpy().argmax())]
        owner[piece == chosen] = taker


def give_islands(owner: Labels, faces: Faces, *, part: Labels, group: Labels) -> list[int]:
    """Give each part that is still without an owner to the nearest one."""
    takers = []
    settled = owner != NOBODY
    for island in np.unique(part[~settled]):
        is_island = part == island
        among = settled & (group == group[is_island][0])
        near = np.flatnonzero(among if among.any() else settled)
        whole = shapely.geometrycollections(faces.metric[is_island])
        taker = int(owner[near][shapely.STRtree(faces.metric[near]).query_nearest(whole)].min())
        owner[is_island] = taker
        takers.append(taker)
    return takers


# ── Areas that nearly share their borders, drawn so that they do

TOLERANCE_M = 10.0
"""Edges this near to each other, in meters, are one border unless the settings say otherwise (assumption A31)."""

SHORTEST_BORDER_M = 3.0
"""Least length of a border (assumption A31): what it holds together is one piece on the ground, a meter inside too."""

_PER_WIDTH = 8.0
"""A border through divided ground that is shorter than the tolerance, and than so many times the mean width of that
ground around it, is a corner."""

_NOISE_M = 0.001
_ALMOST_M = 0.05
_TILE_M = 500.0
_TOUCH_M = 0.01
_ON_RIM_M = 0.002
_STEP_M, _FINE_STEP_M = 10.0, 1.0
"""Points along the rims of open ground, and where three areas or more are near."""


@dataclass(frozen=True, eq=False)
class Coverage:
    """Areas that share their borders, and what was changed, but for what is as narrow as the rounding of the grid."""

    shapes: Shapes  # The areas in degrees: an exact coverage on the grid of seven decimals, shape (n,)
    overlap_m2: float = 0.0  # Land that several areas claimed, now divided
    closed_m2: float = 0.0  # Land between areas that none claimed, now divided
    overlapping: tuple[int, ...] = ()  # Rows of the areas that claimed the same land
    given_to: tuple[int, ...] = ()  # Rows of the areas that were given land that none claimed


@dataclass(frozen=True, eq=False)
class _OpenArea:
    """Land that is no one's alone, though areas lie at its sides."""

    cores: Shapes  # Land that each area alone claims, in meters, shape (n,)
    claimed: Shapes  # Polygons that two areas claim, in meters
    claimants: Labels  # Rows of the two areas, shape (len(claimed), 2)
    cracks: Shapes  # Polygons that none claims, narrow and between areas, in meters
    shapes: Shapes  # Both, joined

    @classmethod
    def of(cls, metric: Shapes, *, tolerance_m: float, is_exact: bool) -> _OpenArea:
        """Find what several claim, and what is narrower than the tolerance between two areas or more."""
        cracks = cracks_between(metric, tolerance_m=tolerance_m, is_exact=is_exact)
        if is_exact:
            return cls(metric, cracks[:0], np.zeros((0, 2), dtype="int64"), cracks, cracks)
        a, b = shapely.STRtree(metric).query(metric, predicate="intersects")
        a, b = a[a < b], b[a < b]
        common, pair = polygon_parts(shapely.intersection(metric[a], metric[b]))
        is_land = _is_wider(common, _NOISE_M)
        claimed, pair = common[is_land], pair[is_land]
        claimants = np.column_stack([a[pair], b[pair]]).astype("int64")
        cores = metric.copy()
        if len(claimed):
            rows = np.unique(claimants)
            cores[rows] = shapely.difference(metric[rows], shapely.union_all(claimed), grid_size=_NOISE_M / 10)
        whole = shapely.union_all([*claimed, *cracks], grid_size=_NOISE_M / 10)
        both, _ = polygon_parts(np.array([whole], dtype=object))
        return cls(cores, claimed, claimants, cracks, both)


@dataclass(frozen=True, eq=False)
class _Division:
    """Open ground in pieces."""

    pieces: Shapes  # Polygons in meters, shape (n,)
    owner: Labels  # Row of the area that each is given to, shape (n,)
    borders: Shapes  # Lines between pieces of different owners, in meters


def _is_wider(parts: Shapes, width_m: float) -> Flags:
    """Compare the mean width of parts that are long and thin."""
    wide: Flags = 2 * shapely.area(parts) > width_m * shapely.length(parts)
    return wide


def cracks_between(metric: Shapes, *, tolerance_m: float, is_exact: bool) -> Shapes:
    """Find ground narrower than the tolerance between two areas or more that none claims, also where it is open."""
    try:
        whole = shapely.coverage_union_all(metric) if is_exact else shapely.union_all(metric)
    except shapely.GEOSException:  # Valid as a coverage, and yet with edges that GEOS cannot join as one.
        whole = shapely.union_all(metric)
    wider = shapely.buffer(whole, tolerance_m / 2, join_style="mitre")
    closed = shapely.buffer(wider, -tolerance_m / 2, join_style="mitre")
    parts, _ = polygon_parts(np.array([shapely.difference(closed, whole)], dtype=object))
    parts = parts[_is_wider(parts, _NOISE_M)]
    part, _ = shapely.STRtree(metric).query(parts, predicate="dwithin", distance=_TOUCH_M)
    between: Shapes = parts[np.bincount(part, minlength=len(parts)) > 1]
    return between


def is_exact(shapes: Shapes) -> bool:
    """Say whether areas are an exact coverage on the grid of seven decimals."""
    xy = shapely.get_coordinates(shapes)
    return bool(np.array_equal(xy, np.round(xy, 7))) and bool(shapely.coverage_is_valid(shapes))


def as_coverage(areas: gpd.GeoSeries, meters: CRS, *, tolerance_m: float = TOLERANCE_M) -> Coverage:
    """Draw areas so that neighbors share their borders.

    Ground that several claim, and ground between them that none does and that is narrower than the tolerance, is
    divided along its middle among the areas at its sides. Wider ground stays open: it is no part of the district. An
    exact coverage stays as it is unless that would leave out neighbors.
    """
    shapes = shapely.make_valid(areas.to_crs(STORAGE_CRS).to_numpy(), method="structure")
    metric = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(meters).to_numpy()
    is_kept = is_exact(shapes)
    open_area = _OpenArea.of(metric, tolerance_m=tolerance_m, is_exact=is_kept)
    if is_kept and not len(open_area.shapes):
        return Coverage(shapes)
    division = _divided(open_area, tolerance_m=tolerance_m)
    drawn = _drawn(shapes, open_area, division, meters)
    _require_all(areas, shapely.is_empty(drawn))
    drawn = _with_corners(drawn, open_area, meters, tolerance_m=tolerance_m)
    if is_kept and _pairs(drawn, meters) == _pairs(shapes, meters):
        return Coverage(shapes)
    is_overlap = _is_wider(open_area.claimed, DUST_M)
    is_shown = _is_wider(open_area.cracks, DUST_M)
    return Coverage(
        shapes=drawn,
        overlap_m2=float(shapely.area(open_area.claimed[is_overlap]).sum()),
        closed_m2=float(shapely.area(open_area.cracks[is_shown]).sum()),
        overlapping=tuple(np.unique(open_area.claimants[is_overlap]).tolist()),
        given_to=tuple(
            np.unique(division.owner[~_is_in(shapely.centroid(division.pieces), open_area.claimed)]).tolist()
        ),
    )


def _pairs(shapes: Shapes, meters: CRS) -> set[tuple[int, int]]:
    """Find the neighbors in an exact coverage."""
    a, b, shared_m = shared_borders(gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(meters).to_numpy())
    is_border = shared_m >= SHORTEST_BORDER_M
    return set(zip(a[is_border].tolist(), b[is_border].tolist(), strict=True))


def _divided(open_land: _OpenArea, *, tolerance_m: float) -> _Division:
    """Divide open ground along its middle.

    A chordal axis: each triangle between the rims is cut through the middles of the sides that join two owners.

    Prasad, L. (1997). Morphological analysis of shapes. CNLS Newsletter 139, 1–18.
    """
    if not len(open_land.shapes):
        return _Division(open_land.shapes, np.zeros(0, dtype="int64"), open_land.shapes)
    places = _rim_points(open_land, tolerance_m=tolerance_m)
    triangles = Delaunay(places - places.mean(axis=0)).simplices.astype("int64")
    owners, is_tied = _owners_of_corners(triangles, places, open_land.cores)
    is_mixed: Flags = np.asarray((owners != owners[:, :1]).any(axis=1)) | is_tied
    kept = _reach_into(places[triangles], _in_tiles(open_land.shapes), is_mixed)
    triangles, owners, is_tied = triangles[kept], owners[kept], is_tied[kept]
    corners = places[triangles]
    middles = (corners + np.roll(corners, -1, axis=1)) / 2  # of the sides 01, 12, 20
    count = 1 + (np.diff(np.sort(owners, axis=1), axis=1) != 0).sum(axis=1)
    rings, mine, lines = [corners[count == 1]], [owners[count == 1, 0]], []
    for lone in range(3):  # the corner whose owner is another than that of the other two
        one, two = (lone + 1) % 3, (lone + 2) % 3
        of = (count == 2) & (owners[:, one] == owners[:, two])  # noqa: PLR2004 - owners
        tip, side, other = corners[of, lone], middles[of, lone], middles[of, two]
        rings += [np.stack([tip, side, other], 1), np.stack([corners[of, one], corners[of, two], other, side], 1)]
        mine += [owners[of, lone], owners[of, one]]
        lines.append(np.stack([side, other], 1))
        of = count == 3  # noqa: PLR2004 - owners
        center = corners[of].mean(axis=1)
        rings.append(np.stack([corners[of, lone], middles[of, lone], center, middles[of, two]], 1))
        mine.append(owners[of, lone])
        lines.append(np.stack([center, middles[of, lone]], 1))
    pieces = np.concatenate([shapely.polygons(ring) for ring in rings])
    lines.append(_halves(triangles[is_tied], owners[is_tied], places))
    segments: Shapes = np.asarray(shapely.linestrings(np.concatenate(lines)))
    merged = shapely.line_merge(shapely.multilinestrings(segments))
    borders = shapely.simplify(shapely.get_parts(merged), _TOUCH_M)
    borders = borders[shapely.length(borders) > 0]
    return _Division(pieces, np.concatenate(mine), np.r_[borders, _to_rims(borders, open_land.shapes)])


def _to_rims(lines: Shapes, shapes: Shapes) -> Shapes:
    """Lead the ends of lines on to the rim that they nearly reach: on the grid they would end in the open."""
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, at)) for at in (0, -1)])
    _, first, times = np.unique(np.round(ends / _NOISE_M), axis=0, return_index=True, return_counts=True)
    points: Shapes = np.asarray(shapely.points(ends[first[times == 1]]))
    rings: Shapes = shapely.get_rings(shapes)
    point, ring = shapely.STRtree(rings).query_nearest(points, max_distance=_ALMOST_M, all_matches=False)
    found: Shapes = shapely.shortest_line(points[point], rings[ring])
    return found[shapely.length(found) > _NOISE_M / 1000]


def _halves(triangles: Labels, owners: Labels, places: Meters) -> Meters:
    """Find the halves of sides along which triangles take a place that is of several areas for different ones."""
    to = np.concatenate([np.roll(triangles, shift, axis=1) for shift in (1, 2)]).ravel()
    at, owner = np.tile(triangles.ravel(), 2), np.tile(owners.ravel(), 2)
    order = np.lexsort((owner, to, at))
    at, to, owner = at[order], to[order], owner[order]
    is_split = (at[1:] == at[:-1]) & (to[1:] == to[:-1]) & (owner[1:] != owner[:-1])
    begin, end = places[at[1:][is_split]], places[to[1:][is_split]]
    return np.stack([begin, (begin + end) / 2], axis=1)


def _in_tiles(shapes: Shapes) -> Shapes:
    """Cut shapes into tiles: what is asked of a network of cracks is answered by a small part of it."""
    if not len(shapes):
        return shapes
    west, south, east, north = shapely.total_bounds(shapes)
    x, y = np.meshgrid(np.arange(west, east, _TILE_M), np.arange(south, north, _TILE_M))
    boxes = shapely.box(x.ravel(), y.ravel(), x.ravel() + _TILE_M, y.ravel() + _TILE_M)
    shape, box = shapely.STRtree(boxes).query(shapes, predicate="intersects")
    parts, _ = polygon_parts(shapely.intersection(shapes[shape], boxes[box]))
    return parts


def _reach_into(corners: Meters, shapes: Shapes, is_mixed: Flags) -> Labels:
    """Find the triangles inside shapes, and mixed ones that reach into them: without these a line would end early."""
    triangles: Shapes = np.asarray(shapely.polygons(corners))
    tree = shapely.STRtree(shapes)
    inside, _ = tree.query(shapely.points(corners.mean(axis=1)), predicate="intersects")
    is_inside = np.zeros(len(corners), dtype=bool)
    is_inside[inside] = True
    rest = np.flatnonzero(~is_inside & is_mixed)
    row, shape = tree.query(triangles[rest], predicate="intersects")
    is_large = shapely.area(shapely.intersection(triangles[rest[row]], shapes[shape])) > _NOISE_M**2
    is_inside[rest[row[is_large]]] = True
    return np.flatnonzero(is_inside)


def _rim_points(open_land: _OpenArea, *, tolerance_m: float) -> Meters:
    """Put points along the rims of open ground, and opposite them, so that triangles lie across it."""
    rings: Shapes = shapely.get_rings(open_land.shapes)
    xy, part = shapely.get_coordinates(shapely.segmentize(rings, _STEP_M), return_index=True)
    steps = shapely.linestrings(np.stack([xy[:-1], xy[1:]], axis=1)[part[:-1] == part[1:]])
    tree = shapely.STRtree(open_land.cores)
    middles = shapely.line_interpolate_point(steps, 0.5, normalized=True)
    step, _ = tree.query(middles, predicate="dwithin", distance=tolerance_m)
    is_fine = np.bincount(step, minlength=len(steps)) > 2  # noqa: PLR2004 - areas
    steps[is_fine] = shapely.segmentize(steps[is_fine], _FINE_STEP_M)
    points: Shapes = np.asarray(shapely.points(np.unique(shapely.get_coordinates(steps), axis=0)))
    point, core = tree.query(points, predicate="dwithin", distance=tolerance_m)
    across = shapely.get_coordinates(shapely.shortest_line(points[point], open_land.cores[core]))[1::2]
    # What lies within rounding of each other is one place.
    both = np.concatenate([shapely.get_coordinates(points), across])
    _, first = np.unique(np.round(both / _NOISE_M), axis=0, return_index=True)
    places: Meters = both[np.sort(first)]
    return places


def _owners_of_corners(triangles: Labels, places: Meters, cores: Shapes) -> tuple[Labels, Flags]:
    """Find the area at whose rim each corner of each triangle lies, and the triangles where it may be several."""
    points: Shapes = np.asarray(shapely.points(places))
    tree = shapely.STRtree(cores)
    point, core = tree.query(points, predicate="dwithin", distance=_ON_RIM_M)
    order = np.lexsort((core, point))
    point, core = point[order], core[order]
    times = np.bincount(point, minlength=len(points))
    owner = np.full(len(points), NOBODY, dtype="int64")
    owner[point[::-1]] = core[::-1]
    free = np.flatnonzero(times == 0)
    near, nearest = tree.query_nearest(points[free])
    owner[free[near[::-1]]] = nearest[::-1]
    owners = owner[triangles]
    is_tied: Flags = np.asarray((times[triangles] > 1).any(axis=1))
    begin = np.r_[0, np.cumsum(times)]
    for triangle in np.flatnonzero(is_tied):
        sets = [core[begin[p] : begin[p + 1]].tolist() or [int(owner[p])] for p in triangles[triangle]]
        held = [o for one in sets for o in one]
        owners[triangle] = [max(one, key=held.count) for one in sets]
    return owners, is_tied


def _drawn(shapes: Shapes, open_land: _OpenArea, division: _Division, meters: CRS) -> Shapes:
    """Draw areas with the pieces that each is given, all on one grid."""
    lines = np.r_[shapely.boundary(open_land.shapes), division.borders]
    cells = cut([*shapely.boundary(shapes), *in_degrees(lines, meters)])
    metric = gpd.GeoSeries(cells, crs=STORAGE_CRS).to_crs(meters).to_numpy()
    inner = shapely.point_on_surface(metric)
    owner = np.full(len(cells), NOBODY, dtype="int64")
    is_kept = 2 * shapely.area(metric) < 2 * _TOUCH_M * shapely.length(metric)
    for areas, of in ((division.pieces, division.owner), (open_land.cores, np.arange(len(shapes)))):
        cell, row = shapely.STRtree(areas).query(inner, predicate="intersects")
        owner[cell] = of[row]
    is_open = _is_in(inner, _in_tiles(open_land.shapes))
    is_open[cell] = False
    _give_to_most(owner, np.flatnonzero(is_open | ~_is_wider(metric, 5 * DUST_M)), metric, division)
    is_kept |= (owner != NOBODY) | is_open
    cells, owner = cells[is_kept], owner[is_kept]
    _give_dust(cells, owner, meters)
    return np.array([shapely.coverage_union_all(cells[owner == k]) for k in range(len(shapes))])


def _give_to_most(owner: Labels, rows: Labels, cells: Shapes, division: _Division) -> None:
    """Give cells of open ground to the owner of most of each: they may hold crumbs of others."""
    piece, cell = shapely.STRtree(cells[rows]).query(shapely.centroid(division.pieces), predicate="intersects")
    held = pd.Series(shapely.area(division.pieces)[piece]).groupby([rows[cell], division.owner[piece]]).sum()
    most = held[held > shapely.area(cells[held.index.get_level_values(0)]) / 4]
    takers = most.sort_values(kind="stable").groupby(level=0).tail(1).index
    owner[takers.get_level_values(0)] = takers.get_level_values(1)


def _give_dust(cells: Shapes, owner: Labels, meters: CRS) -> None:
    """Give what is as narrow as the rounding of the grid to the neighbor of the longest shared border."""
    is_open = owner == NOBODY
    if not is_open.any():
        return
    near = np.unique(shapely.STRtree(cells).query(cells[is_open], predicate="intersects")[1])
    faces, theirs = Faces.of(cells[near], meters), owner[near]
    everywhere = np.ones(len(faces.a), dtype=bool)
    give_to_neighbors(theirs, faces, piece=np.arange(len(faces)), is_open=everywhere)
    give_islands(theirs, faces, part=faces.parts(everywhere), group=np.zeros(len(faces), dtype="int64"))
    owner[near] = theirs


def _with_corners(shapes: Shapes, open_land: _OpenArea, meters: CRS, *, tolerance_m: float) -> Shapes:
    """Draw what is no border, but a corner of ground that was divided, as a corner."""
    metric = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(meters).to_numpy()
    a, b, shared_m = shared_borders(metric)
    is_short = shared_m < max(SHORTEST_BORDER_M, 1.5 * tolerance_m)
    a, b, shared_m = a[is_short], b[is_short], shared_m[is_short]
    rims = shapely.boundary(metric)
    short = shapely.intersection(rims[a], rims[b])
    whole = shapely.union_all(open_land.shapes)
    shapely.prepare(whole)
    is_inner = shapely.length(shapely.intersection(short, whole)) > 0
    around = shapely.buffer(short, 2 * tolerance_m)
    near_m = np.array(
        [
            shapely.length(shapely.union_all(shapely.intersection(rims[n], disc)))
            for n, disc in ((shapely.STRtree(metric).query(disc), disc) for disc in around)
        ]
    )
    width_m = shapely.area(shapely.intersection(around, whole)) / near_m
    least_m = np.maximum(SHORTEST_BORDER_M, np.minimum(_PER_WIDTH * width_m, 1.5 * tolerance_m))
    found = shapes.copy()
    for i in np.flatnonzero(is_inner & (shared_m < least_m)):
        _contract(found, int(a[i]), int(b[i]))
    return found


def _contract(shapes: Shapes, a: int, b: int) -> None:
    """Draw the border of two areas into a point, unless that spoils an area."""
    shared = shapely.line_merge(shapely.intersection(*shapely.boundary(shapes[[a, b]])))
    for line in shapely.get_parts(shared):
        if line.geom_type != "LineString":
            continue
        xy = shapely.get_coordinates(line)
        reach = shapely.length(line)
        near = shapely.STRtree(shapes).query(line.buffer(3 * reach), predicate="intersects")
        around = np.unique(shapely.STRtree(shapes).query(shapes[near], predicate="intersects")[1])
        inner = np.abs(np.arange(len(xy)) - (len(xy) - 1) / 2)
        middles = xy[np.argsort(inner, kind="stable")[:5]]
        moves = [partial(_moved, line=xy, to=middle) for middle in middles]
        moves += [
            partial(_gathered, to=middle, within=part * reach) for part in (0.55, 0.7, 1.0, 2.0) for middle in middles
        ]
        any(_is_moved(shapes, near, around, move) for move in moves)


def _is_moved(shapes: Shapes, near: Labels, around: Labels, move: Callable[[Meters], Meters]) -> bool:
    """Move vertices, if all areas stay sound and share their borders."""
    moved = shapes.copy()
    drawn = shapely.transform(shapes[near], move)
    # Parts and holes of which nothing is left are left out.
    moved[near] = shapely.make_valid(drawn, method="structure", keep_collapsed=False)
    is_sound = not shapely.is_empty(moved[near]).any() and bool(shapely.coverage_is_valid(moved[around]))
    if is_sound:
        shapes[near] = moved[near]
    return is_sound


def _moved(xy: Meters, *, line: Meters, to: Meters) -> Meters:
    is_on = (xy[:, None] == line[None]).all(axis=2).any(axis=1)
    return np.where(is_on[:, None], to, xy)


def _gathered(xy: Meters, *, to: Meters, within: float) -> Meters:
    is_in = np.hypot(*(xy - to).T) <= within
    return np.where(is_in[:, None], to, xy)


def _is_in(inner: Shapes, areas: Shapes) -> Flags:
    found = np.zeros(len(inner), dtype=bool)
    if len(areas):
        found[shapely.STRtree(areas).query(inner, predicate="intersects")[0]] = True
    return found


def _require_all(areas: gpd.GeoSeries, is_lost: Flags) -> None:
    if is_lost.any():
        raise GeometryError(
            "Some areas are narrower than 1 cm, or lie wholly in others.",
            where="units",
            ids=areas.index[is_lost],
            expected="areas with ground of their own",
            remedy="Leave them out, or draw them.",
        )


# ── Zones drawn so that each school, assigned again from the file, falls in the zone it is planned for

EDGE_M = 0.5
"""A point this near to an edge that two zones share is on the border (assumption A13)."""

_COLLAR_M = 1.0
"""Ground around a school on an edge that goes with it: more than `EDGE_M`, so that it is on the edge no more."""


@dataclass(frozen=True, eq=False)
class Homes:
    """Schools and the zones they are planned for."""

    shapes: Shapes  # Points or campuses in degrees, shape (n,)
    planned: NDArray[np.object_]  # Planned zone of each, shape (n,)
    is_moved: Flags  # Whether that is another zone than the current one, shape (n,)

    @classmethod
    def of(cls, units: gpd.GeoDataFrame, planned: pd.Series, schools: gpd.GeoDataFrame | None) -> Homes:
        """Look up where the schools of the units are."""
        is_moved = planned != units["zone_id"].astype("str")
        if schools is not None and "school_ids" in units:
            of_school = pd.DataFrame({"school_id": units["school_ids"], "planned": planned, "is_moved": is_moved})
            of_school = of_school.explode("school_id").dropna(subset="school_id")
            places = schools.set_index(schools["school_id"].astype("str")).geometry.to_crs(STORAGE_CRS)
            of_school = of_school[of_school["school_id"].isin(places.index)]
            shapes = places.loc[of_school["school_id"]].to_numpy()
        else:
            has_school = units["schools"] > 0 if "schools" in units else pd.Series(data=True, index=units.index)
            of_school = pd.DataFrame({"planned": planned, "is_moved": is_moved})[has_school]
            shapes = _anchors(units)[has_school.to_numpy()]
        is_placed = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        kept = of_school[is_placed]
        return cls(shapes[is_placed], kept["planned"].to_numpy(dtype=object), kept["is_moved"].to_numpy(dtype=bool))


def hold_schools(zones: Shapes, homes: Homes, order: Sequence[str], meters: CRS) -> Shapes:
    """Give each school that would fall in another zone than planned the ground around it."""
    planned = pd.Index(order).get_indexer(pd.Index(homes.planned)).astype("int64")
    metric = gpd.GeoSeries(homes.shapes, crs=STORAGE_CRS).to_crs(meters).to_numpy()
    zones_m = gpd.GeoSeries(zones, crs=STORAGE_CRS).to_crs(meters).to_numpy()
    is_point = shapely.get_dimensions(metric) == 0
    is_lost = np.zeros(len(metric), dtype=bool)
    is_lost[is_point] = _points_lost(metric[is_point], planned[is_point], homes.is_moved[is_point], zones_m)
    is_lost[~is_point] = _campuses_lost(metric[~is_point], planned[~is_point], zones_m)
    if not is_lost.any():
        return zones
    collars = np.where(is_point, shapely.buffer(metric, _COLLAR_M), metric)[is_lost]
    return _with_collars(zones, in_degrees(collars, meters), planned[is_lost])


def _anchors(units: gpd.GeoDataFrame) -> Shapes:
    if "anchor" not in units:
        inside: Shapes = units.geometry.to_crs(STORAGE_CRS).representative_point().to_numpy()
        return inside
    given = gpd.GeoSeries(units["anchor"].to_numpy(), crs=getattr(units["anchor"], "crs", None) or units.crs)
    anchors: Shapes = given.to_crs(STORAGE_CRS).to_numpy()
    return anchors


def _points_lost(points: Shapes, planned: NDArray[np.int64], is_moved: Flags, zones_m: Shapes) -> Flags:
    """Say which schools another zone would win: of a tie, the first; for one that moves, no tie is left."""
    point, zone = shapely.STRtree(zones_m).query(points, predicate="dwithin", distance=EDGE_M)
    near = np.bincount(point, minlength=len(points))
    first = np.full(len(points), len(zones_m))
    np.minimum.at(first, point, zone)
    is_lost: Flags = (near > 0) & ((first != planned) | (is_moved & (near > 1)))
    return is_lost


def _campuses_lost(campuses: Shapes, planned: NDArray[np.int64], zones_m: Shapes) -> Flags:
    """Report which campuses another zone holds as large a share or a larger one."""
    campus, zone = shapely.STRtree(zones_m).query(campuses, predicate="intersects")
    share = pd.Series(shapely.area(shapely.intersection(campuses[campus], zones_m[zone])))
    is_own = zone == planned[campus]
    own = share.where(is_own, 0.0).groupby(campus).max().reindex(range(len(campuses)), fill_value=0.0)
    other = share.where(~is_own, 0.0).groupby(campus).max().reindex(range(len(campuses)), fill_value=0.0)
    is_lost: Flags = ((other > 0) & (other >= own)).to_numpy()
    return is_lost


def _with_collars(zones: Shapes, collars: Shapes, planned: NDArray[np.int64]) -> Shapes:
    faces = cut([*shapely.boundary(zones), *shapely.boundary(collars)])
    inner = shapely.point_on_surface(faces)
    owner = np.full(len(faces), -1, dtype="int64")
    face, zone = shapely.STRtree(zones).query(inner, predicate="intersects")
    owner[face] = zone
    is_land = owner >= 0
    face, collar = shapely.STRtree(collars).query(inner, predicate="intersects")
    # Backwards, so that the first school's claim is written last.
    backwards = np.argsort(-collar, kind="stable")
    owner[face[backwards]] = planned[collar[backwards]]
    owner[~is_land] = -1
    return np.array([shapely.coverage_union_all(faces[owner == k]) for k in range(len(zones))])


# ── From units to zones: polygons that tile the district, in the order of the zone file or of words on a page


def zones_of_plan(
    units: gpd.GeoDataFrame,
    assignment: pd.Series,
    zones: pd.DataFrame,
    *,
    schools: gpd.GeoDataFrame | None = None,
    tolerance_m: float = TOLERANCE_M,
    crs: object = None,
) -> gpd.GeoDataFrame:
    """Join the units of each zone of a plan into polygons.

    Parameters
    ----------
    units
        Units with `unit_id`, `zone_id` (current) and a CRS. Where they are no exact coverage they are repaired first.
    assignment
        Planned zone of each unit, by `unit_id`.
    zones
        Table `zones` as it is now; its geometry is not needed.
    schools
        Schools with `school_id`, which `units` has the `school_ids` of; by default each unit that has schools has one,
        at its `anchor`.
    tolerance_m
        Borders of units that miss each other by less than this, in meters, are one.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.

    Returns
    -------
    geopandas.GeoDataFrame
        Table `zones`, EPSG:4326, in the order of `zones`, without those that have no unit: an
        exact coverage, which writing with seven decimals does not change.

    Raises
    ------
    ColumnError
        When a unit has no planned zone, or a unit or zone is named that there is not.

    Notes
    -----
    A school on an edge, within half a meter, would be a tie between zones when it is assigned again. Where the tie does
    not fall to its planned zone, the ground within a meter of it goes with it; and so does a campus of which another
    zone would hold the larger share.
    """
    planned = _planned(units, assignment, zones)
    meters = measuring_crs(units, stated=crs)
    shapes = as_coverage(units.geometry, meters, tolerance_m=tolerance_m).shapes
    order = [z for z in zones["zone_id"].astype("str").drop_duplicates() if z in set(planned)]
    row = pd.Index(order).get_indexer(pd.Index(planned))
    merged = np.array([shapely.coverage_union_all(shapes[row == k]) for k in range(len(order))])
    merged = hold_schools(merged, Homes.of(units, pd.Series(planned, index=units.index), schools), order, meters)
    first = zones.drop_duplicates("zone_id").set_index(zones["zone_id"].astype("str").drop_duplicates()).loc[order]
    columns = {"zone_id": pd.array(order, dtype="str"), "name": pd.array([f"Zone {z}" for z in order], dtype="str")}
    columns |= {c: first[c].array for c in ZONES.column_names if c in first and c not in {"zone_id", "geometry"}}
    return gpd.GeoDataFrame(columns, geometry=merged, crs=STORAGE_CRS)


def _planned(units: gpd.GeoDataFrame, assignment: pd.Series, zones: pd.DataFrame) -> NDArray[np.object_]:
    ids = units["unit_id"].astype("str")
    plan = assignment.set_axis(assignment.index.astype("str"))
    planned = ids.map(plan[~plan.index.duplicated()]).astype("str")
    known = zones["zone_id"].astype("str")
    faults = {
        "units without a planned zone": ids[planned.isna()],
        "units that there are not": plan.index[~plan.index.isin(ids)],
        "units with two zones": plan.index[plan.index.duplicated()],
        "zones that there are not": planned[~planned.isin(known)].dropna().unique(),
    }
    if any(len(found) for found in faults.values()):
        raise ColumnError(
            "The plan does not fit the units and zones.",
            where="plan",
            ids=[str(i) for found in faults.values() for i in found],
            found="; ".join(f"{what}: {name_ids(found)}" for what, found in faults.items() if len(found)),
            expected="one zone of the zone file for each unit",
            remedy="Make the plan for these units, and with the ids of these zones.",
        )
    named: NDArray[np.object_] = planned.to_numpy(dtype=object)
    return named


def zones_of_units(units: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Join the units of each zone into one polygon."""
    members = units.geometry.groupby(units["zone_id"].to_numpy())
    shapes = members.agg(lambda shapes: shapely.coverage_union_all(shapes.to_numpy()))
    ids = sorted(shapes.index, key=lambda i: (not i.isdigit(), int(i) if i.isdigit() else 0, i))
    return gpd.GeoDataFrame(
        {"zone_id": pd.array(ids, dtype="str"), "name": pd.array([f"Zone {i}" for i in ids], dtype="str")},
        geometry=shapes.loc[ids].to_numpy(),
        crs=STORAGE_CRS,
    )


def reading_order(units: gpd.GeoDataFrame, label: NDArray[np.int64], *, crs: CRS) -> NDArray[np.object_]:
    """Give zones their numbers like words on a page: in rows of one height from the north, each from the west."""
    shapes = units.geometry.to_crs(crs)
    middle = shapes.groupby(label).agg(shapely.union_all).set_crs(crs).centroid
    west, south, east, north = shapes.total_bounds
    zones = len(middle)
    rows = max(1, round(np.sqrt(zones * (north - south) / (east - west))))
    # Whole meters, so that zones at one height stay in order whatever the last digit.
    x, y = middle.x.round().to_numpy(), middle.y.round().to_numpy()
    row = ((north - y) / (north - south) * rows).astype("int64")
    zone_id = np.empty(zones, dtype=object)
    zone_id[np.lexsort((-y, x, row))] = [str(i + 1) for i in range(zones)]
    return zone_id
