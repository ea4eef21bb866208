"""Schools, scans, places and repeats on large inputs, beside named peers where there are any, in one run.

python benchmarks/bench_hotspots.py [--repeat 5] [--quick]

Peers: `pointpats.Knox` (on 2,000 events, with 99 permutations) for repeats; scikit-learn's DBSCAN on raw points, whose
memory is estimated from the neighbors it would hold. Grid, density and hours have scripts of their own.
"""

from __future__ import annotations

import argparse
import resource
import time
import warnings
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pointpats import Knox
from pyproj import CRS
from scipy.spatial import KDTree

from safeschools_geo.hotspots._places import place_clusters
from safeschools_geo.hotspots._schools import school_rates
from safeschools_geo.hotspots.scan import poisson_scan
from safeschools_geo.hotspots.spacetime import knox

if TYPE_CHECKING:
    from collections.abc import Callable

UTM = CRS("EPSG:32610")
MIB = 1024.0


def timed(work: Callable[[], Any], repeat: int) -> float:
    """Take the median time of several runs, in seconds."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def row(what: str, ours: float, peer: str = "", theirs: float = float("nan")) -> str:
    """Write one row of the report."""
    beside = f"{peer}: {theirs:,.2f} s, {theirs / ours:,.0f} ×" if peer else ""
    return f"| {what} | {ours * 1000:,.1f} ms | {beside} |"


def schools(repeat: int) -> list[str]:
    """Test 70 schools over six terms, against others and against their own past."""
    rng, n = np.random.default_rng(0), 70
    counts = rng.poisson(rng.gamma(10, 1.5, n), (6, n))
    terms = [
        pd.DataFrame(
            {
                "term": f"T{number}",
                "school_id": [f"{i:02}" for i in range(n)],
                "name": "",
                "level": np.repeat(["elementary", "middle", "high"], (40, 20, 10)),
                "zone_id": "",
                "enrollment": pd.array([500] * n, dtype="Int64"),
                "student_days": 50_000.0,
                "incidents": now,
                "reported": now,
                "officer_initiated_share": 0.0,
            }
        )
        for number, now in enumerate(counts)
    ]
    every = pd.concat(terms, ignore_index=True)
    return [row("schools, 70 × 6 terms", timed(lambda: school_rates(every, term="T5"), repeat))]


def scans(repeat: int) -> list[str]:
    """Scan 70 schools and 1,000 units, 999 simulations, Poisson and negative-binomial."""
    rng, rows = np.random.default_rng(1), []
    for n, total in ((70, 900), (1000, 5000)):
        xy, expected = rng.uniform(0, 20_000, (n, 2)), rng.gamma(3, 1, n)
        cases = rng.poisson(expected * total / expected.sum())
        for name, spread in (("Poisson", None), ("negative-binomial", 0.1)):
            seconds = timed(lambda: poisson_scan(cases, expected, xy, dispersion=spread), repeat if n < 100 else 2)  # noqa: B023, PLR2004
            rows.append(row(f"scan, {n:,} units × 999, {name}", seconds))
    return rows


def places() -> list[str]:
    """Cluster 10⁶ incidents at 120,000 distinct places of a city of 40 × 40 km, half of them clumped."""
    rng = np.random.default_rng(0)
    middles = rng.uniform(0, 40_000, (300, 2))
    spread = rng.uniform(0, 40_000, (60_000, 2))
    clumped = middles[rng.integers(300, size=60_000)] + rng.normal(0, 300, (60_000, 2))
    spots = np.concatenate([spread, clumped]).round(1) + np.array([600_000, 4_200_000])
    where = rng.choice(len(spots), 1_000_000, p=(w := rng.pareto(1.1, len(spots)) + 1) / w.sum())
    where[: len(spots)] = np.arange(len(spots))
    points = gpd.GeoSeries.from_xy(*spots[where].T, crs=UTM).to_crs(4326)
    frame = gpd.GeoDataFrame(
        {
            "incident_id": where.astype("str"),
            "category": pd.Series(rng.choice(["weapons", "intruder"], len(where)), dtype="str"),
            "origin": pd.Series("reported", index=range(len(where)), dtype="str"),
            "hour": pd.array(rng.integers(24, size=len(where)), dtype="Int64"),
            "zone_id": pd.Series("1", index=range(len(where)), dtype="str"),
        },
        geometry=points,
        crs=4326,
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    start = time.perf_counter()
    found = place_clusters(frame, crs=UTM, min_incidents=100)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    numbers, tree = np.bincount(where), KDTree(spots)
    sample = rng.choice(len(spots), 2000, p=numbers / numbers.sum())
    neighbors = np.mean([numbers[near].sum() for near in tree.query_ball_point(spots[sample], 150)])
    raw_gib = neighbors * len(where) * 8 / 2**30
    return [
        row(f"places, 10⁶ incidents at 120,000 places, {len(found.clusters):,} clusters, six distances", seconds),
        (
            f"| … its memory | {after - before:,.0f} MiB over {before:,.0f} MiB with the incidents | "
            f"scikit-learn on raw points would hold {raw_gib:,.0f} GiB of neighbors |"
        ),
    ]


def repeats() -> list[str]:
    """Test 10⁵ events for repeats with 999 permutations, at few places and at many."""
    rng, rows = np.random.default_rng(0), []
    for number in (2_000, 60_000):
        spots = rng.uniform(0, 20_000, (number, 2))
        xy, days = spots[rng.integers(number, size=100_000)], rng.integers(365, size=100_000)
        seconds = timed(lambda: knox(xy, days, distance_m=200, days=14), 1)  # noqa: B023
        rows.append(row(f"Knox, 10⁵ events at {number:,} places × 999", seconds))
    few, when = xy[:2000], days[:2000]
    ours = timed(lambda: knox(few, when, distance_m=200, days=14, simulations=99), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = timed(lambda: Knox(few, when[:, None], 200, 14, permutations=99), 1)
    return [*rows, row("Knox, 2,000 events × 99", ours, "pointpats.Knox", theirs)]


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="leave out the million incidents and the repeats")
    options = parser.parse_args()
    print("| what | ours | peer |\n|---|---|---|")
    steps: list[Callable[[], list[str]]] = [
        lambda: schools(options.repeat),
        lambda: scans(options.repeat),
    ]
    if not options.quick:
        steps += [places, repeats]
    for step in steps:
        print("\n".join(step()), flush=True)


if __name__ == "__main__":
    main()
