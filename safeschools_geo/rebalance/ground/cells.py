"""Service areas: the part of the district that is nearer to a school than to any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from safeschools_geo.crs import STORAGE_CRS, check_degrees, measuring_crs, require_crs
from safeschools_geo.errors import GeometryError, name_ids
from safeschools_geo.rebalance.ground.faces import (
    GRID_DEG,
    NOBODY,
    Faces,
    cell_borders,
    cut,
    give_islands,
    give_to_neighbours,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS
    from shapely import Geometry

    Metres = NDArray[np.float64]
    Labels = NDArray[np.int64]

SAME_SITE_M = 2.0
"""Schools this near to each other are one site: a border between them could not be told from either."""


def service_areas(
    schools: gpd.GeoDataFrame,
    district: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    crs: object = None,
) -> gpd.GeoDataFrame:
    """Divide the district among its schools, each place to the school nearest to it in a straight line.

    Parameters
    ----------
    schools
        Schools with `school_id`, points or campuses (of which a point inside stands for the whole), with a CRS.
    district
        Valid polygons that together are the district, with a CRS; it may have several parts, and holes.
    crs
        Projected CRS in metres to measure in; the UTM zone of the district by default.

    Returns
    -------
    geopandas.GeoDataFrame
        One row for each site (schools up to 2 m apart, or linked by a chain of such, are one), on the index of its
        first school: `unit_id` (id of the first school), `school_ids` (tuple of str), `islands` (int64: parts of
        the district without a school, added to the nearest service area), and geometry in EPSG:4326, a Polygon unless
        the unit has islands. The polygons are an exact coverage of the district: neighbours share their vertices, and
        every coordinate has seven decimals at most.

    Raises
    ------
    CRSError
        When a layer states no CRS, or one that its coordinates contradict, or `crs` is not projected in metres.
    GeometryError
        When the district is not a valid area, or a school has no place, lies outside it, or gets no area.

    Notes
    -----
    Voronoi cells, clipped to the district. Where the boundary cuts a cell into pieces, the piece without the school
    goes to the neighbour it shares the longest border with. All lines are noded together on the grid of seven
    decimals (snap rounding) before any polygon is made, which is what makes the coverage exact.

    References
    ----------
    Okabe, A., Boots, B., Sugihara, K., and Chiu, S. N. (2000). Spatial Tessellations, 2nd edition, Wiley.
    """
    area = _district_area(district)
    metres = measuring_crs(gpd.GeoSeries([area], crs=STORAGE_CRS), stated=crs)
    points = _school_points(schools, area, metres)
    xy = shapely.get_coordinates(points.to_crs(metres).to_numpy())
    site = sites_of(xy)
    faces = _faces(xy, area, metres)
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
    # A line straight in metres is bent in degrees: a valid area may cross itself by centimetres once reprojected.
    return shapely.union_all(shapely.make_valid(shapes.to_crs(STORAGE_CRS).to_numpy(), method="structure"))


def _school_points(schools: gpd.GeoDataFrame, area: Geometry, metres: CRS) -> gpd.GeoSeries:
    if len(schools) == 0:
        raise GeometryError(
            "There are no schools to divide the district among.",
            where="schools",
            expected="one school or more",
            remedy="Look at which schools the settings keep.",
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
        outside = points[is_out].to_crs(metres)
        far_m = outside.distance(gpd.GeoSeries([area], crs=STORAGE_CRS).to_crs(metres).iloc[0]).max()
        found.append(f"outside the district, by up to {far_m:,.1f} m: {name_ids(ids[is_out])}")
    raise GeometryError(
        "Some schools cannot be given a service area.",
        where="schools",
        ids=ids[~has_place | is_out],
        found="; ".join(found),
        expected="every school inside the district's boundary",
        remedy="Mend the coordinates, give a more detailed boundary, or leave these schools out.",
    )


def sites_of(xy: Metres) -> Labels:
    """Tell which schools are at one place: up to 2 m apart, or linked by a chain of such.

    Parameters
    ----------
    xy
        The schools, in metres, shape (n, 2).

    Returns
    -------
    numpy.ndarray
        Number of each school's site, from 0 in the order of their first schools, shape (n,).
    """
    pairs = cKDTree(xy).query_pairs(SAME_SITE_M, output_type="ndarray")
    links = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(len(xy), len(xy)))
    _, label = connected_components(links, directed=False)
    return pd.factorize(label)[0].astype("int64")


def _faces(xy: Metres, area: Geometry, metres: CRS) -> Faces:
    """Cut the district along the borders of the Voronoi cells of all points, on the storage grid."""
    shapes = cut([shapely.boundary(area), cell_borders(xy, area, metres)])
    inner = shapely.point_on_surface(shapes)
    return Faces.of(shapes[shapely.contains_xy(area, shapely.get_x(inner), shapely.get_y(inner))], metres)


def _units_of_faces(faces: Faces, xy: Metres, site: Labels) -> tuple[Labels, Labels]:
    """Give each face to a site, and count the islands that each site is given."""
    label = site[cKDTree(xy).query(faces.inner_points())[1]]
    piece = faces.parts(label[faces.a] == label[faces.b])
    homes = {piece[face] for face in _home_faces(faces.metric, xy, site, label)}
    unit = np.where(np.isin(piece, list(homes)), label, NOBODY)
    everywhere = np.ones(len(faces.a), dtype=bool)
    give_to_neighbours(unit, faces, piece=piece, is_open=everywhere)
    given = give_islands(unit, faces, part=faces.parts(everywhere), group=np.zeros(len(faces), dtype="int64"))
    return unit, np.bincount(np.array(given, dtype="int64"), minlength=site.max() + 1).astype("int64")


def _home_faces(shapes: NDArray[np.object_], xy: Metres, site: Labels, label: Labels) -> list[int]:
    """Find the face that each school stands in, among those of its site."""
    homes = []
    for at, own in zip(xy, site, strict=True):
        faces = np.flatnonzero(label == own)
        if len(faces):
            homes.append(int(faces[np.argmin(shapely.distance(shapes[faces], shapely.Point(at)))]))
    return homes


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
            remedy="Mend the coordinates or the boundary there.",
        )
    members = schools["school_id"].astype("str").groupby(site).agg(tuple)
    return gpd.GeoDataFrame(
        {"unit_id": members.str[0].to_numpy(), "school_ids": members.to_numpy(), "islands": islands},
        geometry=shapes,
        index=schools.index[np.unique(site, return_index=True)[1]],
        crs=STORAGE_CRS,
    )
