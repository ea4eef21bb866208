"""``safeschools check``, ``assign``, ``map``, ``hotspots``, ``coverage``, ``compare``, ``verify``: one look at it."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import TYPE_CHECKING

import click
import geopandas as gpd
import pandas as pd

# Doors load what is asked of them when it is asked: a command loads what it uses.
from safeschools_geo import assign, checks, io, pages
from safeschools_geo import district as districts
from safeschools_geo import term as terms
from safeschools_geo.cli._common import (
    CRS_TEXT,
    FILE_IN,
    FILE_OUT,
    FOLDER,
    NAME,
    NOT_NEGATIVE,
    CheckedCommand,
    district_argument,
    folder_of,
    inputs_of,
    json_option,
    messages,
    out_option,
    outputs_of,
    part_of_term,
    plain_rows,
    print_json,
    progress_of,
    remedied_by,
    run_to_hotspots,
    say,
    seed_option,
    strict_option,
    term_option,
)
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import ColumnError, FileReadError, GeometryError, SettingsError, count_text
from safeschools_geo.findings import Finding
from safeschools_geo.schemas import ASSIGNMENTS
from safeschools_geo.settings import LayerSettings
from safeschools_geo.text import pair_name
from safeschools_geo.verify import verify
from safeschools_geo.writing import output_file, output_folder, repair

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.verify import VerifyReport


# ── ``safeschools check``: validate a district folder and report, writing nothing but the report


@click.command("check", cls=CheckedCommand)
@district_argument
@click.option("--out", type=FILE_OUT, metavar="FILE", help="Where check.html goes.")
@json_option
@strict_option
def check_command(district: Path | None, out: Path | None, *, as_json: bool, strict: bool) -> int:
    """Validate a district folder: every fault at once, with ids and how to fix it."""
    folder = folder_of(district)
    settings = districts.load_settings(folder)
    rejects = None
    page = out or outputs_of(settings, None) / "check.html"
    with output_file(page, inputs=inputs_of(settings), is_ours=pages.is_check_page) as fresh:
        try:
            with progress_of(2) as begin:
                begin("Reading")
                read = districts.read_district(folder)
                begin("Checking")
                report, rejects = districts.check_district(read), read.rejects
        except districts.DistrictError as error:
            report = error.report if error.read is None else districts.check_district(error.read)
            rejects = None if error.read is None else error.read.rejects
        io.write_text(fresh, pages.check_html(report))
    if as_json:
        click.echo(report.to_json())
    else:
        pages.print_report(report, messages())
        say(f"Report: {page}")
    if strict and rejects is not None:
        districts.refuse_rejects(rejects)
    return 0 if report.is_ok else 1


# ── ``safeschools map``: only the maps of a term


@click.command("map", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder of the maps; outputs/<term>/maps if left out.")
@click.option("--tiles", is_flag=True, help="Add OpenStreetMap tiles; these pages then ask the network for them.")
def map_command(district: Path | None, term: str | None, out: Path | None, *, tiles: bool) -> None:
    """Draw the maps of a term."""
    folder = folder_of(district)
    with part_of_term(folder, term, out, "maps", steps=len(terms.STEPS)) as (_, target, fresh, begin):
        result = terms.run_term(folder, term=term, protects=False, on_step=begin, on_part=begin.part)
        begin("Drawing")
        drawn = pages.draw_term(result, tiles=tiles)
        begin("Writing")
        for name, html in drawn.items():
            io.write_text(fresh / name, html)
        io.write_manifest(fresh, terms.manifest_of(result))
    say(f"Open {target / 'index.html'}")


# ── ``safeschools hotspots``: only the hotspots of a term, as tables, layers and maps


@click.command("hotspots", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder of the hotspots; outputs/<term>/hotspots if left out.")
@seed_option
@json_option
def hotspots_command(district: Path | None, term: str | None, out: Path | None, seed: int, *, as_json: bool) -> None:
    """Find the hotspots of a term: schools, groups, places, hours, repeats and trends."""
    folder = folder_of(district)
    steps = terms.steps_until("Finding hotspots") + 2
    with part_of_term(folder, term, out, "hotspots", steps=steps) as (_, target, fresh, begin):
        result = run_to_hotspots(folder, term, seed, begin)
        begin("Drawing")
        drawn = pages.draw_term(result, only="hotspots")
        begin("Writing")
        terms.write_hotspots(result.hotspots, fresh)
        for name, html in drawn.items():
            io.write_text(fresh / "maps" / name, html)
        io.write_manifest(fresh, terms.manifest_of(result))
    if as_json:
        print_json(
            {
                "out": target.as_posix(),
                "term": result.term.name,
                "summary": result.hotspots.summary(),
                "hotspots": plain_rows(result.hotspots.to_frame()),
            }
        )
        return
    messages().print(result.hotspots.summary())
    say(f"Open {target / 'maps' / 'hotspots.html'}")


# ── ``safeschools coverage``: only the patrol coverage of a term, as tables, calendars and maps


@click.command("coverage", cls=CheckedCommand)
@district_argument
@term_option
@out_option("Folder of the coverage; outputs/<term>/coverage if left out.")
@seed_option
@json_option
def coverage_command(district: Path | None, term: str | None, out: Path | None, seed: int, *, as_json: bool) -> None:
    """Work out who comes, how soon, who helps, and who covers when an officer is absent."""
    folder = folder_of(district)
    steps = terms.steps_until("Working out coverage") + 2
    with part_of_term(folder, term, out, "coverage", steps=steps) as (settings, target, fresh, begin):
        result = terms.run_term(folder, term=term, seed=seed, protects=False, on_step=begin, on_part=begin.part)
        found = result.coverage
        if found.is_empty:
            raise SettingsError(
                "There is nothing to cover.",
                where=folder,
                expected="program schools in zones, and incidents of the term that are zone officers' work",
                remedy="Run `safeschools check`, or name another --term.",
            )
        begin("Drawing")
        drawn = pages.draw_term(result, only="coverage")
        begin("Writing")
        terms.write_coverage(found, fresh, term=result.term, time_zone=settings.district.time_zone)
        for name, html in drawn.items():
            io.write_text(fresh / "maps" / name, html)
        io.write_manifest(fresh, terms.manifest_of(result))
    if as_json:
        print_json(
            {
                "out": target.as_posix(),
                "term": result.term.name,
                "finding": found.finding(),
                "summary": found.summary(),
                "zones": plain_rows(found.to_frame()),
            }
        )
        return
    say(found.summary())
    say(f"Open {target / 'maps' / 'coverage.html'}")


# ── ``safeschools compare``: two terms beside each other, as a page and tables


@click.command("compare", cls=CheckedCommand)
@click.argument("term_a", metavar="TERM_A")
@click.argument("term_b", metavar="TERM_B")
@district_argument
@out_option(
    "Folder of outputs, where zones of earlier terms are looked for and compare/<A> and <B> is written; the "
    "district's if left out."
)
@seed_option
@json_option
def compare_command(
    term_a: str, term_b: str, district: Path | None, out: Path | None, seed: int, *, as_json: bool
) -> None:
    """Compare two terms: zones of schools, loads, rates, and hotspots that emerged, persisted or faded."""
    folder = folder_of(district)
    settings = districts.load_settings(folder)
    outputs = outputs_of(settings, out)
    target = outputs / "compare" / pair_name(*(term.name for term in terms.terms_in_order(settings, term_a, term_b)))
    place = output_folder(target, inputs=inputs_of(settings))
    with place as fresh, progress_of(len(terms.COMPARING_STEPS) + 1) as begin:
        compared = terms.compare_terms(folder, term_a, term_b, outputs=outputs, seed=seed, on_step=begin)
        begin("Writing")
        terms.write_comparison(compared, fresh)
    if as_json:
        print_json(
            {
                "out": target.as_posix(),
                "terms": [compared.term_a.name, compared.term_b.name],
                "summary": compared.summary(),
                "counts": compared.counts,
            }
        )
        return
    say(compared.summary())
    say(f"Open {target / 'compare.html'}")


# ── ``safeschools assign``: which zone each point of a file lies in

_LON = ("lon", "longitude", "long", "lng", "x", "xcoord", "point_x")
_LAT = ("lat", "latitude", "y", "ycoord", "point_y")
_EXPORT = "Export only the rows and columns that are needed."
_REMEDIES_IN_FILE = "Correct the file, or export it again."
_POINTS_WAYS = {
    "crs": "Add --crs, for example --crs 4326 for longitude and latitude, or --crs 2226 for State Plane feet.",
    "crs.degrees": "If they are feet or meters, add the projected CRS they are in, for example --crs 2226 (State Plane "
    "California 2, feet) or --crs 26910 (UTM zone 10, meters).",
    "crs.projected": "If they are longitude and latitude, write --crs 4326.",
    "crs.other": "Leave --crs out if the file is right; else export it again.",
    "columns.id": "Name the column of the ids with --id, or leave --id out: the row numbers are then the ids.",
    "columns.x": "Name the columns of the coordinates with --lon and --lat, or the one of WKT with --wkt.",
    "columns.y": "Name the columns of the coordinates with --lon and --lat, or the one of WKT with --wkt.",
    "columns.wkt": "Name the column of WKT with --wkt.",
    "layer": "Say which one is meant with --layer.",
    "sheet": "Say which one is meant with --sheet.",
    "reading": _EXPORT,
    "kinds": "Give points, or campuses as polygons.",
    "*": _REMEDIES_IN_FILE,
}
_ZONES_WAYS = {
    "crs": "Add --zones-crs, for example --zones-crs 4326.",
    "crs.degrees": "Add the projected CRS they are in, for example --zones-crs 2226.",
    "crs.projected": "If they are longitude and latitude, write --zones-crs 4326.",
    "crs.other": "Leave --zones-crs out if the file is right; else export it again.",
    "columns.zone_id": "Name the column of the zones' ids with --zone-id.",
    "reading": _EXPORT,
    "keep": _REMEDIES_IN_FILE,
    "layer": "Export the layer of the zones to a file of its own.",
    "columns.x": "Give zones as polygons, such as GeoJSON, GeoPackage or a shapefile.",
    "*": _REMEDIES_IN_FILE,
}
_FOUND_WAYS = {
    "coordinates_swapped": "Exchange the two columns: --lon names the longitude, --lat the latitude.",
    "coordinates_not_degrees": _POINTS_WAYS["crs.degrees"],
    "coordinates_far_outside": "Check the addresses, and that both files are of one place.",
    "coordinate_impossible": f"Correct them in the source. {_POINTS_WAYS['crs.degrees']}",
    "repeated_columns": "Name the one that is meant with the number, for example NAME_7.",
    "sheets_joined": "Nothing needs doing if this is right; else say which one is meant with --sheet.",
    "several_sheets": _POINTS_WAYS["sheet"],
    "hidden_sheets": "Say which one is meant with --sheet, if it is one of these.",
    "header_found": "Nothing needs doing if this is right; else delete the lines above the header.",
}
_EXPLAINING = {
    *(f"coordinates_{code}" for code in ("swapped", "sign_flipped", "null_island", "not_degrees")),
    *("coordinate_unreadable", "coordinate_impossible"),
}
_PREVIOUS_WAYS = {"*": "Give a file that `safeschools assign` wrote, with the same --id as now."}


def _check_usage(ctx: click.Context) -> None:
    lon, lat = ctx.params["lon"], ctx.params["lat"]
    if (lon is None) != (lat is None):
        raise click.UsageError("Give --lon and --lat together.", ctx=ctx)
    if lon is not None and lon == lat:
        raise click.UsageError(f"--lon and --lat name one column, {lon!r}; two are expected.", ctx=ctx)
    if lon is not None and ctx.params["wkt"] is not None:
        raise click.UsageError("Give --lon and --lat, or --wkt, not both.", ctx=ctx)


@click.command("assign", cls=CheckedCommand, check=_check_usage)
@click.option(
    "--points",
    required=True,
    type=FILE_IN,
    metavar="FILE",
    help="Points: CSV, Excel, Parquet, GeoJSON, GeoPackage, Shapefile.",
)
@click.option("--zones", required=True, type=FILE_IN, metavar="FILE", help="Zones: polygons.")
@click.option("--out", required=True, type=FILE_OUT, metavar="FILE", help="CSV to write.")
@click.option(
    "--id", "id_column", type=NAME, metavar="COL", help="Column of the points' ids; the row number if left out."
)
@click.option("--zone-id", type=NAME, metavar="COL", help="Column of the zones' ids; zone_id if left out.")
@click.option("--lon", type=NAME, metavar="COL", help="Column of the longitude, or x.")
@click.option("--lat", type=NAME, metavar="COL", help="Column of the latitude, or y.")
@click.option("--wkt", type=NAME, metavar="COL", help="Column of the places as text, as in POINT (-121.4 38.6).")
@click.option("--crs", type=CRS_TEXT, metavar="EPSG", help="CRS of the points, where the file states none.")
@click.option("--layer", type=NAME, metavar="L", help="Layer of the points, where the file has several.")
@click.option("--sheet", type=NAME, metavar="S", help="Sheet of the points, where the workbook has several.")
@click.option("--zones-crs", type=CRS_TEXT, metavar="EPSG", help="CRS of the zones, where the file states none.")
@click.option("--max-snap", type=NOT_NEGATIVE, default=0.0, metavar="M", help="Meters; default 0.")
@click.option("--previous", type=FILE_IN, metavar="FILE", help="An earlier result, which decides ties.")
@json_option
def assign_command(
    *,
    points: Path,
    zones: Path,
    out: Path,
    zone_id: str | None,
    zones_crs: str | None,
    max_snap: float,
    previous: Path | None,
    as_json: bool,
    **asked: str | None,
) -> None:
    """Write the zone of each point, one row for each, in the order of the file."""
    inputs = [path for path in (points, zones, previous) if path is not None]
    with output_file(out, inputs=inputs, is_ours=_is_assignment) as fresh:
        with remedied_by(_ZONES_WAYS):
            columns = {"zone_id": zone_id} if zone_id else {}
            polygons = districts.zones_from_file(zones, LayerSettings(crs=zones_crs, columns=columns))
        with remedied_by(_POINTS_WAYS):
            located, ids, findings = _points(points, **asked)
            seen = checks.check_coordinates(
                located.geometry, ids, polygons.frame.geometry, table="points", severity="warning"
            )
        with remedied_by(_PREVIOUS_WAYS):
            before = None if previous is None else _previous(previous, ids)
        of_rows = (*districts.check_rejects(polygons.rejects), *checks.check_zone_names(polygons.pieces))
        for finding in (*polygons.findings, *of_rows):
            say(f"{zones.name}: {finding}")
        shown = [replace(one, remedy=_FOUND_WAYS.get(one.code, one.remedy)) for one in (*findings, *seen)]
        for finding in shown:
            said = f"{points.name}: {finding.message} {finding.remedy}".rstrip()
            say(said)
        with remedied_by(_POINTS_WAYS):
            has_areas = located.geom_type.isin(["Polygon", "MultiPolygon"]).any()
            by = assign.assign_campuses if has_areas else assign.assign_points
            result = by(located, polygons.frame, max_snap_m=max_snap, previous=before)
        counts = {str(status): int(n) for status, n in result["status"].value_counts().items()}
        _require_a_zone(result, counts, points, next((one.remedy for one in shown if one.code in _EXPLAINING), None))
        table = pd.concat([ids, result], axis=1)
        io.write_csv(fresh, table)
    if as_json:
        print_json({"out": out.as_posix(), "rows": len(table), "status": counts})
    else:
        say(f"{_counted(counts)}. Written to {out}.")


def _counted(counts: dict[str, int]) -> str:
    return (
        f"{count_text(sum(counts.values()), 'point')}: {', '.join(f'{n:,} {s}' for s, n in counts.items()) or 'none'}"
    )


def _require_a_zone(result: pd.DataFrame, counts: dict[str, int], path: Path, remedy: str | None) -> None:
    """Refuse a result in which no point has a zone: nobody means that."""
    if (result["zone_id"] != "").any():
        return
    nearest = result["distance_m"].min()
    found = _counted(counts) + ("" if pd.isna(nearest) else f"; the nearest is {nearest:,.0f} m from a zone")
    raise GeometryError(
        "No point has a zone, so nothing was written.",
        where=path,
        found=found,
        expected="points inside the zones",
        remedy=remedy
        or "See that both files are of one place, that --lon and --lat name the right columns, and that --crs is the "
        "CRS of the points; --max-snap takes points that are near a zone.",
    )


def _is_assignment(path: Path) -> bool:
    """Say whether a file has the header that this command writes: the column of the ids, then its own."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return header[1:] in (ASSIGNMENTS.column_names, [*ASSIGNMENTS.column_names, "shares"])


