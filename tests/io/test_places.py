"""Places of rows: x and y, WKT, geometry; their CRS; and numbers that are none."""

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import MultiPoint, Point, Polygon

from safeschools_geo import io
from safeschools_geo.errors import ColumnError, CRSError, GeometryError
from safeschools_geo.io._coordinates import _angles

XY = {"x": "lon", "y": "lat"}
SQUARE = Polygon([(0, 0), (1, 0), (1, 1), (0, 1)])


def table(shapes=None, crs=None, **columns):
    frame = pd.DataFrame(columns) if columns else pd.DataFrame(index=range(len(shapes)))
    frame = frame.set_axis(range(1, len(frame) + 1), axis=0)
    geometry = None if shapes is None else gpd.GeoSeries(shapes, index=frame.index, crs=crs)
    return io.RawTable(Path("a.csv"), frame, geometry)


def places(raw, mapping=None, crs=4326, **options):
    return io.points(raw, XY if mapping is None else mapping, crs=crs, name="incidents", **options)


def faults(read):
    return [None if pd.isna(code) else code for code in read.fault]


def xy(read):
    return [None if p is None or p.is_empty else (round(p.x, 5), round(p.y, 5)) for p in read.geometry]


@pytest.mark.parametrize("dtype", ["float64", "str", "object"])
def test_numbers_and_text_are_read(dtype):
    raw = table(lon=pd.Series([-121.5, None, -121.4], dtype=dtype), lat=pd.Series([38.5, None, 38.6], dtype=dtype))
    read = places(raw)
    assert xy(read) == [(-121.5, 38.5), None, (-121.4, 38.6)]
    assert faults(read) == [None, "missing_coordinates", None]
    assert read.geometry.crs.to_epsg() == 4326
    assert read.geometry.index.tolist() == [1, 2, 3]
    assert read.findings == ()


def test_numbers_in_other_hands():
    lon = ["-121,5", " -121.5 ", "\u2212121.5", "-1.215e2", "\u00a0-121,50"]
    assert xy(places(table(lon=lon, lat=["38,6"] * 5))) == [(-121.5, 38.6)] * 5


def test_commas_between_thousands_are_distinguished_from_decimal_commas():
    raw = table(lon=["640,000.5", "640,001", "1,640,002"], lat=["4,280,000", "4,280,001", "4,280,002.25"])
    read = places(raw, crs=26910)
    expected = gpd.GeoSeries.from_xy([640000.5, 640001, 1640002], [4280000, 4280001, 4280002.25], crs=26910)
    assert read.geometry.geom_equals_exact(expected.to_crs(4326).set_axis([1, 2, 3]), 1e-12).all()


def test_what_is_no_number_is_reported_with_its_rows():
    read = places(table(lon=["-121.5", "west", "-121.4", "NULL", "nan"], lat=["38.5", "38.5", "", "", "NaN"]))
    assert faults(read) == [None, "unreadable_coordinates", "unreadable_coordinates", *["missing_coordinates"] * 2]
    assert [(f.code, f.ids) for f in read.findings] == [("coordinate_unreadable", ("row 2", "row 3"))]


def test_numbers_that_no_degree_can_be_are_reported_and_the_others_kept():
    read = places(table(lon=[-121.5, -121.4, -999.0, np.inf], lat=[38.5, 38.6, -999.0, 38.0]))
    assert xy(read) == [(-121.5, 38.5), (-121.4, 38.6), None, None]
    assert faults(read)[2:] == ["impossible_coordinates", "unreadable_coordinates"]
    assert {f.code: f.ids for f in read.findings} == {
        "coordinate_unreadable": ("row 4",),
        "coordinate_impossible": ("row 3",),
    }


@pytest.mark.parametrize("crs", [4326, 4269])
def test_swapped_coordinates_stay_for_the_check_to_name(crs):
    read = places(table(lon=[38.5, -121.4, 0.0], lat=[-121.5, 38.6, 0.0]), crs=crs)
    assert xy(read) == [(38.5, -121.5), (-121.4, 38.6), (0.0, 0.0)]
    assert faults(read) == [None, None, None]


def test_meters_said_to_be_degrees_are_refused():
    with pytest.raises(CRSError, match="said to be in degrees"):
        places(table(lon=[640000.0, 640001.0, -121.4], lat=[4280000.0, 4280001.0, 38.6]))


def test_degrees_said_to_be_meters_are_refused_and_single_ones_are_rows_at_fault():
    with pytest.raises(CRSError, match="look like degrees"):
        places(table(lon=[-121.4, -121.5, 640000.0], lat=[38.6, 38.5, 4280000.0]), crs=26910)
    read = places(table(lon=[-121.4, 640001.0, 640000.0], lat=[38.6, 4280001.0, 4280000.0]), crs=26910)
    assert faults(read) == ["impossible_coordinates", None, None]


def test_a_crs_must_be_stated_unless_there_is_nothing_to_place():
    with pytest.raises(CRSError, match="states no coordinate reference system"):
        places(table(lon=[-121.5], lat=[38.5]), crs=None)
    assert faults(places(table(lon=[None], lat=[None]), crs=None)) == ["missing_coordinates"]


