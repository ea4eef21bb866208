"""How long calls keep an officer, and how far off the model is where that is not exponential."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, sqrt
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import t as student_t

from safeschools_geo.coverage._hypercube_states import Capacity, call_system
from safeschools_geo.coverage.queueing import MOST_EXACT, Hypercube, hypercube, hypercube_approximation
from safeschools_geo.errors import InputError, SettingsError
from safeschools_geo.text import minutes_text, share_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.coverage._hypercube_states import CallSystem

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]


# ── How long calls keep an officer, as distributions to draw from: spread by a given variation

_MINUTES = 60.0


@dataclass(frozen=True, eq=False)
class GammaTimes:
    """Gamma distributions of given means and variation."""

    mean_h: Floats  # Mean hours of each officer, float64, shape (n_units,)
    # Standard deviation over mean of each officer, float64, shape (n_units,): 1 is exponential, 0 always the same
    variation: Floats

    def draw_h(self, officers: Ints, rng: np.random.Generator) -> Floats:
        """Draw the hours of a call of each of some officers."""
        mean, variance = self.mean_h[officers], self.variation[officers] ** 2
        spread = np.where(variance > 0, variance, 1.0)
        return np.where(variance > 0, mean * spread * rng.standard_gamma(1 / spread), mean)


def gamma_times(service_per_h: ArrayLike, variation: ArrayLike) -> GammaTimes:
    """Spread service times around the means that rates stand for.

    Parameters
    ----------
    service_per_h
        Calls that each officer could answer per busy hour, shape (n_units,), above 0.
    variation
        Standard deviation over mean, one for all or one for each officer, 0 or more.

    Returns
    -------
    GammaTimes
        The distributions.

    Raises
    ------
    InputError
        When rates or variation make no sense.
    """
    service = np.array(service_per_h, dtype=np.float64)
    spread = np.array(variation, dtype=np.float64)
    fits = service.ndim == 1 and len(service) > 0 and spread.shape in {(), service.shape}
    if not (fits and np.isfinite([service, service + spread]).all() and (service > 0).all() and (spread >= 0).all()):
        raise InputError(
            "Service times cannot be spread like that.",
            found=f"service_per_h {service.tolist()}, variation {spread.tolist()}",
            expected="a rate above 0 for each officer, and a variation of 0 or more",
        )
    return GammaTimes(1 / service, np.broadcast_to(spread, service.shape))


# ── The same rules of dispatch played through, call by call, with service times of any distribution

CONFIDENCE = 0.95
"""Level of the intervals."""

_FEWEST_RUNS = 10
_LIVES, _FEWEST_FIRST = 10.0, 50


@dataclass(frozen=True, eq=False)
class SimulatedCalls:
    """What a simulation found, each with half the width of its 95 % interval."""

    # Share of the time that each officer is busy, float64, shape (n_units,)
    busy_share: Floats
    busy_half_width: Floats
    # Share of calls that find all officers busy
    overflow_share: float
    overflow_half_width: float
    # Mean minutes in line over all calls; 0 without a line
    wait_min: float
    wait_half_width: float
    # Calls that were counted, in how many runs, and how many calls went before in each run, uncounted
    calls: int
    runs: int
    calls_before: int
    seed: int  # Seed of the chance


def simulate_calls(
    arrivals_per_h: ArrayLike,
    times: GammaTimes,
    preference: ArrayLike,
    *,
    capacity: Capacity = "loss",
    calls: int = 200_000,
    runs: int = 400,
    seed: int = 0,
) -> SimulatedCalls:
    """Play calls through, in many independent runs side by side.

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
    system = call_system(arrivals_per_h, 1 / times.mean_h, preference, capacity=capacity)
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

    def __init__(self, system: CallSystem, times: GammaTimes, runs: int, rng: np.random.Generator) -> None:
        self.system, self.times, self.runs, self.rng = system, times, runs, rng
        self.ranks = np.argsort(system.preference, axis=1).astype(np.float64)
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
        officer = np.argmin(np.where(is_free, self.ranks[place], np.inf), axis=1)
        finds_none = np.logical_not(is_free.any(axis=1))
        self.overflows += finds_none
        if self.system.capacity == "queue":
            officer = np.where(finds_none, np.argmin(self.left_h, axis=1), officer)
            self.waited_h += self.left_h[rows, officer]
        drawn = self.times.draw_h(officer, rng)
        if self.system.capacity == "loss":
            drawn[finds_none] = 0.0
        self.left_h[rows, officer] += drawn


