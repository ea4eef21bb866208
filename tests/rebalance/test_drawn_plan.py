"""Plans that are drawn as polygons: read from every format, checked like zones, and the same again when written.

The town of `town_of_units`: six units of 1 km in three columns, zones 1, 2 and 3, a school in the middle of each, and a
second one, b2, 100 m east of b1.
"""

import zipfile

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
from grid_town import EAST, NORTH, UTM
from shapely import affinity
from shapely.geometry import Point, box
from town_of_units import CORNERS, PLAN, SCHOOL_IDS, six_units

import safeschools_geo as ssg
from safeschools_geo.errors import SafeSchoolsError
from safeschools_geo.rebalance._tiling import zones_of_plan
from safeschools_geo.term._write import _write_zones_and_plan

FORMATS = ("plan.csv", "plan.xlsx", "units.geojson", "zones.geojson", "plan.gpkg", "plan.kml", "plan.zip")


def column(west, east, south=0.0, north=2.0):
    return box(EAST + 1000 * west, NORTH + 1000 * south, EAST + 1000 * east, NORTH + 1000 * north)


def today() -> gpd.GeoDataFrame:
    frame = {"zone_id": ["1", "2", "3"], "name": ["West", "Middle", "East"]}
    return gpd.GeoDataFrame(frame, geometry=[column(0, 1), column(1, 2), column(2, 3)], crs=UTM).to_crs(4326)


def seven() -> gpd.GeoDataFrame:
    rows = [
        (school, Point(EAST + 1000 * x + 500 + 100 * n, NORTH + 1000 * y + 500))
        for ids, (x, y) in zip(SCHOOL_IDS, CORNERS.values(), strict=True)
        for n, school in enumerate(ids)
    ]
    return gpd.GeoDataFrame({"school_id": [i for i, _ in rows]}, geometry=[p for _, p in rows], crs=UTM).to_crs(4326)


@pytest.fixture
def drawn(tmp_path):
    """Write zones, a shape by id in meters, and return the file."""

    def write(shapes, file="zones.geojson", crs=4326, **columns):
        ids = [key.split("/")[0] for key in shapes]
        frame = gpd.GeoDataFrame({"zone_id": ids, **columns}, geometry=list(shapes.values()), crs=UTM).to_crs(crs)
        frame.to_file(tmp_path / file, driver={".kml": "KML", ".gdb": "OpenFileGDB"}.get(file[-4:]))
        return tmp_path / file

    return write


def read(path, **options):
    return ssg.read_plan(path, six_units(), **{"zones": today(), "schools": seven()} | options)


def zones_of(path, **options):
    return read(path, **options).assignment.to_dict()


def said(path, **options):
    with pytest.raises(SafeSchoolsError) as caught:
        read(path, **options)
    return str(caught.value)


# Zone 2 takes a, its south-west neighbor, as PLAN does.
TAKEN = column(1, 2).union(column(0, 1, 0, 1))


def test_only_the_zone_that_changes(drawn):
    found = read(drawn({"2": TAKEN}))
    assert found.assignment.to_dict() == PLAN.to_dict()
    assert [f.code for f in found.findings] == []
    areas = found.zones.to_crs(UTM).set_index("zone_id").area / 1e6
    assert areas.to_dict() == pytest.approx({"1": 1.0, "2": 3.0, "3": 2.0}, rel=1e-5)


def test_all_zones_and_their_own_shapes_where_no_school_is_known(drawn):
    path = drawn({"3": column(2, 3), "2": TAKEN, "1": column(0, 1, 1, 2)})
    assert zones_of(path) == PLAN.to_dict()
    assert ssg.read_plan(path, six_units()).assignment.to_dict() == PLAN.to_dict()


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".kml", ".gdb", ".geojson"])
def test_any_format_of_layers(drawn, suffix):
    path = drawn({"2": TAKEN, "1": column(0, 1, 1, 2)}, f"north{suffix}", crs=4326 if suffix == ".kml" else 2226)
    assert zones_of(path) == PLAN.to_dict()


