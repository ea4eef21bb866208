"""A term's units and usual day, the proposal of other zones, other plans, and who covers an absent officer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.assign import assign_campuses
from safeschools_geo.coverage import CoveragePlan, UsualDay, cover_zones, usual_day
from safeschools_geo.district import District, zones_from_file
from safeschools_geo.errors import InputError, SettingsError
from safeschools_geo.hotspots import split_groups
from safeschools_geo.rebalance import (
    ANEW,
    EXACT,
    PlanRead,
    Rules,
    Score,
    Stability,
    UnitsBuilt,
    about_bridges,
    frontier,
    nearest_of_the_even,
    part_by_barriers,
    plan_from_file,
    plan_stability,
    read_links,
    rebalance,
    redrawn_terms,
    schools_in_zones,
    schools_of_units,
    score_plan,
    travel_km,
    unit_edges,
    units_of_school_areas,
    units_of_schools,
    zone_centers,
    zones_of_plan,
)
from safeschools_geo.results import PlanInputs, ScoredPlan, ScoredPlans, TermPlan, has_calls, why_nothing_to_plan
from safeschools_geo.school_calendar import school_days
from safeschools_geo.settings import LayerSettings
from safeschools_geo.text import school_of_level
from safeschools_geo.workload import (
    SCHOOL_WEEK,
    imbalance,
    officer_work,
    school_workload,
    travel_minutes,
    zone_workload,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    import geopandas as gpd

    from safeschools_geo.coverage import UsualDay
    from safeschools_geo.hotspots import Hotspots
    from safeschools_geo.rebalance import Frontier, RebalancePlan
    from safeschools_geo.results import TermResult
    from safeschools_geo.sections import Change


# ── What the plans of a term are made of: its schools as units, who borders whom, the rules, and the travel


def prepare_plan(result: TermResult) -> PlanInputs | None:
    """Turn the program schools of a district, or the areas it supplies, into units, with what plans are made of.

    None where there is nothing to balance: no program school in a zone, no workload, or fewer than two zones that
    count.
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
        tolerance_m=district.settings.rebalance.neighbor_tolerance_m,
        crs=district.crs,
    )
    bridges = about_bridges(built.units, edges, crs=district.crs)
    barred: dict[str, Any] = {}
    if district.barriers is not None:
        said = [] if links is None else links.loc[links["kind"] == "extra", ["unit_a", "unit_b"]].to_numpy().tolist()
        edges, barred, found = part_by_barriers(
            built.units, edges, district.barriers, district.roads, linked=map(tuple, said), crs=district.crs
        )
        bridges += found
    # Schools that share a site move together, and count as many as they are.
    moves_in = "schools" if district.areas is None and built.units["schools"].gt(1).any() else "units"
    closed = pd.DataFrame(columns=["unit_a", "unit_b"]) if links is None else links[links["kind"] == "forbidden"]
    apart = [*zip(closed["unit_a"], closed["unit_b"], strict=True), *barred.get("pairs", ())]
    units = built.units
    if district.settings.rebalance.most_students_moved is not None:
        units = _with_known_students(units, district.schools)
    rules, centers = _rules(district, units, apart, result.hotspots)
    rules = replace(rules, moves_in=moves_in, barriers=barred)
    travel = travel_km(units, centers, crs=district.crs)
    noun = "school" if district.areas is None else "area"
    return PlanInputs(units, edges, rules, travel, (*built.findings, *bridges), noun, empty)


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
            tolerance_m=district.settings.rebalance.neighbor_tolerance_m,
            crs=district.crs,
        )
    return units_of_schools(
        district.schools,
        district.zones,
        district.boundary,
        school_zones,
        workload,
        incidents=incidents,
        tolerance_m=district.settings.rebalance.neighbor_tolerance_m,
        crs=district.crs,
    )