def _calls_before(system: CallSystem, times: GammaTimes) -> int:
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


# ── How far off the queueing model is, where calls do not keep officers for exponential times


@dataclass(frozen=True, eq=False)
class ServiceMismatch:
    """The model beside a simulation of the same rules with the service times as they are.

    Parameters
    ----------
    model
        The hypercube model, with exponential times of the same means.
    simulated
        The simulation.
    variation
        Standard deviation over mean of the service times, over officers on average; 1 for exponential times.
    """

    model: Hypercube
    simulated: SimulatedCalls
    variation: float

    @property
    def overflow_error(self) -> float:
        """Overflow of the model less that of the simulation."""
        return self.model.overflow_share - self.simulated.overflow_share

    @property
    def is_overflow_within(self) -> bool:
        """Whether the overflow of the model lies in the simulation's interval."""
        return abs(self.overflow_error) <= self.simulated.overflow_half_width

    @property
    def largest_busy_error(self) -> float:
        """Largest difference between an officer's busy share in the model and in the simulation."""
        return float(np.abs(self.model.busy_share - self.simulated.busy_share).max())

    def summary(self) -> str:
        """Say in plain English how far off the model is."""
        told, half = self.simulated.overflow_share, self.simulated.overflow_half_width
        interval = f"{share_text(max(told - half, 0.0))} to {share_text(told + half)}"
        verdict = "inside that interval" if self.is_overflow_within else "outside that interval"
        wait = ""
        if self.model.capacity == "queue":
            wait = (
                f" The mean wait is {minutes_text(self.simulated.wait_min)} minutes; the model says "
                f"{minutes_text(self.model.wait_min)}."
            )
        return (
            "The model held against a simulation, not against the record: "
            f"service times vary by {self.variation:.2f} of their mean (1 in the model). Of {self.simulated.calls:,} "
            f"calls simulated with the times as they are, {share_text(told)} find every officer busy (95 % interval "
            f"{interval}); the model says {share_text(self.model.overflow_share)}, {verdict}. Busy shares differ by up "
            f"to {share_text(self.largest_busy_error)}.{wait}"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure.

        `measure` (``overflow_share``, ``wait_min``, ``busy_share``), `officer` (position; missing for all together),
        `model`, `simulated`, `half_width` (of the 95 % interval), and `is_within`.
        """
        simulated, units = self.simulated, len(self.model.busy_share)
        frame = pd.DataFrame(
            {
                "measure": ["overflow_share", "wait_min", *["busy_share"] * units],
                "officer": pd.array([None, None, *range(units)], dtype="Int64"),
                "model": [self.model.overflow_share, self.model.wait_min, *self.model.busy_share],
                "simulated": [simulated.overflow_share, simulated.wait_min, *simulated.busy_share],
                "half_width": [simulated.overflow_half_width, simulated.wait_half_width, *simulated.busy_half_width],
            }
        )
        return frame.assign(is_within=(frame["model"] - frame["simulated"]).abs() <= frame["half_width"])


def service_mismatch(
    arrivals_per_h: ArrayLike,
    times: GammaTimes,
    preference: ArrayLike,
    *,
    capacity: Capacity = "loss",
    calls: int = 200_000,
    runs: int = 400,
    seed: int = 0,
) -> ServiceMismatch:
    """Compare the model with a simulation that takes the service times as they are.

    Parameters
    ----------
    arrivals_per_h
        Calls per hour from each place, shape (n_places,).
    times
        How long calls keep each officer: `gamma_times`. The model takes their means.
    preference, capacity
        As for `hypercube`. Above 15 officers the model is the approximation.
    calls, runs, seed
        As for `simulate_calls`.

    Returns
    -------
    ServiceMismatch
        Both, and how far they are apart.

    Raises
    ------
    InputError
        When rates, orders or shapes make no sense.
    SettingsError
        When the line would grow without end, or there are too few runs or calls.
    """
    solve = hypercube if len(times.mean_h) <= MOST_EXACT else hypercube_approximation
    return ServiceMismatch(
        model=solve(arrivals_per_h, 1 / times.mean_h, preference, capacity=capacity),
        simulated=simulate_calls(
            arrivals_per_h, times, preference, capacity=capacity, calls=calls, runs=runs, seed=seed
        ),
        variation=float(times.variation.mean()),
    )
