from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from town_of_units import PLAN, current, six_units

from safeschools_geo.errors import ColumnError, InputError, SeveralFaultsError
from safeschools_geo.rebalance._plan_file import plan_frame
from safeschools_geo.term._plan import read_plan

WHOLE = "unit_id,zone_after\na,2\nb,2\nc,3\nd,1\ne,2\nf,3\n"


@pytest.fixture
def written(tmp_path):
    """Write a plan and return its path."""

    def write(text: str | bytes, name: str = "plan.csv"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def zones_of(path, units=None, **options) -> dict[str, str]:
    return read_plan(path, six_units() if units is None else units, **options).assignment.to_dict()


def test_a_plan_is_read_in_the_order_of_the_units(written):
    lines = WHOLE.splitlines()
    found = read_plan(written("\n".join([lines[0], *reversed(lines[1:])])), six_units())
    pd.testing.assert_series_equal(found.assignment, PLAN.rename_axis("unit_id").astype("str"), check_index_type=False)
    assert (found.assignment.name, found.assignment.index.name) == ("zone_id", "unit_id")
    assert found.findings == ()


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + WHOLE.encode(),
        WHOLE.replace(",", ";"),
        WHOLE.replace(",", "\t").encode("utf-16"),
        WHOLE.replace("\n", "\r\n").replace("unit_id", "Unit ID"),
        WHOLE.replace("zone_after", "zone_id"),
    ],
    ids=["byte-order mark", "semicolons", "utf-16 and tabs", "Windows line ends and a spaced name", "zone_id"],
)
def test_files_as_spreadsheets_write_them(written, text):
    assert zones_of(written(text)) == PLAN.to_dict()


def test_zone_after_goes_before_zone_id(written):
    text = "unit_id,zone_id,zone_after\n" + "".join(f"{u},3,{z}\n" for u, z in PLAN.items())
    assert zones_of(written(text)) == PLAN.to_dict()


def test_what_is_written_is_read(written):
    path = written(plan_frame(six_units(), PLAN).to_csv(index=False))
    found = read_plan(path, six_units())
    assert found.assignment.to_dict() == PLAN.to_dict()
    assert found.findings == ()


def test_ids_stay_text(written):
    units = six_units().assign(
        unit_id=["007", "2E47", "c", "-d", "e", "f"], zone_id=["01", "02", "03", "01", "02", "03"]
    )
    # The product's own CSV puts an apostrophe before what a spreadsheet would take for a formula.
    text = "unit_id,zone_id\n007,02\n2E47,02\nc,03\n'-d,01\ne,02\nf,03\n"
    assert zones_of(written(text), units) == dict(
        zip(units["unit_id"], ["02", "02", "03", "01", "02", "03"], strict=True)
    )


def test_leading_zeros_lost_in_a_spreadsheet_are_recognized(written):
    units = six_units().assign(unit_id=["007", "b", "c", "d", "e", "f"])
    with pytest.raises(InputError, match="taken leading zeros away: write 007"):
        read_plan(written(WHOLE.replace("a,", "7,")), units)


def test_units_left_out_are_an_error_that_names_them(written):
    with pytest.raises(InputError, match="leaves out 4 of 6 units") as error:
        read_plan(written("unit_id,zone_id\na,2\nb,2\n"), six_units())
    assert error.value.ids == ("c", "d", "e", "f")
    assert "the id * and the zone keep" in str(error.value)


def test_units_left_out_keep_their_zone_when_the_file_says_so(written):
    assert zones_of(written("unit_id,zone_id\na,2\n*,keep\n")) == PLAN.to_dict()
    assert zones_of(written("unit_id,zone_id\na,2\nb,KEEP\n*,Keep\n")) == PLAN.to_dict()


def test_a_zone_may_be_called_keep_and_a_unit_star(written):
    units = six_units().assign(unit_id=["*", "b", "c", "d", "e", "f"], zone_id=["keep", "2", "3", "keep", "2", "3"])
    found = zones_of(written("unit_id,zone_id\n*,2\nb,2\nc,3\nd,keep\ne,keep\nf,3\n"), units)
    assert (found["*"], found["d"], found["e"]) == ("2", "keep", "keep")
    with pytest.raises(InputError, match="leaves out 5 of 6 units"):
        read_plan(written("unit_id,zone_id\n*,keep\n"), units)


def test_others_can_only_keep(written):
    with pytest.raises(InputError, match=r"can only keep their zones[\s\S]+Found: \*,2"):
        read_plan(written("unit_id,zone_id\na,2\n*,2\n"), six_units())


def test_all_faults_are_reported_at_once(written):
    text = "unit_id,zone_id\na,2\na,1\nb,9\nc,\nx,3\n,1\nd,1\nf,3,7\n"
    with pytest.raises(SeveralFaultsError) as error:
        read_plan(written(text), six_units())
    told = {fault.problem: fault.ids for fault in error.value.faults}
    assert told == {
        "Some rows of the plan cannot be read.": ("row 8",),
        "Some rows of the plan have no id or no zone.": ("row 4", "row 6"),
        "The plan names units that are not known.": ("x",),
        "The plan has several rows for one id.": ("a (rows 1, 2)",),
        "The plan names zones that are not known.": ("9",),
        "The plan leaves out 2 of 6 units.": ("e", "f"),
    }
    assert "one of 1, 2, 3" in str(error.value)


