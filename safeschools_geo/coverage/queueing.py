"""Who comes, and how often nobody is free: Larson's hypercube model of officers, exact for up to 15 of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from safeschools_geo.coverage.cube.call_system import call_system
from safeschools_geo.coverage.cube.hypercube_approximation import hypercube_approximation
from safeschools_geo.coverage.cube.hypercube_balance import balanced_states
from safeschools_geo.coverage.cube.hypercube_result import Hypercube
from safeschools_geo.coverage.cube.hypercube_states import (
    all_busy,
    answered_shares,
    cases_of,
    states_of,
    transition_rates,
)
from safeschools_geo.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from safeschools_geo.coverage.cube.call_system import Capacity

__all__ = ["MOST_EXACT", "Hypercube", "hypercube", "hypercube_approximation"]

MOST_EXACT = 15
"""Officers up to which the model is solved exactly."""


def hypercube(
    arrivals_per_h: ArrayLike,
    service_per_h: ArrayLike,
    preference: ArrayLike | None,
    *,
    ties: ArrayLike | None = None,
    capacity: Capacity = "loss",
) -> Hypercube:
    """Solve the hypercube queueing model exactly.

    Calls come at random (Poisson) from each place; the first free officer in the order of the place is sent and is
    busy for an exponential time with a rate of the officer's own.

    Parameters
    ----------
    arrivals_per_h
        Calls per hour from each place, shape (n_places,): 0 or more, not 0 everywhere.
    service_per_h
        Calls that each officer could answer per busy hour, 60 over the mean minutes of a call with travel, shape
        (n_units,): above 0, at most 15 officers.
    preference
        Officers 0 … n_units − 1 in the order they are tried, integers, shape (n_places, n_units). None: the order is
        that of `ties`.
    ties
        A rank for each officer at each place, by officer (not by order), shape (n_places, n_units): the lower is tried
        first, and among officers of equal rank each of the free ones has an equal chance. Any numbers do, such as
        travel minutes rounded to whole ones. With `preference`, the two have to agree. None: no ties.
    capacity
        What becomes of a call that finds all officers busy: ``"loss"``, it goes to Sheriff's patrol; ``"queue"``, it
        waits in an endless line, first come first served, and the next officer to be free takes it.

    Returns
    -------
    Hypercube
        What comes out in the long run.

    Raises
    ------
    InputError
        When rates, orders or shapes make no sense; all faults at once, with their positions, counted from 0.
    SettingsError
        When there are more than 15 officers, the line would grow without end, or the rates are so far apart that no
        balance is found.

    Notes
    -----
    With a line, the states without waiting calls balance just as they do without one, and each waiting call more is
    rarer than the last by the load: the chance of all busy is that of the model without a line over 1 − load, up to
    the common factor.

    References
    ----------
    Larson, R. C. (1974). A hypercube queuing model for facility location and redistricting in urban emergency
    services. Computers & Operations Research 1, 67–95. Larson, R. C., & Odoni, A. R. (1981). Urban Operations
    Research, §5.4. Prentice-Hall.
    """
    system = call_system(arrivals_per_h, service_per_h, preference, ties=ties, capacity=capacity)
    n = system.officers
    if n > MOST_EXACT:
        raise SettingsError(
            "The exact hypercube model would have too many states.",
            where="service_per_h",
            found=f"{n} officers",
            expected=f"at most {MOST_EXACT}",
            remedy="Use hypercube_approximation(...), which takes the same and says that it is approximate.",
        )
    cases = cases_of(system)
    rates = transition_rates(system, cases)
    probability, error = balanced_states(rates, system.service_per_h, system.calls_per_h)
    if system.capacity == "queue":
        probability[-1] /= 1 - system.calls_per_h / system.most_per_h
        probability /= probability.sum()
    busy = all_busy(probability)
    overflow = float(probability[-1])
    dispatch = answered_shares(system, cases, busy)
    if system.capacity == "queue":
        dispatch += overflow * system.service_per_h / system.most_per_h
    return Hypercube(
        arrivals_per_h=system.arrivals_per_h,
        service_per_h=system.service_per_h,
        capacity=system.capacity,
        busy_share=busy[1 << np.arange(n)],
        place_share=dispatch,
        overflow_share=overflow,
        busy_count_share=np.bincount(states_of(n).busy_count, probability).astype(np.float64, copy=False),
        state_probability=probability,
        method="Hypercube model (Larson 1974)",
        is_exact=True,
        balance_error=error,
    )
