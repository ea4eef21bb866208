"""The coverage of a term of the town, with numbers counted by hand on the drawing of `town`, and its files."""

import json
from html import escape

import geopandas as gpd
import icalendar
import numpy as np
import pandas as pd
import pytest
import town
from shapely.geometry import LineString
from visit_faults import visit_faults

from safeschools_geo.cli._main import main
from safeschools_geo.coverage._visit_rules import SchoolHours
from safeschools_geo.pages._sheets import dispatch_card
from safeschools_geo.term._run import run_term
from safeschools_geo.term._write import first_monday


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return run_term(town.write_town(tmp_path_factory.mktemp("town") / "town"), term="Fall", protects=False)


def test_a_usual_day_by_hand(result):
    usual_day = result.coverage.usual_day
    # S3 is not in the program. One call of A and two of B on 9 school days; 7 hours at 001, 9 at the high school.
    assert usual_day.zones.to_dict() == {"001": "A", "002": "B"}
    assert usual_day.rates.arrivals_per_h.to_dict() == pytest.approx({"001": 1 / 9 / 7, "002": 2 / 9 / 9})
    assert usual_day.waiting.to_dict() == {"A": "001", "B": "002"}
    assert usual_day.queueing.dispatch.preference.tolist() == [[0, 1], [1, 0]]
    # No roads: 1 km in a straight line, 1.3 times as far at 40 km/h.
    assert usual_day.travel.minutes.loc["001", "002"] == pytest.approx(1.3 / 40 * 60, abs=1e-3)


def test_response_by_hand(result):
    coverage = result.coverage
    # Officers wait at the schools: a call takes no way unless the other one has to come.
    trip = 1.3 / 40 * 60
    shares = coverage.model.dispatch_share
    mean = trip * (shares[0, 1] + shares[1, 0]) / shares.sum()
    assert coverage.response.district.mean_min[0] == pytest.approx(mean, abs=1e-3)
    assert shares.sum() + coverage.model.overflow_share == pytest.approx(1)
    assert coverage.staging.is_proven
    # Three calls are too few for the record to say anything, and nothing bears the model's minutes out.
    zones = coverage.to_frame().set_index("zone_id")
    assert zones.index.tolist() == ["A", "B"]
    assert zones["calls_per_h"].to_dict() == pytest.approx({"A": 1 / 9 / 7, "B": 2 / 9 / 9})
    assert zones[["response_recorded", "response_model", "overflow_model"]].isna().all(axis=None)
    assert zones["busy_model"].notna().all()


def test_each_covers_for_the_other(result):
    cases = result.coverage.absences
    assert [case.absent for case in cases] == [("A",), ("B",)]
    assert cases[0].school_zones.to_dict() == {"001": "B", "002": "B"}
    assert cases[1].school_zones.to_dict() == {"001": "A", "002": "A"}
    assert result.coverage.not_covered == ()


def test_visits_keep_every_rule(result):
    coverage, settings = result.coverage, result.district.settings
    plan = coverage.visits
    assert plan.is_complete
    # One visit a week for an elementary school, three for a high school.
    assert plan.table["school_id"].value_counts().to_dict() == {"002": 3, "001": 1}
    lunch = {"lunch_from_min": 11 * 60 + 15, "lunch_to_min": 12 * 60 + 45}
    hours = {
        "elementary": SchoolHours(start_min=8 * 60 + 30, end_min=14 * 60 + 30, **lunch),
        "high": SchoolHours(start_min=7 * 60 + 30, end_min=15 * 60 + 30, **lunch),
    }
    schools = coverage.usual_day.schools.assign(zone_id=coverage.usual_day.zones.to_numpy())
    faults = visit_faults(
        plan,
        schools,
        coverage.usual_day.travel.minutes,
        pd.Series({"001": 1, "002": 3}),
        hours,
        days=settings.calendar.weekdays,
        bases=dict(coverage.usual_day.waiting),
    )
    assert faults.empty


def test_visits_keep_to_each_school_s_own_hours(tmp_path):
    # A high school that lets out at noon has its three visits before.
    text = town.SETTINGS + '\n[hours.schools.002]\nstart = "08:00"\nend = "12:00"\n'
    result = run_term(town.write_town(tmp_path, settings=text), term="Fall", proposes=False, protects=False)
    own = result.coverage.visits.to_frame().set_index("school_id").loc[["002"]]
    assert (own["leave"] <= "12:00").all()
    assert (own["arrive"] >= "08:00").all()
    assert len(own) == 3


def test_plans_are_scored_by_coverage(result):
    scores = result.proposal.comparison.set_index("measure")
    assert {"response", "backup", "overflow"} <= set(scores.index)
    now = result.coverage.scores.to_frame().set_index("measure")
    assert scores.loc["response", "current"] == now.loc["response", "shown"]
    assert result.coverage.comparison is not None


def test_the_summary_says_first_how_model_and_record_compare(result):
    coverage = result.coverage
    assert coverage.summary().startswith(f"{coverage.finding()}\n{coverage.validation.finding()}")
    for part in ("is assumed to keep an officer", "It is proven", "threat assessment", "Week 1"):
        assert part in coverage.summary()
    assert result.summary().endswith(coverage.finding())
    assert "3 of them calls for zone officers (3 of these reported);" in result.summary()


