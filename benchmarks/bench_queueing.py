"""The exact hypercube with 8, 12 and 15 officers, beside simulations that come as near, in one run.

python -m benchmarks.bench_queueing [--places 70] [--load 0.4] [--repeat 200] [--error 0.01] [--quick]

A plan score is the model and every measure of response, from rates and travel to P90 by zone. A simulation comes near
when half its 95 % interval of overflow is `--error` of it: how many calls that takes follows from the spread between
the runs of a shorter simulation, and the time from its time per call. The peer is SimPy, with the same rules as the
tests play through (``pip install simpy``; left out where it is not installed). Replays of recorded calls are timed too.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import resource
import subprocess
import sys
import time
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from safeschools_geo.coverage._dispatch import zone_dispatch
from safeschools_geo.coverage._replay import REPLAYS, Recorded, play
from safeschools_geo.coverage._response import response
from safeschools_geo.coverage.queueing import hypercube, hypercube_approximation

if TYPE_CHECKING:
    from collections.abc import Callable

    from safeschools_geo.coverage.queueing import Hypercube

TESTS = Path(__file__).resolve().parent.parent / "tests" / "coverage"
MIB = 1024.0
OFFICERS = (8, 12, 15)
CALLS_REPLAYED, RUNS_OF_SIMPY, CALLS_OF_SIMPY = 1_000, 20, 1_000


@dataclass(frozen=True)
class District:
    """Schools and officers on a square of 15 minutes, officers with rates of their own; the nearest is tried first."""

    arrivals: NDArray[np.float64]
    service: NDArray[np.float64]
    travel: NDArray[np.float64]

    @classmethod
    def drawn(cls, officers: int, *, places: int, load: float) -> District:
        """Draw one."""
        rng = np.random.default_rng(officers)
        service = 2.0 * np.exp(rng.normal(0, 0.2, officers))
        arrivals = rng.gamma(2, 1, places)
        schools, posts = rng.random((places, 2)), rng.random((officers, 2))
        travel = 15 * np.hypot(*(schools[:, None] - posts).transpose(2, 0, 1))
        return cls(arrivals * load * service.sum() / arrivals.sum(), service, travel)

    @property
    def preference(self) -> NDArray[np.int64]:
        """Officers by travel."""
        return np.argsort(self.travel, axis=1)

    def model(self) -> Hypercube:
        """Solve the model."""
        return hypercube(self.arrivals, self.service, self.preference)

    def score(self, zones: list[int]) -> float:
        """Score a plan on every measure."""
        found = response(
            self.model(), self.travel, zone_of_place=zones, home_zone=list(range(len(self.service))), preparation_min=1
        )
        return float(found.district.p90_min[0])


def timed(work: Callable[[], Any], repeat: int) -> tuple[float, float]:
    """Take the median and the shortest time of several runs, in seconds: on a busy machine they are far apart."""
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), min(seconds)


def said_ms(seconds: tuple[float, float]) -> str:
    """Write the two."""
    return f"{seconds[0] * 1000:,.2f} ms ({seconds[1] * 1000:,.2f})"


def peak_memory(officers: int, options: argparse.Namespace) -> str:
    """Measure what a process that solves one model, tables and all, allocates at most, and its whole peak."""
    code = f"from benchmarks.bench_queueing import peaks; peaks({officers}, {options.places}, {options.load})"
    told = subprocess.run([sys.executable, "-c", code], cwd=TESTS.parent.parent, capture_output=True, check=True)
    allocated, whole = map(float, told.stdout.split())
    return f"{allocated:,.0f} MiB allocated, {whole:,.0f} MiB with Python and the imports"


def peaks(officers: int, places: int, load: float) -> None:
    """Print the two, in a process of its own."""
    tracemalloc.start()
    District.drawn(officers, places=places, load=load).model()
    print(tracemalloc.get_traced_memory()[1] / MIB**2, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB)


def exact(options: argparse.Namespace) -> None:
    """Time the model, and plan scores on every measure."""
    print("Median times, and in brackets the best.\n")
    print(
        "| officers | model | plan score: model and response | scores a second | peak memory |\n|---|---|---|---|---|"
    )
    for officers in OFFICERS:
        district = District.drawn(officers, places=options.places, load=options.load)
        zones = np.argmin(district.travel, axis=1).tolist()
        repeat = options.repeat if officers <= OFFICERS[0] else max(3, options.repeat // 20)
        district.score(zones)
        model, score = timed(district.model, repeat), timed(lambda: district.score(zones), repeat)  # noqa: B023
        memory = peak_memory(officers, options)
        rate = f"{1 / score[0]:,.0f} ({1 / score[1]:,.0f})"
        print(f"| {officers} | {said_ms(model)} | {said_ms(score)} | {rate} | {memory} |", flush=True)


def approximate(options: argparse.Namespace) -> None:
    """Compare the approximation with the exact model."""
    print(
        "\n| officers | approximation | largest error of busy shares | overflow, exact | approximate |\n"
        "|---|---|---|---|---|"
    )
    for officers in OFFICERS:
        district = District.drawn(officers, places=options.places, load=options.load)
        given = (district.arrivals, district.service, district.preference)
        found, model = hypercube_approximation(*given), district.model()
        seconds = timed(lambda: hypercube_approximation(*given), 10)  # noqa: B023
        off = np.abs(found.busy_share - model.busy_share).max()
        print(
            f"| {officers} | {said_ms(seconds)} | {off:.4f} | {model.overflow_share:.3%} | {found.overflow_share:.3%} |"
        )


def simulations(options: argparse.Namespace) -> None:
    """Say how long simulations take to come as near as asked for."""
    district = District.drawn(OFFICERS[0], places=options.places, load=options.load)
    model = district.model()
    ours = timed(district.model, options.repeat)[0]
    print(f"\nOverflow {model.overflow_share:.4%}, exactly. Simulated to ± {options.error:.1%} of that:\n")
    print(
        "| simulation | calls that takes | time | times the exact model | a shorter one found |\n|---|---|---|---|---|"
    )

    def tell(name: str, found: float, half: float, calls: int, seconds: float) -> None:
        needed = calls * (half / (options.error * model.overflow_share)) ** 2
        takes = seconds * needed / calls
        print(
            f"| {name} | {needed:,.0f} | {takes:,.1f} s | {takes / ours:,.0f} | {found:.3%} ± {half:.3%} |", flush=True
        )

    if importlib.util.find_spec("simpy") is None:
        print("| SimPy is not installed | | | | |")
        return
    sys.path.insert(0, str(TESTS))
    peer = importlib.import_module("queueing_simpy")
    start = time.perf_counter()
    mean, half = peer.simpy_intervals(
        *(district.arrivals, district.service, district.preference),
        capacity="loss",
        runs=RUNS_OF_SIMPY,
        calls=CALLS_OF_SIMPY,
        seed=0,
        confidence=0.95,
    )
    seconds = time.perf_counter() - start
    tell("SimPy, event by event", mean[0], half[0], RUNS_OF_SIMPY * CALLS_OF_SIMPY, seconds)


def replays(options: argparse.Namespace) -> None:
    """Say how long it takes to play a term many times."""
    rng, officers = np.random.default_rng(0), OFFICERS[0]
    schools, posts = [f"s{i}" for i in range(options.places)], [f"o{i}" for i in range(officers)]
    zones = pd.Series([str(i % officers) for i in range(options.places)], index=schools)
    minutes = pd.DataFrame(rng.uniform(1, 20, (options.places, officers)), index=schools, columns=posts)
    plan = zone_dispatch(zones, pd.Series([str(i) for i in range(officers)], index=posts), minutes)
    day = np.sort(rng.integers(0, 100, CALLS_REPLAYED))
    at, school = rng.uniform(480, 900, CALLS_REPLAYED), rng.integers(0, options.places, CALLS_REPLAYED)
    order = np.lexsort((at, day))
    calls = Recorded(day, at[order], school, rng.exponential(40, CALLS_REPLAYED), np.ones(CALLS_REPLAYED, bool), 100, 8)
    start = time.process_time()
    play([plan], calls, replays=REPLAYS, seed=0)
    print(f"\n{REPLAYS:,} replays of {CALLS_REPLAYED:,} calls: {time.process_time() - start:.2f} s of processor time.")


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--places", type=int, default=70)
    parser.add_argument("--load", type=float, default=0.4, help="calls over what all officers can answer")
    parser.add_argument("--repeat", type=int, default=200)
    parser.add_argument("--error", type=float, default=0.01, help="half a 95 %% interval of overflow, over overflow")
    parser.add_argument("--quick", action="store_true", help="leave out the simulations")
    options = parser.parse_args()
    exact(options)
    approximate(options)
    replays(options)
    if not options.quick:
        simulations(options)


if __name__ == "__main__":
    main()