def test_a_layer_an_id_column_and_a_crs_are_named(drawn, tmp_path):
    path = drawn({"2": TAKEN}, "many.gpkg", crs=UTM)
    frame = gpd.read_file(path).rename(columns={"zone_id": "BEAT"}).set_crs(None, allow_override=True)
    for layer in ("beats", "old"):
        with pytest.warns(UserWarning, match="crs"):
            pyogrio.write_dataframe(frame, tmp_path / "two.gpkg", layer=layer, append=layer == "old")
    path = tmp_path / "two.gpkg"
    assert "beats, old" in said(path)
    assert zones_of(path, layer="beats", zone_id="BEAT", crs=UTM) == PLAN.to_dict()
    assert "zone_id" in said(path, layer="beats", crs=UTM)


def test_a_school_on_the_border_keeps_its_zone(drawn):
    # Half of every unit: the border runs through b1, d and all other schools in the middle of a column.
    found = read(drawn({"2": column(0.5, 2)}))
    assert found.assignment.to_dict() == {"a": "1", "b": "2", "c": "3", "d": "1", "e": "2", "f": "3"}
    assert {f.code: f.ids for f in found.findings}["plan_ties"] == ("a", "d")


def test_a_crack_and_an_overlap_without_a_school_are_closed(drawn):
    found = read(drawn({"1": column(0, 0.9998), "2": column(1, 2.2), "3": column(2, 3)}), boundary=today())
    assert found.assignment.to_dict() == six_units().set_index("unit_id")["zone_id"].to_dict()
    assert {"zones_overlap", "zones_slivers", "plan_repaired"} <= {f.code for f in found.findings}
    shapes = found.zones.to_crs(UTM).geometry
    assert shapes.area.sum() == pytest.approx(6e6, rel=1e-4)
    assert shapes.union_all().area == pytest.approx(shapes.area.sum(), rel=1e-6)


def test_pieces_and_a_zone_that_is_drawn_over_are_reported(drawn):
    found = read(drawn({"2": column(0, 2), "3": column(2, 3, 0, 0.8).union(column(2, 3, 1.2, 2))}))
    assert found.assignment.to_dict() == {"a": "2", "b": "2", "c": "3", "d": "2", "e": "2", "f": "3"}
    assert {f.code: f.ids for f in found.findings if f.severity == "warning"} == {
        "plan_zone_gone": ("1",),
        "zone_in_pieces": ("3",),
    }


def test_what_the_zones_of_today_lack_already_is_not_reported_of_the_plan(drawn):
    east = gpd.GeoSeries([column(2, 3, 0, 0.9).union(column(2, 3, 1.1, 2))], crs=UTM).to_crs(4326)
    pieces = today().set_geometry([*today().geometry[:2], east[0]], crs=4326)
    assert read(drawn({"2": TAKEN}), zones=pieces).findings == ()


def test_schools_that_are_left_out_are_named_with_their_distance(drawn):
    told = said(drawn({"1": column(0, 1), "2": column(1, 2), "3": column(2, 3, 0, 0.3)}))
    assert "The plan leaves out 2 of 7 schools" in told
    assert "c (of zone 3, 200 m from the nearest zone)" in told
    assert "f (of zone 3, 500 m from the nearest zone)" in told
    assert "Extend a zone over them" in told


def test_schools_where_zones_overlap_are_named(drawn):
    told = said(drawn({"1": column(0, 1.7), "2": column(1, 2)}))
    assert "Zones of the plan overlap where schools or units are." in told
    assert "b1 (zones 1 and 2)" in told
    assert "e (zones 1 and 2)" in told


def test_a_border_between_the_schools_of_one_unit(drawn):
    assert "b (b1 → 1; b2 → 2)" in said(drawn({"1": column(0, 1.55), "2": column(1.55, 2)}))


def test_ids_that_are_not_known_or_of_two_zones_and_rows_without_one(drawn):
    told = said(drawn({"01": column(0, 1)}, "a.geojson"))
    assert "The plan draws zones that are not known." in told
    assert "Write 1 for 01." in told
    assert "one of 1, 2, 3" in said(drawn({"9": column(0, 1)}, "b.geojson"))
    told = said(drawn({"2/a": column(0, 1), "2/b": column(1, 2)}, "c.geojson", name=["West", "Middle"]))
    assert "2: West, Middle" in told
    assert "row 2" in said(drawn({"2": column(1, 2), "": column(0, 1)}, "d.geojson"))


