"""``safeschools rebalance``, ``score`` and ``draft-zones``: plans made and judged, and first drawings of zones."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import geopandas as gpd
import pandas as pd

from safeschools_geo.checks import require_kind
from safeschools_geo.cli._common import (
    CRS_TEXT,
    FILE_IN,
    FILE_OUT,
    FOLDER,
    IDS,
    NAME,
    NOT_NEGATIVE,
    PATTERN,
    POSITIVE,
    CheckedCommand,
    Progressed,
    district_argument,
    folder_of,
    inputs_of,
    json_option,
    out_option,
    part_of_term,
    plain_rows,
    print_json,
    progress_of,
    refuse_options,
    remedied_by,
    run_to_hotspots,
    say,
    seed_option,
    term_option,
)
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.district import load_settings, preset_names, read_boundary, read_layer, read_schools, settings_from
from safeschools_geo.errors import ColumnError, OutputError, SettingsError, attempt_all, count_text, refuse
from safeschools_geo.findings import Finding
from safeschools_geo.io import find_files, geometry, is_sealed, read_table, sha256_of, write_geojson, write_manifest
from safeschools_geo.pages import plans_page
from safeschools_geo.rebalance import (
    OBJECTIVES,
    Rules,
    about_bridges,
    draft_zones,
    draft_zones_of_units,
    edges_of_table,
    frontier,
    part_by_barriers,
    rebalance,
    unit_edges,
    units_of_areas,
    zone_centers,
    zones_of_plan,
)
from safeschools_geo.schemas import LEVELS
from safeschools_geo.settings import LayerSettings
from safeschools_geo.term import (
    manifest_of,
    propose_zones,
    read_plan,
    score_plans,
    steps_until,
    write_plan,
    write_scored_plans,
    write_term_plan,
)
from safeschools_geo.writing import output_file, output_folder, repair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from safeschools_geo.rebalance import PlanRead, ZoneDraft
    from safeschools_geo.results import ScoredPlans, TermPlan
    from safeschools_geo.settings import Settings


# ── Areal units for ``safeschools rebalance --units``: any polygons with a zone and a workload


@dataclass(frozen=True, eq=False)
class ArealUnits:
    """Units as they were read, their edges, and what there is to say of both."""

    units: gpd.GeoDataFrame
    edges: pd.DataFrame
    findings: tuple[Finding, ...]
    # Pairs that share a border, and that the table of neighbors leaves out or a barrier parts
    apart: tuple[tuple[str, str], ...] = ()
    barriers: Mapping[str, Any] = field(default_factory=dict)  # What parts some of them, as the certificate holds it


def read_areal_units(
    path: Path,
    unit_id: str,
    zone: str,
    workload: str,
    *,
    adjacency: Path | None,
    no_zone: tuple[str, ...],
    barriers: Path | None = None,
    roads: Path | None = None,
    crs: str | None = None,
) -> ArealUnits:
    """Read areal units, their neighbors, and what parts these."""
    layer = read_layer(path, LayerSettings(crs=crs), "units")
    raw = layer.raw
    missing = [column for column in (unit_id, zone, workload) if column not in raw.frame.columns]
    if missing:
        raise ColumnError(
            "The units lack columns.",
            where=path.name,
            found=", ".join(map(str, raw.frame.columns)),
            expected=", ".join(missing),
            remedy="Name the columns with --unit-id, --zone and --workload.",
        )
    areas = gpd.GeoDataFrame(raw.frame, geometry=layer.geometry, crs=STORAGE_CRS)
    built = units_of_areas(areas, unit_id=unit_id, zone=zone, workload=workload, no_zone=no_zone)
    units = built.units
    if adjacency is None:
        edges: pd.DataFrame = unit_edges(units)
        findings: tuple[Finding, ...] = ()
        apart: list[tuple[str, str]] = []
    else:
        read = edges_of_table(units, read_table(adjacency).frame)
        edges, findings = read.edges, read.findings
        apart = read.left_out
    barred: dict[str, Any] = {}
    if barriers is not None:
        lines, across = (_lines(file, name, crs) for name, file in (("barriers", barriers), ("roads", roads)))
        edges, barred, parted = part_by_barriers(units, edges, cast("gpd.GeoDataFrame", lines), across)
        findings += tuple(parted)
    about = (*layer.findings, *built.findings, *findings, *about_bridges(units, edges))
    return ArealUnits(units, edges, about, (*apart, *barred.get("pairs", ())), barred)


def _lines(
    path: Path | None, section: str, crs: str | None, settings: LayerSettings | None = None
) -> gpd.GeoDataFrame | None:
    """Read barriers or roads, where there are any."""
    if path is None:
        return None
    layer = read_layer(path, settings or LayerSettings(crs=crs), section)
    require_kind(layer.geometry, {"LineString", "MultiLineString"}, f"{section} ({path.name})", expected="lines")
    return gpd.GeoDataFrame(geometry=layer.geometry, crs=STORAGE_CRS)


# ── ``safeschools rebalance``: the least change that evens the zones out, of a district or of any areal units


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked of either kind of input."""

    max_moves: int | None
    tolerance: float | None
    free_roots: bool
    no_slower: bool | None
    locked: tuple[str, ...]
    together: tuple[tuple[str, ...], ...]
    one_of_each: tuple[str, ...]
    most_students: int | None
    keeps_hotspots: bool
    keeps_feeders: bool
    time_limit_s: float | None
    random_plans: int | None
    seed: int


