"""Two terms beside each other: the town by hand, hotspots that came and went, and the command."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import plan_districts
import pytest
import town
from checkout import call
from hypothesis import given
from hypothesis import strategies as st

from safeschools_geo.errors import ColumnError, SettingsError
from safeschools_geo.hotspots._change import officer_share_change, term_change
from safeschools_geo.hotspots._status_change import STATUS_CHANGES, hotspots_that_changed, status_change
from safeschools_geo.schemas import HOTSPOT_STATUSES
from safeschools_geo.settings import PatrolChange, WorkloadSettings
from safeschools_geo.term._compare import COMPARING_STEPS, compare_terms
from safeschools_geo.term._run import run_term

TABLES = ["school_zones", "loads", "rates_overall", "rates_zones", "rates_levels", "schools", "hotspots"]


def incidents(fall, spring, *, started=0):
    """List so many incidents at the two schools in both terms; the first `started` of spring are officers' own."""
    rows = []
    for day, numbers in (("2025-09-02", fall), ("2026-02-03", spring)):
        for school, number in zip(("001", "002"), numbers, strict=True):
            for i in range(number):
                origin = "officer_initiated" if day == "2026-02-03" and school == "001" and i < started else "reported"
                rows.append((f"{day}-{school}-{i}", f"{day} {8 + i % 6:02}:{i % 60:02}", "weapons", school, origin))
    columns = ["incident_id", "occurred_at", "category", "school_id", "origin"]
    return pd.DataFrame(rows, columns=columns).assign(x=town.place(500, 400).x, y=town.place(500, 400).y)


@pytest.fixture
def folder(tmp_path):
    return town.write_town(tmp_path / "town")


@pytest.fixture
def busy(tmp_path):
    return town.write_town(tmp_path / "busy", incidents=incidents((4, 10), (30, 8)))


