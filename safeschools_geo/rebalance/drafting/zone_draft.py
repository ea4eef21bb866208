"""A draft of zones, with what was asked of it and how good it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import pandas as pd

from safeschools_geo.errors import SettingsError, name_ids
from safeschools_geo.rebalance.drafting.weights import Weights
from safeschools_geo.workload import imbalance

OBJECTIVES = ("compactness", "travel")
"""What a draft can aim at, within its tolerance."""


@dataclass(frozen=True)
class DraftSettings:
    """What was asked of a draft.

    Parameters
    ----------
    zones
        Number of zones, at least 1.
    weight
        Column of the schools that zones are balanced by; None counts every school as 1.
    tolerance
        Imbalance that is aimed at, from 0 up to but not including 1.
    starts
        Number of starts of the search, at least 1.
    seed
        Seed of the starts, at least 0.
    objective
        What the zones are made as good as they can in: ``compactness`` or ``travel``.

    Raises
    ------
    SettingsError
        When any of them is out of range; all that are, are named.
    """

    zones: int = 8
    weight: str | None = "enrollment"
    tolerance: float = 0.05
    starts: int = 50
    seed: int = 0
    objective: str = "compactness"

    def __post_init__(self) -> None:
        """Check every setting."""
        rules = {
            "zones of 1 or more": self.zones >= 1,
            "tolerance from 0 to below 1": 0 <= self.tolerance < 1,
            "starts of 1 or more": self.starts >= 1,
            "seed of 0 or more": self.seed >= 0,
            f"objective {' or '.join(OBJECTIVES)}": self.objective in OBJECTIVES,
        }
        broken = [rule for rule, is_kept in rules.items() if not is_kept]
        if broken:
            raise SettingsError(
                "Zones cannot be drafted with these settings.",
                found=", ".join(f"{name} = {value}" for name, value in vars(self).items() if name != "weight"),
                expected="; ".join(broken),
                remedy="Mend the settings named.",
            )


@dataclass(frozen=True, eq=False)
class ZoneDraft:
    """Zones drawn from scratch, and how good they are.

    Parameters
    ----------
    zones
        Table `zones`: `zone_id` ("1", "2", … from north-west to south-east), `name`, geometry in EPSG:4326; the zones
        tile the district.
    units
        Service areas (`cells.service_areas`), or the units given, with their `load` and `zone_id`.
    edges
        Rook adjacency of the units.
    bridges
        Links over a gap or water that join the parts of a zone.
    assignment
        Zone of each school, by `school_id`; of each unit, by `unit_id`, where units were given.
    loads
        Load of each zone, by `zone_id`; named after the weight, or `schools`.
    is_contiguous
        Whether every zone hangs together, by the edges and the bridges.
    table
        One row for each zone, as `to_frame` gives it.
    weights
        What each school, or unit, counts for, and which figures were missing.
    settings
        What was asked.
    input_sha256
        Hash of the schools (or units) and of the district as they were given.
    centres
        Unit that is the centre of each zone, by `zone_id`: the one with the least travel within it.
    travel
        Σ load × kilometres in a straight line from the unit to the centre of its zone.
    bound
        No contiguous plan within `bound_tolerance` has less travel, wherever its centres lie.
    any_bound
        Neither has any other plan, contiguous or not.
    """

    zones: gpd.GeoDataFrame
    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    bridges: pd.DataFrame
    assignment: pd.Series
    loads: pd.Series
    is_contiguous: bool
    table: pd.DataFrame
    weights: Weights
    settings: DraftSettings
    input_sha256: Mapping[str, str]
    centres: pd.Series
    travel: float
    bound: float
    any_bound: float

    @property
    def gap(self) -> float:
        """Share of the travel that another contiguous plan could save at most."""
        return 0.0 if self.travel == 0 else (self.travel - self.bound) / self.travel

    @property
    def bound_tolerance(self) -> float:
        """Largest imbalance of the plans that the bounds are over: the tolerance, or what the draft has if more."""
        return max(self.settings.tolerance, self.imbalance)

    @property
    def imbalance(self) -> float:
        """Largest ``|load - mean| / mean`` over the zones."""
        return imbalance(self.loads)

    @property
    def largest_unit_share(self) -> float:
        """Load of the largest unit as a share of the mean load of a zone: what balance is limited by."""
        return float(self.units["load"].max() / self.loads.mean())

    def summary(self) -> str:
        """Say in plain English what was drafted and how good it is.

        Returns
        -------
        str
            A few sentences.
        """
        return " ".join(
            [
                self._about_zones(),
                *self._about_balance(),
                self._about_compactness(),
                *self._about_gaps(),
                *self._about_travel(),
            ]
        )

    @property
    def _is_of_units(self) -> bool:
        return self.assignment.index.name == "unit_id"

    def _about_zones(self) -> str:
        schools = f"{len(self.assignment)} schools at {len(self.units)} sites"
        return (
            f"{len(self.zones)} zones drafted from {f'{len(self.units)} units' if self._is_of_units else schools} "
            f"(seed {self.settings.seed}); {'every' if self.is_contiguous else 'not every'} zone is contiguous."
        )

    def _about_compactness(self) -> str:
        measure = self.table["polsby_popper"]
        return f"Compactness (Polsby–Popper) from {measure.min():.2f} to {measure.max():.2f}, where a circle has 1."

    def _about_balance(self) -> list[str]:
        unit = self.weights.values.name
        low, high, mean = self.loads.min(), self.loads.max(), self.loads.mean()
        said = [f"Load ({unit}) from {low:,.0f} to {high:,.0f}, mean {mean:,.0f}; imbalance {self.imbalance:.1%}."]
        if self.imbalance > self.settings.tolerance:
            said.append(
                f"That is more than the {self.settings.tolerance:.1%} aimed at: sites cannot be split, and the largest "
                f"alone is {self.largest_unit_share:.0%} of the mean zone."
            )
        missing = self.weights.estimated
        if missing and self.weights.is_count:
            said.append(f"No school has a figure for {self.settings.weight}, so schools are counted.")
        elif missing:
            said.append(
                f"The {unit} of {len(missing)} of the {len(self.assignment)} schools is not known and taken as the "
                f"median of their level ({name_ids(missing)})."
            )
        return said

    def _about_travel(self) -> list[str]:
        unit = self.weights.values.name
        within = f"within an imbalance of {self.bound_tolerance:.1%}"
        least = (
            f"no contiguous or other plan {within} can have less than {self.any_bound:,.5g} (gap {self.gap:.1%})"
            if self.any_bound >= self.bound
            else f"no contiguous plan {within} can have less than {self.bound:,.5g} (gap {self.gap:.1%}), "
            f"no other plan less than {self.any_bound:,.5g}"
        )
        said = [f"Total travel {self.travel:,.5g} ({unit} × km to the centre of the zone); {least}."]
        if self.settings.objective == "compactness":
            said.append(
                "Zones are drafted for compactness, on which no bound is known: a good draft, not a proven best."
            )
        return said

    def _about_gaps(self) -> list[str]:
        said = []
        if len(self.bridges):
            links = "; ".join(f"{b.unit_a} and {b.unit_b}, {b.distance_m:,.0f} m" for b in self.bridges.itertuples())
            said.append(f"The district is in parts; zones reach over the gaps between them ({links}).")
        islands = self.units.loc[self.units["islands"] > 0, "unit_id"]
        if len(islands):
            said.append(f"Parts of the district without a school go with the nearest school ({name_ids(islands)}).")
        return said

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each zone.

        Returns
        -------
        pandas.DataFrame
            `zone_id`, `name`, `schools` (or `units`), `load`, `share_of_mean` (1 where a zone carries the mean load),
            `area_km2`, `polsby_popper`.
        """
        return self.table.copy()
