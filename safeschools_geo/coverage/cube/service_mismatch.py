"""How far off the queueing model is, where calls do not keep officers for exponential times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.cube.hypercube_result import Hypercube
from safeschools_geo.coverage.cube.service_simulation import SimulatedCalls, simulate_calls
from safeschools_geo.coverage.figure_text import minutes_text, share_text
from safeschools_geo.coverage.queueing import MOST_EXACT, hypercube, hypercube_approximation

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from safeschools_geo.coverage.cube.call_system import Capacity
    from safeschools_geo.coverage.cube.service_times import ServiceTimes


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
        """Say in plain English how far off the model is.

        Returns
        -------
        str
            A few sentences.
        """
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

        Returns
        -------
        pandas.DataFrame
            `measure` (``overflow_share``, ``wait_min``, ``busy_share``), `officer` (position; missing for all
            together), `model`, `simulated`, `half_width` (of the 95 % interval), and `is_within`.
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
    times: ServiceTimes,
    preference: ArrayLike | None,
    *,
    ties: ArrayLike | None = None,
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
        How long calls keep each officer: `observed_times` or `gamma_times`. The model takes their means.
    preference, ties, capacity
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
        model=solve(arrivals_per_h, 1 / times.mean_h, preference, ties=ties, capacity=capacity),
        simulated=simulate_calls(
            arrivals_per_h, times, preference, ties=ties, capacity=capacity, calls=calls, runs=runs, seed=seed
        ),
        variation=float(times.variation.mean()),
    )
