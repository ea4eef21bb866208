"""Carrollton: reporting areas, travel over the real streets, and two published plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import KDTree

from safeschools_geo.rebalance._neighbors import EDGE_COLUMNS, adjacency_matrix, bridges, rook_adjacency
from safeschools_geo.rebalance._p_median import MedianProblem, MedianSolver

if TYPE_CHECKING:
    from pathlib import Path

FEET = "EPSG:2276"
METERS = "EPSG:32614"
SNAP_FEET = 1.0
"""Ends of streets this near to each other are one junction."""


@dataclass(frozen=True, eq=False)
class Carrollton:
    """The instance as published, with travel of our own.

    Parameters
    ----------
    areas
        325 reporting areas: `unit_id` (as on the map, such as ``2E47``), `number` (as in the tables), `beat` (current),
        `calls`, `minutes` (of work), geometry.
    edges
        Pairs of areas that share a border, that the published table calls neighbors, or that bridge a gap: `unit_a`,
        `unit_b`, `shared_m`, `kind`.
    travel
        Minutes over the streets from each area (row) to each area (column).
    plans
        Published plans: name → `unit_id` → `center`; an area that the plan leaves out is missing.
    """

    areas: gpd.GeoDataFrame
    edges: pd.DataFrame
    travel: pd.DataFrame
    plans: dict[str, pd.Series]


def load_carrollton(folder: Path) -> Carrollton:
    """Read the instance.

    Parameters
    ----------
    folder
        Folder of the published files.

    Returns
    -------
    Carrollton
        The instance.
    """
    areas = read_areas(folder)
    return Carrollton(
        areas=areas,
        edges=neighbors(areas, folder),
        travel=street_minutes(areas, gpd.read_file(folder / "StreetCenterlines.shp")),
        plans={
            "PMed_Results1": _plan(folder / "PMed_Results1.csv", areas.set_index("number")["unit_id"]),
            "GLPK_Output5hours": _plan(
                folder / "GLPK_Output5hours.csv", areas.set_index("unit_id", drop=False)["unit_id"]
            ),
        },
    )


def least_travel(
    instance: Carrollton, load: pd.Series, *, zones: int, centers: list[str] | None = None, gap: float, limit_s: float
) -> tuple[pd.Series, MedianSolver]:
    """Divide areas with the least travel, loads within 10 %: the area at the center of the zone of each, and the proof.

    Parameters
    ----------
    instance
        The instance.
    load
        Load of the areas to divide.
    zones
        Number of zones.
    centers
        Areas that are the centers; None for any.
    gap, limit_s
        Relative gap and processor seconds at which to stop.

    Returns
    -------
    tuple
        Center of each area, and the solver with travel and bounds.
    """
    units, columns = load.index, load.index if centers is None else pd.Index(centers)
    is_inside = instance.edges["unit_a"].isin(units) & instance.edges["unit_b"].isin(units)
    figures = load.to_numpy(dtype="float64")
    problem = MedianProblem(
        load=figures / (figures.sum() / zones),
        travel=figures[:, None] * instance.travel.loc[units, columns].to_numpy(),
        candidates=units.get_indexer(columns).astype("int64"),
        neighbors=adjacency_matrix(units, instance.edges[is_inside]),
        zones=zones,
        tolerance=0.1,
    )
    solver = MedianSolver(problem, gap=gap, time_limit_s=limit_s)
    if solver.label is None:
        raise ValueError("no plan was found")
    return pd.Series(columns[solver.label], index=units), solver


def read_areas(folder: Path) -> gpd.GeoDataFrame:
    """Read the areas; 12 of them, blank in the table of calls, have no work."""
    shapes = gpd.read_file(folder / "ReportingAreas.shp")
    figures = pyogrio.read_dataframe(folder / "RA_Centroids.dbf", read_geometry=False).set_index("NumberId")
    figures = figures.loc[shapes["NumberId"]]
    return gpd.GeoDataFrame(
        {
            "unit_id": shapes["PDGrid"].astype("str"),
            "number": shapes["NumberId"],
            "beat": shapes["BEATNUMBER"].astype("int64").astype("str"),
            "calls": figures["Cnt_ra"].to_numpy(dtype="float64"),
            "minutes": figures["Sum_Minu_1"].to_numpy(dtype="float64"),
        },
        geometry=shapes.geometry,
    )


def neighbors(areas: gpd.GeoDataFrame, folder: Path) -> pd.DataFrame:
    """Join the borders on the map, the published pairs (corners among them) and bridges over what is left."""
    borders = rook_adjacency(areas, crs=METERS, snap_m=1.0, min_shared_m=5.0).assign(kind="border")
    listed = pyogrio.read_dataframe(folder / "RA_ContMat.dbf", read_geometry=False)
    unit = areas.set_index("number")["unit_id"]
    pairs = pd.DataFrame({"unit_a": listed["NUMBERID"].map(unit), "unit_b": listed["NID"].map(unit), "shared_m": 0.0})
    edges = _each_once(pd.concat([borders, pairs.dropna().assign(kind="extra")]))
    links = bridges(areas, edges, crs=METERS)[["unit_a", "unit_b"]].assign(shared_m=0.0, kind="bridge")
    return pd.concat([edges, links], ignore_index=True)[[*EDGE_COLUMNS, "kind"]]


def street_minutes(areas: gpd.GeoDataFrame, streets: gpd.GeoDataFrame) -> pd.DataFrame:
    """Find the minutes between areas over the largest connected part of the streets.

    `Minutes` is taken as it is: it holds 35 to 60 mph where `SpeedLimit` is 0. One-way streets are not marked.
    """
    parts = shapely.get_parts(streets.geometry.to_numpy(), return_index=True)
    whole = shapely.length(streets.geometry.to_numpy())
    minutes = streets["Minutes"].to_numpy()[parts[1]] * shapely.length(parts[0]) / whole[parts[1]]
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(parts[0], i)) for i in (0, -1)])
    node, xy = _junctions(ends)
    a, b = node[: len(minutes)], node[len(minutes) :]
    graph = _shortest(a, b, minutes, len(xy))
    group = connected_components(graph, directed=False)[1]
    inside = np.flatnonzero(group == np.bincount(group).argmax())
    middle = shapely.get_coordinates(shapely.centroid(areas.geometry.to_crs(streets.crs).to_numpy()))
    near = inside[KDTree(xy[inside]).query(middle)[1]]
    found = dijkstra(graph, directed=False, indices=near)[:, near]
    return pd.DataFrame(found, index=areas["unit_id"].to_list(), columns=areas["unit_id"].to_list())


def _junctions(ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    pairs = KDTree(ends).query_pairs(SNAP_FEET, output_type="ndarray")
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(ends), len(ends)))
    _, node = connected_components(links, directed=False)
    first = np.unique(node, return_index=True)[1]
    return node, ends[first]


def _shortest(a: np.ndarray, b: np.ndarray, minutes: np.ndarray, size: int) -> csr_array:
    """Keep the quickest of several streets between two junctions."""
    rows = pd.DataFrame({"a": np.minimum(a, b), "b": np.maximum(a, b), "minutes": minutes})
    best = rows[rows["a"] != rows["b"]].groupby(["a", "b"], as_index=False)["minutes"].min()
    return coo_array((best["minutes"], (best["a"], best["b"])), shape=(size, size)).tocsr()


def _each_once(edges: pd.DataFrame) -> pd.DataFrame:
    ends = np.sort(edges[["unit_a", "unit_b"]].to_numpy(dtype="str"), axis=1)
    sorted_ends = edges.assign(unit_a=ends[:, 0], unit_b=ends[:, 1])
    return sorted_ends.drop_duplicates(["unit_a", "unit_b"], ignore_index=True)


def _plan(file: Path, unit: pd.Series) -> pd.Series:
    rows = pd.read_csv(file)
    source, dest = rows.columns[:2]
    return pd.Series(
        rows[source].map(unit).to_numpy(), index=pd.Index(rows[dest].map(unit), name="unit_id"), name="center"
    )
