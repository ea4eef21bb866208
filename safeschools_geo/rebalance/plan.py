"""A rebalancing plan: which units move, how even it makes the zones, and how good it is proven to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.rebalance.certificate import certificate_text
from safeschools_geo.rebalance.model import Objective
from safeschools_geo.rebalance.problem_of_units import Rules
from safeschools_geo.rebalance.scoring.plan_file import plan_frame


@dataclass(frozen=True)
class PlanSettings:
    """What was asked of a plan.

    Parameters
    ----------
    max_moves
        Most units that may move; None for no limit.
    tolerance
        Largest imbalance; None for no limit.
    objectives
        What was made small, the most important first.
    slack
        By how much the imbalance may be above the smallest, for the sake of what comes after it.
    rules
        Roots, locks, groups and forbidden pairs.
    time_limit_s
        Longest time in seconds.
    seed
        Seed of everything random.
    set_apart
        Zones that stay as they are and do not count for the balance.
    """

    max_moves: int | None = None
    tolerance: float | None = None
    objectives: tuple[Objective, ...] = ()
    slack: float = 0.005
    rules: Rules = field(default_factory=Rules)
    time_limit_s: float = 60.0
    seed: int = 0
    set_apart: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class RebalancePlan:
    """A plan and what is proven of it.

    Parameters
    ----------
    units
        The units as they were given.
    edges
        The units that may follow each other.
    assignment
        Zone of each unit under the plan, by `unit_id`.
    loads
        Load of each zone that counts, by `zone_id`: `before` and `after`.
    imbalance_before, imbalance
        Largest ``|load - mean| / mean``, now and under the plan.
    value
        Value of the first objective: the smallest that was found.
    bound
        No contiguous plan (that keeps the roots, where there are any) has a smaller one.
    gap
        ``value - bound``; relative for travel and boundary.
    is_proven
        Whether no plan can be better.
    is_contiguous
        Whether every zone hangs together.
    certificate
        All of it, as it is written to ``certificate.json``.
    log
        What the solver said, where it was asked.
    notes
        What else there is to say, such as that the current zones are in pieces.
    settings
        What was asked.
    """

    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    assignment: pd.Series
    loads: pd.DataFrame
    imbalance_before: float
    imbalance: float
    value: float
    bound: float
    gap: float
    is_proven: bool
    is_contiguous: bool
    certificate: Mapping[str, Any]
    log: str
    notes: tuple[str, ...]
    settings: PlanSettings

    @property
    def moves(self) -> pd.DataFrame:
        """The units that move: `unit_id`, `zone_before`, `zone_after`, `workload`."""
        frame = self.to_frame()
        moved: pd.DataFrame = frame[frame["moved"]].drop(columns="moved").reset_index(drop=True)
        return moved

    @property
    def input_sha256(self) -> Mapping[str, str]:
        """The fingerprints of the units and of the edges."""
        hashes: Mapping[str, str] = self.certificate["input_sha256"]
        return hashes

    def summary(self) -> str:
        """Say in plain English what the plan does and how good it is.

        Returns
        -------
        str
            A few sentences.
        """
        moves = self.moves
        moved = count_text(self.certificate.get("schools_moved", len(moves)), str(self.certificate["unit_noun"]))
        told = f"Move {moved} ({name_ids(moves['unit_id'])})." if len(moves) else "Move nothing."
        return " ".join([*self.notes, told, certificate_text(self.certificate)])

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each unit.

        Returns
        -------
        pandas.DataFrame
            `unit_id`, `zone_before`, `zone_after`, `moved`, `workload`, and `name`, `schools`, `students` where known.
        """
        return plan_frame(self.units, self.assignment)
