"""A town small enough to draw: two square zones of one kilometer side by side, three schools, a handful of incidents.

::

    y=1000 +---------+---------+
           |         |    S3   |     S3 is not in the program
           |   S1    |    S2   |
    y=0    +---------+---------+
          x=0      1000      2000   meters east of (600000, 4200000) in UTM zone 10N
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pandas as pd
from shapely.geometry import Point, Polygon, box

if TYPE_CHECKING:
    from pathlib import Path

UTM = "EPSG:32610"
EAST, NORTH = 600_000.0, 4_200_000.0
ZONE = "America/Los_Angeles"

SETTINGS = """
[district]
name = "Twosquare"
time_zone = "America/Los_Angeles"
crs = "EPSG:32610"
zones = 2

[schools]
crs = "EPSG:4326"

[incidents]
crs = "EPSG:4326"

[board]
pdf = false  # Printing is tested by itself, and with the demo

[hotspots]
simulations = 99

[rebalance]
max_moves = 2  # There are no more schools of the program
bootstrap = 40

[coverage]
draws = 40

[[terms]]
name = "Fall"
start = 2025-09-01
end = 2025-09-12

[[terms]]
name = "Spring"
start = 2026-02-02
end = 2026-02-13

[calendar]
holidays = ["2025-09-01"]

[hours]
start = "08:00"
end = "15:00"

[hours.levels.high]
start = "07:00"
end = "16:00"
"""


def place(x: float, y: float) -> Point:
    """Put a point of the drawing on the globe."""
    point = gpd.GeoSeries([Point(EAST + x, NORTH + y)], crs=UTM).to_crs(4326).iloc[0]
    return Point(round(point.x, 9), round(point.y, 9))


def square(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    """Put a rectangle of the drawing on the globe."""
    return gpd.GeoSeries([box(EAST + x0, NORTH + y0, EAST + x1, NORTH + y1)], crs=UTM).to_crs(4326).iloc[0]


def zones() -> gpd.GeoDataFrame:
    """Draw the zones."""
    return gpd.GeoDataFrame(
        {"zone_id": ["A", "B"], "name": ["West", "East"]},
        geometry=[square(0, 0, 1000, 1000), square(1000, 0, 2000, 1000)],
        crs=4326,
    )


def schools() -> gpd.GeoDataFrame:
    """Place the schools."""
    return gpd.GeoDataFrame(
        {
            "school_id": ["001", "002", "003"],
            "name": ["Plimwick Elementary", "Quorndale High", "Zephrin Middle"],
            "level": ["elementary", "high", "middle"],
            "enrollment": pd.array([300, 1000, pd.NA], dtype="Int64"),
            "district": ["Twosquare"] * 3,
            "in_program": [True, True, False],
        },
        geometry=[place(500, 400), place(1500, 400), place(1500, 800)],
        crs=4326,
    )


def incident_rows() -> list[dict[str, object]]:
    """List incidents as an export has them; 2025-09-02 is a Tuesday with school."""
    rows = [
        ("I1", "2025-09-02 10:00", "assault_battery", "001", (500, 400)),
        ("I2", "2025-09-02 15:30", "weapons", "002", (1500, 400)),
        ("I3", "2025-09-02 15:30", "weapons", "001", (500, 400)),
        ("I4", "2025-09-06 10:00", "intruder", "001", (500, 400)),
        ("I5", "2025-09-03", "welfare_check", "002", (1500, 400)),
        ("I6", "2025-09-03 09:00", "threat_assessment", "003", (1500, 800)),
        ("I7", "2025-09-03 09:00", "gang_activity", "003", (1500, 800)),
        ("I8", "2025-09-03 09:00", "non_critical", "001", (500, 400)),
        ("I9", "2025-09-03 09:00", "alcohol_drugs", None, (100, 100)),
        ("I10", "2026-02-03 11:00", "assault_battery", "002", (1500, 400)),
    ]
    return [
        {"incident_id": i, "occurred_at": at, "category": c, "school_id": s, "x": place(*xy).x, "y": place(*xy).y}
        for i, at, c, s, xy in rows
    ]


def write_town(folder: Path, *, settings: str = SETTINGS, incidents: pd.DataFrame | None = None) -> Path:
    """Write the town as a district folder."""
    for name in ("boundaries", "incidents"):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "district.toml").write_text(settings, encoding="utf-8")
    zones().to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    flat = schools().assign(x=lambda d: d.geometry.x, y=lambda d: d.geometry.y).drop(columns="geometry")
    flat.to_csv(folder / "data/boundaries/schools.csv", index=False)
    frame = pd.DataFrame(incident_rows()) if incidents is None else incidents
    frame.to_csv(folder / "data/incidents/history.csv", index=False)
    return folder
