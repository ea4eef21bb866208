"""Which units border each other, whether a zone hangs together, and which may follow each other within a zone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

from safeschools_geo.checks import report_rows
from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import ColumnError, SettingsError, attempt_all, count_text, name_ids
from safeschools_geo.findings import Finding
from safeschools_geo.io import as_text, read_table
from safeschools_geo.rebalance._problem import anchors_km, require_units
from safeschools_geo.rebalance._tiling import (
    SHORTEST_BORDER_M,
    TOLERANCE_M,
    as_coverage,
    cracks_between,
    shared_borders,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray


# ── Contiguity: which units border each other, and whether the units of a zone hang together

EDGE_COLUMNS = ["unit_a", "unit_b", "shared_m"]
"""Columns of a table of edges."""

_CORNER = 4.0
"""A mere corner counts for up to about this many times the snapping distance."""


def rook_adjacency(
    units: gpd.GeoDataFrame, *, crs: object = None, min_shared_m: float = 0.5, snap_m: float = 0.1
) -> pd.DataFrame:
    """Find the units that share a border, not merely a corner."""
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


def adjacency_matrix(unit_ids: Iterable[str], edges: pd.DataFrame, *, values: str | None = None) -> csr_array:
    """Turn a table of edges into a symmetric matrix."""
    index = pd.Index(list(unit_ids))
    a, b = (index.get_indexer(pd.Index(edges[c])) for c in ("unit_a", "unit_b"))
    is_known = (a >= 0) & (b >= 0)
    data = np.ones(len(edges)) if values is None else edges[values].to_numpy(dtype="float64")
    rows, columns = np.r_[a[is_known], b[is_known]], np.r_[b[is_known], a[is_known]]
    return coo_array((np.tile(data[is_known], 2), (rows, columns)), shape=(len(index), len(index))).tocsr()


def components(unit_ids: Iterable[str], edges: pd.DataFrame) -> pd.Series:
    """Find the groups of units that hang together."""
    index = pd.Index(list(unit_ids), name="unit_id")
    _, label = connected_components(adjacency_matrix(index, edges), directed=False)
    return pd.Series(pd.factorize(label)[0].astype("int64"), index=index, name="component")


def bridges(units: gpd.GeoDataFrame, edges: pd.DataFrame, *, crs: object = None) -> pd.DataFrame:
    """Find the shortest links that join units the adjacency leaves apart, such as islands."""
    group = components(units["unit_id"], edges).to_numpy()
    shapes = units.geometry.to_crs(measuring_crs(units, stated=crs)).to_numpy()
    ids = units["unit_id"].to_numpy()
    members = [np.flatnonzero(group == g) for g in range(group.max(initial=-1) + 1)]
    wholes = [shapely.geometrycollections(shapes[m]) for m in members]
    gap_m = np.array([[shapely.distance(p, q) for q in wholes] for p in wholes]).reshape(len(wholes), len(wholes))
    # A sparse tree takes 0 for "no edge"; parts that touch in a corner are 0 m apart, so every gap gets a meter more.
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
    """Count the pieces each zone falls into."""
    zone_a, zone_b = (edges[c].map(assignment) for c in ("unit_a", "unit_b"))
    group = components(assignment.index, edges[zone_a == zone_b])
    return group.groupby(assignment.to_numpy()).nunique().rename_axis("zone_id").rename("pieces")


def is_contiguous(assignment: pd.Series, edges: pd.DataFrame) -> bool:
    """Say whether every zone hangs together."""
    return bool((zone_pieces(assignment, edges) == 1).all())


# ── Which units may follow each other within a zone: borders, bridges over gaps, and what a person adds or forbids

LINK_COLUMNS = ["unit_a", "unit_b", "shared_m", "kind"]
"""Columns of the edges of units."""

LINK_KINDS = ("extra", "forbidden")
"""What a person may say of two units."""

_NEAR_M, _LONG_M = 1.0, 20.0
"""Units this near to each other, along so much, are neighbors that nobody can dispute (assumption A71)."""


@dataclass(frozen=True, eq=False)
class EdgesRead:
    """Edges that a table gives, and what there is to say of it."""

    edges: pd.DataFrame  # `unit_a`, `unit_b`, `shared_m`, `kind`
    findings: tuple[Finding, ...]  # Rows that were dropped, and where the table and the borders on the map differ
    left_out: list[tuple[str, str]]  # Pairs that the table leaves out though they share a border


def unit_edges(
    units: gpd.GeoDataFrame,
    *,
    extra: pd.DataFrame | Iterable[tuple[str, str]] | None = None,
    forbidden: pd.DataFrame | Iterable[tuple[str, str]] | None = None,
    tolerance_m: float = TOLERANCE_M,
    crs: object = None,
) -> pd.DataFrame:
    """Find the units that may follow each other within a zone.

    Parameters
    ----------
    units
        Areal units with `unit_id` and a CRS.
    extra
        Pairs that are linked though they share no border, such as by a bridge: tuples, or `unit_a` and `unit_b`.
    forbidden
        Pairs that are not linked though they share a border, such as across a freeway.
    tolerance_m
        Edges this near to each other, in meters, are one border; wider gaps, such as water, are none.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.

    Returns
    -------
    pandas.DataFrame
        Each pair once, `unit_a` before `unit_b` in the order of the units: `unit_a`, `unit_b`, `shared_m` (0 for what
        is no border), `kind`. Kinds are ``border`` (of 3 m or more), ``extra``, and
        ``bridge``: the shortest links that join what borders and extra links leave apart. Pairs that are forbidden are
        taken out last, so that nothing bridges a border that a person closes.

    Raises
    ------
    ColumnError
        When a link names a unit that there is not, or a pair is both extra and forbidden.
    CRSError
        When `crs` is not projected in meters.
    """
    ids = units["unit_id"].astype("str").to_numpy(dtype=object)
    links: dict[str, NDArray[np.int64]] = attempt_all(
        {
            "extra": lambda: _rows_of(extra, ids, "extra links"),
            "forbidden": lambda: _rows_of(forbidden, ids, "forbidden links"),
        }
    )
    both = {tuple(p) for p in links["extra"].tolist()} & {tuple(p) for p in links["forbidden"].tolist()}
    if both:
        raise ColumnError(
            "Some links are both extra and forbidden.",
            where="links",
            ids=[f"{ids[i]} and {ids[j]}" for i, j in sorted(both)],
            expected="either, or neither",
            remedy="Delete one of the two rows.",
        )
    borders = _borders(units, tolerance_m=tolerance_m, crs=crs)
    linked = _with_pairs(borders, links["extra"], ids, kind="extra")
    gaps = bridges(units, linked, crs=measuring_crs(units, stated=crs))
    over = _rows_of(gaps, ids, "bridges")
    return _without_pairs(_with_pairs(linked, over, ids, kind="bridge"), links["forbidden"], ids)


def disputed_neighbors(
    units: gpd.GeoDataFrame, edges: pd.DataFrame, *, apart: Iterable[tuple[str, str]] = (), crs: object = None
) -> pd.DataFrame:
    """Find the pairs of units of which a drawing leaves open whether they are neighbors.

    `unit_a`, `unit_b`, `why`: pairs that are not linked and share 3 m of border, or are within a meter of each other
    along 20 m; and pairs that are linked as if by a border and lie farther apart than the tolerance (assumption A71).
    """
    ids = units["unit_id"].astype("str").to_numpy(dtype=object)
    shapes = units.geometry.to_crs(measuring_crs(units, stated=crs)).to_numpy()
    linked = _rows_of(edges[["unit_a", "unit_b"]], ids, "edges")
    kept_apart = _rows_of(apart, ids, "pairs kept apart")
    tree = shapely.STRtree(shapes)
    near = tree.query(shapes, predicate="dwithin", distance=_NEAR_M).T.astype("int64")
    near = near[near[:, 0] < near[:, 1]]
    open_pairs = near[~_is_among(near, linked) & ~_is_among(near, kept_apart)]
    a, b = open_pairs.T
    rims, wide = shapely.boundary(shapes), shapely.buffer(shapes, _NEAR_M)
    along = np.minimum(*(shapely.length(shapely.intersection(rims[i], wide[j])) for i, j in ((a, b), (b, a))))
    # A third unit between the two changes nothing: less than a meter wide, it is a seam that somebody closed.
    rows = [
        (ids[i], ids[j], f"are within {_NEAR_M:g} m of each other along {length:,.0f} m and not linked")
        for (i, j), length in zip(open_pairs, along, strict=True)
        if length >= _LONG_M
    ]
    share = shapely.length(shapely.intersection(rims[a], rims[b]))
    rows += [
        (ids[i], ids[j], f"share {length:,.0f} m of border and are not linked")
        for (i, j), length, near_m in zip(open_pairs, share, along, strict=True)
        if length >= SHORTEST_BORDER_M and near_m < _LONG_M
    ]
    is_border = edges["kind"].eq("border").to_numpy() if "kind" in edges else np.ones(len(edges), dtype=bool)
    i, j = (pd.Index(ids).get_indexer(pd.Index(edges.loc[is_border, c].astype("str"))) for c in ("unit_a", "unit_b"))
    gap_m = shapely.distance(shapes[i], shapes[j])
    rows += [
        (ids[one], ids[other], f"are linked as neighbors and lie {far:,.0f} m apart")
        for one, other, far in zip(i, j, gap_m, strict=True)
        if far > TOLERANCE_M
    ]
    return pd.DataFrame(rows, columns=["unit_a", "unit_b", "why"]).astype("str")


def about_bridges(units: gpd.GeoDataFrame, edges: pd.DataFrame, *, crs: object = None) -> list[Finding]:
    """List the bridges, with the gap that each spans.

    Parameters
    ----------
    units
        Areal units with `unit_id` and a CRS.
    edges
        Result of `unit_edges`.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.

    Returns
    -------
    list of Finding
        One finding with all bridges; none where there is none.
    """
    over = edges[edges["kind"] == "bridge"]
    shapes = units.geometry.to_crs(measuring_crs(units, stated=crs)).set_axis(units["unit_id"].astype("str"))
    parts = [
        f"{a} and {b} ({shapes.loc[a].distance(shapes.loc[b]):,.0f} m)"
        for a, b in over[["unit_a", "unit_b"]].itertuples(index=False)
    ]
    return report_rows(
        parts,
        "note",
        "units_bridges",
        "units",
        f"The district is in parts; {count_text(len(parts), 'link')} over the gaps between them "
        f"{'counts' if len(parts) == 1 else 'count'} as borders: {name_ids(parts)}.",
        expected="a district in one piece",
        remedy="Forbid a link that cannot be driven, and add the one that can as an extra link.",
    )


def read_links(path: Path) -> pd.DataFrame:
    """Read extra and forbidden links from a file.

    Parameters
    ----------
    path
        A table with `unit_a` and `unit_b` (else its first two columns), and `kind`, ``extra`` (also where it is left
        out) or ``forbidden``.

    Returns
    -------
    pandas.DataFrame
        `unit_a`, `unit_b`, `kind`, all str.

    Raises
    ------
    FileReadError
        When the file cannot be read.
    ColumnError
        When it has fewer than two columns, an id is missing, or a kind is unknown.
    """
    raw = read_table(path).frame
    pairs = _id_columns(raw, path.name)
    given = as_text(raw["kind"]).fillna("extra") if "kind" in raw else pd.Series("extra", index=raw.index)
    kind = given.str.lower()
    is_unknown = ~kind.isin(LINK_KINDS)
    if is_unknown.any():
        raise ColumnError(
            "Some links are of no known kind.",
            where=path.name,
            ids=[f"row {row}" for row in raw.index[is_unknown]],
            found=", ".join(map(repr, given[is_unknown].unique())),
            expected=" or ".join(LINK_KINDS),
            remedy="Write one of these in the column `kind`.",
        )
    return pairs.assign(kind=kind.astype("str")).reset_index(drop=True)


def edges_of_table(
    units: gpd.GeoDataFrame, table: pd.DataFrame, *, tolerance_m: float = TOLERANCE_M, crs: object = None
) -> EdgesRead:
    """Take the edges that a table of neighbors gives.

    Parameters
    ----------
    units
        Areal units with `unit_id` and a CRS.
    table
        One row for each pair of neighbors, in either order or both: `unit_a` and `unit_b`, else the first two columns.
    tolerance_m
        Edges this near to each other, in meters, are one border on the map.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.

    Returns
    -------
    EdgesRead
        Each pair once, in the order of the units; ``border`` where the map has one, with its length, else ``extra``.
        Borders that only the map has are named in any case.

    Raises
    ------
    ColumnError
        When there are fewer than two columns, an id is missing, or a unit is named that there is not.
    """
    ids = units["unit_id"].astype("str").to_numpy(dtype=object)
    named = _id_columns(table, "adjacency")
    is_self = named["unit_a"] == named["unit_b"]
    rows = _rows_of(named, ids, "adjacency", is_unique=False)
    pairs = np.unique(rows, axis=0)
    borders = _borders(units, tolerance_m=tolerance_m, crs=crs)
    on_map = _rows_of(borders, ids, "borders")
    listed = _with_pairs(borders, pairs, ids, kind="extra")
    missing = _without_pairs(borders, pairs, ids)
    edges = _without_pairs(listed, _rows_of(missing, ids, "borders"), ids)
    findings = [
        *_about_rows(int(is_self.sum()), rows, pairs),
        *_about_missing(missing),
        *_about_added(_without_pairs(listed, on_map, ids)),
    ]
    disputed = disputed_neighbors(units, edges.assign(kind="extra"), crs=crs)[["unit_a", "unit_b"]]
    left_out = list(disputed.itertuples(index=False, name=None))
    return EdgesRead(edges, tuple(findings), left_out)


def _borders(units: gpd.GeoDataFrame, *, tolerance_m: float, crs: object) -> pd.DataFrame:
    meters = measuring_crs(units, stated=crs)
    shapes = units.geometry.to_crs(meters)
    is_sound = bool(shapely.coverage_is_valid(shapes.to_numpy()))
    if not is_sound or len(cracks_between(shapes.to_numpy(), tolerance_m=tolerance_m, is_exact=True)):
        drawn = as_coverage(units.geometry, meters, tolerance_m=tolerance_m).shapes
        shapes = gpd.GeoSeries(drawn, index=units.index, crs=STORAGE_CRS).to_crs(meters)
    edges = rook_adjacency(
        units[["unit_id"]].set_geometry(shapes), crs=meters, snap_m=0.0, min_shared_m=SHORTEST_BORDER_M
    )
    return edges.assign(kind="border").astype({"unit_a": "str", "unit_b": "str", "kind": "str"})[LINK_COLUMNS]


def _rows_of(
    links: pd.DataFrame | Iterable[tuple[str, str]] | None,
    ids: NDArray[np.object_],
    where: str,
    *,
    is_unique: bool = True,
) -> NDArray[np.int64]:
    """Find the rows of the units of each link, the earlier first; links of a unit with itself are left out."""
    table = links if isinstance(links, pd.DataFrame) else pd.DataFrame(list(links or ()), columns=["unit_a", "unit_b"])
    named = _id_columns(table, where)
    rows = np.column_stack([pd.Index(ids).get_indexer(pd.Index(named[c])) for c in ("unit_a", "unit_b")])
    is_unknown = rows < 0
    if is_unknown.any():
        raise ColumnError(
            f"The table of {where} names units that there are not.",
            where=where,
            ids=dict.fromkeys(named.to_numpy()[is_unknown]),
            expected=f"ids of units, such as {name_ids(ids, shown=3)}",
            remedy="Write the ids as they are in the file of the units; they are text.",
        )
    rows = np.sort(rows[rows[:, 0] != rows[:, 1]], axis=1).astype("int64")
    return np.unique(rows, axis=0) if is_unique else rows


def _id_columns(table: pd.DataFrame, where: str) -> pd.DataFrame:
    names = ["unit_a", "unit_b"] if {"unit_a", "unit_b"} <= set(table.columns) else list(table.columns[:2])
    if len(names) < 2:  # noqa: PLR2004 - a pair
        raise ColumnError(
            "A table of links needs two columns of ids.",
            where=where,
            found=", ".join(map(str, table.columns)) or "no columns",
            expected="unit_a and unit_b, or ids in the first two columns",
            remedy="Give the file a header with these names.",
        )
    pairs = pd.DataFrame({new: as_text(table[old]) for new, old in zip(("unit_a", "unit_b"), names, strict=True)})
    is_blank = pairs.isna().any(axis=1)
    if is_blank.any():
        raise ColumnError(
            "Some links lack an id.",
            where=where,
            ids=[f"row {row}" for row in pairs.index[is_blank]],
            expected="two ids in every row",
            remedy="Fill them in, or delete the rows.",
        )
    return pairs.astype("str")


def _with_pairs(edges: pd.DataFrame, pairs: NDArray[np.int64], ids: NDArray[np.object_], *, kind: str) -> pd.DataFrame:
    """Add the pairs that are not yet among the edges, and put all in the order of the units."""
    new = pairs[~_is_among(pairs, _rows_of(edges, ids, "edges", is_unique=False))]
    added = pd.DataFrame({"unit_a": ids[new[:, 0]], "unit_b": ids[new[:, 1]], "shared_m": 0.0, "kind": kind})
    both = pd.concat([edges, added.astype(edges.dtypes)], ignore_index=True) if len(new) else edges
    a, b = (pd.Index(ids).get_indexer(pd.Index(both[c])) for c in ("unit_a", "unit_b"))
    return both.iloc[np.lexsort((b, a))].reset_index(drop=True)


def _without_pairs(edges: pd.DataFrame, pairs: NDArray[np.int64], ids: NDArray[np.object_]) -> pd.DataFrame:
    is_out = _is_among(_rows_of(edges, ids, "edges", is_unique=False), pairs)
    return edges[~is_out].reset_index(drop=True)


def _is_among(pairs: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    base = 1 + max(pairs.max(initial=0), others.max(initial=0))
    return np.isin(pairs[:, 0] * base + pairs[:, 1], others[:, 0] * base + others[:, 1])


def _about_rows(self_links: int, rows: NDArray[np.int64], pairs: NDArray[np.int64]) -> list[Finding]:
    # A table that lists every pair in both orders is as it should be.
    repeated = 0 if len(rows) == 2 * len(pairs) else len(rows) - len(pairs)
    dropped = {"repeating a pair": repeated, "linking a unit with itself": self_links}
    return [
        found
        for what, number in dropped.items()
        if number
        for found in report_rows(
            ["adjacency"],
            "note",
            "adjacency_rows",
            "adjacency",
            f"{count_text(number, 'row')} {what} dropped from the table of neighbors.",
            expected="each pair once, or in both orders",
            remedy="Nothing has to be done.",
        )
    ]


def _about_missing(missing: pd.DataFrame) -> list[Finding]:
    named = [f"{a}–{b}" for a, b in missing[["unit_a", "unit_b"]].itertuples(index=False)]
    return report_rows(
        named,
        "warning",
        "adjacency_lacks_borders",
        "adjacency",
        f"{count_text(len(named), 'border')} on the map {'is' if len(named) == 1 else 'are'} not in the table of "
        f"neighbors; they do not count: {name_ids(named)}.",
        expected="every border of the map in the table",
        remedy="Leave the table out and let the map decide, or add the pairs.",
    )


def _about_added(added: pd.DataFrame) -> list[Finding]:
    named = [f"{a}–{b}" for a, b in added[["unit_a", "unit_b"]].itertuples(index=False)]
    return report_rows(
        named,
        "note",
        "adjacency_beyond_borders",
        "adjacency",
        f"{count_text(len(named), 'pair')} of the table of neighbors share no border on the map: {name_ids(named)}.",
        expected="pairs that share a border",
        remedy="Delete pairs that only meet in a corner.",
    )


# ── The links a plan rests on: those given, or found, and what is in dispute about them


@dataclass(frozen=True, eq=False)
class GivenEdges:
    """The links a plan rests on."""

    edges: pd.DataFrame  # `unit_a`, `unit_b`, `shared_m`, `kind`
    apart: tuple[tuple[str, str], ...]  # Pairs that share a border and are no neighbors, as a person said
    disputed: pd.DataFrame  # Result of `disputed_neighbors`
    tolerance_m: float | None  # What neighbors were found with; None where it is not known, or a person told them


def edges_given(
    units: gpd.GeoDataFrame,
    adjacency: pd.DataFrame | None,
    *,
    apart: Iterable[tuple[str, str]] = (),
    tolerance_m: float | None = None,
    crs: object = None,
) -> GivenEdges:
    """Take the edges that are given, or find them; what a person's table of pairs leaves out is kept apart."""
    require_units(units)
    kept_apart = [(str(a), str(b)) for a, b in apart]
    within_m = TOLERANCE_M if tolerance_m is None else tolerance_m
    if adjacency is None:
        edges, tolerance_m = unit_edges(units, forbidden=kept_apart, tolerance_m=within_m, crs=crs), within_m
    elif set(LINK_COLUMNS) <= set(adjacency.columns):
        edges = adjacency
    else:
        read = edges_of_table(units, adjacency, tolerance_m=within_m, crs=crs)
        edges, tolerance_m = read.edges, None
        kept_apart += read.left_out
    return GivenEdges(
        edges, tuple(kept_apart), disputed_neighbors(units, edges, apart=kept_apart, crs=crs), tolerance_m
    )


