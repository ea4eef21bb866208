"""The assumptions behind patrol coverage."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from safeschools_geo.settings.checks import require

_WHERE = "[coverage]"


@dataclass(frozen=True, kw_only=True)
class CoverageSettings:
    """``[coverage]``: where officers wait, what is asked of them, and what an hour of theirs costs.

    Parameters
    ----------
    staging
        Zone → school at which its officer waits between calls, in place of the one in the middle of the zone.
    within_min
        Minutes within which a school counts as covered.
    free_share
        Share of an officer's day that routine visits leave free for calls.
    fewest_officers, most_officers
        Numbers of officers that are compared.
    officer_cost_per_h
        What an officer-hour costs; without it no cost is told.
    bells_inside_min
        Minutes of programme hours before the first bell, and after the last, for the times of routine visits.
    lunch_from, lunch_to
        When pupils are at lunch, for the times of routine visits.
    case_days
        School days that a threat assessment stays open.
    draws
        Redrawn terms behind the intervals.
    """

    staging: Mapping[str, str] = field(default_factory=dict)
    within_min: tuple[float, ...] = (3.0, 5.0, 8.0, 10.0)
    free_share: float = 0.35
    fewest_officers: int = 6
    most_officers: int = 10
    officer_cost_per_h: float | None = None
    bells_inside_min: int = 30
    lunch_from: dt.time = dt.time(11, 15)
    lunch_to: dt.time = dt.time(12, 45)
    case_days: float = 10.0
    draws: int = 200

    def __post_init__(self) -> None:
        """Check the values."""
        rising = all(a < b for a, b in zip(self.within_min, self.within_min[1:], strict=False))
        positive = bool(self.within_min) and min(self.within_min) > 0
        require(rising and positive, f"{_WHERE} within_min", "Minutes are above 0 and rise.", found=self.within_min)
        require(0 <= self.free_share < 1, f"{_WHERE} free_share", "A share is from 0 to 1.", found=self.free_share)
        ordered = 1 <= self.fewest_officers <= self.most_officers
        require(ordered, f"{_WHERE} fewest_officers", "From one officer to more.", found=self.fewest_officers)
        cost = self.officer_cost_per_h
        require(cost is None or cost >= 0, f"{_WHERE} officer_cost_per_h", "A cost is not negative.", found=cost)
        require(self.bells_inside_min >= 0, f"{_WHERE} bells_inside_min", "Bells are in programme hours.")
        require(self.lunch_from < self.lunch_to, f"{_WHERE} lunch_to", "Lunch ends before it begins.")
        require(self.case_days > 0, f"{_WHERE} case_days", "A case is open for some time.", found=self.case_days)
        require(self.draws >= 1, f"{_WHERE} draws", "There must be a redrawn term.", found=self.draws)