def _check_roads(ctx: click.Context) -> None:
    if ctx.params["barriers"] is None:
        refuse_options(ctx, ["roads"], because="it goes with --barriers, which are crossed along roads")


def _check_usage(ctx: click.Context) -> None:
    given = ctx.params
    if given["max_moves"] is not None and given["tolerance"] is not None:
        raise click.UsageError("Give --max-moves or --tolerance, not both.", ctx=ctx)
    if given["units"] is None:
        names = ("unit_id", "zone", "workload", "adjacency", "barriers", "roads", "no_zone", "crs")
        refuse_options(ctx, names, because="it goes with --units")
        return
    if given["district"] is not None:
        raise click.UsageError("Give DISTRICT or --units, not both.", ctx=ctx)
    _check_roads(ctx)
    refuse_options(ctx, ["term"], because="it does not go with --units, which know no terms")
    needed = {"--unit-id": "unit_id", "--zone": "zone", "--workload": "workload", "--out": "out"}
    missing = [name for name, param in needed.items() if given[param] is None]
    if missing:
        raise click.UsageError(f"--units needs {', '.join(missing)}.", ctx=ctx)
    refuse_options(ctx, ["one_of_each"], because="it does not go with --units, which have no levels")
    because = "it does not go with --units, of which neither hotspots nor feeder patterns are known; say --together"
    refuse_options(ctx, ["keeps_hotspots", "keeps_feeders"], because=because)
    if given["no_slower"]:
        raise click.UsageError("--no-slower does not go with --units: areal units hold no calls.", ctx=ctx)
    if given["max_moves"] is None and given["tolerance"] is None:
        raise click.UsageError("Say how far to go: --max-moves K or --tolerance T.", ctx=ctx)


