"""The ground that a term's plans stand on: its schools as units, who borders whom, the rules, and the travel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.rebalance.ground.links import about_bridges, read_links, unit_edges
from safeschools_geo.rebalance.ground.school_areas import units_of_school_areas
from safeschools_geo.rebalance.ground.unit_tables import schools_of_units
from safeschools_geo.rebalance.ground.units import UnitsBuilt, units_of_schools
from safeschools_geo.rebalance.problem_of_units import Rules, rules_of
from safeschools_geo.rebalance.travel import travel_km, zone_centres
from safeschools_geo.term_results import Ground

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from safeschools_geo.district import District
    from safeschools_geo.settings import RebalanceSettings, Term


def lay_ground(
    district: District, school_zones: pd.Series, history: pd.DataFrame, workload: pd.DataFrame, *, term: Term
) -> Ground | None:
    """Turn the programme schools of a district, or the areas it supplies, into units.

    Parameters
    ----------
    district
        What was read.
    school_zones
        Zone of each school, by `school_id`; empty text where a school has none.
    history
        Incidents in context.
    workload
        Table `workload`.
    term
        The term that loads are taken from.

    Returns
    -------
    Ground or None
        Units, edges, rules and travel; None where there is nothing to balance: no programme school in a zone, no
        workload, or fewer than two zones that count.
    """
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
    rules, centres = _rules(built.units, district.settings.rebalance, apart, crs=district.crs)
    rules = replace(rules, moves_in=moves_in)
    travel = travel_km(built.units, centres, crs=district.crs)
    noun = "school" if district.areas is None else "area"
    return Ground(built.units, edges, rules, travel, (*built.findings, *bridges), noun, empty)


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
    """Turn what the settings say of schools into rules for units, and choose the centres of the zones.

    Schools that share a unit stand for it.
    """
    by_school = schools_of_units(units)
    unit_of = {str(school): str(unit) for school, unit in by_school.items()} | {unit: unit for unit in by_school}
    given = {zone: unit_of.get(school, school) for zone, school in settings.roots.items()}
    centres = zone_centres(units, given, crs=crs)
    roots = dict(centres) if settings.keeps_roots else given
    rules = rules_of(
        roots=roots or None,
        locked=dict.fromkeys(unit_of.get(s, s) for s in settings.locked),
        together=[[unit_of.get(s, s) for s in group] for group in settings.together],
        forbidden=[(unit_of.get(s, s), zone) for s, zone in settings.forbidden],
        apart=apart,
    )
    return rules, centres
