"""Where officers could wait, as plain arrays: minutes from each point to each place, and what each place weighs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from safeschools_geo.coverage.roads_travel.faults import refuse
from safeschools_geo.errors import SettingsError
from safeschools_geo.programs import Numbers

if TYPE_CHECKING:
    from safeschools_geo.programs import Flags

Labels: TypeAlias = NDArray[np.int64]
Objective: TypeAlias = Literal["mean", "longest", "covered", "expected"]

OBJECTIVES: tuple[Objective, ...] = ("mean", "longest", "covered", "expected")
"""Mean minutes (p-median), longest minutes (p-center), share within reach, and the same with busy officers."""

EXACT = 1e-7
"""Share of a value below which two count as equal: a value this near to its bound is proven the best."""


WITHIN_MIN = (3.0, 5.0, 8.0, 10.0)
"""Minutes within which coverage is told."""


@dataclass(frozen=True, kw_only=True)
class StagingSettings:
    """What is asked of a staging.

    Parameters
    ----------
    objective
        ``mean``: least mean minutes of a call (p-median); ``longest``: least minutes to the farthest place, whatever
        its weight (p-center); ``covered``: largest share of calls within `within_min` of an officer (maximal covering);
        ``expected``: largest share expected to find a free officer within it (maximal expected covering).
    within_min
        Minutes within which a place is covered.
    busy_share
        Share of the time that each officer is busy, for ``expected``.
    may_share
        Whether several officers may wait at one point, for ``expected``; else each has a point alone.
    limits_min
        Minutes within which coverage is told.
    time_limit_s
        Seconds for which the search may keep a processor busy. When they run out, the best points found are returned
        with a bound, and are not called the best.
    seed
        Seed of everything random. The same input and seed give the same points unless time ran out.
    """

    objective: Objective = "mean"
    within_min: float = 5.0
    busy_share: float = 0.0
    may_share: bool = True
    limits_min: tuple[float, ...] = WITHIN_MIN
    time_limit_s: float = 60.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the values, and tell all that are wrong."""
        has_limits = bool(self.limits_min) and all(0 <= limit < np.inf for limit in self.limits_min)
        checks = (
            ("objective", self.objective in OBJECTIVES, "one of " + ", ".join(OBJECTIVES)),
            ("within_min", 0 < self.within_min < np.inf, "minutes above 0"),
            ("busy_share", 0 <= self.busy_share < 1, "a share from 0 to below 1"),
            ("limits_min", has_limits, "minutes of 0 or more, one at least"),
            ("time_limit_s", self.time_limit_s > 0, "seconds above 0"),
        )
        faults = [
            SettingsError(
                "A setting of staging makes no sense.", where=name, found=getattr(self, name), expected=wanted
            )
            for name, is_right, wanted in checks
            if not is_right
        ]
        refuse(faults)

    @property
    def shares_points(self) -> bool:
        """Whether several officers may wait at one point: only where that can be of use."""
        return self.may_share and self.objective == "expected"


@dataclass(frozen=True, eq=False)
class StagingProblem:
    """Choose points for p officers among m, for n places.

    Parameters
    ----------
    minutes
        Minutes from each point to each place, shape (n, m), not negative; infinite where there is no way.
    weight
        Share of all calls that each place has, shape (n,), adding up to 1.
    points
        Number of officers p.
    objective
        What is made small, or large.
    within_min
        Minutes within which a place is covered.
    gains
        What the first, second, … officer within reach of a place is worth, falling, at least one.
    may_share
        Whether several officers may wait at one point.
    """

    minutes: Numbers
    weight: Numbers
    points: int
    objective: Objective
    within_min: float
    gains: tuple[float, ...] = (1.0,)
    may_share: bool = False

    @property
    def is_share(self) -> bool:
        """Whether the value is a share, to be made large; else minutes, to be made small."""
        return self.objective in {"covered", "expected"}

    @property
    def covers(self) -> Flags:
        """Which points are within reach of which places, shape (n, m)."""
        near: Flags = self.minutes <= self.within_min
        return near

    def only(self, places: Labels, points: Labels) -> StagingProblem:
        """Keep some places and some points.

        Parameters
        ----------
        places, points
            Rows and columns to keep.

        Returns
        -------
        StagingProblem
            The same for these; weights stay shares of all calls.
        """
        return replace(self, minutes=self.minutes[np.ix_(places, points)], weight=self.weight[places])

    def value(self, chosen: Labels) -> float:
        """Value a choice.

        Parameters
        ----------
        chosen
            Columns of the points, with repeats where officers share one.

        Returns
        -------
        float
            Mean or longest minutes; or the share of calls that is covered.
        """
        if self.objective == "longest":
            return float(self.minutes[:, chosen].min(axis=1).max())
        if self.objective == "mean":
            counts = self.weight > 0
            return float(self.minutes[np.ix_(counts, chosen)].min(axis=1) @ self.weight[counts])
        worth = np.append(0.0, np.cumsum(self.gains))
        officers = np.minimum(self.covers[:, chosen].sum(axis=1), len(self.gains))
        return float(worth[officers] @ self.weight)


@dataclass(frozen=True, eq=False)
class Choice:
    """Points that were chosen, and what is proven of them.

    Parameters
    ----------
    chosen
        Columns of the points, shape (p,), rising, with repeats where officers share one.
    value
        Their value.
    bound
        No choice has a better value.
    """

    chosen: Labels
    value: float
    bound: float


def is_best(value: float, bound: float) -> bool:
    """Say whether a value is its bound, up to rounding.

    Parameters
    ----------
    value, bound
        As in `Choice`.

    Returns
    -------
    bool
        Whether they differ by at most a ten-millionth.
    """
    return abs(value - bound) <= EXACT * max(abs(value), abs(bound))
