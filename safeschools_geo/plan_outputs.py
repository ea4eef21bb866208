"""What a proposal leaves behind: plan, zones, frontier, scores, and a certificate that can be checked without us."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd

from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.export import write_csv, write_geojson, write_text
from safeschools_geo.rebalance.stages import ZONE_SETS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from safeschools_geo.rebalance.frontier import Frontier
    from safeschools_geo.rebalance.plan import RebalancePlan
    from safeschools_geo.term_results import TermPlan


def write_term_plan(proposal: TermPlan, folder: Path) -> None:
    """Write the proposal of a term.

    Parameters
    ----------
    proposal
        The proposal.
    folder
        Folder to write to. How long the search took is left out, so that a rerun gives the same bytes.
    """
    tables = {
        "scores": proposal.comparison,
        "moves": proposal.changes,
        "stability": proposal.stability.to_frame(),
    }
    write_plan(
        folder,
        proposal.plan,
        proposal.zones,
        found=proposal.frontier,
        tables=tables,
        summary=proposal.summary(),
        is_timed=False,
    )


def write_plan(
    folder: Path,
    plan: RebalancePlan,
    zones: gpd.GeoDataFrame,
    *,
    found: Frontier | None = None,
    tables: Mapping[str, pd.DataFrame] | None = None,
    summary: str | None = None,
    is_timed: bool = True,
) -> None:
    """Write a plan with everything its certificate rests on.

    Parameters
    ----------
    folder
        Folder to write to.
    plan
        The plan.
    zones
        Its zones, in the schema of the zone file.
    found
        The frontier it belongs to.
    tables
        Name of a file → further table.
    summary
        What there is to say; the plan's own summary by default.
    is_timed
        Whether to write how long the search took.
    """
    frame = plan.to_frame()
    write_csv(folder / "plan.csv", frame)
    write_csv(folder / "edges.csv", plan.edges)
    shapes = plan.units[["unit_id", "geometry"]].set_geometry("geometry").to_crs(STORAGE_CRS)
    columns = ["unit_id", "zone_before", "zone_after", "workload"]
    units = gpd.GeoDataFrame(frame[columns], geometry=shapes.geometry.to_numpy(), crs=STORAGE_CRS)
    write_geojson(folder / "units.geojson", units)
    loads = zones["zone_id"].map(plan.loads["after"]).fillna(0.0)
    loaded = zones.assign(workload=loads)[[*_before_geometry(zones), "workload", "geometry"]]
    write_geojson(folder / "zones.geojson", loaded)
    if found is not None:
        table = found.to_frame()
        write_csv(folder / "frontier.csv", table if is_timed else table.drop(columns="seconds"))
    for name, extra in (tables or {}).items():
        write_csv(folder / f"{name}.csv", extra)
    if _keeps_log(plan, is_timed=is_timed):
        write_text(folder / "solver.log", f"{plan.log}\n")
    write_text(folder / "summary.txt", f"{summary or plan.summary()}\n")
    write_text(folder / "certificate.json", _certificate(plan, folder, is_timed=is_timed))


def _keeps_log(plan: RebalancePlan, *, is_timed: bool) -> bool:
    """Say whether the log is written: that of the integer program tells times, which differ from run to run."""
    return bool(plan.log) and (is_timed or plan.certificate["proof"]["method"] == ZONE_SETS)


def _before_geometry(zones: gpd.GeoDataFrame) -> list[str]:
    return [str(c) for c in zones.columns if c not in ("geometry", "workload")]


def _certificate(plan: RebalancePlan, folder: Path, *, is_timed: bool) -> str:
    """Add the fingerprints of the files, and leave out what only this run knows."""
    certificate: dict[str, Any] = dict(plan.certificate)
    if not is_timed:
        certificate["seconds"] = None
    log = "solver.log" if _keeps_log(plan, is_timed=is_timed) else ""
    certificate["proof"] = {**certificate["proof"], "log": log}
    files = sorted(path for path in folder.iterdir() if path.is_file())
    certificate["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    return json.dumps(certificate, indent=2, ensure_ascii=False) + "\n"
