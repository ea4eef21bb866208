"""What a run leaves behind: tables, layers, maps and a manifest."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pandas as pd

from safeschools_geo import __version__
from safeschools_geo.check_page import check_html
from safeschools_geo.counts import incident_counts, work_summary
from safeschools_geo.coverage_outputs import write_coverage
from safeschools_geo.export import write_csv, write_geojson, write_manifest, write_text
from safeschools_geo.packet.outputs import write_board
from safeschools_geo.plan_outputs import write_term_plan
from safeschools_geo.workload import term_comparison
from safeschools_geo.writing import PRODUCT

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.hotspots.result import Hotspots
    from safeschools_geo.term_results import TermResult

_PACKAGES = ("geopandas", "highspy", "numpy", "pandas", "pyogrio", "pyproj", "shapely")


def write_term(result: TermResult, pages: dict[str, str], packet: dict[str, bytes], folder: Path) -> None:
    """Write everything a term leaves behind.

    Parameters
    ----------
    result
        All results.
    pages
        Name of a file under ``maps/`` → its HTML, from `term_maps.draw_term`.
    packet
        Name of a file under ``board/`` → its content, from `packet.outputs.draw_board`.
    folder
        An empty folder.
    """
    district, history = result.district, result.history
    write_text(folder / "check.html", check_html(result.report))
    write_csv(folder / "rejects.csv", district.rejects)
    write_csv(folder / "school_matches.csv", district.school_review)
    write_csv(folder / "assignments.csv", result.school_zones)
    history.to_parquet(folder / "incidents.parquet", index=False)
    write_csv(folder / "workload.csv", result.workload)
    write_csv(folder / "workload_zones.csv", result.zone_loads)
    write_csv(folder / "terms.csv", term_comparison(result.zone_loads))
    write_csv(folder / "work.csv", work_summary(history))
    this = history[history["term"] == result.term.name]
    for name in ("zone_id", "school_id", "category", "hour", "origin"):
        write_csv(folder / "counts" / f"by_{name}.csv", incident_counts(this, [name]))
    write_csv(folder / "counts" / "by_term.csv", incident_counts(history, ["term", "zone_id", "category"]))
    write_geojson(folder / "zones.geojson", district.zones.merge(result.to_frame().drop(columns="name"), on="zone_id"))
    write_hotspots(result.hotspots, folder / "hotspots")
    if result.proposal is not None:
        write_term_plan(result.proposal, folder / "plan")
    if result.coverage is not None:
        time_zone = district.settings.district.time_zone
        write_coverage(result.coverage, folder / "coverage", term=result.term, time_zone=time_zone)
    for name, html in pages.items():
        write_text(folder / "maps" / name, html)
    if result.board is not None:
        write_board(result.board, packet, folder / "board", languages=district.settings.board.languages)
    write_manifest(folder, manifest_of(result))


def write_hotspots(found: Hotspots, folder: Path) -> None:
    """Write the tables and layers of the hotspots.

    Parameters
    ----------
    found
        The hotspots of a term.
    folder
        Folder to write to.
    """
    schools, places, trends = found.schools, found.places, found.trends
    tables = {
        "hotspots": found.spots,
        "schools": schools.rates.table,
        "levels": schools.by_level,
        "zones": schools.by_zone,
        "funnel_limits": schools.rates.limits,
        "groups": schools.groups.to_frame(),
        "groups_other_windows": _other_windows(found),
        "months": schools.months.to_frame(),
        "hours": found.hours.table,
        "worst_hours": found.hours.windows,
        "places": places.clusters.to_frame(),
        "piles": places.piles,
        "grid": places.grid.to_frame(),
        "trends": trends.trends,
        "classes": trends.classes,
        "changes_schools": trends.change_schools,
        "changes_zones": trends.change_zones,
        "changes_all": trends.change_all,
        "backtest": found.backtest.to_frame(),
        "backtest_differences": found.backtest.differences.reset_index(),
        "zone_shares": found.zone_shares,
    }
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)
    layers = {"groups": schools.groups.table, "places": places.clusters.clusters, "grid": places.grid.cells}
    for name, layer in layers.items():
        if len(layer):
            write_geojson(folder / f"{name}.geojson", layer)
    write_text(folder / "summary.txt", f"{found.summary()}\n")


def _other_windows(found: Hotspots) -> pd.DataFrame:
    """Put the groups found with every largest window under each other."""
    scans = found.schools.groups.scans
    frames = [scans[share].to_frame().assign(max_share=share) for share in sorted(scans)]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["members", "max_share"])


def manifest_of(result: TermResult) -> dict[str, Any]:
    """Say where the results came from.

    Parameters
    ----------
    result
        All results.

    Returns
    -------
    dict
        Inputs with their SHA-256, settings, seed, versions, and counts in and out of every step.
    """
    district, history = result.district, result.history
    settings = asdict(district.settings)
    # The folder is a path of this machine: it says nothing about the result, and would change its bytes.
    settings.pop("folder")
    statuses = result.school_zones["status"].value_counts()
    return {
        "product": {"name": PRODUCT, "version": __version__},
        "district": district.settings.district.name,
        "is_synthetic": district.settings.district.is_synthetic,
        "term": result.term.name,
        "seed": result.seed,
        "crs": district.crs.to_string(),
        "inputs": district.sources,
        "settings": json.loads(json.dumps(settings, default=str)),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}},
        "counts": {
            "read": district.counts,
            "incidents_after_the_term": district.counts["incidents"]["kept"] - len(history),
            "rejects": {str(k): int(v) for k, v in district.rejects["reason_code"].value_counts().sort_index().items()},
            "schools_by_status": {str(k): int(v) for k, v in statuses.sort_index().items()},
            "incidents_by_zone_status": _counts(history["zone_status"]),
            "incidents_by_term": _counts(history["term"].fillna("outside every term")),
            "incidents_by_work": _counts(history["reason"]),
            "schools_by_hotspot_status": _counts(result.hotspots.schools.rates.table["status"]),
            "hotspots_by_kind": _counts(result.hotspots.spots["kind"]),
            "frontier_points": _points(result),
        },
    }


def _points(result: TermResult) -> dict[str, int]:
    if result.proposal is None:
        return {"found": 0, "proven": 0}
    is_proven = result.proposal.to_frame()["is_proven"]
    return {"found": len(is_proven), "proven": int(is_proven.sum())}


def _counts(column: pd.Series) -> dict[str, int]:
    return {str(k): int(v) for k, v in column.value_counts().sort_index().items()}
