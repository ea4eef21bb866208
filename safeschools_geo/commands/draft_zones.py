"""``safeschools draft-zones``: zones from scratch, from a boundary and schools."""

from __future__ import annotations

from pathlib import Path

import click

from safeschools_geo.commands.common import json_option, messages, print_json
from safeschools_geo.errors import SettingsError
from safeschools_geo.export import write_geojson
from safeschools_geo.layers import read_boundary
from safeschools_geo.rebalance.draft import draft_zones
from safeschools_geo.schools import read_schools
from safeschools_geo.toml_settings import preset_names, settings_from

_file = click.Path(path_type=Path, dir_okay=False)


@click.command("draft-zones")
@click.option("--district", required=True, type=_file, help="Boundary of the district: a polygon.")
@click.option("--schools", required=True, type=_file, help="Schools: points with an id.")
@click.option("--zones", "number", type=click.IntRange(min=1), default=8, show_default=True, help="Number of zones.")
@click.option("--out", required=True, type=_file, help="GeoJSON to write.")
@click.option("--tolerance", type=click.FloatRange(min=0), default=0.05, show_default=True, help="Imbalance aimed at.")
@click.option("--preset", type=click.Choice(preset_names()), help="Column names of a known school directory.")
@click.option("--keep", multiple=True, metavar="COL=PATTERN", help='Only schools that match, as in "CDSCode=3467447*".')
@click.option("--id", "id_column", metavar="COL", help="Column of the schools' ids.")
@click.option("--lon", metavar="COL", help="Column of the longitude, or x.")
@click.option("--lat", metavar="COL", help="Column of the latitude, or y.")
@click.option("--crs", metavar="EPSG", help="CRS of the schools, where the file states none.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of everything random.")
@json_option
def command(
    *,
    district: Path,
    schools: Path,
    number: int,
    tolerance: float,
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
    """Draw contiguous, balanced zones that tile the district; a first proposal, without a certificate."""
    columns = {"school_id": id_column, "x": lon, "y": lat}
    table = {
        "district": {"name": district.stem, "time_zone": "UTC"},
        "schools": {
            "file": str(schools.resolve()),
            "columns": {ours: theirs for ours, theirs in columns.items() if theirs},
            "keep": dict(_pair(k) for k in keep),
            **({"preset": preset} if preset else {}),
            **({"crs": crs} if crs else {"crs": "EPSG:4326"} if lon else {}),
        },
        "boundary": {"file": str(district.resolve())},
    }
    settings = settings_from(table, folder=Path(), where="the options")
    boundary, findings, _ = read_boundary(settings)
    if boundary is None:
        raise SettingsError("There is no boundary.", where="--district", found=district)
    read = read_schools(settings)
    programme = read.frame[read.frame["in_program"]]
    draft = draft_zones(programme, boundary, zones=number, tolerance=tolerance, seed=seed)
    write_geojson(out, draft.zones)
    for finding in (*findings, *read.findings):
        messages().print(str(finding), markup=False)
    if as_json:
        print_json({"out": out.as_posix(), "imbalance": draft.imbalance, "is_contiguous": draft.is_contiguous})
    else:
        messages().print(f"{draft.summary()} Written to {out}.", markup=False, soft_wrap=True)


def _pair(text: str) -> tuple[str, str]:
    column, equals, pattern = text.partition("=")
    if not (column and equals):
        raise click.BadParameter("expected COL=PATTERN", param_hint="--keep")
    return column, pattern