@click.command("rebalance", cls=CheckedCommand, check=_check_usage)
@district_argument
@term_option
@click.option(
    "--units",
    type=FILE_IN,
    metavar="FILE",
    help="Areal units instead of a district: polygons with a zone and a workload.",
)
@click.option("--unit-id", type=NAME, metavar="COL", help="Column of the units' ids.")
@click.option("--zone", type=NAME, metavar="COL", help="Column of the current zone.")
@click.option("--workload", type=NAME, metavar="COL", help="Column of the workload.")
@click.option(
    "--adjacency", type=FILE_IN, metavar="FILE", help="Pairs of neighbors; the borders of the units if left out."
)
@click.option("--barriers", type=FILE_IN, metavar="FILE", help="Lines that part units on their two sides.")
@click.option("--roads", type=FILE_IN, metavar="FILE", help="Lines along which barriers are crossed.")
@click.option("--no-zone", multiple=True, metavar="VALUE", help="Value of the zone column that means: no zone.")
@click.option("--crs", type=CRS_TEXT, metavar="EPSG", help="CRS of units, barriers and roads where none is stated.")
@click.option("--max-moves", type=click.IntRange(min=0), metavar="K", help="Most units to move; shows 0, 1, … K.")
@click.option("--tolerance", type=NOT_NEGATIVE, metavar="T", help="Largest imbalance: the fewest moves.")
@click.option("--free-roots", is_flag=True, help="Let the middle of each zone move as well: all contiguous plans.")
@click.option(
    "--no-slower/--slower",
    default=None,
    help="Whether no zone, and not the district, may wait longer; as the settings say (protect) if left out.",
)
@click.option("--random-plans", type=click.IntRange(min=1), metavar="N", help="Compare with N random plans as well.")
@click.option("--lock", "locked", multiple=True, type=NAME, metavar="ID", help="Unit that keeps its zone.")
@click.option("--together", multiple=True, type=IDS, metavar="ID,ID…", help="Units that have to be in one zone.")
@click.option(
    "--one-of-each",
    multiple=True,
    type=click.Choice(list(LEVELS)),
    help="Level of which each zone has to have a school.",
)
@click.option(
    "--most-students",
    type=click.IntRange(min=0),
    metavar="N",
    help="Most students who change officer; the column students of --units.",
)
@click.option("--keep-hotspots", "keeps_hotspots", is_flag=True, help="Keep the schools of each hotspot in one zone.")
@click.option("--keep-feeders", "keeps_feeders", is_flag=True, help="Keep each feeder pattern in one zone.")
@click.option("--time-limit", type=POSITIVE, metavar="S", help="Longest search, seconds of processor time.")
@out_option("Folder; outputs/<term>/plan for a district.")
@seed_option
@json_option
def rebalance_command(
    *,
    district: Path | None,
    term: str | None,
    units: Path | None,
    unit_id: str | None,
    zone: str | None,
    workload: str | None,
    adjacency: Path | None,
    barriers: Path | None,
    roads: Path | None,
    no_zone: tuple[str, ...],
    crs: str | None,
    together: tuple[tuple[str, ...], ...],
    out: Path | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """Propose the least change that evens the zones out, with a certificate of how good it is."""
    request = Request(together=together, time_limit_s=asked.pop("time_limit"), **asked)
    if units is None:
        _of_district(folder_of(district), term, request, out, as_json=as_json)
        return
    target = out or Path()
    files = {"adjacency": adjacency, "barriers": barriers, "roads": roads}
    inputs = [path for path in (units, *files.values()) if path is not None]
    repair(units)
    with output_folder(target, inputs=inputs) as fresh:
        with remedied_by(_UNITS_WAYS):
            read = read_areal_units(units, str(unit_id), str(zone), str(workload), **files, no_zone=no_zone, crs=crs)
        for finding in read.findings:
            say(str(finding))
        summary, certificate = _of_units(read, request, fresh)
        write_manifest(fresh, {"seed": request.seed, "inputs": {path.name: sha256_of(path) for path in inputs}})
    if as_json:
        print_json({"out": target.as_posix(), "summary": summary, "certificate": certificate})
    else:
        say(f"{summary} Written to {target}.")


def _on_point(text: str) -> None:
    say(f"  {text[:1].upper()}{text[1:]}")


def _of_district(folder: Path, term: str | None, request: Request, out: Path | None, *, as_json: bool) -> None:
    steps = steps_until("Proposing zones")
    with part_of_term(folder, term, out, "plan", steps=steps) as (_, target, fresh, begin):
        result = run_to_hotspots(folder, term, request.seed, begin)
        begin("Proposing zones")
        district = dataclasses.replace(result.district, settings=_adjusted(result.district.settings, request))
        proposal = propose_zones(
            dataclasses.replace(result, district=district),
            forecasts=True,
            # Who says how many may move wants the best of that many, not what the rule would propose.
            follows_rule=request.max_moves is None,
            keeps_interrupted=True,
            on_point=_on_point,
        )
        if proposal.is_empty:
            raise SettingsError(
                proposal.why,
                where=folder,
                expected="two zones or more, with program schools that have calls in the term",
                remedy="Run `safeschools check` and look at the schools, or name another --term.",
            )
        write_term_plan(proposal, fresh)
        write_manifest(fresh, manifest_of(dataclasses.replace(result, proposal=proposal)))
    _report(proposal, target, as_json=as_json)


def _adjusted(settings: Settings, request: Request) -> Settings:
    """Let the options of the command win over the settings of the district."""
    plan = settings.rebalance
    changes: dict[str, Any] = {
        "locked": (*plan.locked, *request.locked),
        "together": (*plan.together, *request.together),
        "one_of_each": tuple(dict.fromkeys((*plan.one_of_each, *request.one_of_each))),
        "keeps_roots": plan.keeps_roots and not request.free_roots,
        "tolerance": plan.tolerance if request.tolerance is None else request.tolerance,
        "keeps_hotspots": plan.keeps_hotspots or request.keeps_hotspots,
        "keeps_feeders": plan.keeps_feeders or request.keeps_feeders,
        "protect": {None: plan.protect, True: ("response",), False: ()}[request.no_slower],
    }
    if request.max_moves is not None:
        changes["max_moves"] = request.max_moves
    if request.most_students is not None:
        changes["most_students_moved"] = request.most_students
    if request.time_limit_s is not None:
        changes["time_limit_s"] = request.time_limit_s
    if request.random_plans is not None:
        changes["random_plans"] = request.random_plans
    return dataclasses.replace(settings, rebalance=dataclasses.replace(plan, **changes))


def _of_units(read: ArealUnits, request: Request, fresh: Path) -> tuple[str, dict[str, Any]]:
    units, edges, apart = read.units, read.edges, read.apart
    roots = None if request.free_roots else dict(zone_centers(units))
    limit = 60.0 if request.time_limit_s is None else request.time_limit_s
    rules = Rules(
        roots=roots,
        locked=request.locked,
        together=request.together,
        apart=apart,
        most_students=request.most_students,
        barriers=read.barriers,
    )
    found = None
    if request.max_moves is not None:
        found = frontier(
            units,
            adjacency=edges,
            max_moves=request.max_moves,
            rules=rules,
            time_limit_s=limit,
            seed=request.seed,
            keeps_interrupted=True,
            on_point=_on_point,
        )
        plan = found.plans[-1]
    else:
        plan = rebalance(
            units,
            adjacency=edges,
            tolerance=request.tolerance,
            time_limit_s=limit,
            seed=request.seed,
            **vars(rules),
        )
    if request.random_plans is not None:
        plan = plan.among_random(request.random_plans, seed=request.seed)
    names = units[["zone_id"]].drop_duplicates().sort_values("zone_id", ignore_index=True)
    zones = zones_of_plan(units, plan.assignment, names.assign(name=[f"Zone {z}" for z in names["zone_id"]]))
    # Areal units know no calls, and a gain is never told without what is not known of its price.
    price = "What the plan does to response, backup and overflow was not worked out: areal units hold no calls."
    said = (plan.summary(), *([] if found is None else [found.finding(plan)]), *([price] if len(plan.moves) else []))
    summary = " ".join(said)
    write_plan(fresh, plan, zones, found=found, summary=summary)
    return summary, dict(plan.certificate)


def _report(proposal: TermPlan, target: Path, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "out": target.as_posix(),
                "summary": proposal.summary(),
                "change": proposal.change.to_json(),
                "certificate": dict(proposal.plan.certificate),
            }
        )
        return
    say(proposal.summary())
    for sentence in proposal.changes["sentence"]:
        say(f"  {sentence}")
    say(f"Written to {target}. Check it with: safeschools verify {target}")


