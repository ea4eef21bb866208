"""Score a plan: the product's, the current one, or one that a person drew, all on the same measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.rebalance import _measures as measures
from safeschools_geo.rebalance._measures import NOT_SCORED, zone_table
from safeschools_geo.rebalance._neighbors import unit_edges
from safeschools_geo.rebalance._problem import travel_km, zone_centers
from safeschools_geo.rebalance._units import in_order, natural_order, schools_of_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import geopandas as gpd

    from safeschools_geo.rebalance._problem import Rules

LOAD_UNIT = "officer-hours per school day"
"""What workload is counted in, unless told."""


@dataclass(frozen=True, eq=False)
class Score:
    """A plan on every measure.

    Parameters
    ----------
    assignment
        Zone of each unit, by `unit_id`.
    zones
        One row for each zone (`zone_table`).
    teams
        One row for each team: `team`, `zones`, `workload`, `load_per_zone`; None where the zones have no teams.
    splits
        One row for each feeder pattern, keep-together group and hotspot: `kind`, `name`, `zones` (joined by ``;``),
        `is_split`, `not_placed` (members that are in no unit, joined by ``;``).
    measures
        One row for each measure (`COLUMNS`).
    load_unit
        What workload is counted in.
    lost_levels
        Zone and level of each last school of its level that a zone has today and would lose.
    """

    assignment: pd.Series
    zones: pd.DataFrame
    teams: pd.DataFrame | None
    splits: pd.DataFrame
    measures: pd.DataFrame
    load_unit: str = LOAD_UNIT
    lost_levels: tuple[tuple[str, str], ...] = ()

    def value(self, measure: str) -> float:
        """Give what a measure comes to; missing where it was not scored."""
        return float(self.measures.set_index("measure")["value"][measure])

    @property
    def imbalance(self) -> float:
        """Largest ``|load - mean| / mean`` over the zones."""
        return self.value("imbalance")

    @property
    def travel(self) -> float:
        """Sum of workload × travel to the center of the zone; missing where it was not scored."""
        return self.value("travel")

    @property
    def is_contiguous(self) -> bool:
        """Whether every zone has units and is in one piece."""
        return bool(self.zones["pieces"].eq(1).all())

    @property
    def loads(self) -> pd.Series:
        """Load of each zone, by `zone_id`."""
        return self.zones.set_index("zone_id")["workload"]

    def summary(self) -> str:
        """Say in plain English how good the plan is."""
        said = [self._about_balance(), self._about_shape(), self._about_moves(), *self._about_splits()]
        missing = self.measures.loc[self.measures["shown"].str.startswith(NOT_SCORED), ["label", "shown"]]
        by_reason = missing.groupby(missing["shown"].str.removeprefix(NOT_SCORED), sort=False)["label"].agg(", ".join)
        if len(by_reason):
            said.append(f"Not scored: {'; '.join(f'{label} ({why})' for why, label in by_reason.items())}.")
        return " ".join(said)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each measure.

        `measure`, `label`, `value`, `shown`, `unit`, `better` (``lower``, ``higher`` or empty), `note`.
        """
        return self.measures.copy()

    def _shown(self, measure: str) -> str:
        return str(self.measures.set_index("measure")["shown"][measure])

    def _about_balance(self) -> str:
        zones = self.zones[self.zones["is_counted"]]
        heaviest, lightest = (zones.iloc[int(i)] for i in (zones["workload"].argmax(), zones["workload"].argmin()))
        note = str(self.measures.set_index("measure")["note"]["imbalance"])
        apart = f" ({note})" if note else ""
        head = f"Imbalance {self._shown('imbalance')} over {count_text(len(zones), 'zone')}{apart}"
        if heaviest["load_shown"] == lightest["load_shown"]:
            return f"{head}: {heaviest['load_shown']} {self.load_unit} in each."
        low, high = (f"{z['load_shown']} (zone {z['zone_id']})" for z in (lightest, heaviest))
        return f"{head}: from {low} to {high} {self.load_unit}."

    def _about_shape(self) -> str:
        notes = self.measures.set_index("measure")["note"]
        torn = f"Not contiguous: {notes['zones_in_pieces']}." if self.value("zones_in_pieces") else ""
        empty = f"No unit in zone {notes['zones_without_units']}." if self.value("zones_without_units") else ""
        whole = "Every zone is contiguous." if self.is_contiguous else ""
        least = f"Least compact (Polsby–Popper): {self._shown('polsby_popper_min')}, where a circle has 1."
        return " ".join(part for part in (whole, torn, empty, least) if part)

    def _about_moves(self) -> str:
        moved = int(self.value("units_moved"))
        if not moved:
            return "Nothing moves."
        figures = {noun: self.value(f"{noun}s_moved") for noun in ("school", "student", "incident")}
        parts = [count_text(round(figure), noun) for noun, figure in figures.items() if not pd.isna(figure)]
        units = count_text(moved, "unit", of=len(self.assignment))
        unknown = str(self.measures.set_index("measure")["note"]["students_moved"])
        parts += [f"students {unknown}"] if unknown else []
        return f"{units} moved ({', '.join(parts)})." if parts else f"{units} moved."

    def _about_splits(self) -> Iterator[str]:
        words = {"feeders": "feeder pattern", "groups": "keep-together group", "hotspots": "hotspot"}
        for kind, word in words.items():
            table = self.splits[self.splits["kind"] == kind]
            if len(table):
                cut = table.loc[table["is_split"], "name"]
                named = f" ({name_ids(cut)})" if len(cut) else ""
                yield f"{count_text(len(cut), word, of=len(table))} split{named}."


