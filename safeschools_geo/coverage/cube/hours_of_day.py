"""Coverage by hour of day: the model of each hour, as if its calls came all day long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.cube.call_system import Capacity, call_system
from safeschools_geo.coverage.cube.hypercube_result import Hypercube
from safeschools_geo.coverage.figure_text import figure_text, highest, listed, minutes_text
from safeschools_geo.coverage.queueing import hypercube, hypercube_approximation
from safeschools_geo.errors import InputError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_MINUTES = 60.0


@dataclass(frozen=True, eq=False)
class HoursOfDay:
    """The model of each hour of the day.

    Parameters
    ----------
    hours
        What the hours are called, such as 7 for 7:00 to 8:00.
    hypercubes
        The model of each hour; None for an hour without a call.
    service_per_h
        Calls that each officer could answer per busy hour, float64, shape (n_units,).
    """

    hours: tuple[object, ...]
    hypercubes: tuple[Hypercube | None, ...]
    service_per_h: Floats

    @property
    def calls_per_h(self) -> Floats:
        """How many calls come in each hour, float64, shape (hours,)."""
        return np.array([0.0 if one is None else one.calls_per_h for one in self.hypercubes])

    @property
    def busy_share(self) -> Floats:
        """Share of each hour that each officer is busy, float64, shape (hours, n_units)."""
        free = np.zeros(len(self.service_per_h))
        return np.array([free if one is None else one.busy_share for one in self.hypercubes])

    @property
    def overflow_by_hour(self) -> Floats:
        """Chance that a call of each hour finds all officers busy, float64, shape (hours,); 0 where there are none."""
        return np.array([0.0 if one is None else one.overflow_share for one in self.hypercubes])

    @property
    def overflow_share(self) -> float:
        """The same over all calls of the day."""
        calls = self.calls_per_h
        return float(calls @ self.overflow_by_hour / calls.sum())

    def summary(self) -> str:
        """Say in plain English what comes out, and what it rests on.

        Returns
        -------
        str
            A few sentences.
        """
        service_min = _MINUTES * float((1 / self.service_per_h).mean())
        overflow = figure_text(self.overflow_share, "share")
        shares = {str(hour): float(share) for hour, share in zip(self.hours, self.overflow_by_hour, strict=True)}
        worst = highest(shares, lambda share: figure_text(share, "share"))
        hours = f"hour{'' if len(worst) == 1 else 's'} {listed(worst)}" if worst else ""
        most = f"; most in {hours}, {figure_text(shares[worst[0]], 'share')}" if worst else ""
        return (
            f"Over {len(self.hours)} hours of the day, {overflow} of calls find every officer busy in the model"
            f"{most}. Each hour is taken as if its calls came all day long "
            f"(quasi-stationary); a call keeps an officer {minutes_text(service_min)} minutes on average, and the "
            "longer that is, the more of one hour's work is felt in the next."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each hour.

        Returns
        -------
        pandas.DataFrame
            `hour`, `calls_per_h`, `load`, `mean_busy_share`, `highest_busy_share`, `overflow_share`, `overflow_per_h`
            and `wait_min`.
        """
        calls, busy = self.calls_per_h, self.busy_share
        return pd.DataFrame(
            {
                "hour": list(self.hours),
                "calls_per_h": calls,
                "load": calls / float(self.service_per_h.sum()),
                "mean_busy_share": busy.mean(axis=1),
                "highest_busy_share": busy.max(axis=1),
                "overflow_share": self.overflow_by_hour,
                "overflow_per_h": calls * self.overflow_by_hour,
                "wait_min": [0.0 if one is None else one.wait_min for one in self.hypercubes],
            }
        )


def by_hour(
    arrivals_by_hour: ArrayLike,
    service_per_h: ArrayLike,
    preference: ArrayLike | None,
    *,
    ties: ArrayLike | None = None,
    capacity: Capacity = "loss",
    hours: Sequence[object] | None = None,
    approximate: bool = False,
) -> HoursOfDay:
    """Solve the model for each hour of the day.

    Parameters
    ----------
    arrivals_by_hour
        Calls per hour from each place in each hour, shape (hours, n_places); an hour may be without calls.
    service_per_h, preference, ties, capacity
        As for `hypercube`, the same in all hours.
    hours
        What the hours are called; None: 0, 1, …
    approximate
        Whether to take `hypercube_approximation`, as more than 15 officers need.

    Returns
    -------
    HoursOfDay
        By hour.

    Raises
    ------
    InputError
        When rates, orders or shapes make no sense; positions of rates are hour and place.
    SettingsError
        When the line would grow without end in an hour, with the hours and their loads.

    Notes
    -----
    Quasi-stationary: each hour is taken for itself, as if its rates held for ever (the pointwise stationary
    approximation). It is good where calls are short against an hour, and too high at the peak where they are not.

    References
    ----------
    Green, L., & Kolesar, P. (1991). The pointwise stationary approximation for queues with nonstationary arrivals.
    Management Science 37(1), 84–97.
    """
    arrivals = _checked(arrivals_by_hour, hours)
    names = tuple(range(len(arrivals)) if hours is None else hours)
    system = call_system(arrivals.mean(axis=0), service_per_h, preference, ties=ties)
    calls = arrivals.sum(axis=1)
    if capacity == "queue" and (calls >= system.most_per_h).any():
        unstable = np.flatnonzero(calls >= system.most_per_h)
        raise SettingsError(
            "In some hours the line would grow as long as they last: more calls come than the officers can answer.",
            where="arrivals_by_hour, by hour",
            ids=[names[hour] for hour in unstable],
            found=", ".join(f"a load of {calls[hour] / system.most_per_h:.4g}" for hour in unstable[:3]),
            expected="a load below 1",
            remedy='Use capacity="loss", or more officers.',
        )
    solve = hypercube_approximation if approximate else hypercube
    solved = [
        solve(of_hour, service_per_h, preference, ties=ties, capacity=capacity) if of_hour.any() else None
        for of_hour in arrivals
    ]
    return HoursOfDay(names, tuple(solved), system.service_per_h)


def _checked(arrivals_by_hour: ArrayLike, hours: Sequence[object] | None) -> Floats:
    arrivals = np.array(arrivals_by_hour, dtype=np.float64)
    if arrivals.ndim != 2 or not arrivals.size or (hours is not None and len(hours) != len(arrivals)):  # noqa: PLR2004
        raise InputError(
            "Calls by hour do not fit.",
            where="arrivals_by_hour",
            found=f"shape {arrivals.shape}" + ("" if hours is None else f", {len(hours)} names of hours"),
            expected="a row for each hour, a column for each place",
        )
    hour, place = np.nonzero(~(np.isfinite(arrivals) & (arrivals >= 0)))
    if len(hour):
        raise InputError(
            "Some rates of calls cannot be used.",
            where="arrivals_by_hour, by hour and place",
            ids=zip(hour.tolist(), place.tolist(), strict=True),
            found=", ".join(f"{rate:g}" for rate in arrivals[hour[:3], place[:3]]),
            expected="calls per hour, 0 or more",
        )
    return arrivals