# ── ``safeschools score``: any plans, the product's or a person's, on every measure beside the current zones

_PLAN_WAYS = {
    "crs": "Add --crs, for example --crs 2226, or export the plan with its CRS.",
    "crs.degrees": "Add the projected CRS the zones are in, for example --crs 2226.",
    "crs.projected": "If they are longitude and latitude, write --crs 4326.",
    "crs.other": "Leave --crs out if the file is right; else export it again.",
    "columns.zone_id": "Name the column of the zones' ids with --zone-id.",
    "columns.x": "Give the zones as polygons, such as GeoJSON or a shapefile.",
    "layer": "Say which layer is meant with --layer.",
    "keep": "Export the zones again.",
    "reading": "Export only the zones.",
    "*": "Correct the file, or export it again.",
}
_TODAY = ("current", "measure", "label", "unit", "better", "best")


def _named_plans(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, Path]:
    """Give each plan its name: the one before ``=``, else that of its file, with its folder where two are alike."""
    asked: list[tuple[str | None, Path]] = []
    for text in given:
        name, equals, file = text.partition("=")
        is_named = bool(equals) and not Path(text).exists()
        asked.append((name.strip() if is_named else None, FILE_IN.convert(file if is_named else text, param, ctx)))
    if len(asked) == 1 and asked[0][0] is None:
        return {"proposed": asked[0][1]}
    stems = [path.stem for name, path in asked if name is None]
    plans: dict[str, Path] = {}
    for called, path in asked:
        own = called or (path.stem if stems.count(path.stem) == 1 else f"{path.resolve().parent.name}/{path.stem}")
        if not own or own in plans or own.casefold() in _TODAY or ";" in own:
            raise click.BadParameter(
                f"a plan needs a name of its own, and {own!r} is none; write NAME=FILE.", ctx, param
            )
        plans[own] = path
    return plans


