"""What a queueing model says: how busy each officer is, who answers which calls, and how often nobody is free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import gammaln

from safeschools_geo.coverage._hypercube_states import (
    Capacity,
    all_busy,
    answered_shares,
    balanced_states,
    call_system,
    states_of,
    transition_rates,
)
from safeschools_geo.errors import SettingsError, count_text
from safeschools_geo.text import figure_text, minutes_text, share_text

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from safeschools_geo.coverage._hypercube_states import CallSystem

    Floats = NDArray[np.float64]


# ── What a queueing model says: how busy each officer is, who answers which calls, and how often nobody is free

_MINUTES = 60.0


@dataclass(frozen=True, eq=False)
class Hypercube:
    """Officers and calls in the long run; all arrays are float64."""

    arrivals_per_h: Floats  # Calls per hour from each place, shape (n_places,)
    service_per_h: Floats  # Calls that each officer could answer per busy hour, shape (n_units,)
    # ``"loss"``: a call that finds all officers busy goes to Sheriff's patrol; ``"queue"``: it waits in line
    capacity: Capacity
    busy_share: Floats  # Share of the time that each officer is busy, shape (n_units,)
    # Share of the calls of each place that each officer answers, shape (n_places, n_units), also for places without
    # calls. Where dispatch only sends whoever is free, a row and `overflow_share` add up to 1 with ``"loss"``; with
    # ``"queue"`` a row does
    place_share: Floats
    # Chance that a call finds all officers busy: with ``"loss"`` the share that goes to patrol, with ``"queue"`` the
    # share that waits. Since calls come at random (PASTA), it is the same for every place where dispatch only sends
    # whoever is free
    overflow_share: float
    busy_count_share: Floats  # Share of the time that 0, 1, … n_units officers are busy, shape (n_units + 1,)
    # Share of the time in each state, shape (2**n_units,); bit i of the state is set while officer i is busy. With
    # ``"queue"``, the last state holds the time with calls in line as well. None where the result is an approximation
    state_probability: Floats | None
    method: str  # How it was worked out
    is_exact: bool  # Whether that is exact, for calls at random and exponential service times
    # Largest net flow of any state, over the rate of all events together; NaN for an approximation
    balance_error: float
    diverted_share: float = 0.0  # Of all calls, sent to patrol whoever is free; `overflow_share` holds it

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
        """Say in plain English what comes out."""
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
            f"{self._fate(fate)}.{wait} "
            f"{self.method}: {exact}."
        )

    def _fate(self, fate: str) -> str:
        text = f"{figure_text(self.overflow_share - self.diverted_share, 'share')} of calls find no officer free and"
        if not self.diverted_share:
            return f"{text} {fate}"
        return f"{figure_text(self.diverted_share, 'share')} of calls are sent to patrol whoever is free; {text} {fate}"

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each officer.

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


# ── The hypercube model for many officers: busy shares that agree with each other, an approximation

_STEADY, _SETTLED = 1e-13, 1e-9
_MOST_ROUNDS = 2000
_ALMOST_ALWAYS = 1 - 1e-12


def hypercube_approximation(
    arrivals_per_h: ArrayLike,
    service_per_h: ArrayLike,
    preference: ArrayLike,
    *,
    capacity: Capacity = "loss",
) -> Hypercube:
    """Approximate the hypercube queueing model, for any number of officers, with what `hypercube` takes.

    Officers are taken to be busy independently of each other, corrected by a factor that depends on how many are tried
    and holds exactly when all are alike: that of officers drawn without replacement while k of n are busy, over all k.
    The number of busy officers is Erlang's, at the mean service time of the answered calls. Equal service rates: Larson
    (1975), who finds errors of 1 to 2 %. Unequal ones: Jarvis (1985); he has no line, so that with one each officer's
    busy share is added what is taken from the line, in proportion to the service rates. Busy shares are put in
    proportion in each round, so that what comes is what is answered. Rates at which the line would grow without end, or
    the shares do not settle, are refused.

    Larson, R. C. (1975). Approximating the performance of urban emergency service systems. Operations Research 23(5),
    845–868. Jarvis, J. P. (1985). Approximating the equilibrium behavior of multi-server loss systems. Management
    Science 31(2), 235–239. Larson, R. C., & Odoni, A. R. (1981). Urban Operations Research, §5.5. Prentice-Hall.
    """
    system = call_system(arrivals_per_h, service_per_h, preference, capacity=capacity)
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
    along = shares[system.preference]
    before = np.cumprod(np.column_stack((np.ones(len(along)), along[:, :-1])), axis=1)
    reached = np.empty(before.shape)
    np.put_along_axis(reached, system.preference, before * factors, axis=1)
    return reached


def _renewed(system: CallSystem, reached: Floats, overflow: float) -> Floats:
    """Work out the busy shares from the calls that come as far as each officer."""
    has_line = system.capacity == "queue"
    from_line = system.calls_per_h * overflow / system.most_per_h if has_line else 0.0
    sent = system.arrivals_per_h @ reached / system.service_per_h
    shares = (sent + from_line) / (1 + sent)
    answered = system.calls_per_h * (1.0 if has_line else 1 - overflow)
    proportion = answered / float(shares @ system.service_per_h)
    return np.minimum(shares * proportion, _ALMOST_ALWAYS)


# ── Who comes, and how often nobody is free: Larson's hypercube model of officers, exact for up to 15 of them

MOST_EXACT = 15
"""Officers up to which the model is solved exactly."""


def hypercube(
    arrivals_per_h: ArrayLike,
    service_per_h: ArrayLike,
    preference: ArrayLike,
    *,
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
        Officers 0 … n_units − 1 in the order they are tried, integers, shape (n_places, n_units).
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
    system = call_system(arrivals_per_h, service_per_h, preference, capacity=capacity)
    n = system.officers
    if n > MOST_EXACT:
        raise SettingsError(
            "The exact hypercube model would have too many states.",
            where="service_per_h",
            found=f"{n} officers",
            expected=f"at most {MOST_EXACT}",
            remedy="Use hypercube_approximation(...), which takes the same and says that it is approximate.",
        )
    rates = transition_rates(system)
    probability, error = balanced_states(rates, system.service_per_h, system.calls_per_h)
    if system.capacity == "queue":
        probability[-1] /= 1 - system.calls_per_h / system.most_per_h
        probability /= probability.sum()
    busy = all_busy(probability)
    overflow = float(probability[-1])
    dispatch = answered_shares(system, busy)
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