def _points(
    path: Path,
    *,
    id_column: str | None,
    lon: str | None,
    lat: str | None,
    wkt: str | None,
    crs: str | None,
    layer: str | None,
    sheet: str | None,
) -> tuple[gpd.GeoDataFrame, pd.Series, tuple[Finding, ...]]:
    """Read the points of a file, with their ids and what was found."""
    raw = io.read_table(path, layer=layer, sheet=sheet)
    if len(raw.rejects):
        raise FileReadError(
            "Some rows of the points cannot be read.",
            where=path,
            ids=[f"row {row}" for row in raw.rejects["row"]],
            found=raw.rejects["reason"].iloc[0],
            expected="rows with as many fields as the header",
            remedy="Correct these rows; every point is to get its row.",
        )
    if id_column is None:
        ids = pd.Series(raw.frame.index.astype("str"), index=raw.frame.index, name="row")
    else:
        ids = io.as_text(io.require(raw, {"id": id_column}, "id")).rename(id_column)
    columns = {"wkt": wkt} if wkt else {"x": lon, "y": lat} if lon and lat else _xy_columns(raw)
    for name in columns:
        io.require(raw, columns, name)
    if raw.geometry is None and "x" in columns and crs is None and not _is_named_degrees(columns):
        raise ColumnError(
            "The CRS of the x and y columns is not stated.",
            where=path,
            found=", ".join(columns.values()),
            expected="longitude and latitude, or --crs",
            remedy="Add --crs, for example --crs 4326 or --crs 2226.",
        )
    # WKT may state its CRS itself, as in SRID=2226;POINT (…).
    is_stated = raw.geometry is not None or (wkt is not None and _states_crs(io.require(raw, columns, "wkt")))
    stated = crs or (None if is_stated else STORAGE_CRS.to_string())
    read = io.points(raw, columns, crs=stated, name=f"points ({path.name})")
    located = gpd.GeoDataFrame(geometry=read.geometry, crs=STORAGE_CRS)
    missing = int((read.fault == "missing_coordinates").sum())
    said = f"{count_text(missing, 'point', of=len(ids))} without a place."
    nowhere = [Finding("note", "coordinates_missing", "points", said)] if missing else []
    return located, ids, (*raw.findings, *read.findings, *nowhere)