def test_projected_coordinates_are_brought_to_degrees():
    # The central meridian of UTM zone 10 is 123° W, at 500 km; the equator is at 0.
    assert xy(places(table(lon=[500_000.0], lat=[0.0]), crs=26910)) == [(-123.0, 0.0)]


@pytest.mark.parametrize("name", ["the_geom", "WKT", "Geometry"])
def test_wkt_is_found_under_its_usual_names(name):
    raw = table(**{name: [None, "POINT (-121.5 38.5)", "POINT Z (1 2 3)", "POINT (nan nan)", "POINT (1", "text"]})
    read = places(raw, {})
    assert xy(read) == [None, (-121.5, 38.5), (1, 2), None, None, None]
    assert faults(read) == ["missing_coordinates", None, None, *["unreadable_coordinates"] * 3]
    assert not read.geometry.has_z.any()


def test_wkt_may_be_named_and_may_hold_polygons_and_its_crs():
    raw = table(shape_text=["SRID=26910;POLYGON ((500000 0, 500100 0, 500100 100, 500000 0))"])
    read = places(raw, {"wkt": "shape_text"}, crs=None)
    assert read.geometry.geom_type.tolist() == ["Polygon"]
    assert round(read.geometry.total_bounds[0], 6) == -123.0
    with pytest.raises(CRSError, match="one CRS, and another is given beside it"):
        places(raw, {"wkt": "shape_text"}, crs=4326)
    with pytest.raises(CRSError, match="not a coordinate reference system"):
        places(table(wkt=["SRID=999999;POINT (1 2)"]), {})
    with pytest.raises(CRSError, match="several CRS"):
        places(table(wkt=["SRID=4326;POINT (1 2)", "SRID=26910;POINT (1 2)"]), {})


def test_a_column_of_that_name_that_is_no_wkt_is_passed_over():
    read = places(table(location=["a"], geometry=["round"], x=[-121.5], y=[38.5]), {})
    assert xy(read) == [(-121.5, 38.5)]


def test_wkt_comes_before_columns_called_x_and_y():
    read = places(table(the_geom=["POINT (-121.5 38.5)"], X=[1.0], Y=[2.0]), {})
    assert xy(read) == [(-121.5, 38.5)]
    assert xy(places(table(the_geom=["POINT (-121.5 38.5)"], X=[1.0], Y=[2.0]), {"x": "X", "y": "Y"})) == [(1.0, 2.0)]


def test_geometry_of_the_file_is_taken_unless_columns_are_named():
    raw = table([Point(500_000, 0), None, Point()], 26910, lon=[-1.0, -2.0, -3.0], lat=[1.0, 2.0, 3.0])
    read = places(raw, {}, crs=None)
    assert xy(read) == [(-123.0, 0.0), None, None]
    assert faults(read) == [None, "missing_coordinates", "missing_coordinates"]
    assert xy(places(raw)) == [(-1.0, 1.0), (-2.0, 2.0), (-3.0, 3.0)]


def test_a_multipoint_of_one_is_a_point_and_campuses_stay():
    shapes = [MultiPoint([(1, 2)]), MultiPoint([(1, 2), (3, 4)]), SQUARE]
    read = places(table(shapes, 4326), {}, crs=None)
    assert read.geometry.geom_type.tolist() == ["Point", "MultiPoint", "Polygon"]


def test_columns_that_are_named_and_absent_are_refused():
    for mapping in ({"x": "easting", "y": "lat"}, {"x": "lon"}, {"wkt": "shape"}):
        with pytest.raises(ColumnError):
            places(table(lon=[1.0], lat=[2.0]), mapping)


def test_a_table_without_places_is_refused_unless_they_are_not_required():
    raw = table(id=["a", "b"])
    with pytest.raises(ColumnError, match="does not say where") as caught:
        places(raw, {})
    assert caught.value.found == "id"
    read = places(raw, {}, crs=None, is_required=False)
    assert faults(read) == ["missing_coordinates"] * 2
    assert read.geometry.crs.to_epsg() == 4326


def test_an_empty_table_is_an_empty_answer():
    read = places(table(lon=pd.Series(dtype="str"), lat=pd.Series(dtype="str")))
    assert len(read.geometry) == len(read.fault) == 0


def test_a_layer_is_brought_to_degrees_and_judged_strictly():
    raw = table([Point(500_000, 0), None], 26910)
    located = io.geometry(raw, crs=None, name="zones")
    assert located.crs.to_epsg() == 4326
    assert round(located.iloc[0].x, 6) == -123.0
    assert located.iloc[1] is None
    with pytest.raises(CRSError, match="states no coordinate reference system"):
        io.geometry(table([Point(1, 2)]), crs=None, name="zones")
    assert io.geometry(table([Point(1, 2)]), crs=4326, name="zones").tolist() == [Point(1, 2)]
    with pytest.raises(CRSError, match="said to be in degrees"):
        io.geometry(table([Point(1, 2), Point(900, 2)], 4326), crs=None, name="zones")
    with pytest.raises(GeometryError, match="has no geometry"):
        io.geometry(table(id=["a"]), crs=4326, name="zones")


