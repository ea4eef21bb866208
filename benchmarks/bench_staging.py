"""Travel and staging: Carrollton's 325 areas over its streets, and 1,000 scattered places.

python -m benchmarks.bench_staging [--folder ../shared/data/carrollton] [--time-limit 120] [--check-limit 300]

Points for 12 officers (Carrollton) or 8 and 20 (scattered) among all places, by each of the four aims, with the bound.
The longest minutes (p-center) are checked by another covering model, without our reductions and on all pairs, solved by
`scipy.optimize.milp`: as many points as officers are enough within the value, and not within the next shorter time.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array
from scipy.spatial.distance import cdist

from benchmarks.carrollton import read_areas
from safeschools_geo.coverage._roads import place_points
from safeschools_geo.coverage._staging import place_officers
from safeschools_geo.coverage._staging_points import OBJECTIVES, StagingSettings
from safeschools_geo.coverage._usual_day import TravelTimes, travel_times

WITHIN_MIN, BUSY_SHARE = 3.0, 0.4


def carrollton_travel(folder: Path) -> tuple[TravelTimes, pd.Series]:
    """Measure the way between all areas, and say how long that took."""
    areas = read_areas(folder)
    streets = gpd.read_file(folder / "StreetCenterlines.shp").rename(columns={"Minutes": "minutes"})
    points = place_points(areas, "unit_id")
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        found = travel_times(points, roads=streets)
        seconds.append(time.perf_counter() - start)
    print(f"{len(points):,} × {len(points):,} minutes over {len(streets):,} segments: {min(seconds):.2f} s.")
    print(found.summary(), "\n", flush=True)
    return found, areas.set_index("unit_id")["calls"]


def scattered(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Scatter places over a square that is crossed in 20 minutes."""
    rng = np.random.default_rng(seed)
    xy = rng.random((n, 2)) * 20
    ids = [f"p{i}" for i in range(n)]
    return pd.DataFrame(cdist(xy, xy), index=ids, columns=ids), pd.Series(rng.integers(1, 100, n), index=ids)


def fewest_points(minutes: np.ndarray, limit: float, seconds: float) -> tuple[float, float]:
    """Find the fewest points within a time of every place: the number found, and the bound."""
    covers = csr_array((minutes <= limit).astype("float64"))
    n, m = minutes.shape
    result = milp(
        np.ones(m),
        constraints=LinearConstraint(covers, np.ones(n), np.full(n, np.inf)),
        integrality=np.ones(m, dtype="int64"),
        bounds=Bounds(0, 1),
        options={"time_limit": seconds},
    )
    found = np.inf if result.x is None else float(result.fun)
    return found, -np.inf if result.mip_dual_bound is None else float(result.mip_dual_bound)


def check_center(minutes: pd.DataFrame, value: float, points: int, seconds: float) -> str:
    """Check a p-center by the other model."""
    table = minutes.to_numpy()
    shorter = float(table[table < value].max())
    enough = fewest_points(table, value, seconds)[0]
    bound = fewest_points(table, shorter, seconds)[1]
    text = f"{enough:.0f} points within {value:.4f}; within {shorter:.4f} {np.ceil(bound - 1e-6):.0f} at least"
    return f"{text}: {'agrees' if bound > points + 1e-6 else 'not decided in time'}"


def race(name: str, minutes: pd.DataFrame, calls: pd.Series, points: int, options: argparse.Namespace) -> None:
    """Stage officers by each aim, and print what was found."""
    for objective in OBJECTIVES:
        asked = StagingSettings(
            objective=objective, within_min=WITHIN_MIN, busy_share=BUSY_SHARE, time_limit_s=options.time_limit
        )
        start = time.perf_counter()
        found = place_officers(minutes, calls, points=points, settings=asked)
        seconds = time.perf_counter() - start
        cells = [name, str(points), objective, f"{found.value:.4f}", f"{found.bound:.4f}"]
        cells += ["yes" if found.is_proven else f"gap {found.gap:.4f}", f"{seconds:.1f}"]
        is_center = objective == "longest"
        cells.append(check_center(minutes, found.value, points, options.check_limit) if is_center else "")
        print("| " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[2]
    parser.add_argument("--folder", type=Path, default=here / "shared" / "data" / "carrollton")
    parser.add_argument("--time-limit", type=float, default=120.0)
    parser.add_argument("--check-limit", type=float, default=300.0)
    options = parser.parse_args()
    travel, calls = carrollton_travel(options.folder)
    print("| places | officers | aim | value | bound | proven | seconds | another covering model |")
    print("|" + "---|" * 8)
    ids = list(travel.minutes.index)
    race("Carrollton, 325", travel.response_minutes(ids, ids), calls, 12, options)
    for points in (8, 20):
        race("scattered, 1,000", *scattered(1000), points, options)


if __name__ == "__main__":
    main()
