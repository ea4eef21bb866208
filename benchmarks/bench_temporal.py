"""Ranges of time to hours of the week, beside a loop over rows and hours, in one run.

python benchmarks/bench_temporal.py [--rows 100000] [--loop-rows 1000] [--repeat 5]

The loop is the usual way to write it: for each row, walk from hour to hour with `pandas.Timestamp`. It is timed on the
first rows only and its time is scaled to all of them, which the table says; both are then compared on those rows.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.hotspots._hours import worst_window
from safeschools_geo.hotspots.temporal import aoristic

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

TZ = "America/Los_Angeles"
YEARS = 5
LENGTHS_H = {"minutes": 0.5, "hours": 8.0, "days": 72.0, "weeks": 400.0}


def random_ranges(n: int, mean_h: float, seed: int) -> tuple[pd.Series, pd.Series]:
    """Draw ranges over five years: exponential lengths, a fifth without an end."""
    rng = np.random.default_rng(seed)
    seconds = rng.integers(0, YEARS * 365 * 86_400, n)
    start = pd.Series(pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(seconds, unit="s")).dt.tz_convert(TZ)
    end = start + pd.to_timedelta(rng.exponential(mean_h * 3600, n).round(), unit="s")
    return start, end.mask(rng.random(n) < 0.2)  # noqa: PLR2004


def by_loop(start: pd.Series, end: pd.Series) -> Floats:
    """Walk from hour to hour, row by row."""
    weights = np.zeros((7, 24))
    for first, last in zip(start, end, strict=True):
        if pd.isna(last) or last <= first:
            weights[first.day_of_week, first.hour] += 1
            continue
        total, at = last - first, first
        while at < last:
            # Zones with whole hours only: the next full hour in UTC is the next full hour here.
            until = min(at.tz_convert("UTC").floor("h").tz_convert(TZ) + pd.Timedelta(hours=1), last)
            weights[at.day_of_week, at.hour] += (until - at) / total
            at = until
    return weights


def median_ms(run: Callable[[], object], repeat: int) -> float:
    """Take the median time of several runs, in milliseconds."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)) * 1e3


def row(kind: str, *, rows: int, loop_rows: int, repeat: int) -> str:
    """Time both on ranges of one length."""
    start, end = random_ranges(rows, LENGTHS_H[kind], seed=0)
    naive = start.dt.tz_localize(None), end.dt.tz_localize(None)
    few = start[:loop_rows], end[:loop_rows]
    ours = median_ms(lambda: aoristic(start, end, tz=TZ), repeat)
    local = median_ms(lambda: aoristic(*naive, tz=TZ), repeat)
    loop = median_ms(lambda: by_loop(*few), 1) * rows / loop_rows
    difference = np.abs(aoristic(*few, tz=TZ) - by_loop(*few)).max()
    off = abs(aoristic(start, end, tz=TZ).sum() - rows) / rows
    cells = [f"{kind:>8}", f"{ours:11.1f}", f"{local:11.1f}", f"{loop:15,.0f}", f"{loop / ours:8,.0f}"]
    return " | ".join([*cells, f"{difference:10.1e}", f"{off:8.0e}"])


def scan_ms(repeat: int) -> float:
    """Time the scan for the worst window: 400 incidents, a school week, 999 simulations."""
    exposure = np.zeros((7, 24))
    exposure[:5, 7:16] = 1
    weights = np.random.default_rng(0).multinomial(400, (exposure / exposure.sum()).ravel()).reshape(7, 24)
    return median_ms(lambda: worst_window(weights, exposure), repeat)


def main() -> None:
    """Print a table: one row for each length of ranges."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--loop-rows", type=int, default=1_000)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{options.rows:,} ranges over {YEARS} years, {TZ}; medians of {options.repeat} runs. "
        f"Loop: timed once on {options.loop_rows:,} rows, scaled to {options.rows:,}."
    )
    print(" lengths | aoristic ms | naive in ms | loop ms, scaled |   x loop | difference | sum off")
    for kind in LENGTHS_H:
        print(row(kind, rows=options.rows, loop_rows=options.loop_rows, repeat=options.repeat), flush=True)
    print(f"worst window, 999 simulations: {scan_ms(options.repeat):.0f} ms")


if __name__ == "__main__":
    main()
