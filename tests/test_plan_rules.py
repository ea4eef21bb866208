"""Rules that people ask of a proposal, from the settings of a district or the options of the command to verify."""

import json

import pandas as pd
import pytest
from checkout import call
from plan_districts import School, row, write_district

from safeschools_geo.errors import ColumnError
from safeschools_geo.term._plan import prepare_plan, propose_zones
from safeschools_geo.term._run import run_term
from safeschools_geo.verify._verify import verify_folder

FEW = [
    School(300, 1000, 30, "high", 900),
    School(900, 1000, 20, "middle", 400),
    School(1400, 1000, 15, "elementary", 300),
    School(1850, 1000, 25, "high", 800),
    School(2600, 1000, 10, "elementary", 200),
    School(3400, 1000, 5, "middle", 350),
]
"""Zone Z0 has four schools in a row, Z1 two; evening out moves the fourth, a high school of 800."""


def district(folder, schools=FEW, **more):
    return write_district(folder, row(0, 1), schools, moves=2, **more)


def read(folder):
    return run_term(folder, proposes=False, covers=False, protects=False)


def test_one_of_each_level_and_few_students_from_the_settings(tmp_path):
    free = propose_zones(read(district(tmp_path / "free")), follows_rule=False)
    assert "004" in set(free.plan.moves["unit_id"])
    asked = district(tmp_path / "asked", more='one_of_each = ["high", "middle"]\nmost_students_moved = 900')
    held = propose_zones(read(asked), follows_rule=False)
    # Each zone is to have a high school: the fourth moves, and no other with it, for that makes more than 900.
    assert held.plan.moves["unit_id"].tolist() == ["004"]
    facts = held.plan.certificate
    assert facts["one_of_each"] == {"high school": ["001", "004"], "middle school": ["002", "006"]}
    assert facts["most_students"] == 900
    assert "has a high school in each zone, has a middle school in each zone" in held.summary()
    assert "moves at most 900 students" in held.summary()
    scores = held.comparison.set_index("measure")
    assert scores.loc["zones_without_high_school", ["current", "proposed"]].tolist() == ["1", "0"]
    assert scores.loc["students_beyond", "proposed"] == "0"
    assert "zones_without_high_school" not in free.comparison["measure"].tolist()


def test_the_command_takes_the_rules_and_verify_checks_them(tmp_path, capsys):
    folder, out = district(tmp_path / "district"), tmp_path / "plan"
    assert call("rebalance", folder, "--max-moves", 2, "--most-students", 500, "--out", out, "--json") == 0
    certificate = json.loads(capsys.readouterr().out)["certificate"]
    assert certificate["most_students"] == 500
    report = verify_folder(out)
    assert report.is_ok, report.summary()
    told = {c.name: c.message for c in report.checks}
    assert "at most 500 were allowed" in told["students"]
    assert call("rebalance", folder, "--max-moves", 1, "--one-of-each", "middle", "--lock", "002", "--out", out) == 0
    capsys.readouterr()
    lock = ("--lock", "001", "--lock", "004", "--one-of-each", "high")
    assert call("rebalance", folder, "--max-moves", 1, *lock, "--out", tmp_path / "none") == 1
    assert "Every zone is to have a high school." in capsys.readouterr().err


def test_students_that_are_not_known_stop_the_run_where_they_are_limited(tmp_path):
    schools = [FEW[0], FEW[1]._replace(students=None), *FEW[2:]]
    result = read(district(tmp_path / "asked", schools, more="most_students_moved = 900\nkeeps_roots = false"))
    assert pd.isna(prepare_plan(result).units.set_index("unit_id")["students"]["002"])
    with pytest.raises(ColumnError, match=r"(?s)cannot be limited.*002.*Fill in their enrollment"):
        propose_zones(result)
