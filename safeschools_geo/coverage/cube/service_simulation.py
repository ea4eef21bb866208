"""The same rules of dispatch played through, call by call, with service times of any distribution."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import t as student_t

from safeschools_geo.coverage.cube.call_system import Capacity, call_system
from safeschools_geo.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.coverage.cube.call_system import CallSystem
    from safeschools_geo.coverage.cube.service_times import ServiceTimes

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

CONFIDENCE = 0.95
"""Level of the intervals."""

_MINUTES = 60.0
_FEWEST_RUNS = 10
_LIVES, _FEWEST_FIRST = 10.0, 50


@dataclass(frozen=True, eq=False)
class SimulatedCalls:
    """What a simulation found, each with half the width of its 95 % interval.

    Parameters
    ----------
    busy_share, busy_half_width
        Share of the time that each officer is busy, float64, shape (n_units,).
    overflow_share, overflow_half_width
        Share of calls that find all officers busy.
    wait_min, wait_half_width
        Mean minutes in line over all calls; 0 without a line.
    calls, runs, calls_before
        Calls that were counted, in how many runs, and how many calls went before in each run, uncounted.
    seed
        Seed of the chance.
    """

    busy_share: Floats
    busy_half_width: Floats
    overflow_share: float
    overflow_half_width: float
    wait_min: float
    wait_half_width: float
    calls: int
    runs: int
    calls_before: int
    seed: int


def simulate_calls(
    arrivals_per_h: ArrayLike,
    times: ServiceTimes,
    preference: ArrayLike | None,
    *,
    ties: ArrayLike | None = None,
    capacity: Capacity = "loss",
    calls: int = 200_000,
    runs: int = 400,
    seed: int = 0,
) -> SimulatedCalls:
    """Play calls through, in many independent runs side by side.

    Parameters
    ----------
    arrivals_per_h
        Calls per hour from each place, shape (n_places,).
    times
        How long calls keep each officer.
    preference, ties, capacity
        As for `hypercube`; any number of officers.
    calls
        Calls to count, over all runs.
    runs
        Independent runs, at least 10: the spread between them gives the intervals.
    seed
        Seed of the chance: the same seed, the same result.

    Returns
    -------
    SimulatedCalls
        Shares and intervals.

    Raises
    ------
    InputError
        When rates, orders or shapes make no sense.
    SettingsError
        When the line would grow without end, or there are too few runs or calls.

    Notes
    -----
    All runs start with free officers; what happens during the first calls is not counted. A call that has to wait is
    given at once to the officer who will be free first, which is first come first served. Intervals are Student's over
    runs.

    References
    ----------
    Law, A. M. (2015). Simulation Modeling and Analysis, 5th ed., ch. 9. McGraw-Hill. Kiefer, J., & Wolfowitz, J.
    (1955). On the theory of queues with many servers. Transactions of the AMS 78, 1–18.
    """
    system = call_system(arrivals_per_h, 1 / times.mean_h, preference, ties=ties, capacity=capacity)
    if runs < _FEWEST_RUNS or calls < runs:
        raise SettingsError(
            "There are too few runs or calls.",
            found=f"{calls:,} calls in {runs} runs",
            expected=f"at least {_FEWEST_RUNS} runs, and a call in each",
        )
    counted, before = ceil(calls / runs), _calls_before(system, times)
    play = _Play(system, times, runs, np.random.default_rng(seed))
    for _ in range(before):
        play.next_call()
    play.forget()
    for _ in range(counted):
        play.next_call()
    overflow, overflow_half = _interval(play.overflows / counted)
    wait, wait_half = _interval(_MINUTES * play.waited_h / counted)
    busy, hours = play.busy_h.mean(axis=0), float(play.hours.mean())
    off = (play.busy_h - play.hours[:, None] * busy / hours) / hours
    half = [_interval(off[:, officer])[1] for officer in range(system.officers)]
    return SimulatedCalls(
        busy_share=busy / hours,
        busy_half_width=np.array(half),
        overflow_share=overflow,
        overflow_half_width=overflow_half,
        wait_min=wait,
        wait_half_width=wait_half,
        calls=counted * runs,
        runs=runs,
        calls_before=before,
        seed=seed,
    )


class _Play:
    """Runs side by side; all counters have a row for each run."""

    def __init__(self, system: CallSystem, times: ServiceTimes, runs: int, rng: np.random.Generator) -> None:
        self.system, self.times, self.runs, self.rng = system, times, runs, rng
        self.ranks = system.order.ranks.astype(np.float64)
        self.from_place = np.cumsum(system.arrivals_per_h) / system.calls_per_h
        self.from_place[-1] = 1.0
        self.left_h = np.zeros((runs, system.officers))
        self.forget()

    def forget(self) -> None:
        """Start to count."""
        self.hours, self.overflows, self.waited_h = (np.zeros(self.runs) for _ in range(3))
        self.busy_h = np.zeros_like(self.left_h)

    def next_call(self) -> None:
        """Let time pass until the next call of each run, and send somebody."""
        rng, rows = self.rng, np.arange(self.runs)
        gap = rng.exponential(1 / self.system.calls_per_h, self.runs)
        place = np.searchsorted(self.from_place, rng.random(self.runs), side="right")
        # Whoever has calls ahead is busy without a break until they are done.
        spent = np.minimum(self.left_h, gap[:, None])
        self.busy_h += spent
        self.hours += gap
        self.left_h -= spent
        is_free = self.left_h <= 0
        ranks = self.ranks[place]
        if self.system.order.has_ties:
            # Ranks are whole numbers: a fraction decides between equal ones.
            ranks = ranks + rng.random(ranks.shape)
        officer = np.argmin(np.where(is_free, ranks, np.inf), axis=1)
        finds_none = np.logical_not(is_free.any(axis=1))
        self.overflows += finds_none
        if self.system.capacity == "queue":
            officer = np.where(finds_none, np.argmin(self.left_h, axis=1), officer)
            self.waited_h += self.left_h[rows, officer]
        drawn = self.times.draw_h(officer, rng)
        if self.system.capacity == "loss":
            drawn[finds_none] = 0.0
        self.left_h[rows, officer] += drawn


def _calls_before(system: CallSystem, times: ServiceTimes) -> int:
    """Say after how many calls the start is forgotten: ten times what it takes."""
    spread = (1 + float(times.variation.max()) ** 2) / 2
    lasting_h = float(times.mean_h.max()) * max(spread, 1.0)
    if system.capacity == "queue":
        lasting_h += max(spread, 1.0) / (sqrt(system.most_per_h) - sqrt(system.calls_per_h)) ** 2
    return max(_FEWEST_FIRST, ceil(_LIVES * lasting_h * system.calls_per_h))


def _interval(of_runs: Floats) -> tuple[float, float]:
    runs = len(of_runs)
    half = student_t.ppf((1 + CONFIDENCE) / 2, runs - 1) * of_runs.std(ddof=1) / sqrt(runs)
    return float(of_runs.mean()), float(half)
