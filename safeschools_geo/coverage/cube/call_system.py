"""Calls and officers as a queueing model takes them: rates, order of dispatch, and what happens when nobody is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from safeschools_geo.coverage.cube.dispatch_order import DispatchOrder, dispatch_order
from safeschools_geo.errors import InputError, SettingsError, SeveralFaultsError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

Capacity = Literal["loss", "queue"]
"""What becomes of a call that finds all officers busy: it goes to Sheriff's patrol, or waits in line."""

_FARTHEST = 1e12
"""Largest ratio of two rates: beyond it, rare states are too rare for a double."""


@dataclass(frozen=True, eq=False)
class CallSystem:
    """Calls from places, answered by officers at rates of their own, in an order that depends on the place.

    Parameters
    ----------
    arrivals_per_h
        Calls per hour from each place, float64, shape (places,).
    service_per_h
        Calls that each officer could answer per busy hour, float64, shape (officers,).
    order
        In which order the officers are tried.
    capacity
        ``"loss"`` or ``"queue"``.
    """

    arrivals_per_h: Floats
    service_per_h: Floats
    order: DispatchOrder
    capacity: Capacity

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
    preference: ArrayLike | None,
    *,
    ties: ArrayLike | None = None,
    capacity: str = "loss",
) -> CallSystem:
    """Check what a queueing model is given, and tell all that is wrong with it.

    Parameters
    ----------
    arrivals_per_h
        Calls per hour from each place, shape (places,): 0 or more, not 0 everywhere.
    service_per_h
        Calls that each officer could answer per busy hour, shape (officers,): above 0.
    preference
        Officers in the order they are tried, shape (places, officers); None: the order is that of `ties`.
    ties
        Ranks of the officers at each place, equal where they are tied; see `dispatch_order`.
    capacity
        ``"loss"`` or ``"queue"``.

    Returns
    -------
    CallSystem
        The checked copy.

    Raises
    ------
    InputError
        When rates, orders or shapes make no sense; positions are counted from 0.
    SettingsError
        When `capacity` is neither, or a queue would grow without end.
    """
    faults: list[InputError] = []
    arrivals = _checked_rates(arrivals_per_h, "arrivals_per_h", "place", faults, may_be_zero=True)
    service = _checked_rates(service_per_h, "service_per_h", "officer", faults, may_be_zero=False)
    if capacity not in get_args(Capacity):
        faults.append(SettingsError("Unknown capacity.", found=repr(capacity), expected='"loss" or "queue"'))
    order = None
    if arrivals is not None and service is not None:
        try:
            order = dispatch_order(preference, ties, places=len(arrivals), officers=len(service))
        except InputError as fault:
            faults.append(fault)
        _require_comparable(arrivals, service, faults)
        if capacity == "queue":
            _require_stable(arrivals, service, faults)
    if faults:
        raise faults[0] if len(faults) == 1 else SeveralFaultsError(faults)
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
