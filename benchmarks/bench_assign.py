"""Points to zones, beside `geopandas.sjoin` and prepared `shapely.contains_xy`, in one run.

python benchmarks/bench_assign.py [--sizes 100000 1000000 10000000] [--repeat 5] [--on-borders]
python benchmarks/bench_assign.py --commands [--sizes 1000000] [--repeat 3]

Times run from coordinates to rows of zones. The locator's includes checking and preparing the zones and making the
raster ("again": with these at hand); that of the join includes making its points ("join": without).

With ``--commands``, whole commands are timed from their start to the file that they leave: ``safeschools assign``, a
script of ten lines that reads, joins and writes, and the same with distances, which `assign` writes too. 81 % of the
points are outside the zones.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from safeschools_geo.assign._locator import ZoneLocator

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Rows = NDArray[np.signedinteger[Any]]

T = TypeVar("T")

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


def spread_points(n: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Scatter points over the zones and half a kilometer around them."""
    x = rng.uniform(WEST - 500, WEST + COLUMNS * WIDTH + 500, n)
    y = rng.uniform(SOUTH - 500, SOUTH + ROWS * HEIGHT + 500, n)
    return x, y


def border_points(n: int, rng: np.random.Generator, zones: gpd.GeoDataFrame) -> tuple[Floats, Floats]:
    """Scatter points within a meter of the edges: the worst there is for a raster."""
    rings = zones.exterior.to_numpy()[rng.integers(len(zones), size=n)]
    spots = shapely.line_interpolate_point(rings, rng.random(n), normalized=True)
    x, y = shapely.get_coordinates(spots).T + rng.uniform(-1, 1, (2, n))
    return x, y


def by_locator(zones: gpd.GeoDataFrame, x: Floats, y: Floats) -> Rows:
    """Locate with `ZoneLocator`, everything made anew."""
    return ZoneLocator(zones).locate(x, y)


def as_points(x: Floats, y: Floats) -> gpd.GeoDataFrame:
    """Make points anew: a frame keeps its spatial index, and a second join would find it ready."""
    return gpd.GeoDataFrame(geometry=gpd.points_from_xy(x, y), crs=CRS)


def by_sjoin(zones: gpd.GeoDataFrame, points: gpd.GeoDataFrame) -> Rows:
    """Locate with a spatial join."""
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


def timed(locate: Callable[..., T], given: Callable[[], tuple[Any, ...]], repeat: int) -> tuple[float, T]:
    """Take the median time of several runs, in seconds, without the time it takes to make what is given."""
    seconds = []
    for _ in range(repeat):
        arguments = given()
        start = time.perf_counter()
        found = locate(*arguments)
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), found


def peak_share(zones: gpd.GeoDataFrame, x: Floats, y: Floats) -> float:
    """Measure the peak memory of a run, output included, as a multiple of the two input arrays."""
    tracemalloc.start()
    ZoneLocator(zones).locate(x, y)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / (x.nbytes + y.nbytes)


def mismatches(found: Rows, expected: Rows, zones: gpd.GeoDataFrame, x: Floats, y: Floats) -> int:
    """Count other answers, but for points exactly on an edge: those are in a zone for us, and within none for GEOS."""
    other = np.flatnonzero(found != expected)
    edges = shapely.union_all(zones.boundary.to_numpy())
    return int((~shapely.intersects(edges, shapely.points(x[other], y[other]))).sum())


def row(zones: gpd.GeoDataFrame, x: Floats, y: Floats, repeat: int) -> str:
    """Time the three methods on the same points."""
    slow_repeat = 1 if len(x) > 10**6 else min(3, repeat)
    ours, found = timed(by_locator, lambda: (zones, x, y), repeat)
    locator = ZoneLocator(zones)
    locator.locate(x, y)
    again, _ = timed(locator.locate, lambda: (x, y), repeat)
    contains, expected = timed(by_contains_xy, lambda: (zones, x, y), slow_repeat)
    making, _ = timed(as_points, lambda: (x, y), slow_repeat)
    join, joined = timed(by_sjoin, lambda: (zones, as_points(x, y)), slow_repeat)
    wrong = mismatches(found, expected, zones, x, y) + mismatches(found, joined, zones, x, y)
    cells = [
        f"{len(x):10,}",
        f"{ours * 1e3:10.1f} ({again * 1e3:5.1f})",
        f"{contains * 1e3:14.0f}",
        f"{(making + join) * 1e3:8.0f} ({join * 1e3:6.0f})",
        f"{contains / ours:13.0f}",
        f"{(making + join) / ours:7.0f} ({join / ours:4.0f})",
        f"{peak_share(zones, x, y):5.2f} x",
        f"{wrong:10}",
    ]
    return " | ".join(cells)


