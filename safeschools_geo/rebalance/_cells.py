"""Service areas of schools inside the ground of each zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from shapely import Geometry, MultiPolygon

from safeschools_geo.checks import polygon_parts
from safeschools_geo.crs import STORAGE_CRS, check_degrees, measuring_crs, require_crs
from safeschools_geo.errors import ColumnError, GeometryError, name_ids
from safeschools_geo.rebalance._tiling import (
    EDGE_M,
    GRID_DEG,
    NOBODY,
    TOLERANCE_M,
    Faces,
    as_coverage,
    cell_borders,
    cut,
    give_islands,
    give_to_neighbors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    Meters = NDArray[np.float64]
    Labels = NDArray[np.int64]
    Flags = NDArray[np.bool_]
    Shapes = NDArray[np.object_]


# ── Service areas: the part of the district that is nearer to a school than to any other

SAME_SITE_M = 2.0
"""Schools this near to each other are one site: a border between them could not be told from either."""


def service_areas(
    schools: gpd.GeoDataFrame,
    district: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    crs: object = None,
) -> gpd.GeoDataFrame:
    """Divide the district among its schools, each place to the school nearest to it in a straight line.

    One row for each site (schools up to 2 m apart, or linked by a chain of such, are one), on the index of its first
    school: `unit_id` (id of the first school), `school_ids` (tuple of str), `islands` (int64: parts of the district
    without a school, added to the nearest service area), and geometry in EPSG:4326, a Polygon unless the unit has
    islands. The polygons are an exact coverage of the district: neighbors share their vertices, and every coordinate
    has seven decimals at most.

    Voronoi cells, clipped to the district. Where the boundary cuts a cell into pieces, the piece without the school
    goes to the neighbor it shares the longest border with. All lines are noded together on the grid of seven
    decimals (snap rounding) before any polygon is made, which is what makes the coverage exact.

    Okabe, A., Boots, B., Sugihara, K., and Chiu, S. N. (2000). Spatial Tessellations, 2nd edition, Wiley.
    """
    area = _district_area(district)
    meters = measuring_crs(gpd.GeoSeries([area], crs=STORAGE_CRS), stated=crs)
    points = _school_points(schools, area, meters)
    xy = shapely.get_coordinates(points.to_crs(meters).to_numpy())
    site = sites_of(xy)
    faces = _faces(xy, area, meters)
    unit, islands = _units_of_faces(faces, xy, site)
    return _as_units(schools, points, site, [faces.shapes[unit == k] for k in range(len(islands))], islands)


def _district_area(district: gpd.GeoDataFrame | gpd.GeoSeries) -> Geometry:
    require_crs(district, "district")
    check_degrees(district.total_bounds, district.crs, "district")
    shapes = district.geometry
    is_area = shapes.geom_type.isin(["Polygon", "MultiPolygon"]) & ~shapes.is_empty
    is_faulty = ~is_area | ~shapes.is_valid
    if len(shapes) == 0 or is_faulty.any():
        reasons = shapes[is_faulty].is_valid_reason() if is_area.all() else shapes.geom_type[~is_area]
        raise GeometryError(
            "The district cannot be divided: it is not a valid area.",
            where="district",
            ids=shapes.index[is_faulty],
            found="; ".join(str(r) for r in reasons.iloc[:3]) or "no polygon at all",
            expected="one or more valid polygons",
            remedy="Repair the boundary first (`safeschools check` does), or give another file.",
        )
    # A line straight in meters is bent in degrees: a valid area may cross itself by centimeters once reprojected.
    return shapely.union_all(shapely.make_valid(shapes.to_crs(STORAGE_CRS).to_numpy(), method="structure"))


def _school_points(schools: gpd.GeoDataFrame, area: Geometry, meters: CRS) -> gpd.GeoSeries:
    if len(schools) == 0:
        raise GeometryError(
            "There are no schools to divide the district among.",
            where="schools",
            expected="one school or more",
            remedy="Look at which schools the settings keep, and which of them are in the program.",
            setting="keep.program",
        )
    require_crs(schools, "schools")
    check_degrees(schools.total_bounds, schools.crs, "schools")
    ids = schools["school_id"]
    points = schools.geometry.to_crs(STORAGE_CRS).representative_point()
    has_place = (points.notna() & ~points.is_empty).to_numpy()
    is_out = has_place & ~shapely.dwithin(points.to_numpy(), area, GRID_DEG)
    if has_place.all() and not is_out.any():
        return points
    found = [f"without a place: {name_ids(ids[~has_place])}"] if not has_place.all() else []
    if is_out.any():
        outside = points[is_out].to_crs(meters)
        far_m = outside.distance(gpd.GeoSeries([area], crs=STORAGE_CRS).to_crs(meters).iloc[0]).max()
        found.append(f"outside the district, by up to {far_m:,.1f} m: {name_ids(ids[is_out])}")
    raise GeometryError(
        "Some schools cannot be given a service area.",
        where="schools",
        ids=ids[~has_place | is_out],
        found="; ".join(found),
        expected="every school inside the district's boundary",
        remedy="Fix the coordinates, give a more detailed boundary, or leave these schools out.",
    )


def sites_of(xy: Meters) -> Labels:
    """Say which schools are at one place: up to 2 m apart, or linked by a chain of such."""
    pairs = cKDTree(xy).query_pairs(SAME_SITE_M, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    _, label = connected_components(links, directed=False)
    return pd.factorize(label)[0].astype("int64")


def _faces(xy: Meters, area: Geometry, meters: CRS) -> Faces:
    """Cut the district along the borders of the Voronoi cells of all points, on the storage grid."""
    shapes = cut([shapely.boundary(area), cell_borders(xy, area, meters)])
    inner = shapely.point_on_surface(shapes)
    return Faces.of(shapes[shapely.contains_xy(area, shapely.get_x(inner), shapely.get_y(inner))], meters)


def _units_of_faces(faces: Faces, xy: Meters, site: Labels) -> tuple[Labels, Labels]:
    """Give each face to a site, and count the islands that each site is given."""
    label = site[cKDTree(xy).query(faces.inner_points())[1]]
    piece = faces.parts(label[faces.a] == label[faces.b])
    homes = {piece[face] for face in _home_faces(faces.metric, xy, site, label)}
    unit = np.where(np.isin(piece, list(homes)), label, NOBODY)
    everywhere = np.ones(len(faces.a), dtype=bool)
    give_to_neighbors(unit, faces, piece=piece, is_open=everywhere)
    given = give_islands(unit, faces, part=faces.parts(everywhere), group=np.zeros(len(faces), dtype="int64"))
    return unit, np.bincount(np.array(given, dtype="int64"), minlength=site.max() + 1).astype("int64")


def _home_faces(shapes: NDArray[np.object_], xy: Meters, site: Labels, label: Labels) -> Iterator[int]:
    """Find the face that each school stands in, among those of its site."""
    for at, own in zip(xy, site, strict=True):
        faces = np.flatnonzero(label == own)
        if len(faces):
            yield int(faces[np.argmin(shapely.distance(shapes[faces], shapely.Point(at)))])


def _as_units(
    schools: gpd.GeoDataFrame, points: gpd.GeoSeries, site: Labels, faces: list[NDArray[np.object_]], islands: Labels
) -> gpd.GeoDataFrame:
    shapes = np.array([shapely.coverage_union_all(own) for own in faces])
    is_lost = ~shapely.dwithin(points.to_numpy(), shapes[site], 2 * GRID_DEG)
    if is_lost.any():
        raise GeometryError(
            "Some schools stand where the district is narrower than 1 cm, and get no service area.",
            where="schools",
            ids=schools["school_id"][is_lost],
            expected="schools that do not stand in a needle of the district's boundary",
            remedy="Fix the coordinates or the boundary there.",
        )
    members = schools["school_id"].astype("str").groupby(site).agg(tuple)
    return gpd.GeoDataFrame(
        {"unit_id": members.str[0].to_numpy(), "school_ids": members.to_numpy(), "islands": islands},
        geometry=shapes,
        index=schools.index[np.unique(site, return_index=True)[1]],
        crs=STORAGE_CRS,
    )


# ── The ground of each zone, each place in one zone only, and where the schools stand on it

_INSIDE_M = 0.05
"""How far inside its zone a school is put that stands on the zone's edge or beyond."""

