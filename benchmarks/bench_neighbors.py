"""Borders lost and invented between areas as they are drawn, against a reference that is made another way.

The reference looks out from points along the edge of each area to the nearest of the others: two areas are neighbors
for certain where each sees the other within the tolerance along `SURE_M` meters or more, and for certain not where it
is less than `LEAST_M`; what lies between is doubtful and is counted apart.

Run as ``python -m benchmarks.bench_neighbors``.
"""

from __future__ import annotations

import time

import geopandas as gpd
import numpy as np
import shapely

from benchmarks.rebalance_instances import data_folder, san_juan
from safeschools_geo.crs import measuring_crs
from safeschools_geo.rebalance._neighbors import unit_edges

TOLERANCE_M, SURE_M, LEAST_M = 10.0, 20.0, 3.0
STEP_M = 1.0
SEAMS_M = (-3.0, 0.02, 1.0, 9.0)


def seen(shapes: np.ndarray) -> dict[tuple[int, int], float]:
    """Measure along how many meters each two areas see each other as the nearest within the tolerance.

    Parameters
    ----------
    shapes
        Areas in meters, shape (n,).

    Returns
    -------
    dict
        Meters by pair of rows, the lower first: the shorter of the two views.
    """
    tree, views = shapely.STRtree(shapes), dict[tuple[int, int], float]()
    for i, shape in enumerate(shapes):
        others = [j for j in tree.query(shape, predicate="dwithin", distance=TOLERANCE_M) if j != i]
        for ring in shapely.get_parts(shapely.line_merge(shapely.boundary(shape))) if others else ():
            count = max(int(shapely.length(ring) / STEP_M), 8)
            step_m = shapely.length(ring) / count
            points = shapely.line_interpolate_point(ring, (np.arange(count) + 0.5) * step_m)
            far_m = shapely.distance(points[:, None], shapes[others])
            nearest, is_near = far_m.argmin(axis=1), far_m.min(axis=1) <= TOLERANCE_M
            for at, number in enumerate(np.bincount(nearest[is_near], minlength=len(others))):
                views[i, others[at]] = views.get((i, others[at]), 0.0) + number * step_m
    return {(i, j): min(m, views.get((j, i), 0.0)) for (i, j), m in views.items() if i < j}


def found(areas: gpd.GeoDataFrame) -> tuple[set[tuple[int, int]], float]:
    """Find the borders as the product does.

    Parameters
    ----------
    areas
        Areas with a CRS.

    Returns
    -------
    pairs : set
        Pairs of rows that share a border, the lower first.
    seconds : float
        Processor time.
    """
    begun = time.process_time()
    edges = unit_edges(areas.assign(unit_id=[str(i) for i in range(len(areas))]), tolerance_m=TOLERANCE_M)
    seconds = time.process_time() - begun
    borders = edges[edges["kind"] == "border"]
    return set(zip(borders["unit_a"].astype(int), borders["unit_b"].astype(int), strict=True)), seconds


def with_seam(areas: gpd.GeoDataFrame, wide_m: float) -> gpd.GeoDataFrame:
    """Draw each area smaller by half a seam, so that seams run along all borders.

    Parameters
    ----------
    areas
        Areas with a CRS.
    wide_m
        Width of the seams in meters.

    Returns
    -------
    geopandas.GeoDataFrame
        The areas in meters.
    """
    metric = areas.to_crs(measuring_crs(areas))
    return metric.set_geometry(metric.buffer(-wide_m / 2, join_style="mitre"))


def layers() -> dict[str, gpd.GeoDataFrame]:
    """Read the areas.

    Returns
    -------
    dict
        Areas by what they are.
    """
    folder = data_folder()
    beats = gpd.read_file(folder / "chicago" / "police_beats_simple.geojson")
    return {
        "Chicago's beats, simplified": beats[beats["DISTRICT"] != "31"].reset_index(drop=True),
        "census tracts": gpd.read_file(folder / "san_juan" / "census2000_tracts.geojson"),
        "Carrollton's reporting areas": gpd.read_file(folder / "carrollton" / "ReportingAreas.shp"),
        "San Juan's schools": san_juan().units,
    }


def main() -> None:
    """Print the table, one row for each layer, and one for each width of a seam."""
    print("| areas | borders | doubtful | lost | invented | CPU-s |\n|---|--:|--:|--:|--:|--:|")
    for name, areas in layers().items():
        views = seen(shapely.make_valid(areas.geometry.to_crs(measuring_crs(areas)).to_numpy()))
        sure = {pair for pair, m in views.items() if m >= SURE_M}
        likely = {pair for pair, m in views.items() if m >= LEAST_M}
        pairs, seconds = found(areas)
        doubtful = len(likely - sure)
        print(f"| {name} | {len(sure)} | {doubtful} | {len(sure - pairs)} | {len(pairs - likely)} | {seconds:.1f} |")
        if "beats" not in name and "Carrollton" not in name:
            for wide_m in SEAMS_M:
                cut, seconds = found(with_seam(areas, wide_m))
                lost, invented = len(sure - cut), len(cut - likely)
                row = f"| {name}, seams of {wide_m:g} m | {len(sure)} | {doubtful}"
                print(f"{row} | {lost} | {invented} | {seconds:.1f} |")


if __name__ == "__main__":
    main()
