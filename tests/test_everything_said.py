"""All that a run says: no two statements contradict each other, or the tables beside them."""

import re

import pytest
import said
from plan_districts import normal
from test_hostile_town import TERMS, write_hostile_town

from safeschools_geo import demo_folder, run_term


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    result = run_term(demo_folder(), out=out)
    return out / result.term.name, result.summary()


def test_the_demo_contradicts_itself_nowhere(demo):
    assert said.contradictions(*demo) == []
    assert said.against_tables(*demo) == []


def test_what_matters_is_said_in_more_than_one_place(demo):
    places = {fact: sum(map(len, values.values())) for fact, values in said.facts(*demo).items()}
    often = {"imbalance, gained", "imbalance today", "moves", "students who change officer", "time, recorded"}
    assert {fact for fact, times in places.items() if times >= 3} >= often
    assert {fact for fact, times in places.items() if not times} <= {"figures withheld"}


@pytest.mark.parametrize("make", [normal, write_hostile_town], ids=["normal", "hostile"])
def test_drawn_towns_contradict_themselves_nowhere(make, tmp_path):
    result = run_term(
        make(tmp_path / "town"), term=TERMS[0] if make is write_hostile_town else None, out=tmp_path / "out"
    )
    folder = next((tmp_path / "out").glob("*/check.html")).parent
    assert said.contradictions(folder, result.summary()) == []
    assert said.against_tables(folder, result.summary()) == []
    assert any(said.facts(folder, result.summary()).values())


def test_a_figure_that_differs_is_found(tmp_path):
    (tmp_path / "a.html").write_text("<p>Moving 3 schools brings the imbalance from 56.3% to 16.9%.</p>", "utf-8")
    (tmp_path / "b.txt").write_text("It falls: the imbalance from 56.3 % to 17.0 %", "utf-8")
    [fault] = said.contradictions(tmp_path)
    assert re.search("imbalance, gained: .*16.9.*a.html.*17.0.*b.txt", fault)
    table = "<table><caption>Loads</caption><tr><th>Zone<th>Hours</tr><tr><th>1</th><td>{}</td></tr></table>"
    for name, hours in (("c", "2.6"), ("d", "2.7")):
        head = table.replace("<th>Zone<th>Hours", "<th>Zone</th><th>Hours</th>")
        (tmp_path / f"{name}.html").write_text(head.format(hours), "utf-8")
    assert any("'Loads', '1', 'Hours'" in found for found in said.contradictions(tmp_path))
