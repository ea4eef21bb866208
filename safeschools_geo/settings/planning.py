"""The assumptions behind workload and assignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from safeschools_geo.schemas import CRITICAL_CATEGORIES, LEVELS
from safeschools_geo.settings.checks import require, require_values


def _default_service_min() -> dict[str, float]:
    return {
        "assault_battery": 45.0,
        "weapons": 75.0,
        "intruder": 35.0,
        "gang_activity": 45.0,
        "alcohol_drugs": 50.0,
        "assessment_5150": 90.0,
        "threat_assessment": 120.0,
        "welfare_check": 30.0,
    }


def _default_visits() -> dict[str, float]:
    return {"elementary": 1.0, "middle": 2.0, "high": 3.0, "k8": 1.5, "other": 1.0}


@dataclass(frozen=True, kw_only=True)
class WorkloadSettings:
    """``[workload]``: the assumptions that turn incidents and visits into officer-hours.

    Parameters
    ----------
    service_min
        Minutes on scene by category, where neither timestamps nor the crosswalk say.
    longest_service_min
        Longest time between arrival and clearing that is believed, in minutes.
    visits_per_week
        Routine visits to each school by level, a week of five school days.
    visit_min
        Minutes of one routine visit.
    detour_factor
        Road distance over straight-line distance.
    speed_kph
        Average driving speed.
    """

    service_min: Mapping[str, float] = field(default_factory=_default_service_min)
    longest_service_min: float = 480.0
    visits_per_week: Mapping[str, float] = field(default_factory=_default_visits)
    visit_min: float = 12.0
    detour_factor: float = 1.3
    speed_kph: float = 40.0

    def __post_init__(self) -> None:
        """Fill in what a partial table leaves out, and check the values."""
        require_values(self.service_min, CRITICAL_CATEGORIES, "[workload.service_min]")
        require_values(self.visits_per_week, LEVELS, "[workload.visits_per_week]")
        object.__setattr__(self, "service_min", {**_default_service_min(), **self.service_min})
        object.__setattr__(self, "visits_per_week", {**_default_visits(), **self.visits_per_week})
        amounts = [*self.service_min.values(), *self.visits_per_week.values(), self.visit_min]
        require(all(a >= 0 for a in amounts), "[workload]", "Minutes and visits are not negative.")
        require(self.speed_kph > 0, "[workload] speed_kph", "A speed is above zero.", found=self.speed_kph)
        require(self.detour_factor >= 1, "[workload] detour_factor", "A road is not shorter than a straight line.")


@dataclass(frozen=True, kw_only=True)
class AssignSettings:
    """``[assign]``: how points are given zones.

    Parameters
    ----------
    max_snap_m
        Metres outside every zone at which a point is still given the nearest.
    """

    max_snap_m: float = 0.0

    def __post_init__(self) -> None:
        """Check the value."""
        require(self.max_snap_m >= 0, "[assign] max_snap_m", "A distance is not negative.", found=self.max_snap_m)


_WHERE = "[rebalance]"


@dataclass(frozen=True, kw_only=True)
class RebalanceSettings:
    """``[rebalance]``: what a proposal of other zones has to keep, and how far it may go.

    Parameters
    ----------
    max_moves
        Most schools that a proposal may move; the frontier shows 0, 1, … up to this.
    tolerance
        Imbalance to reach: the proposal is then the plan of the fewest moves that does; else that at the knee.
    slack
        By how much the imbalance may be above the smallest, for the sake of shorter travel.
    time_limit_s
        Longest time of the search, in seconds.
    keeps_roots
        Whether the school in the middle of each zone (the one of least travel) stays in it, so that officers keep their
        base; ``false`` allows every contiguous plan.
    fills_empty_zones
        Whether a proposal gives schools to zones that have none; ``false`` leaves these zones as they are and out of
        the imbalance, which would else be 100 % whatever the others do.
    roots
        Zone → school that stays in it, in place of the one in the middle.
    locked
        Schools that keep their zone.
    together
        Groups of schools that have to be in one zone.
    forbidden
        Pairs of a school and a zone it must not be in.
    feeders
        Name of a feeder pattern → its schools; a plan is told which of them it splits.
    links
        File of extra and forbidden links between schools, relative to the district folder.
    bootstrap
        Redrawn terms behind "holds up in x % of them".
    """

    max_moves: int = 8
    tolerance: float | None = None
    slack: float = 0.005
    time_limit_s: float = 60.0
    keeps_roots: bool = True
    fills_empty_zones: bool = False
    roots: Mapping[str, str] = field(default_factory=dict)
    locked: tuple[str, ...] = ()
    together: tuple[tuple[str, ...], ...] = ()
    forbidden: tuple[tuple[str, str], ...] = ()
    feeders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    links: str | None = None
    bootstrap: int = 200

    def __post_init__(self) -> None:
        """Check the values."""
        require(self.max_moves >= 0, f"{_WHERE} max_moves", "Moves are counted from 0.", found=self.max_moves)
        require(self.slack >= 0, f"{_WHERE} slack", "A slack is not negative.", found=self.slack)
        require(self.time_limit_s > 0, f"{_WHERE} time_limit_s", "There must be some time.", found=self.time_limit_s)
        pairs = all(len(pair) == 2 for pair in self.forbidden)  # noqa: PLR2004 - a school and a zone
        require(pairs, f"{_WHERE} forbidden", "Each entry is a school and a zone.", expected='[["0123", "4"]]')
        require(self.bootstrap >= 1, f"{_WHERE} bootstrap", "There must be a redrawn term.", found=self.bootstrap)
