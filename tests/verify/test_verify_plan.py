"""The checker accepts a sound plan, and every tampering with it is found and named, without the solver."""

import json
import shutil

import pandas as pd
import pytest
from shapely.geometry import box
from written_plan import (
    STEP,
    best_by_moves,
    edit_certificate,
    edit_csv,
    edit_layer,
    imbalance,
    rehash_inputs,
    row_links,
    seal,
    square,
    write_row,
)

from safeschools_geo.verify._plan import _Across, _is_rounding, _look_like_degrees, _unlinked_near
from safeschools_geo.verify._verify import verify_folder

LOADS, BEFORE = [4, 1, 2, 3, 5, 1], list("111122")
"""Six squares in a row, A to F: zone 1 has 10 and zone 2 has 6; with D in zone 2, 7 and 9, 12.5 % off the mean."""


@pytest.fixture
def folder(tmp_path):
    points = best_by_moves(LOADS, BEFORE, row_links(6), most=2)
    frontier = [
        {
            "moves": k,
            "imbalance": value,
            "bound": value,
            "gap": 0.0,
            "is_proven": True,
            "plan_imbalance": value,
            "units_moved": sum(a != b for a, b in zip(BEFORE, labels, strict=True)),
            "moved": ";".join("ABCDEF"[i] for i in range(6) if labels[i] != BEFORE[i]),
        }
        for k, (value, labels) in enumerate(points)
    ]
    return write_row(
        tmp_path / "plan",
        LOADS,
        BEFORE,
        points[1][1],
        frontier=frontier,
        roots={"1": "A", "2": "F"},
        locked=["B"],
        forbidden=[("C", "2")],
        together=[("A", "B")],
        stages=[{"objective": "imbalance", "value": points[1][0], "bound": points[1][0]}],
    )


def failed(folder):
    return {c.name: c.message for c in verify_folder(folder).failures}


def test_a_sound_plan_passes_and_its_bound_is_found_again(folder):
    report = verify_folder(folder)
    assert report.is_ok, report.summary()
    assert report.bound == "confirmed"
    told = {c.name: c.message for c in report.checks}
    assert told["bound"] == (
        "Confirmed by going through every plan: no contiguous plan of at most 1 move that keeps the roots, the locks, "
        "the forbidden pairs and the groups has an imbalance below 12.5000%."
    )
    assert told["frontier_bounds"] == "All 3 bounds are confirmed by going through every plan."
    assert "checks hold" in report.summary()
    frame = report.to_frame()
    assert frame.columns.tolist() == ["name", "status", "message"]
    assert frame["status"].tolist() == ["passed"] * len(frame)


@pytest.mark.parametrize(
    ("stage", "fault"),
    [
        ({"rank": 2, "value": 0.25}, ""),
        ({"rank": 2, "value": 0.2}, "The 2 largest deviations come to 0.25"),
        ({"rank": 3, "value": 0.25}, "Evenness is claimed of 3 zones; there are 2"),
    ],
)
def test_evenness_is_added_up_again(folder, stage, fault):
    written = json.loads((folder / "certificate.json").read_text(encoding="utf-8"))["stages"]
    told = {**written[0], "objective": "evenness", "bound": 0.0, "gap": stage["value"], "is_proven": False, **stage}
    edit_certificate(folder, stages=[*written, told])
    found = failed(folder).get("stages", "")
    assert fault in found
    assert bool(fault) == bool(found)


def swap_zone(folder):
    edit_csv(folder, "plan.csv", lambda t: t.assign(zone_after=t["zone_after"].where(t["unit_id"] != "D", "1")))


def edit_workload(folder):
    edit_csv(folder, "plan.csv", lambda t: t.assign(workload=t["workload"].where(t["unit_id"] != "D", "3.5")))


def remove_edge(folder):
    edit_csv(folder, "edges.csv", lambda t: t[t["unit_a"] != "B"])


def delete_unit(folder):
    edit_csv(folder, "plan.csv", lambda t: t[t["unit_id"] != "F"])


def repeat_unit(folder):
    edit_csv(folder, "plan.csv", lambda t: t.iloc[[0, 0, 1, 2, 3, 4, 5]])


def change_polygon(folder):
    edit_layer(folder, "units.geojson", lambda units: units[2].update(geometry=square(2, 0, high=0.5)))


def change_zone_polygon(folder):
    edit_layer(folder, "zones.geojson", lambda zones: zones[0].update(geometry=square(0, 0, wide=2.9)))