def record(outputs, term, zones):
    (outputs / term).mkdir(parents=True)
    lines = ["school_id,zone_id,status", *(f"{school},{zone},inside" for school, zone in zones.items())]
    (outputs / term / "assignments.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_rates_of_the_town_by_hand(busy):
    found = compare_terms(busy, "Fall", "Spring")
    # 2025-09-01 is a holiday: 9 days of school in fall, 10 in spring.
    assert found.days == (9, 10)
    zones = found.rates.set_index("zone_id")
    assert zones.index.tolist() == ["A", "B"]
    assert zones.loc["A", ["incidents_before", "incidents_after"]].tolist() == [4, 30]
    assert zones.loc["A", "rate_per_1000_before"] == pytest.approx(1000 * 4 / (300 * 9))
    assert zones.loc["A", "rate_per_1000_after"] == pytest.approx(1000 * 30 / (300 * 10))
    # Four calls are too few to be a base: that the rate rose is reported, and not how many times.
    assert np.isnan(zones.loc["A", "ratio"])
    assert zones.loc["B", "ratio"] == pytest.approx((8 / 10_000) / (10 / 9000))
    assert zones["direction"].tolist() == ["rose", "no clear change"]
    assert zones["has_same_schools"].all()
    assert zones["same_schools_ratio"].tolist() == pytest.approx(zones["ratio"].tolist(), nan_ok=True)
    # Each level and each zone has one school, so their tests are those of the schools.
    assert found.levels["level"].tolist() == ["elementary", "high"]
    for table in (found.levels, found.schools):
        assert table["ratio"].tolist() == pytest.approx(zones["ratio"].tolist(), nan_ok=True)
        assert table["p_value"].tolist() == zones["p_value"].tolist()
    # All together: 14 over 11,700 student-days, and 38 over 13,000.
    assert found.overall["ratio"].item() == pytest.approx((38 / 13_000) / (14 / 11_700))
    assert "by more than chance explains in West. The imbalance" in found.finding()


def test_two_schools_are_too_few_for_hotspots_and_that_is_said(busy):
    found = compare_terms(busy, "Fall", "Spring")
    assert found.hotspots.empty
    assert found.schools["status_change"].tolist() == ["insufficient_data"] * 2
    assert "No school could be judged in both terms." in found.summary()


def test_loads_of_the_town_by_hand(folder):
    found = compare_terms(folder, "Fall", "Spring").loads.set_index("zone_id")
    # As in test_term: 45 min over 9 days, and one visit of 12 min in 5 days; nothing in spring but the visit.
    visit = 12 / 60 / 5
    assert found.loc["A", "workload_h_before"] == pytest.approx(45 / 60 / 9 + visit)
    assert found.loc["A", "workload_h_after"] == pytest.approx(visit)
    assert found.loc["A", "difference_h"] == pytest.approx(-45 / 60 / 9)
    # 75 and 30 min over 9 days in fall, 45 min over 10 days in spring.
    assert found.loc["B", "difference_h"] == pytest.approx(45 / 60 / 10 - 105 / 60 / 9)
    assert found["from_zones_h"].tolist() == [0.0, 0.0]
    assert found["share_of_mean_after"].mean() == pytest.approx(1)


def test_without_a_record_todays_zones_are_used_for_both_and_that_is_said(folder, tmp_path):
    record(tmp_path / "out", "Spring", {"001": "B", "002": "B"})
    found = compare_terms(folder, "Fall", "Spring", outputs=tmp_path / "out")
    assert not found.has_zone_record
    assert found.counts["schools_that_changed_zone"] is None
    assert found.school_zones["zone_after"].tolist() == ["A", "B", "B"]
    assert found.moved.empty
    assert "no record of the zones of Fall (Fall/assignments.csv is not in the folder of outputs)" in found.summary()
    assert "today's zones are used for both terms" in found.summary()


def test_the_earlier_term_is_counted_in_the_zones_its_run_wrote(folder, tmp_path):
    record(tmp_path / "out", "Fall", {"001": "B", "002": "B", "003": "B"})
    found = compare_terms(folder, "Fall", "Spring", outputs=tmp_path / "out")
    assert found.moved[["school_id", "zone_before", "zone_after"]].to_numpy().tolist() == [["001", "B", "A"]]
    assert found.counts["schools_that_changed_zone"] == 1
    assert "1 school changed zone: Plimwick Elementary." in found.summary()
    zones = found.rates.set_index("zone_id")
    # Both schools were in East, with the one and the two incidents of fall.
    assert zones.loc["B", ["schools_before", "schools_after", "incidents_before"]].tolist() == [2, 1, 3]
    assert zones.loc["A", ["schools_before", "schools_after", "incidents_before"]].tolist() == [0, 1, 0]
    assert not zones["has_same_schools"].any()
    assert zones.loc["A", "sentence"] == "The zone had no school in Fall, so there is nothing to compare."
    assert zones.loc["B", "sentence"].endswith("The zone did not have the same schools in both terms.")
    # The kilometer between the schools is now driven: to three incidents over 9 days, and four visits in 5 days.
    chosen = WorkloadSettings()
    trip = chosen.detour_factor / chosen.speed_kph
    alone = 45 / 60 / 9 + 105 / 60 / 9 + 4 * 12 / 60 / 5
    loads = found.loads.set_index("zone_id")
    assert loads.loc["B", "workload_h_before"] == pytest.approx(alone + trip * (3 / 9 + 4 / 5), rel=1e-3)
    assert loads.loc["A", "from_zones_h"] == pytest.approx(45 / 60 / 9 + 12 / 60 / 5)
    assert loads.loc["A", "from_work_h"] == pytest.approx(-45 / 60 / 9)
    assert loads["difference_h"].to_numpy() == pytest.approx((loads["from_zones_h"] + loads["from_work_h"]).to_numpy())


def test_the_change_at_the_same_schools_leaves_out_what_other_schools_bring(busy, tmp_path):
    record(tmp_path / "out", "Fall", {"001": "B", "002": "B", "003": "B"})
    zones = compare_terms(busy, "Fall", "Spring", outputs=tmp_path / "out").rates.set_index("zone_id")
    # East had both schools: 14 over 11,700 student-days, then its own alone, whose 10 became 8.
    assert zones.loc["B", "ratio"] == pytest.approx((8 / 10_000) / (14 / 11_700))
    assert zones.loc["B", "same_schools_ratio"] == pytest.approx((8 / 10_000) / (10 / 9000))
    assert np.isnan(zones.loc["A", "ratio"])
    # Four calls are too few to be a base, here too.
    assert np.isnan(zones.loc["A", "same_schools_ratio"])
    assert zones.loc["A", "same_schools_q_value"] < 0.05


def run_spring(folder, outputs):
    found = run_term(folder, term="Spring 2026", out=outputs, proposes=False, covers=False, protects=False)
    return found.hotspots, outputs / "Spring 2026"


def test_a_run_says_what_changed_at_schools_that_changed_zone(tmp_path):
    # Schools 001 and 002 are elementary schools in zone 1, 006 is one in zone 2; each has as many calls in both terms.
    folder = plan_districts.normal(tmp_path / "town")
    zones = {"001": "2", "002": "1", "003": "1", "004": "1", "005": "2", "006": "2", "007": "2"}
    record(tmp_path / "out", "Spring 2025", zones)
    found, written = run_spring(folder, tmp_path / "out")
    change = found.trends.zone_change
    assert change.schools == {"001": "School 001 Elementary"}
    assert (change.effect.treated, change.effect.comparison) == (("001",), ("002",))
    # 30 calls four times: the variance is 120, and twice its root 21.5.
    told = (
        "1 school changed zone since Spring 2025: School 001 Elementary. At these, against as many schools of their "
        "levels that kept their zone and had about as many reported calls for zone officers in Spring 2025: 0 reported "
        "calls for zone officers more than the comparison leads to expect (95 % interval -21 to 21, two-sided p = "
        "1.000): not clearly more than chance."
    )
    assert told in (written / "hotspots" / "summary.txt").read_text(encoding="utf-8")
    assert told in (written / "maps" / "trends.html").read_text(encoding="utf-8")
    table = pd.read_csv(written / "hotspots" / "zone_change.csv", dtype="str")
    assert table[["before", "schools", "treated", "comparison"]].to_numpy().tolist() == [
        ["Spring 2025", "001", "001", "002"]
    ]
    assert table["sentence"].item() == told
    manifest = json.loads((written / "manifest.json").read_text(encoding="utf-8"))
    assert list(manifest["earlier_outputs"]) == ["Spring 2025/assignments.csv"]
    # The comparison of the two terms says the same of the same schools.
    beside = compare_terms(folder, "Spring 2025", "Spring 2026", outputs=tmp_path / "out")
    assert beside.zone_change == change.effect
    assert beside.zones_sentence().endswith(told.partition("Elementary. ")[2])


@pytest.mark.parametrize("zone_of_001", [None, "1"])
def test_a_run_says_nothing_of_zones_that_did_not_change_or_are_not_known(tmp_path, zone_of_001):
    folder = plan_districts.normal(tmp_path / "town")
    if zone_of_001 is not None:
        zones = {"001": zone_of_001, "002": "1", "003": "1", "004": "1", "005": "2", "006": "2", "007": "2"}
        record(tmp_path / "out", "Spring 2025", zones)
    found, written = run_spring(folder, tmp_path / "out")
    assert found.trends.zone_change is None
    assert not (written / "hotspots" / "zone_change.csv").exists()
    for page in ("hotspots/summary.txt", "maps/trends.html"):
        assert "changed zone" not in (written / page).read_text(encoding="utf-8")


def test_schools_that_changed_zone_without_others_of_their_levels_are_named_alone(tmp_path):
    folder = plan_districts.normal(tmp_path / "town")
    # Every elementary school was in the other zone; the rest were not.
    zones = {"001": "2", "002": "2", "003": "1", "004": "1", "005": "2", "006": "1", "007": "2"}
    record(tmp_path / "out", "Spring 2025", zones)
    found, _ = run_spring(folder, tmp_path / "out")
    assert found.trends.zone_change.effect is None
    assert found.trends.zones_sentence() == (
        "3 schools changed zone since Spring 2025: School 001 Elementary, School 002 Elementary, School 006 Elementary."
    )


def test_zones_and_schools_that_are_gone_or_new_are_reported(folder, tmp_path):
    record(tmp_path / "out", "Fall", {"001": "C", "002": "B", "099": "B"})
    (tmp_path / "out/Fall/workload_zones.csv").write_text(
        "term,zone_id,name\nFall,B,East\nFall,C,Old Town\nFall,D,'=Empty\nSpring,E,Later\n", encoding="utf-8"
    )
    found = compare_terms(folder, "Fall", "Spring", outputs=tmp_path / "out")
    assert found.loads["zone_id"].tolist() == ["A", "B", "C", "D"]
    assert found.loads["name"].tolist() == ["West", "East", "Old Town", "=Empty"]
    assert found.to_frame()["zone_id"].tolist() == ["A", "B", "C", "D"]
    assert found.to_frame()["incidents_before"].tolist()[:3] == [0, 2, 1]
    # B, C and D were the zones of fall; D had no school, and is left out of the mean (assumption A67).
    was = found.loads.set_index("zone_id")["workload_h_before"]
    assert np.isnan(was["A"])
    assert was["D"] == 0
    assert found.imbalances[0] == pytest.approx(was["B"] / was[["B", "C"]].mean() - 1)
    assert "1 school not on that record (003): counted in the zone of today." in found.summary()
    assert "1 school on that record and no longer in the list of schools (099): left out." in found.summary()


@pytest.mark.parametrize("text", ["school_id\n001\n", "school_id,zone_id\n001,A\n001,B\n", "school_id,zone_id\n,A\n"])
def test_a_record_that_cannot_be_used_is_refused(folder, tmp_path, text):
    (tmp_path / "out/Fall").mkdir(parents=True)
    (tmp_path / "out/Fall/assignments.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ColumnError):
        compare_terms(folder, "Fall", "Spring", outputs=tmp_path / "out")


def test_terms_are_put_in_the_order_of_time(folder):
    begun = []
    found = compare_terms(folder, "Spring", "Fall", on_step=begun.append)
    assert (found.term_a.name, found.term_b.name) == ("Fall", "Spring")
    assert "Fall came first" in found.summary()
    assert begun == list(COMPARING_STEPS)


@pytest.mark.parametrize(
    ("terms", "told"), [(("Fall", "Summer"), "Summer"), (("Fall", "Fall"), "with itself"), (("X", "X"), "no such term")]
)
def test_terms_that_cannot_be_compared_are_named(folder, terms, told):
    with pytest.raises(SettingsError, match=told) as error:
        compare_terms(folder, *terms)
    assert "Fall, Spring" in str(error.value)


def test_a_changed_share_of_what_officers_started_is_reported(tmp_path):
    settings = f"{town.SETTINGS}\n[incidents.origins]\nSelf = 'officer_initiated'\nCall = 'reported'\n"
    rows = incidents((10, 10), (20, 10), started=10).replace({"officer_initiated": "Self", "reported": "Call"})
    folder = town.write_town(tmp_path / "town", settings=settings, incidents=rows)
    found = compare_terms(folder, "Fall", "Spring")
    # None of 20, then 10 of 30 incidents; at the first school none of 10, then 10 of 20.
    assert len(found.cautions) == 1
    assert found.cautions[0].startswith(
        "All schools together: Officers started 33% of the calls for zone officers in Spring"
    )
    assert found.rates["incidents_after"].tolist() == [10, 10]


def test_the_share_of_officers_by_hand():
    def counts(*rows):
        return pd.DataFrame(rows, columns=["term", "incidents", "reported"])

    # 0 of 10, then 10 of 10: two of the C(20, 10) = 184,756 tables are as far out.
    told = officer_share_change(counts(("a", 10, 10), ("b", 10, 0)), before="a", after="b")
    assert told.startswith(
        "Officers started 100% of the calls for zone officers in b themselves, and 0% in a (p < 0.001)"
    )
    # 2 of 10, then 3 of 10: p = 1.
    assert officer_share_change(counts(("a", 10, 8), ("b", 10, 7)), before="a", after="b") == ""
    assert officer_share_change(counts(("a", 10, 8)), before="a", after="b") == ""


def test_a_named_change_of_patrol_is_a_caution(busy, monkeypatch):
    import datetime as dt  # noqa: PLC0415
    from dataclasses import replace  # noqa: PLC0415

    from safeschools_geo.term import _compare as term_compare  # noqa: PLC0415

    read = term_compare.read_district

    def with_change(folder):
        district = read(folder)
        change = PatrolChange(start=dt.date(2026, 2, 2), note="Longer hours")
        return replace(district, settings=replace(district.settings, patrol_changes=(change,)))

    monkeypatch.setattr(term_compare, "read_district", with_change)
    assert compare_terms(busy, "Fall", "Spring").cautions == ("Patrol changed on 02 February 2026: Longer hours.",)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ("high", "high", "persisted"),
        ("not_high", "high", "emerged"),
        ("rests_on_officer_initiated", "high", "emerged"),
        ("high", "not_high", "faded"),
        ("high", "rests_on_officer_initiated", "faded"),
        ("high", "insufficient_data", "insufficient_data"),
        ("no_denominator", "high", "insufficient_data"),
        ("insufficient_data", "not_high", "insufficient_data"),
        ("not_high", "not_high", "not_high"),
    ],
)
def test_how_the_status_of_a_school_changes(before, after, change):
    assert status_change(pd.Series([before]), pd.Series([after])).tolist() == [change]