# ── Barriers: lines that no officer crosses but at roads

_WALL_M = 5.0
"""A barrier is as wide as this to each side of its line: a road that ends nearer to it does not cross it."""

_SEAM_M = 0.05
"""Rounding may leave this much between two areas that share a border."""

_CLOSE_M = 30.0
"""Roads are looked at this near to a barrier; what runs along it there for most of its way is the barrier itself."""


def part_by_barriers(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    barriers: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame | None = None,
    *,
    linked: Iterable[tuple[str, str]] = (),
    crs: object = None,
) -> tuple[pd.DataFrame, dict[str, Any], list[Finding]]:
    """Take out the borders that a barrier parts.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, geometry with a CRS, and `anchor` where a unit stands for a place.
    edges
        Result of `unit_edges`; only borders are looked at.
    barriers
        Lines that no officer crosses, such as freeways and rivers.
    roads
        Lines along which they are crossed: a road that leads from one side to the other, over or under.
    linked
        Pairs that a person links, whatever lies between.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.

    Returns
    -------
    edges : pandas.DataFrame
        The links that are left.
    parted : dict
        As the certificate holds it: `pairs` of units from one of which no way within the two leads to the other's
        place, neither around the barrier nor along a road across it; and what that rests on, in longitude and latitude:
        `lines` of barriers, `roads` beside them, and `places` of the units. Empty where there is no such pair.
    findings : list of Finding
        A note of the pairs, and a warning with the zones of today that are cut.
    """
    meters = measuring_crs(units, stated=crs)
    ids, shapes = units["unit_id"].astype("str").to_numpy(dtype=object), units.geometry.to_crs(meters).to_numpy()
    places: NDArray[np.object_] = np.asarray(shapely.points(anchors_km(units, crs=meters) * 1000))
    lines = shapely.union_all(barriers.geometry.to_crs(meters).to_numpy())
    wall = shapely.buffer(lines, _WALL_M)
    shapely.prepare(wall)
    crossing = _roads_near(roads, lines, meters)
    tree = shapely.STRtree(crossing)
    borders = edges[edges["kind"] == "border"]
    tried = _rows_of(borders, ids, "edges")
    barred, seen = list[tuple[int, int]](), set[int]()
    for i, j in tried[~_is_among(tried, _rows_of(linked, ids, "extra links"))].tolist():
        if not shapely.intersects(wall, shapes[[i, j]]).any():
            continue
        both = shapely.union_all(shapely.buffer(shapes[[i, j]], _SEAM_M))
        near = shapely.intersection(crossing[tree.query(both, predicate="intersects")], both)
        if _is_parted(shapely.difference(both, wall), places[i], places[j], shapely.get_parts(near)):
            barred.append((i, j))
        seen |= {i, j}
    if not barred:
        return edges, {}, []
    rows = sorted(seen)
    about = shapely.buffer(shapely.union_all(shapes[rows]), _CLOSE_M)
    drawn = [shapely.intersection(shape, about) for shape in (lines, shapely.union_all(crossing))]
    layers = gpd.GeoSeries([*drawn, *places[rows]], crs=meters).to_crs(STORAGE_CRS).to_numpy()
    pairs = [(str(ids[i]), str(ids[j])) for i, j in barred]
    parted = {
        "pairs": pairs,
        "lines": _coordinates(layers[0]),
        "roads": _coordinates(layers[1]),
        "places": {str(ids[row]): _rounded(point.x, point.y) for row, point in zip(rows, layers[2:], strict=True)},
    }
    left = _without_pairs(edges, np.array(barred, dtype="int64"), ids)
    return left, parted, _about_barriers(units, edges, left, pairs)


