"""`safeschools verify` as a user meets it."""

import json
import sys

import numpy as np
import pytest
from checkout import ROOT

from safeschools_geo import cli
from safeschools_geo.plan_outputs import write_plan
from safeschools_geo.rebalance import rebalance
from safeschools_geo.rebalance.frontier import frontier
from safeschools_geo.rebalance.ground.cells import service_areas
from safeschools_geo.rebalance.ground.tiling import zones_of_units

sys.path.insert(0, str(ROOT / "tests" / "rebalance"))

from grid_town import grid_district, grid_schools
from written_plan import edit_certificate, write_row


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "verify", "verify")


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