def _states_crs(column: pd.Series) -> bool:
    return bool(io.as_text(column.dropna().head(1)).str.match(r"(?i)\s*SRID=\d+;").any())


def _xy_columns(raw: io.RawTable) -> dict[str, str]:
    if raw.geometry is not None:
        return {}
    by_name = {str(c).casefold().strip(): str(c) for c in raw.frame.columns}
    x = next((by_name[name] for name in _LON if name in by_name), None)
    y = next((by_name[name] for name in _LAT if name in by_name), None)
    return {"x": x, "y": y} if x and y else {}


def _is_named_degrees(columns: dict[str, str]) -> bool:
    return columns["x"].casefold().startswith("l") and columns["y"].casefold().startswith("l")


def _previous(path: Path, ids: pd.Series) -> pd.Series:
    raw = io.read_table(path)
    key = io.as_text(io.require(raw, {}, str(ids.name)))
    zone = io.as_text(io.require(raw, {}, "zone_id"))
    by_id = pd.Series(zone.to_numpy(), index=key)
    return ids.map(by_id[~by_id.index.duplicated()]).fillna("")


# ── ``safeschools verify``: check a written plan, a board packet, or both of a term again, without the solver


@click.command("verify", cls=CheckedCommand)
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option(
    "--record",
    type=FILE_IN,
    metavar="FILE",
    help="Record of releases that a packet is compared with; that of the district around it if left out.",
)
@json_option
def verify_command(folder: Path, *, record: Path | None, as_json: bool) -> int:
    """Check the plan or the board packet in DIR again, without the solver.

    Of a plan: units, loads, contiguity, map, hashes and bound. Of a board packet: hashes, every number on its pages,
    audit and releases. In the folder of a term, both are checked. What was not checked is named.
    """
    repair(folder)
    reports = verify(folder, record=record)
    is_ok = all(report.is_ok for report in reports.values())
    if as_json:
        print_json(_document(folder, reports, is_ok=is_ok))
    if len(reports) > 1:
        say(f"{folder}: checking the {' and the '.join(reports)}.")
    for report in reports.values():
        say(report.summary())
    return 0 if is_ok else 1


def _document(folder: Path, reports: dict[str, VerifyReport], *, is_ok: bool) -> dict[str, object]:
    checks = [
        {**({"part": part} if len(reports) > 1 else {}), **check}
        for part, report in reports.items()
        for check in report.to_frame().to_dict(orient="records")
    ]
    bound = next((report.bound for report in reports.values() if report.bound is not None), None)
    return {"folder": folder.as_posix(), "is_ok": is_ok, "bound": bound, "checks": checks}
