from __future__ import annotations

import json

import geopandas as gpd
import pytest
from grid_town import UTM, grid_district, grid_schools
from shapely.geometry import LineString, box

from safeschools_geo.cli._main import main


def call(*arguments) -> int:
    with pytest.raises(SystemExit) as left:
        main(["draft-zones", *map(str, arguments)])
    return int(left.value.code or 0)


@pytest.fixture
def town(tmp_path):
    """Write two rows of four schools, their district, and tracts."""
    grid_schools(2, 4).to_crs(4326).to_file(tmp_path / "schools.geojson")
    grid_district(2, 4).to_crs(4326).to_file(tmp_path / "district.geojson")
    cells = [(r, c) for r in range(2) for c in range(4)]
    shapes = [box(1000 * c, 1000 * r, 1000 * c + 1000, 1000 * r + 1000) for r, c in cells]
    figures = {"tract": [f"0{r}{c}" for r, c in cells], "hours": [3.0, 1, 1, 1, 3, 1, 1, 1]}
    gpd.GeoDataFrame(figures, geometry=shapes, crs=UTM).to_file(tmp_path / "tracts.gpkg")
    return tmp_path


def test_zones_of_units(town, capsys):
    out = town / "zones.geojson"
    units = ("--units", town / "tracts.gpkg", "--unit-id", "tract", "--workload", "hours")
    assert call(*units, "--zones", 2, "--out", out, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["imbalance"] == 0
    assert printed["is_contiguous"]
    assert printed["any_bound"] <= printed["bound"] <= printed["travel"]
    assert printed["gap"] == pytest.approx(1 - printed["bound"] / printed["travel"])
    assert gpd.read_file(out)["zone_id"].tolist() == ["1", "2"]


def test_the_least_travel(town, capsys):
    layers = ("--district", town / "district.geojson", "--schools", town / "schools.geojson", "--id", "school_id")
    assert call(*layers, "--zones", 2, "--objective", "travel", "--out", town / "zones.geojson") == 0
    told = " ".join(capsys.readouterr().err.split())
    assert "Total travel" in told
    assert "can have less than" in told
    assert "certificate" not in told


def test_one_kind_of_input_at_a_time(town, capsys):
    assert (
        call("--units", town / "tracts.gpkg", "--schools", town / "schools.geojson", "--out", town / "z.geojson") == 2
    )
    assert "not both" in capsys.readouterr().err
    assert call("--schools", town / "schools.geojson", "--out", town / "z.geojson") == 2
    assert "--district and --schools, or --units" in capsys.readouterr().err


def test_a_tolerance_that_no_plan_keeps(town, capsys):
    units = ("--units", town / "tracts.gpkg", "--unit-id", "tract", "--workload", "hours")
    assert call(*units, "--zones", 5, "--objective", "travel", "--tolerance", 0.05, "--out", town / "z.geojson") == 1
    assert "the nearest tolerance a plan was found for" in capsys.readouterr().err
    assert not (town / "z.geojson").exists()


def across(town, *lines, name="barriers.geojson"):
    """Draw lines in meters from the corner of the town."""
    gpd.GeoDataFrame(geometry=[LineString(line) for line in lines], crs=UTM).to_file(town / name)
    return town / name


def test_no_zone_reaches_over_a_barrier_but_along_a_road(town, capsys):
    units = ("--units", town / "tracts.gpkg", "--unit-id", "tract", "--workload", "hours", "--zones", 2)
    # Between the two rows, from end to end but for a way around in the last column.
    barriers = ("--barriers", across(town, [(-100, 1000), (3100, 1000)]))
    assert call(*units, *barriers, "--out", town / "zones.geojson", "--json") == 0
    told = capsys.readouterr()
    assert "3 pairs of units with a common border, parted by a barrier" in " ".join(told.err.split())
    zones = gpd.read_file(town / "zones.geojson").to_crs(UTM)
    assert json.loads(told.out)["is_contiguous"]
    for zone in zones.geometry:
        # A zone with ground on both sides has the last column, where the way leads around.
        sides = [zone.intersection(box(0, 1000 * row, 3000, 1000 * row + 1000)).area > 100 for row in range(2)]
        assert not all(sides) or zone.intersection(box(3000, 0, 4000, 2000)).area > 1.9e6
    roads = across(town, [(500, 500), (500, 1500)], name="roads.geojson")
    assert call(*units, *barriers, "--roads", roads, "--out", town / "zones.geojson") == 0
    assert "2 pairs of units with a common border" in " ".join(capsys.readouterr().err.split())
    assert call(*units, "--roads", roads, "--out", town / "zones.geojson") == 2
    assert "it goes with --barriers" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("objective", ["compactness", "travel"])
def test_an_interruption_keeps_the_best_zones_so_far_and_says_so(town, monkeypatch, capsys, objective):
    stopped = {"compactness": "HessBound", "travel": "MedianSolver"}[objective]

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(f"safeschools_geo.rebalance._partition.{stopped}", interrupted)
    out = town / "zones.geojson"
    units = ("--units", town / "tracts.gpkg", "--unit-id", "tract", "--workload", "hours", "--objective", objective)
    assert call(*units, "--zones", 2, "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["is_complete"], told["is_contiguous"], told["bound"]) == (False, True, 0.0)
    assert len(gpd.read_file(out)) == 2
    assert call(*units, "--zones", 2, "--out", out) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "The search was interrupted and is not finished; this is the best so far." in said
    assert "how much less another plan could have was not worked out" in said
    # Before there is a plan there is nothing to keep.
    monkeypatch.setattr("safeschools_geo.rebalance._partition.improve", interrupted)
    out.unlink()
    assert call(*units, "--zones", 2, "--out", out) == 130
    assert not out.exists()


@pytest.mark.parametrize(
    ("west", "code", "said"),
    [
        # The second column reaches over the first by meters, or by much; the last lies apart, or beyond a barrier.
        ((0, 995, 2000, 3000), 0, "m² lie in two areas; they are divided among them."),
        ((0, 700, 2000, 3000), 1, "Some areas overlap. Where: units Rows: 00 and 01, 10 and 11"),
        ((0, 1000, 2000, 3400), 0, "The district is in parts; zones reach over the gaps between them ("),
        ((0, 1000, 2000, 3000), 0, "zones reach over the gaps between them (02 and 03, across a barrier)"),
    ],
)
def test_units_that_overlap_or_lie_apart_are_repaired_and_listed_or_refused(town, capsys, west, code, said):
    drawn = [(row, column, 1000 * row) for row in range(2) for column in range(4)]
    east = (1000, 2000, 3000, west[3] + 1000)
    shapes = [box(west[c], south, east[c], south + 1000) for _, c, south in drawn]
    columns = {"tract": [f"{r}{c}" for r, c, _ in drawn], "hours": [3.0, 1, 1, 1, 3, 1, 1, 1]}
    gpd.GeoDataFrame(columns, geometry=shapes, crs=UTM).to_file(town / "drawn.gpkg")
    more = ("--barriers", across(town, [(3000, -100), (3000, 2100)])) if "barrier" in said else ()
    units = ("--units", town / "drawn.gpkg", "--unit-id", "tract", "--workload", "hours")
    assert call(*units, "--zones", 2, *more, "--out", town / "zones.geojson") == code
    assert said in " ".join(capsys.readouterr().err.split())
