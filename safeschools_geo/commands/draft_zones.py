"""``safeschools draft-zones``: zones from scratch, from a boundary and schools, or from areal units."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import geopandas as gpd

from safeschools_geo.commands.common import json_option, messages, print_json
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


@click.command("draft-zones")
@click.option("--district", type=_file, help="Boundary of the district: a polygon.")
@click.option("--schools", type=_file, help="Schools: points with an id.")
@click.option("--units", type=_file, help="Areal units in place of the schools and the district: polygons.")
@click.option("--unit-id", metavar="COL", default="unit_id", show_default=True, help="Column of the units' ids.")
@click.option("--workload", metavar="COL", default="workload", show_default=True, help="Column of the units' load.")
@click.option("--zones", "number", type=click.IntRange(min=1), default=8, show_default=True, help="Number of zones.")
@click.option("--out", required=True, type=_file, help="GeoJSON to write.")
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.05, show_default=True, help="Imbalance aimed at.")
@click.option(
    "--objective",
    type=click.Choice(OBJECTIVES),
    default="compactness",
    show_default=True,
    help="What zones are made as good as they can in.",
)
@click.option("--preset", type=click.Choice(preset_names()), help="Column names of a known school directory.")
@click.option("--keep", multiple=True, metavar="COL=PATTERN", help='Only schools that match, as in "CDSCode=3467447*".')
@click.option("--id", "id_column", metavar="COL", help="Column of the schools' ids.")
@click.option("--lon", metavar="COL", help="Column of the longitude, or x.")
@click.option("--lat", metavar="COL", help="Column of the latitude, or y.")
@click.option("--crs", metavar="EPSG", help="CRS of the schools or units, where the file states none.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
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
    keep: tuple[str, ...],
    id_column: str | None,
    lon: str | None,
    lat: str | None,
    crs: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Draw contiguous, balanced zones that tile the district, with a bound on their travel; a first proposal."""
    asked: dict[str, Any] = {"zones": number, "tolerance": tolerance, "objective": objective, "seed": seed}
    if units is not None and (district is not None or schools is not None):
        raise click.UsageError("Give --units, or --district and --schools, not both.")
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
    keep: tuple[str, ...],
    *,
    preset: str | None,
    crs: str | None,
) -> Settings:
    table = {
        "district": {"name": district.stem, "time_zone": "UTC"},
        "schools": {
            "file": str(schools.resolve()),
            "columns": {ours: theirs for ours, theirs in columns.items() if theirs},
            "keep": dict(_pair(k) for k in keep),
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


def _pair(text: str) -> tuple[str, str]:
    column, equals, pattern = text.partition("=")
    if not (column and equals):
        raise click.BadParameter("expected COL=PATTERN", param_hint="--keep")
    return column, pattern
