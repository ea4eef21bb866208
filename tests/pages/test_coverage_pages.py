"""The pages of coverage in a real browser with the network cut, and what stands in them."""

import re
from types import SimpleNamespace

import coverage_town as made
import map_town
import numpy as np
import pandas as pd
import pytest
from axe import axe_faults
from map_town import HOSTILE
from markupsafe import escape as html_escape
from playwright.sync_api import expect
from test_map_browser import DRAWN

from safeschools_geo.pages._charts import hours_chart, reach_chart, staffing_chart
from safeschools_geo.pages._coverage import backup_table, coverage_map, staging_table, zone_section
from safeschools_geo.pages._coverage_map import MinuteClasses, slowest_zones
from safeschools_geo.pages._page import KeyFigure, change, decimal, interval, share
from safeschools_geo.pages._sheets import _notes, absence_sheet, absences_finding, visits_sheet
from safeschools_geo.results import CoveragePlan

MAPS = ("coverage", "absence")


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Draw every page once."""
    folder = tmp_path_factory.mktemp("coverage")
    return {name: draw().save(folder / f"{name}.html") for name, draw in made.PAGES.items()}


def rows_of(html, caption):
    """Read the table whose caption begins so: the text of each row's cells."""
    table = re.search(rf"<caption[^>]*>{re.escape(caption)}.*?</table>", html, re.DOTALL)[0]
    rows = re.findall(r"<tr(.*?)</tr>", table, re.DOTALL)[1:]
    return [
        [re.sub(r"<.*?>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)]
        for row in rows
    ]


@pytest.mark.browser
@pytest.mark.parametrize("name", made.PAGES)
def test_a_page_draws_small_and_asks_for_nothing(browser_page, files, name):
    page = browser_page.open(files[name])
    if name in MAPS:
        page.wait_for_selector(DRAWN)
    assert browser_page.requests == []
    assert browser_page.errors == []
    assert page.evaluate("window.hacked") is None
    expect(page.get_by_text("Confidential – internal use")).to_be_visible()
    expect(page.get_by_text("SYNTHETIC DATA").first).to_be_visible()
    assert files[name].stat().st_size < 1_000_000


@pytest.mark.browser
@pytest.mark.parametrize("name", made.PAGES)
def test_axe_finds_nothing_wide_or_narrow(browser, files, name):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    tab = context.new_page()
    for width in (1280, 320):
        tab.set_viewport_size({"width": width, "height": 800})
        tab.goto(files[name].as_uri())
        if name in MAPS:
            tab.wait_for_selector(DRAWN)
        assert axe_faults(tab) == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
    # On a phone a wide table scrolls in its frame; what it is of can be read without.
    ends = tab.evaluate("[...document.querySelectorAll('caption')].map(c => c.getBoundingClientRect().right)")
    assert max(ends, default=0) <= 320
    context.close()


@pytest.mark.browser
def test_the_keyboard_finds_what_a_click_says(browser_page, files):
    browser_page.page.emulate_media(reduced_motion="reduce")
    page = browser_page.open(files["coverage"])
    page.wait_for_selector(DRAWN)
    choice = page.get_by_label("Find a zone, an officer or a school")
    choice.focus()
    page.keyboard.type("West")
    expect(page.get_by_role("status")).to_contain_text("Until an officer is there, as recorded: 6.3 min on average")
    expect(page.locator(".leaflet-popup")).to_contain_text("West")
    choice.select_option(label=HOSTILE)
    expect(page.get_by_role("status")).to_contain_text("Within 5 min, by the model: 50.0% of calls")
    choice.select_option(index=0)
    expect(page.get_by_role("status")).to_be_empty()
    page.locator("path.leaflet-interactive").last.click(force=True)
    expect(page.locator(".leaflet-popup-content")).to_contain_text("S-10, waiting point now")


@pytest.mark.browser
def test_labels_name_zones_and_officers(browser_page, files):
    page = browser_page.open(files["coverage"])
    page.wait_for_selector(DRAWN)
    assert page.locator(".mark-label").all_text_contents() == ["S-2 best", "S-2", "S-10"]
    assert page.locator(".zone-label.heaviest").inner_text().split("\n") == ["West", "6.3 min", "the longest"]
    page = browser_page.open(files["absence"])
    page.wait_for_selector(DRAWN)
    assert page.locator(".mark-number").all_text_contents() == ["1"]


@pytest.mark.browser
@pytest.mark.parametrize("name", made.PAGES)
def test_the_facts_stand_without_javascript(browser, files, name):
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(files[name].as_uri())
    assert tab.locator("table").first.is_visible()
    if name in MAPS:
        expect(tab.locator("#map-missing svg")).to_be_visible()
        expect(tab.locator(".map-box")).to_be_hidden()
        expect(tab.locator("#finder")).to_be_hidden()
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["absence", "visits"])
def test_a_sheet_prints_on_one_page_with_a_map_that_stays(browser_page, files, name):
    page = browser_page.open(files[name])
    if name in MAPS:
        page.wait_for_selector(DRAWN)
    for paper in ("A4", "Letter"):
        assert len(re.findall(rb"/Type\s*/Page[^s]", page.pdf(format=paper))) == 1
    page.emulate_media(media="print")
    expect(page.get_by_text("Confidential – internal use")).to_be_visible()
    if name in MAPS:
        expect(page.locator("#map-missing svg")).to_be_visible()
        expect(page.locator(".map-box")).to_be_hidden()


def test_text_from_data_is_never_markup():
    for draw in made.PAGES.values():
        html = draw().html
        assert "<script>window.hacked" not in html
        assert "\u05e4\u05e8 </script>" not in html
        assert "{{ 7 * 7 }}" in html
    # Text that is written from right to left, or pretends to be, stays in its own cell.
    assert 'dir="auto">\u202e' in re.sub(r'dir="auto">\s+', 'dir="auto">', made.visits().html)


def test_the_same_frames_give_the_same_page_and_stay_as_they_were():
    given = {name: getattr(made, name)() for name in ("by_zone", "by_school", "staging", "reach", "staffing")}
    assert made.coverage(**given).html == made.coverage().html
    for name, frame in given.items():
        pd.testing.assert_frame_equal(pd.DataFrame(frame), pd.DataFrame(getattr(made, name)()))


def test_every_table_of_coverage_is_printed():
    html = made.coverage().html
    zones = rows_of(html, "Zones, as recorded: minutes")
    assert zones[0] == ["West", "S-2", "1", "2.0", "6.3", "9.0", "50.0%", "87.5%", "12.0%", "0.5%", "12.5%"]
    assert zones[1][5] == "–"
    assert zones[1][-1] == "&lt;0.1%"
    assert [row[0] for row in rows_of(html, "Schools, by the model: minutes")][1] == "Plain Street"
    helps = rows_of(html, "By the model, of the calls of each zone")
    assert helps == [["West", "88.0%", "12.0%"], ["East", "0.1%", "99.9%"]]
    assert rows_of(html, "Reached in time by the ways")[1] == ["Schools within 5 min", "60.0%", "80.0%", "–", "30.0%"]
    assert rows_of(html, "Waiting points")[0][4:] == ["Fire station", "2.0"]
    assert rows_of(html, "The hours of the day")[2] == ["9:00", "0.0", "0.0%", "–", "–"]
    assert rows_of(html, "By the model: coverage with each number")[1][:4] == ["2 (today)", "0.5%", "5.0", "9.0"]
    assert rows_of(html, "Threat assessments by term")[1][-1] == "−25.0%"


def test_a_dash_is_explained_where_there_is_one():
    html = made.coverage().html
    assert "too few calls of it are recorded with what it takes" in html
    assert "no call came from there, or no officer can answer one or get there" in html
    assert "the settings name no cost of an officer-hour" in html
    assert "it was not worked out how far chance" in html
    known = made.comparison().fillna(0.0)
    assert "it was not worked out how far chance" not in made.coverage(comparison=known).html
    assert "1 school without a place on record" in html


def test_what_differs_from_the_record_is_said_first():
    html = made.coverage().html
    warning = "Before you rely on this: model and record differ. Officers busy with calls: record 20.0%, model 10.0%."
    assert html.index(warning) < html.index("How soon an officer is there</h2>")
    found = rows_of(html, "Record, and the model beside it, all zones together")
    # The record stands before the model.
    assert found[0][3:6] == ["20.0%", "15.0% to 25.0%", "10.0%"]
    assert [row[6] for row in found] == ["differs", "agrees", "not reported"]
    assert rows_of(html, "Record, and the model beside it, zone by zone")[0][0] == "West"
    agreed = made.coverage(validation=made.validation(differs=False)).html
    assert "Model and record agree, as far as the record tells, on: another zone’s officer answers; officers" in agreed
    alone = made.coverage(validation=made.validation().iloc[:0], comparison=pd.DataFrame()).html
    assert "could not be checked against a record" in alone
    assert "the model beside it" not in alone


def test_the_figures_above_the_page_are_those_given():
    html = made.coverage(figures=[KeyFigure("Until an officer is there", "5.8 min", "recorded, 5.5 to 6.2 min")]).html
    assert '<dd>5.8 min</dd><dd class="more">recorded, 5.5 to 6.2 min</dd>' in html
    assert html.index('class="figures"') < html.index("Where officers should wait</h2>")


def test_zones_that_print_alike_are_the_longest_together():
    tied = made.by_zone().assign(response_min=[6.32, 6.28])
    assert slowest_zones(tied) == []
    three = pd.concat([tied, made.by_zone().iloc[:1].assign(zone_id="C", name="Far", response_min=2.0)])
    assert slowest_zones(three) == ["A", "B"]
    section = zone_section(three)
    assert "West and East have the longest mean response, alike as printed, 6.3 minutes." in section.lead
    assert section.tables[0].marked == {0, 1}
    alone = zone_section(made.by_zone()).lead
    assert "West has the longest mean response, 6.3 minutes." in alone
    assert "longest" not in zone_section(tied).lead


def test_what_may_not_be_published_has_no_column_and_no_picture():
    unshown = ["response_min", "response_p90_min", "within_share"]
    html = made.coverage(
        by_zone=made.by_zone().assign(**dict.fromkeys([*unshown, "overflow_share"], np.nan)),
        by_school=made.by_school().assign(**dict.fromkeys(unshown, np.nan)),
        by_hour=made.by_hour().assign(response_min=np.nan, overflow_share=np.nan),
        staffing=made.staffing().assign(mean_response_min=np.nan, p90_response_min=np.nan, overflow_share=np.nan),
        staging=made.staging().assign(mean_min=np.nan),
        reach=made.reach().assign(now_share=np.nan, best_share=np.nan, now_twice_share=np.nan, best_twice_share=np.nan),
        backup=made.backup() * np.nan,
        reached=None,
        comparison=pd.DataFrame(),
        validation=made.validation().iloc[:0],
    ).html
    assert "min on average" not in html
    assert "Minutes, mean" not in html
    assert "Within 5 min" not in html
    assert "Who comes when" not in html
    assert "Reached in time" not in html
    assert [row[:2] for row in rows_of(html, "By the model: coverage with each number")][1] == ["2 (today)", "10.0%"]


def test_what_a_plan_worsens_stands_out():
    html = made.coverage().html
    assert rows_of(html, "By the model: current and proposed zones;") == [
        ["Response, mean", "minutes", "5.0", "5.4", "+0.4", "+0.2 to +0.6", "WORSE"],
        ["Backup", "share of calls", "10.0%", "8.0%", "−2.0", "−3.0 to −1.0", "better"],
        ["Overflow to patrol", "share of calls", "0.5%", "0.5%", "0.0", "–", "no difference"],
    ]
    assert '<tr class="marked"><th scope="row" dir="auto">Response, mean</th>' in re.sub(
        r">\s+|\s+<", lambda m: m[0].strip(), html
    )


def test_an_officer_who_waits_where_it_is_best_has_one_sign():
    html = made.coverage().html
    assert "Waits at the best place now" in html
    assert "From now to best" in html
    east = made.staging().iloc[2:]
    assert "From now to best" not in made.coverage(staging=east).html


def test_a_page_without_points_hours_or_figures_is_a_page_all_the_same():
    nothing = made.by_zone().assign(response_min=np.nan), made.by_school().assign(response_min=np.inf)
    html = made.coverage(
        by_zone=nothing[0],
        by_school=nothing[1],
        staging=made.staging().iloc[:0],
        by_hour=made.by_hour().iloc[:0],
        reach=made.reach().iloc[2:],
        staffing=made.staffing().drop(columns=["cost", "busy_share_mean"]),
        bare=True,
    ).html
    assert "Zone of which the record does not say" in html
    assert "No hour is known." in html
    assert "Students within" not in html
    assert "Cost a term" not in html


def test_where_there_is_no_coverage_pages_say_why():
    nothing = map_town.result(coverage=CoveragePlan.nothing("There are no calls."))
    for page in (coverage_map(nothing), absence_sheet(nothing), visits_sheet(nothing)):
        assert "There are no calls." in page.html


def test_the_sheet_says_who_covers_what():
    html = made.absence().html
    assert '<h1 dir="auto">Officer S-2 (West) absent: who covers what</h1>' in html
    assert "S-10 takes 1 school" in html
    assert rows_of(html, "Of East")[0][2:] == ["Elementary", "+1.8", "3.00"]
    assert rows_of(html, "This day (usually)") == [
        ["East", "S-10", "3\u00a0(2)", "2.3\u00a0(1.0)", "20.0%\u00a0(10.0%)"]
    ]
    assert "<dd>+2.3 min</dd>" in html
    assert "against a usual day, when the record says 5.0 min (4.0 to 6.0 min)" in html
    assert '<dd>+19.5 points</dd><dd class="more">against a usual day</dd>' in html


def test_a_sheet_without_zones_of_the_day_or_changes_is_a_sheet_all_the_same():
    nothing = {"schools": made.takeover().iloc[:0], "loads": made.loads().iloc[:0]}
    html = made.absence(has_plan=False, absent=("A", "B"), **nothing).html
    assert "Officers S-2 (West) and S-10 (East) absent" in html
    assert "No school changes hands." in html
    assert "No officer of its own this day" in html


def test_cases_are_sorted_by_officer_and_linked():
    html = made.absences().html
    assert [row[0] for row in rows_of(html, "One officer absent")] == ["S-2", "S-10"]
    assert [row[0] for row in rows_of(html, "Two officers absent")] == ["S-2 and S-9", "S-2 and S-10"]
    assert rows_of(html, "Mean minutes more than") == [
        ["S-2", "+1.3", "+3.0", "–"],
        ["S-9", "+3.0", "", ""],
        ["S-10", "–", "", "+0.5"],
    ]
    assert set(re.findall(r'href="(absence/[^"]*)"', html)) == {
        *("absence/S-2.html", "absence/S-10.html", "absence/%3F%23.html", "absence/a%20b.html")
    }
    assert 'aria-label="S-2 and S-9 absent: +3.0 min"' in html
    assert "nobody is left to answer" in html


def test_cases_of_one_officer_need_no_cross_table():
    html = made.absences(cases=made.cases().iloc[[1, 3]]).html
    assert "Look up who is absent" not in html
    assert "There is no case" in made.absences(cases=made.cases().iloc[:0]).html


def test_visits_stand_day_by_day_in_their_order():
    html = made.visits().html
    assert '<h1 dir="auto">Visits of S-10, East: Week 3</h1>' in html
    assert re.findall(r'rowgroup"[^>]*>([^<]*)<', html) == ["Monday – 2 visits", "Tuesday – 1 visit"]
    assert re.findall(r'class="time">([^<]*)<', html) == ["07:40–07:52", "14:45–14:57", "11:30–11:42"]
    assert rows_of(html, "What schools do not get") == [[html_escape(HOSTILE), "Visits", "2", "1", "no time"]]
    assert "Every school gets what is wanted." in made.visits(unmet=made.unmet().iloc[:0]).html


def test_a_week_without_visits_is_a_page_all_the_same():
    assert "No visit is planned this week." in made.visits(table=made.stops().iloc[:0]).html


def test_figures_are_rounded_half_up_and_signed():
    assert [decimal(v) for v in (0.25, 0.35, -0.04, -1.25, np.inf, None)] == ["0.3", "0.4", "0.0", "−1.3", "–", "–"]
    assert [share(v) for v in (0.0625, 0.0, 0.0004, -0.02, np.nan)] == ["6.3%", "0.0%", "<0.1%", "−2.0%", "–"]
    assert [change(v, "share") for v in (0.021, -0.021, 0.0, 0.00001)] == ["+2.1", "−2.1", "0.0", "0.0"]
    assert interval(np.nan, 2.0, decimal) == "–"


def test_classes_of_minutes_have_round_edges_and_hold_all():
    # Quintiles of 0 … 10 are 2, 4, 6 and 8, which are round.
    classes = MinuteClasses.of(np.array([*np.arange(11.0), np.nan, np.inf]))
    assert classes.edges == (2.0, 4.0, 6.0, 8.0)
    assert [classes.place(m) for m in (0.0, 1.99, 2.0, 100.0, np.nan)] == [0, 0, 1, 4, None]
    assert [item.label for item in classes.legend()][::4] == ["below 2", "8 or more"]
    assert [item.label for item in MinuteClasses.of(np.array([4.2, 4.2])).legend()] == ["4.2 to 4.2"]
    assert MinuteClasses.of(np.array([np.nan])).legend() == []


def test_the_backup_table_frames_the_own_officer_and_shades_by_share():
    table = backup_table(made.backup(), {"A": "West"}, {"A": "S-2"})
    assert table.columns == ("Call from", "S-2", "B")
    assert table.bold == {(0, 1), (1, 2)}
    assert table.shades == {(0, 1): 4, (0, 2): 3, (1, 1): 0, (1, 2): 4}


def test_a_waiting_point_that_is_known_on_one_side_only_is_printed():
    table = staging_table(made.staging().iloc[:1], {"A": "West"})
    assert table.rows == (("S-2", "West", HOSTILE, "4.0", "–", "–"),)


def test_charts_say_what_is_not_known():
    hours = hours_chart(made.by_hour(), title="Hours")
    assert hours.count("–") == 2
    assert "9:00" in hours
    assert "not known" in reach_chart(made.reach(), title="Reach", ending="_twice_share", who={"schools": "Schools"})
    assert ">today<" in staffing_chart(made.staffing(), title="Staffing")
    assert ">today<" not in staffing_chart(made.staffing().iloc[:0], title="Staffing")


def test_single_and_double_coverage_are_mapped():
    html = made.coverage().html
    told = "1 school by no officer, 0 by one, 1 by two or more"
    assert f"By the ways on the map, reached within 5 minutes where officers wait today: {told}" in html
    assert "from the best points: 0 schools by no officer, 2 by one, 0 by two or more" in html
    assert "by no officer" not in made.coverage(reached=None).html


@pytest.mark.parametrize(("changes", "is_explained"), [((0.01, -0.002), True), ((0.01, 0.0), False)])
def test_that_an_absence_looks_like_a_gain_is_explained(changes, is_explained):
    found = SimpleNamespace(
        validation=SimpleNamespace(mark=lambda *_: "by the model"),
        usual_day=SimpleNamespace(about_empty_zones=str),
        absences=[SimpleNamespace(change=lambda _, by=by: by) for by in changes],
        finding=str,
    )
    assert any("is no gain of an absence" in note for note in _notes(found)) is is_explained


@pytest.mark.parametrize(
    ("longest", "whose"), [("1", "zone 1"), ("123", "zone 1 or 2 or 3"), ("1234", "that of any of 4 zones")]
)
def test_who_is_missed_most_is_named_as_long_as_that_is_few(longest, whose):
    cases = [
        SimpleNamespace(absent=(zone,), change=lambda _, zone=zone: 0.5 if zone in longest else 0.1)
        for zone in "123456789"
    ]
    validation = SimpleNamespace(figure=lambda _: SimpleNamespace(is_recorded=False))
    said = absences_finding(SimpleNamespace(absences=cases, validation=validation))
    assert said == (
        "9 sheets for the morning when an officer is absent. The model says that one absence makes the mean response "
        f"at most 0.5 min longer ({whose})."
    )