@given(st.lists(st.tuples(*[st.sampled_from(list(HOTSPOT_STATUSES))] * 2), min_size=1))
def test_time_turned_round_turns_what_emerged_into_what_faded(pairs):
    before, after = (pd.Series(side) for side in zip(*pairs, strict=True))
    turned = {"emerged": "faded", "faded": "emerged"}
    assert [turned.get(b, b) for b in status_change(after, before)] == status_change(before, after).tolist()
    assert set(status_change(before, after)) <= set(STATUS_CHANGES)


def side(term, reported, groups, *, statuses=None):
    """Give what was found at five schools, 1,000 student-days and ten expected incidents each."""
    table = pd.DataFrame(
        {
            "term": term,
            "school_id": list("abcde"),
            "zone_id": ["1", "1", "2", "2", ""],
            "incidents": reported,
            "reported": reported,
            "student_days": 1000.0,
            "expected": 10.0,
            "status": statuses or ["not_high"] * 5,
        }
    )
    high = pd.DataFrame(groups, columns=["group_id", "members"], dtype="str")
    return SimpleNamespace(rates=SimpleNamespace(table=table), groups=SimpleNamespace(high=high, scans={0.25: None}))


def changed(before, after):
    tables = [one.rates.table for one in (before, after)]
    schools = term_change(pd.concat(tables), before="T1", after="T2")
    for name, table in zip(("before", "after"), tables, strict=True):
        schools[f"status_{name}"] = table["status"]
        schools[f"ratio_{name}"] = table["reported"] / table["expected"]
        schools[f"zone_{name}"] = table["zone_id"]
    schools = schools.assign(name=schools["school_id"].str.upper())
    schools["status_change"] = status_change(schools["status_before"], schools["status_after"])
    return hotspots_that_changed(before, after, schools)


