from __future__ import annotations

import json

import geopandas as gpd
import pytest
from grid_town import UTM, grid_district, grid_schools
from shapely.geometry import box

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