@pytest.mark.parametrize(
    ("tamper", "check", "words"),
    [
        (swap_zone, "moves", "moved"),
        (edit_workload, "units", "other zones or workload in units.geojson than in plan.csv: D"),
        (remove_edge, "inputs", "adjacency"),
        (delete_unit, "units", "in units.geojson but not in plan.csv: F"),
        (repeat_unit, "units", "more than once in plan.csv: A"),
        (change_polygon, "tiling", "that a zone reaches beyond"),
        (change_zone_polygon, "tiling", "of which ground is in no zone"),
    ],
)
def test_tampering_with_a_file_is_found(folder, tamper, check, words):
    tamper(folder)
    found = failed(folder)
    assert "files" in found
    assert words in " ".join(m for n, m in found.items() if n in {check, "units"})
    # Whoever also renews the hashes of the files is found by what the files say.
    seal(folder)
    found = failed(folder)
    assert check in found or "units" in found
    assert "files" not in found


def test_an_edited_workload_is_found_even_when_all_files_agree(folder):
    edit_workload(folder)
    edit_layer(folder, "units.geojson", lambda units: units[3]["properties"].update(workload=3.5))
    edit_layer(folder, "zones.geojson", lambda zones: zones[1]["properties"].update(workload=9.5))
    seal(folder)
    found = failed(folder)
    assert {"inputs", "imbalance", "value"} <= found.keys()
    assert "imbalance_after is 0.125 in the certificate and 0.15" in found["imbalance"]


def test_a_removed_edge_cuts_a_zone_when_the_hashes_are_renewed(folder):
    remove_edge(folder)
    rehash_inputs(folder)
    assert "cut off from the rest of their zone: C of 1" in failed(folder)["contiguity"]


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ("B", "A", "1 unit linked twice to one unit in edges.csv: A"),
        ("B", "B", "1 unit linked to itself in edges.csv: B"),
        ("A", "Z", "1 unit in edges.csv but not in plan.csv: Z"),
    ],
)
def test_a_link_too_many_is_found(folder, a, b, words):
    edit_csv(folder, "edges.csv", lambda t: pd.concat([t, t.iloc[:1].assign(unit_a=a, unit_b=b)]))
    rehash_inputs(folder)
    assert words in failed(folder)["units"]


def test_a_border_that_is_none_is_found(folder):
    edit_csv(folder, "edges.csv", lambda t: t.assign(unit_b=t["unit_b"].where(t["unit_a"] != "A", "C")))
    rehash_inputs(folder)
    found = failed(folder)
    assert "no border: the units do not meet along a line: A–C" in found["edges"]
    # A hundredth of a degree, at 38.6 degrees north, lies between them.
    assert "linked as by a border though the units lie apart: A–C (869 m)" in found["neighbors"]


def test_links_that_were_added_are_noted_and_links_left_out_fail(folder):
    def bridge(table):
        return table.assign(kind=table["kind"].where(table["unit_a"] != "E", "bridge"))

    edit_csv(folder, "edges.csv", bridge)
    rehash_inputs(folder)
    report = verify_folder(folder)
    assert report.is_ok
    assert "E–F (bridge)" in next(c.message for c in report.notes if c.name == "links_added")
    edit_csv(folder, "edges.csv", lambda t: t[t["unit_a"] != "D"])
    rehash_inputs(folder)
    # The two squares share a kilometer, and whether a zone hangs together rests on it.
    assert "D–E" in failed(folder)["neighbors"]
    edit_certificate(folder, apart=[["E", "D"]])
    report = verify_folder(folder)
    assert "neighbors" not in {c.name for c in report.checks if c.passed is False}
    assert "D–E" in next(c.message for c in report.notes if c.name == "links_kept_apart")


@pytest.mark.parametrize(
    ("changes", "check", "words"),
    [
        ({"bound": 0.1}, "gap", "he gap is given as 0.0; value and bound make it 0.02"),
        ({"bound": 0.2}, "gap", "above the value"),
        ({"bound": None, "gap": None}, "gap", "yet there is no bound"),
        ({"bound": 0.1, "gap": 0.025}, "gap", "said to be proven, and yet the gap is 0.025"),
        ({"value": 0.1, "bound": 0.1}, "value", "he plan has an imbalance of 0.125"),
        ({"is_contiguous": False}, "contiguity", "yet the certificate says"),
        ({"moves": 2}, "moves", "plan.csv moves 1, the certificate says 2"),
        ({"max_moves": 0}, "moves", "at most 0 were allowed"),
        ({"imbalance_before": 0.3}, "imbalance", "imbalance_before is 0.3"),
        ({"tolerance": 0.1}, "tolerance", "exceeds the tolerance"),
        ({"locked": ["B", "D"]}, "locks", "locked and yet moved: D"),
        ({"locked": ["Z"]}, "locks", "not in the plan: Z"),
        ({"forbidden": [["D", "2"]]}, "forbidden", "D in 2"),
        ({"together": [["C", "D"]]}, "together", "C + D"),
        ({"roots": {"1": "F"}}, "roots", "F of 1"),
        ({"roots": {"9": "A"}}, "roots", "no zone"),
        ({"zones": ["1", "2", "3"]}, "zones", "without any unit in the plan: 3"),
        ({"zones": ["1"]}, "zones", "not among the zones of the certificate: 2"),
        ({"is_proven": False}, "stages", "not those of the certificate"),
        ({"files": {}}, "files", "should list and does not"),
        ({"input_sha256": {}}, "inputs", "not those the certificate was made for"),
        ({"files": {"../secret": "0"}}, "files", "listed in the certificate but not there: ../secret"),
    ],
)
def test_an_edited_certificate_is_found(folder, changes, check, words):
    edit_certificate(folder, **changes)
    assert words in failed(folder)[check]


