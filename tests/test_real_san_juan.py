"""San Juan Unified, from the raw files: what is known of them must come out."""

import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import said
from shapely import coverage_is_valid

from safeschools_geo.assign._decide import assign_points
from safeschools_geo.cli._main import main
from safeschools_geo.coverage._roads import place_points
from safeschools_geo.coverage._staging import place_officers
from safeschools_geo.coverage._staging_points import StagingSettings
from safeschools_geo.coverage._usual_day import travel_times
from safeschools_geo.district._district import check_district, read_district
from safeschools_geo.district._layers import read_boundary
from safeschools_geo.district._settings_file import load_settings
from safeschools_geo.hotspots._schools import school_groups, school_rates
from safeschools_geo.rebalance._neighbors import unit_edges
from safeschools_geo.rebalance._tiling import zones_of_plan
from safeschools_geo.term._plan import read_plan, units_of_district
from safeschools_geo.term._run import run_term
from safeschools_geo.term._write import _write_zones_and_plan

pytestmark = pytest.mark.real_data

SETTINGS = """
[district]
name = "San Juan Unified School District"
time_zone = "America/Los_Angeles"
zones = 8

[boundary]
file = "data/boundaries/{boundary}.geojson"

[schools]
preset = "cde"
file = "data/boundaries/cde_public_schools_sacramento_county_2018.csv"

[schools.keep]
CDSCode = "3467447*"

[schools.enrollment_file]
file = "data/boundaries/frpm_sacramento_county_2014-15.csv"
key = ["County Code:2", "District Code:5", "School Code:7"]
value = "Enrollment (K-12)"

[places]
file = "data/boundaries/places_tiger2023.geojson"
[places.columns]
name = "NAME"

[rebalance]
max_moves = 1

[[terms]]
name = "Spring 2018"
start = 2018-01-08
end = 2018-06-07
"""


