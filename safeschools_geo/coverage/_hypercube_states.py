"""States of the hypercube, and the chances at which they are in balance."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import comb, sqrt
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.linalg import LinearOperator, gmres
from threadpoolctl import ThreadpoolController

from safeschools_geo.coverage._dispatch import checked_preference
from safeschools_geo.errors import InputError, SettingsError, refuse

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Flags = NDArray[np.bool_]


# ── Calls and officers as a queueing model takes them: rates, order of dispatch, and what happens when nobody is free

Capacity = Literal["loss", "queue"]
"""What becomes of a call that finds all officers busy: it goes to Sheriff's patrol, or waits in line."""

_FARTHEST = 1e12
"""Largest ratio of two rates: beyond it, rare states are too rare for a double."""


@dataclass(frozen=True, eq=False)
class CallSystem:
    """Calls from places, answered by officers at rates of their own, in an order that depends on the place."""

    arrivals_per_h: Floats  # Calls per hour from each place, float64, shape (places,)
    service_per_h: Floats  # Calls that each officer could answer per busy hour, float64, shape (officers,)
    preference: Ints  # Officers in the order they are tried, int64, shape (places, officers)
    capacity: Capacity  # ``"loss"`` or ``"queue"``

    @property
    def officers(self) -> int:
        """How many officers there are."""
        return len(self.service_per_h)

    @property
    def calls_per_h(self) -> float:
        """How many calls come per hour from all places."""
        return float(self.arrivals_per_h.sum())

    @property
    def most_per_h(self) -> float:
        """How many calls per hour all officers together can answer."""
        return float(self.service_per_h.sum())


def call_system(
    arrivals_per_h: ArrayLike,
    service_per_h: ArrayLike,
    preference: ArrayLike,
    *,
    capacity: str = "loss",
) -> CallSystem:
    """Check what a queueing model is given, and tell all that is wrong with it."""
    faults: list[InputError] = []
    arrivals = _checked_rates(arrivals_per_h, "arrivals_per_h", "place", faults, may_be_zero=True)
    service = _checked_rates(service_per_h, "service_per_h", "officer", faults, may_be_zero=False)
    if capacity not in get_args(Capacity):
        faults.append(SettingsError("Unknown capacity.", found=repr(capacity), expected='"loss" or "queue"'))
    order = None
    if arrivals is not None and service is not None:
        try:
            order = checked_preference(preference, places=len(arrivals), officers=len(service))
        except InputError as fault:
            faults.append(fault)
        _require_comparable(arrivals, service, faults)
        if capacity == "queue":
            _require_stable(arrivals, service, faults)
    refuse(faults)
    assert arrivals is not None and service is not None and order is not None  # noqa: PT018, S101 - or there are faults
    return CallSystem(arrivals, service, order, "queue" if capacity == "queue" else "loss")


def _checked_rates(
    rates: ArrayLike, name: str, whose: str, faults: list[InputError], *, may_be_zero: bool
) -> Floats | None:
    try:
        given = np.array(rates, dtype=np.float64)
    except (TypeError, ValueError):
        faults.append(InputError(f"{name} does not consist of numbers.", where=name, found=type(rates).__name__))
        return None
    if given.ndim != 1 or not len(given):
        faults.append(
            InputError(
                f"There is no {whose}." if not given.size else f"{name} does not hold one rate for each {whose}.",
                where=name,
                found=f"shape {given.shape}",
                expected=f"one number for each {whose}, at least one",
            )
        )
        return None
    is_fine = np.isfinite(given) & ((given >= 0) if may_be_zero else (given > 0))
    if not is_fine.all():
        rows = np.flatnonzero(~is_fine)
        faults.append(
            InputError(
                f"Some rates in {name} cannot be used.",
                where=f"{name}, by position of the {whose}",
                ids=rows,
                found=", ".join(f"{rate:g}" for rate in given[rows[:3]]),
                expected=f"calls per hour, {'0 or more' if may_be_zero else 'above 0'}",
            )
        )
        return None
    if not given.any():
        faults.append(
            InputError(
                "No place has any calls.",
                where=name,
                found=f"0 at each of {len(given)} places",
                expected="calls per hour above 0 at one place at least",
            )
        )
        return None
    return given


def _require_comparable(arrivals: Floats, service: Floats, faults: list[InputError]) -> None:
    rates = {"calls": float(arrivals.sum()), "slowest": float(service.min()), "fastest": float(service.max())}
    if max(rates.values()) > _FARTHEST * min(rates.values()):
        faults.append(
            SettingsError(
                "The rates of calls and service are not in the same units.",
                found="{calls:g} calls per hour, officers who can answer {slowest:g} to {fastest:g}".format(**rates),
                expected=f"rates of which none is more than {_FARTHEST:g} times another",
            )
        )