def file_places(tmp_path, columns, **options):
    pd.DataFrame(columns).to_csv(tmp_path / "a.csv", index=False)
    raw = io.read_table(tmp_path / "a.csv")
    return io.points(raw, options.pop("mapping", {}), crs=options.pop("crs", "EPSG:4326"), name="a", **options)


ONE = Point(-121.36, 38.5804)


@pytest.mark.parametrize("name", ["Location", "coordinates", "GeoLocation"])
@pytest.mark.parametrize(
    "text",
    [
        "(38.5804, -121.36)",
        "38.5804, -121.36",
        "38.5804; -121.36",
        "1 Main St, Ferrow\n(38.5804, -121.36)",
        "38.5804N, 121.36W",
        "121.36 W, 38.5804 N",
        "-121.36, 38.5804",
        "38°34'49.44\"N, 121°21'36\"W",
        "N38 34.824, W121 21.6",
        "POINT (-121.36 38.5804)",
    ],
)
def test_a_place_in_one_column_is_read(tmp_path, name, text):
    read = file_places(tmp_path, {name: [text, "(null)", text]})
    assert read.geometry.iloc[0].equals_exact(ONE, 1e-9)
    assert read.fault.tolist()[1] == "missing_coordinates"


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ("121.36W", "38.5804N"),
        ("W121.36", "N 38.5804"),
        ("121°21'36\"W", "38°34'49.44\"N"),
        ("121 21 36 W", "38 34 49.44 N"),
        ("-121 21 36", "38:34:49.44"),
        ("-121,36", "38,5804"),
        ("-121.36°", "+38.5804°"),
        ("'-121.36", "38.5804"),
    ],
)
def test_angles_are_read_as_they_are_written(tmp_path, x, y):
    read = file_places(tmp_path, {"x": [x], "y": [y]})
    assert read.geometry.iloc[0].equals_exact(ONE, 1e-9)


@given(
    lon=st.floats(-179.9, 179.9),
    lat=st.floats(-89.9, 89.9),
    form=st.sampled_from(["{d:.0f}°{m:.0f}'{s:.6f}\"{l}", "{l}{d:.0f} {m:.0f} {s:.6f}", "{d:.0f}:{m:.0f}:{s:.6f} {l}"]),
)
def test_degrees_minutes_and_seconds_are_the_angle_they_mean(lon, lat, form):
    texts = []
    for angle, letters in ((lon, "EW"), (lat, "NS")):
        whole, rest = divmod(round(abs(angle) * 3600, 5), 3600)
        minutes, seconds = divmod(rest, 60)
        texts.append(form.format(d=whole, m=minutes, s=min(seconds, 59.99999), l=letters[angle < 0]))
    read = _angles(pd.Series(texts))
    assert read.tolist() == pytest.approx([lon, lat], abs=1e-7)


@pytest.mark.parametrize("text", ["121°61'", "N38E", "abc", "12-34-56-78", "121W 36N", "W121.36W"])
def test_what_is_no_angle_is_none(text):
    assert np.isnan(_angles(pd.Series([text]))).all()


def test_commas_part_the_thousands_of_meters(tmp_path):
    columns = {"x": ["640,876", "640,724"], "y": ["4,273,855", "4,270,789"]}
    read = file_places(tmp_path, columns, crs="EPSG:32610")
    plain = {name: [text.replace(",", "") for text in texts] for name, texts in columns.items()}
    assert read.geometry.tolist() == file_places(tmp_path, plain, crs="EPSG:32610").geometry.tolist()
    few = file_places(tmp_path, {"x": ["640,876"], "y": ["273,855"]}, crs="EPSG:32610")
    assert (
        few.geometry.tolist()
        == file_places(tmp_path, {"x": [640876], "y": [273855]}, crs="EPSG:32610").geometry.tolist()
    )
    degrees = file_places(tmp_path, {"x": ["-121,360"], "y": ["38,580"]})
    assert degrees.geometry.iloc[0].equals_exact(Point(-121.36, 38.58), 1e-9)


def test_degrees_without_their_decimal_point_are_nowhere():
    # -121.385284 and 38.573465; half the equator is 20 million meters, or 66 million feet.
    with pytest.raises(CRSError, match="nowhere on the globe") as caught:
        places(table(lon=[-121_385_284] * 2, lat=[38_573_465] * 2), crs=4326)
    assert "decimal point" in str(caught.value)


def test_coordinates_are_numbers_in_whatever_way_they_are_written():
    x = pd.Series(["121°22'55.8\"W", "-121,382172", "W 121 22.9303"], name="x")
    y = pd.Series(["38°36'07.3\"N", "38,602017", "N 38 36.1210"], name="y")
    xs, ys = io.coordinate_numbers(x, y)
    assert xs.round(3).tolist() == [-121.382] * 3
    assert ys.round(3).tolist() == [38.602] * 3
    east, north = io.coordinate_numbers(pd.Series(["640,876"]), pd.Series(["4,273,855"]))
    assert (east[0], north[0]) == (640876, 4273855)
