"""What a run leaves behind, tables, layers, maps, certificates, the packet and a manifest, and how it is read again."""

from __future__ import annotations

import datetime as dt
import json
import platform
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from importlib import import_module
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
from pyproj import CRS

from safeschools_geo import __version__
from safeschools_geo.board import draw_packet, print_pdf
from safeschools_geo.counts import incident_counts, work_summary
from safeschools_geo.coverage import visits_csv, visits_ics
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.disclosure import audit_document
from safeschools_geo.district import changed_inputs
from safeschools_geo.drawing import zone_signs
from safeschools_geo.errors import FileReadError, InputError
from safeschools_geo.findings import MayHoldNothing
from safeschools_geo.io import (
    fingerprints,
    sha256_of,
    without_guards,
    write_bytes,
    write_csv,
    write_geojson,
    write_manifest,
    write_tables,
    write_text,
)
from safeschools_geo.pages import check_html, comparison_page
from safeschools_geo.rebalance import ZONE_SETS, plan_frame, what_changes
from safeschools_geo.results import TermBoard, TermResult
from safeschools_geo.term._packet import (
    earlier_releases,
    numbers_on,
    protect_term,
    public_numbers,
    statements_of,
)
from safeschools_geo.text import file_names, listed
from safeschools_geo.workload import term_comparison
from safeschools_geo.writing import PRODUCT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from safeschools_geo.coverage import CoveragePlan
    from safeschools_geo.hotspots import Hotspots
    from safeschools_geo.rebalance import Frontier, RebalancePlan
    from safeschools_geo.results import ScoredPlans, TermComparison, TermPlan
    from safeschools_geo.settings import BoardSettings, Settings, Term


# ── What a proposal leaves behind: plan, zones, frontier, scores, and a certificate that can be checked without us


_PLAN_TABLES = ("scores", "moves", "stability", "response", "frontier_minutes", "frontier_other", "plan_other")