def test_a_tolerance_that_is_just_met_is_kept(folder):
    # The plan is 1/8 off the mean, exactly.
    edit_certificate(folder, tolerance=0.125)
    assert not failed(folder)
    edit_certificate(folder, tolerance=0.12499)
    assert "exceeds the tolerance" in failed(folder)["tolerance"]


def test_a_load_on_the_map_that_is_not_the_sum_of_the_units_is_found(folder):
    # D, E and F come to 3 + 5 + 1.
    edit_layer(folder, "zones.geojson", lambda zones: zones[1]["properties"].update(workload=9.5))
    seal(folder)
    assert failed(folder) == {
        "loads": "1 zone whose workload in zones.geojson is not that of its units: 2 (9.5, the units add up to 9.0)."
    }


@pytest.mark.parametrize(
    ("schools", "students", "most", "found"),
    [
        ("1", "40", 40, ""),
        ("1", "40", 39, "Students of the units that move: 40, at most 39 were allowed."),
        ("1", "", 39, "1 unit among those that move, without a number of students: D."),
        # Nobody goes to school where there is none.
        ("0", "", 0, ""),
        ("1", "40", "39", "The limit on students is '39', not a number."),
    ],
)
def test_students_of_the_units_that_move_are_counted_again(folder, schools, students, most, found):
    edit_csv(folder, "plan.csv", lambda t: t.assign(schools=schools, students=students))
    edit_certificate(folder, most_students=most, moves_by="units")
    seal(folder)
    assert failed(folder).get("students", "") == found


@pytest.mark.parametrize(
    ("stated", "most", "found"),
    [
        (2, 2, ""),
        (None, 2, ""),
        (3, 3, "The number of moves is not that of the plan: plan.csv moves 2 schools, the certificate says 3."),
        (2, 1, "The plan moves 2 schools; at most 1 were allowed."),
    ],
)
def test_schools_of_the_units_that_move_are_counted_again(folder, stated, most, found):
    edit_csv(folder, "plan.csv", lambda t: t.assign(schools="2"))
    edit_certificate(folder, moves_by="schools", schools_moved=stated, max_moves=most)
    seal(folder)
    assert failed(folder).get("moves", "") == found


def test_a_locked_unit_that_moved_is_found(tmp_path):
    after = list("111222")
    folder = write_row(tmp_path, LOADS, BEFORE, after, locked=["D"])
    assert failed(folder) == {"locks": "1 unit locked and yet moved: D."}


def test_a_plan_cut_in_two_is_found(tmp_path):
    # A B C D E F with 1 1 2 1 2 2: D is cut off from A and B.
    before = list("111122")
    folder = write_row(tmp_path, LOADS, before, list("112122"), max_moves=1)
    assert "D of 1" in failed(folder)["contiguity"]


def test_a_forged_bound_is_refuted_by_a_better_plan(tmp_path):
    # Leaving everything as it is would be 25 % off the mean; one move gets to 12.5 %.
    folder = write_row(tmp_path, LOADS, BEFORE, BEFORE, max_moves=1)
    report = verify_folder(folder)
    assert report.bound == "refuted"
    assert failed(folder).keys() == {"bound"}
    assert "an imbalance of 12.5000% and 1 move (D to 2)" in failed(folder)["bound"]


def test_a_forged_frontier_is_refuted(folder):
    def worse(table):
        return table.assign(
            **{c: table[c].where(table["moves"] != "0", "0.3") for c in ("imbalance", "bound", "plan_imbalance")}
        )

    edit_csv(folder, "frontier.csv", worse)
    seal(folder)
    assert "At 0 moves: The bound does not hold" in failed(folder)["frontier_bounds"]