def test_groups_are_distinguished_by_the_schools_they_share():
    before = side("T1", [40, 12, 10, 10, 30], [("G1", "a;b"), ("G2", "e")])
    after = side("T2", [42, 11, 60, 10, 9], [("G1", "c;d"), ("G2", "a")])
    found = changed(before, after)
    assert found["status_change"].tolist() == ["emerged", "persisted", "faded"]
    assert found["members"].tolist() == ["c;d", "a", "e"]
    assert found["group_before"].tolist() == ["", "G1", "G2"]
    # Of the schools a and b, a is shared.
    assert found["overlap_share"].tolist() == [0.0, 0.5, 0.0]
    assert found["name"].tolist() == ["Two schools in Zone 2", "One school in Zone 1", "One school"]
    # c and d: 20 incidents where 20 were expected, then 70.
    assert found.loc[0, ["of_expected_before", "of_expected_after", "ratio"]].tolist() == [1.0, 3.5, 3.5]
    assert "rose to 3.5 times what it was" in found.loc[0, "sentence"]
    assert found.loc[0, "sentence"].endswith("which makes its change look larger than it is.")
    assert "The difference is not clearly more than chance (1.1 times the rate of before" in found.loc[1, "sentence"]
    assert "fell to 0.30 times" in found.loc[2, "sentence"]