def score_plan(
    units: gpd.GeoDataFrame,
    assignment: pd.Series,
    edges: pd.DataFrame,
    *,
    zones: pd.DataFrame | None = None,
    roots: Mapping[str, str] | None = None,
    rules: Rules | None = None,
    centers: pd.Series | None = None,
    costs: pd.DataFrame | None = None,
    cost_unit: str = "km",
    groups: Mapping[str, Iterable[str]] | None = None,
    feeders: Mapping[str, Iterable[str]] | None = None,
    hotspot_splits: pd.DataFrame | None = None,
    schools: pd.DataFrame | None = None,
    coverage: pd.DataFrame | None = None,
    set_apart: Iterable[str] = (),
    crs: object = None,
    load_unit: str = LOAD_UNIT,
) -> Score:
    """Score a plan on every measure.

    Parameters
    ----------
    units
        `unit_id`, the current `zone_id`, `workload`, geometry with a CRS; and `name`, `school_ids`, `schools`,
        `students`, `incidents` and `anchor` where they are known.
    assignment
        The plan: zone of each unit, by `unit_id`.
    edges
        `unit_a`, `unit_b`, and `shared_m` and `kind` where they are known.
    zones
        `zone_id`, and `name` and `team` where there are any; the zones of the units and of the plan by default. A zone
        without units counts, with load 0.
    roots
        Zone → the unit of it that stays put.
    rules
        What is asked of plans: a zone without one that each is to have, and students beyond those who may change
        officer, are counted.
    centers
        Unit from which travel in each zone is measured; the roots, else the middles of the current zones
        (`zone_centers`) by default, so that every plan is measured from the same places.
    costs
        Travel of each unit (`unit_id`) in each zone (`zone_id`), over the road for instance; the straight line to the
        centers by default.
    cost_unit
        Unit of `costs`.
    groups
        Name → ids of units that should stay together.
    feeders
        Name of a feeder pattern (its high school) → ids of its schools.
    hotspot_splits
        `hotspot_id`, `zones` and `is_split` of each hotspot under this plan (`split_groups`).
    schools
        `school_id` and `level`.
    coverage
        `measure`, `value`, and `label`, `shown`, `unit`, `better`, `note` where there are any: how the plan does on
        response, backup and overflow.
    set_apart
        Zones that do not count for the balance as long as the plan moves nothing into them.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.
    load_unit
        What workload is counted in.

    Returns
    -------
    Score
        What has nothing to be scored with is in the result, and says so.

    Raises
    ------
    InputError
        When the assignment does not give every unit a zone, names another unit, or a zone that `zones` does not have.
    ColumnError
        When a workload is missing or negative.
    """
    plan = in_order(assignment, units)
    table = zone_table(units, plan, edges, zones=zones, schools=schools, roots=roots, set_apart=set_apart, crs=crs)
    if costs is None:
        costs = travel_km(units, zone_centers(units, roots, crs=crs) if centers is None else centers, crs=crs)
    by_school = schools_of_units(units).map(plan)
    split = {
        "feeders": None if feeders is None else split_table(feeders, by_school),
        "groups": None if groups is None else split_table(groups, plan),
        "hotspots": None if hotspot_splits is None else _hotspots(hotspot_splits),
    }
    team_table = _team_table(table)
    rows = [
        *measures.balance(table),
        *measures.contiguity(table, plan, edges),
        *measures.moves(units, plan),
        *measures.travel(units, plan, costs, unit=cost_unit),
        *measures.compactness(table, plan, _with_parted(units, edges, () if rules is None else rules.apart, crs=crs)),
        measures.splits("feeders", "Feeder patterns", split["feeders"], "no feeder patterns given"),
        measures.splits("groups", "Keep-together groups", split["groups"], "no groups given"),
        measures.splits("hotspots", "Hotspots", split["hotspots"], "no hotspots given"),
        *measures.levels(table),
        measures.levels_lost(units, plan, schools),
        *([] if rules is None else measures.asked(units, plan, rules, table)),
        *measures.teams(team_table),
        *measures.coverage_measures(coverage),
    ]
    lost = () if schools is None else tuple(measures.lost_levels(units, plan, schools))
    return Score(plan, table, team_table, _joined(split), measures.as_table(rows), load_unit, lost)


