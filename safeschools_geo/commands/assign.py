"""``safeschools assign``: which zone each point of a file lies in."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import click
import geopandas as gpd
import pandas as pd

from safeschools_geo import io
from safeschools_geo.assign import assign_campuses, assign_points
from safeschools_geo.commands.common import (
    CRS_TEXT,
    FILE_IN,
    FILE_OUT,
    NAME,
    NOT_NEGATIVE,
    CheckedCommand,
    json_option,
    messages,
    print_json,
)
from safeschools_geo.crs import STORAGE_CRS
from safeschools_geo.errors import ColumnError, FileReadError
from safeschools_geo.export import write_csv
from safeschools_geo.schemas import ASSIGNMENTS
from safeschools_geo.settings import LayerSettings
from safeschools_geo.writing import output_file
from safeschools_geo.zones import zones_from_file

if TYPE_CHECKING:
    from pathlib import Path

_LON = ("lon", "longitude", "long", "lng", "x", "xcoord", "point_x")
_LAT = ("lat", "latitude", "y", "ycoord", "point_y")


def _check_usage(ctx: click.Context) -> None:
    lon, lat = ctx.params["lon"], ctx.params["lat"]
    if (lon is None) != (lat is None):
        raise click.UsageError("Give --lon and --lat together.", ctx=ctx)
    if lon is not None and lon == lat:
        raise click.UsageError(f"--lon and --lat name one column, {lon!r}; two are expected.", ctx=ctx)


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
@click.option("--crs", type=CRS_TEXT, metavar="EPSG", help="CRS of the points, where the file states none.")
@click.option("--zones-crs", type=CRS_TEXT, metavar="EPSG", help="CRS of the zones, where the file states none.")
@click.option("--max-snap", type=NOT_NEGATIVE, default=0.0, metavar="M", help="Metres; default 0.")
@click.option("--previous", type=FILE_IN, metavar="FILE", help="An earlier result, which decides ties.")
@json_option
def command(
    *,
    points: Path,
    zones: Path,
    out: Path,
    id_column: str | None,
    zone_id: str | None,
    lon: str | None,
    lat: str | None,
    crs: str | None,
    zones_crs: str | None,
    max_snap: float,
    previous: Path | None,
    as_json: bool,
) -> None:
    """Write the zone of each point, one row for each, in the order of the file."""
    inputs = [path for path in (points, zones, previous) if path is not None]
    with output_file(out, inputs=inputs, is_ours=_is_assignment) as fresh:
        polygons = zones_from_file(zones, LayerSettings(crs=zones_crs, columns={"zone_id": zone_id} if zone_id else {}))
        located, ids = _points(points, id_column=id_column, lon=lon, lat=lat, crs=crs)
        has_areas = located.geom_type.isin(["Polygon", "MultiPolygon"]).any()
        assign = assign_campuses if has_areas else assign_points
        before = None if previous is None else _previous(previous, ids)
        result = assign(located, polygons.frame, max_snap_m=max_snap, previous=before)
        table = pd.concat([ids, result], axis=1)
        write_csv(fresh, table)
    for finding in polygons.findings:
        messages().print(f"{zones.name}: {finding}", markup=False)
    counts = {str(status): int(n) for status, n in result["status"].value_counts().items()}
    if as_json:
        print_json({"out": out.as_posix(), "rows": len(table), "status": counts})
    else:
        listed = ", ".join(f"{n:,} {status}" for status, n in counts.items())
        messages().print(f"{len(table):,} points: {listed or 'none'}. Written to {out}.", markup=False, soft_wrap=True)


def _is_assignment(path: Path) -> bool:
    """Say whether a file has the header that this command writes: the column of the ids, then its own."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return False
    return header[1:] in (ASSIGNMENTS.column_names, [*ASSIGNMENTS.column_names, "shares"])


def _points(
    path: Path, *, id_column: str | None, lon: str | None, lat: str | None, crs: str | None
) -> tuple[gpd.GeoDataFrame, pd.Series]:
    raw = io.read_table(path)
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
        ids = io.as_text(io.require(raw, {id_column: id_column}, id_column)).rename(id_column)
    columns = {"x": lon, "y": lat} if lon and lat else _xy_columns(raw)
    if raw.geometry is None and columns and crs is None and not _is_named_degrees(columns):
        raise ColumnError(
            "The CRS of the x and y columns is not stated.",
            where=path,
            found=", ".join(columns.values()),
            expected="longitude and latitude, or --crs",
            remedy="Add --crs, for example --crs 4326 or --crs 2226.",
        )
    stated = crs or (STORAGE_CRS.to_string() if raw.geometry is None else None)
    # A file that has geometry and no --lon/--lat keeps its geometry; polygons are campuses.
    if raw.geometry is not None and lon is None:
        geometry = io.geometry(raw, crs=stated, name=f"points ({path.name})")
    else:
        geometry = io.points(raw, columns, crs=stated, name=f"points ({path.name})").geometry
    return gpd.GeoDataFrame(geometry=geometry, crs=STORAGE_CRS), ids


def _xy_columns(raw: io.RawTable) -> dict[str, str]:
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