@pytest.mark.parametrize(
    ("column", "row", "value", "words"),
    [
        ("imbalance", 2, "0.2", "rises"),
        ("bound", 2, "0.2", "above the value"),
        ("bound", 0, "0.1", "said to be proven, and yet the gap is 0.15"),
        ("gap", 0, "0.1", "the gap is given as 0.1"),
        ("units_moved", 1, "2", "2 units move"),
        ("moved", 1, "Z", "not as many as counted, or unknown"),
        ("moves", 2, "0", "not in the order of their moves"),
        ("plan_imbalance", 1, "0.2", "is not within"),
        ("imbalance", 1, "0.13", "not that of the certificate"),
    ],
)
def test_a_frontier_that_contradicts_itself_is_found(folder, column, row, value, words):
    edit_csv(folder, "frontier.csv", lambda t: t.assign(**{column: t[column].where(t.index != row, value)}))
    seal(folder)
    assert words in failed(folder)["frontier"]


def test_fewest_moves_are_found_again(tmp_path):
    after = list("111222")
    folder = write_row(tmp_path, LOADS, BEFORE, after, objective="moves", value=1, bound=1, tolerance=0.2)
    report = verify_folder(folder)
    assert (report.is_ok, report.bound) == (True, "confirmed")
    # Within 30 % nothing has to move.
    forged = write_row(tmp_path, LOADS, BEFORE, after, objective="moves", value=1, bound=1, tolerance=0.3)
    assert "The bound does not hold" in failed(forged)["bound"]


def test_the_value_itself_has_to_be_reachable(tmp_path):
    # Slack 0.05: a value of 8 % with a plan of 12.5 % looks fine until it is tried.
    folder = write_row(tmp_path, LOADS, BEFORE, list("111222"), value=0.08, bound=0.08, slack=0.05)
    assert "No contiguous plan of at most 1 move has the imbalance claimed, 8.0000%." in failed(folder)["bound"]


def test_a_bound_that_cannot_be_repeated_is_said_to_rest_on_the_record(folder):
    edit_certificate(folder, proof={"method": "cuts and a mixed-integer solver", "statement": "", "log": ""})
    report = verify_folder(folder, plans_tried=0)
    assert report.is_ok
    assert report.bound == "recorded"
    message = next(c.message for c in report.notes if c.name == "bound")
    assert "rests on the record of the solver (method: cuts and a mixed-integer solver; no log was kept)" in message
    assert "which this checker has not repeated" in message
    assert "shows an imbalance of at least" in message


def test_travel_is_not_repeated(tmp_path):
    folder = write_row(
        tmp_path,
        LOADS,
        BEFORE,
        list("111222"),
        objective="travel",
        value=10.0,
        bound=9.9,
        max_moves=1,
        proof={"log": "x"},
    )
    report = verify_folder(folder)
    assert report.is_ok
    assert report.bound == "recorded"


def test_no_bound_is_said_to_be_none(tmp_path):
    report = verify_folder(write_row(tmp_path, LOADS, BEFORE, list("111222"), bound=None))
    assert report.is_ok
    assert "claims no bound" in report.summary()


def test_an_overlap_and_a_sliver_are_found(folder):
    # C is half a meter too wide in both layers: it overlaps D.
    edit_layer(folder, "units.geojson", lambda units: units[2].update(geometry=square(2, 0, wide=1.001)))
    seal(folder)
    assert "that overlap: C, D" in failed(folder)["tiling"]


def test_zones_that_do_not_follow_their_units_are_found(folder):
    # Zone 1 ends in the middle of C, whose other half goes to zone 2: no gap, no overlap, but not the plan.
    def shift(east):
        def edit(zones):
            zones[0].update(geometry=square(0, 0, wide=east))
            zones[1].update(geometry=square(east, 0, wide=6 - east))

        edit_layer(folder, "zones.geojson", edit)
        seal(folder)

    shift(2.5)
    assert "lie outside their planned zone: C" in failed(folder)["tiling"]
    # A strip of 1 % for the grounds of a school on the border is noted: .01 × 1,112 m × 869 m.
    shift(2.99)
    report = verify_folder(folder)
    assert report.is_ok
    assert "1 unit of other zones, as for school grounds: C (9,6" in report.summary()


@pytest.mark.parametrize(("wide", "is_rounding"), [(3.00001, True), (3.00008, False)])
def test_a_border_may_be_off_by_a_rounded_digit_and_no_more(folder, wide, is_rounding):
    # A ten-millionth of a degree is 9 mm here: 1,112 m × 9 mm are 10 m², and yet rounding; eight are 7 cm.
    edit_layer(folder, "zones.geojson", lambda zones: zones[0].update(geometry=square(0, 0, wide=wide)))
    seal(folder)
    found = failed(folder)
    assert ("zones that overlap: 1, 2" in found.get("tiling", "")) is not is_rounding
    assert bool(found) is not is_rounding