@click.command("score", cls=CheckedCommand)
@click.argument("district", type=FOLDER, metavar="DISTRICT", required=False)
@click.option(
    "--plan",
    "plans",
    required=True,
    multiple=True,
    callback=_named_plans,
    metavar="[NAME=]FILE",
    help="Table of units or schools and zones, such as plan.csv, or zones drawn as polygons; again for further plans.",
)
@click.option("--zone-id", type=NAME, metavar="COL", help="Column of the ids of drawn zones.")
@click.option("--layer", type=NAME, metavar="L", help="Layer of drawn zones, where the file has several.")
@click.option("--crs", type=CRS_TEXT, metavar="EPSG", help="CRS of drawn zones, where the file states none.")
@term_option
@out_option("Folder for scores, moves, zones and a page; none if left out.")
@seed_option
@json_option
def score_command(
    district: Path | None,
    plans: dict[str, Path],
    term: str | None,
    out: Path | None,
    seed: int,
    *,
    as_json: bool,
    **read: str | None,
) -> None:
    """Score a plan on every measure, beside the current zones. Several are put beside each other as well."""
    folder = folder_of(district)
    for file in plans.values():
        repair(file)
    inputs = [*inputs_of(load_settings(folder)), *plans.values()]
    place = nullcontext() if out is None else output_folder(out, inputs=inputs)
    with place as fresh, progress_of(steps_until("Finding hotspots") + 1) as begin:
        result = run_to_hotspots(folder, term, seed, begin)
        begin("Scoring")
        with remedied_by(_PLAN_WAYS):
            steps = {
                name: partial(read_plan, file, result.district, forecasts=True, **read) for name, file in plans.items()
            }
            found = cast("dict[str, PlanRead]", attempt_all(steps))
        scored = score_plans(result, found, forecasts=True)
        if fresh is not None:
            write_scored_plans(scored, plans_page(result, scored).html, fresh)
            write_manifest(fresh, {**manifest_of(result), "plan": {p.name: sha256_of(p) for p in plans.values()}})
    for name, plan in scored.plans.items():
        for finding in plan.findings:
            say(f"{name}: {finding}" if len(plans) > 1 else str(finding))
    table = scored.to_frame()
    if as_json:
        print_json(_scored(scored, table))
        return
    # A figure is nothing without what it is in, nor without whose it is.
    table = table.assign(label=table["label"] + ", " + table["unit"])
    width = int(table["label"].str.len().max())
    names = ["", "today", *(scored.plans if len(plans) > 1 else ["under the plan"])]
    for label, *texts in [names, *table[["label", "current", *scored.plans]].to_numpy().tolist()]:
        say("  ".join([f"{label:<{width}}", *(f"{text:>24}" for text in texts)]))
    say(scored.summary())


def _scored(scored: ScoredPlans, table: pd.DataFrame) -> dict[str, Any]:
    each = {
        name: {
            "imbalance": plan.score.imbalance,
            "is_contiguous": plan.score.is_contiguous,
            "moves": plan.moves["sentence"].tolist(),
            "change": plan.change.to_json(),
            "summary": plan.summary(),
            "stability": plan.stability.summary(),
            "findings": [str(finding) for finding in plan.findings],
        }
        for name, plan in scored.plans.items()
    }
    first = {"scores": plain_rows(table), "forecast": list(scored.inputs.forecast)}
    if len(each) == 1:
        return {**first, **next(iter(each.values()))}
    return {**first, "plans": each, "summary": scored.summary()}


# ── ``safeschools draft-zones``: zones from scratch, from a boundary and schools, or from areal units

