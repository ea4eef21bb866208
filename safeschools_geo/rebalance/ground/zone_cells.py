"""Service areas inside each zone: the zone's ground divided among its schools, its edges kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from safeschools_geo.rebalance.ground.faces import NOBODY, Faces, cell_borders, cut, give_islands, give_to_neighbours

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely import Geometry

    from safeschools_geo.rebalance.ground.grounds import Ground, Standing

    Labels = NDArray[np.int64]
    Shapes = NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class ZoneCells:
    """Ground cut into faces, each of which is a unit's.

    Parameters
    ----------
    faces
        The faces, n.
    group
        Zone that each lies in, -1 for ground of the district in no zone, shape (n,).
    owner
        Unit of each face, shape (n,); after the units of schools come the zones without a school.
    islands
        Units that were given a part of their zone without a school.
    """

    faces: Faces
    group: NDArray[np.int64]
    owner: NDArray[np.int64]
    islands: tuple[int, ...]


def divide_zones(campuses: gpd.GeoSeries, standing: Standing, unit: Labels, ground: Ground) -> ZoneCells:
    """Divide the ground of each zone among the schools that stand in it.

    Parameters
    ----------
    campuses
        Points or areas of the schools, EPSG:4326, n rows, at least one.
    standing
        Where the schools stand.
    unit
        Unit of each school, numbered from 0, shape (n,).
    ground
        The ground.

    Returns
    -------
    ZoneCells
        Each place goes to the nearest school of its zone; parts cut off from their school stay in the zone.
    """
    faces, group, label = _faces(campuses, standing, unit, ground)
    owner, islands = _owners(faces, group, label, standing, unit)
    return ZoneCells(faces, group, owner, tuple(islands))


def zones_without_schools(standing: Standing, ground: Ground) -> Labels:
    """Find the zones whose ground no school takes part in dividing.

    Parameters
    ----------
    standing
        Where the schools stand.
    ground
        The ground.

    Returns
    -------
    numpy.ndarray
        Their rows.
    """
    return np.setdiff1d(np.arange(len(ground.zone_ids)), standing.row)


def _faces(campuses: gpd.GeoSeries, standing: Standing, unit: Labels, ground: Ground) -> tuple[Faces, Labels, Labels]:
    """Cut the ground; tell of each face the zone it lies in (-1 for none) and the unit it is nearest to."""
    has_gap = not shapely.is_empty(ground.gap)
    lines = [*shapely.boundary(ground.shapes), *_borders(standing, ground)]
    campus = campuses.to_numpy()[campuses.geom_type.isin(["Polygon", "MultiPolygon"])]
    lines += [shapely.boundary(c) for c in campus]
    if has_gap:
        everyone = np.concatenate([standing.true_xy, standing.xy])
        across = shapely.intersection(cell_borders(everyone, ground.gap, ground.metres), ground.reach(ground.gap))
        lines += [shapely.boundary(ground.gap), across]
    shapes = cut(lines)
    inner = shapely.point_on_surface(shapes)
    group = _groups(inner, ground)
    is_ground = group >= 0
    if has_gap:
        is_ground |= shapely.contains_xy(ground.gap, shapely.get_x(inner), shapely.get_y(inner))
    faces, group = Faces.of(shapes[is_ground], ground.metres), group[is_ground]
    label = _nearest_unit(faces.inner_points(), group, standing, unit)
    for number, row in enumerate(zones_without_schools(standing, ground), start=int(unit.max()) + 1):
        label[group == row] = number
    _keep_campuses(label, inner[is_ground], campuses, group=group, row=standing.row, unit=unit)
    return faces, group, label


def _borders(standing: Standing, ground: Ground) -> list[Geometry]:
    """Draw the borders between the service areas inside each zone."""
    return [
        shapely.intersection(cell_borders(standing.xy[is_here], shape, ground.metres), ground.reach(shape))
        for row, shape in enumerate(ground.shapes)
        if (is_here := standing.row == row).sum() > 1
    ]


def _groups(inner: Shapes, ground: Ground) -> Labels:
    face, zone = shapely.STRtree(ground.shapes).query(inner, predicate="intersects")
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
    homes = _home_faces(faces, group, label, standing, unit)
    is_home = np.isin(piece, piece[homes]) | (label > unit.max())
    owner = np.where(is_home, label, NOBODY)
    is_zone = group >= 0
    inside, theirs = faces.where(is_zone), owner[is_zone]
    is_open = group[is_zone][inside.a] == group[is_zone][inside.b]
    give_to_neighbours(theirs, inside, piece=piece[is_zone], is_open=is_open)
    islands = give_islands(theirs, inside, part=inside.parts(is_open), group=group[is_zone])
    owner[is_zone] = theirs
    _give_gaps(owner, faces, piece, label)
    return owner, islands


def _home_faces(faces: Faces, group: Labels, label: Labels, standing: Standing, unit: Labels) -> Labels:
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
    """Give ground in no zone to the unit it is nearest to if it touches that, else to its neighbours."""
    if not (owner == NOBODY).any():
        return
    everywhere = np.ones(len(faces.a), dtype=bool)
    before = owner.copy()
    for face, other in ((faces.a, faces.b), (faces.b, faces.a)):
        touches = (before[face] == NOBODY) & (before[other] == label[face])
        is_won = (before == NOBODY) & np.isin(piece, piece[face[touches]])
        owner[is_won] = label[is_won]
    give_to_neighbours(owner, faces, piece=piece, is_open=everywhere)
    give_islands(owner, faces, part=faces.parts(everywhere), group=np.zeros(len(faces), dtype="int64"))
