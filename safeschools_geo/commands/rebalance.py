"""``safeschools rebalance``: the least change that evens the zones out, of a district or of any areal units."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from safeschools_geo.commands.common import (
    district_argument,
    folder_of,
    json_option,
    messages,
    outputs_of,
    print_json,
    progress_of,
    term_option,
)
from safeschools_geo.commands.rebalance_units import read_areal_units
from safeschools_geo.errors import SettingsError
from safeschools_geo.export import replaced_folder
from safeschools_geo.plan_outputs import write_plan, write_term_plan
from safeschools_geo.rebalance.frontier import frontier
from safeschools_geo.rebalance.ground.tiling import zones_of_plan
from safeschools_geo.rebalance.problem import EXACT
from safeschools_geo.rebalance.problem_of_units import Rules
from safeschools_geo.rebalance.propose import rebalance
from safeschools_geo.rebalance.travel import roots_of
from safeschools_geo.term import PROPOSING_STEPS, run_term, zone_by_school
from safeschools_geo.term_plan import propose_zones

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    import pandas as pd

    from safeschools_geo.settings import Settings
    from safeschools_geo.term_plan import TermPlan

_file = click.Path(path_type=Path, dir_okay=False)


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


@click.command("rebalance")
@district_argument
@term_option
@click.option("--units", type=_file, help="Areal units instead of a district: polygons with a zone and a workload.")
@click.option("--unit-id", metavar="COL", help="Column of the units' ids.")
@click.option("--zone", metavar="COL", help="Column of the current zone.")
@click.option("--workload", metavar="COL", help="Column of the workload.")
@click.option("--adjacency", type=_file, help="Pairs of neighbours; the borders of the units if left out.")
@click.option("--no-zone", multiple=True, metavar="VALUE", help="Value of the zone column that means: no zone.")
@click.option("--crs", metavar="EPSG", help="CRS of the units, where the file states none.")
@click.option("--max-moves", type=click.IntRange(min=0), metavar="K", help="Most units to move; shows 0, 1, … K.")
@click.option("--tolerance", type=click.FloatRange(min=0), metavar="T", help="Largest imbalance: the fewest moves.")
@click.option("--free-roots", is_flag=True, help="Let the middle of each zone move as well: all contiguous plans.")
@click.option("--lock", "locked", multiple=True, metavar="ID", help="Unit that keeps its zone.")
@click.option("--together", multiple=True, metavar="ID,ID…", help="Units that have to be in one zone.")
@click.option("--time-limit", type=click.FloatRange(min=0, min_open=True), metavar="S", help="Longest search, seconds.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder; outputs/<term>/plan for a district."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the solver.")
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
    together: tuple[str, ...],
    out: Path | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401 - as click gives them
) -> None:
    """Propose the least change that evens the zones out, with a certificate of how good it is."""
    groups = tuple(tuple(part.strip() for part in group.split(",")) for group in together)
    request = Request(together=groups, time_limit_s=asked.pop("time_limit"), **asked)
    if request.max_moves is not None and request.tolerance is not None:
        raise click.UsageError("Give --max-moves or --tolerance, not both.")
    if units is None:
        _of_district(folder_of(district), term, request, out, as_json=as_json)
        return
    columns = {"--unit-id": unit_id, "--zone": zone, "--workload": workload, "--out": out}
    missing = [name for name, value in columns.items() if value is None]
    if missing or district is not None:
        raise click.UsageError(
            f"--units needs {', '.join(missing)}." if missing else "Give DISTRICT or --units, not both."
        )
    if request.max_moves is None and request.tolerance is None:
        raise click.UsageError("Say how far to go: --max-moves K or --tolerance T.")
    read = read_areal_units(
        units, str(unit_id), str(zone), str(workload), adjacency=adjacency, no_zone=no_zone, crs=crs
    )
    for finding in read.findings:
        messages().print(str(finding), markup=False, soft_wrap=True)
    _of_units(read.units, read.edges, read.apart, request, out or Path(), as_json=as_json)


def _on_point(moves: int, imbalance: float, bound: float) -> None:
    gap = "proven" if imbalance - bound <= EXACT else f"bound {bound:.2%}, gap {imbalance - bound:.2%}"
    gap = "not proven" if math.isnan(bound) else gap
    messages().print(f"  {moves:>2} moves: least imbalance {imbalance:.2%} ({gap})", markup=False)


def _of_district(folder: Path, term: str | None, request: Request, out: Path | None, *, as_json: bool) -> None:
    with progress_of(len(PROPOSING_STEPS)) as begin:
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
    target = out or outputs_of(result.district.settings, None) / result.term.name / "plan"
    _write(target, lambda fresh: write_term_plan(proposal, fresh))
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
    out: Path,
    *,
    as_json: bool,
) -> None:
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
    _write(out, lambda fresh: write_plan(fresh, plan, zones, found=found, summary=summary))
    if as_json:
        print_json({"out": out.as_posix(), "summary": summary, "certificate": dict(plan.certificate)})
    else:
        messages().print(f"{summary} Written to {out}.", markup=False, soft_wrap=True)


def _write(target: Path, write: Callable[[Path], None]) -> None:
    with replaced_folder(target) as fresh:
        write(fresh)


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
