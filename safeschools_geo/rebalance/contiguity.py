"""Contiguity: which units border each other, and whether the units of a zone hang together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from safeschools_geo.crs import measuring_crs
from safeschools_geo.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd
    from numpy.typing import NDArray

EDGE_COLUMNS = ["unit_a", "unit_b", "shared_m"]
"""Columns of a table of edges."""

_CORNER = 4.0
"""A mere corner counts for up to about this many times the snapping distance."""


def rook_adjacency(
    units: gpd.GeoDataFrame, *, crs: object = None, min_shared_m: float = 0.5, snap_m: float = 0.1
) -> pd.DataFrame:
    """Find the units that share a border, not merely a corner.

    Parameters
    ----------
    units
        Areal units with `unit_id` and a CRS, n rows.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.
    min_shared_m
        Shortest border that counts, in metres.
    snap_m
        Borders this near to each other, in metres, count as shared: raise it for units whose borders were digitised
        twice, and set it to 0 for borders that are equal to the last digit.

    Returns
    -------
    pandas.DataFrame
        One row for each pair of neighbours: `unit_a` (the earlier in `units`), `unit_b`, `shared_m`; in the order of
        the units.

    Raises
    ------
    SettingsError
        When `min_shared_m` is below four times `snap_m`, so that a corner could pass for a border.
    CRSError
        When `crs` is not projected in metres.
    """
    if min_shared_m < _CORNER * snap_m:
        raise SettingsError(
            "With this snapping distance a corner would pass for a border.",
            found=f"min_shared_m = {min_shared_m:g}, snap_m = {snap_m:g}",
            expected=f"min_shared_m of at least {_CORNER:g} × snap_m",
            remedy="Lower snap_m or raise min_shared_m.",
        )
    shapes = units.geometry.to_crs(measuring_crs(units, stated=crs)).to_numpy()
    a, b, shared_m = shared_borders(shapes, snap_m=snap_m)
    is_border = shared_m >= min_shared_m
    ids = units["unit_id"].to_numpy()
    columns = {"unit_a": ids[a[is_border]], "unit_b": ids[b[is_border]], "shared_m": shared_m[is_border]}
    return pd.DataFrame(columns, columns=EDGE_COLUMNS)


def shared_borders(
    shapes: NDArray[np.object_], *, snap_m: float = 0.0
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Measure the border that each pair of polygons shares.

    Parameters
    ----------
    shapes
        Valid polygons, shape (n,), in metres.
    snap_m
        Borders this near to each other count as shared; 0 for borders that are equal to the last digit.

    Returns
    -------
    tuple of numpy.ndarray
        Rows `a` < `b` of the pairs that share a border, and its length in metres; sorted by `a`, then `b`.
    """
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


def adjacency_matrix(unit_ids: Iterable[str], edges: pd.DataFrame, *, values: str | None = None) -> csr_array:
    """Turn a table of edges into a symmetric matrix.

    Parameters
    ----------
    unit_ids
        Ids of the n units, in the order of rows and columns.
    edges
        At least `unit_a` and `unit_b`, each pair once; edges of other units are left out.
    values
        Column of `edges` to put into the matrix, such as `shared_m`.

    Returns
    -------
    scipy.sparse.csr_array
        Shape (n, n), float64: 1, or the value, where there is an edge.
    """
    index = pd.Index(list(unit_ids))
    a, b = (index.get_indexer(pd.Index(edges[c])) for c in ("unit_a", "unit_b"))
    is_known = (a >= 0) & (b >= 0)
    data = np.ones(len(edges)) if values is None else edges[values].to_numpy(dtype="float64")
    rows, columns = np.r_[a[is_known], b[is_known]], np.r_[b[is_known], a[is_known]]
    return coo_array((np.tile(data[is_known], 2), (rows, columns)), shape=(len(index), len(index))).tocsr()


