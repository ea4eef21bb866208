"""How overflow and response would change with fewer or more officers, and what that costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from safeschools_geo.coverage.dispatch import by_travel
from safeschools_geo.coverage.figure_text import figure_text, more_text
from safeschools_geo.coverage.response import mean_response_min, response_quantile_min
from safeschools_geo.errors import InputError, SettingsError, SeveralFaultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

OFFICERS = range(6, 11)
"""Numbers of officers that are tried."""

COLUMNS = [
    "officers",
    "overflow_share",
    "overflow_per_term",
    "mean_response_min",
    "p90_response_min",
    "busy_share_mean",
    "officer_h",
    "cost",
]
"""Columns of a table of staffing."""


class QueueingResult(Protocol):
    """What staffing needs of a queueing model (`queueing.Hypercube`)."""

    @property
    def busy_share(self) -> Floats:
        """Share of the time that each officer is busy."""

    @property
    def dispatch_share(self) -> Floats:
        """How the calls of each place are shared among the officers."""

    @property
    def overflow_share(self) -> float:
        """Share of calls that find all officers busy."""


@dataclass(frozen=True, eq=False)
class Staffing:
    """Coverage with each number of officers.

    Parameters
    ----------
    table
        One row for each number, the fewest first: `officers`, `overflow_share` (of all calls, to patrol),
        `overflow_per_term` (calls), `mean_response_min` and `p90_response_min` (trips of officers), `busy_share_mean`
        (with calls), `officer_h` (programme hours of all officers in a term) and `cost` (of those hours; missing
        without a rate).
    current
        The number of today.
    points
        Number of officers → rows of the candidates where they wait.
    """

    table: pd.DataFrame
    current: int
    points: dict[int, Ints]

    def finding(self) -> str:
        """Say in plain English what an officer fewer or more would change.

        Returns
        -------
        str
            A few sentences.
        """
        rows = {row["officers"]: row for row in self.table.to_dict("records")}
        now = rows[self.current]
        said = []
        for other, word in ((self.current - 1, "one officer fewer"), (self.current + 1, "one officer more")):
            if other in rows:
                trip = more_text(
                    rows[other]["mean_response_min"] - now["mean_response_min"], "min", more="longer", less="shorter"
                )
                patrol = more_text(rows[other]["overflow_share"] - now["overflow_share"], "share")
                cost = _cost_change(now["cost"], rows[other]["cost"])
                said.append(
                    f"{word} than today’s {self.current}: mean trip {trip}, calls that go to patrol {patrol}{cost}"
                )
        told = f"The model says of {'; '.join(said)}. " if said else ""
        told += "Officers wait where they are best placed in the whole district, not tied to zones."
        if self.table["cost"].isna().all():
            told += " No cost is given, since no rate per hour is set."
        return told

    def summary(self) -> str:
        """Say the finding, and what busy time is.

        Returns
        -------
        str
            A few sentences.
        """
        now = self.table.loc[self.table["officers"] == self.current, "busy_share_mean"].tolist()[0]
        busy = f"In the model calls keep an officer busy {figure_text(now, 'share')} of the time"
        return f"{self.finding()} {busy}; routine visits are not counted, since they can be broken off for a call."

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each number of officers.

        Returns
        -------
        pandas.DataFrame
            As `table`.
        """
        return self.table.copy()


