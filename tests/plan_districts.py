"""Small districts of square zones, each with one thing that makes a proposal say something false if nobody looks.

Zones are squares of 2 km; a school has so many calls in each term, spread over its school days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import pandas as pd
from town import UTM, place, square

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SIDE = 2000.0

SETTINGS = """
[district]
name = "Squares"
time_zone = "America/Los_Angeles"
crs = "EPSG:32610"
zones = {zones}

[schools]
crs = "EPSG:4326"

[incidents]
crs = "EPSG:4326"

[hotspots]
simulations = 99

[rebalance]
max_moves = {moves}
time_limit_s = 20
bootstrap = 40
{more}
{terms}
[calendar]
holidays = []

[hours]
start = "08:00"
end = "15:00"
"""

TERM = '[[terms]]\nname = "{name}"\nstart = {year}-02-02\nend = {year}-03-27\n'


class School(NamedTuple):
    """A school: where it is in meters, its level, its students (None where not known), its calls in a term."""

    x: float
    y: float
    calls: int
    level: str = "elementary"
    students: int | None = 500


def write_district(
    folder: Path,
    zones: Mapping[str, tuple[float, float]],
    schools: Sequence[School],
    *,
    moves: int = 4,
    years: Sequence[int] = (2025, 2026),
    gap_m: float = 0.0,
    more: str = "",
) -> Path:
    """Write a district folder.

    `zones` gives the south-west corner of each square; `gap_m` is left open east of every zone but the last.
    """
    for name in ("boundaries", "incidents"):
        (folder / "data" / name).mkdir(parents=True)
    terms = "\n".join(TERM.format(name=f"Spring {year}", year=year) for year in years)
    text = SETTINGS.format(zones=len(zones), moves=moves, more=more, terms=terms)
    (folder / "district.toml").write_text(text, encoding="utf-8")
    last = list(zones)[-1]
    shapes = [square(x, y, x + SIDE - (0.0 if zone == last else gap_m), y + SIDE) for zone, (x, y) in zones.items()]
    frame = gpd.GeoDataFrame({"zone_id": list(zones), "name": [f"Zone {z}" for z in zones]}, geometry=shapes, crs=4326)
    frame.to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    points = [place(school.x, school.y) for school in schools]
    ids = [f"{i + 1:03}" for i in range(len(schools))]
    table = pd.DataFrame(
        {
            "school_id": ids,
            "name": [f"School {i} {s.level.capitalize()}" for i, s in zip(ids, schools, strict=True)],
            "level": [s.level for s in schools],
            "enrollment": pd.array([pd.NA if s.students is None else s.students for s in schools], dtype="Int64"),
            "in_program": True,
            "x": [p.x for p in points],
            "y": [p.y for p in points],
        }
    )
    table.to_csv(folder / "data/boundaries/schools.csv", index=False)
    rows = [
        (f"{year}-{i}-{n}", _moment(year, n), "assault_battery", i, point.x, point.y)
        for year in years
        for i, school, point in zip(ids, schools, points, strict=True)
        for n in range(school.calls)
    ]
    columns = ["incident_id", "occurred_at", "category", "school_id", "x", "y"]
    calls = pd.DataFrame(rows, columns=columns)
    if calls.empty:
        # One call that is no program work, on a Sunday, so that there is an export to read.
        calls.loc[0] = ("0", f"{years[-1]}-02-08 10:00", "assault_battery", ids[0], points[0].x, points[0].y)
    calls.to_csv(folder / "data/incidents/calls.csv", index=False)
    return folder


def _moment(year: int, n: int) -> str:
    """Spread calls over the weekdays and hours of the term."""
    days = pd.bdate_range(f"{year}-02-02", f"{year}-03-27")
    return f"{days[(7 * n) % len(days)].date()} {9 + n % 5:02}:{(13 * n) % 60:02}"


def row(*corners: float) -> dict[str, tuple[float, float]]:
    """Lay zones in a row, named 1, 2, 3, …"""
    return {str(i + 1): (SIDE * x, 0.0) for i, x in enumerate(corners)}


def normal(folder: Path, **changed: object) -> Path:
    """Two zones, the first with most of the work; its high school lies at the border, and is its only one."""
    schools = [
        School(300, 500, 30),
        School(900, 1500, 30),
        School(1200, 600, 30, "middle"),
        School(1800, 1000, 30, "high", 1500),
        School(2600, 1000, 20, "high", 1500),
        School(3300, 700, 20),
        School(3500, 1500, 10, "middle"),
    ]
    return write_district(folder, row(0, 1), schools, **changed)  # type: ignore[arg-type]


def concave(folder: Path) -> Path:
    """A strip: what lies at the border is small, and what evens the zones out lies behind it."""
    small, large = [School(x, 1000, 2) for x in (1900, 1700, 1500)], [School(1200, 1000, 50), School(600, 1000, 100)]
    return write_district(folder, row(0, 1), [*small, *large, School(2600, 1000, 20), School(3300, 1000, 10)])


def without_school(folder: Path, **changed: object) -> Path:
    """Three zones in a row; the last one has no school."""
    schools = [School(400, 500, 30), School(1000, 1000, 30), School(1800, 1000, 20), School(2600, 1000, 20)]
    return write_district(folder, row(0, 1, 2), [*schools, School(3300, 1000, 10)], **changed)  # type: ignore[arg-type]


def no_calls(folder: Path) -> Path:
    """Schools that are visited, and no call."""
    return write_district(folder, row(0, 1), [School(x, 1000, 0) for x in (300, 900, 1500, 1900, 2600)])


def one_term(folder: Path) -> Path:
    """The normal district with a single term."""
    return normal(folder, years=(2026,))


def sites(folder: Path) -> Path:
    """The school at the border is two at one site; students of the second are not known."""
    schools = [
        School(400, 500, 40),
        School(900, 1000, 40),
        School(1800, 1000, 15),
        School(1800, 1000, 15, "middle", None),
        School(2600, 1000, 20),
        School(3300, 1000, 20, "middle"),
    ]
    return write_district(folder, row(0, 1), schools)


def seam(folder: Path) -> Path:
    """Two centimeters of nobody's ground between the zones."""
    return normal(folder, gap_m=0.02)


DISTRICTS = {
    "normal": normal,
    "concave": concave,
    "without_school": without_school,
    "no_calls": no_calls,
    "one_term": one_term,
    "sites": sites,
    "seam": seam,
}

__all__ = ["DISTRICTS", "UTM", "School", "normal", "row", "without_school", "write_district"]