def _require_stable(arrivals: Floats, service: Floats, faults: list[InputError]) -> None:
    calls, most = float(arrivals.sum()), float(service.sum())
    if calls >= most:
        faults.append(
            SettingsError(
                "The line would grow without end: more calls come than the officers can answer.",
                found=f"{calls:g} calls per hour for {most:g} that can be answered, a load of {calls / most:.4g}",
                expected="a load below 1",
                remedy='Add officers, or use capacity="loss", in which calls that find nobody go to Sheriff\'s patrol.',
            )
        )


# ── States of the hypercube: which officers are busy, as bits, and how often each state turns into its neighbors


@dataclass(frozen=True, eq=False)
class States:
    """The 2ⁿ states of n officers; bit i of a state is set while officer i is busy."""

    is_busy: Flags  # Whether each officer is busy, bool, shape (2ⁿ, n)
    busy_count: Ints  # How many officers are busy, int64, shape (2ⁿ,)
    neighbors: Ints  # The state in which only officer i is otherwise, int64, shape (2ⁿ, n)
    way_back: Ints  # Where the step back from that state is in a flat array of shape (2ⁿ, n), int64, shape (2ⁿ, n)
    # States of an even and of an odd number of busy officers, int64, shape (2ⁿ⁻¹,) each; ``state >> 1`` is the position
    # of a state in its half
    even: Ints
    odd: Ints


@cache
def states_of(officers: int) -> States:
    """List the states."""
    state, bits = np.arange(1 << officers), 1 << np.arange(officers)
    is_busy = (state[:, None] & bits) != 0
    busy_count = is_busy.sum(axis=1)
    is_odd = busy_count % 2 == 1
    neighbors = state[:, None] ^ bits
    way_back = neighbors * officers + np.arange(officers)
    listed = (is_busy, busy_count, neighbors, way_back, np.flatnonzero(~is_odd), np.flatnonzero(is_odd))
    for array in listed:
        array.flags.writeable = False
    return States(*listed)


def _tried_before(system: CallSystem) -> tuple[Ints, Ints]:
    """Give each officer of the order, and those who are tried before, as bits, shape (places, officers) each."""
    bits = 1 << system.preference
    return bits, np.cumsum(bits, axis=1) - bits


def transition_rates(system: CallSystem) -> Floats:
    """Work out how often each state turns into each neighbor.

    A call goes to officer i when all who are tried before are busy. So the rates of all states are sums over subsets
    of the busy officers, and come together in n steps.
    """
    n = system.officers
    at = _tried_before(system)[1] * n + system.preference
    calls = np.bincount(at.ravel(), np.repeat(system.arrivals_per_h, n), minlength=(1 << n) * n)
    rates: Floats = calls.reshape(1 << n, n).astype(np.float64, copy=False)
    for officer in range(n):
        halves = rates.reshape(-1, 2, 1 << officer, n)
        halves[:, 1] += halves[:, 0]
    return np.where(states_of(n).is_busy, system.service_per_h, rates)


def all_busy(probability: Floats) -> Floats:
    """Sum up, for each set of officers, the chance that all of them are busy."""
    sums = probability.copy()
    for officer in range(len(sums).bit_length() - 1):
        halves = sums.reshape(-1, 2, 1 << officer)
        halves[:, 0] += halves[:, 1]
    return sums


def answered_shares(system: CallSystem, busy: Floats) -> Floats:
    """Share out the calls of each place among the officers who are free when they come."""
    bits, before = _tried_before(system)
    shares = np.empty(bits.shape)
    np.put_along_axis(shares, system.preference, busy[before] - busy[before | bits], axis=1)
    return shares


# ── Balance of the hypercube: the chances of its states, at which what flows into each state flows out of it

_MOST_BY_ELIMINATION = 8
"""Officers up to which the equations are solved at once: none of their blocks has more than 70 rows."""

_BALANCED = 1e-9
"""Largest net flow of a state, over the rate of all events together."""

_STEADY, _AIM = 1e-12, 1e-14
"""Change of the chance of any state, over itself, at which the search for balance ends; and the root mean square of the
change that a round aims at."""

_FIRST_SWEEPS, _MOST_ROUNDS, _MOST_STEPS = 4, 60, 60
_SMALLEST_FACTOR = 1e-3


