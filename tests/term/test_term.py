"""A term of the town, from folder to outputs, with numbers counted by hand on the drawing of `town`."""

import json
import shutil
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import town
from checkout import call
from geopandas.testing import assert_geodataframe_equal
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import safeschools_geo as ssg
from safeschools_geo.district._district import DistrictError, read_district
from safeschools_geo.errors import FileReadError, InputError
from safeschools_geo.io import sha256_of
from safeschools_geo.pages import draw_term
from safeschools_geo.rebalance._problem import zone_centers
from safeschools_geo.results import why_nothing_to_plan
from safeschools_geo.schemas import NO_RECORD
from safeschools_geo.term import _run as story
from safeschools_geo.term import _write as writing
from safeschools_geo.term._run import STEPS, run_term
from safeschools_geo.term._write import TermOutputs, _pack, _Unpacker, manifest_of


@pytest.fixture
def folder(tmp_path):
    return town.write_town(tmp_path / "town")


@pytest.fixture(scope="module")
def fall(tmp_path_factory):
    """Run Fall once: its district, where it was written, the result, and the steps it said."""
    home = tmp_path_factory.mktemp("fall")
    folder, begun = town.write_town(home / "town"), []
    result = run_term(folder, term="Fall", out=home / "out", seed=7, on_step=begun.append)
    return SimpleNamespace(folder=folder, out=home / "out", written=home / "out" / "Fall", result=result, begun=begun)


def test_the_town_by_hand(fall):
    result = fall.result
    assert result.school_zones.set_index("school_id")["zone_id"].to_dict() == {"001": "A", "002": "B", "003": "B"}
    reasons = result.history.set_index("incident_id")["reason"].to_dict()
    assert reasons == {
        "I1": "program_work",
        "I2": "program_work",  # 15:30 at the high school, whose hours end at 16:00
        "I3": "outside_hours",  # 15:30 at the elementary school, whose hours end at 15:00
        "I4": "not_a_school_day",  # a Saturday
        "I5": "program_work_hour_unknown",
        "I6": "threat_assessment",
        "I7": "school_not_in_program",
        "I8": "non_critical",
        "I9": "no_school",
    }
    assert result.loads["incidents"].to_dict() == {"A": 1, "B": 2}
    assert result.loads["student_days"].to_dict() == {"A": 2700, "B": 9000}
    # A: 45 min of I1 over 9 days, one visit of 12 min in 5 days, alone in its zone.
    assert result.loads.loc["A", "workload_h"] == pytest.approx(45 / 60 / 9 + 12 / 60 / 5)
    # B: 75 and 30 min over 9 days, three visits of 12 min in 5 days.
    assert result.loads.loc["B", "workload_h"] == pytest.approx(105 / 60 / 9 + 3 * 12 / 60 / 5)
    assert "East carries the most" in result.summary()


def test_the_last_term_is_the_default(folder):
    assert run_term(folder, protects=False).term.name == "Spring"


def test_why_no_other_zones_are_proposed(folder, fall):
    result = run_term(folder, term="Fall", proposes=False, protects=False)
    assert result.proposal.why == "No other zones were asked for."
    loads = result.zone_loads.query("term == 'Fall'")
    asked = {"history": result.history, "term": result.term}
    idle = why_nothing_to_plan(result.district, loads.assign(workload_h=0.0), **asked)
    assert idle.endswith("no school in a zone has a workload in Fall.")
    one = why_nothing_to_plan(result.district, loads.query("zone_id == 'A'"), **asked)
    assert one == "There is nothing to rebalance: there is only one zone."
    assert fall.result.proposal.why == ""


