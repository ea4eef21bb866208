"""``safeschools rebalance``: the least change that evens the zones out, of a district or of any areal units."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from safeschools_geo.commands.common import (
    CRS_TEXT,
    FILE_IN,
    IDS,
    NAME,
    NOT_NEGATIVE,
    POSITIVE,
    CheckedCommand,
    district_argument,
    folder_of,
    inputs_of,
    json_option,
    messages,
    out_option,
    outputs_of,
    print_json,
    progress_of,
    refuse_options,
    seed_option,
    term_option,
)
from safeschools_geo.commands.rebalance_units import read_areal_units
from safeschools_geo.errors import SettingsError
from safeschools_geo.export import write_manifest
from safeschools_geo.io import sha256_of
from safeschools_geo.plan_outputs import write_plan, write_term_plan
from safeschools_geo.rebalance.frontier import frontier
from safeschools_geo.rebalance.ground.tiling import zones_of_plan
from safeschools_geo.rebalance.problem import EXACT
from safeschools_geo.rebalance.problem_of_units import Rules
from safeschools_geo.rebalance.propose import rebalance
from safeschools_geo.rebalance.travel import roots_of
from safeschools_geo.term import PROPOSING_STEPS, run_term, zone_by_school
from safeschools_geo.term_outputs import manifest_of
from safeschools_geo.term_plan import propose_zones
from safeschools_geo.toml_settings import load_settings
from safeschools_geo.writing import output_folder, repair

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from safeschools_geo.settings import Settings
    from safeschools_geo.term_results import TermPlan


@dataclasses.dataclass(frozen=True)
class Request:
    """What is asked of either kind of input."""

    max_moves: int | None
    tolerance: float | None
    free_roots: bool
    locked: tuple[str, ...]
    together: tuple[tuple[str, ...], ...]
    time_limit_s: float | None
    seed: int


def _check_usage(ctx: click.Context) -> None:
    given = ctx.params
    if given["max_moves"] is not None and given["tolerance"] is not None:
        raise click.UsageError("Give --max-moves or --tolerance, not both.", ctx=ctx)
    if given["units"] is None:
        names = ("unit_id", "zone", "workload", "adjacency", "no_zone", "crs")
        refuse_options(ctx, names, because="it goes with --units")
        return
    if given["district"] is not None:
        raise click.UsageError("Give DISTRICT or --units, not both.", ctx=ctx)
    refuse_options(ctx, ["term"], because="it does not go with --units, which know no terms")
    needed = {"--unit-id": "unit_id", "--zone": "zone", "--workload": "workload", "--out": "out"}
    missing = [name for name, param in needed.items() if given[param] is None]
    if missing:
        raise click.UsageError(f"--units needs {', '.join(missing)}.", ctx=ctx)
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
    "--adjacency", type=FILE_IN, metavar="FILE", help="Pairs of neighbours; the borders of the units if left out."
)
@click.option("--no-zone", multiple=True, metavar="VALUE", help="Value of the zone column that means: no zone.")
@click.option("--crs", type=CRS_TEXT, metavar="EPSG", help="CRS of the units, where the file states none.")
@click.option("--max-moves", type=click.IntRange(min=0), metavar="K", help="Most units to move; shows 0, 1, … K.")
@click.option("--tolerance", type=NOT_NEGATIVE, metavar="T", help="Largest imbalance: the fewest moves.")
@click.option("--free-roots", is_flag=True, help="Let the middle of each zone move as well: all contiguous plans.")
@click.option("--lock", "locked", multiple=True, type=NAME, metavar="ID", help="Unit that keeps its zone.")
@click.option("--together", multiple=True, type=IDS, metavar="ID,ID…", help="Units that have to be in one zone.")
@click.option("--time-limit", type=POSITIVE, metavar="S", help="Longest search, seconds.")
@out_option("Folder; outputs/<term>/plan for a district.")
@seed_option
@json_option
def command(
    *,
    district: Path | None,
    term: str | None,
    units: Path | None,
    unit_id: str | None,
    zone: str | None,
    workload: str | None,
    adjacency: Path | None,
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
    inputs = [path for path in (units, adjacency) if path is not None]
    repair(units)
    with output_folder(target, inputs=inputs) as fresh:
        read = read_areal_units(
            units, str(unit_id), str(zone), str(workload), adjacency=adjacency, no_zone=no_zone, crs=crs
        )
        for finding in read.findings:
            messages().print(str(finding), markup=False, soft_wrap=True)
        summary, certificate = _of_units(read.units, read.edges, read.apart, request, fresh)
        write_manifest(fresh, {"seed": request.seed, "inputs": {path.name: sha256_of(path) for path in inputs}})
    if as_json:
        print_json({"out": target.as_posix(), "summary": summary, "certificate": certificate})
    else:
        messages().print(f"{summary} Written to {target}.", markup=False, soft_wrap=True)


def _on_point(moves: int, imbalance: float, bound: float) -> None:
    gap = "proven" if imbalance - bound <= EXACT else f"bound {bound:.2%}, gap {imbalance - bound:.2%}"
    gap = "not proven" if math.isnan(bound) else gap
    messages().print(f"  {moves:>2} moves: least imbalance {imbalance:.2%} ({gap})", markup=False)


def _of_district(folder: Path, term: str | None, request: Request, out: Path | None, *, as_json: bool) -> None:
    settings = load_settings(folder)
    home = outputs_of(settings, None) / settings.term(term).name
    target = out or home / "plan"
    place = output_folder(target, within=home, inputs=inputs_of(settings))
    with place as fresh, progress_of(len(PROPOSING_STEPS)) as begin:
        result = run_term(
            folder, term=term, seed=request.seed, proposes=False, covers=False, protects=False, on_step=begin
        )
        begin("Proposing zones")
        proposal = propose_zones(
            dataclasses.replace(result.district, settings=_adjusted(result.district.settings, request)),
            zone_by_school(result.school_zones),
            result.history,
            result.workload,
            result.hotspots,
            term=result.term,
            seed=request.seed,
            # Who says how many may move wants the best of that many, not the knee.
            is_at_knee=request.max_moves is None,
            keeps_interrupted=True,
            on_point=_on_point,
        )
        if proposal is None:
            raise SettingsError(
                result.why_no_proposal(),
                where=folder,
                expected="two zones or more, with program schools that have calls in the term",
                remedy="Run `safeschools check` and look at the schools, or name another --term.",
            )
        write_term_plan(proposal, fresh)
        write_manifest(fresh, manifest_of(dataclasses.replace(result, proposal=proposal)))
    _tell(proposal, target, as_json=as_json)


def _adjusted(settings: Settings, request: Request) -> Settings:
    """Let the options of the command win over the settings of the district."""
    plan = settings.rebalance
    changes: dict[str, Any] = {
        "locked": (*plan.locked, *request.locked),
        "together": (*plan.together, *request.together),
        "keeps_roots": plan.keeps_roots and not request.free_roots,
        "tolerance": plan.tolerance if request.tolerance is None else request.tolerance,
    }
    if request.max_moves is not None:
        changes["max_moves"] = request.max_moves
    if request.time_limit_s is not None:
        changes["time_limit_s"] = request.time_limit_s
    return dataclasses.replace(settings, rebalance=dataclasses.replace(plan, **changes))


def _of_units(
    units: gpd.GeoDataFrame,
    edges: pd.DataFrame,
    apart: tuple[tuple[str, str], ...],
    request: Request,
    fresh: Path,
) -> tuple[str, dict[str, Any]]:
    roots = None if request.free_roots else roots_of(units)
    limit = 60.0 if request.time_limit_s is None else request.time_limit_s
    rules = Rules(roots=roots, locked=request.locked, together=request.together, apart=apart)
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
            roots=roots,
            locked=request.locked,
            together=request.together,
            apart=apart,
            time_limit_s=limit,
            seed=request.seed,
        )
    names = units[["zone_id"]].drop_duplicates().sort_values("zone_id", ignore_index=True)
    zones = zones_of_plan(units, plan.assignment, names.assign(name=[f"Zone {z}" for z in names["zone_id"]]))
    # Areal units know no calls, and a gain is never told without what is not known of its price.
    price = "What the plan does to response, backup and overflow was not worked out: areal units hold no calls."
    said = (plan.summary(), *([] if found is None else [found.finding(plan)]), *([price] if len(plan.moves) else []))
    summary = " ".join(said)
    write_plan(fresh, plan, zones, found=found, summary=summary)
    return summary, dict(plan.certificate)


def _tell(proposal: TermPlan, target: Path, *, as_json: bool) -> None:
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
    console = messages()
    console.print(proposal.summary(), markup=False, soft_wrap=True)
    for sentence in proposal.changes["sentence"]:
        console.print(f"  {sentence}", markup=False, soft_wrap=True)
    console.print(f"Written to {target}. Check it with: safeschools verify {target}", markup=False, soft_wrap=True)