_REACH_DEG = 10 * GRID_DEG


@dataclass(frozen=True, eq=False)
class Land:
    """What is to be divided: the zones as they are, and what is left of the district."""

    zone_ids: tuple[str, ...]  # Ids of the k zones, in the order of the zone file
    shapes: Shapes  # Land of each zone in degrees; where zones overlap, it is the first one's
    metric: Shapes  # The same in meters
    gap: Geometry  # Land of the district in no zone, in degrees; may be empty
    overlap: Geometry  # Land that several zones claim, in degrees; may be empty
    beyond: Geometry  # Land of zones outside the district, in degrees; may be empty
    closed_m2: float  # Land between zones that none claimed, now divided among them
    given_to: tuple[int, ...]  # Rows of the zones that were given some of it
    meters: CRS  # Projected CRS in meters

    @classmethod
    def of(
        cls,
        zones: gpd.GeoDataFrame,
        district: gpd.GeoDataFrame | gpd.GeoSeries | None,
        meters: CRS,
        *,
        tolerance_m: float = TOLERANCE_M,
    ) -> Land:
        """Lay zones and district over each other."""
        ids = zones["zone_id"].astype("str")
        claimed = zones.geometry.to_crs(STORAGE_CRS).groupby(ids.to_numpy(), sort=False).agg(_whole)
        shapes, overlap = _first_come(claimed.to_numpy())
        if shapely.is_empty(shapes).any():
            raise GeometryError(
                "Some zones lie wholly in others, and have no ground of their own.",
                where="zones",
                ids=claimed.index[shapely.is_empty(shapes)],
                expected="every place in one zone only",
                remedy="Delete these zones, or cut them out of the others.",
            )
        drawn = as_coverage(gpd.GeoSeries(shapes, claimed.index, crs=STORAGE_CRS), meters, tolerance_m=tolerance_m)
        covered = shapely.union_all(claimed.to_numpy())
        if district is not None:
            area = _whole(district.geometry.to_crs(STORAGE_CRS))
        if drawn.given_to:
            ours = shapely.union_all([*drawn.shapes]) if district is None else shapely.union(area, covered)
            shapes = np.array([_area_of(s) for s in shapely.intersection(drawn.shapes, ours)])
            covered = shapely.union_all([covered, *shapes])
        if district is None:
            area = covered
        metric = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(meters).to_numpy()
        return cls(
            zone_ids=tuple(claimed.index),
            shapes=shapes,
            metric=metric,
            gap=_area_of(shapely.difference(area, covered)),
            overlap=overlap,
            beyond=_area_of(shapely.difference(covered, area)),
            closed_m2=drawn.closed_m2,
            given_to=drawn.given_to,
            meters=meters,
        )

    def area_m2(self, shape: Geometry) -> float:
        """Measure an area."""
        return float(gpd.GeoSeries([shape], crs=STORAGE_CRS).to_crs(self.meters).area.iloc[0])

    def reach(self, shape: Geometry) -> Geometry:
        """Widen an area by some 10 cm, so that what is cut along its rim crosses the rim."""
        return shapely.buffer(shape, _REACH_DEG, join_style="mitre")