def _roads_near(roads: gpd.GeoDataFrame | None, lines: shapely.Geometry, meters: object) -> NDArray[np.object_]:
    """Take what roads there are beside barriers, but for what runs along them."""
    if roads is None:
        return np.array([], dtype=object)
    parts = shapely.intersection(roads.geometry.to_crs(meters).to_numpy(), shapely.buffer(lines, _CLOSE_M))
    parts = parts[~shapely.is_empty(parts)]
    along = shapely.length(shapely.intersection(parts, shapely.buffer(lines, 2 * _WALL_M)))
    kept: NDArray[np.object_] = parts[along <= shapely.length(parts) / 2]
    return kept


def _is_parted(free: shapely.Geometry, one: shapely.Point, other: shapely.Point, roads: NDArray[np.object_]) -> bool:
    """Say whether no way leads from one place to the other, over free ground and along roads."""
    parts = shapely.get_parts(free)
    start, end = (int(np.argmin(shapely.distance(parts, place))) for place in (one, other))
    if start == end:
        return False
    nodes = np.concatenate([parts, roads])
    a, b = shapely.STRtree(nodes).query(nodes, predicate="intersects")
    _, group = connected_components(
        coo_array((np.ones(len(a)), (a, b)), shape=(len(nodes), len(nodes))), directed=False
    )
    return bool(group[start] != group[end])