_SEAL = "draft-zones"
_USUAL_ZONES = 8
_REMEDIES_IN_FILE = (
    "Correct the file, or make a district folder with `safeschools new`, where settings say how it is read."
)
_BOUNDARY_WAYS = {
    "crs": "Export the boundary as GeoJSON, or with its .prj.",
    "crs.degrees": "Export the boundary again with the CRS it is in.",
    "crs.projected": "Export the boundary again with the CRS it is in.",
    "columns.x": "Give the boundary as a polygon, such as GeoJSON or a shapefile.",
    "layer": "Export the layer of the boundary to a file of its own.",
    "keep": "Give a file that holds the polygon of the district.",
    "reading": "Export only the boundary.",
    "*": _REMEDIES_IN_FILE,
}
_SCHOOLS_WAYS = {
    "crs": "Add --crs, for example --crs 4326.",
    "crs.degrees": "Add the projected CRS they are in, for example --crs 2226.",
    "crs.projected": "If they are longitude and latitude, write --crs 4326.",
    "crs.other": "Leave --crs out if the file is right; else export it again.",
    "columns.school_id": "Name the column of the schools' ids with --id.",
    "columns.x": "Name the columns of the coordinates with --lon and --lat.",
    "columns.y": "Name the columns of the coordinates with --lon and --lat.",
    "keep.program": "See which schools match --keep, and which of them the column in_program says are in the program.",
    "layer": "Export the layer of the schools to a file of its own.",
    "keep": "Export the schools again; see whether any row matches --keep.",
    "reading": "Export only the rows and columns that are needed.",
    "*": _REMEDIES_IN_FILE,
}
_UNITS_WAYS = {
    **_SCHOOLS_WAYS,
    "columns": "Name the columns that are meant with --unit-id and --workload.",
    "columns.x": "Give units as polygons, such as GeoJSON or a shapefile.",
    "layer": "Export the layer of the units to a file of its own.",
}


def _draft_zones_check_usage(ctx: click.Context) -> None:
    given = ctx.params
    if given["folder"] is not None:
        names = (
            "district",
            "schools",
            "units",
            "unit_id",
            "workload",
            "preset",
            "keep",
            "id_column",
            "lon",
            "lat",
            "crs",
            "barriers",
            "roads",
        )
        refuse_options(ctx, names, because="it does not go with DISTRICT, whose district.toml says it")
        return
    _check_roads(ctx)
    if given["units"] is not None:
        refuse_options(ctx, ["district", "schools"], because="give --units, or --district and --schools, not both")
        refuse_options(ctx, ["preset", "keep", "id_column", "lon", "lat"], because="it does not go with --units")
    elif given["district"] is None or given["schools"] is None:
        raise click.UsageError("Give DISTRICT, or --district and --schools, or --units.", ctx=ctx)
    else:
        refuse_options(ctx, ["unit_id", "workload"], because="it goes with --units")
    if given["out"] is None:
        raise click.UsageError("Say where the zones go: --out FILE.", ctx=ctx)
    if (given["lon"] is None) != (given["lat"] is None):
        raise click.UsageError("Give --lon and --lat together.", ctx=ctx)
    if given["lon"] is not None and given["lon"] == given["lat"]:
        raise click.UsageError(f"--lon and --lat name one column, {given['lon']!r}; two are expected.", ctx=ctx)