@dataclass(frozen=True, eq=False)
class Standing:
    """Where each of n schools stands."""

    row: Labels  # The zone whose ground the school takes part in dividing, shape (n,)
    xy: Meters  # The place it has in that, in meters, shape (n, 2)
    true_xy: Meters  # Where it really is, in meters, shape (n, 2)
    is_edge: Flags  # Whether it stands just beyond the edge of its zone, within `EDGE_M`
    is_foreign: Flags  # Whether it stands inside another zone, farther from its own
    is_away: Flags  # Whether it stands in no zone, farther than `EDGE_M` from its own
    is_in_gap: Flags  # Whether it stands on ground of the district in no zone
    away_m: Meters  # Distance to the zone it is assigned to, shape (n,)


def stand(points: gpd.GeoSeries, own: Labels, land: Land) -> Standing:
    """Find the ground that each school takes part in dividing.

    A school inside its zone stands where it is. One on the zone's edge, or outside every zone, is put at the nearest
    place inside its zone. One well inside another zone divides the ground of that.
    """
    spots, metric = points.to_numpy(), points.to_crs(land.meters).to_numpy()
    row = _zone_at(spots, own, land)
    away_m = shapely.distance(metric, land.metric[own])
    is_edge = (row != own) & (away_m <= EDGE_M)
    is_foreign = (row != own) & ~is_edge & (row >= 0)
    is_away = (row < 0) & ~is_edge
    true_xy = shapely.get_coordinates(metric)
    xy = true_xy.copy()
    for i in np.flatnonzero(is_edge | is_away):
        xy[i] = _nearest_inside(metric[i], land.metric[own[i]])
    return Standing(
        row=np.where(is_foreign, row, own),
        xy=xy,
        true_xy=true_xy,
        is_edge=is_edge,
        is_foreign=is_foreign,
        is_away=is_away,
        is_in_gap=(row < 0) & shapely.dwithin(spots, land.gap, GRID_DEG),
        away_m=away_m,
    )


