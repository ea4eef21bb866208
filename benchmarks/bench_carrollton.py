"""Carrollton's 325 reporting areas in 12 patrol areas: the two published plans beside ours, with bounds.

python -m benchmarks.bench_carrollton [--folder ../shared/data/carrollton] [--gap 0.01] [--time-limit 60]

Travel is Σ load × minutes over the streets from the area to the center of its patrol area; loads within 10 % of the
mean. It is scored twice: with minutes of work as loads, and with calls, which is what the published plans balance and
minimize. The published plans are scored with their own centers, and with the best center in each of their zones. Ours
are drawn with their centers and with free ones; `gap` is to the bound over all contiguous plans within the tolerance
(with those centers, or with any), `gap, any` to that over all plans, contiguous or not, even with areas divided.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from benchmarks.carrollton import least_travel, load_carrollton
from safeschools_geo.rebalance._neighbors import zone_pieces

if TYPE_CHECKING:
    from benchmarks.carrollton import Carrollton
    from safeschools_geo.rebalance._p_median import MedianSolver

ZONES = 12


def plan_row(name: str, instance: Carrollton, load: pd.Series, center: pd.Series) -> list[str]:
    """Score a plan by the center of each area; the areas that it leaves out are not in its travel."""
    travel = instance.travel.to_numpy()[
        instance.travel.index.get_indexer(center.index), instance.travel.columns.get_indexer(pd.Index(center))
    ]
    total = float((load.loc[center.index].to_numpy() * travel).sum())
    loads = load.loc[center.index].groupby(center).sum()
    worst = float((loads / (load.sum() / ZONES) - 1).abs().max())
    detached = zone_pieces(center.rename("zone_id"), instance.edges)
    pieces = ", ".join(f"{zone} in {n}" for zone, n in detached[detached > 1].items())
    return [name, f"{total:,.0f}", f"{worst:.2%}", pieces or "yes", f"{len(center)} of {len(load)}"]


def published_rows(instance: Carrollton, load: pd.Series) -> list[list[str]]:
    """Score the published plans as they are, and with the best center of each zone."""
    rows = []
    for name, center in instance.plans.items():
        rows.append([*plan_row(name, instance, load, center), "", "", "", ""])
        best = {}
        for zone, members in center.groupby(center).groups.items():
            spent = load.loc[members].to_numpy() @ instance.travel.loc[members, members].to_numpy()
            best[zone] = members[int(np.argmin(spent))]
        rows.append([*plan_row(f"{name}, best centers", instance, load, center.map(best)), "", "", "", ""])
    return rows


def solve(
    instance: Carrollton, load: pd.Series, centers: list[str] | None, gap: float, limit: float
) -> tuple[pd.Series, MedianSolver, float]:
    """Draw a plan, and time it."""
    start = time.perf_counter()
    center, solver = least_travel(instance, load, zones=ZONES, centers=centers, gap=gap, limit_s=limit)
    return center, solver, time.perf_counter() - start


def our_rows(instance: Carrollton, load: pd.Series, gap: float, limit: float) -> tuple[list[list[str]], float]:
    """Draw plans with the published centers and with free ones, on two processors."""
    asked = {f"ours, centers of {name}": sorted(set(center)) for name, center in instance.plans.items()}
    tasks = {"ours, free centers": None, **asked}
    start = time.perf_counter()
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = {name: pool.submit(solve, instance, load, centers, gap, limit) for name, centers in tasks.items()}
        found = {name: task.result() for name, task in waiting.items()}
    rows = []
    for name, (center, plan, seconds) in found.items():
        gaps = [f"{1 - bound / plan.travel:.2%}" for bound in (plan.bound, plan.any_bound)]
        proof = [f"{plan.bound:,.0f}", *gaps, f"{seconds:.1f}"]
        rows.append([*plan_row(name, instance, load, center), *proof])
    return rows, time.perf_counter() - start


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    here = Path(__file__).resolve().parents[2]
    parser.add_argument("--folder", type=Path, default=here / "shared" / "data" / "carrollton")
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--time-limit", type=float, default=60.0)
    options = parser.parse_args()
    start = time.perf_counter()
    instance = load_carrollton(options.folder)
    print(f"Read, with travel over the streets, in {time.perf_counter() - start:.1f} s.\n")
    for figure in ("minutes", "calls"):
        load = instance.areas.set_index("unit_id")[figure]
        rows, seconds = our_rows(instance, load, options.gap, options.time_limit)
        head = ["plan", "travel", "worst gap of load", "contiguous", "covered", "bound", "gap", "gap, any", "seconds"]
        print(f"Loads in {figure}; ours together {seconds:.1f} s on two processors.\n")
        for cells in (head, ["---"] * len(head), *published_rows(instance, load), *rows):
            print("| " + " | ".join(cells) + " |")
        print(flush=True)


if __name__ == "__main__":
    main()
