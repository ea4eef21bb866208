"""What a queueing model says: how busy each officer is, who answers which calls, and how often nobody is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.coverage.cube.call_system import Capacity
from safeschools_geo.coverage.figure_text import figure_text, minutes_text, share_text
from safeschools_geo.errors import count_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_MINUTES = 60.0


@dataclass(frozen=True, eq=False)
class Hypercube:
    """Officers and calls in the long run; all arrays are float64.

    Parameters
    ----------
    arrivals_per_h
        Calls per hour from each place, shape (n_places,).
    service_per_h
        Calls that each officer could answer per busy hour, shape (n_units,).
    capacity
        ``"loss"``: a call that finds all officers busy goes to Sheriff's patrol; ``"queue"``: it waits in line.
    busy_share
        Share of the time that each officer is busy, shape (n_units,).
    place_share
        Share of the calls of each place that each officer answers, shape (n_places, n_units), also for places without
        calls. With ``"loss"`` a row and `overflow_share` add up to 1, with ``"queue"`` a row does.
    overflow_share
        Chance that a call finds all officers busy: with ``"loss"`` the share that goes to patrol, with ``"queue"`` the
        share that waits. It is the same for every place, since calls come at random (PASTA).
    busy_count_share
        Share of the time that 0, 1, … n_units officers are busy, shape (n_units + 1,).
    state_probability
        Share of the time in each state, shape (2**n_units,); bit i of the state is set while officer i is busy. With
        ``"queue"``, the last state holds the time with calls in line as well. None where the result is an
        approximation.
    method
        How it was worked out.
    is_exact
        Whether that is exact, for calls at random and exponential service times.
    balance_error
        Largest net flow of any state, over the rate of all events together; NaN for an approximation.
    """

    arrivals_per_h: Floats
    service_per_h: Floats
    capacity: Capacity
    busy_share: Floats
    place_share: Floats
    overflow_share: float
    busy_count_share: Floats
    state_probability: Floats | None
    method: str
    is_exact: bool
    balance_error: float

    @property
    def dispatch_share(self) -> Floats:
        """Share of all calls that come from each place and are answered by each officer, shape (n_places, n_units).

        With ``"loss"`` they and `overflow_share` add up to 1, with ``"queue"`` they do.
        """
        share: Floats = self.place_share * (self.arrivals_per_h / self.calls_per_h)[:, None]
        return share

    @property
    def calls_per_h(self) -> float:
        """How many calls come per hour from all places."""
        return float(self.arrivals_per_h.sum())

    @property
    def load(self) -> float:
        """The calls per hour over those that all officers together can answer per hour."""
        return self.calls_per_h / float(self.service_per_h.sum())

    @property
    def overflow_per_h(self) -> float:
        """How many calls per hour find all officers busy."""
        return self.calls_per_h * self.overflow_share

    @property
    def waited_share(self) -> Floats:
        """Share of all calls that each officer takes from the line, shape (n_units,); 0 without one."""
        if self.capacity == "loss":
            return np.zeros(len(self.service_per_h))
        # The officer who is free next takes the head of the line, and that is each in proportion to the service rate.
        return self.overflow_share * self.service_per_h / float(self.service_per_h.sum())

    @property
    def wait_min(self) -> float:
        """Mean minutes in line, over all calls; 0 without a line."""
        if self.capacity == "loss":
            return 0.0
        return _MINUTES * self.overflow_share / self.spare_per_h

    @property
    def spare_per_h(self) -> float:
        """How many calls per hour all officers together could answer beyond those that come."""
        return float(self.service_per_h.sum()) - self.calls_per_h

    @property
    def officer_share(self) -> Floats:
        """Share of the answered calls of all places that each officer answers, shape (n_units,)."""
        answered = self.arrivals_per_h @ self.place_share
        share: Floats = answered / answered.sum()
        return share

    def summary(self) -> str:
        """Say in plain English what comes out.

        Returns
        -------
        str
            A few sentences.
        """
        fate = "go to Sheriff's patrol" if self.capacity == "loss" else "wait in line"
        wait = (
            "" if self.capacity == "loss" else f" The mean wait of all calls is {minutes_text(self.wait_min)} minutes."
        )
        least, most = share_text(self.busy_share.min()), share_text(self.busy_share.max())
        exact = "exact for calls at random and exponential service times" if self.is_exact else "an approximation"
        return (
            f"{count_text(len(self.service_per_h), 'officer')}, {count_text(len(self.arrivals_per_h), 'place')}, "
            f"{self.calls_per_h:,.2f} calls an hour, a load of {share_text(self.load)}. "
            f"Officers are busy {least} to {most} of the time; "
            f"{figure_text(self.overflow_share, 'share')} of calls find every officer busy and {fate}.{wait} "
            f"{self.method}: {exact}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each officer.

        Returns
        -------
        pandas.DataFrame
            `officer` (position), `service_per_h`, `busy_share`, `answered_per_h` and `officer_share`.
        """
        return pd.DataFrame(
            {
                "officer": np.arange(len(self.service_per_h)),
                "service_per_h": self.service_per_h,
                "busy_share": self.busy_share,
                "answered_per_h": self.arrivals_per_h @ self.place_share,
                "officer_share": self.officer_share,
            }
        )