def test_a_small_overlap_is_no_rounding():
    # Half a square meter, 70 cm wide; 2 cm along a kilometer are rounding, 6 cm are not.
    assert not _is_rounding(box(0, 0, 0.7, 0.7), along=box(0, 0, 100, 100))
    assert _is_rounding(box(0, 0, 0.09, 0.09), along=box(0, 0, 100, 100))
    strips = {wide: box(0, 0, wide, 1000) for wide in (0.02, 0.06)}
    assert [_is_rounding(strip, along=box(0, 0, 1000, 1000)) for strip in strips.values()] == [True, False]


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        # Neighbors may be 10 cm apart, and 1 cm more for rounding: here 9 and 26 cm.
        (square(2, 0, wide=0.9999), ""),
        (square(2, 0, wide=0.9997), "link with no border: the units do not meet along a line: C–D"),
        # Half a meter in common is asked for, less a tenth for rounding: here 70 and 20 cm, and 11 at both ends.
        (square(2, 0.99937), ""),
        (square(2, 0.99982), "links with no border: the units do not meet along a line: B–C, C–D"),
    ],
)
def test_how_far_apart_and_along_how_much_a_border_may_be(folder, shape, found):
    edit_layer(folder, "units.geojson", lambda units: units[2].update(geometry=shape))
    assert found in failed(folder).get("edges", "")
    assert bool(found) == ("edges" in failed(folder))


def test_how_far_apart_a_border_may_be_is_read_from_the_certificate(folder):
    edit_layer(folder, "units.geojson", lambda units: units[2].update(geometry=square(2, 0, wide=0.9997)))
    edit_certificate(folder, snap_m=0.3)
    assert "edges" not in failed(folder)
    # 70 cm, and 11 at both ends, are enough where half a meter is asked for, and not where it is 1.2 m.
    edit_layer(folder, "units.geojson", lambda units: units[2].update(geometry=square(2, 0.99937)))
    edit_certificate(folder, snap_m=0.1, min_shared_m=1.2)
    assert "B–C, C–D" in failed(folder)["edges"]


@pytest.mark.parametrize(("least", "is_noted"), [(10.0, True), (11.0, False)])
def test_units_that_share_a_border_and_are_not_linked_are_noted(folder, least, is_noted):
    # 11.1 m in common, and 11 cm at both ends: a tenth more than 10 m, but not than 11.
    edit_layer(folder, "units.geojson", lambda units: units[2].update(geometry=square(2, 0.99)))
    edit_csv(folder, "edges.csv", lambda t: t[t["unit_a"] != "C"])
    edit_certificate(folder, min_shared_m=least)
    notes = {c.name: c.message for c in verify_folder(folder).notes}
    assert ("1 pair of units with a common border and no link: C–D." in notes.values()) is is_noted


def test_a_workload_may_be_small_but_not_below_nothing(tmp_path):
    small = write_row(tmp_path / "small", [4, 1, 2, 3, 5, 0.5], BEFORE, list("111222"))
    assert not failed(small).keys() - {"bound"}
    below = write_row(tmp_path / "below", [4, 1, 2, 3, 5, -0.5], BEFORE, list("111222"))
    assert "1 unit with a workload below 0: F" in failed(below)["units"]


@pytest.mark.parametrize(
    ("load", "after", "found"),
    [
        (0, "111223", None),
        (1, "111223", "1 unit in a zone that is set apart, and yet with a workload: F."),
        (0, "111222", "1 unit moved into or out of a zone that is set apart: F."),
    ],
)
def test_a_zone_that_is_set_apart_carries_nothing_and_stays(tmp_path, load, after, found):
    loads = [4, 1, 2, 3, 5, load]
    folder = write_row(tmp_path, loads, "111223", after, zones=["1", "2"], zones_set_apart=["3"])
    assert failed(folder).get("set_apart") == found


def test_a_unit_that_is_drawn_twice_is_found(folder):
    edit_layer(folder, "units.geojson", lambda units: units.append(units[0]))
    assert "1 unit more than once in units.geojson: A" in failed(folder)["units"]


def test_every_zone_has_one_of_what_was_asked_for(folder):
    edit_certificate(folder, one_of_each={"high school": ["A", "F"]})
    assert "one_of_each" not in failed(folder)
    edit_certificate(folder, one_of_each={"high school": ["A", "Z"]})
    assert failed(folder)["one_of_each"] == (
        "1 id listed as a high school but not in the plan: Z; 1 id of a zone without a high school: 2."
    )


def test_a_unit_that_is_not_drawn_has_no_border(folder):
    edit_layer(folder, "units.geojson", lambda units: units.pop())
    found = failed(folder)
    assert "in plan.csv but not in units.geojson: F" in found["units"]
    assert "do not meet along a line: E–F" in found["edges"]


def test_meters_near_the_corner_of_a_grid_are_no_degrees():
    assert _look_like_degrees([box(-121.4, 38.6, -121.3, 38.7)])
    assert not _look_like_degrees([box(0, 0, 1000, 50)])
    assert not _look_like_degrees([box(0, 0, 50, 1000)])
    # Nor is anything beyond the globe.
    assert not _look_like_degrees([box(-180.5, 0, 0, 1)])
    assert not _look_like_degrees([box(0, 0, 180.5, 1)])