def require_areas(layer: gpd.GeoDataFrame | gpd.GeoSeries, name: str, ids: NDArray[np.object_]) -> None:
    """Refuse a layer that is not valid areas."""
    require_crs(layer, name)
    check_degrees(layer.total_bounds, CRS(layer.crs), name)
    shapes = layer.geometry
    is_area = (shapes.geom_type.isin(["Polygon", "MultiPolygon"]) & ~shapes.is_empty).to_numpy()
    is_faulty = ~is_area | ~shapes.is_valid.to_numpy()
    if len(shapes) and not is_faulty.any():
        return
    reasons = [*shapes[~is_area].geom_type.fillna("no geometry"), *shapes[is_area & is_faulty].is_valid_reason()]
    raise GeometryError(
        f"The layer {name} is not valid areas.",
        where=name,
        ids=ids[is_faulty],
        found="; ".join(map(str, reasons[:3])) or "no polygon at all",
        expected="valid polygons, at least one",
        remedy="Repair them first (`safeschools check` names them), or give another file.",
    )


def require_columns(frame: pd.DataFrame, names: list[str], where: str) -> None:
    """Refuse a table that lacks columns."""
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise ColumnError(
            f"The table {where} lacks columns.",
            where=where,
            ids=missing,
            found=", ".join(map(str, frame.columns)),
            expected=", ".join(names),
            remedy="Name the columns that are meant.",
            setting="columns",
        )


def _whole(shapes: gpd.GeoSeries) -> Geometry:
    """Join areas; one that crosses itself by centimeters, only once in degrees, is repaired."""
    valid = shapely.make_valid(shapes.to_numpy(), method="structure")
    return _area_of(valid[0] if len(valid) == 1 else shapely.union_all(valid))


def _area_of(shape: Geometry) -> Geometry:
    """Drop the lines that an overlay may leave beside areas: a collection has no boundary to cut along."""
    parts, _ = polygon_parts(np.array([shape], dtype=object))
    return parts[0] if len(parts) == 1 else MultiPolygon(parts.tolist())


def _first_come(claimed: Shapes) -> tuple[Shapes, Geometry]:
    """Give ground that several zones claim to the first of them, as schools and incidents there are."""
    shapes = claimed.copy()
    i, j = shapely.STRtree(claimed).query(claimed, predicate="overlaps")
    within = shapely.STRtree(claimed).query(claimed, predicate="contains")
    pairs = {(int(min(p)), int(max(p))) for p in [*zip(i, j, strict=True), *zip(*within, strict=True)] if p[0] != p[1]}
    common = [shapely.intersection(claimed[first], claimed[later]) for first, later in sorted(pairs)]
    for first, later in sorted(pairs):
        shapes[later] = _area_of(shapely.difference(shapes[later], claimed[first]))
    return shapes, shapely.union_all(common) if common else shapely.Polygon()