def test_the_centers_of_the_zones_are_worked_out_once_for_a_proposal(folder, monkeypatch):
    asked = []

    def counted(units, *roots, **options):
        # With roots: where a zone is measured from. Without: where its officer would wait under a plan.
        asked.extend(roots)
        return zone_centers(units, *roots, **options)

    def refused(*_, **__):
        raise AssertionError("the centers are known")

    monkeypatch.setattr("safeschools_geo.term._plan.zone_centers", counted)
    for module in ("_score", "_problem"):
        monkeypatch.setattr(f"safeschools_geo.rebalance.{module}.zone_centers", refused)
    proposal = run_term(folder, term="Fall", protects=False).proposal
    assert asked == [{}]
    # Each zone has one school in the program, which is its middle.
    assert proposal.inputs.rules.roots == {"A": "001", "B": "002"}
    assert proposal.inputs.travel.to_numpy() == pytest.approx(np.array([[0, 1], [1, 0]]), abs=1e-3)


def test_steps_are_reported_in_order(fall):
    assert fall.begun == list(STEPS)


def test_what_is_written_adds_up(fall):
    out = fall.written
    assert pd.read_csv(out / "assignments.csv", dtype=str)["school_id"].tolist() == ["001", "002", "003"]
    work = pd.read_csv(out / "work.csv")
    # Nine of the ten: one is of a later term.
    assert work["incidents"].sum() == 9
    for table in (out / "counts").glob("by_*.csv"):
        assert pd.read_csv(table)["incidents"].sum() == 9
    loads = pd.read_csv(out / "workload_zones.csv")
    schools = pd.read_csv(out / "workload.csv")
    assert loads["workload_h"].sum() == pytest.approx(schools["workload_h"].sum())


def test_the_manifest_says_where_results_come_from(fall):
    text = (fall.written / "manifest.json").read_text(encoding="utf-8")
    manifest = json.loads(text)
    assert manifest["seed"] == 7
    assert set(manifest["inputs"]) >= {"district.toml", "data/incidents/history.csv"}
    assert manifest["counts"]["read"]["incidents"] == {"read": 10, "kept": 10, "rejected": 0}
    assert sum(manifest["counts"]["incidents_by_work"].values()) == 9
    assert manifest["counts"]["incidents_after_the_term"] == 1
    assert "maps/index.html" in manifest["outputs"]
    assert str(fall.folder) not in text


def test_an_interrupted_run_leaves_the_last_complete_term(fall, monkeypatch):
    before = {p: p.read_bytes() for p in fall.written.rglob("*") if p.is_file()}

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(story, "write_term", interrupt)
    with pytest.raises(KeyboardInterrupt):
        run_term(fall.folder, term="Fall", out=fall.out)
    assert {p: p.read_bytes() for p in fall.written.rglob("*") if p.is_file()} == before
    assert [p.name for p in fall.out.iterdir()] == ["Fall"]


def test_results_do_not_change_what_was_read(folder):
    district = read_district(folder)
    before = {name: getattr(district, name).copy() for name in ("zones", "schools", "incidents")}
    schools = story.assign_schools(district)
    history = story.history_in_context(district, schools, story.assign_incidents(district))
    story.count_workload(district, schools, history)
    for name, frame in before.items():
        pd.testing.assert_frame_equal(getattr(district, name), frame)


cell = st.sampled_from(["2025-09-02 10:00", "9/3/25", "", "soon", "1900-01-01", "2025-09-02T10:00Z"])
row = st.tuples(st.sampled_from(["I1", "I2", "I3", ""]), cell, st.sampled_from(["weapons", "non_critical"]))