def _coordinates(lines: shapely.Geometry) -> list[list[list[float]]]:
    return [
        [_rounded(x, y) for x, y in shapely.get_coordinates(part)]
        for part in shapely.get_parts(lines)
        if part.geom_type == "LineString"
    ]


def _rounded(x: float, y: float) -> list[float]:
    return [round(float(x), 7), round(float(y), 7)]


def _about_barriers(
    units: gpd.GeoDataFrame, edges: pd.DataFrame, left: pd.DataFrame, pairs: Iterable[tuple[str, str]]
) -> list[Finding]:
    """List the neighbors that barriers part, and the zones of today that they cut."""
    named = [f"{a} and {b}" for a, b in pairs]
    found = report_rows(
        named,
        "note",
        "barriers_part_units",
        "barriers",
        f"{count_text(len(named), 'pair')} of units with a common border, parted by a barrier that no road crosses "
        f"between them, {'is' if len(named) == 1 else 'are'} not linked: {name_ids(named)}.",
        expected="neighbors between whose places an officer can drive",
        remedy="Where a road crosses, add it to the roads, or the pair as an extra link ([rebalance] links).",
    )
    zone_of = units.set_index(units["unit_id"].astype("str"))["zone_id"].astype("str")
    pieces = zone_pieces(zone_of, left)
    cut = pieces.index[pieces > zone_pieces(zone_of, edges)].tolist()
    return found + report_rows(
        cut,
        "warning",
        "barrier_cuts_zone",
        "barriers",
        f"A barrier cuts {count_text(len(cut), 'zone')} of today into pieces: {name_ids(cut)}. Every plan has zones in "
        "one piece: it moves what lies beyond, or there is none.",
        expected="zones whose officer can reach every place without crossing a barrier",
        remedy="Add the road that crosses, or an extra link; else let what lies beyond the barrier move.",
    )
