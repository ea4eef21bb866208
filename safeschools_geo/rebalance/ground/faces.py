"""Faces: ground cut along lines on one grid, each face given to an owner, so that the owners tile the ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.rebalance.contiguity import shared_borders

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from pyproj import CRS
    from shapely import Geometry

    Labels = NDArray[np.int64]
    Metres = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Shapes = NDArray[np.object_]

GRID_DEG = 1e-7
"""Vertices lie on this grid: the seven decimals (about 1 cm) that layers are written with."""

NOBODY = -1
"""Owner of a face that has none yet."""

DUST_M = 0.02
"""Ground that is narrower is the rounding of the grid."""

_LONGEST_CHORD_M = 1000.0
"""A line straight in metres is bent in degrees, over this length by 2 cm at most."""


@dataclass(frozen=True, eq=False)
class Faces:
    """Ground cut along lines.

    Parameters
    ----------
    shapes
        Polygons in degrees that share their vertices, on the grid, shape (n,).
    metric
        The same in metres.
    a, b, shared_m
        Pairs of faces that share a border, ``a < b``, and its length in metres.
    """

    shapes: Shapes
    metric: Shapes
    a: Labels
    b: Labels
    shared_m: Metres

    @classmethod
    def of(cls, shapes: Shapes, metres: CRS) -> Faces:
        """Measure polygons that share their vertices.

        Parameters
        ----------
        shapes
            Polygons in degrees, from `cut`.
        metres
            Projected CRS in metres.

        Returns
        -------
        Faces
            The polygons, with their borders.
        """
        metric = gpd.GeoSeries(shapes, crs=STORAGE_CRS).to_crs(metres).to_numpy()
        return cls(shapes, metric, *shared_borders(metric))

    def __len__(self) -> int:
        """Return how many faces there are."""
        return len(self.shapes)

    def where(self, is_kept: Flags) -> Faces:
        """Take some of the faces.

        Parameters
        ----------
        is_kept
            Which ones, shape (n,).

        Returns
        -------
        Faces
            These faces and the borders among them.
        """
        row = np.cumsum(is_kept) - 1
        is_inner = is_kept[self.a] & is_kept[self.b]
        a, b = row[self.a[is_inner]], row[self.b[is_inner]]
        return Faces(self.shapes[is_kept], self.metric[is_kept], a, b, self.shared_m[is_inner])

    def inner_points(self) -> Metres:
        """Return a point inside each face, in metres, shape (n, 2)."""
        return shapely.get_coordinates(shapely.point_on_surface(self.metric))

    def is_dust(self) -> Flags:
        """Tell which faces are as narrow as the rounding of the grid, shape (n,)."""
        return 2 * shapely.area(self.metric) < DUST_M * shapely.length(self.metric)

    def parts(self, is_joined: Flags) -> Labels:
        """Tell which faces hang together.

        Parameters
        ----------
        is_joined
            Which pairs of neighbours count, shape of `a`.

        Returns
        -------
        numpy.ndarray
            Number of each face's group, from 0, shape (n,).
        """
        a, b = self.a[is_joined], self.b[is_joined]
        links = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(len(self), len(self)))
        return connected_components(links, directed=False)[1].astype("int64")


def cut(lines: Iterable[Geometry]) -> Shapes:
    """Cut the plane along lines.

    Parameters
    ----------
    lines
        Lines in degrees, which may cross and overlap.

    Returns
    -------
    numpy.ndarray
        Polygons that share their vertices, all on the grid of seven decimals; lines that end blindly are left out.

    References
    ----------
    Hobby, J. D. (1999). Practical segment intersection with finite precision output. Computational Geometry 13(4),
    199–214.
    """
    noded = shapely.union_all(list(lines), grid_size=GRID_DEG)
    faces: Shapes = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    return faces


def in_degrees(shapes: Shapes, metres: CRS) -> Shapes:
    """Bring what was drawn in metres to degrees, its straight lines kept straight on the ground.

    Parameters
    ----------
    shapes
        Lines or polygons in metres.
    metres
        Their CRS.

    Returns
    -------
    numpy.ndarray
        The same in EPSG:4326.
    """
    drawn: Shapes = (
        gpd.GeoSeries(shapely.segmentize(shapes, _LONGEST_CHORD_M), crs=metres).to_crs(STORAGE_CRS).to_numpy()
    )
    return drawn


def cell_borders(xy: Metres, around: Geometry, metres: CRS) -> Geometry:
    """Draw the borders of the Voronoi cells of some places.

    Parameters
    ----------
    xy
        The places, in metres, shape (n, 2); places within 1 mm of each other are one.
    around
        Area in degrees that the borders have to reach across.
    metres
        Projected CRS in metres that distances are measured in.

    Returns
    -------
    shapely.Geometry
        Lines in degrees.
    """
    box = shapely.box(*gpd.GeoSeries([around], crs=STORAGE_CRS).to_crs(metres).total_bounds).buffer(_LONGEST_CHORD_M)
    sites = shapely.multipoints(np.unique(xy.round(3), axis=0))
    borders = shapely.intersection(shapely.voronoi_polygons(sites, extend_to=box, only_edges=True), box)
    drawn: Geometry = in_degrees(np.array([borders]), metres)[0]
    return drawn


def give_to_neighbours(owner: Labels, faces: Faces, *, piece: Labels, is_open: Flags) -> None:
    """Give each piece without an owner to the neighbour of the longest shared border, the longest border first.

    Parameters
    ----------
    owner
        Owner of each face, `NOBODY` where there is none; changed in place.
    faces
        The faces.
    piece
        Faces of one number go to one owner.
    is_open
        The borders that ground may be given across, shape of `faces.a`.
    """
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
    """Give each part that is still without an owner to the nearest one.

    Parameters
    ----------
    owner
        Owner of each face, `NOBODY` where there is none; changed in place.
    faces
        The faces.
    part
        Faces of one number hang together.
    group
        A part goes to an owner of faces of its own group, if there is one.

    Returns
    -------
    list of int
        The owner of each part that was given.
    """
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
