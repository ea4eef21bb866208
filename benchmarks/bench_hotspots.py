"""Schools, scans, places and repeats on large inputs, beside named peers where there are any, in one run.

python benchmarks/bench_hotspots.py [--repeat 5] [--quick]
python benchmarks/bench_hotspots.py --commands [--keep FOLDER]

`--commands` takes processor time and peak memory of whole commands instead: `hotspots` on the incidents of Chicago, and
on eight times as many (the same places, other days), where `SAFESCHOOLS_REAL_DATA` names them; and `run` on 2,000
schools in 60 zones with 200,000 incidents. `--keep` leaves the districts in a folder.

Peers: `pointpats.Knox` (on 2,000 events, with 99 permutations) for repeats; scikit-learn's DBSCAN on raw points, whose
memory is estimated from the neighbors it would hold. Grid, density and hours have scripts of their own.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pointpats import Knox
from pyproj import CRS
from scipy.spatial import KDTree
from shapely.geometry import box

from safeschools_geo.hotspots._places import place_clusters
from safeschools_geo.hotspots._schools import school_rates
from safeschools_geo.hotspots.scan import poisson_scan
from safeschools_geo.hotspots.spacetime import knox

if TYPE_CHECKING:
    from collections.abc import Callable

UTM = CRS("EPSG:32610")
EAST, NORTH = 600_000.0, 4_200_000.0
MIB = 1024.0
SEASONS = (("Spring", "02-01", "05-30"), ("Fall", "09-02", "12-15"))
GRID_SETTINGS = """
[district]
name = "Grid"
time_zone = "America/Los_Angeles"
crs = "EPSG:32610"
zones = 60

[schools]
crs = "EPSG:4326"

[incidents]
crs = "EPSG:4326"

[hours]
start = "08:00"
end = "15:00"

[workload.visits_per_week]
elementary = 1
middle = 1
high = 1
k8 = 1
other = 1

"""
CHICAGO_SETTINGS = """
[district]
name = "Chicago, by police district"
time_zone = "America/Chicago"

[zones]
file = "data/boundaries/police_districts.geojson"
columns = { zone_id = "DIST_NUM", name = "DIST_LABEL" }

[schools]
file = "data/boundaries/cps_school_locations_sy1415.csv"
crs = "EPSG:4326"
default_level = "other"
columns = { school_id = "SCHOOL_ID", name = "SCHOOL_NM", level = "GRADE_CAT", x = "X", y = "Y" }
levels = { ES = "elementary", MS = "middle", HS = "high" }

[incidents]
file = "data/incidents/crimes_2018_h1.parquet"
crs = "EPSG:4326"
times = "local_tagged_utc"
unmapped = "non_critical"
nearest_school_m = 0
columns = { occurred_at = "Date", category = "PrimaryType", x = "Longitude", y = "Latitude" }