@click.command("draft-zones", cls=CheckedCommand, check=_draft_zones_check_usage)
@click.argument("folder", required=False, type=FOLDER, metavar="[DISTRICT]")
@click.option("--district", type=FILE_IN, metavar="FILE", help="Boundary of the district: a polygon.")
@click.option("--schools", type=FILE_IN, metavar="FILE", help="Schools: points with an id.")
@click.option("--units", type=FILE_IN, metavar="FILE", help="Areal units in place of schools and district: polygons.")
@click.option(
    "--unit-id", type=NAME, metavar="COL", default="unit_id", show_default=True, help="Column of the units' ids."
)
@click.option("--workload", type=NAME, metavar="COL", default="workload", show_default=True, help="Column of the load.")
@click.option(
    "--zones",
    "number",
    type=click.IntRange(min=1),
    help=f"Number of zones; that of district.toml, else {_USUAL_ZONES}, if left out.",
)
@click.option(
    "--out",
    type=FILE_OUT,
    metavar="FILE",
    help="GeoJSON to write; the zones of DISTRICT, which has none yet, if left out.",
)
@click.option("--tolerance", type=NOT_NEGATIVE, default=0.05, show_default=True, help="Imbalance aimed at.")
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="compactness",
    show_default=True,
    help="What zones are made as good as they can in.",
)
@click.option("--preset", type=click.Choice(preset_names()), help="Column names of a known school directory.")
@click.option(
    "--keep",
    multiple=True,
    type=PATTERN,
    metavar="COL=PATTERN",
    help='Only schools that match, as in "CDSCode=3467447*".',
)
@click.option("--id", "id_column", type=NAME, metavar="COL", help="Column of the schools' ids.")
@click.option("--lon", type=NAME, metavar="COL", help="Column of the longitude, or x.")
@click.option("--lat", type=NAME, metavar="COL", help="Column of the latitude, or y.")
@click.option("--barriers", type=FILE_IN, metavar="FILE", help="Lines that part neighbors on their two sides.")
@click.option("--roads", type=FILE_IN, metavar="FILE", help="Lines along which barriers are crossed.")
@click.option("--crs", type=CRS_TEXT, metavar="EPSG", help="CRS of the schools or units, where the file states none.")
@seed_option
@json_option
def draft_zones_command(
    *,
    folder: Path | None,
    district: Path | None,
    schools: Path | None,
    units: Path | None,
    unit_id: str,
    workload: str,
    number: int | None,
    tolerance: float,
    objective: str,
    out: Path | None,
    preset: str | None,
    keep: tuple[tuple[str, str], ...],
    id_column: str | None,
    lon: str | None,
    lat: str | None,
    barriers: Path | None,
    roads: Path | None,
    crs: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Draw contiguous, balanced zones that tile the district, with a bound on their travel; a first proposal."""
    asked: dict[str, Any] = {"zones": number or _USUAL_ZONES, "tolerance": tolerance, "objective": objective}
    asked |= {"seed": seed, "keeps_interrupted": True}
    for name, file in (("barriers", barriers), ("roads", roads)):
        with remedied_by(_UNITS_WAYS):
            asked[name] = _lines(file, name, crs)
    if folder is not None:
        settings = load_settings(folder)
        asked["zones"] = number or settings.district.zones or _USUAL_ZONES
        draw = partial(_of_settings, settings, asked)
        inputs, target = inputs_of(settings), out
        if target is None:
            target = _new_zones_file(settings)
            # The zones that the district lacks belong among its inputs.
            inputs = [path for path in inputs if path != target.parent] + sorted(target.parent.glob("*"))
    elif units is not None:
        draw = partial(_draft_zones_of_units, units, (unit_id, workload), crs, asked)
        inputs, target = [units], out or Path()
    elif district is None or schools is None:
        raise click.UsageError("Give DISTRICT, or --district and --schools, or --units.")
    else:
        columns = {"school_id": id_column, "x": lon, "y": lat}
        settings = _settings(district, schools, columns, keep, preset=preset, crs=crs or ("EPSG:4326" if lon else None))
        draw = partial(_of_schools, settings, district, asked)
        inputs, target = [district, schools], out or Path()
    with (
        output_file(target, inputs=inputs, is_ours=partial(is_sealed, seal=_SEAL)) as fresh,
        progress_of(3) as begin,
    ):
        draft, findings = draw(begin)
        begin("Writing")
        write_geojson(fresh, draft.zones, seal=_SEAL)
    for finding in (*findings, *draft.findings):
        say(str(finding))
    if as_json:
        names = ("is_complete", "imbalance", "is_contiguous", "travel", "bound", "any_bound", "gap")
        print_json({"out": target.as_posix(), **{name: getattr(draft, name) for name in names}})
    else:
        say(f"{draft.summary()} Written to {target}.")


def _new_zones_file(settings: Settings) -> Path:
    """Find the file for the zones of a district that has none yet."""
    named = settings.zones.file
    target = settings.folder / (named or f"{settings.paths.boundaries}/zones.geojson")
    there = find_files(target.parent, target.name if named else "zones.*")
    if there or target.suffix.lower() not in {".geojson", ".json"}:
        raise OutputError(
            "The district has zones already." if there else "The zones of the district are to be in another format.",
            where=there[0] if there else target,
            expected="no zones yet; a draft does not replace them" if there else "a file that ends in .geojson",
            remedy="Write the draft elsewhere with --out FILE.geojson, and compare.",
        )
    return target


def _settings(
    district: Path,
    schools: Path,
    columns: Mapping[str, str | None],
    keep: tuple[tuple[str, str], ...],
    *,
    preset: str | None,
    crs: str | None,
) -> Settings:
    table = {
        "district": {"name": district.stem, "time_zone": "UTC"},
        "schools": {
            "file": str(schools.resolve()),
            "columns": {ours: theirs for ours, theirs in columns.items() if theirs},
            "keep": {column: [pattern for name, pattern in keep if name == column] for column, _ in keep},
            **({"preset": preset} if preset else {}),
            **({"crs": crs} if crs else {}),
        },
        "boundary": {"file": str(district.resolve())},
    }
    return settings_from(table, folder=Path(), where="the options")


def _of_settings(
    settings: Settings, asked: Mapping[str, Any], begin: Progressed
) -> tuple[ZoneDraft, tuple[Finding, ...]]:
    """Draft zones of a district folder; what nobody has given a meaning stops it, as it does every command."""
    begin("Reading the boundary and the schools")
    read: dict[str, Any] = attempt_all(
        {"boundary": partial(read_boundary, settings), "schools": partial(read_schools, settings)}
    )
    boundary, schools = read["boundary"].frame, read["schools"].frame
    findings: tuple[Finding, ...] = (*read["boundary"].findings, *read["schools"].findings)
    faults = [one.as_fault() for one in findings if one.is_blocking]
    if boundary is None:
        faults.append(
            SettingsError(
                "The district has no boundary, and zones are drawn inside one.",
                where=settings.folder / settings.paths.boundaries,
                expected="one polygon of the district",
                remedy='Put district.geojson there, or name its file in district.toml: [boundary] file = "…".',
            )
        )
    refuse(faults)
    folder = settings.folder / settings.paths.boundaries
    layers = {name: cast("LayerSettings", getattr(settings, name)) for name in ("barriers", "roads", "units")}
    files = {name: layer.file or next(iter(find_files(folder, f"{name}.*")), None) for name, layer in layers.items()}
    paths = {name: None if file is None else settings.folder / file for name, file in files.items()}
    read_too = ("barriers", "roads") if files["barriers"] else ()
    lines = {name: _lines(paths[name], name, None, layers[name]) for name in read_too}
    draft = _drawn(schools, boundary, {**asked, **lines}, begin, crs=settings.district.crs)
    left = ("units",) if files["barriers"] else ("units", "roads")
    unused = [path.name for name in left if (path := paths[name]) is not None]
    return draft, (*findings, *_unused_layers(unused), *draft.about_rules(settings.rebalance, schools))


def _unused_layers(unused: list[str]) -> Iterator[Finding]:
    """Say which layers of a district a draft makes no use of."""
    if unused:
        message = f"A draft is drawn around schools by straight lines: {' and '.join(unused)} are not used."
        remedy = (
            "Compare what `score` says of the draft, by road; areas with a workload are drawn from by --units FILE."
        )
        yield Finding("note", "layers_not_used", "zones", message, tuple(unused), remedy=remedy)


def _of_schools(
    settings: Settings, district: Path, asked: Mapping[str, Any], begin: Progressed
) -> tuple[ZoneDraft, tuple[Finding, ...]]:
    begin("Reading the boundary and the schools")
    with remedied_by(_BOUNDARY_WAYS):
        boundary, findings, _ = read_boundary(settings)
    if boundary is None:
        raise SettingsError("There is no boundary.", where="--district", found=district)
    with remedied_by(_SCHOOLS_WAYS):
        read = read_schools(settings)
        draft = _drawn(read.frame, boundary, asked, begin)
    return draft, (*findings, *read.findings)


def _drawn(
    schools: gpd.GeoDataFrame,
    boundary: gpd.GeoDataFrame,
    asked: Mapping[str, Any],
    begin: Progressed,
    *,
    crs: object = None,
) -> ZoneDraft:
    program = schools[schools["in_program"]]
    begin(f"Drawing {count_text(asked['zones'], 'zone')} around {count_text(len(program), 'school')}")
    return draft_zones(program, boundary, crs=crs, on_part=begin.part, **asked)


def _draft_zones_of_units(
    units: Path, columns: tuple[str, str], crs: str | None, asked: Mapping[str, Any], begin: Progressed
) -> tuple[ZoneDraft, tuple[Finding, ...]]:
    begin("Reading the units")
    with remedied_by(_UNITS_WAYS):
        raw = read_table(units)
        frame = gpd.GeoDataFrame(raw.frame, geometry=geometry(raw, crs=crs, name="units"))
    begin(f"Drawing {count_text(asked['zones'], 'zone')} of {count_text(len(frame), 'unit')}")
    unit_id, workload = columns
    with remedied_by(_UNITS_WAYS):
        draft = draft_zones_of_units(frame, unit_id=unit_id, workload=workload, on_part=begin.part, **asked)
    return draft, raw.findings