def _zone_at(spots: Shapes, own: Labels, land: Land) -> Labels:
    """Find the zone that each spot lies in: its own if it touches that, else the first, else -1."""
    spot, zone = shapely.STRtree(land.shapes).query(spots, predicate="intersects")
    row = np.full(len(spots), len(land.shapes))
    np.minimum.at(row, spot, zone)
    is_own = zone == own[spot]
    row[spot[is_own]] = zone[is_own]
    return np.where(row == len(land.shapes), -1, row).astype("int64")


def _nearest_inside(point: Geometry, area: Geometry) -> Meters:
    core = shapely.buffer(area, -_INSIDE_M)
    target = shapely.point_on_surface(area) if shapely.is_empty(core) else core
    nearest: Meters = shapely.get_coordinates(shapely.shortest_line(target, point))[0]
    return nearest


# ── Service areas inside each zone: the zone's ground divided among its schools, its edges kept


@dataclass(frozen=True, eq=False)
class ZoneCells:
    """Ground cut into faces, each of which is a unit's."""

    faces: Faces  # The faces, n
    group: NDArray[np.int64]  # Zone that each lies in, -1 for ground of the district in no zone, shape (n,)
    # Unit of each face, shape (n,); after the units of schools come the zones without a school
    owner: NDArray[np.int64]
    islands: tuple[int, ...]  # Units that were given a part of their zone without a school


def divide_zones(campuses: gpd.GeoSeries, standing: Standing, unit: Labels, land: Land) -> ZoneCells:
    """Divide the ground of each zone among the schools that stand in it."""
    faces, group, label = _zone_cells_faces(campuses, standing, unit, land)
    owner, islands = _owners(faces, group, label, standing, unit)
    return ZoneCells(faces, group, owner, tuple(islands))


def zones_without_schools(standing: Standing, land: Land) -> Labels:
    """Find the zones whose ground no school takes part in dividing."""
    return np.setdiff1d(np.arange(len(land.zone_ids)), standing.row)


def _zone_cells_faces(
    campuses: gpd.GeoSeries, standing: Standing, unit: Labels, land: Land
) -> tuple[Faces, Labels, Labels]:
    """Cut the ground; tell of each face the zone it lies in (-1 for none) and the unit it is nearest to."""
    has_gap = not shapely.is_empty(land.gap)
    lines = [*shapely.boundary(land.shapes), *_borders(standing, land)]
    campus = campuses.to_numpy()[campuses.geom_type.isin(["Polygon", "MultiPolygon"])]
    lines += [shapely.boundary(c) for c in campus]
    if has_gap:
        everyone = np.concatenate([standing.true_xy, standing.xy])
        across = shapely.intersection(cell_borders(everyone, land.gap, land.meters), land.reach(land.gap))
        lines += [shapely.boundary(land.gap), across]
    shapes = cut(lines)
    inner = shapely.point_on_surface(shapes)
    group = _groups(inner, land)
    is_land = group >= 0
    if has_gap:
        is_land |= shapely.contains_xy(land.gap, shapely.get_x(inner), shapely.get_y(inner))
    faces, group = Faces.of(shapes[is_land], land.meters), group[is_land]
    label = _nearest_unit(faces.inner_points(), group, standing, unit)
    for number, row in enumerate(zones_without_schools(standing, land), start=int(unit.max()) + 1):
        label[group == row] = number
    _keep_campuses(label, inner[is_land], campuses, group=group, row=standing.row, unit=unit)
    return faces, group, label


def _borders(standing: Standing, land: Land) -> list[Geometry]:
    """Draw the borders between the service areas inside each zone."""
    return [
        shapely.intersection(cell_borders(standing.xy[is_here], shape, land.meters), land.reach(shape))
        for row, shape in enumerate(land.shapes)
        if (is_here := standing.row == row).sum() > 1
    ]