def test_where_there_are_no_calls_there_is_no_coverage(tmp_path):
    rows = pd.DataFrame(town.incident_rows())
    folder = town.write_town(tmp_path / "town", incidents=rows[rows["category"] == "non_critical"])
    result = run_term(folder, term="Fall", proposes=False, protects=False)
    assert result.coverage.why == "There are no calls for zone officers: nothing is said of coverage."
    assert run_term(folder, term="Fall", proposes=False, covers=False, protects=False).coverage.is_empty


def test_the_command_writes_tables_calendars_and_sheets(result, tmp_path, capsys):
    folder, out = town.write_town(tmp_path / "town"), tmp_path / "out"
    with pytest.raises(SystemExit) as left:
        main(["coverage", str(folder), "--term", "Fall", "--out", str(out), "--json"])
    assert left.value.code == 0
    printed = json.loads(capsys.readouterr().out)
    assert [zone["zone_id"] for zone in printed["zones"]] == ["A", "B"]
    assert {p.name for p in (out / "maps").rglob("*.html")} == {
        "coverage.html",
        "dispatch.html",
        "absences.html",
        "zone-A.html",
        "zone-B.html",
        "A.html",
        "B.html",
    }
    visits = pd.read_csv(out / "visits.csv", dtype={"school_id": str})
    assert len(visits) == 4
    calendar = icalendar.Calendar.from_ical((out / "visits" / "zone-B.ics").read_bytes())
    events = [e for e in calendar.walk("VEVENT") if "Quorndale" in str(e.get("summary"))]
    assert len(events) == 3
    assert all(e["dtstart"].dt.date() >= first_monday(result.term) for e in events)
    travel = pd.read_csv(out / "travel.csv", dtype=str)
    assert len(travel) == 4
    assert pd.read_csv(out / "absences.csv")["absent"].tolist() == ["A", "B"]


def test_the_dispatchers_card_says_whom_to_send_where_and_when(result):
    card = result.coverage.dispatch_card()
    dispatch = result.coverage.usual_day.queueing.dispatch
    assert card["name"].tolist() == sorted(result.coverage.usual_day.schools["name"], key=str.casefold)
    for row in card.to_dict("records"):
        at = list(dispatch.school_zones.index).index(row["school_id"])
        own, other = (dispatch.officer_zones.index[i] for i in dispatch.preference[at])
        assert (row["officer"], row["second_officer"], row["third_officer"]) == (own, other, "")
        assert dispatch.officer_zones[own] == row["zone_id"]
    html = dispatch_card(result).html
    assert [html.index(f'dir="auto">{escape(name)}<') for name in card["name"]] == sorted(
        html.index(f'dir="auto">{escape(name)}<') for name in card["name"]
    )
    assert html.count("<td") - html[html.index("Who comes for which call") :].count("<td") == 5 * len(card)
    for said in (
        "The specialist, in every zone",
        "Sheriff&#39;s patrol",
        "on days of school; each school within its own hours, which differ",
    ):
        assert said in html
    assert "Weapons" in html.split("Who comes for which call")[1]


def test_the_command_says_why_there_is_nothing_to_cover(tmp_path, capsys):
    rows = pd.DataFrame(town.incident_rows())
    folder = town.write_town(tmp_path / "town", incidents=rows[rows["category"] == "non_critical"])
    with pytest.raises(SystemExit) as left:
        main(["coverage", str(folder), "--term", "Fall"])
    assert left.value.code == 1
    assert "nothing to cover" in capsys.readouterr().err


def test_another_place_to_wait(tmp_path):
    settings = town.SETTINGS.replace("[coverage]", '[coverage]\nstaging = { A = "002" }')
    result = run_term(
        town.write_town(tmp_path / "town", settings=settings), term="Fall", proposes=False, protects=False
    )
    assert result.coverage.usual_day.waiting.to_dict() == {"A": "002", "B": "002"}
    assert np.isclose(result.coverage.usual_day.queueing.dispatch.travel_min[1], 0.0).all()
    assert "that changes the mean trip so: 0.8 min less" in result.coverage.summary()


def test_the_week_of_visits_begins_on_a_monday(result):
    term = result.term
    assert first_monday(term).weekday() == 0
    assert 0 <= (first_monday(term) - term.start).days < 7


def test_roads_say_how_long_the_way_is(tmp_path):
    folder = town.write_town(tmp_path / "town")
    # A street from school to school, at 60 km/h, and a piece of road that leads nowhere beside the first school.
    streets = [
        LineString([town.place(500, 400), town.place(1500, 400)]),
        LineString([town.place(500, 420), town.place(510, 420)]),
    ]
    roads = gpd.GeoDataFrame({"SPEED": [60, 30]}, geometry=streets, crs=4326)
    roads.to_file(folder / "data/boundaries/roads.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    toml = folder / "district.toml"
    settings = toml.read_text(encoding="utf-8")
    toml.write_text(settings + '\n[roads.columns]\nspeed_kph = "SPEED"\n', encoding="utf-8")
    usual_day = run_term(folder, term="Fall", proposes=False, protects=False).coverage.usual_day
    assert usual_day.travel.minutes.loc["001", "002"] == pytest.approx(1.0, abs=1e-3)
    assert "quickest way" in usual_day.travel.summary()
    # Without a column of speeds roads are only drawn.
    toml.write_text(settings, encoding="utf-8")
    usual_day = run_term(folder, term="Fall", proposes=False, protects=False).coverage.usual_day
    assert "Straight-line" in usual_day.travel.summary()
