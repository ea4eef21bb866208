"""Gi* beside esda and kernel density beside the exact sum and scipy, in one run.

python benchmarks/bench_grid.py [--side 316] [--points 100000] [--scipy-cells 500] [--repeat 5]

Gi*: z, p and q of every cell of a square lattice, for us; z and p for `esda.G_Local` without permutations, given its
weights ready, with the cells' own weights put in by it ("star") or there already ("own weights in"). Density: all cells
of a picture of 250 × 300, for us and for the exact sum, written as a product of matrices; `scipy.stats.gaussian_kde` is
timed on a sample of the cells and its time scaled to all of them, which the table says.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from esda import G_Local
from libpysal.weights import fill_diagonal, lat2W
from scipy import stats

from safeschools_geo.hotspots._places import kernel_density
from safeschools_geo.hotspots.grid import getis_ord_star

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

T = TypeVar("T")

BOUNDS = (0.0, 0.0, 30_000.0, 25_000.0)
SHAPE = (250, 300)
BANDWIDTHS_M = (200.0, 400.0, 1500.0, 6000.0)


def timed(run: Callable[[], T], repeat: int) -> tuple[float, T]:
    """Take the median time of several runs, in milliseconds."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        found = run()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)) * 1e3, found


def by_esda(values: Floats, weights: Any) -> Any:  # noqa: ANN401 - untyped library
    """Compute Gi* with esda, binary weights, no permutations."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return G_Local(values, weights, star=True, transform="B", permutations=0)


def gi_star_row(name: str, *, side: int, is_rook: bool, repeat: int) -> str:
    """Time Gi* on one lattice."""
    values = np.random.default_rng(0).gamma(2, 3, side * side)
    bare = lat2W(side, side, rook=is_rook)
    bare.transform = "B"
    # Made ready outside the clock, for both.
    ready, filled = bare.sparse, fill_diagonal(bare, 1)
    _ = filled.sparse
    ours, found = timed(lambda: getis_ord_star(values, ready), repeat)
    gamma, _ = timed(lambda: getis_ord_star(values, ready, tail="gamma"), repeat)
    star, theirs = timed(lambda: by_esda(values, bare), max(1, repeat // 2))
    own, _ = timed(lambda: by_esda(values, filled), max(1, repeat // 2))
    difference = np.abs(found["z"].to_numpy() - theirs.Zs).max()
    cells = [
        f"{side * side:,}",
        name,
        f"{ours:.1f}",
        f"{gamma:.1f}",
        f"{star:,.0f}",
        f"{own:,.0f}",
        f"{star / ours:,.0f}",
        f"{own / ours:,.0f}",
        f"{difference:.0e}",
    ]
    return f"| {' | '.join(cells)} |"


def clustered_points(n: int, seed: int) -> Floats:
    """Scatter points around 300 places, some beside the picture."""
    rng = np.random.default_rng(seed)
    places = rng.uniform((-500, -500), (30_500, 25_500), (300, 2))
    return np.asarray(places[rng.integers(300, size=n)] + rng.normal(0, 600, (n, 2)))


def exact(xy: Floats, bandwidth_m: float) -> Floats:
    """Sum the kernels at the center of each cell, 10,000 points at a time."""
    rows, columns = SHAPE
    x, y = ((np.arange(count) + 0.5) * side / count for count, side in ((columns, BOUNDS[2]), (rows, BOUNDS[3])))
    total = np.zeros(SHAPE)
    for start in range(0, len(xy), 10_000):
        some = xy[start : start + 10_000]
        across, up = (
            np.exp(-((centers[:, None] - at) ** 2) / (2 * bandwidth_m**2))
            for centers, at in ((x, some[:, 0]), (y, some[:, 1]))
        )
        total += up @ across.T
    return total / (2 * np.pi * bandwidth_m**2) * 1e6


def scipy_ms(xy: Floats, bandwidth_m: float, *, cells: int) -> float:
    """Time `gaussian_kde` on some cells, scaled to all; its kernel follows the points' spread, so time alone counts."""
    at = np.random.default_rng(2).uniform(BOUNDS[:2], BOUNDS[2:], (cells, 2))
    kernel = stats.gaussian_kde(xy.T, bw_method=bandwidth_m / xy.std())
    return timed(lambda: kernel(at.T), 1)[0] * SHAPE[0] * SHAPE[1] / cells


def density_row(bandwidth_m: float, *, points: int, scipy_cells: int, repeat: int) -> str:
    """Time and check one bandwidth."""
    xy = clustered_points(points, seed=1)
    ours, picture = timed(lambda: kernel_density(xy, bounds=BOUNDS, shape=SHAPE, bandwidth_m=bandwidth_m), repeat)
    slow, truth = timed(lambda: exact(xy, bandwidth_m), 1)
    scipy = scipy_ms(xy, bandwidth_m, cells=scipy_cells)
    off, dense = np.abs(picture - truth), truth > 0.01 * truth.max()
    cells = [
        f"{bandwidth_m:g}",
        f"{ours:.1f}",
        f"{slow:,.0f}",
        f"{scipy:,.0f}",
        f"{slow / ours:,.0f}",
        f"{scipy / ours:,.0f}",
        f"{off.max() / truth.max():.3%}",
        f"{(off[dense] / truth[dense]).max():.3%}",
    ]
    return f"| {' | '.join(cells)} |"


def print_table(*header: str) -> None:
    """Print the head of a table."""
    print(f"\n| {' | '.join(header)} |\n|{'---|' * len(header)}")


def main() -> None:
    """Print two tables: Gi* by kind of neighbors, density by bandwidth."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=316)
    parser.add_argument("--points", type=int, default=100_000)
    parser.add_argument("--scipy-cells", type=int, default=500)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    print(f"Gi*: medians of {options.repeat} runs, esda of {max(1, options.repeat // 2)}; weights ready for both.")
    print_table(
        "cells",
        "neighbors",
        "normal tail ms",
        "gamma tail ms",
        "esda, star ms",
        "esda, own weights in ms",
        "x star",
        "x own weights in",
        "largest difference of z",
    )
    for name, is_rook in (("rook", True), ("queen", False)):
        print(gi_star_row(name, side=options.side, is_rook=is_rook, repeat=options.repeat), flush=True)
    print(
        f"\nDensity of {options.points:,} points, {SHAPE[0]} × {SHAPE[1]} cells; the exact sum timed once, scipy "
        f"once on {options.scipy_cells:,} cells and scaled to all {SHAPE[0] * SHAPE[1]:,}."
    )
    print_table(
        "bandwidth m",
        "ours ms",
        "exact ms",
        "scipy ms, scaled",
        "x exact",
        "x scipy",
        "largest error / peak",
        "largest error / exact, above 1 % of the peak",
    )
    for bandwidth_m in BANDWIDTHS_M:
        row = density_row(bandwidth_m, points=options.points, scipy_cells=options.scipy_cells, repeat=options.repeat)
        print(row, flush=True)


if __name__ == "__main__":
    main()
