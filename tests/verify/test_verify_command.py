"""`safeschools verify` as a user meets it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from grid_town import grid_district, grid_schools
from written_packet import edit_text, write_packet
from written_plan import edit_certificate, write_row

from safeschools_geo.cli import _main as cli
from safeschools_geo.rebalance._cells import service_areas
from safeschools_geo.rebalance._frontier import frontier
from safeschools_geo.rebalance._propose import rebalance
from safeschools_geo.rebalance._tiling import zones_of_units
from safeschools_geo.term._write import write_plan


@pytest.fixture
def folder(tmp_path):
    return write_row(tmp_path / "plan", [4, 1, 2, 3, 5, 1], list("111122"), list("111222"))


def call(*arguments):
    with pytest.raises(SystemExit) as left:
        cli.main([str(a) for a in arguments])
    return left.value.code


def test_a_sound_plan_is_exit_0(folder, capsys):
    assert call("verify", folder) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "checks hold" in printed.err
    assert "Confirmed by going through every plan" in printed.err


def test_a_tampered_plan_is_exit_1_with_a_message_and_no_traceback(folder, capsys):
    edit_certificate(folder, moves=0)
    assert call("verify", folder) == 1
    text = capsys.readouterr().err
    assert "FAILED: moves: The number of moves is not that of the plan" in text
    assert "Traceback" not in text


@pytest.mark.parametrize("text", ["", "{", "[1, 2", "null", '"plan"'])
def test_a_broken_certificate_is_exit_1(folder, text, capsys):
    (folder / "certificate.json").write_text(text, encoding="utf-8")
    assert call("verify", folder) == 1
    printed = capsys.readouterr().err
    assert "certificate.json" in printed
    assert "Traceback" not in printed
    assert "fault of the program" not in printed


def test_json(folder, capsys):
    assert call("verify", folder, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["is_ok"], printed["bound"]) == (True, "confirmed")
    assert {"name", "status", "message"} == printed["checks"][0].keys()
    assert call("verify", folder / "nowhere", "--json") == 1
    printed = json.loads(capsys.readouterr().out)
    assert printed["checks"] == [{"name": "folder", "status": "failed", "message": "There is no such folder."}]


def test_wrong_usage_is_exit_2(capsys):
    assert call("verify") == 2
    assert "Usage: safeschools verify" in capsys.readouterr().err


@pytest.fixture(scope="module")
def town():
    """Return 4 × 4 squares: the two southern rows are zones 1 (west) and 2 (east), the northern ones zone 3."""
    units = service_areas(grid_schools(4, 4), grid_district(4, 4))
    places = [(int(i[1]), int(i[3])) for i in units["unit_id"]]
    zone = ["3" if row > 1 else "1" if column < 2 else "2" for row, column in places]
    return units.assign(zone_id=zone, workload=np.random.default_rng(0).integers(1, 9, 16) / 7)


@pytest.mark.parametrize(
    "request_of",
    [
        {"max_moves": 2},
        {"tolerance": 0.15, "locked": ["r3c3"]},
        {"max_moves": 3, "roots": {"1": "r0c0"}, "together": [("r3c0", "r3c1")]},
        {"tolerance": 0.15, "moves_in": "workload", "forbidden": [("r2c0", "1")]},
    ],
)
def test_what_the_solver_proves_is_confirmed_without_it(town, request_of, tmp_path, capsys):
    plan = rebalance(town, **request_of)
    found = frontier(town, max_moves=3) if request_of == {"max_moves": 2} else None
    zones = zones_of_units(town.to_crs(4326).assign(zone_id=plan.assignment.to_numpy()))
    write_plan(tmp_path, plan, zones, found=found)
    assert call("verify", tmp_path, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert plan.is_proven
    assert printed["bound"] == "confirmed"
    states = {c["name"]: c["status"] for c in printed["checks"]}
    assert set(states.values()) == {"passed"}
    assert ("frontier_bounds" in states) == (found is not None)


@pytest.fixture(scope="module")
def written_board(tmp_path_factory):
    return write_packet(tmp_path_factory.mktemp("packet") / "board")


@pytest.fixture
def board(written_board, tmp_path):
    return Path(shutil.copytree(written_board, tmp_path / "board"))


def test_a_sound_board_packet_is_exit_0(board, capsys):
    assert call("verify", board) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "board: all 21 checks that were made hold; not all was read." in printed.err
    assert "bound" not in printed.err


def test_a_tampered_board_packet_is_exit_1_with_a_message_and_no_traceback(board, capsys):
    edit_text(board / "index.html", ">193</data>", ">139</data>")
    assert call("verify", board) == 1
    printed = capsys.readouterr().err
    assert "5 of 21 checks failed." in printed
    assert "FAILED: files: index.html has been changed since the packet was written." in printed
    assert "FAILED: pages: index.html, cell 18: '139' is shown, not 193" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize("name", ["packet.json", "audit.json"])
def test_a_packet_without_one_of_its_files_is_exit_1(board, name, capsys):
    (board / name).unlink()
    assert call("verify", board) == 1
    assert f"FAILED: readable: {name}: it is not there." in capsys.readouterr().err


def test_a_board_folder_without_a_packet_is_exit_1(tmp_path, capsys):
    (tmp_path / "board").mkdir()
    assert call("verify", tmp_path / "board") == 1
    assert "It is no board packet: it holds neither packet.json nor audit.json." in capsys.readouterr().err


def test_a_board_packet_has_no_bound_in_json(board, capsys):
    assert call("verify", board, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert (printed["is_ok"], printed["bound"]) == (True, None)
    assert {"name", "status", "message"} == printed["checks"][0].keys()


def test_plan_and_board_packet_of_a_term_are_both_checked(folder, board, capsys):
    term = board.parent
    assert folder.parent == term
    assert call("verify", term, "--json") == 0
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["is_ok"], found["bound"]) == (True, "confirmed")
    assert {check["part"] for check in found["checks"]} == {"plan", "board packet"}
    assert f"{term}: checking the plan and the board packet." in printed.err
    assert printed.err.count("checks hold.") == 1
    assert printed.err.count("checks that were made hold; not all was read.") == 1
    edit_certificate(folder, moves=0)
    assert call("verify", term) == 1
    printed = capsys.readouterr().err
    assert "plan: 1 of " in printed
    assert "board: all 21 checks that were made hold; not all was read." in printed


def test_a_term_with_only_one_of_both_has_that_checked(folder, capsys):
    assert call("verify", folder.parent) == 0
    assert "plan: all " in capsys.readouterr().err
    (folder.parent / "board").mkdir()
    assert call("verify", folder.parent) == 1
    assert "It is no board packet" in capsys.readouterr().err


def test_a_folder_that_is_neither_is_called_so(tmp_path, capsys):
    assert call("verify", tmp_path) == 1
    assert "It is no folder that `rebalance` wrote, and no board packet" in capsys.readouterr().err