def _groups(inner: Shapes, land: Land) -> Labels:
    face, zone = shapely.STRtree(land.shapes).query(inner, predicate="intersects")
    group = np.full(len(inner), -1, dtype="int64")
    # The later zones first, so that the first one is written last.
    order = np.argsort(-zone, kind="stable")
    group[face[order]] = zone[order]
    return group


def _nearest_unit(inner: NDArray[np.float64], group: Labels, standing: Standing, unit: Labels) -> Labels:
    label = np.full(len(inner), NOBODY, dtype="int64")
    for row in np.unique(group):
        is_here = group == row
        if row < 0:
            sites, owners = np.concatenate([standing.true_xy, standing.xy]), np.concatenate([unit, unit])
        else:
            sites, owners = standing.xy[standing.row == row], unit[standing.row == row]
        if len(sites):
            label[is_here] = owners[cKDTree(sites).query(inner[is_here])[1]]
    return label


def _keep_campuses(
    label: Labels, inner: Shapes, campuses: gpd.GeoSeries, *, group: Labels, row: Labels, unit: Labels
) -> None:
    """Give each face of a campus to its school, where that divides the ground of the zone it lies in."""
    rows = np.flatnonzero(campuses.geom_type.isin(["Polygon", "MultiPolygon"]))
    face, campus = shapely.STRtree(campuses.to_numpy()[rows]).query(inner, predicate="intersects")
    # The later schools first, so that the first one's claim is written last.
    order = np.argsort(-campus, kind="stable")
    face, school = face[order], rows[campus[order]]
    is_own = row[school] == group[face]
    label[face[is_own]] = unit[school[is_own]]


def _owners(faces: Faces, group: Labels, label: Labels, standing: Standing, unit: Labels) -> tuple[Labels, list[int]]:
    """Give each face to a unit; parts cut off from their school stay in the zone."""
    is_same = (label[faces.a] == label[faces.b]) & (group[faces.a] == group[faces.b])
    piece = faces.parts(is_same)
    homes = _zone_cells_home_faces(faces, group, label, standing, unit)
    is_home = np.isin(piece, piece[homes]) | (label > unit.max())
    owner = np.where(is_home, label, NOBODY)
    is_zone = group >= 0
    inside, theirs = faces.where(is_zone), owner[is_zone]
    is_open = group[is_zone][inside.a] == group[is_zone][inside.b]
    give_to_neighbors(theirs, inside, piece=piece[is_zone], is_open=is_open)
    islands = give_islands(theirs, inside, part=inside.parts(is_open), group=group[is_zone])
    owner[is_zone] = theirs
    _give_gaps(owner, faces, piece, label)
    return owner, islands


def _zone_cells_home_faces(faces: Faces, group: Labels, label: Labels, standing: Standing, unit: Labels) -> Labels:
    """Find the faces that the schools stand in, in their zone and in gaps."""
    homes = []
    for i, own in enumerate(unit):
        is_own = label == own
        places = [(group == standing.row[i], standing.xy[i])]
        places += [(group < 0, standing.true_xy[i])] if standing.is_in_gap[i] else []
        for is_there, at in places:
            near = np.flatnonzero(is_own & is_there)
            if len(near):
                homes.append(near[np.argmin(shapely.distance(faces.metric[near], shapely.Point(at)))])
    return np.array(homes, dtype="int64")


def _give_gaps(owner: Labels, faces: Faces, piece: Labels, label: Labels) -> None:
    """Give ground in no zone to the unit it is nearest to if it touches that, else to its neighbors."""
    if not (owner == NOBODY).any():
        return
    everywhere = np.ones(len(faces.a), dtype=bool)
    before = owner.copy()
    for face, other in ((faces.a, faces.b), (faces.b, faces.a)):
        touches = (before[face] == NOBODY) & (before[other] == label[face])
        is_won = (before == NOBODY) & np.isin(piece, piece[face[touches]])
        owner[is_won] = label[is_won]
    give_to_neighbors(owner, faces, piece=piece, is_open=everywhere)
    give_islands(owner, faces, part=faces.parts(everywhere), group=np.zeros(len(faces), dtype="int64"))