def write_term_plan(proposal: TermPlan, folder: Path) -> None:
    """Write the proposal of a term.

    Parameters
    ----------
    proposal
        The proposal.
    folder
        Folder to write to. How long the search took is left out, so that a rerun gives the same bytes.
    """
    tables = proposal.tables()
    write_plan(
        folder,
        proposal.plan,
        proposal.zones,
        found=proposal.frontier,
        tables={name: tables[name] for name in _PLAN_TABLES if name in tables},
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
    write_csv(folder / "edges.csv", plan.edges)
    said = summary or plan.summary()
    scores = (tables or {}).get("scores")
    _write_zones_and_plan(folder, plan.units, plan.assignment, zones, scores=scores, said=said)
    if found is not None:
        table = found.to_frame()
        write_csv(folder / "frontier.csv", table if is_timed else table.drop(columns="seconds"))
    for name, extra in (tables or {}).items():
        write_csv(folder / f"{name}.csv", extra)
    if _keeps_log(plan, is_timed=is_timed):
        write_text(folder / "solver.log", f"{plan.log}\n")
    write_text(folder / "summary.txt", f"{said}\n")
    write_text(folder / "certificate.json", _certificate(plan, folder, is_timed=is_timed))


def _write_zones_and_plan(
    folder: Path,
    units: gpd.GeoDataFrame,
    assignment: pd.Series,
    zones: gpd.GeoDataFrame,
    *,
    scores: pd.DataFrame | None,
    said: str,
) -> None:
    """Write a plan and its zones for every GIS, as layers ``zones`` and ``units``, and as a workbook for people."""
    frame = plan_frame(units, assignment)
    write_csv(folder / "plan.csv", frame)
    shapes = units[["unit_id", "geometry"]].set_geometry("geometry").to_crs(STORAGE_CRS).geometry.to_numpy()
    columns = ["unit_id", "zone_before", "zone_after", "workload"]
    drawn = gpd.GeoDataFrame(frame[columns], geometry=shapes, crs=STORAGE_CRS)
    loads = pd.DataFrame({side: frame.groupby(f"zone_{side}")["workload"].sum() for side in ("before", "after")})
    loads = loads.reindex(list(dict.fromkeys([*zones["zone_id"], *loads.index]))).fillna(0.0)
    loaded = zones.assign(workload=zones["zone_id"].map(loads["after"]).fillna(0.0))
    loaded = loaded[[*_before_geometry(zones), "workload", "geometry"]]
    write_geojson(folder / "units.geojson", drawn)
    write_geojson(folder / "zones.geojson", loaded)
    signs = zone_signs(zones)
    style = {
        sign_of: f"BRUSH(fc:{sign.fill}80);PEN(c:#262626,w:2px)"
        for sign_of, sign in zip(zones["zone_id"], signs, strict=True)
    }
    named = gpd.GeoDataFrame(
        frame.drop(columns=["schools", "students"], errors="ignore"), geometry=shapes, crs=STORAGE_CRS
    )
    layers = {
        "zones": loaded.assign(OGR_STYLE=loaded["zone_id"].map(style)),
        "units": named.assign(OGR_STYLE=named["zone_after"].map(style)),
    }
    for suffix in (".gpkg", ".kml", ".zip"):
        write_tables(folder / f"plan{suffix}", layers)
    names = zones.set_index("zone_id")["name"].reindex(loads.index).fillna("")
    moves = what_changes(units, units.set_index("unit_id")["zone_id"], assignment)
    about = [*re.split(r"(?<=\.)\s+(?=[A-Z0-9])", said), *_ABOUT.strip().splitlines()]
    book = {
        "about": pd.DataFrame({"about this plan": about}, dtype="str"),
        "moves": moves.drop(columns="sentence").dropna(axis=1, how="all").rename(columns=_HEADS),
        "loads": pd.concat([names, loads], axis=1).rename_axis("zone").reset_index().rename(columns=_LOADS),
        **({} if scores is None else {"price": scores[[c for c in _PRICES if c in scores]].rename(columns=_PRICES)}),
        "plan": frame,
    }
    write_tables(folder / "plan.xlsx", book)


_HEADS = {"unit_id": "id", "zone_before": "from zone", "zone_after": "to zone"}
_LOADS = {"before": "workload today", "after": "workload under the plan"}
_PRICES = {"label": "measure", "unit": "in", "current": "today", "proposed": "under the plan"}
_PRICES |= {"other": "under the other plan", "best": "best in"}
_ABOUT = """
Sheet moves: what changes its zone. Sheet loads: the workload of each zone, before and after.
Sheet price: every measure, today (current), under the plan (proposed) and, where there is one, under the other plan \
that the text names. Sheet plan: the zone of every unit; it can be changed, and read \
again with safeschools score --plan.
The same plan as layers of a map, zones and units: plan.gpkg, plan.kml, and shapefiles in plan.zip.
"""


def write_scored_plans(scored: ScoredPlans, page: str, folder: Path) -> None:
    """Write plans that were scored.

    Parameters
    ----------
    scored
        The plans; each has a folder of its own, named after it, where there are several.
    page
        HTML of `plans_page`.
    folder
        Folder to write to.
    """
    write_csv(folder / "scores.csv", scored.to_frame())
    write_text(folder / "summary.txt", f"{scored.summary()}\n")
    write_text(folder / "plans.html", page)
    homes = file_names(scored.plans)
    for name, home in homes.items():
        plan = scored.plans[name]
        own = folder if len(homes) == 1 else folder / home
        write_csv(own / "moves.csv", plan.moves)
        write_csv(own / "stability.csv", plan.stability.to_frame())
        units = scored.inputs.units
        _write_zones_and_plan(own, units, plan.assignment, plan.zones, scores=plan.comparison, said=plan.summary())


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
    certificate["files"] = {path.name: sha256_of(path) for path in files}
    return json.dumps(certificate, indent=2, ensure_ascii=False) + "\n"


# ── What patrol coverage leaves behind: tables, staging points, plans for absences, and a week of visits


def write_coverage(found: CoveragePlan, folder: Path, *, term: Term, time_zone: str) -> None:
    """Write the coverage of a term.

    Parameters
    ----------
    found
        The coverage.
    folder
        Folder to write to.
    term
        The term: its first Monday is the week of the visits.
    time_zone
        Time zone of the district, for the calendar.
    """
    for name, table in found.tables().items():
        write_csv(folder / f"{name}.csv", table)
    write_text(folder / "visits.csv", visits_csv(found.visits))
    monday = first_monday(term)
    for zone, name in file_names(map(str, found.visits.zones.index)).items():
        calendar = visits_ics(found.visits, monday, time_zone, zone_id=zone)
        write_text(folder / "visits" / f"zone-{name}.ics", calendar)
    write_geojson(folder / "staging.geojson", found.staging_layer())
    write_text(folder / "summary.txt", f"{found.summary()}\n")


def first_monday(term: Term) -> dt.date:
    """Find the Monday of the first whole week of a term."""
    return term.start + dt.timedelta(days=-term.start.weekday() % 7)


# ── What the board packet leaves behind: pages, PDF, the audit, and a list of them all with their hashes

PACKET_FORMAT = "safeschools-geo/packet/2"
"""Name of the format of ``packet.json``, and its version."""


def draw_board(board: TermBoard, settings: BoardSettings) -> tuple[dict[str, bytes], str]:
    """Draw the packet.

    Parameters
    ----------
    board
        What may be reported.
    settings
        Languages, and whether it is printed.

    Returns
    -------
    files : dict of str to bytes
        Relative file name → its content: the pages, and a PDF in each language where something prints them.
    why_no_pdf : str
        Why there is none, with the remedy; empty where there is.
    """
    content = board.content
    pages = draw_packet(content, langs=settings.languages)
    files = {name: html.encode() for name, html in pages.items()}
    reason = ""
    for lang in settings.languages if settings.pdf else ():
        folder = "" if lang == settings.languages[0] else f"{lang}/"
        printed = print_pdf(pages[f"{folder}print.html"], title=f"{content.district}, {content.term}", lang=lang)
        reason = reason or printed.reason
        if printed.pdf is not None:
            files[f"packet-{lang}.pdf"] = printed.pdf
    return files, reason


def write_board(board: TermBoard, files: Mapping[str, bytes], folder: Path, *, languages: Sequence[str]) -> None:
    """Write the packet.

    Parameters
    ----------
    board
        What may be reported.
    files
        Result of `draw_board`.
    folder
        An empty folder; all in it may be published.
    languages
        Languages of the packet.
    """
    content = board.content
    for name, body in files.items():
        write_bytes(folder / name, body)
    pages = {name: body.decode() for name, body in files.items() if name.endswith(".html")}
    audit = audit_document(
        board.audit,
        district=content.district,
        term=content.term,
        release=content.release,
        said=[statement.to_dict() for statement in statements_of(content, pages)],
    )
    write_text(folder / "audit.json", json.dumps(audit, ensure_ascii=False, separators=(",", ":")) + "\n")
    packet = _packet(board, folder, languages, pages)
    write_text(folder / "packet.json", json.dumps(packet, ensure_ascii=False, indent=2) + "\n")


def _packet(board: TermBoard, folder: Path, languages: Sequence[str], pages: Mapping[str, str]) -> dict[str, Any]:
    content = board.content
    return {
        "format": PACKET_FORMAT,
        "district": content.district,
        "term": content.term,
        "is_synthetic": content.is_synthetic,
        "release": content.release,
        "policy": board.counts.policy.to_dict(),
        "languages": list(languages),
        # By this anyone can see later whether the record of releases still ends where it did.
        "record": {"releases": len(board.releases), "last": board.releases[-1].hash if board.releases else None},
        "public": {what: " ".join(reported) for what, reported in public_numbers(content, langs=languages).items()},
        "numbers": {name: " ".join(numbers_on(page)) for name, page in sorted(pages.items())},
        "files": fingerprints(folder),
    }


# ── What a run leaves behind: tables, layers, maps and a manifest

_PACKAGES = ("geopandas", "highspy", "numpy", "pandas", "pyogrio", "pyproj", "shapely")


def write_term(result: TermResult, pages: dict[str, str], packet: dict[str, bytes], folder: Path) -> None:
    """Write everything a term leaves behind.

    Parameters
    ----------
    result
        All results.
    pages
        Name of a file under ``maps/`` → its HTML, from `draw_term`.
    packet
        Name of a file under ``board/`` → its content, from `draw_board`.
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
    if not result.proposal.is_empty:
        write_term_plan(result.proposal, folder / "plan")
    if not result.coverage.is_empty:
        time_zone = district.settings.district.time_zone
        write_coverage(result.coverage, folder / "coverage", term=result.term, time_zone=time_zone)
    for name, html in pages.items():
        write_text(folder / "maps" / name, html)
    if not result.board.is_empty:
        write_board(result.board, packet, folder / "board", languages=district.settings.board.languages)
    _pack(result, folder / RESULTS)
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
        **({} if trends.zone_change is None else {"zone_change": trends.zone_change.to_frame()}),
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
        "earlier_outputs": {k: v for k, v in result.hotspots.inputs.items() if k not in district.sources},
        "settings": json.loads(json.dumps(settings, default=str)),
        "versions": _versions(),
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


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in _PACKAGES}}


def _points(result: TermResult) -> dict[str, int]:
    is_proven = [] if result.proposal.is_empty else result.proposal.to_frame()["is_proven"].tolist()
    return {"found": len(is_proven), "proven": sum(is_proven)}


def _counts(column: pd.Series) -> dict[str, int]:
    return {str(k): int(v) for k, v in column.value_counts().sort_index().items()}


# ── The last run of a term, read again from what it left behind


def changed_since(manifest: Mapping[str, Any], settings: Settings) -> list[str]:
    """Name the inputs of a run that are others today, and the versions of what made its outputs."""
    then = {PRODUCT: manifest["product"]["version"], **manifest["versions"]}
    now = {PRODUCT: __version__, **_versions()}
    others = [f"the version of {name} (now {now[name]})" for name in now if then.get(name) != now[name]]
    return [*changed_inputs(settings, manifest["inputs"]), *others]


@dataclass(frozen=True, eq=False)
class TermOutputs:
    """What the last run of a term wrote.

    Parameters
    ----------
    folder
        The folder of the term's outputs.
    term
        Name of the term.
    manifest
        Content of its ``manifest.json``: inputs with their SHA-256, settings, seed, versions, counts, outputs.
    changed
        Inputs that are no longer those of the run, and versions that are others.
    district
        The district folder.
    """

    folder: Path
    term: str
    manifest: Mapping[str, Any]
    changed: tuple[str, ...]
    district: Path

    @property
    def is_fresh(self) -> bool:
        """Whether a run today would read the same files with the same versions."""
        return not self.changed

    def summary(self) -> str:
        """Say which run this is, and whether it is of today's files.

        Returns
        -------
        str
            One sentence.
        """
        about = f"{self.manifest['district']}, {self.term}: outputs of {PRODUCT} {self.manifest['product']['version']}"
        if self.is_fresh:
            return f"{about}, made from the files and settings of today."
        return f"{about}. Changed since: {listed(list(self.changed))}; run the term again before you rely on them."

    def table(self, name: str) -> pd.DataFrame:
        """Read a table.

        Parameters
        ----------
        name
            Its file without the ending, as `workload` or `plan/moves`: ``.csv``, or ``.parquet`` for `incidents`.

        Returns
        -------
        pandas.DataFrame
            The table as it was written. Columns of ids, names and lists of ids are text; what is empty in these is
            empty text.
        """
        path = self._file(name, (".csv", ".parquet"))
        if path.suffix == ".parquet":
            return pd.DataFrame(gpd.read_parquet(path))
        texts = pd.read_csv(path, dtype="str", keep_default_na=False)
        return pd.DataFrame({column: _as_written(texts[column]) for column in texts})

    def layer(self, name: str) -> gpd.GeoDataFrame:
        """Read a layer.

        Parameters
        ----------
        name
            Its file without the ending, as `zones` or `plan/zones`: ``.geojson``.

        Returns
        -------
        geopandas.GeoDataFrame
            The layer, EPSG:4326.
        """
        content = json.loads(self._file(name, (".geojson",)).read_bytes())
        return gpd.GeoDataFrame.from_features(content["features"], crs=STORAGE_CRS)

    def result(self, *, protects: bool = False) -> TermResult:
        """Read all results of the run but the packet, which is never read: only `protect` makes its tables.

        Parameters
        ----------
        protects
            Whether to work out again what may be reported in public.

        Returns
        -------
        TermResult
            As `run_term` gave it; `board` is empty unless it is asked for.
        """
        path = self._file("", (RESULTS,))
        try:
            found = _Unpacker(path.read_bytes(), self.district).result
        except (LookupError, TypeError, ValueError, AttributeError, ImportError, BadZipFile) as error:
            raise FileReadError(
                "The results of a run cannot be read again.",
                where=path,
                found=str(error),
                expected="results as this version writes them",
                remedy="Run the term again.",
            ) from error
        if protects:
            found = replace(found, board=protect_term(found, releases=earlier_releases(found.district)))
        return found

    def to_frame(self) -> pd.DataFrame:
        """List what there is.

        Returns
        -------
        pandas.DataFrame
            `file` and `sha256` of each output.
        """
        outputs = self.manifest["outputs"]
        return pd.DataFrame({"file": list(outputs), "sha256": list(outputs.values())}, dtype="str")

    def _file(self, name: str, endings: tuple[str, ...]) -> Path:
        found = [f"{name}{ending}" for ending in endings if f"{name}{ending}" in self.manifest["outputs"]]
        if not found:
            there = sorted(
                file.removesuffix(ending)
                for file in self.manifest["outputs"]
                for ending in endings
                if file.endswith(ending)
            )
            raise InputError(
                "The run wrote nothing of this name.",
                where=self.folder,
                found=name,
                expected=f"one of: {', '.join(there)}",
            )
        path = self.folder / found[0]
        if not path.is_file() or sha256_of(path) != self.manifest["outputs"][found[0]]:
            raise FileReadError(
                "An output is not what the run wrote.",
                where=path,
                found="changed or removed since",
                expected="the file of the manifest",
                remedy="Run the term again.",
            )
        return path


_IS_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|inf|-inf|nan"
_TEXTS = re.compile(
    r"(?:^|_)(?:id|ids|name|members|officer|school|zone|absent|months)$|^(?:zone|unit|officer)_|^roots$"
)
_MEASURES = re.compile(r"_(?:m|km|km2|min|h|share|per_1000|per_h|per_day)$")


def _as_written(cells: pd.Series) -> pd.Series:
    """Turn a column of numbers or of truths back into what it was; ids stay text."""
    plain = without_guards(cells)
    filled = plain[plain != ""]
    if _TEXTS.search(str(cells.name)) or (filled.empty and not _MEASURES.search(str(cells.name))):
        return plain
    if filled.isin(["True", "False"]).all():
        return plain.map({"True": True, "False": False}) if len(filled) < len(plain) else plain == "True"
    if filled.str.fullmatch(_IS_NUMBER, case=False).all():
        return pd.to_numeric(plain.replace("", "nan"))
    return plain


# ── All results of a run, kept as fields and tables: whoever reads them runs nothing that is in the file

RESULTS = "result.zip"
_OURS = re.compile(r"safeschools_geo(?:\.[a-z]\w*)(?:\._?[a-z]\w*)?")
_LONG, _PART = 1000, 10_000  # An array is text up to so many values; a table is packed so many rows at a time
_CLOCK: Mapping[str, Any] = {"seconds": None, "log": ""}  # What differs from run to run
_NO_PACKET = TermBoard.nothing("What may be published is not read again from a run: `protect` works it out.")


class _Packer:
    """Turns results into JSON and tables; what is in them twice is kept once."""

    def __init__(self, archive: ZipFile) -> None:
        self.objects: list[Any] = []
        self._archive, self._tables = archive, 0
        self._numbers: dict[int, int] = {}

    def once(self, value: object, node: Callable[[Any], dict[str, Any]]) -> dict[str, int]:
        if id(value) not in self._numbers:
            self.objects.append(node(value))
            self._numbers[id(value)] = len(self.objects) - 1
        return {"object": self._numbers[id(value)]}

    def node(self, value: Any) -> Any:  # noqa: ANN401 - whatever results hold
        if is_dataclass(value):
            return self.once(value, self._fields)
        for kinds, node in self._KINDS.items():
            if isinstance(value, kinds):
                return node(self, value)
        raise TypeError(f"Results hold a {type(value).__qualname__}, which is not kept.")

    def _fields(self, value: Any) -> dict[str, Any]:  # noqa: ANN401 - any of our results
        names = _field_names(type(value))
        held = {name: _CLOCK.get(name, part) for name, part in vars(value).items() if name in names}
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", "fields": self.node(held)}

    def _table(self, frame: pd.DataFrame) -> dict[str, Any]:
        kinds = frame.dtypes.astype("str")
        shapes = {c: gpd.GeoSeries(frame[c]) for c in kinds.index[kinds == "geometry"]}
        others = {c: [self.node(v) for v in frame[c]] for c in kinds.index[kinds == "object"]}
        plain = pd.DataFrame(frame).assign(**{c: shape.to_wkb() for c, shape in shapes.items()})
        plain = plain.drop(columns=list(others)).assign(**{c: np.nan for c in _CLOCK if c in kinds})
        return {
            "table": self._arrow(pa.Table.from_pandas(plain)),
            "columns": list(kinds.index),
            "crs": {c: self.node(shape.crs) for c, shape in shapes.items()},
            "others": others,
            "geometry": frame.active_geometry_name if isinstance(frame, gpd.GeoDataFrame) else None,
        }

    def _array(self, array: np.ndarray) -> dict[str, Any]:
        is_long = array.size > _LONG and array.dtype.kind in "biuf"
        held = self._arrow(pa.table({"values": array.ravel()})) if is_long else array.ravel().tolist()
        return {"array": held, "shape": array.shape, "dtype": array.dtype.str}

    def _arrow(self, table: pa.Table) -> int:
        """Put a table into the archive, a part at a time, so that Ctrl-C is heard between them; its number."""
        entry = ZipInfo(f"{self._tables}.arrow")
        entry.compress_type = ZIP_DEFLATED
        with self._archive.open(entry, "w", force_zip64=True) as packed, pa.ipc.new_file(packed, table.schema) as sink:
            sink.write_table(table.combine_chunks(), max_chunksize=_PART)
        self._tables += 1
        return self._tables - 1

    _KINDS: Mapping[Any, Callable[[_Packer, Any], Any]] = {
        (str, bool, int, float, type(None)): lambda _, value: value,
        list: lambda self, value: [self.node(v) for v in value],
        tuple: lambda self, value: {"tuple": [self.node(v) for v in value]},
        frozenset: lambda self, value: {"frozenset": [self.node(v) for v in sorted(value)]},
        Mapping: lambda self, value: {"dict": [[self.node(k), self.node(_CLOCK.get(k, v))] for k, v in value.items()]},
        pd.DataFrame: lambda self, value: self.once(value, self._table),
        pd.Series: lambda self, value: {"series": self._table(value.to_frame("values")), "name": self.node(value.name)},
        np.ndarray: lambda self, value: self.once(value, self._array),
        np.generic: lambda _, value: value.item(),
        (pd.Timestamp, dt.date, dt.time): lambda _, value: {type(value).__name__: value.isoformat()},
        CRS: lambda _, value: {"crs": value.srs},
        Path: lambda _, __: {"folder": None},
    }


def _field_names(kind: Any) -> set[str]:  # noqa: ANN401 - any of our results
    return {f.name for f in fields(kind)} | ({"why"} if issubclass(kind, MayHoldNothing) else set())


def _pack(result: TermResult, file: Path) -> None:
    """Pack all results but the packet into a ZIP of tables in Arrow's format and of one JSON."""
    with ZipFile(file, "w") as archive:
        packer = _Packer(archive)
        whole = {"result": packer.node(replace(result, board=_NO_PACKET)), "objects": packer.objects}
        archive.writestr(ZipInfo("result.json"), json.dumps(whole, separators=(",", ":")), ZIP_DEFLATED)


class _Unpacker:
    """Makes results again, in the classes of this package and no others."""

    def __init__(self, body: bytes, folder: Path) -> None:
        self._archive, self._folder = ZipFile(BytesIO(body)), folder
        whole = json.loads(self._archive.read("result.json"))
        self._nodes, self._made = whole["objects"], dict[int, Any]()
        found = self.value(whole["result"])
        if not isinstance(found, TermResult):
            raise TypeError("They are not the results of a term.")
        self.result: TermResult = found

    def value(self, node: Any) -> Any:  # noqa: ANN401 - whatever results hold
        if isinstance(node, list):
            return [self.value(v) for v in node]
        return self._KINDS[next(iter(node))](self, node) if isinstance(node, dict) else node

    def _object(self, node: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever results hold
        number = node["object"]
        if number not in self._made:
            self._made[number] = self.value(self._nodes[number])
        return self._made[number]

    def _result(self, node: Mapping[str, Any]) -> object:
        module, _, name = node["class"].partition(":")
        kind = getattr(import_module(module), name) if _OURS.fullmatch(module) else None
        held = self.value(node["fields"])
        if not (isinstance(kind, type) and is_dataclass(kind)) or held.keys() - _field_names(kind):
            raise TypeError(f"{node['class']} is no result of this version.")
        result = object.__new__(kind)
        for field, value in held.items():
            object.__setattr__(result, field, value)
        return result

    def _table(self, node: Mapping[str, Any]) -> pd.DataFrame:
        frame: pd.DataFrame = self._arrow(node["table"]).to_pandas()
        for position, name in enumerate(node["columns"]):
            if name in node["others"]:
                cells = np.empty(len(frame), dtype=object)
                cells[:] = [self.value(v) for v in node["others"][name]]
                frame.insert(position, name, pd.Series(cells, index=frame.index, dtype=object))
        for name, crs in node["crs"].items():
            frame[name] = gpd.GeoSeries.from_wkb(frame[name], crs=self.value(crs))
        return frame if node["geometry"] is None else gpd.GeoDataFrame(frame, geometry=node["geometry"])

    def _array(self, node: Mapping[str, Any]) -> np.ndarray:
        held = node["array"]
        values = held if isinstance(held, list) else self._arrow(held)["values"].to_numpy()
        return np.array(values, np.dtype(node["dtype"])).reshape(node["shape"])

    def _arrow(self, number: int) -> pa.Table:
        table = pa.ipc.open_file(self._archive.read(f"{number}.arrow")).read_all()
        table.validate(full=True)
        return table

    _KINDS: Mapping[str, Callable[[_Unpacker, Any], Any]] = {
        "object": _object,
        "class": _result,
        "table": _table,
        "series": lambda self, node: self._table(node["series"])["values"].rename(self.value(node["name"])),
        "array": _array,
        "tuple": lambda self, node: tuple(map(self.value, node["tuple"])),
        "frozenset": lambda self, node: frozenset(map(self.value, node["frozenset"])),
        "dict": lambda self, node: {self.value(k): self.value(v) for k, v in node["dict"]},
        "Timestamp": lambda _, node: pd.Timestamp(node["Timestamp"]),
        "date": lambda _, node: dt.date.fromisoformat(node["date"]),
        "time": lambda _, node: dt.time.fromisoformat(node["time"]),
        "crs": lambda _, node: CRS(node["crs"]),
        "folder": lambda self, _: self._folder,
    }


# ── What a comparison of two terms leaves behind: a page, tables, a summary and a manifest


def write_comparison(compared: TermComparison, folder: Path) -> None:
    """Write a comparison.

    Parameters
    ----------
    compared
        The comparison.
    folder
        An empty folder.
    """
    tables = {
        "school_zones": compared.school_zones,
        "loads": compared.loads,
        "rates_overall": compared.overall,
        "rates_zones": compared.rates,
        "rates_levels": compared.levels,
        "schools": compared.schools,
        "hotspots": compared.hotspots,
    }
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)
    write_text(folder / "compare.html", comparison_page(compared).html)
    write_text(folder / "summary.txt", f"{compared.summary()}\n")
    district = compared.settings.district
    manifest = {
        "district": district.name,
        "is_synthetic": district.is_synthetic,
        "terms": [compared.term_a.name, compared.term_b.name],
        "has_zone_record": compared.has_zone_record,
        "seed": compared.seed,
        "inputs": dict(compared.inputs),
        "counts": compared.counts,
    }
    write_manifest(folder, manifest)