def test_a_slit_between_two_zones_is_found(tmp_path):
    # Two squares above each other would do; here B is drawn around a slit of one meter that belongs to nobody.
    folder = write_row(tmp_path, [1, 1], list("12"), list("12"), bound=0.0, value=0.0)

    def with_slit(features):
        ring = features[1]["geometry"]["coordinates"]
        ring = ring[0] if features[1]["geometry"]["type"] == "MultiPolygon" else ring
        west, south = -121.4 + 0.012, 38.6 + 0.002
        slit = [[west, south], [west, south + 0.005], [west + 1e-5, south + 0.005], [west + 1e-5, south], [west, south]]
        ring.append([[round(x, 7), round(y, 7)] for x, y in slit])

    for name in ("units.geojson", "zones.geojson"):
        edit_layer(folder, name, with_slit)
    seal(folder)
    assert "beside a sliver that is in none: B" in failed(folder)["tiling"]


def test_a_shape_that_crosses_itself_is_found(folder):
    bow = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    edit_layer(folder, "units.geojson", lambda units: units[0].update(geometry=bow))
    assert "not valid" in failed(folder)["shapes"]
    edit_layer(
        folder, "units.geojson", lambda units: units[0].update(geometry={"type": "Point", "coordinates": [0, 0]})
    )
    assert "no polygons: A" in failed(folder)["shapes"]
    edit_layer(folder, "units.geojson", lambda units: units[0].update(geometry={"type": "Polygon"}))
    assert "cannot be drawn: A" in failed(folder)["shapes"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("certificate.json", '{"objective": "imb', "not JSON, or not whole"),
        ("certificate.json", "[]", "not a JSON object"),
        ("certificate.json", '{"objective": "imbalance"}', "it lacks value"),
        ("certificate.json", '{"value": NaN}', "NaN, which is not JSON"),
        ("plan.csv", "", "lacks the columns unit_id"),
        ("plan.csv", "unit_id,zone_before,zone_after,moved,workload\n", "has no rows"),
        ("plan.csv", "unit_id,zone_before,zone_after,moved,workload\nA,1,1\n", "not whole"),
        ("plan.csv", "unit_id,zone_before,zone_after,moved,workload\nA,1,1,maybe,2\n", "not True or False"),
        ("plan.csv", "unit_id,zone_before,zone_after,moved,workload\nA,1,1,True,inf\n", "not a number"),
        ("plan.csv", 'unit_id,zone_before,zone_after,moved,workload\n"A,1,1,True,1\n', "not a CSV file"),
        ("edges.csv", "unit_a,unit_b\n", "lacks the columns shared_m, kind"),
        ("units.geojson", '{"type": "FeatureCollection"}', "not a GeoJSON layer"),
        ("units.geojson", '{"features": [{"properties": {"unit_id": 5}}]}', "not text"),
        ("zones.geojson", '{"features": [{"properties": {"zone_id": "1"}}]}', "no geometry"),
        ("frontier.csv", "moves,imbalance,bound,gap,is_proven\n,,,,True\n", "how many moves"),
    ],
)
def test_a_file_that_is_not_what_it_says_is_reported(folder, name, text, words):
    (folder / name).write_text(text, encoding="utf-8")
    report = verify_folder(folder)
    assert not report.is_ok
    assert report.failures[0].name == "readable"
    assert name in report.failures[0].message
    assert words in report.failures[0].message


def test_a_file_that_is_no_text_is_reported(folder):
    (folder / "plan.csv").write_bytes(b"\xff\xfe\x00")
    assert "not text in UTF-8" in failed(folder)["readable"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("objective", ["x"]),
        ("value", "0.1"),
        ("is_proven", 1),
        ("moves", 1.5),
        ("locked", "B"),
        ("forbidden", [["D"]]),
        ("roots", {"1": 5}),
        ("stages", [{"objective": "moves"}]),
        ("proof", "trust me"),
        ("zones", []),
    ],
)
def test_a_certificate_of_the_wrong_kinds_is_reported(folder, key, value):
    edit_certificate(folder, **{key: value})
    assert f"the wrong kind of thing: {key}" in failed(folder)["readable"]


def test_a_folder_that_is_no_plan_is_reported(folder, tmp_path):
    assert "no such folder" in failed(tmp_path / "nowhere")["folder"]
    assert "It is a file" in failed(folder / "plan.csv")["folder"]
    (tmp_path / "empty").mkdir()
    assert "no folder that `rebalance` wrote" in failed(tmp_path / "empty")["folder"]
    assert "folder of its own: check" in failed(folder.parent)["folder"]
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "packet.json").write_text("{}", encoding="utf-8")
    assert "It is a board packet" in failed(tmp_path / "board")["folder"]
    half = shutil.copytree(folder, tmp_path / "half")
    (half / "certificate.json").unlink()
    assert "It is not whole: certificate.json is not there" in failed(half)["folder"]