def test_pieces_of_one_zone_may_be_rows(drawn):
    found = read(drawn({"2/a": column(1, 2, 0, 1), "2/b": column(0, 1, 0, 1), "2/c": column(1, 2, 1, 2)}))
    assert found.assignment.to_dict() == PLAN.to_dict()
    assert {f.code: f.ids for f in found.findings} == {"plan_pieces_joined": ("2",)}


def test_polygons_of_another_district(drawn):
    told = said(drawn({"2": affinity.translate(TAKEN, 300_000, 400_000)}))
    assert "The zones of the plan are not in this district." in told
    assert "km from the district" in told


def test_swapped_coordinates_are_named(drawn, tmp_path):
    frame = gpd.read_file(drawn({"2": TAKEN}))
    frame["geometry"] = frame.geometry.map(lambda shape: affinity.affine_transform(shape, [0, 1, 1, 0, 0, 0]))
    frame.to_file(tmp_path / "swapped.geojson")
    assert "exchanged" in said(tmp_path / "swapped.geojson")


def test_no_rows_and_other_shapes(tmp_path):
    (tmp_path / "none.geojson").write_text('{"type": "FeatureCollection", "features": []}', encoding="utf-8")
    assert "The plan has no rows." in said(tmp_path / "none.geojson")
    points = gpd.GeoDataFrame({"zone_id": ["1"]}, geometry=[Point(EAST, NORTH)], crs=UTM).to_crs(4326)
    points.to_file(tmp_path / "points.geojson")
    told = said(tmp_path / "points.geojson")
    assert "Point" in told
    assert "polygons" in told


def written(folder, plan):
    units = six_units().to_crs(4326)
    zones = zones_of_plan(units, plan, today(), schools=seven())
    _write_zones_and_plan(folder, units, plan, zones, scores=None, said="A plan. It moves.")
    return folder


@pytest.mark.parametrize("seed", range(6))
def test_out_and_in_again_is_the_same_plan_in_every_format(tmp_path, seed):
    rng = np.random.default_rng(seed)
    plan = pd.Series(rng.choice(["1", "2", "3"], 6), index=pd.Index(list("abcdef"), name="unit_id"), dtype="str")
    written(tmp_path, plan)
    assert {name: zones_of(tmp_path / name) for name in FORMATS} == dict.fromkeys(FORMATS, plan.to_dict())
    again = read(tmp_path / "plan.gpkg").zones
    _write_zones_and_plan(tmp_path / "again", six_units(), plan, again, scores=None, said="")
    assert zones_of(tmp_path / "again" / "plan.zip") == plan.to_dict()


def test_the_same_plan_has_the_same_bytes_at_another_time(tmp_path):
    first, second = written(tmp_path / "a", PLAN), written(tmp_path / "b", PLAN)
    for name in FORMATS:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    # Nothing in the files is of the day they were written.
    year = pd.Timestamp.now().strftime("%Y-")
    assert year.encode() not in (first / "plan.gpkg").read_bytes()
    for name in ("plan.zip", "plan.xlsx"):
        with zipfile.ZipFile(first / name) as archive:
            assert {entry.date_time[:3] for entry in archive.infolist()} == {(1980, 1, 1)}
            assert all(year.encode() not in archive.read(entry) for entry in archive.namelist())
            if name == "plan.zip":
                assert archive.read("zones.dbf")[1:4] == bytes([80, 1, 1])


def test_the_workbook_is_for_people_and_runs_nothing(tmp_path):
    units = six_units().to_crs(4326).assign(name=["=1+1", "Birch", "Cedar", "Dogwood", "Elm", "Fir"])
    zones = zones_of_plan(units, PLAN, today().assign(name=["West", "Middle", "East"]))
    _write_zones_and_plan(tmp_path, units, PLAN, zones, scores=None, said="A plan. It moves.")
    book = openpyxl.load_workbook(tmp_path / "plan.xlsx")
    assert book.sheetnames == ["about", "moves", "loads", "plan"]
    rows = [[cell.value for cell in row] for row in book["loads"]]
    assert rows == [
        ["zone", "name", "workload today", "workload under the plan"],
        ["1", "West", 5, 4],
        ["2", "Middle", 3, 4],
        ["3", "East", 4, 4],
    ]
    moved = book["moves"][2]
    assert [cell.value for cell in moved] == ["a", "=1+1", "1", "2", 1, 1, 300]
    assert moved[1].data_type == "s"
    assert [cell.value for cell in book["about"]["A"]][1:3] == ["A plan.", "It moves."]
