"""Make the embedded, synthetic demo district: ``python -m data.make_demo [FOLDER]`` from the root of the repository."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd

from data.generator import exports
from data.generator.campuses import give_roles, make_schools
from data.generator.dirt import repeats, spoil
from data.generator.ground import boundary_polygon, zone_polygons
from data.generator.history import Kind, Span, make_history
from data.generator.streets import streets, town_polygons
from data.generator.truths import truths
from safeschools_geo.coverage import travel_times
from safeschools_geo.district._settings_file import load_settings
from safeschools_geo.school_calendar import school_days

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from data.generator.calls import Call
    from data.generator.campuses import School
    from data.generator.streets import Street
    from safeschools_geo.settings import Settings

HERE = Path(__file__).resolve().parent
ZONE_NAMES = (
    "Harrow Flats",
    "Pelder Mesa",
    "Tessaly",
    "Quillon Springs",
    "Dunn Playa",
    "Lath Wash",
    "Ostrey",
    "Varn Gap",
)
EXPORTS = {
    2023: ("cad_2023-24.csv", exports.write_american),
    2024: ("cad_2024-25.xlsx", exports.write_workbook),
    2025: ("cad_2025-26.csv", exports.write_iso),
}
"""First year of each school year → its export and the writer of the system of that time."""
_NEW_YEAR = 8


def main(folder: Path) -> None:
    """Make every generated file of the demo.

    Parameters
    ----------
    folder
        Folder to write to; ``district.toml`` and ``crosswalk.csv``, which are written by hand, are always read from
        the folder of this script.
    """
    settings = load_settings(HERE)
    zones, district = zone_polygons(), boundary_polygon()
    network = streets(district)
    schools = make_schools(zones, network)
    roles = give_roles(schools)
    kinds = _kinds(HERE / settings.paths.crosswalk)
    clean = make_history(schools, roles, network, _spans(settings), kinds, ways=_ways(schools, network))
    files = _files(clean)
    boundaries, incidents = folder / settings.paths.boundaries, folder / settings.paths.incidents
    for place in (boundaries, incidents):
        place.mkdir(parents=True, exist_ok=True)
    exports.write_layer(
        boundaries / "zones.geojson",
        [(_zone_attributes(zone, n), zones[zone]) for n, zone in enumerate(zones)],
    )
    exports.write_layer(boundaries / "district.geojson", [({"name": settings.district.name}, district)])
    exports.write_layer(
        boundaries / "roads.geojson", [({"name": s.name, "speed_kph": s.speed_kph}, s.line) for s in network]
    )
    towns = town_polygons(district)
    exports.write_layer(boundaries / "places.geojson", [({"name": name}, town) for name, town in towns.items()])
    _write_schools(boundaries / "schools.csv", schools)
    for year, (name, write) in EXPORTS.items():
        write(incidents / name, files[year])
    told = truths(schools, roles, [t.name for t in settings.terms], {EXPORTS[year][0]: files[year] for year in EXPORTS})
    (folder / "truths.json").write_bytes((json.dumps(told, indent=2, ensure_ascii=False) + "\n").encode())


def _ways(schools: Sequence[School], network: Sequence[Street]) -> pd.DataFrame:
    """Measure the quickest ways between schools over the streets."""
    places = gpd.GeoSeries.from_xy(
        [s.place[0] for s in schools], [s.place[1] for s in schools], index=[s.code for s in schools], crs="EPSG:4326"
    )
    roads = gpd.GeoDataFrame(
        {"speed_kph": [s.speed_kph for s in network]}, geometry=[s.line for s in network], crs="EPSG:4326"
    )
    return travel_times(places, roads=roads, crs="EPSG:32611").minutes.round(4)


def _zone_attributes(zone: str, number: int) -> dict[str, str]:
    return {
        "zone_id": zone,
        "name": f"Zone {zone} {ZONE_NAMES[number]}",
        "officer": f"SS-{zone}",
        "team": "North" if number < len(ZONE_NAMES) // 2 else "South",
    }


def _write_schools(path: Path, schools: Sequence[School]) -> None:
    rows = [
        [
            s.code,
            s.name,
            s.span,
            str(s.students) if s.is_listed else "",
            f"{s.place[0]:.6f}",
            f"{s.place[1]:.6f}",
            "Y" if s.in_program else "N",
        ]
        for s in sorted(schools, key=lambda s: s.code)
    ]
    exports.write_csv(path, ("SchoolCode", "SchoolName", "GradeSpan", "Enrolled", "Lon", "Lat", "Program"), rows)


def _spans(settings: Settings) -> list[Span]:
    """Give each term the days until the next one; the last one those until the end of July."""
    starts = [term.start for term in settings.terms] + [dt.date(settings.terms[-1].end.year, _NEW_YEAR, 1)]
    return [
        Span(
            name=term.name,
            school_days=tuple(day.date() for day in school_days(term, settings.calendar)),
            days=tuple(start + dt.timedelta(days=n) for n in range((end - start).days)),
        )
        for term, (start, end) in zip(settings.terms, itertools.pairwise(starts), strict=True)
    ]


def _kinds(crosswalk: Path) -> dict[str, Kind]:
    with crosswalk.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["source_value"]: Kind(row["category"], float(row["service_min"])) for row in rows}


def _year_of(call: Call) -> int:
    """Tell the school year a call is exported with, by the day it was received; the last export has what is later."""
    return min(call.received.year - (call.received.month < _NEW_YEAR), max(EXPORTS))


def _files(clean: Sequence[Call]) -> dict[int, list[Call]]:
    """Give the calls numbers, spoil some, and sort them into one export for each school year."""
    numbered: list[Call] = []
    for year, group in itertools.groupby(clean, key=_year_of):
        calls = [_as_exported(call, year) for call in group]
        numbered += [replace(call, case=f"TV{year % 100}-{n:05d}") for n, call in enumerate(calls, start=1)]
    spoilt = spoil(numbered, year_of=_year_of)
    rows = [(_year_of(call), n, call) for n, call in enumerate(spoilt)] + repeats(spoilt, year_of=_year_of)
    # Sorting is stable: a repeat comes after the call of its number.
    ordered = sorted(rows, key=lambda row: row[:2])
    return {year: [call for of_year, _, call in ordered if of_year == year] for year in EXPORTS}


def _as_exported(call: Call, year: int) -> Call:
    """Drop the seconds that the first system does not export."""
    if EXPORTS[year][1] is not exports.write_american:
        return call
    return call.retimed(lambda moment: moment.replace(second=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
