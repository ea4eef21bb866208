"""A usual day of a term: its schools as units, calls, ways, where officers wait, who is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.assign import assign_campuses
from safeschools_geo.coverage import UsualDay, usual_day
from safeschools_geo.rebalance import (
    Rules,
    UnitsBuilt,
    about_bridges,
    read_links,
    schools_in_zones,
    schools_of_units,
    travel_km,
    unit_edges,
    units_of_school_areas,
    units_of_schools,
    zone_centers,
)
from safeschools_geo.results import PlanInputs
from safeschools_geo.workload import officer_work, travel_minutes

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from safeschools_geo.district import District
    from safeschools_geo.results import TermResult
    from safeschools_geo.settings import RebalanceSettings


# ── What the plans of a term are made of: its schools as units, who borders whom, the rules, and the travel


def prepare_plan(result: TermResult) -> PlanInputs | None:
    """Turn the program schools of a district, or the areas it supplies, into units.

    Parameters
    ----------
    result
        Results of the term: its schools, zones, calls and workload.

    Returns
    -------
    PlanInputs or None
        Units, edges, rules and travel; None where there is nothing to balance: no program school in a zone, no
        workload, or fewer than two zones that count.
    """
    district, history, term, school_zones = result.district, result.history, result.term, result.zone_of
    workload = result.workload
    this = workload[workload["term"] == term.name].set_index("school_id")["workload_h"]
    has_zone = school_zones.reindex(this.index).fillna("") != ""
    placed = this[has_zone.to_numpy()]
    if placed.sum() <= 0 or len(district.zones) < 2:  # noqa: PLR2004 - between two zones
        return None
    mine = history[(history["term"] == term.name) & (history["work_of"] == "zone_officer")]
    built = _units(district, school_zones, this, mine.groupby("school_id").size())
    schools = built.units.groupby("zone_id")["schools"].sum()
    empty = () if district.settings.rebalance.fills_empty_zones else tuple(schools.index[schools == 0].astype("str"))
    if len(schools) - len(empty) < 2:  # noqa: PLR2004 - between two zones
        return None
    chosen = district.settings.rebalance.links
    links = None if chosen is None else read_links(district.settings.folder / chosen)
    edges = unit_edges(
        built.units,
        extra=None if links is None else links[links["kind"] == "extra"],
        forbidden=None if links is None else links[links["kind"] == "forbidden"],
        crs=district.crs,
    )
    bridges = about_bridges(built.units, edges, crs=district.crs)
    # Schools that share a site move together, and count as many as they are.
    moves_in = "schools" if district.areas is None and built.units["schools"].gt(1).any() else "units"
    closed = pd.DataFrame(columns=["unit_a", "unit_b"]) if links is None else links[links["kind"] == "forbidden"]
    apart = list(zip(closed["unit_a"], closed["unit_b"], strict=True))
    rules, centers = _rules(built.units, district.settings.rebalance, apart, crs=district.crs)
    rules = replace(rules, moves_in=moves_in)
    travel = travel_km(built.units, centers, crs=district.crs)
    noun = "school" if district.areas is None else "area"
    return PlanInputs(built.units, edges, rules, travel, (*built.findings, *bridges), noun, empty)


def units_of_district(district: District) -> gpd.GeoDataFrame:
    """Make the units of a district in its zones of today, without a workload."""
    snap = district.settings.assign.max_snap_m
    ids = district.schools["school_id"]
    placed = assign_campuses(district.schools, district.zones, max_snap_m=snap)["zone_id"].set_axis(ids)
    nothing = pd.Series(0.0, index=ids[district.schools["in_program"].to_numpy()])
    return _units(district, placed, nothing, nothing).units


def _units(district: District, school_zones: pd.Series, workload: pd.Series, incidents: pd.Series) -> UnitsBuilt:
    """Take the areas that the district supplies for its plans, else the service areas of its schools."""
    if district.areas is not None:
        return units_of_school_areas(
            district.areas,
            district.zones,
            district.schools,
            school_zones,
            workload,
            incidents=incidents,
            crs=district.crs,
        )
    return units_of_schools(
        district.schools,
        district.zones,
        district.boundary,
        school_zones,
        workload,
        incidents=incidents,
        crs=district.crs,
    )


def _rules(
    units: gpd.GeoDataFrame, settings: RebalanceSettings, apart: Iterable[tuple[str, str]], *, crs: object
) -> tuple[Rules, pd.Series]:
    """Turn what the settings say of schools into rules for units, and choose the centers of the zones.

    Schools that share a unit stand for it.
    """
    by_school = schools_of_units(units)
    unit_of = {str(school): str(unit) for school, unit in by_school.items()} | {unit: unit for unit in by_school}
    given = {zone: unit_of.get(school, school) for zone, school in settings.roots.items()}
    centers = zone_centers(units, given, crs=crs)
    roots = dict(centers) if settings.keeps_roots else given
    rules = Rules(
        roots=roots or None,
        locked=tuple(dict.fromkeys(unit_of.get(s, s) for s in settings.locked)),
        together=tuple(tuple(unit_of.get(s, s) for s in group) for group in settings.together),
        forbidden=tuple((unit_of.get(s, s), zone) for s, zone in settings.forbidden),
        apart=tuple(apart),
    )
    return rules, centers


# ── A usual day of a term: where officers wait in the zones of today, and in those of a plan


def describe_usual_day(result: TermResult, inputs: PlanInputs | None) -> UsualDay | None:
    """Describe a usual day of a term.

    Parameters
    ----------
    result
        Results of the term: its schools, zones, calls and workload.
    inputs
        Units of the district, for the middle of each zone; None where there are none.

    Returns
    -------
    UsualDay or None
        None where there is no call to answer, or no school in a zone.
    """
    district, workload, term = result.district, result.workload, result.term
    history, settings = result.history, district.settings.workload
    schools, _ = schools_in_zones(district.schools, result.zone_of)
    trips = travel_minutes(district.schools, result.zone_of, settings, crs=district.crs)
    return usual_day(
        district.settings,
        history,
        officer_work(history[history["school_id"].isin(schools["school_id"])], trips, settings),
        schools,
        district.zones,
        term=term,
        school_zones=result.zone_of,
        roads=district.roads,
        crs=district.crs,
        workload_h=workload[workload["term"] == term.name].set_index("school_id")["workload_h"],
        middle_schools={} if inputs is None else _middle_schools(inputs.units, crs=district.crs),
        seed=result.seed,
    )


def stage_officers(district: District, usual_day: UsualDay, inputs: PlanInputs, assignment: pd.Series) -> pd.Series:
    """Place officers anew for the zones of a plan, by the rule by which they wait today (assumption A44).

    Where the officer of each zone waits, by `zone_id`: the school in the middle of the new zone. Where the settings
    name a school that is in the zone still, or the plan leaves a zone as it is, where he waits today.
    """
    units = inputs.units.assign(zone_id=inputs.units["unit_id"].map(assignment).to_numpy())
    today = inputs.units.set_index("unit_id")["zone_id"]
    after = assignment.reindex(today.index)
    changed = {*today[today != after], *after[today != after]}
    schools = schools_of_units(inputs.units).map(assignment)
    zones = schools.reindex(usual_day.zones.index).fillna(usual_day.zones).astype("str")
    kept = {z: p for z, p in usual_day.waiting.items() if z not in changed}
    kept |= {z: p for z, p in district.settings.coverage.staging.items() if zones.get(p) == z}
    middles = _middle_schools(units, crs=district.crs)
    posts = {z: kept.get(z) or middles.get(str(z)) or p for z, p in usual_day.waiting.items()}
    return pd.Series(posts, name="school_id", dtype="str").rename_axis("zone_id")


def _middle_schools(units: gpd.GeoDataFrame, *, crs: object) -> dict[str, str]:
    """Give the school in the middle of each zone that has one."""
    first = schools_of_units(units).reset_index().drop_duplicates("unit_id").set_index("unit_id")["school_id"]
    centers = zone_centers(units[units["unit_id"].isin(first.index)], crs=crs)
    return {str(zone): str(first[unit]) for zone, unit in centers.items()}