def _with_parted(
    units: gpd.GeoDataFrame, edges: pd.DataFrame, apart: Iterable[tuple[str, str]], *, crs: object
) -> pd.DataFrame:
    """Add the borders of units that a barrier or a person parts: they are no links, and as long all the same."""
    pairs = {frozenset(pair) for pair in apart}
    if not pairs or "shared_m" not in edges.columns:
        return edges
    near = units[units["unit_id"].isin(frozenset().union(*pairs))]
    drawn = unit_edges(near, crs=crs)
    known = set(map(frozenset, edges[["unit_a", "unit_b"]].to_numpy().tolist()))
    is_parted = [pair in pairs - known for pair in map(frozenset, drawn[["unit_a", "unit_b"]].to_numpy().tolist())]
    return pd.concat(
        [edges[["unit_a", "unit_b", "shared_m"]], drawn.loc[is_parted, ["unit_a", "unit_b", "shared_m"]]],
        ignore_index=True,
    )


def split_table(groups: Mapping[str, Iterable[str]], zone: pd.Series) -> pd.DataFrame:
    """Say which groups are in two zones or more."""
    rows = []
    for name, members in groups.items():
        ids = list(members)
        found = zone[zone.index.isin(ids)]
        zones = natural_order(found)
        lost = [i for i in ids if i not in found.index]
        rows.append((name, ";".join(zones), len(zones) > 1, ";".join(lost)))
    return pd.DataFrame(rows, columns=["name", "zones", "is_split", "not_placed"]).astype({"is_split": "bool"})


def _hotspots(given: pd.DataFrame) -> pd.DataFrame:
    named = given.rename(columns={"hotspot_id": "name"})[["name", "zones", "is_split"]]
    return named.assign(not_placed="").astype({"is_split": "bool"})


def _joined(split: Mapping[str, pd.DataFrame | None]) -> pd.DataFrame:
    columns = ["kind", "name", "zones", "is_split", "not_placed"]
    kept = [table.assign(kind=kind) for kind, table in split.items() if table is not None]
    joined = pd.concat(kept, ignore_index=True) if kept else pd.DataFrame(columns=columns)
    return joined[columns].astype({"is_split": "bool"})


def _team_table(table: pd.DataFrame) -> pd.DataFrame | None:
    if "team" not in table.columns or table["team"].isna().all():
        return None
    by_team = table.groupby("team", sort=True)
    sums = by_team.agg(
        zones=("zone_id", "size"), workload=("workload", "sum"), counted=("is_counted", "sum")
    ).reset_index()
    per_zone = sums["workload"] / sums["counted"].where(sums["counted"] > 0)
    return sums.drop(columns="counted").assign(load_per_zone=per_zone)