def test_one_group_that_joins_two_persisted_and_neither_of_them_faded():
    before = side("T1", [30, 30, 30, 30, 10], [("G1", "a;b"), ("G2", "c;d")])
    found = changed(before, side("T2", [30, 30, 30, 30, 10], [("G1", "a;b;c;d")]))
    assert found[["status_change", "group_before", "overlap_share"]].to_numpy().tolist() == [
        ["persisted", "G1;G2", 1.0]
    ]


def test_where_no_groups_could_be_looked_for_nothing_is_said_of_them():
    before = side("T1", [10, 10, 10, 10, 10], [])
    before.groups.scans = {}
    found = changed(before, side("T2", [40, 10, 10, 10, 10], [("G1", "a")]))
    assert found["status_change"].tolist() == ["insufficient_data"]
    assert "has too little data to say whether it was high there too" in found.loc[0, "sentence"]


def test_of_a_school_that_emerged_it_is_said_whether_its_rate_clearly_changed():
    before = side("T1", [16, 10, 10, 2, 0], [], statuses=["not_high", *["not_high"] * 4])
    statuses = ["high", "not_high", "not_high", "high", "high"]
    after = side("T2", [25, 10, 10, 2, 20], [], statuses=statuses)
    before.rates.table.loc[3, "status"] = "rests_on_officer_initiated"
    found = changed(before, after).set_index("members")
    assert found.loc["a", "direction"] == "no clear change"
    assert "The difference is not clearly more than chance (1.6 times the rate of before" in found.loc["a", "sentence"]
    assert "In T1 it was high only with what officers started themselves." in found.loc["d", "sentence"]
    assert "The two terms have too few to compare." in found.loc["d", "sentence"]
    assert "The rate rose from none" in found.loc["e", "sentence"]