def test_ids_that_a_spreadsheet_would_take_for_formulas(folder):
    # `export.write_csv` puts an apostrophe in front of these; the certificate has them as they are.
    edit_csv(folder, "plan.csv", lambda t: t.assign(unit_id=t["unit_id"].replace("C", "'-C")))
    edit_csv(folder, "edges.csv", lambda t: t.replace({"unit_a": {"C": "'-C"}, "unit_b": {"C": "'-C"}}))
    edit_layer(folder, "units.geojson", lambda units: units[2]["properties"].update(unit_id="-C"))
    edit_certificate(folder, forbidden=[["-C", "2"]], input_sha256={"units": "", "adjacency": ""})
    seal(folder)
    assert failed(folder).keys() == {"inputs"}


def test_a_file_the_certificate_says_nothing_about_is_noted(folder):
    (folder / "notes.txt").write_text("seen", encoding="utf-8")
    report = verify_folder(folder)
    assert report.is_ok
    assert "notes.txt" in report.summary()


@pytest.mark.parametrize("seed", range(8))
def test_random_towns_with_true_bounds_pass_and_with_forged_ones_fail(tmp_path, seed):
    loads = [(seed * 7 + i * i * 3) % 9 + 1 for i in range(8)]
    before = list("11122333") if seed % 2 else list("11111222")
    most = seed % 4 + 1
    value, labels = best_by_moves(loads, before, row_links(8), most=most)[-1]
    folder = write_row(tmp_path / "true", loads, before, labels, max_moves=most)
    assert verify_folder(folder).bound == "confirmed"
    worse, other = best_by_moves(loads, before, row_links(8), most=0)[0]
    if worse > value + 1e-3:
        forged = write_row(tmp_path / "forged", loads, before, other, max_moves=most)
        assert json.loads((forged / "certificate.json").read_text(encoding="utf-8"))["is_proven"]
        assert verify_folder(forged).bound == "refuted"
    assert imbalance(loads, list(labels), sorted(set(before))) == pytest.approx(value)


def test_a_short_border_left_out_is_found():
    # a and d share 12 m of border, b and c meet in no more than a corner of theirs; and 2 m are no border.
    units = {
        "a": box(0, 0, 100, 100),
        "b": box(100, 0, 200, 88),
        "c": box(0, 100, 100, 200),
        "d": box(100, 88, 200, 200),
    }
    found = {a + b for a, b in _unlinked_near([], units)}
    assert found == {"ab", "ac", "ad", "bd", "cd"}
    doubtful = units | {"b": box(100, 0, 200, 98), "d": box(100, 98, 200, 200)}
    assert {a + b for a, b in _unlinked_near([], doubtful)} == {"ab", "ac", "bd", "cd"}


@pytest.mark.parametrize(
    ("apart", "along", "are_neighbors"),
    [
        (0.5, 100.0, True),
        (1.5, 100.0, False),
        # Half a meter apart, the last half meter of each side that leaves the gap is within a meter of the other, too.
        (0.5, 19.5, True),
        (0.5, 18.0, False),
    ],
)
def test_units_that_nearly_meet_are_neighbors_within_a_meter_along_twenty(apart, along, are_neighbors):
    units = {"a": box(0, 0, 100, along), "b": box(100 + apart, 0, 200, along)}
    assert bool(_unlinked_near([], units)) is are_neighbors


def held_row(folder, minutes, places, **response):
    """Write the row a a a b b of loads 3 1 1 1 1 as it is, with a proof that no plan of 1 move is more even."""
    write_row(folder, [3, 1, 1, 1, 1], list("11122"), list("11122"), value=3 / 7, bound=3 / 7, max_moves=1)
    ids = "ABCDE"
    rows = [
        (ids[unit], 1.0, f"p{ids[place]}", ids[place], float(minutes[unit][at]))
        for unit in range(5)
        for at, place in enumerate(places)
    ]
    columns = ["unit_id", "calls", "place_id", "place_unit_id", "minutes"]
    pd.DataFrame(rows, columns=columns).to_csv(folder / "response.csv", index=False)
    number = {"1": 3, "2": 2}
    sums = {
        z: min(sum(minutes[u][at] for u in units) for at, p in enumerate(places) if p in units)
        for z, units in (("1", range(3)), ("2", range(3, 5)))
    }
    zones = {z: {"minutes": [sums[z] / number[z]] * 2, "places": ["", ""]} for z in number}
    told = {"no_slower": True, "district": [sum(sums.values()) / 5] * 2, "zones": zones, **response}
    edit_certificate(folder, response=told)
    return folder