def balanced_states(rates: Floats, service_per_h: Floats, calls_per_h: float) -> tuple[Floats, float]:
    """Find the chance of each state when calls that find all officers busy are lost.

    Float64, shape (2ⁿ,), adding up to 1. Largest net flow of any state, over the rate of all events together.

    A call or a departure changes the number of busy officers by one, so that states of even numbers are entered only
    from those of odd ones and the other way round, and half of the unknowns drop out. Up to 8 officers the rest is
    eliminated level by level from both ends towards the middle. Above, GMRES looks for the factor by which each chance
    differs from a first guess, so that rare states are found as exactly as common ones: equations that are singular and
    consistent, which it solves where the eigenvalue 1 is simple (Ipsen & Meyer 1998). Both times the levels are put in
    proportion at the end by the flow between them, which for equal service rates makes them Erlang's to the last digit.

    Larson, R. C. (1974). A hypercube queuing model for facility location and redistricting in urban emergency services.
    Computers & Operations Research 1, 67–95. Saad, Y., & Schultz, M. H. (1986). GMRES. SIAM Journal on Scientific and
    Statistical Computing 7(3), 856–869. Ipsen, I. C. F., & Meyer, C. D. (1998). The idea behind Krylov methods.
    American Mathematical Monthly 105(10), 889–899.
    """
    chain = _Chain.of(rates, service_per_h, calls_per_h)
    probability = chain.by_elimination() if chain.officers <= _MOST_BY_ELIMINATION else chain.by_iteration()
    error = chain.error(probability)
    if not error <= _BALANCED:
        slowest, fastest = float(service_per_h.min()), float(service_per_h.max())
        raise SettingsError(
            "The hypercube model found no balance of flows.",
            found=f"{error:.1e} of the rate of all events; service at {slowest:g} to {fastest:g} calls per hour",
            expected=f"at most {_BALANCED:g}",
            remedy="Check the units of the rates: they are many orders of magnitude apart.",
        )
    return probability, error


@dataclass(frozen=True, eq=False)
class _Chain:
    """Rates in units of all events together, and the shares in which each state is entered."""

    officers: int
    rates: Floats
    leaving: Floats
    departing: Floats
    entering: Floats
    calls: float

    @classmethod
    def of(cls, rates: Floats, service_per_h: Floats, calls_per_h: float) -> _Chain:
        n = len(service_per_h)
        states = states_of(n)
        every = float(service_per_h.sum()) + calls_per_h
        rates = rates / every
        leaving = rates.sum(axis=1)
        entering = rates.take(states.way_back)
        return cls(n, rates, leaving, np.where(states.is_busy, rates, 0.0).sum(axis=1), entering, calls_per_h / every)

    def error(self, probability: Floats) -> float:
        flow = np.einsum("si,si->s", self.entering, probability.take(states_of(self.officers).neighbors))
        return float(np.abs(flow - probability * self.leaving).max())

    def in_proportion(self, probability: Floats) -> Floats:
        """Put the levels in proportion: as often as a call leads from one up to the next, a departure leads back."""
        level = states_of(self.officers).busy_count
        mass = np.bincount(level, probability)
        flow = np.bincount(level, probability * self.departing)
        # Levels too rare for a double stay at zero.
        is_met = mass > 0
        departing = np.divide(flow, mass, out=np.ones(len(mass)), where=is_met)
        logs = np.concatenate(([0.0], np.cumsum(np.log(self.calls / departing[1:]))))
        right = np.exp(logs - logs.max())
        factor = np.divide(right / right.sum(), mass, out=np.zeros(len(mass)), where=is_met)
        scaled: Floats = probability * factor[level]
        return scaled

    def by_elimination(self) -> Floats:
        states, table = states_of(self.officers), _leaner_half(self.officers)
        shares = self.entering / self.leaving[:, None]
        twice = shares.take(table.states, axis=0)[:, :, None] * shares.take(table.entered_from, axis=0)
        half = len(table.states)
        step = np.bincount(table.flat, twice.ravel(), minlength=half * half).astype(np.float64, copy=False)
        probability = np.zeros(2 * half)
        probability[table.states] = _eliminated(step.reshape(half, half), table.levels)
        # The other half is entered from this one only.
        entered_from = states.neighbors.take(table.others, axis=0)
        probability[table.others] = np.einsum(
            "si,si->s", shares.take(table.others, axis=0), probability.take(entered_from)
        )
        return self.in_proportion(probability)

    def by_iteration(self) -> Floats:
        states = states_of(self.officers)
        shares = self.entering / self.leaving[:, None]
        into_even, into_odd = _Half.of(shares, states.even), _Half.of(shares, states.odd)
        sizes = np.array([comb(self.officers, k) for k in range(self.officers + 1)])
        probability = self.in_proportion(1.0 / sizes[states.busy_count])

        def swept(probability: Floats) -> Floats:
            new = probability.copy()
            new[states.odd] = into_odd.plain @ new[states.even]
            new[states.even] = into_even.plain @ new[states.odd]
            return self.in_proportion(new)

        for _ in range(_FIRST_SWEEPS):
            probability = swept(probability)
        for _ in range(_MOST_ROUNDS):
            even, odd = probability[states.even], probability[states.odd]
            to_even, to_odd = into_even.relative_to(odd, even), into_odd.relative_to(even, odd)
            factor = np.ones(len(even))
            change = to_even @ (to_odd @ factor) - factor
            if np.abs(change).max() <= _STEADY:
                break
            factor += _null_correction(to_even, to_odd, change)
            # A round that ends too soon may leave a factor below zero where a chance is small: the next one fixes it.
            factor = np.maximum(factor, _SMALLEST_FACTOR)
            probability[states.even] = even * factor
            probability[states.odd] = odd * (to_odd @ factor)
            probability = swept(self.in_proportion(probability))
        return probability


