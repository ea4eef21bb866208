from __future__ import annotations

import geopandas as gpd
import pandas as pd
import pytest
from grid_town import UTM, district_of, grid_district, grid_schools
from shapely.geometry import box
from town_of_units import six_units

from safeschools_geo.errors import ColumnError, SeveralFaultsError
from safeschools_geo.rebalance._areas import units_of_areas
from safeschools_geo.rebalance._cells import service_areas
from safeschools_geo.rebalance._neighbors import about_bridges, components, edges_of_table, read_links, unit_edges
from safeschools_geo.rebalance._propose import rebalance


def units_of(**shapes):
    return district_of(*shapes.values()).assign(unit_id=pd.array(list(shapes), dtype="str"))


#   c | d      e | f     the gap is 50 m wide
#   --+--      --+--
#   a | b
TWO_PARTS = units_of(
    a=box(0, 0, 100, 100),
    b=box(100, 0, 200, 100),
    c=box(0, 100, 100, 200),
    d=box(100, 100, 200, 200),
    e=box(250, 120, 350, 200),
    f=box(350, 120, 450, 200),
)


def rows(edges):
    return list(edges[["unit_a", "unit_b", "kind"]].itertuples(index=False, name=None))


def test_borders_and_bridges():
    edges = unit_edges(TWO_PARTS, crs=UTM)
    assert edges.columns.tolist() == ["unit_a", "unit_b", "shared_m", "kind"]
    assert edges.dtypes.astype(str).tolist() == ["str", "str", "float64", "str"]
    assert rows(edges) == [
        ("a", "b", "border"),
        ("a", "c", "border"),
        ("b", "d", "border"),
        ("c", "d", "border"),
        ("d", "e", "bridge"),
        ("e", "f", "border"),
    ]
    assert edges["shared_m"].round().tolist() == [100, 100, 100, 100, 0, 80]
    (told,) = about_bridges(TWO_PARTS, edges, crs=UTM)
    assert told.ids == ("d and e (50 m)",)
    assert "1 link over the gaps between them counts as borders: d and e (50 m)" in told.message
    assert about_bridges(TWO_PARTS, edges.iloc[:4]) == []


def test_an_extra_link_makes_the_bridge_needless():
    edges = unit_edges(TWO_PARTS, extra=[("f", "b"), ("b", "f"), ("b", "a")])
    assert ("b", "f", "extra") in rows(edges)
    assert ("a", "b", "border") in rows(edges)
    assert not (edges["kind"] == "bridge").any()
    assert len(edges) == 6
    assert not edges.duplicated(["unit_a", "unit_b"]).any()


def test_a_forbidden_link_is_not_bridged():
    edges = unit_edges(TWO_PARTS, forbidden=pd.DataFrame({"unit_a": ["e", "e"], "unit_b": ["f", "d"]}))
    assert components(TWO_PARTS["unit_id"], edges).tolist() == [0, 0, 0, 0, 1, 2]
    assert rows(unit_edges(TWO_PARTS, forbidden=[("a", "d")])) == rows(unit_edges(TWO_PARTS))


def test_unknown_ids_are_named():
    with pytest.raises(SeveralFaultsError) as error:
        unit_edges(TWO_PARTS, extra=[("a", "x"), ("y", "x")], forbidden=[("z", "a")])
    assert [f.ids for f in error.value.faults] == [("x", "y"), ("z",)]


def test_a_link_is_extra_or_forbidden():
    with pytest.raises(ColumnError, match="both extra and forbidden") as error:
        unit_edges(TWO_PARTS, extra=[("d", "e")], forbidden=[("e", "d")])
    assert error.value.ids == ("d and e",)


def test_an_exact_coverage_has_exact_borders():
    units = service_areas(grid_schools(2, 4), grid_district(2, 4))
    edges = unit_edges(units)
    assert (edges["kind"] == "border").sum() == 10
    assert edges["shared_m"].to_numpy() == pytest.approx([1000.0] * 10, rel=1e-3)


def test_borders_drawn_twice_count_within_the_tolerance():
    units = units_of(a=box(0, 0, 100, 100), b=box(103, 0, 200, 100))
    assert rows(unit_edges(units, tolerance_m=2.0)) == [("a", "b", "bridge")]
    assert rows(unit_edges(units)) == [("a", "b", "border")]


def test_one_unit_has_no_edges():
    edges = unit_edges(units_of(a=box(0, 0, 100, 100)))
    assert edges.empty
    assert edges.columns.tolist() == ["unit_a", "unit_b", "shared_m", "kind"]