def test_the_command_writes_page_and_tables_the_same_every_time(busy, tmp_path, capsys):
    out = tmp_path / "out"
    record(out, "Fall", {"001": "B", "002": "B", "003": "B"})
    written = []
    for _ in range(2):
        assert call("compare", "Spring", "Fall", busy, "--out", out, "--json") == 0
        printed = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
        folder = out / "compare" / "Fall and Spring"
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert printed["out"] == folder.as_posix()
    assert printed["terms"] == ["Fall", "Spring"]
    assert printed["counts"]["schools_that_changed_zone"] == 1
    assert written[0] == written[1]
    assert set(written[0]) == {*(f"{name}.csv" for name in TABLES), "compare.html", "summary.txt", "manifest.json"}
    assert printed["summary"] == written[0]["summary.txt"].decode().strip()
    assert "Fall/assignments.csv" in json.loads(written[0]["manifest.json"])["inputs"]
    assert str(tmp_path) not in written[0]["compare.html"].decode()
    assert pd.read_csv(folder / "school_zones.csv", dtype=str)["zone_before"].tolist() == ["B", "B", "B"]


def test_what_cannot_be_compared_is_exit_2_and_writes_nothing(folder, tmp_path, capsys):
    assert call("compare", "Fall", "Winter", folder, "--out", tmp_path / "out") == 2
    assert "there is no term 'Winter'" in capsys.readouterr().err
    assert call("compare", "Fall", "Fall", folder, "--out", tmp_path / "out") == 2
    assert "two different terms are compared" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_demo_says_what_was_planted(tmp_path, capsys):
    # Two schools of zones 8 and 5 had other zones then; the others, which the record does not name, those of today.
    record(tmp_path, "Spring 2025", {"0042930": "7", "0041816": "6"})
    assert call("compare", "Spring 2025", "Spring 2026", "--out", tmp_path) == 0
    told = " ".join(capsys.readouterr().err.split())
    # The planted hotspot of Zone 4 began in Fall 2025.
    assert "Three schools in Zone 4 emerged: high in Spring 2026, not in Spring 2025" in told
    assert "rose by more than chance explains in Zone 4 Quillon Springs" in told
    assert "2 schools changed zone: Bexmoor Elementary, Aldersyke Elementary. At these, against as many" in told
    assert re.search(r"in Spring 2025: \d+ reported calls for zone officers (more|fewer) than the comparison", told)
    html = (tmp_path / "compare" / "Spring 2025 and Spring 2026" / "compare.html").read_text(encoding="utf-8")
    assert "SYNTHETIC DATA" in html
    assert "Confidential – internal use" in html