SLOW = ([[0, 9], [2, 9], [2, 6], [9, 0], [9, 4]], [0, 3])
"""With C the calls of the second zone wait 10 / 3 minutes, 4 / 3 more than today."""
BESIDE = ([[0, 9, 9], [2, 9, 9], [2, 0, 6], [9, 1, 0], [9, 2, 4]], [0, 2, 3])
"""With C, where its officer may wait then, they wait 1 minute."""


@pytest.mark.parametrize(
    ("table", "longer_min", "state"),
    [(SLOW, 0.0, "confirmed"), (SLOW, 1.0, "confirmed"), (SLOW, 1.5, "refuted"), (BESIDE, 0.0, "refuted")],
)
def test_a_bound_over_plans_in_which_nobody_waits_longer_is_repeated(tmp_path, table, longer_min, state):
    response = {"longer_min": longer_min} if longer_min else {}
    folder = held_row(tmp_path, *table, **response)
    report = verify_folder(folder)
    assert report.bound == state, report.summary()
    if state == "confirmed":
        assert report.is_ok, report.summary()
        waits = f"more than {longer_min:g} min longer" if longer_min else "longer"
        assert f"in which nobody waits {waits} has an imbalance below 42.8571%" in report.summary()
    else:
        assert "there is a plan with an imbalance of 14.2857% and 1 move (C to 2)" in failed(folder)["bound"]


def test_a_bound_on_minutes_that_are_not_there_rests_on_the_record(tmp_path):
    folder = held_row(tmp_path, *SLOW)
    (folder / "response.csv").unlink()
    report = verify_folder(folder)
    assert report.bound == "recorded"
    assert "There is no response.csv that can be read" in next(c.message for c in report.notes if c.name == "bound")


def with_seams(folder, seam_m=3.0, **facts):
    """Draw the row of six squares with open seams between them, as a tolerance of 10 m leaves it."""
    write_row(folder, LOADS, BEFORE, BEFORE, bound=None, **facts)
    shift = seam_m / 2 / 87_000 / STEP

    def narrow(units):
        for at, unit in enumerate(units):
            unit["geometry"] = square(at + shift, 0, wide=1 - 2 * shift)

    edit_layer(folder, "units.geojson", narrow)
    seal(folder)
    return folder


def test_neighbors_across_a_seam_are_found_again_up_to_the_tolerance(tmp_path):
    whole = with_seams(tmp_path / "whole", neighbor_tolerance_m=10.0)
    assert not {"neighbors", "edges"} & set(failed(whole))
    # Narrower than the seam, or not stated: the links lie across open ground.
    for name, facts in (("narrow", {"neighbor_tolerance_m": 2.0}), ("unknown", {})):
        assert "lie apart" in failed(with_seams(tmp_path / name, **facts))["neighbors"]
    lost = with_seams(tmp_path / "lost", neighbor_tolerance_m=10.0)
    edges = pd.read_csv(lost / "edges.csv")
    edges.iloc[:-1].to_csv(lost / "edges.csv", index=False, lineterminator="\n")
    seal(lost)
    assert "within 10 m of each other along 20 m: E–F" in failed(lost)["neighbors"]
    invented = with_seams(tmp_path / "invented", neighbor_tolerance_m=10.0)
    more = pd.concat([edges, edges.iloc[:1].assign(unit_a="A", unit_b="C")])
    more.to_csv(invented / "edges.csv", index=False, lineterminator="\n")
    seal(invented)
    assert "A–C" in failed(invented)["edges"]
    assert "A–C" in failed(invented)["neighbors"]


def test_a_seam_wider_than_the_tolerance_is_no_border(tmp_path):
    wide = with_seams(tmp_path / "wide", seam_m=13.0, neighbor_tolerance_m=10.0)
    assert "with no border" in failed(wide)["edges"]
    # A tenth more may come from how the two measure.
    doubtful = with_seams(tmp_path / "doubtful", seam_m=10.5, neighbor_tolerance_m=10.0)
    assert not {"neighbors", "edges"} & set(failed(doubtful))


def test_along_how_much_two_units_see_each_other():
    # The sides that face each other, and a meter of each side that leaves the gap of a meter.
    units = {"a": box(0, 0, 100, 100), "b": box(101, 0, 201, 100)}
    assert _Across(units, 2.0).seen_m("a", "b") == pytest.approx(102, abs=0.1)
    # A third unit in the gap is nearer along the lower half: to a all of it, and to b.
    between = units | {"c": box(100.2, -10, 100.8, 50)}
    assert _Across(between, 2.0).seen_m("a", "b") == pytest.approx(51, abs=1)