def _with_known_students(units: gpd.GeoDataFrame, schools: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Take the students of a unit for unknown where they are of one of its schools."""
    unknown = set(schools.loc[schools["enrollment"].isna(), "school_id"]) if "enrollment" in schools else None
    by_school = schools_of_units(units)
    lacking = by_school if unknown is None else by_school[by_school.index.isin(unknown)]
    students = units["students"] if "students" in units else pd.Series(np.nan, index=units.index)
    return units.assign(students=students.mask(units["unit_id"].isin(lacking)))


def _rules(
    district: District, units: gpd.GeoDataFrame, apart: Iterable[tuple[str, str]], hotspots: Hotspots
) -> tuple[Rules, pd.Series]:
    """Turn what the settings say of schools into rules for their units, and choose the centers of the zones."""
    settings, schools = district.settings.rebalance, district.schools
    by_school = schools_of_units(units)
    level = schools.set_index("school_id")["level"].reindex(by_school.index)
    unit_of = {str(school): str(unit) for school, unit in by_school.items()} | {unit: unit for unit in by_school}
    given = {zone: unit_of.get(school, school) for zone, school in settings.roots.items()}
    centers = zone_centers(units, given, crs=district.crs)
    roots = dict(centers) if settings.keeps_roots else given
    rules = Rules(
        roots=roots or None,
        locked=tuple(dict.fromkeys(unit_of.get(s, s) for s in settings.locked)),
        together=tuple(tuple(unit_of.get(s, s) for s in group) for group in settings.together),
        forbidden=tuple((unit_of.get(s, s), zone) for s, zone in settings.forbidden),
        apart=tuple(apart),
        one_of_each={
            school_of_level(name): tuple(dict.fromkeys(by_school[level == name])) for name in settings.one_of_each
        },
        most_students=settings.most_students_moved,
        whole={
            name: ids
            for name, group in _whole_groups(district, hotspots).items()
            if (ids := tuple(dict.fromkeys(by_school[by_school.index.isin(group)])))
        },
    )
    return rules, centers


def _whole_groups(district: District, hotspots: Hotspots) -> dict[str, Collection[str]]:
    """Name the groups of schools that are asked to be kept whole: feeder patterns, and hotspots that were found."""
    settings = district.settings.rebalance
    groups: dict[str, Collection[str]] = {}
    if settings.keeps_hotspots:
        groups |= {f"hotspot {name}": group for name, group in hotspots.groups_of_schools.items()}
    if settings.keeps_feeders:
        groups |= {f"feeder pattern {name}": group for name, group in district.feeders.items()}
    return groups


# ── A usual day of a term: where officers wait in the zones of today, and in those of a plan


def describe_usual_day(result: TermResult, inputs: PlanInputs | None) -> UsualDay | None:
    """Describe a usual day of a term; None where there is no call to answer, or no school in a zone.

    `inputs` are for the middle of each zone; None where there are no units.
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
        earlier=[one.name for one in district.settings.terms if one.start < term.start],
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


# ── Scores of plans of a district: how good one is on every measure, and whether it holds up in other terms

_HOUR = 60.0
_DAY_MIN = 1440.0


def score_in_district(
    district: District,
    inputs: PlanInputs,
    assignment: pd.Series,
    groups: Mapping[str, list[str]],
    *,
    usual_day: UsualDay | None = None,
) -> Score:
    """Score a plan with all that is known of a district.

    Parameters
    ----------
    district
        What was read.
    inputs
        Units, edges, rules and travel.
    assignment
        Zone of each unit, by `unit_id`.
    groups
        Id of each hotspot of several schools → ids of its schools.
    usual_day
        A usual day, to score coverage with; None leaves that out.

    Returns
    -------
    Score
        Every measure.
    """
    by_school = schools_of_units(inputs.units).map(assignment)
    return score_plan(
        inputs.units,
        assignment,
        inputs.edges,
        zones=district.zones,
        roots=inputs.rules.roots,
        rules=inputs.rules,
        costs=inputs.travel,
        groups={" + ".join(group): group for group in inputs.rules.together} or None,
        feeders=district.feeders or None,
        hotspot_splits=split_groups(groups, by_school),
        schools=district.schools,
        coverage=None if usual_day is None else _coverage(district, usual_day, inputs, assignment),
        set_apart=inputs.set_apart,
        crs=district.crs,
    )


def _coverage(district: District, usual_day: UsualDay, inputs: PlanInputs, assignment: pd.Series) -> pd.DataFrame:
    """Score coverage with officers where they wait today, and response with officers placed anew as well."""
    by_school = schools_of_units(inputs.units).map(assignment)
    old = usual_day.scores_of(by_school).to_frame()
    waiting = stage_officers(district, usual_day, inputs, assignment)
    new = usual_day.scores_of(by_school, waiting=waiting).to_frame()
    new = new[new["unit"].eq("min") | new["measure"].str.startswith("within_")]
    label = new["label"] + ", officers placed anew"
    return pd.concat([old, new.assign(measure=new["measure"] + ANEW, label=label)], ignore_index=True)


def stability_in_district(result: TermResult, inputs: PlanInputs, assignment: pd.Series) -> Stability:
    """Ask whether a plan (the zone of each unit, by `unit_id`) holds up in past terms and in redrawn ones."""
    district, history, workload, term = result.district, result.history, result.workload, result.term
    unit_of = schools_of_units(inputs.units)
    ids = inputs.units["unit_id"]
    settings = district.settings
    # A term without a call tells of visits alone, which the settings say: nothing could hold up in it, or fail to.
    called = set(history.loc[history["work_of"] == "zone_officer", "term"])
    past = [t.name for t in settings.terms if t.start <= term.start and t.name in called]
    by_unit = workload[workload["term"].isin(past)].assign(unit_id=lambda t: t["school_id"].map(unit_of))
    loads = by_unit.pivot_table(index="unit_id", columns="term", values="workload_h", aggfunc="sum")
    loads = loads.reindex(index=ids, columns=past).fillna(0.0)
    return plan_stability(
        inputs.units,
        assignment,
        loads,
        tolerance=settings.rebalance.tolerance,
        planned_on=term.name if term.name in called else None,
        zones=list(district.zones["zone_id"]),
        set_apart=inputs.set_apart,
        **_by_day(result, inputs),
        bootstrap=settings.rebalance.bootstrap,
        seed=result.seed,
    )


def _by_day(result: TermResult, inputs: PlanInputs) -> dict[str, Any]:
    """Take the hours of each unit apart: those of incidents, by day, and those that are the same every day."""
    district, history, workload, term = result.district, result.history, result.workload, result.term
    unit_of, settings = schools_of_units(inputs.units), district.settings
    this = workload[workload["term"] == term.name].assign(unit_id=lambda t: t["school_id"].map(unit_of))
    trips = travel_minutes(district.schools, result.zone_of, settings.workload, crs=district.crs)
    work = officer_work(history[history["term"] == term.name], trips, settings.workload)
    days = school_days(term, settings.calendar)
    incidents = pd.DataFrame(
        {
            "unit_id": work["school_id"].map(unit_of),
            "day": work["occurred_at"].dt.tz_localize(None).dt.normalize(),
            "hours": (work["scene_min"] + work["trip_min"]) / _HOUR,
        }
    ).dropna()
    # The rest of a school's workload is the same in every term: visits, and the way to them.
    fixed = this.groupby("unit_id")["workload_h"].sum() - incidents.groupby("unit_id")["hours"].sum().div(
        max(len(days), 1)
    ).reindex(this["unit_id"].unique()).fillna(0.0)
    return {
        "incident_hours": incidents,
        "school_days": [day.date() for day in days],
        "visit_hours": fixed.clip(lower=0.0).reindex(inputs.units["unit_id"]).fillna(0.0),
    }


# ── Plans that other people made: read from any file, and scored beside each other


def read_plan(
    path: Path | str,
    of: District | gpd.GeoDataFrame,
    *,
    zones: Iterable[str] | gpd.GeoDataFrame | None = None,
    schools: gpd.GeoDataFrame | None = None,
    boundary: gpd.GeoDataFrame | None = None,
    zone_id: str | None = None,
    layer: str | None = None,
    crs: str | int | None = None,
    forecasts: bool = False,
) -> PlanRead:
    """Read a plan: the product's plan.csv, a table that a person made, or zones drawn as polygons.

    Parameters
    ----------
    path
        A table with `unit_id` or `school_id`, and `zone_after` or `zone_id` (the first of each pair goes where a file
        has both). The zone may be ``keep``; a row with the id ``*`` and the zone ``keep`` says that every unit the
        file does not name keeps its zone. Or polygons with `zone_id`, in any format of layers: all zones, or only
        those that change.
    of
        The district, or units with `unit_id`, the current `zone_id`, and `school_ids` where a unit holds other schools
        than the one of its id.
    zones
        Ids of zones there are besides those of the units, or the table `zones` with their current drawing; that of the
        district by default, else the units of each zone joined.
    schools
        Schools with `school_id` and their places; those of the district by default, else each unit is where its
        `anchor`, or its shape, is.
    boundary
        The district, to tell what no zone covers.
    zone_id, layer, crs
        Of drawn zones: name of the column of ids, layer of a file with several, and CRS where the file states none.
    forecasts
        Whether the plan is of a district as its settings forecast it (``[[changes]]``). A table need not name a school
        that opens, which then goes with the zone it is in, and may name one that closes; both are reported.

    Returns
    -------
    PlanRead
        `assignment` (Series of zone by unit), `findings`, `path`, and `zones`: the drawing, whole and repaired, where
        the plan was drawn. Of a table: schools that share a unit with one it names, units without a school and units
        whose `zone_before` is not their zone now are reported. Of a drawing: a zone that is not in the file keeps its
        ground but for what the drawn ones take; a school within 0.5 m of a border keeps its zone; overlaps, gaps and
        pieces that today's zones do not have are reported, with their repair.

    Raises
    ------
    FileReadError, ColumnError, CRSError, GeometryError
        When the file cannot be read, or lacks columns, polygons or a CRS.
    InputError
        When rows have no id or no zone, name an unknown id or zone or the same id twice, put schools of one unit into
        two zones, or leave schools or units out; when polygons lie elsewhere, or overlap where a school is. All faults
        are reported at once.
    """
    columns: dict[str, str] = {} if zone_id is None else {"zone_id": zone_id}
    changes: dict[str, str] = {}
    if isinstance(of, District):
        if forecasts:
            changes = {change.school_id: change.change for change in of.settings.changes}
            of = of.with_changes()
        read = replace(of.settings.zones, layer=layer, columns=columns or of.settings.zones.columns)
        options = replace(read, crs=read.crs if crs is None else crs)
        zones, schools, boundary = of.zones, of.schools, of.boundary
        units, metric = units_of_district(of), of.crs
    else:
        options, units, metric = LayerSettings(layer=layer, columns=columns, crs=crs), of, None
    return plan_from_file(
        Path(path),
        units,
        assign=assign_campuses,
        read_zones=zones_from_file,
        zones=zones,
        schools=schools,
        boundary=boundary,
        layer=options,
        crs=metric,
        changes=changes,
    )


def score_plans(result: TermResult, plans: Mapping[str, PlanRead], *, forecasts: bool = False) -> ScoredPlans:
    """Score plans beside the current zones, all on the same measures.

    Parameters
    ----------
    result
        Results of the term that loads are taken from.
    plans
        Name → plan, of the units of the district (`read_plan`).
    forecasts
        Whether to score on the changes that the settings forecast (``[[changes]]``), and to say so, not on the record.

    Returns
    -------
    ScoredPlans
        The scores, and what each plan changes, gains and costs.

    Raises
    ------
    SettingsError
        When there is nothing to score: one zone, or no workload.
    """
    result, forecast = _forecast(result) if forecasts else (result, ())
    district, groups = result.district, result.hotspots.groups_of_schools
    inputs = prepare_plan(result)
    if inputs is None:
        raise SettingsError(
            why_nothing_to_plan(district, result.loads, result.history, term=result.term)
            or "There is nothing to score.",
            where=district.settings.folder,
            expected="two zones or more, with program schools that have a workload in the term",
            remedy="Run `safeschools check`, or name another --term.",
        )
    inputs = replace(inputs, forecast=forecast)
    current = inputs.units.set_index("unit_id")["zone_id"]
    usual_day = describe_usual_day(result, inputs)
    today = score_in_district(district, inputs, current, groups, usual_day=usual_day)
    scored = {}
    for name, plan in plans.items():
        drawn = plan.zones
        if drawn is None:
            drawn = zones_of_plan(
                inputs.units,
                plan.assignment,
                district.zones,
                schools=district.schools,
                tolerance_m=district.settings.rebalance.neighbor_tolerance_m,
                crs=district.crs,
            )
        scored[name] = ScoredPlan(
            assignment=plan.assignment,
            zones=drawn,
            score=score_in_district(district, inputs, plan.assignment, groups, usual_day=usual_day),
            stability=stability_in_district(result, inputs, plan.assignment),
            findings=plan.findings,
            inputs=inputs,
            current=today,
        )
    return ScoredPlans(inputs, today, scored, district.zones)


# ── Who covers an absent officer's schools: the most even plan in which nothing else changes


def cover_by_neighbors(inputs: PlanInputs, *, crs: object, seed: int = 0) -> Callable[[tuple[str, ...]], pd.Series]:
    """Make the rule by which neighbors cover for absent officers.

    What stays in a zone counts as one unit, for it does not move: what is left to decide is small, and is solved
    as an integer program over plans in which every school has a neighbor in its
    zone that is nearer to the zone's center. Rules of the district on where a school may be hold on such a day too, but
    for those that keep it in the zone that has no officer.
    """
    schools = schools_of_units(inputs.units)

    def take_over(absent: tuple[str, ...]) -> pd.Series:
        if not inputs.units["zone_id"].isin(absent).any():
            return pd.Series([], index=pd.Index([], dtype="str"), name="zone_id", dtype="str")
        units, edges, travel = _merged(inputs, absent)
        staying = {zone: f"zone {zone}" for zone in travel.columns}
        rules = replace(
            inputs.rules,
            roots={zone: unit for zone, unit in staying.items() if unit in set(units["unit_id"])},
            locked=(),
            together=(),
            # Of the day of an absence nothing is asked but that somebody comes.
            one_of_each={},
            most_students=None,
            whole={},
            forbidden=tuple(
                (unit, zone)
                for unit, zone in inputs.rules.forbidden
                if zone not in absent and unit in set(units["unit_id"])
            ),
        )
        zone_of = nearest_of_the_even(units, edges, rules=rules, travel=travel, crs=crs, seed=seed)
        if zone_of is None:
            raise InputError(
                "Nobody can cover for these officers.",
                where="zones",
                ids=absent,
                expected="neighbors whose zones stay contiguous with the schools they take",
                remedy="Add links between schools that can be driven across ([rebalance] links), or loosen locks.",
            )
        taken: pd.Series = schools.map(zone_of).dropna().astype("str").rename("zone_id")
        return taken

    return take_over


def _merged(inputs: PlanInputs, absent: tuple[str, ...]) -> tuple[gpd.GeoDataFrame, pd.DataFrame, pd.DataFrame]:
    """Make one unit of all that stays in a zone, and start every other unit in a zone that is near."""
    units, edges = inputs.units, inputs.edges
    is_open = units["zone_id"].isin(absent).to_numpy()
    name = units["unit_id"].where(is_open, "zone " + units["zone_id"]).astype("str")
    kept = [c for c in ("unit_id", "zone_id", "workload", "geometry", "anchor") if c in units]
    merged = units[kept].assign(unit_id=name)
    first = merged.drop_duplicates("unit_id").reset_index(drop=True)
    loads = merged.groupby("unit_id")["workload"].sum()
    first["workload"] = first["unit_id"].map(loads)
    new = pd.Series(name.to_numpy(), index=units["unit_id"])
    pairs = edges.assign(unit_a=edges["unit_a"].map(new), unit_b=edges["unit_b"].map(new))
    pairs = pairs[pairs["unit_a"] != pairs["unit_b"]]
    swapped = pairs["unit_a"] > pairs["unit_b"]
    pairs.loc[swapped, ["unit_a", "unit_b"]] = pairs.loc[swapped, ["unit_b", "unit_a"]].to_numpy()
    border = pairs.groupby(["unit_a", "unit_b"], as_index=False).agg(
        shared_m=("shared_m", "sum"), kind=("kind", "first")
    )
    there = [zone for zone in inputs.travel.columns if zone not in absent]
    travel = inputs.travel.loc[units["unit_id"], there]
    travel = travel.groupby(name.to_numpy()).mean().loc[first["unit_id"]]
    nearest = travel.to_numpy().argmin(axis=1)
    is_free = first["unit_id"].isin(units["unit_id"][is_open]).to_numpy()
    start = np.where(is_free, np.array(there, dtype=object)[nearest], first["zone_id"].to_numpy(dtype=object))
    return first.assign(zone_id=pd.array(start, dtype="str")), border, travel


_MOST_PROTECTED = 1_000
"""Of more units the minutes from each place to each are a table too long to keep."""


# ── A term's proposal of other zones: frontier, plan, its scores beside today's, and whether it holds up


def _forecast(result: TermResult) -> tuple[TermResult, tuple[str, ...]]:
    """Put schools that open, close or grow into the results of a term, and say what the loads are forecast by.

    Calls, with the ways to them, grow by the factor; visits are those of the level. A school that opens has the calls
    for each student of the schools of its level, or of all schools where there is none; where its enrollment is not
    said, those of a mean school of these. Calls at a school that closes are left out: who goes elsewhere is a change of
    its own.
    """
    changes, term = result.district.settings.changes, result.term
    if not changes:
        return result, ()
    before, district = result.district.schools.set_index("school_id")["enrollment"], result.district.with_changes()
    schools, closed = district.schools, [c.school_id for c in changes if c.change == "closes"]
    new = schools[schools["school_id"].isin(c.school_id for c in changes if c.change == "opens")]
    placed = assign_campuses(new, district.zones, max_snap_m=district.settings.assign.max_snap_m)
    placed.insert(0, "school_id", new["school_id"].to_numpy())
    old = result.school_zones[~result.school_zones["school_id"].isin(closed)]
    school_zones = pd.concat([old, placed], ignore_index=True)
    zone_of = school_zones.set_index("school_id")["zone_id"]
    history = result.history[~result.history["school_id"].isin(closed)]
    settings = district.settings.workload
    workload = school_workload(
        *(history, schools, zone_of),
        terms=district.settings.terms,
        calendar=district.settings.calendar,
        settings=settings,
        crs=district.crs,
    )
    is_this = workload["term"] == term.name
    this = workload[is_this].set_index("school_id")
    trips = travel_minutes(schools, zone_of, settings, crs=district.crs).reindex(this.index).fillna(0.0)
    visits = this["level"].map(dict(settings.visits_per_week)).astype("float64") / SCHOOL_WEEK
    calls = (this["workload_h"] - visits * (settings.visit_min + trips) / _HOUR).clip(lower=0.0)
    more, said = pd.Series(0.0, index=this.index), []
    for change in changes:
        name = change.school_id
        if change.change == "closes":
            said.append(f"{name} closes")
        elif change.change == "grows":
            factor = change.factor if change.factor is not None else float(change.enrollment or 0) / float(before[name])
            more[name] = calls[name] * (factor - 1)
            said.append(f"calls at {name} count {factor:.2f} times")
        else:
            more[name], of = _calls_of_new(change, calls.drop(new["school_id"]), before, schools)
            hours = this["workload_h"][name] + more[name]
            said.append(
                f"{name} opens in zone {zone_of[name]} with {hours:.2f} officer-hours a day, by the calls of {of}"
            )
    ids = workload["school_id"]
    for column in ("incident_h", "workload_h"):
        workload[column] += ids.map(more).where(is_this, 0.0).fillna(0.0)
    loads = zone_workload(workload, district.zones)
    forecast = replace(result, district=district, school_zones=school_zones, history=history, workload=workload)
    return replace(forecast, zone_loads=loads), tuple(said)


def _calls_of_new(
    change: Change, calls: pd.Series, enrollment: pd.Series, schools: gpd.GeoDataFrame
) -> tuple[float, str]:
    """Forecast the hours of calls at a school that opens, and say after which schools."""
    level = schools.set_index("school_id")["level"].reindex(calls.index)
    alike, of = calls[level == change.level], f"{school_of_level(str(change.level))}s"
    if alike.empty:
        alike, of = calls, "all schools, for there is none of its level"
    size = enrollment.reindex(alike.index).astype("float64")
    if change.enrollment is None or not size.sum() > 0:
        return float(alike.mean()), f"a mean school of {of}"
    return float(alike[size > 0].sum() / size.sum()) * change.enrollment, f"{of} for each student"


def propose_zones(
    result: TermResult,
    *,
    forecasts: bool = False,
    follows_rule: bool = True,
    keeps_interrupted: bool = False,
    on_point: Callable[[str], None] = lambda _: None,
) -> TermPlan:
    """Propose other zones for a district.

    Parameters
    ----------
    result
        Results of the term: loads are taken from it, and the hotspots that a plan may split.
    forecasts
        Whether to plan on the changes that the settings forecast (``[[changes]]``), and to say so, not on the record.
    follows_rule
        Whether to propose the plan of the frontier that the rule chooses (assumption A36); else that of the most moves.
        With a tolerance in the settings it is the plan of the fewest moves that keeps it.
    keeps_interrupted
        Whether an interruption from the keyboard ends the search with what was found so far; else it ends the run.
    on_point
        Called with what each point of the frontier came to, in words, as it is found.

    Returns
    -------
    TermPlan
        The proposal; empty where there is nothing to balance (`prepare_plan`), or no call was recorded.
    """
    result, forecast = _forecast(result) if forecasts else (result, ())
    district, seed = result.district, result.seed
    inputs = prepare_plan(result) if has_calls(result.history, result.term) else None
    if inputs is None:
        why = why_nothing_to_plan(district, result.loads, result.history, term=result.term)
        return TermPlan.nothing(why or "There is nothing to rebalance.")
    inputs = replace(inputs, forecast=forecast)
    usual_day = describe_usual_day(result, inputs)
    settings = district.settings.rebalance
    rules = inputs.rules
    response, why_longer = None, ""
    if usual_day is not None and "response" in settings.protect:
        if len(inputs.units) <= _MOST_PROTECTED:
            response = response_table(usual_day, inputs)
        else:
            many = f"more than {_MOST_PROTECTED:,} {inputs.noun}s"
            why_longer = f"Whether calls would wait longer limits no plan among {many}."
    asked: dict[str, Any] = {
        "adjacency": inputs.edges,
        "travel": inputs.travel,
        "set_apart": inputs.set_apart,
        "response": response,
        "forecast": forecast,
        "neighbor_tolerance_m": settings.neighbor_tolerance_m,
        "time_limit_s": settings.time_limit_s,
        "seed": seed,
        "crs": district.crs,
        "noun": inputs.noun,
    }
    redrawn = redrawn_terms(inputs.units, **_by_day(result, inputs), bootstrap=settings.bootstrap, seed=seed)

    def search(*, against: Frontier | None = None) -> tuple[Frontier, RebalancePlan]:
        no_slower = against is not None
        found = frontier(
            inputs.units,
            **asked,
            max_moves=settings.max_moves,
            rules=rules,
            slack=settings.slack,
            no_slower=no_slower,
            against=against,
            redrawn=redrawn,
            keeps_interrupted=keeps_interrupted,
            on_point=on_point,
        )
        if settings.tolerance is not None:
            limits: dict[str, Any] = {"tolerance": settings.tolerance, "no_slower": no_slower}
            return found, rebalance(inputs.units, **asked, **vars(rules), **limits)
        return found, found.proposal if follows_rule else found.plans[-1]

    (found, chosen), other = search(), None
    if response is not None:
        # First the most even of those that make nobody wait longer, if there is one; the other beside it.
        try:
            held = search(against=found)
        except InputError as error:
            why_longer = error.problem
        else:
            is_better = held[1].imbalance < held[1].imbalance_before - EXACT
            (found, chosen), other = (held, (found, chosen)) if is_better else ((found, chosen), held)
    if settings.random_plans:
        chosen = chosen.among_random(settings.random_plans, seed=seed, response=response)
    plan = chosen.assignment
    current, groups = inputs.units.set_index("unit_id")["zone_id"], result.hotspots.groups_of_schools
    score = partial(score_in_district, district, inputs, groups=groups, usual_day=usual_day)
    return TermPlan(
        inputs=inputs,
        frontier=found,
        plan=chosen,
        zones=zones_of_plan(
            inputs.units,
            plan,
            district.zones,
            schools=district.schools,
            tolerance_m=settings.neighbor_tolerance_m,
            crs=district.crs,
        ),
        current=score(current),
        proposed=score(plan),
        stability=stability_in_district(result, inputs, plan),
        usual_day=usual_day,
        response=response,
        other=None if other is None else other[0],
        other_plan=None if other is None else other[1],
        other_score=None if other is None else score(other[1].assignment),
        why_longer=why_longer,
    )


def response_table(usual_day: UsualDay, inputs: PlanInputs) -> pd.DataFrame:
    """Say how long it takes from every school, where an officer may wait, to every unit, as `rebalance` takes it.

    `minutes` are the mean over the calls of the unit's schools, or over its schools where there is none.
    """
    unit_of = schools_of_units(inputs.units)
    unit_of = unit_of[unit_of.index.isin(usual_day.travel.minutes.columns)]
    calls = usual_day.rates.by_day.sum().reindex(unit_of.index).fillna(0.0)
    weight = calls.where(calls.groupby(unit_of).transform("sum") > 0, 1.0)
    # Where there is no way, nobody comes on that day.
    travel = usual_day.travel.minutes.loc[unit_of.index, unit_of.index].clip(upper=_DAY_MIN)
    weighted = travel.mul(weight, axis=1)
    minutes = weighted.T.groupby(unit_of).sum().div(weight.groupby(unit_of).sum(), axis=0)
    number = calls.groupby(unit_of).sum()
    minutes = minutes.rename_axis("unit_id").reset_index()
    rows = minutes.melt(id_vars="unit_id", var_name="place_id", value_name="minutes")
    rows = rows.assign(calls=rows["unit_id"].map(number), place_unit_id=rows["place_id"].map(unit_of))
    without = [unit for unit in inputs.units["unit_id"] if unit not in set(unit_of)]
    empty = pd.DataFrame({"unit_id": without, "calls": 0.0}).merge(
        unit_of.rename_axis("place_id").rename("place_unit_id").reset_index(), how="cross"
    )
    # An area without a school has no calls, and nobody waits there.
    table = pd.concat([rows, empty.assign(minutes=0.0)], ignore_index=True) if without else rows
    return table[["unit_id", "calls", "place_id", "place_unit_id", "minutes"]]


# ── Coverage of a term, today and under the proposal


def cover_term(result: TermResult, *, on_part: Callable[[str], None] = lambda _: None) -> CoveragePlan:
    """Work out how the schools of a district are covered, today and under the proposal."""
    district, proposal, term = result.district, result.proposal, result.term
    inputs = prepare_plan(result) if proposal.is_empty else proposal.inputs
    day = describe_usual_day(result, inputs) if proposal.is_empty else proposal.usual_day
    if day is None:
        return CoveragePlan.nothing("There are no calls for zone officers: nothing is said of coverage.")
    planned, loads = None, None
    if not proposal.is_empty:
        planned, loads = schools_of_units(proposal.inputs.units).map(proposal.plan.assignment), proposal.plan.loads
    this = result.workload[result.workload["term"] == term.name]
    return cover_zones(
        day,
        district.settings,
        result.history,
        term=term,
        incident_h=this.set_index("school_id")["incident_h"],
        high_schools=_high_schools(result.hotspots),
        planned=planned,
        imbalance=None if loads is None else (imbalance(loads["before"]), imbalance(loads["after"])),
        take_over=None if inputs is None else cover_by_neighbors(inputs, crs=district.crs, seed=result.seed),
        seed=result.seed,
        on_part=on_part,
    )


def _high_schools(hotspots: Hotspots) -> list[str]:
    """List the schools that are high, alone or in a group."""
    rates = hotspots.schools.rates.table
    alone = rates.loc[rates["status"] == "high", "school_id"]
    return sorted({*alone, *(school for group in hotspots.groups_of_schools.values() for school in group)})