def staffing(
    arrivals_per_h: ArrayLike,
    service_min: float,
    *,
    travel: Callable[[Ints], ArrayLike],
    place: Callable[[int], ArrayLike],
    hypercube: Callable[[Floats, Floats, Ints], QueueingResult],
    hours_per_term: float,
    current: int,
    officers: Iterable[int] = OFFICERS,
    cost_per_h: float | None = None,
) -> Staffing:
    """Work out the coverage with each number of officers.

    Parameters
    ----------
    arrivals_per_h
        Calls per programme hour from each school, shape (n_schools,).
    service_min
        Mean minutes of an officer for a call, trip and scene.
    travel
        Gives the minutes to each school from candidates for waiting, by their rows, shape (n_schools, n_rows).
    place
        Gives the rows of the candidates where n officers wait, shape (n,): the p-median by calls, for example.
    hypercube
        The queueing model (`queueing.hypercube`), with overflow to patrol.
    hours_per_term
        Programme hours of one officer in a term: hours of a day × school days.
    current
        The number of officers of today; it is among those tried.
    officers
        The numbers to try.
    cost_per_h
        Cost of an officer for an hour; None where it is not known, and then no cost is given.

    Returns
    -------
    Staffing
        The coverage.

    Raises
    ------
    InputError
        All at once: rates, minutes, hours or a cost that make no sense; a number of officers below 1; a place that does
        not give as many rows as officers.

    Notes
    -----
    Officers are not tied to zones here, whatever their number: every call is tried at the officer with the shortest way
    first. With as many officers as zones the figures are therefore those of the best case, not of the zones as they
    are. All officers have the same service time, the mean of the record; that trips get shorter with more of them is in
    the response, not in the service time. Rates are those of a mean hour: in a busy hour more calls overflow.
    Response is of the calls that officers answer: where many overflow, those left out may be the far ones.
    """
    arrivals = np.asarray(arrivals_per_h, dtype=np.float64)
    numbers = sorted({int(number) for number in (*officers, current)})
    _require(arrivals, service_min, hours_per_term, cost_per_h, numbers)
    calls = float(arrivals.sum()) * hours_per_term
    rows, points = [], {}
    for number in numbers:
        waiting = np.asarray(place(number), dtype=np.int64)
        minutes = np.asarray(travel(waiting), dtype=np.float64)
        _require_fit(waiting, minutes, number, len(arrivals))
        model = hypercube(arrivals, np.full(number, 60.0 / service_min), by_travel(minutes))
        shares = model.dispatch_share
        hours = number * hours_per_term
        points[number] = waiting
        rows.append(
            (
                number,
                float(model.overflow_share),
                float(model.overflow_share) * calls,
                mean_response_min(shares, minutes),
                response_quantile_min(shares, minutes),
                float(np.mean(model.busy_share)),
                hours,
                np.nan if cost_per_h is None else hours * cost_per_h,
            )
        )
    return Staffing(table=pd.DataFrame(rows, columns=COLUMNS), current=int(current), points=points)


def _cost_change(now: float, then: float) -> str:
    if not (np.isfinite(now) and np.isfinite(then)):
        return ""
    return f", for {abs(then - now):,.0f} {'more' if then > now else 'less'} a term"


def _require(
    arrivals: Floats, service_min: float, hours_per_term: float, cost_per_h: float | None, numbers: list[int]
) -> None:
    faults: list[InputError] = []
    if arrivals.ndim != 1 or not np.isfinite(arrivals).all() or (arrivals < 0).any() or not arrivals.any():
        faults.append(
            InputError(
                "The rates of calls cannot be used.",
                where="arrivals_per_h",
                found=f"shape {arrivals.shape}, from {arrivals.min(initial=0):g} to {arrivals.max(initial=0):g}",
                expected="calls per hour of 0 or more for each school, not 0 everywhere",
            )
        )
    amounts = {"service_min": service_min, "hours_per_term": hours_per_term}
    faults += [
        SettingsError("This must be a number above 0.", where=name, found=value)
        for name, value in amounts.items()
        if not 0 < value < np.inf
    ]
    if cost_per_h is not None and not 0 <= cost_per_h < np.inf:
        faults.append(SettingsError("A cost is not negative.", where="cost_per_h", found=cost_per_h))
    if numbers[0] < 1:
        faults.append(SettingsError("There must be an officer.", where="officers", found=numbers[0]))
    if faults:
        raise SeveralFaultsError(faults) if len(faults) > 1 else faults[0]


def _require_fit(waiting: Ints, minutes: Floats, number: int, schools: int) -> None:
    if waiting.shape != (number,) or minutes.shape != (schools, number):
        raise InputError(
            "The points where officers wait do not fit the number of officers.",
            where="place, travel",
            found=f"points {waiting.shape}, minutes {minutes.shape}",
            expected=f"points ({number},), minutes ({schools}, {number}): a row for each school",
        )
    if not (np.isfinite(minutes) & (minutes >= 0)).all():
        raise InputError(
            "Some minutes from points where officers wait cannot be used.",
            where="travel",
            ids=np.unique(np.nonzero(~(np.isfinite(minutes) & (minutes >= 0)))[0]),
            found="missing, negative or infinite, by position of the school",
            expected="minutes of 0 or more",
        )