SCRIPT = """
import sys
import geopandas as gpd
import pandas as pd
points = pd.read_csv(sys.argv[1], dtype={"call_id": str})
zones = gpd.read_file(sys.argv[2])
located = gpd.GeoDataFrame(points, geometry=gpd.points_from_xy(points["lon"], points["lat"]), crs="EPSG:4326")
joined = gpd.sjoin(located, zones.to_crs(located.crs), predicate="within", how="left")
joined = joined[~joined.index.duplicated()]
joined[["call_id", "zone_id"]].to_csv(sys.argv[3], index=False)
"""
WITH_DISTANCES = SCRIPT.replace(
    'zones.to_crs(located.crs), predicate="within", how="left")',
    'zones.to_crs(located.crs), predicate="within", how="left").drop(columns="index_right")',
).replace(
    'joined[["call_id", "zone_id"]]',
    """meters = zones.estimate_utm_crs()
near = gpd.sjoin_nearest(located.to_crs(meters), zones.to_crs(meters)[["geometry"]], distance_col="distance_m")
joined["distance_m"] = near.loc[~near.index.duplicated(), "distance_m"]
joined[["call_id", "zone_id", "distance_m"]]""",
)
INSIDE_SHARE = 0.19


def write_inputs(folder: Path, n: int) -> tuple[Path, Path]:
    """Write points as a CSV and zones as GeoJSON, both in degrees."""
    zones = wiggly_zones(seed=0)
    rng, grown = np.random.default_rng(1), (1 / INSIDE_SHARE) ** 0.5 / 2
    middle = np.array([WEST + COLUMNS * WIDTH / 2, SOUTH + ROWS * HEIGHT / 2])
    reach = np.array([COLUMNS * WIDTH, ROWS * HEIGHT]) * grown
    x, y = rng.uniform(middle - reach, middle + reach, (n, 2)).T
    places = gpd.GeoSeries.from_xy(x, y, crs=CRS).to_crs(4326)
    table = pd.DataFrame(
        {"call_id": [f"C{i:07d}" for i in range(n)], "lon": places.x.round(6), "lat": places.y.round(6)}
    )
    table.assign(note="call for service").to_csv(folder / "points.csv", index=False)
    zones.to_crs(4326).to_file(folder / "zones.geojson", driver="GeoJSON")
    return folder / "points.csv", folder / "zones.geojson"


def seconds_of(command: Sequence[str | Path], repeat: int) -> float:
    """Take the median time of a whole command."""
    times = []
    for _ in range(repeat):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def command_row(n: int, repeat: int) -> str:
    """Time the command and the scripts on the same files, and compare the zones they find."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        points, zones = write_inputs(folder, n)
        ours, theirs = folder / "ours.csv", folder / "theirs.csv"
        options: list[str | Path] = ["--points", points, "--zones", zones, "--out", ours, "--id", "call_id"]
        command = seconds_of([sys.executable, "-m", "safeschools_geo", "assign", *options], repeat)
        full = seconds_of([sys.executable, "-c", WITH_DISTANCES, points, zones, theirs], repeat)
        plain = seconds_of([sys.executable, "-c", SCRIPT, points, zones, theirs], repeat)
        found, expected = (pd.read_csv(path, dtype=str)["zone_id"] for path in (ours, theirs))
        other = int((found.fillna("") != expected.fillna("")).sum())
    cells = [f"{n:10,}", f"{command:9.2f}", f"{plain:8.2f}", f"{command / plain:6.2f}", f"{full:16.2f}"]
    return " | ".join([*cells, f"{command / full:6.2f}", f"{other:10}"])


def main() -> None:
    """Print a table: one row for each number of points."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--on-borders", action="store_true", help="all points within a meter of an edge")
    parser.add_argument("--commands", action="store_true", help="whole commands, from start to written file")
    options = parser.parse_args()
    if options.commands:
        print("    points | command s | script s |  ratio | with distances s |  ratio | other zone")
        for n in options.sizes:
            print(command_row(n, options.repeat), flush=True)
        return
    zones = wiggly_zones(seed=0)
    vertices = shapely.get_num_coordinates(zones.geometry.iloc[0]) - 1
    print(f"8 zones of {vertices} vertices; medians of {options.repeat} runs (sjoin and contains_xy: 3, beyond 1e6: 1)")
    print(
        "    points | locator ms (again) | contains_xy ms | sjoin ms ( join) | x contains_xy | x sjoin (join) "
        "|  memory | mismatches"
    )
    for n in options.sizes:
        rng = np.random.default_rng(1)
        x, y = border_points(n, rng, zones) if options.on_borders else spread_points(n, rng)
        print(row(zones, x, y, options.repeat), flush=True)


if __name__ == "__main__":
    main()
