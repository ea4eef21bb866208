"""How hotspots are looked for. None of these is ever chosen by what it makes significant."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Literal, get_args

from safeschools_geo.settings.checks import require, require_values

_WHERE = "[hotspots]"
CellKind = Literal["hexagon", "square"]
_KINDS: tuple[CellKind, ...] = get_args(CellKind)


@dataclass(frozen=True, kw_only=True)
class HotspotSettings:
    """``[hotspots]``: how hotspots are looked for, set before looking.

    Parameters
    ----------
    alpha
        Largest p- or q-value of what is called a hotspot.
    simulations
        Simulations behind every Monte-Carlo p-value.
    max_share
        Largest share of the expected incidents in a group of schools.
    fewest_peers
        Fewest schools of one level that are compared with each other.
    largest_detectable
        A school at which only a rise by more than this factor could have been seen has too little data.
    place_distance_m
        Metres between places off campus that belong together.
    place_incidents
        Fewest incidents of a place off campus.
    cell_m
        Width of a cell of the grid, in metres.
    cell_kind
        ``hexagon`` or ``square``.
    bandwidth_m
        Bandwidth of the density picture, in metres.
    repeat_distance_m
        Metres within which an incident is near an earlier one.
    repeat_days
        Days within which it is soon after.
    longest_window_h
        Longest run of hours that may be the worst.
    top_share
        Share of all student-days that a forecast may point at in the backtest.
    terms_per_year
        Terms in a school year, for comparison with the same term last year.
    """

    alpha: float = 0.05
    simulations: int = 9999
    max_share: float = 0.25
    fewest_peers: int = 5
    largest_detectable: float = 5.0
    place_distance_m: float = 150.0
    place_incidents: int = 10
    cell_m: float = 1500.0
    cell_kind: CellKind = "hexagon"
    bandwidth_m: float = 500.0
    repeat_distance_m: float = 400.0
    repeat_days: int = 7
    longest_window_h: int = 4
    top_share: float = 0.2
    terms_per_year: int = 2

    def __post_init__(self) -> None:
        """Check the values."""
        require(0 < self.alpha < 1, f"{_WHERE} alpha", "A level lies between 0 and 1.", found=self.alpha)
        require(
            self.simulations >= 99,  # noqa: PLR2004 - else no p-value can reach 1 %
            f"{_WHERE} simulations",
            "There must be enough simulations for a small p-value.",
            found=self.simulations,
            expected="at least 99",
        )
        require(
            0 < self.max_share <= 0.5,  # noqa: PLR2004 - half
            f"{_WHERE} max_share",
            "A group is at most half of the district.",
            found=self.max_share,
        )
        require(0 < self.top_share < 1, f"{_WHERE} top_share", "A share lies between 0 and 1.", found=self.top_share)
        require_values([self.cell_kind], _KINDS, f"{_WHERE} cell_kind")
        sizes = ("place_distance_m", "cell_m", "bandwidth_m", "repeat_distance_m", "largest_detectable")
        counts = ("fewest_peers", "place_incidents", "repeat_days", "longest_window_h", "terms_per_year")
        for name in (*sizes, *counts):
            require(getattr(self, name) > 0, f"{_WHERE} {name}", "This must be above 0.", found=getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class PatrolChange:
    """``[[patrol_changes]]``: a day from which officers were somewhere more, or less, than before.

    Parameters
    ----------
    start
        First day.
    zones
        Ids of the zones concerned; all if left out.
    note
        What changed, in a few words.
    """

    start: dt.date
    zones: tuple[str, ...] = ()
    note: str = ""
