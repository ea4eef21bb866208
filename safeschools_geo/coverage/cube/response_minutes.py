"""Minutes of response as mixtures: over who answers, from where, and whether the call had to wait in line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from safeschools_geo.coverage.cube.hypercube_result import Hypercube

    Floats = NDArray[np.float64]

P90 = 0.9
"""The share of answered calls of which the longest response is told."""

_ROUNDING = 1e-12
_MINUTES = 60.0


@dataclass(frozen=True, eq=False)
class ResponseMinutes:
    """Response of groups of calls; NaN where a group has no answered calls.

    Parameters
    ----------
    mean_min
        Mean minutes, float64, shape (groups,).
    p90_min
        Shortest minutes within which at least 90 % are answered, float64, shape (groups,).
    within_share
        Share answered within given minutes, float64, shape (groups, times).
    """

    mean_min: Floats
    p90_min: Floats
    within_share: Floats

    def __getitem__(self, rows: slice) -> ResponseMinutes:
        """Take some of the groups."""
        return ResponseMinutes(self.mean_min[rows], self.p90_min[rows], self.within_share[rows])


@dataclass(frozen=True, eq=False)
class Calls:
    """Answered calls of groups, by the minutes from setting out to arrival.

    Parameters
    ----------
    minutes
        Minutes of each kind of call, rising along each row, shape (groups, kinds) or, the same for all, (1, kinds).
    at_once
        Share of each group's calls that are of the kind and answered at once, shape (groups, kinds).
    waited
        The same for those that wait in line first; None where there is no line.
    line_per_min
        Rate of the exponential wait of these.
    """

    minutes: Floats
    at_once: Floats
    waited: Floats | None
    line_per_min: float

    @classmethod
    def of(cls, hypercube: Hypercube, minutes: Floats) -> Calls:
        """Take the calls of each place as a group, with an officer for each kind.

        Parameters
        ----------
        hypercube
            Who answers which calls.
        minutes
            Minutes from setting out to arrival, shape (places, officers).

        Returns
        -------
        Calls
            In the order of `minutes` along each row.
        """
        places, officers = minutes.shape
        order = np.argsort(minutes, axis=1, kind="stable")
        at = order + np.arange(0, places * officers, officers)[:, None]
        if hypercube.capacity == "loss":
            return cls(minutes.take(at), hypercube.place_share.take(at), None, np.inf)
        waited = hypercube.waited_share
        at_once = np.maximum(hypercube.place_share - waited, 0.0)
        return cls(minutes.take(at), at_once.take(at), waited.take(order), hypercube.spare_per_h / _MINUTES)

    def in_groups(self, weights: Floats) -> Calls:
        """Put groups together.

        Parameters
        ----------
        weights
            Calls of each group in each new group, shape (new groups, groups).

        Returns
        -------
        Calls
            With all kinds of all groups as kinds.
        """
        order = np.argsort(self.minutes, axis=None, kind="stable")
        of_kind = weights.take(order // self.minutes.shape[1], axis=1)
        waited = None if self.waited is None else of_kind * self.waited.take(order)
        return Calls(self.minutes.take(order)[None], of_kind * self.at_once.take(order), waited, self.line_per_min)


def response_minutes(calls: Calls, within_min: Sequence[float]) -> ResponseMinutes:
    """Tell the response of each group.

    Parameters
    ----------
    calls
        The answered calls.
    within_min
        Minutes of which the share answered within them is wanted.

    Returns
    -------
    ResponseMinutes
        By group.
    """
    shares = calls.at_once if calls.waited is None else calls.at_once + calls.waited
    sent = _Sent.of(calls, np.cumsum(shares, axis=1))
    total = np.where(sent.answered[:, -1] > 0, sent.answered[:, -1], np.nan)
    mean = np.einsum("gk,gk->g", shares, np.broadcast_to(calls.minutes, shares.shape)) / total
    if calls.waited is not None:
        mean += calls.waited.sum(axis=1) / total / calls.line_per_min
    within = sent.within(np.asarray(within_min, dtype=np.float64)) / total[:, None]
    return ResponseMinutes(mean, sent.reached(P90 * total), within)


@dataclass(frozen=True, eq=False)
class _Sent:
    """Running sums over the kinds of calls, the nearest first.

    Of the kinds so far, those who have waited and are not there yet are sums of exponentials of one rate: from one kind
    to the next they fall as one exponential, ``exp(late − rate × minutes)``.
    """

    minutes: Floats
    answered: Floats
    late: Floats | None
    rate: float

    @classmethod
    def of(cls, calls: Calls, answered: Floats) -> _Sent:
        if calls.waited is None:
            return cls(calls.minutes, answered, None, calls.line_per_min)
        with np.errstate(divide="ignore"):
            late = np.logaddexp.accumulate(np.log(calls.waited) + calls.line_per_min * calls.minutes, axis=1)
        return cls(calls.minutes, answered, late, calls.line_per_min)

    def within(self, minutes: Floats) -> Floats:
        """Sum up what is answered within some minutes, shape (groups, times)."""
        number = (self.minutes[:, :, None] <= minutes).sum(axis=1)
        rows, last = np.arange(len(self.answered))[:, None], np.maximum(number - 1, 0)
        there = self.answered[rows, last]
        if self.late is not None:
            there -= np.exp(self.late[rows, last] - self.rate * minutes)
        return np.where(number > 0, there, 0.0)

    def reached(self, goal: Floats) -> Floats:
        """Find the shortest minutes within which each group's goal is answered; NaN stays what it is."""
        rows, kinds = np.arange(len(goal)), self.answered.shape[1]
        minutes = np.broadcast_to(self.minutes, self.answered.shape)
        there = self.answered if self.late is None else self.answered - np.exp(self.late - self.rate * minutes)
        after = (there < (goal * (1 - _ROUNDING))[:, None]).sum(axis=1)
        found = np.where(after < kinds, minutes[rows, np.minimum(after, kinds - 1)], np.inf)
        if self.late is not None:
            before = np.maximum(after - 1, 0)
            waiting = self.answered[rows, before] - goal
            is_between = (after > 0) & (waiting > 0)
            moment = self.late[rows, before] - np.log(waiting, out=np.zeros_like(goal), where=is_between)
            found = np.where(is_between, np.clip(moment / self.rate, minutes[rows, before], found), found)
        return np.where(np.isnan(goal), np.nan, found)
