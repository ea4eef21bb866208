"""Points to zones, beside `geopandas.sjoin` and prepared `shapely.contains_xy`, in one run.

python benchmarks/bench_assign.py [--sizes 100000 1000000 10000000] [--repeat 5]
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from safeschools_geo.assign import ZoneLocator

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = NDArray[np.int64]

CRS = "EPSG:32610"
WEST, SOUTH, WIDTH, HEIGHT = 600_000.0, 4_200_000.0, 5_000.0, 8_000.0
COLUMNS, ROWS, PIECES = 4, 2, 150


def wiggly_zones(seed: int) -> gpd.GeoDataFrame:
    """Draw eight zones of 600 vertices that share their edges."""
    rng = np.random.default_rng(seed)

    def edge(a: tuple[int, int], b: tuple[int, int]) -> Floats:
        start, end = (np.array([WEST + i * WIDTH, SOUTH + j * HEIGHT]) for i, j in (a, b))
        along = np.linspace(0, 1, PIECES + 1)[:, None]
        across = np.array([start[1] - end[1], end[0] - start[0]]) / np.linalg.norm(end - start)
        walk = np.cumsum(rng.normal(size=PIECES + 1))
        walk -= walk[0] + (walk[-1] - walk[0]) * along[:, 0]
        walk *= 150 / np.abs(walk).max()
        return np.asarray(start + (end - start) * along + walk[:, None] * across)

    across = {(i, j): edge((i, j), (i + 1, j)) for i in range(COLUMNS) for j in range(ROWS + 1)}
    up = {(i, j): edge((i, j), (i, j + 1)) for i in range(COLUMNS + 1) for j in range(ROWS)}
    rings = [
        np.vstack([across[i, j][:-1], up[i + 1, j][:-1], across[i, j + 1][:0:-1], up[i, j][:0:-1]])
        for j in range(ROWS)
        for i in range(COLUMNS)
    ]
    shapes = [shapely.Polygon(ring) for ring in rings]
    return gpd.GeoDataFrame({"zone_id": [str(k) for k in range(len(shapes))]}, geometry=shapes, crs=CRS)


def by_locator(zones: gpd.GeoDataFrame, x: Floats, y: Floats) -> Rows:
    """Locate with `ZoneLocator`, its raster made anew."""
    return ZoneLocator(zones).locate(x, y)  # type: ignore[return-value]


def by_sjoin(zones: gpd.GeoDataFrame, x: Floats, y: Floats) -> Rows:
    """Locate with a spatial join."""
    points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=CRS)
    joined = gpd.sjoin(points, zones, predicate="within", how="left")
    return np.asarray(joined["index_right"].fillna(-1).astype("int64"))


def by_contains_xy(zones: gpd.GeoDataFrame, x: Floats, y: Floats) -> Rows:
    """Locate with prepared polygons, one after the other."""
    shapes = zones.geometry.to_numpy().copy()
    shapely.prepare(shapes)
    found = np.full(len(x), -1)
    for row, shape in enumerate(shapes):
        found[shapely.contains_xy(shape, x, y)] = row
    return found


def timed(
    locate: Callable[..., Rows], zones: gpd.GeoDataFrame, x: Floats, y: Floats, repeat: int
) -> tuple[float, Rows]:
    """Take the median time of several runs, in seconds."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        found = locate(zones, x, y)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), found


def peak_share(zones: gpd.GeoDataFrame, x: Floats, y: Floats) -> float:
    """Measure the peak memory of a run, as a multiple of the two input arrays."""
    tracemalloc.start()
    by_locator(zones, x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / (x.nbytes + y.nbytes)


def main() -> None:
    """Print a table: one row for each number of points."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    zones = wiggly_zones(seed=0)
    rng = np.random.default_rng(1)
    vertices = shapely.get_num_coordinates(zones.geometry.iloc[0]) - 1
    print(f"8 zones of {vertices} vertices; medians of {options.repeat} runs; times from coordinates to rows of zones")
    print("   points | locator ms (again) | contains_xy ms | sjoin ms | x contains_xy | x sjoin | memory | mismatches")
    for n in options.sizes:
        x = rng.uniform(WEST - 500, WEST + COLUMNS * WIDTH + 500, n)
        y = rng.uniform(SOUTH - 500, SOUTH + ROWS * HEIGHT + 500, n)
        ours, found = timed(by_locator, zones, x, y, options.repeat)
        locator = ZoneLocator(zones)
        locator.locate(x, y)
        again, _ = timed(lambda _zones, x, y, locate=locator.locate: locate(x, y), zones, x, y, options.repeat)
        contains, expected = timed(by_contains_xy, zones, x, y, 1 if n > 10**6 else options.repeat)
        joined, by_join = timed(by_sjoin, zones, x, y, 1 if n > 10**6 else min(3, options.repeat))
        wrong = int((found != expected).sum() + (found != by_join).sum())
        print(
            f"{n:9,} | {ours * 1e3:10.1f} ({again * 1e3:.1f}) | {contains * 1e3:14.0f} | {joined * 1e3:8.0f} | "
            f"{contains / ours:13.0f} | {joined / ours:7.0f} | {peak_share(zones, x, y):4.2f} x | {wrong}"
        )


if __name__ == "__main__":
    main()