@given(st.lists(row, max_size=8), st.booleans())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_read_are_rows_kept_plus_rows_rejected(folder, rows, is_ragged):
    lines = [
        "incident_id,occurred_at,category,x,y",
        *(",".join(r) + ",," for r in rows),
        *(["I9,a"] if is_ragged else []),
    ]
    (folder / "data/incidents/history.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        district = read_district(folder)
    except DistrictError as error:
        # Nothing can be concluded from what is left; what could be read is counted all the same.
        if error.read is None:
            return
        district = error.read
    read = len(rows) + is_ragged
    assert district.counts["incidents"] == {
        "read": read,
        "kept": len(district.incidents),
        "rejected": len(district.rejects),
    }
    assert len(district.incidents) + len(district.rejects) == read
    assert district.incidents["incident_id"].is_unique
    assert district.rejects["reason"].str.len().gt(10).all()


def test_a_run_of_an_earlier_term_knows_nothing_of_later_ones(fall, tmp_path):
    whole = pd.DataFrame(town.incident_rows())
    earlier = whole[~whole["occurred_at"].str.startswith("2026")]
    assert len(earlier) < len(whole)
    run_term(town.write_town(tmp_path / "town", incidents=earlier), term="Fall", out=tmp_path, seed=7)
    outputs = [
        {path.relative_to(written).as_posix(): path.read_bytes() for path in written.rglob("*.*")}
        for written in (fall.written, tmp_path / "Fall")
    ]
    assert outputs[0].keys() == outputs[1].keys()
    # What was read, and what a check of all of it says, is not the term's alone; nor is a clock.
    other = {"manifest.json", "check.html", "result.zip"}
    unlike = [name for name, body in outputs[0].items() if name not in other and body != outputs[1][name]]
    assert unlike == []


def test_the_last_run_is_read_again_from_its_files(fall):
    result = fall.result
    found = ssg.load_term(fall.folder, "Fall", out=fall.out)
    assert found.is_fresh
    assert "made from the files and settings of today" in found.summary()
    for name, table in {
        "assignments": result.school_zones,
        "workload": result.workload,
        "workload_zones": result.zone_loads,
        "coverage/dispatch_card": result.coverage.dispatch_card(),
        "coverage/dispatch": result.coverage.usual_day.queueing.dispatch.to_frame(),
    }.items():
        texts = table.select_dtypes(include=["str", "object"]).columns
        expected = table.reset_index(drop=True).assign(**{c: table[c].fillna("").to_numpy() for c in texts})
        pd.testing.assert_frame_equal(found.table(name), expected, check_dtype=False)
    assert found.table("incidents")["incident_id"].tolist() == result.history["incident_id"].tolist()
    zones = found.layer("zones")
    assert zones["zone_id"].tolist() == result.district.zones["zone_id"].tolist()
    drawn = result.district.zones.geometry.reset_index(drop=True)
    assert zones.geometry.geom_equals_exact(drawn, 1e-7, align=False).all()
    assert set(found.to_frame()["file"]) >= {"workload.csv", "zones.geojson", "check.html"}
    with pytest.raises(InputError, match="workload_zones"):
        found.table("loads")


def test_results_read_again_draw_the_same_pages_and_say_the_same(fall, tmp_path, monkeypatch):
    result = fall.result
    found = ssg.load_term(fall.folder, "Fall", out=fall.out).result()
    assert draw_term(found) == draw_term(result)
    assert found.summary() == result.summary()
    assert manifest_of(found) == manifest_of(result)
    for name in ("district", "school_zones", "history", "hotspots", "proposal", "coverage"):
        assert type(getattr(found, name)) is type(getattr(result, name))
    assert_geodataframe_equal(found.history, result.history)
    # Written again it is the same file: no clock and no path of this machine is in it.
    _pack(found, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (fall.written / "result.zip").read_bytes()
    # So it is with the long arrays of a large district, which are tables of many parts.
    monkeypatch.setattr(writing, "_LONG", 3)
    monkeypatch.setattr(writing, "_PART", 2)
    _pack(found, tmp_path / "long.zip")
    read = _Unpacker((tmp_path / "long.zip").read_bytes(), fall.folder).result
    assert draw_term(read) == draw_term(result)
    monkeypatch.undo()
    _pack(read, tmp_path / "long.zip")
    assert (tmp_path / "long.zip").read_bytes() == (tmp_path / "again.zip").read_bytes()
    assert "`protect` works it out" in found.board.why
    again = ssg.load_term(fall.folder, "Fall", out=fall.out).result(protects=True).board
    assert again.counts.to_frame().equals(result.board.counts.to_frame())


def test_the_term_is_run_where_its_outputs_are_not_those_of_today(folder, monkeypatch):
    begun = []
    # A part of a term is no run.
    assert call("hotspots", folder, "--term", "Fall") == 0
    with pytest.raises(FileReadError, match="There are no outputs of Fall"):
        ssg.load_term(folder, "Fall")
    first = ssg.load_term(folder, "Fall", runs=True, on_step=begun.append)
    assert first.is_fresh
    assert begun == list(STEPS)
    assert ssg.load_term(folder, "Fall", runs=True, on_step=begun.append).result().term.name == "Fall"
    assert begun == list(STEPS), "it was run once"
    monkeypatch.setattr("safeschools_geo.term._write._versions", lambda: first.manifest["versions"] | {"numpy": "0"})
    assert ssg.load_term(folder, "Fall").changed == ("the version of numpy (now 0)",)


@pytest.mark.parametrize(
    "forged",
    [
        {"class": "subprocess:Popen", "fields": {"dict": []}},
        {"class": "safeschools_geo.__main__:TermResult", "fields": {"dict": []}},
        {"class": "safeschools_geo.term._run:run_term", "fields": {"dict": []}},
        {"class": "safeschools_geo.settings:Term", "fields": {"dict": [["__class__", 1]]}},
        {"array": ["x"], "shape": [1], "dtype": "|O"},
        {"pickle": "x"},
    ],
)
def test_nothing_in_a_file_of_results_is_run(tmp_path, forged):
    outputs = tmp_path / "Fall"
    outputs.mkdir()
    with zipfile.ZipFile(outputs / "result.zip", "w") as archive:
        archive.writestr("result.json", json.dumps({"result": {"object": 0}, "objects": [forged]}))
    manifest = {"outputs": {"result.zip": sha256_of(outputs / "result.zip")}}
    with pytest.raises(FileReadError, match="cannot be read again"):
        TermOutputs(outputs, "Fall", manifest, (), tmp_path).result()


def test_outputs_that_are_not_of_todays_files_are_called_so(tmp_path):
    folder, out = town.write_town(tmp_path / "town"), tmp_path / "out"
    with pytest.raises(FileReadError, match="There are no outputs of Fall"):
        ssg.load_term(folder, "Fall", out=out)
    run_term(folder, term="Fall", out=out, proposes=False, covers=False, protects=False)
    exports = folder / "data" / "incidents"
    (exports / "notes.txt").write_text("The exports of both terms.\n", encoding="utf-8")
    assert ssg.load_term(folder, "Fall", out=out).is_fresh
    first = next(exports.glob("*.csv"))
    shutil.copy(first, exports / "more.csv")
    first.write_text(first.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    found = ssg.load_term(folder, "Fall", out=out)
    assert found.changed == (f"data/incidents/{first.name}", "data/incidents/more.csv")
    assert "run the term again" in found.summary()
    (out / "Fall" / "workload.csv").write_text("school_id\n", encoding="utf-8")
    with pytest.raises(FileReadError, match="not what the run wrote"):
        found.table("workload")


def test_without_a_record_no_zero_is_published_or_drawn(folder, tmp_path, capsys):
    (folder / "data/incidents/history.csv").unlink()
    out = tmp_path / "out"
    result = run_term(folder, term="Fall", out=out)
    assert "Fall: no history of incidents; " in result.summary()
    assert "; all of it is routine visits, as the settings have them." in result.summary()
    assert "stands out" not in result.summary()
    # A packet would say that nothing happened, and that numbers that do not exist are withheld.
    assert result.board.is_empty
    assert "no history of incidents" in result.board.why
    assert not (out / "Fall" / "board").exists()
    for name in ("history", "rates", "hotspots", "hours", "trends", "grid"):
        html = (out / "Fall" / "maps" / f"{name}.html").read_text(encoding="utf-8")
        assert NO_RECORD in html
        assert "<table" not in html
        assert 'class="map-box"' not in html
    assert NO_RECORD in ssg.plot.zone_rates(result).svg
    index = (out / "Fall" / "maps" / "index.html").read_text(encoding="utf-8")
    assert index.count(NO_RECORD) == 6
    assert call("board", folder, "--term", "Fall", "--out", tmp_path / "packet") == 1
    assert "no history of incidents" in capsys.readouterr().err