[[terms]]
name = "Spring 2018"
start = 2018-01-01
end = 2018-06-30
"""
CHICAGO_CROSSWALK = """source_value,category
ASSAULT,assault_battery
BATTERY,assault_battery
WEAPONS VIOLATION,weapons
CRIMINAL TRESPASS,intruder
NARCOTICS,alcohol_drugs
LIQUOR LAW VIOLATION,alcohol_drugs
INTIMIDATION,threat_assessment
"""


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


def grid_district(folder: Path, *, columns: int = 10, rows: int = 6, schools: int = 2000, calls: int = 200_000) -> Path:
    """Write a district of square zones of 3 km, with four terms; one in a hundred schools has three times the calls."""
    rng, side = np.random.default_rng(0), 3000.0
    corners = [(side * x, side * y) for x in range(columns) for y in range(rows)]
    for name in ("boundaries", "incidents"):
        (folder / "data" / name).mkdir(parents=True)
    terms = [(f"{year} {name}", f"{year}-{a}", f"{year}-{b}") for year in (2024, 2025) for name, a, b in SEASONS]
    told = "".join(f'[[terms]]\nname = "{n}"\nstart = {a}\nend = {b}\n' for n, a, b in terms)
    (folder / "district.toml").write_text(GRID_SETTINGS + told, encoding="utf-8")
    ids = [str(number + 1) for number in range(len(corners))]
    shapes = [box(EAST + x, NORTH + y, EAST + x + side, NORTH + y + side) for x, y in corners]
    zones = gpd.GeoDataFrame({"zone_id": ids, "name": [f"Zone {i}" for i in ids]}, geometry=shapes, crs=UTM).to_crs(
        4326
    )
    zones.to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    corner, far = (EAST, NORTH), (EAST + side * columns, NORTH + side * rows)
    xy = rng.uniform(corner, far, (schools, 2))
    at = gpd.GeoSeries.from_xy(*xy.T, crs=UTM).to_crs(4326)
    level = rng.choice(["elementary", "middle", "high"], schools, p=[0.6, 0.25, 0.15])
    students = rng.integers(300, 2000, schools)
    school_ids = np.array([f"{number:04}" for number in range(schools)])
    table = {"school_id": school_ids, "name": [f"School {i}" for i in school_ids], "level": level, "in_program": True}
    where = {"enrollment": students, "x": at.x, "y": at.y}
    pd.DataFrame({**table, **where}).to_csv(folder / "data/boundaries/schools.csv", index=False)
    weight = students * rng.gamma(10, 0.1, schools) * np.where(rng.random(schools) < 0.01, 3, 1)  # noqa: PLR2004
    which = rng.choice(schools, calls, p=weight / weight.sum())
    is_at = rng.random(calls) < 0.7  # noqa: PLR2004 - the others are elsewhere, and no school's
    spot = np.where(is_at[:, None], xy[which], rng.uniform(corner, far, (calls, 2)))
    spot = gpd.GeoSeries.from_xy(*spot.T, crs=UTM).to_crs(4326)
    days = np.concatenate([pd.bdate_range(a, b).to_numpy() for _, a, b in terms])
    when = rng.choice(days, calls) + (rng.integers(8 * 60, 15 * 60, calls) * 60).astype("timedelta64[s]")
    pd.DataFrame(
        {
            "incident_id": np.arange(calls),
            "occurred_at": pd.Series(when).dt.strftime("%Y-%m-%d %H:%M"),
            "category": rng.choice(["assault_battery", "weapons", "intruder", "alcohol_drugs"], calls),
            "school_id": np.where(is_at, school_ids[which], ""),
            "x": spot.x.round(6),
            "y": spot.y.round(6),
        }
    ).to_csv(folder / "data/incidents/calls.csv", index=False)
    return folder


def chicago_district(folder: Path, data: Path, *, times: int) -> Path:
    """Write a district of Chicago's police districts and incidents, those of one day told on others as well."""
    for name in ("boundaries", "incidents"):
        (folder / "data" / name).mkdir(parents=True)
    for name in ("police_districts.geojson", "cps_school_locations_sy1415.csv"):
        shutil.copyfile(data / "chicago" / name, folder / "data/boundaries" / name)
    calls = pd.read_parquet(data / "chicago/crimes_2018_h1.parquet")
    # Later in the first half of the time, earlier in the second: all stay in the term.
    sign = np.where(calls.index < pd.Timestamp("2018-04-01", tz="UTC"), 1, -1)
    parts = [calls.set_axis(calls.index + pd.to_timedelta(days * sign, unit="D")) for days in range(times)]
    every = pd.concat(parts).rename_axis(index="Date")
    every.to_parquet(folder / "data/incidents/crimes_2018_h1.parquet")
    (folder / "district.toml").write_text(CHICAGO_SETTINGS, encoding="utf-8")
    (folder / "crosswalk.csv").write_text(CHICAGO_CROSSWALK, encoding="utf-8")
    return folder


def command(what: str, name: str, folder: Path) -> str:
    """Time a whole command in a process of its own: its processor time, with that of its children, and its peak."""
    call = [sys.executable, "-m", "safeschools_geo.cli._main", name, str(folder), "--out", str(folder.parent / "out")]
    process = subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    end = "" if status == 0 else f" (ended with {os.waitstatus_to_exitcode(status)})"
    seconds = used.ru_utime + used.ru_stime
    return f"| `{name}` on {what}{end} | {seconds:,.1f} s of a processor | {used.ru_maxrss / MIB:,.0f} MiB |"


def commands(home: Path) -> None:
    """Time whole commands."""
    print("| command | time | peak memory |\n|---|---|---|")
    data = os.environ.get("SAFESCHOOLS_REAL_DATA", "")
    for times in (1, 8) if data else ():
        folder = chicago_district(home / f"chicago × {times}", Path(data), times=times)
        print(command(f"{125_590 * times:,} incidents of Chicago", "hotspots", folder), flush=True)
    folder = grid_district(home / "grid")
    print(command("2,000 schools in 60 zones, 200,000 incidents", "run", folder), flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="leave out the million incidents and the repeats")
    parser.add_argument("--commands", action="store_true", help="time whole commands instead")
    parser.add_argument("--keep", type=Path, help="where the districts of --commands are left")
    options = parser.parse_args()
    if options.commands:
        with tempfile.TemporaryDirectory() as folder:
            commands(options.keep or Path(folder))
        return
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