def test_a_zone_without_units_must_be_named_to_be_known(written):
    path = written(WHOLE.replace("f,3", "f,4"))
    with pytest.raises(InputError, match="one of 1, 2, 3"):
        read_plan(path, six_units())
    assert zones_of(path, zones=["1", "2", "3", "4"])["f"] == "4"


def test_columns_that_are_missing(written):
    with pytest.raises(ColumnError, match="neither a column unit_id nor school_id"):
        read_plan(written("id,zone_id\na,1\n"), six_units())
    with pytest.raises(ColumnError, match="neither a column zone_after nor zone_id"):
        read_plan(written("unit_id,zone\na,1\n"), six_units())


SCHOOLS = "school_id,zone_id\na,2\nb1,2\nb2,2\nc,3\nd,1\ne,2\nf,3\n"


def test_a_plan_of_schools(written):
    assert zones_of(written(SCHOOLS)) == PLAN.to_dict()
    found = read_plan(written(SCHOOLS.replace("b2,2\n", "")), six_units())
    assert found.assignment.to_dict() == PLAN.to_dict()
    assert [(f.code, f.ids) for f in found.findings] == [("schools_with_their_unit", ("b2",))]
    assert zones_of(written("school_id,zone_id\na,2\n*,keep\n")) == PLAN.to_dict()


def test_a_plan_of_schools_cannot_name_units_without_any(written):
    units = six_units().assign(school_ids=[("a",), ("b1", "b2"), ("c",), ("d",), ("e",), ()])
    found = read_plan(written(SCHOOLS.replace("f,3\n", "")), units)
    assert found.assignment["f"] == "3"
    assert [(f.code, f.ids) for f in found.findings] == [("units_without_schools", ("f",))]
    with pytest.raises(InputError, match="leaves out 1 of 6 units"):
        read_plan(written(WHOLE.replace("f,3\n", "")), units)


def test_schools_of_one_unit_in_two_zones(written):
    with pytest.raises(InputError, match=r"two zones[\s\S]+b \(b1 → 2; b2 → 3\)"):
        read_plan(written(SCHOOLS.replace("b2,2", "b2,3")), six_units())
    with pytest.raises(InputError, match=r"two zones[\s\S]+b \(b1 → 3; b2 → keep\)"):
        read_plan(written("school_id,zone_id\nb1,3\nb2,keep\n*,keep\n"), six_units())


def test_ids_of_units_are_not_those_of_schools(written):
    with pytest.raises(InputError, match="schools that are not known"):
        read_plan(written(SCHOOLS.replace("b1,2\nb2,2", "b,2")), six_units())


def test_units_without_school_ids_are_the_schools_of_their_id(written):
    assert zones_of(written(WHOLE.replace("unit_id", "school_id")), six_units().drop(columns="school_ids")) == (
        PLAN.to_dict()
    )


def test_a_plan_made_from_other_zones_is_noticed(written):
    frame = plan_frame(six_units(), PLAN).assign(zone_before=["1", "3", "3", "1", "2", "3"])
    found = read_plan(written(frame.to_csv(index=False)), six_units())
    assert [(f.severity, f.code, f.ids) for f in found.findings] == [("warning", "plan_of_other_zones", ("b",))]


def test_plan_frame():
    units = six_units()
    before = units.copy()
    frame = plan_frame(units, PLAN.sample(frac=1, random_state=1))
    columns = ["unit_id", "zone_before", "zone_after", "moved", "workload", "name", "schools", "students"]
    assert frame.columns.tolist() == columns
    assert frame["moved"].tolist() == [True, False, False, False, False, False]
    assert frame.loc[0, ["unit_id", "zone_before", "zone_after"]].tolist() == ["a", "1", "2"]
    assert frame["schools"].dtype == np.dtype("int64")
    pd.testing.assert_frame_equal(pd.DataFrame(units), pd.DataFrame(before))
    bare = plan_frame(units[["unit_id", "zone_id", "workload", "geometry"]], PLAN)
    assert bare.columns.tolist() == columns[:5]


def test_plan_frame_refuses_a_plan_of_other_units():
    with pytest.raises(SeveralFaultsError) as error:
        plan_frame(six_units(), pd.concat([PLAN.drop("a"), pd.Series({"x": "1", "b": "2"})]))
    assert [fault.ids for fault in error.value.faults] == [("a",), ("x",), ("b",)]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(zones=st.lists(st.sampled_from("123"), min_size=6, max_size=6), order=st.permutations(range(6)))
def test_any_plan_comes_back(written, zones, order):
    plan = pd.Series(zones, index=pd.Index(list("abcdef")))
    text = plan_frame(six_units(), plan).iloc[list(order)].to_csv(index=False, sep=";")
    found = read_plan(written(text), six_units())
    assert found.assignment.to_dict() == plan.to_dict()
    assert set(plan_frame(six_units(), found.assignment).query("moved")["unit_id"]) == set(
        plan.index[plan != current()]
    )