@cache
def _threads() -> ThreadpoolController:
    return ThreadpoolController()


def _null_correction(to_even: csr_array, to_odd: csr_array, change: Floats) -> Floats:
    """Find d for which x + d stays what it is under both steps, where x itself changes by `change`."""
    n = len(change)
    left = LinearOperator((n, n), matvec=lambda x: x - to_even @ (to_odd @ x), dtype=np.float64)
    # Threads wait for a busy machine far longer than these small products take, and add up in an order of their own.
    with _threads().limit(limits=1, user_api="blas"):
        found: Floats = gmres(left, change, rtol=0.0, atol=_AIM * sqrt(n), restart=_MOST_STEPS, maxiter=1)[0]
    return found


@dataclass(frozen=True, eq=False)
class _Half:
    """How the states of one half are entered from those of the other, as a sparse matrix of n shares a row."""

    shares: Floats
    columns: Ints
    starts: Ints

    @classmethod
    def of(cls, shares: Floats, states: Ints) -> _Half:
        n = shares.shape[1]
        columns = states_of(n).neighbors[states] >> 1
        return cls(shares[states], columns.astype(np.int32), np.arange(len(states) + 1, dtype=np.int32) * n)

    def _matrix(self, shares: Floats) -> csr_array:
        half = len(shares)
        return csr_array((shares.ravel(), self.columns.ravel(), self.starts), shape=(half, half))

    @property
    def plain(self) -> csr_array:
        return self._matrix(self.shares)

    def relative_to(self, source: Floats, target: Floats) -> csr_array:
        return self._matrix(self.shares * source[self.columns] / target[:, None])


@dataclass(frozen=True, eq=False)
class _HalfTable:
    """States of one half in the order of their levels, and where two steps from each lead, in a flat square matrix."""

    states: Ints
    others: Ints
    entered_from: Ints
    levels: tuple[slice, ...]
    flat: Ints


@cache
def _leaner_half(officers: int) -> _HalfTable:
    """Take the half, even or odd, whose largest level is the smaller one."""
    states = states_of(officers)
    sizes = [[comb(officers, k) for k in range(parity, officers + 1, 2)] for parity in (0, 1)]
    if max(sizes[0]) <= max(sizes[1]):
        half, others, ends = states.even, states.odd, np.cumsum(sizes[0]).tolist()
    else:
        half, others, ends = states.odd, states.even, np.cumsum(sizes[1]).tolist()
    half = half[np.argsort(states.busy_count[half], kind="stable")]
    position = np.empty(1 << officers, dtype=np.int64)
    position[half] = np.arange(len(half))
    entered_from = states.neighbors[half]
    flat = (np.arange(len(half))[:, None, None] * len(half) + position[states.neighbors[entered_from]]).ravel()
    for array in (half, entered_from, flat):
        array.flags.writeable = False
    return _HalfTable(
        half, others, entered_from, tuple(slice(a, b) for a, b in zip([0, *ends], ends, strict=False)), flat
    )


def _eliminated(step: Floats, levels: tuple[slice, ...]) -> Floats:
    """Solve x = step x, where a level is reached from itself and its neighbors only, up to a factor."""
    left = np.eye(len(step)) - step
    last, middle = len(levels) - 1, int(np.argmax([level.stop - level.start for level in levels]))
    ways = [(k, k + 1) for k in range(middle)] + [(k, k - 1) for k in range(last, middle, -1)]
    follows = []
    for one, inner in ((levels[k], levels[towards]) for k, towards in ways):
        follow = _solved(left[one, one], left[one, inner])
        left[inner, inner] -= left[inner, one] @ follow
        follows.append((one, inner, follow))
    # One equation of the middle follows from the others; the factor takes its place.
    core = left[levels[middle], levels[middle]]
    core[0] = 1.0
    first = np.zeros(len(core))
    first[0] = 1.0
    solution = np.zeros(len(step))
    solution[levels[middle]] = _solved(core, first)
    for one, inner, follow in reversed(follows):
        solution[one] = -follow @ solution[inner]
    return solution


def _solved(left: Floats, right: Floats) -> Floats:
    # A single equation is not worth a call of LAPACK.
    solution = right / left[0, 0] if len(left) == 1 else np.linalg.solve(left, right)
    return solution.astype(np.float64, copy=False)
