"""The hypercube model for many officers: busy shares that agree with each other, an approximation."""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from safeschools_geo.coverage.cube.call_system import call_system
from safeschools_geo.coverage.cube.hypercube_result import Hypercube
from safeschools_geo.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.coverage.cube.call_system import CallSystem, Capacity

    Floats = NDArray[np.float64]

_STEADY, _SETTLED = 1e-13, 1e-9
_MOST_ROUNDS = 2000
_ALMOST_ALWAYS = 1 - 1e-12


def hypercube_approximation(
    arrivals_per_h: ArrayLike,
    service_per_h: ArrayLike,
    preference: ArrayLike | None,
    *,
    ties: ArrayLike | None = None,
    capacity: Capacity = "loss",
) -> Hypercube:
    """Approximate the hypercube queueing model, for any number of officers.

    Parameters
    ----------
    arrivals_per_h
        Calls per hour from each place, shape (n_places,).
    service_per_h
        Calls that each officer could answer per busy hour, shape (n_units,).
    preference
        Officers in the order they are tried, shape (n_places, n_units); None: the order is that of `ties`.
    ties
        Ranks of the officers, equal where they are tied, as for `hypercube`.
    capacity
        ``"loss"`` or ``"queue"``.

    Returns
    -------
    Hypercube
        With `is_exact` false, the `method` named, and no `state_probability`.

    Raises
    ------
    InputError
        When rates, orders or shapes make no sense.
    SettingsError
        When the line would grow without end, or the shares do not settle.

    Notes
    -----
    Officers are taken to be busy independently of each other, corrected by a factor that depends on how many are tried
    and holds exactly when all are alike: that of officers drawn without replacement while k of n are busy, over all k.
    The number of busy officers is Erlang's, at the mean service time of the answered calls. Equal service rates:
    Larson (1975), who finds errors of 1 to 2 %. Unequal ones: Jarvis (1985); he has no line, so that with one each
    officer's busy share is added what is taken from the line, in proportion to the service rates. Busy shares are put
    in proportion in each round, so that what comes is what is answered.

    References
    ----------
    Larson, R. C. (1975). Approximating the performance of urban emergency service systems. Operations Research 23(5),
    845–868. Jarvis, J. P. (1985). Approximating the equilibrium behavior of multi-server loss systems. Management
    Science 31(2), 235–239. Larson, R. C., & Odoni, A. R. (1981). Urban Operations Research, §5.5. Prentice-Hall.
    """
    system = call_system(arrivals_per_h, service_per_h, preference, ties=ties, capacity=capacity)
    service, calls = system.service_per_h, system.calls_per_h
    shares, change = np.full(system.officers, min(0.5, calls / system.most_per_h)), np.inf
    for _ in range(_MOST_ROUNDS):
        counts = _busy_counts(system, float(shares.sum() / (shares @ service)))
        reached = _reached(system, shares, _corrections(counts))
        new = _renewed(system, reached, float(counts[-1]))
        change = float(np.abs(new - shares).max())
        shares = new
        if change <= _STEADY:
            break
    if not change <= _SETTLED:
        raise SettingsError(
            "The approximation of the hypercube model did not settle.",
            found=f"busy shares that still change by {change:.1e}",
            remedy="Check the units of the rates: they are many orders of magnitude apart.",
        )
    counts = _busy_counts(system, float(shares.sum() / (shares @ service)))
    overflow = float(counts[-1])
    dispatch = _reached(system, shares, _corrections(counts)) * (1 - shares)
    dispatch *= (1 - overflow) / dispatch.sum(axis=1, keepdims=True)
    if system.capacity == "queue":
        dispatch += overflow * service / system.most_per_h
    return Hypercube(
        arrivals_per_h=system.arrivals_per_h,
        service_per_h=service,
        capacity=system.capacity,
        busy_share=shares,
        place_share=dispatch,
        overflow_share=overflow,
        busy_count_share=counts,
        state_probability=None,
        method=_method(system),
        is_exact=False,
        balance_error=float("nan"),
    )


def _method(system: CallSystem) -> str:
    if np.ptp(system.service_per_h) == 0:
        return "Approximate hypercube model (Larson 1975)"
    line = ", with a line added" if system.capacity == "queue" else ""
    return f"Approximate hypercube model for unequal service (Jarvis 1985{line})"


def _busy_counts(system: CallSystem, service_h: float) -> Floats:
    """Give the share of time with 0 … n busy officers, at a mean service time."""
    n, load = system.officers, system.calls_per_h * service_h
    logs = np.arange(n + 1) * np.log(load) - gammaln(np.arange(n + 1) + 1)
    if system.capacity == "queue":
        # All together are as fast as they are, whoever is sent most; each call in line is rarer than the last.
        share = system.calls_per_h / system.most_per_h
        logs[n] = logs[n - 1] + np.log(share) - np.log1p(-share)
    counts: Floats = np.exp(logs - logs.max())
    counts /= counts.sum()
    return counts


def _corrections(counts: Floats) -> Floats:
    """Give Larson's factor Q for an officer behind 0 … n − 1 busy ones."""
    n = len(counts) - 1
    share = float(np.arange(n + 1) @ counts) / n
    busy, tried = np.arange(n), np.arange(n)[:, None]
    # Of k busy officers among n, the chance that the first j drawn are busy and the next is not.
    logs = gammaln(busy + 1) - gammaln(np.maximum(busy - tried, 0) + 1) + gammaln(n - tried + 1) - gammaln(n + 1)
    drawn = np.where(busy >= tried, np.exp(logs - tried * np.log(share)) * (n - busy) / (n - tried), 0.0)
    factors: Floats = drawn @ counts[:-1] / (1 - share)
    return factors


def _reached(system: CallSystem, shares: Floats, factors: Floats) -> Floats:
    """Give the chance that a call of each place comes as far as each officer, over that officer's free share."""
    reached = np.empty((len(system.arrivals_per_h), system.officers))
    along = shares[system.order.preference]
    before = np.cumprod(np.column_stack((np.ones(len(along)), along[:, :-1])), axis=1)
    for tied in system.order.groups:
        others = _sums_of_products(shares[tied.officers])
        chances = np.array([1 / (tied.size * comb(tied.size - 1, number)) for number in range(tied.size)])
        ahead = factors[tied.tried_before[:, None] + np.arange(tied.size)] * chances
        known = before[tied.place, tied.tried_before]
        reached[tied.place[:, None], tied.officers] = known[:, None] * np.einsum("tgi,gt->gi", others, ahead)
    return reached


def _sums_of_products(shares: Floats) -> Floats:
    """Sum up the products of t of the other officers of a group, for t = 0 …, shape (size, groups, size)."""
    groups, size = shares.shape
    sums = np.zeros((size, groups, size))
    sums[0] = 1.0
    for other in range(size):
        is_other = np.arange(size) != other
        sums[1:] += np.where(is_other, sums[:-1] * shares[:, other, None], 0.0)
    return sums


def _renewed(system: CallSystem, reached: Floats, overflow: float) -> Floats:
    """Work out the busy shares from the calls that come as far as each officer."""
    has_line = system.capacity == "queue"
    from_line = system.calls_per_h * overflow / system.most_per_h if has_line else 0.0
    sent = system.arrivals_per_h @ reached / system.service_per_h
    shares = (sent + from_line) / (1 + sent)
    answered = system.calls_per_h * (1.0 if has_line else 1 - overflow)
    proportion = answered / float(shares @ system.service_per_h)
    return np.minimum(shares * proportion, _ALMOST_ALWAYS)