def test_links_are_read_as_text(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("unit_a,unit_b,kind\n007,2E47,extra\n2E47,1E5, Forbidden\n1,2,\n", encoding="utf-8")
    links = read_links(path)
    assert links.to_numpy().tolist() == [["007", "2E47", "extra"], ["2E47", "1E5", "forbidden"], ["1", "2", "extra"]]
    path.write_text("from,to\n007,2E47\n", encoding="utf-8")
    assert read_links(path).to_numpy().tolist() == [["007", "2E47", "extra"]]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("unit_a,unit_b,kind\na,b,maybe\n", "maybe"),
        ("unit_a,unit_b\na,\nb,c\n", "row 1"),
        ("unit_a\na\nb\n", "two columns"),
    ],
)
def test_faulty_links_are_refused(tmp_path, text, words):
    path = tmp_path / "links.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ColumnError, match=words):
        read_links(path)


def test_edges_of_a_table():
    table = pd.DataFrame({"from": ["b", "a", "a", "c", "c", "b"], "to": ["a", "b", "a", "a", "d", "d"], "w": 1.0})
    read = edges_of_table(TWO_PARTS, table, crs=UTM)
    assert rows(read.edges) == [
        ("a", "b", "border"),
        ("a", "c", "border"),
        ("b", "d", "border"),
        ("c", "d", "border"),
    ]
    told = {f.code: f for f in read.findings}
    assert told["adjacency_lacks_borders"].ids == ("e–f",)
    said = " ".join(f.message for f in read.findings)
    assert "1 row repeating a pair dropped" in said
    assert "1 row linking a unit with itself dropped" in said


def test_a_table_may_link_what_has_no_border():
    table = pd.DataFrame({"unit_b": ["d", "e"], "unit_a": ["a", "d"]})
    read = edges_of_table(TWO_PARTS, table, crs=UTM)
    assert [r for r in rows(read.edges) if r[2] == "extra"] == [("a", "d", "extra"), ("d", "e", "extra")]
    assert len(read.edges) == 2
    told = {f.code: f for f in read.findings}
    assert told["adjacency_beyond_borders"].ids == ("a–d", "d–e")
    assert told["adjacency_lacks_borders"].severity == "warning"


def test_a_table_in_both_orders_has_no_duplicates_to_report():
    table = pd.DataFrame({"unit_a": ["a", "b"], "unit_b": ["b", "a"]})
    read = edges_of_table(TWO_PARTS, table)
    assert len(read.edges) == 1
    assert "adjacency_rows" not in {f.code for f in read.findings}


def test_unknown_ids_of_a_table_are_named():
    with pytest.raises(ColumnError, match="units that there are not") as error:
        edges_of_table(TWO_PARTS, pd.DataFrame({"unit_a": ["a", "q"], "unit_b": ["r", "b"]}))
    assert error.value.ids == ("r", "q")


@pytest.mark.real_data
def test_the_map_supplies_the_link_that_carrolltons_matrix_lacks(real_data):
    folder = real_data / "carrollton"
    frame = gpd.read_file(folder / "ReportingAreas.shp").assign(load=1.0)
    units = units_of_areas(frame, unit_id="NumberId", zone="BEATNUMBER", workload="load", no_zone=["0"]).units
    edges = unit_edges(units)
    assert not (edges["kind"] == "bridge").any()
    pairs = {frozenset(p) for p in zip(edges["unit_a"], edges["unit_b"], strict=True)}
    assert frozenset({"1326", "1333"}) in pairs
    assert len(pairs) == 752
    matrix = gpd.read_file(folder / "RA_ContMat.dbf")[["NUMBERID", "NID"]]
    read = edges_of_table(units, pd.DataFrame(matrix))
    assert len(read.edges) == 1528 / 2
    told = {f.code: f for f in read.findings}
    assert "adjacency_rows" not in told
    assert told["adjacency_lacks_borders"].ids == ("1326–1333",)
    assert len(told["adjacency_beyond_borders"].ids) == 13


def test_the_certificate_holds_the_tolerance_that_neighbors_were_found_with():
    def certificate(**given):
        return rebalance(six_units(), max_moves=1, **given).certificate

    assert certificate()["neighbor_tolerance_m"] == 10.0
    assert certificate(neighbor_tolerance_m=2.0)["neighbor_tolerance_m"] == 2.0
    links = unit_edges(six_units(), tolerance_m=2.0)
    assert certificate(adjacency=links, neighbor_tolerance_m=2.0)["neighbor_tolerance_m"] == 2.0
    # Links of who knows what tolerance, and what a person told.
    assert "neighbor_tolerance_m" not in certificate(adjacency=links)
    assert "neighbor_tolerance_m" not in certificate(adjacency=links[["unit_a", "unit_b"]])
