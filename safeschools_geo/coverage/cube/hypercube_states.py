"""States of the hypercube: which officers are busy, as bits, and how often each state turns into its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.coverage.cube.call_system import CallSystem
    from safeschools_geo.coverage.cube.dispatch_order import TiedOfficers

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class States:
    """The 2ⁿ states of n officers; bit i of a state is set while officer i is busy.

    Parameters
    ----------
    is_busy
        Whether each officer is busy, bool, shape (2ⁿ, n).
    busy_count
        How many officers are busy, int64, shape (2ⁿ,).
    neighbours
        The state in which only officer i is otherwise, int64, shape (2ⁿ, n).
    way_back
        Where the step back from that state is in a flat array of shape (2ⁿ, n), int64, shape (2ⁿ, n).
    even, odd
        States of an even and of an odd number of busy officers, int64, shape (2ⁿ⁻¹,) each; ``state >> 1`` is the
        position of a state in its half.
    """

    is_busy: Flags
    busy_count: Ints
    neighbours: Ints
    way_back: Ints
    even: Ints
    odd: Ints


@cache
def states_of(officers: int) -> States:
    """List the states.

    Parameters
    ----------
    officers
        How many officers there are, 1 or more.

    Returns
    -------
    States
        The same, read-only arrays at every call.
    """
    state, bits = np.arange(1 << officers), 1 << np.arange(officers)
    is_busy = (state[:, None] & bits) != 0
    busy_count = is_busy.sum(axis=1)
    is_odd = busy_count % 2 == 1
    neighbours = state[:, None] ^ bits
    way_back = neighbours * officers + np.arange(officers)
    listed = (is_busy, busy_count, neighbours, way_back, np.flatnonzero(~is_odd), np.flatnonzero(is_odd))
    for array in listed:
        array.flags.writeable = False
    return States(*listed)


@dataclass(frozen=True, eq=False)
class Cases:
    """Distinct groups of tied officers behind the same officers, and the places they are tried at.

    Parameters
    ----------
    place, case
        Row of the place, and of the case, of each group, int64, shape (groups,).
    officers
        Who is tied, int64, shape (cases, size).
    needed
        Sets of officers, as bits, that have to be busy for a call to come to each of them, int64, shape
        (cases, size, ways).
    chances
        How often it then does, float64, shape (ways,): 1 without ties.
    """

    place: Ints
    case: Ints
    officers: Ints
    needed: Ints
    chances: Floats


def cases_of(system: CallSystem) -> list[Cases]:
    """Find the distinct cases of dispatch: who is tried together, and who has been tried before.

    Parameters
    ----------
    system
        Calls and officers.

    Returns
    -------
    list of Cases
        One for each size of groups.
    """
    bits = 1 << system.order.preference
    tried = np.cumsum(bits, axis=1) - bits
    return [_distinct(tied, tried[tied.place, tied.tried_before], system.officers) for tied in system.order.groups]


def _distinct(tied: TiedOfficers, before: Ints, officers: int) -> Cases:
    if tied.size == 1:
        return Cases(tied.place, np.arange(len(before)), tied.officers, before[:, None, None], np.ones(1))
    # Groups of many have as many ways to be busy as 2 to their number: each case is worked out once for all places.
    members = (1 << tied.officers).sum(axis=1)
    _, first, case = np.unique(before << officers | members, return_index=True, return_inverse=True)
    ways, bits, chances = _ways(tied.size)
    busy = (1 << tied.officers[first]) @ bits.T
    return Cases(tied.place, case, tied.officers[first], before[first, None, None] + busy[:, ways], chances)


@cache
def _ways(size: int) -> tuple[Ints, Ints, Floats]:
    """List, for each of some tied officers, which of the others may be busy when a call comes to that officer.

    An equal chance among the free ones is that of an order drawn at random, in which the first free one is sent: t
    given others come before an officer in t! (size − 1 − t)! of size! orders.
    """
    others = np.arange(1 << (size - 1))
    own = np.arange(size)[:, None]
    ways = (others >> own << (own + 1)) | (others & ((1 << own) - 1))
    bits = (np.arange(1 << size)[:, None] >> np.arange(size)) & 1
    by_number = np.array([1 / (size * comb(size - 1, number)) for number in range(size)])
    chances = by_number[np.bitwise_count(others)]
    for array in (ways, bits, chances):
        array.flags.writeable = False
    return ways, bits, chances


def transition_rates(system: CallSystem, cases: list[Cases]) -> Floats:
    """Work out how often each state turns into each neighbour.

    Parameters
    ----------
    system
        Calls and officers.
    cases
        Its cases of dispatch.

    Returns
    -------
    numpy.ndarray
        Per hour, float64, shape (2ⁿ, n): where officer i is free, the calls that officer i is sent to in that state;
        where busy, the officer's service rate.

    Notes
    -----
    A call goes to officer i when all who are tried before are busy. So the rates of all states are sums over subsets
    of the busy officers, and come together in n steps.
    """
    n = system.officers
    calls = np.zeros((1 << n) * n)
    for group in cases:
        weight = np.bincount(group.case, system.arrivals_per_h[group.place])
        at = group.needed * n + group.officers[:, :, None]
        sent = np.broadcast_to(weight[:, None, None] * group.chances, at.shape)
        calls += np.bincount(at.ravel(), sent.ravel(), minlength=len(calls))
    rates: Floats = calls.reshape(1 << n, n)
    for officer in range(n):
        halves = rates.reshape(-1, 2, 1 << officer, n)
        halves[:, 1] += halves[:, 0]
    return np.where(states_of(n).is_busy, system.service_per_h, rates)


def all_busy(probability: Floats) -> Floats:
    """Sum up, for each set of officers, the chance that all of them are busy.

    Parameters
    ----------
    probability
        Chance of each state, shape (2ⁿ,).

    Returns
    -------
    numpy.ndarray
        Shape (2ⁿ,); the set as bits.
    """
    sums = probability.copy()
    for officer in range(len(sums).bit_length() - 1):
        halves = sums.reshape(-1, 2, 1 << officer)
        halves[:, 0] += halves[:, 1]
    return sums


def answered_shares(system: CallSystem, cases: list[Cases], busy: Floats) -> Floats:
    """Share out the calls of each place among the officers who are free when they come.

    Parameters
    ----------
    system
        Calls and officers.
    cases
        Its cases of dispatch.
    busy
        Chance that all officers of a set are busy, shape (2ⁿ,), from `all_busy`.

    Returns
    -------
    numpy.ndarray
        Share of all calls of the place, float64, shape (places, n); the rest finds nobody free.
    """
    shares = np.zeros((len(system.arrivals_per_h), system.officers))
    for group in cases:
        is_sent = busy[group.needed] - busy[group.needed | (1 << group.officers)[:, :, None]]
        shares[group.place[:, None], group.officers[group.case]] = (is_sent @ group.chances)[group.case]
    return shares
