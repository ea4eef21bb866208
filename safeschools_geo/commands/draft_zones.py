"""``safeschools draft-zones``: zones from scratch, from a boundary and schools, or from areal units."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import geopandas as gpd

from safeschools_geo.commands.common import (
    CRS_TEXT,
    FILE_IN,
    FILE_OUT,
    NAME,
    NOT_NEGATIVE,
    PATTERN,
    CheckedCommand,
    json_option,
    messages,
    print_json,
    refuse_options,
    seed_option,
)
from safeschools_geo.errors import SettingsError
from safeschools_geo.export import is_sealed, write_geojson
from safeschools_geo.io import geometry, read_table
from safeschools_geo.layers import read_boundary
from safeschools_geo.rebalance.drafting.draft import draft_zones, draft_zones_of_units
from safeschools_geo.rebalance.drafting.zone_draft import OBJECTIVES
from safeschools_geo.schools import read_schools
from safeschools_geo.toml_settings import preset_names, settings_from
from safeschools_geo.writing import output_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.rebalance.drafting.zone_draft import ZoneDraft
    from safeschools_geo.results import Finding
    from safeschools_geo.settings import Settings

_file = click.Path(path_type=Path, dir_okay=False)
_SEAL = "draft-zones"


def _check_usage(ctx: click.Context) -> None:
    given = ctx.params
    if given["units"] is not None:
        refuse_options(ctx, ["district", "schools"], because="give --units, or --district and --schools, not both")
        names = ("preset", "keep", "id_column", "lon", "lat")
        refuse_options(ctx, names, because="it does not go with --units")
    elif given["district"] is None or given["schools"] is None:
        raise click.UsageError("Give --district and --schools, or --units.", ctx=ctx)
    else:
        refuse_options(ctx, ["unit_id", "workload"], because="it goes with --units")
    if (given["lon"] is None) != (given["lat"] is None):
        raise click.UsageError("Give --lon and --lat together.", ctx=ctx)
    if given["lon"] is not None and given["lon"] == given["lat"]:
        raise click.UsageError(f"--lon and --lat name one column, {given['lon']!r}; two are expected.", ctx=ctx)


@click.command("draft-zones", cls=CheckedCommand, check=_check_usage)
@click.option("--district", type=FILE_IN, metavar="FILE", help="Boundary of the district: a polygon.")
@click.option("--schools", type=FILE_IN, metavar="FILE", help="Schools: points with an id.")
@click.option("--units", type=FILE_IN, metavar="FILE", help="Areal units in place of schools and district: polygons.")
@click.option(
    "--unit-id", type=NAME, metavar="COL", default="unit_id", show_default=True, help="Column of the units' ids."
)
@click.option("--workload", type=NAME, metavar="COL", default="workload", show_default=True, help="Column of the load.")
@click.option("--zones", "number", type=click.IntRange(min=1), default=8, show_default=True, help="Number of zones.")
@click.option("--out", required=True, type=FILE_OUT, metavar="FILE", help="GeoJSON to write.")
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
@click.option("--crs", type=CRS_TEXT, metavar="EPSG", help="CRS of the schools or units, where the file states none.")
@seed_option
@json_option
def command(
    *,
    district: Path | None,
    schools: Path | None,
    units: Path | None,
    unit_id: str,
    workload: str,
    number: int,
    tolerance: float,
    objective: str,
    out: Path,
    preset: str | None,
    keep: tuple[tuple[str, str], ...],
    id_column: str | None,
    lon: str | None,
    lat: str | None,
    crs: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Draw contiguous, balanced zones that tile the district, with a bound on their travel; a first proposal."""
    asked: dict[str, Any] = {"zones": number, "tolerance": tolerance, "objective": objective, "seed": seed}
    if units is not None:
        draw = partial(_of_units, units, unit_id, workload, crs, asked)
    elif district is None or schools is None:
        raise click.UsageError("Give --district and --schools, or --units.")
    else:
        columns = {"school_id": id_column, "x": lon, "y": lat}
        settings = _settings(district, schools, columns, keep, preset=preset, crs=crs or ("EPSG:4326" if lon else None))
        draw = partial(_of_schools, settings, district, asked)
    inputs = [path for path in (district, schools, units) if path is not None]
    with output_file(out, inputs=inputs, is_ours=partial(is_sealed, seal=_SEAL)) as fresh:
        draft, findings = draw()
        write_geojson(fresh, draft.zones, seal=_SEAL)
    for finding in findings:
        messages().print(str(finding), markup=False)
    if as_json:
        names = ("imbalance", "is_contiguous", "travel", "bound", "any_bound", "gap")
        print_json({"out": out.as_posix(), **{name: getattr(draft, name) for name in names}})
    else:
        messages().print(f"{draft.summary()} Written to {out}.", markup=False, soft_wrap=True)


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


def _of_schools(settings: Settings, district: Path, asked: Mapping[str, Any]) -> tuple[ZoneDraft, tuple[Finding, ...]]:
    boundary, findings, _ = read_boundary(settings)
    if boundary is None:
        raise SettingsError("There is no boundary.", where="--district", found=district)
    read = read_schools(settings)
    programme = read.frame[read.frame["in_program"]]
    return draft_zones(programme, boundary, **asked), (*findings, *read.findings)


def _of_units(
    units: Path, unit_id: str, workload: str, crs: str | None, asked: Mapping[str, Any]
) -> tuple[ZoneDraft, tuple[Finding, ...]]:
    raw = read_table(units)
    frame = gpd.GeoDataFrame(raw.frame, geometry=geometry(raw, crs=crs, name="units"))
    return draft_zones_of_units(frame, unit_id=unit_id, workload=workload, **asked), raw.findings