def call(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    assert left.value.code == 0


@pytest.fixture(scope="module")
def folder(real_data, tmp_path_factory):
    """Lay out the district folder and draft its zones, as an analyst would."""
    folder = tmp_path_factory.mktemp("san_juan")
    boundaries = folder / "data" / "boundaries"
    boundaries.mkdir(parents=True)
    for file in (real_data / "san_juan").iterdir():
        shutil.copy(file, boundaries)
    (folder / "district.toml").write_text(SETTINGS.format(boundary="district_2012"), encoding="utf-8")
    call(
        *("draft-zones", "--district", boundaries / "district_2012.geojson", "--zones", 8, "--preset", "cde"),
        *("--schools", boundaries / "cde_public_schools_sacramento_county_2018.csv", "--keep", "CDSCode=3467447*"),
        *("--out", boundaries / "zones.geojson"),
    )
    return folder


@pytest.fixture(scope="module")
def district(folder):
    return read_district(folder)


def test_the_preset_alone_finds_the_active_schools(district):
    assert len(district.schools) == 79
    assert district.schools["school_id"].str.fullmatch(r"3467447\d{7}").all()
    counts = district.counts["schools"]
    assert counts == {"read": 628, "kept": 79, "rejected": 549}
    of_district = district.rejects[district.rejects["id"].str.startswith("3467447")]
    assert len(of_district) == 123 - 79
    assert of_district["reason_code"].value_counts().to_dict() == {
        "excluded_by_StatusType": 43,
        "excluded_by_School": 1,
    }
    assert of_district["reason"].str.contains("Closed").sum() == 41


def test_enrollment_is_joined(district):
    assert district.schools["enrollment"].notna().sum() == 72
    assert district.schools["enrollment"].sum() == 48_548


def test_levels_are_those_of_the_directory(district):
    counts = district.schools["level"].value_counts().to_dict()
    assert counts == {"elementary": 37, "k8": 11, "high": 13, "middle": 8, "other": 10}


def test_every_school_is_inside_the_boundary(district):
    zone = district.boundary.assign(zone_id="D")
    found = assign_points(district.schools, zone)
    assert found["status"].tolist() == ["inside"] * 79


def test_the_oversimplified_boundary_leaves_seven_outside(district, real_data):
    zone = gpd.read_file(real_data / "san_juan" / "district_2016_oversimplified.geojson").assign(zone_id="D")
    found = assign_points(district.schools, zone)
    assert found["status"].value_counts().to_dict() == {"inside": 72, "outside": 7}
    outside = found.loc[found["status"] == "outside", "distance_m"]
    assert outside.min() == pytest.approx(4, abs=0.5)
    assert outside.max() == pytest.approx(1990, abs=5)


def test_the_self_intersecting_boundary_is_repaired_and_reported(folder, tmp_path):
    shutil.copytree(folder / "data", tmp_path / "data")
    text = SETTINGS.format(boundary="district_2012_self_intersecting")
    (tmp_path / "district.toml").write_text(text, encoding="utf-8")
    boundary, findings, _ = read_boundary(load_settings(tmp_path))
    assert boundary.geometry.is_valid.all()
    assert boundary.to_crs(32610).area.sum() == pytest.approx(199.8e6, rel=0.001)
    assert any("intersect" in f.message.lower() or "invalid" in f.message.lower() for f in findings)


def test_schools_that_share_a_place_are_noted(district):
    report = check_district(district)
    shared = [f for f in report.findings if f.table == "schools" and len(f.ids) == 6]
    assert shared, [str(f) for f in report.findings]


def test_the_drafted_zones_tile_the_district(district):
    zones = district.zones.to_crs(32610)
    assert len(zones) == 8
    assert set(zones.geom_type) == {"Polygon"}
    boundary = district.boundary.to_crs(32610).geometry.iloc[0]
    # Vertices lie on a grid of 1 cm: all along the boundary the two may differ by as much.
    assert zones.union_all().symmetric_difference(boundary).area < 0.01 * boundary.length
    assert coverage_is_valid(district.zones.geometry.to_numpy())


def test_a_plan_goes_out_and_comes_in_again_in_every_format(district, tmp_path):
    units = units_of_district(district)
    plan = units.set_index("unit_id")["zone_id"].astype("str")
    edges = unit_edges(units, crs=district.crs)
    border = edges[edges["unit_a"].map(plan).to_numpy() != edges["unit_b"].map(plan).to_numpy()].sample(
        frac=1, random_state=1
    )
    moved = border.drop_duplicates("unit_a").head(5)
    plan[moved["unit_a"]] = plan[moved["unit_b"]].to_numpy()
    zones = zones_of_plan(units, plan, district.zones, schools=district.schools, crs=district.crs)
    # What hangs together along borders is one piece on the ground, a meter inside as well.
    assert set(zones.to_crs(32610).buffer(-1.0).geom_type) == {"Polygon"}
    _write_zones_and_plan(tmp_path, units, plan, zones, scores=None, said="")
    given = {"zones": district.zones, "schools": district.schools, "boundary": district.boundary}
    for name in ("plan.csv", "plan.xlsx", "units.geojson", "zones.geojson", "plan.gpkg", "plan.kml", "plan.zip"):
        assert read_plan(tmp_path / name, units, **given).assignment.equals(plan.rename("zone_id")), name


def test_seams_along_all_borders_change_no_neighbor(district):
    units = units_of_district(district).head(30)
    drawn = units.set_geometry(units.to_crs(32610).buffer(-0.01, join_style="mitre"))
    whole, cut = (unit_edges(frame, crs=district.crs).query("kind == 'border'") for frame in (units, drawn))
    assert list(zip(cut["unit_a"], cut["unit_b"], strict=True)) == list(
        zip(whole["unit_a"], whole["unit_b"], strict=True)
    )


def test_the_whole_run_works(folder, tmp_path):
    result = run_term(folder, out=tmp_path)
    assert result.school_zones["status"].isin(["inside", "boundary"]).all()
    assert result.loads["schools"].sum() == 79
    assert len(result.history) == 0
    assert pd.read_csv(tmp_path / "Spring 2018" / "assignments.csv", dtype=str)["school_id"].str.len().eq(14).all()
    for name in ("index.html", "zones.html", "history.html", "rates.html"):
        assert (tmp_path / "Spring 2018" / "maps" / name).stat().st_size > 1000
    assert said.contradictions(tmp_path / "Spring 2018", result.summary()) == []


def test_the_best_waiting_places_of_the_real_schools_are_proven(district):
    schools = district.schools
    points = place_points(schools, "school_id")
    travel = travel_times(points)
    assert "Straight-line distance × 1.3" in travel.method
    minutes = travel.response_minutes(points.index, points.index)
    found = [
        place_officers(minutes, pd.Series(1.0, index=points.index), points=8, settings=StagingSettings(objective=name))
        for name in ("mean", "longest", "covered")
    ]
    assert all(staging.is_proven for staging in found)
    mean, longest, covered = found
    assert mean.value <= longest.places["first_min"].mean() + 1e-9
    assert longest.value <= mean.places["first_min"].max() + 1e-9
    assert covered.value >= (mean.places["first_min"] <= 5.0).mean() - 1e-9


def simulated_counts(district, *, planted=(), seed=0):
    """Draw incidents for the real schools, 0.03 a student in each of four terms; three times that where planted."""
    schools, rng = district.schools, np.random.default_rng(seed)
    students = schools["enrollment"].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    means = np.nan_to_num(students, nan=300.0) * 0.03 * rng.gamma(20, 1 / 20, len(schools))
    terms = []
    for term in range(4):
        factor = np.where(schools["school_id"].isin(planted) & (term == 3), 3.0, 1.0)
        reported = rng.poisson(means * factor)
        row = schools[["school_id", "name", "level", "enrollment"]].reset_index(drop=True)
        terms.append(
            row.assign(
                term=f"T{term}",
                zone_id="",
                student_days=students * 100,
                incidents=reported,
                reported=reported,
                officer_initiated_share=0.0,
            )
        )
    return pd.concat(terms, ignore_index=True)


def test_a_simulated_hotspot_on_the_real_schools_is_found_and_a_quiet_term_is_quiet(district):
    places = district.schools.set_index("school_id").geometry
    meters = places.to_crs(district.crs)
    large = district.schools.loc[district.schools["enrollment"].fillna(0).astype(int) > 400, "school_id"]
    planted = meters[large].distance(meters[large.iloc[0]]).nsmallest(4).index
    rates = school_rates(simulated_counts(district, planted=planted), term="T3")
    assert rates.table["status"].eq("no_denominator").sum() == 7
    high = school_groups(rates, places, crs=district.crs).high
    assert len(set(high["members"].iloc[0].split(";")) & set(planted)) >= 3
    quiet = school_rates(simulated_counts(district, seed=1), term="T3")
    assert quiet.high.empty
    assert school_groups(quiet, places, crs=district.crs).high.empty