def components(unit_ids: Iterable[str], edges: pd.DataFrame) -> pd.Series:
    """Find the groups of units that hang together.

    Parameters
    ----------
    unit_ids
        Ids of the units.
    edges
        At least `unit_a` and `unit_b`.

    Returns
    -------
    pandas.Series
        Named `component`, int64, by `unit_id`; groups are numbered from 0 in the order of their first units.
    """
    index = pd.Index(list(unit_ids), name="unit_id")
    _, label = connected_components(adjacency_matrix(index, edges), directed=False)
    return pd.Series(pd.factorize(label)[0].astype("int64"), index=index, name="component")


def bridges(units: gpd.GeoDataFrame, edges: pd.DataFrame, *, crs: object = None) -> pd.DataFrame:
    """Find the shortest links that join units the adjacency leaves apart, such as islands.

    Parameters
    ----------
    units
        Areal units with `unit_id` and a CRS.
    edges
        Result of `rook_adjacency`.
    crs
        Projected CRS in metres to measure in; the UTM zone of the units by default.

    Returns
    -------
    pandas.DataFrame
        `unit_a`, `unit_b`, `distance_m`: one row fewer than there are groups of units that hang together, of the
        smallest total length; empty when all of them do.

    Raises
    ------
    CRSError
        When `crs` is not projected in metres.
    """
    group = components(units["unit_id"], edges).to_numpy()
    shapes = units.geometry.to_crs(measuring_crs(units, stated=crs)).to_numpy()
    ids = units["unit_id"].to_numpy()
    members = [np.flatnonzero(group == g) for g in range(group.max(initial=-1) + 1)]
    wholes = [shapely.geometrycollections(shapes[m]) for m in members]
    gap_m = np.array([[shapely.distance(p, q) for q in wholes] for p in wholes]).reshape(len(wholes), len(wholes))
    # A sparse tree takes 0 for "no edge"; parts that touch in a corner are 0 m apart, so every gap gets a metre more.
    tree = minimum_spanning_tree(gap_m + 1.0).tocoo()
    rows = []
    for p, q in sorted(zip(tree.row.tolist(), tree.col.tolist(), strict=True)):
        i, j, distance_m = _nearest_pair(shapes, members[min(p, q)], members[max(p, q)])
        rows.append((ids[min(i, j)], ids[max(i, j)], distance_m))
    return pd.DataFrame(rows, columns=["unit_a", "unit_b", "distance_m"])


def _nearest_pair(
    shapes: NDArray[np.object_], some: NDArray[np.int64], others: NDArray[np.int64]
) -> tuple[int, int, float]:
    (j, i), distance = shapely.STRtree(shapes[some]).query_nearest(shapes[others], return_distance=True)
    best = np.lexsort((others[j], some[i], distance))[0]
    return int(some[i[best]]), int(others[j[best]]), float(distance[best])


def zone_pieces(assignment: pd.Series, edges: pd.DataFrame) -> pd.Series:
    """Count the pieces each zone falls into.

    Parameters
    ----------
    assignment
        Zone of each unit, by `unit_id`.
    edges
        At least `unit_a` and `unit_b`: adjacency, and bridges if they may be used.

    Returns
    -------
    pandas.Series
        Named `pieces`, int64, by `zone_id`, sorted; 1 where the zone is contiguous.
    """
    zone_a, zone_b = (edges[c].map(assignment) for c in ("unit_a", "unit_b"))
    group = components(assignment.index, edges[zone_a == zone_b])
    return group.groupby(assignment.to_numpy()).nunique().rename_axis("zone_id").rename("pieces")


def is_contiguous(assignment: pd.Series, edges: pd.DataFrame) -> bool:
    """Say whether every zone hangs together.

    Parameters
    ----------
    assignment
        Zone of each unit, by `unit_id`.
    edges
        At least `unit_a` and `unit_b`: adjacency, and bridges if they may be used.

    Returns
    -------
    bool
        True when no zone falls into two pieces.
    """
    return bool((zone_pieces(assignment, edges) == 1).all())
