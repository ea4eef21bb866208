"""``safeschools score``: any plan, the product's or a person's, on every measure beside the current zones."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import click
import numpy as np

from safeschools_geo.commands.common import (
    FILE_IN,
    FOLDER,
    CheckedCommand,
    folder_of,
    inputs_of,
    json_option,
    messages,
    out_option,
    print_json,
    progress_of,
    seed_option,
    term_option,
)
from safeschools_geo.errors import SettingsError
from safeschools_geo.export import write_csv, write_geojson, write_manifest, write_text
from safeschools_geo.io import sha256_of
from safeschools_geo.rebalance.comparison import compare_plans, plan_change, what_changes
from safeschools_geo.rebalance.ground.tiling import zones_of_plan
from safeschools_geo.rebalance.scoring.plan_file import read_plan
from safeschools_geo.term import FINDING_STEPS, run_term, zone_by_school
from safeschools_geo.term_ground import lay_ground
from safeschools_geo.term_outputs import manifest_of
from safeschools_geo.term_results import why_nothing_to_plan
from safeschools_geo.term_scores import score_in_district, stability_in_district
from safeschools_geo.term_watch import keep_watch
from safeschools_geo.toml_settings import load_settings
from safeschools_geo.workload import empty_zones_text
from safeschools_geo.writing import output_folder, repair

if TYPE_CHECKING:
    from pathlib import Path


@click.command("score", cls=CheckedCommand)
@click.argument("district", type=FOLDER, metavar="DISTRICT", required=False)
@click.option(
    "--plan",
    "plan_file",
    required=True,
    type=FILE_IN,
    metavar="FILE",
    help="CSV with unit_id or school_id, and zone_after or zone_id, such as plan.csv.",
)
@term_option
@out_option("Folder for scores, moves, zones; none if left out.")
@seed_option
@json_option
def command(
    district: Path | None, plan_file: Path, term: str | None, out: Path | None, seed: int, *, as_json: bool
) -> None:
    """Score a plan on every measure, beside the current zones."""
    folder = folder_of(district)
    repair(plan_file)
    inputs = [*inputs_of(load_settings(folder)), plan_file]
    place = nullcontext() if out is None else output_folder(out, inputs=inputs)
    with place as fresh, progress_of(len(FINDING_STEPS) + 1) as begin:
        result = run_term(folder, term=term, seed=seed, proposes=False, covers=False, protects=False, on_step=begin)
        begin("Scoring")
        read, zone_of = result.district, zone_by_school(result.school_zones)
        ground = lay_ground(read, zone_of, result.history, result.workload, term=result.term)
        if ground is None:
            raise SettingsError(
                why_nothing_to_plan(read, result.loads, result.history, term=result.term)
                or "There is nothing to score.",
                where=folder,
                expected="two zones or more, with program schools that have a workload in the term",
                remedy="Run `safeschools check`, or name another --term.",
            )
        plan = read_plan(plan_file, ground.units, zones=list(read.zones["zone_id"]))
        current = ground.units.set_index("unit_id")["zone_id"]
        groups = result.hotspots.groups_of_schools
        watch = keep_watch(read, zone_of, result.history, result.workload, ground, term=result.term, seed=seed)
        scores = {
            "current": score_in_district(read, ground, current, groups, watch=watch),
            "proposed": score_in_district(read, ground, plan.assignment, groups, watch=watch),
        }
        stability = stability_in_district(
            read,
            ground,
            plan.assignment,
            result.history,
            result.workload,
            school_zones=zone_of,
            term=result.term,
            seed=seed,
        )
        table = compare_plans(scores, shown=True)
        changes = what_changes(ground.units, current, plan.assignment)
        change = plan_change(scores["current"], scores["proposed"], noun=ground.noun)
        names = read.zones.set_index("zone_id")["name"]
        empty = empty_zones_text(str(names[zone]) for zone in ground.set_apart)
        summary = " ".join(t for t in (empty, change.summary(), scores["proposed"].summary(), stability.summary()) if t)
        if fresh is not None:
            zones = zones_of_plan(ground.units, plan.assignment, read.zones, schools=read.schools, crs=read.crs)
            write_csv(fresh / "scores.csv", table)
            write_csv(fresh / "moves.csv", changes)
            write_csv(fresh / "stability.csv", stability.to_frame())
            write_geojson(fresh / "zones.geojson", zones)
            write_text(fresh / "summary.txt", f"{summary}\n")
            write_manifest(fresh, {**manifest_of(result), "plan": {plan_file.name: sha256_of(plan_file)}})
    console = messages()
    for finding in plan.findings:
        console.print(str(finding), markup=False, soft_wrap=True)
    if as_json:
        plain = table.replace([np.inf, -np.inf], np.nan)
        print_json(
            {
                "imbalance": scores["proposed"].imbalance,
                "is_contiguous": scores["proposed"].is_contiguous,
                "scores": plain.astype(object).where(plain.notna(), None).to_dict("records"),
                "moves": changes["sentence"].tolist(),
                "change": change.to_json(),
                "summary": summary,
                "stability": stability.summary(),
            }
        )
        return
    shown = table[["label", "current", "proposed"]]
    width = int(shown["label"].str.len().max())
    for label, now, then in shown.itertuples(index=False):
        console.print(f"{label:<{width}}  {now:>24}  {then:>24}", markup=False, soft_wrap=True)
    console.print(summary, markup=False, soft_wrap=True)
