"""The chapters on plan, coverage, method, and the glossary: every sentence and figure, in both languages."""

import re
import tomllib
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from string import Formatter

import board_town
import numpy as np
import pandas as pd
import pytest
import town
from axe import axe_faults
from checkout import ROOT

from safeschools_geo.board._chapters import coverage_part, glossary_part, method_part, plan_part
from safeschools_geo.board._charts import ChartRow, Sign, plan_maps, row_chart
from safeschools_geo.board._tables import LANGUAGES, decimals_of, words
from safeschools_geo.disclosure._policy import load_policy, policy_names
from safeschools_geo.schemas import CRITICAL_CATEGORIES, LEVELS, ORIGINS

BOARD = ROOT / "safeschools_geo" / "board"
WORDS = BOARD / "languages"
SECTIONS = ["plan", "coverage", "method", "glossary"]
PARTS = {"plan": plan_part, "coverage": coverage_part, "method": method_part, "glossary": glossary_part}
EN, ES = words("en"), words("es")
VOID = {"br", "meta", "img", "hr", "input", "link"}


class Reader(HTMLParser):
    """Reads a body as people do: tables as rows of text, and all else as text."""

    def __init__(self):
        super().__init__()
        self.tables, self.ids, self.words, self.open = [], [], [], []
        self.cell = None

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id"]
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"th", "td"}:
            self.cell = []

    def handle_startendtag(self, tag, attrs):
        if tag not in VOID:
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        if tag in {"th", "td"}:
            self.tables[-1][-1].append(" ".join("".join(self.cell).split()))
            self.cell = None

    def handle_data(self, data):
        if "svg" in self.open:
            return
        self.words.append(data)
        if self.cell is not None:
            self.cell.append(data)


def read(part):
    reader = Reader()
    reader.feed(str(part.body))
    reader.close()
    assert reader.open == []
    reader.text = " ".join("".join(reader.words).split())
    return reader


def with_plan(**changes):
    told = board_town.content()
    return replace(told, plan=replace(told.plan, **changes))


def with_coverage(**changes):
    told = board_town.content()
    return replace(told, coverage=replace(told.coverage, **changes))


def entries(lang, section):
    return tomllib.loads((WORDS / lang / f"{section}.toml").read_text(encoding="utf-8"))


# Words


@pytest.mark.parametrize("section", [*SECTIONS, "common"])
def test_both_languages_say_the_same_with_the_same_blanks(section):
    english, spanish = entries("en", section), entries("es", section)

    def blanks(text):
        return {name for _, name, _, _ in Formatter().parse(text) if name}

    assert english.keys() == spanish.keys()
    for key, text in english.items():
        assert text.strip()
        assert spanish[key].strip()
        assert blanks(text) == blanks(spanish[key]), key


@pytest.mark.parametrize("section", SECTIONS)
def test_spanish_is_not_english_that_was_left_standing(section):
    english, spanish = entries("en", section), entries("es", section)
    same = {key for key in english if english[key] == spanish[key]}
    assert same <= {"chart_row", "exactly", "table_of", "term_5150", "share"}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_category_origin_and_level_has_a_name_in_each_language(lang):
    told = words(lang)
    assert all(told(f"common.category_{name}") for name in CRITICAL_CATEGORIES)
    assert all(told(f"common.origin_{name}") for name in [*ORIGINS, "unknown"])
    assert all(told(f"common.{name}") for name in LEVELS)


def test_every_text_of_these_chapters_is_used():
    code = "".join(
        path.read_text(encoding="utf-8")
        for section in ["plan", "coverage", "method"]
        for path in (BOARD / "_chapters.py", BOARD / "templates" / f"{section}.html.j2")
    )
    made = ("record_", "limit_", "source_", "enrolled_", "map_", "setting_")
    for section in ["plan", "coverage", "method"]:
        for key in entries("en", section):
            is_named = f"{section}.{key.removesuffix('_one')}" in code
            # A chapter has its title by its name.
            assert is_named or key == "title" or key.startswith(made), f"{section}.{key}"


# All chapters


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", PARTS)
def test_a_chapter_has_a_title_a_lead_and_ids_of_its_own(name, lang):
    part = PARTS[name](board_town.content(), words(lang))
    found = read(part)
    assert part.name == name
    assert part.title
    assert part.lead
    assert found.ids
    assert all(i.startswith(f"{name}-") for i in found.ids)
    assert len(set(found.ids)) == len(found.ids)
    assert set(re.findall(r'aria-labelledby="([^"]*)"', part.body)) <= set(found.ids)
    assert "<h1" not in part.body
    assert "{" not in found.text
    assert "nan" not in found.text.lower().split()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_same_content_gives_the_same_bytes(lang):
    for build in PARTS.values():
        assert build(board_town.content(), words(lang)) == build(board_town.content(), words(lang))


@pytest.mark.parametrize("name", ["plan", "coverage"])
def test_without_a_plan_or_coverage_there_is_no_chapter(name):
    assert PARTS[name](board_town.content(bare=True), EN) is None


@pytest.mark.parametrize("name", ["method", "glossary"])
def test_method_and_glossary_do_without_plan_and_coverage(name):
    assert PARTS[name](board_town.content(bare=True), ES).body


HOSTILE = [
    *("</script><script>alert(1)</script>", "</title><b>x</b>", "\"'><img src=x onerror=alert(1)>"),
    *("Zone \u202e \u2067 RTL \u0007", "{{ 7 * 7 }} {0} {n}", "A" * 10_000, ""),
]


@pytest.mark.parametrize("name", HOSTILE, ids=lambda text: text[:12])
@pytest.mark.parametrize("part", PARTS)
def test_names_from_data_stay_text(part, name):
    told = board_town.content()
    renamed = replace(
        told,
        zones=told.zones.assign(name=name),
        schools=told.schools.assign(name=name),
        plan=replace(told.plan, moves=told.plan.moves.assign(name=name), loads=told.plan.loads.assign(name=name)),
        coverage=replace(told.coverage, zones=told.coverage.zones.assign(name=name)),
        method={name: name},
        changes=told.changes.assign(before=name, after=name),
    )
    body = PARTS[part](renamed, EN).body
    assert "<script" not in body
    assert "<img" not in body
    assert "<b>" not in body
    found = read(PARTS[part](renamed, EN))
    if part != "glossary":
        assert " ".join(name.split()) in found.text
    # Pictures have room for a few letters.
    assert not re.search(r"<text[^>]*>[^<]{100}", body)


def test_names_of_the_district_are_kept_apart_from_the_language_of_the_page():
    body = plan_part(board_town.content(), ES).body
    assert "<bdi>Zephrin Middle</bdi>" in body
    assert "<bdi>East</bdi>" in body


@pytest.mark.parametrize("name", PARTS)
def test_pictures_look_the_same_in_every_printer(name):
    body = PARTS[name](board_town.content(), EN).body
    for bad in ("<pattern", "<mask", "<filter", "paint-order", "currentColor", "var(", "<details", " style="):
        assert bad not in body
    for svg in re.findall(r"<svg[^>]*>", body):
        assert 'aria-hidden="true"' in svg or re.search(r'role="img" aria-labelledby="[a-z-]+"', svg)
        assert "font-family=" in svg


# Plan


def test_the_lead_says_how_many_schools_move_and_what_it_brings():
    # The town: 1 school of 6; East is 35 % above the mean today, and North 25 % off it under the plan.
    assert plan_part(board_town.content(), EN).lead == (
        "1 of 6 schools would change patrol zone. The officers’ work would be more even: today the zone farthest from "
        "the average is about 35% away from it; under the proposal it would be about 25%. What it would do to the time "
        "until an officer comes was not worked out."
    )
    assert plan_part(board_town.content(), ES).lead.startswith("1 de 6 escuelas cambiaría de zona de patrullaje. ")


def test_several_schools_are_spoken_of_as_several():
    moves = board_town.plan().moves
    two = with_plan(moves=pd.concat([moves, moves], ignore_index=True))
    assert plan_part(two, EN).lead.startswith("2 of 6 schools would change patrol zone.")
    assert plan_part(two, ES).lead.startswith("2 de 6 escuelas cambiarían de zona de patrullaje.")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (0.25, 0.25, "about as even as today"),
        (0.2, 0.25, "about as even as today"),
        (np.nan, np.nan, "is withheld"),
        (0.25, np.nan, "is withheld"),
        # Rounded to 5 %, 25 % and 20 % may be 23 % and 22 %.
        (0.25, 0.20, "rounded too coarsely to tell"),
    ],
)
def test_no_gain_is_claimed_that_the_figures_do_not_show(before, after, told):
    lead = plan_part(with_plan(imbalance_before=before, imbalance_after=after), EN).lead
    assert told in lead
    assert "more even" not in lead


@pytest.mark.parametrize(("step", "told"), [(0.05, "35% away"), (0.025, "35.0% away"), (0.001, "35.0% away")])
def test_shares_have_the_decimals_that_their_step_needs(step, told):
    assert told in plan_part(with_plan(step=step), EN).lead


def test_a_step_as_coarse_as_the_gain_shows_no_gain():
    # In truth 35 % and 13 %, which are 50 % and 0 % to the nearest half.
    lead = plan_part(with_plan(step=0.5, imbalance_before=0.5, imbalance_after=0.0), EN).lead
    assert "rounded too coarsely to tell" in lead
    assert "50%" not in lead


PRICED = {
    "is_response_known": True,
    "step_min": 1.0,
    "minutes": {"mean": (4.0, 4.0, 4.0), "p90": (8.0, 10.0, 9.0)},
    "within": (0.7, 0.65, 0.7),
    "directions": {"mean": "up", "p90": "up", "within": "down"},
    "students_moved": 457,
    "levels_lost": (("C", "high"),),
    "feeders_split": ("Quorndale High",),
    "empty_zones": ("E",),
}


def test_a_plan_is_reported_with_its_price():
    part = plan_part(with_plan(**PRICED), EN)
    p90 = "are reached: by the model about 2 min longer than today with officers where they wait today, and about 1 min"
    text = read(part).text
    assert p90 in part.lead
    assert p90 in text
    lake, east = (board_town.zones().set_index("zone_id")["name"][z] for z in "CE")
    assert f"{lake} would lose its last school of this level: High." in part.lead
    assert "divided between zones: Quorndale High." in part.lead
    assert part.lead.startswith(f"{east} has no school of the program and is left out of the comparison")
    # What rounding hides is reported in words, for it is a cost.
    assert (
        "on average: by the model no longer (in rounded figures) than today, with officers where they wait today and"
        in text
    )
    assert "It would be a little longer, by less than the rounding can show." in text
    assert "Calls reached within 5 minutes: by the model about 5 percentage points fewer than today with" in text
    assert "minutes today" not in text
    assert "457 students would have another zone officer at their school." in text
    spanish = plan_part(with_plan(**PRICED), ES).lead
    assert "según el modelo, unos 2 min más que hoy si los agentes esperan donde esperan hoy" in spanish
    assert "perdería su última escuela de este nivel: Preparatoria." in spanish


def test_a_price_that_cannot_be_given_is_said_to_be_so():
    withheld = plan_part(with_plan(is_response_known=True), EN).lead
    assert "What it would do to the time until an officer comes is withheld" in withheld
    assert "was not worked out" in plan_part(board_town.content(), EN).lead


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"proof_of": "moves"}, "no plan which moves fewer schools"),
        ({"proof_of": "disputed", "is_proven": False}, "leaves open which schools’ areas border each other"),
        ({"moves_allowed": 8}, "no plan which moves at most 8 schools"),
    ],
)
def test_what_is_proven_is_said_of_what_it_was_proven_of(changed, told):
    text = read(plan_part(with_plan(**changed), EN)).text
    assert told in text
    assert "Hardly" not in text


def test_a_plan_in_which_nobody_waits_longer_is_compared_with_such_plans_alone():
    free = read(plan_part(with_plan(moves_allowed=8), EN)).text
    assert "(such as schools that stay where they are) brings" in free
    assert "nobody waits longer" not in free
    held = read(plan_part(with_plan(moves_allowed=8, no_slower=True), EN)).text
    assert "(such as schools that stay where they are, and that nobody waits longer) brings" in held
    assert "Only plans were looked at in which nobody waits longer" in held
    assert "more even" not in held.split("Only plans were looked at")[1]
    both = read(plan_part(with_plan(no_slower=True, others_are_more_even=True), EN)).text
    assert "were set aside, though some of them are more even" in both
    spanish = read(plan_part(with_plan(moves_allowed=8, no_slower=True), ES)).text
    assert "(como las escuelas que se quedan donde están, y que nadie espere más) acerca" in spanish


def test_students_who_are_not_counted_are_said_not_to_be():
    assert "theirs are not counted" not in read(plan_part(with_plan(students_moved=300), EN)).text
    text = read(plan_part(with_plan(students_moved=300, lacks_students=True), EN)).text
    assert "Of some of these schools the number of students is not known: theirs are not counted." in text


def test_the_tables_of_a_plan_say_who_moves_and_what_becomes_of_each_zone():
    moves, loads = read(plan_part(board_town.content(), EN)).tables
    assert moves == [
        ["School", "Grade level", "Zone today", "Proposed zone", "On the maps"],
        ["Zephrin Middle", "Middle", "East", "Lake", "1"],
    ]
    assert loads[0] == ["Zone", "Schools", "Students", "Workload, share of the average"]
    assert loads[1] == ["Today", "Proposed"] * 3
    assert loads[2:] == [
        ["West", "1", "1", "300", "300", "110%", "110%"],
        ["East", "2", "1", "not known", "1,000", "135%", "120%"],
        ["North", "1", "1", "500", "500", "withheld", "withheld"],
        ["South", "1", "1", "400", "400", "75%", "75%"],
        ["Lake", "1", "2", "600", "not known", "90%", "105%"],
    ]


def test_a_plan_says_what_it_leaves_alone_and_why_loads_are_rounded():
    text = read(plan_part(board_town.content(), EN)).text
    assert "This is a proposal. Nothing is decided." in text
    assert "attendance areas, bus routes" in text
    assert "Workloads are rounded to steps of 5% of the average, so that nobody can work out" in text
    assert "The workload of a zone is withheld where" in text
    whole = board_town.plan().loads.fillna({"load_before": 0.9, "load_after": 0.9})
    assert "The workload of a zone is withheld" not in read(plan_part(with_plan(loads=whole), EN)).text


def test_loads_that_no_rounding_makes_safe_are_left_out_and_the_reason_said():
    loads = board_town.plan().loads.assign(load_before=np.nan, load_after=np.nan)
    hidden = with_plan(step=np.nan, imbalance_before=np.nan, imbalance_after=np.nan, loads=loads)
    part = plan_part(hidden, EN)
    found = read(part)
    assert "no rounding would have kept the small counts of single schools" in found.text
    assert "plan-chart" not in part.body
    assert found.tables[1][0] == ["Zone", "Schools", "Students"]
    assert found.tables[1][2] == ["West", "1", "1", "300", "300"]
    assert "%" not in found.text


@pytest.mark.parametrize(
    ("is_proven", "told", "unshown"),
    [
        (True, "it is proven by calculation that no plan which moves at most 1 school,", "not proven"),
        (False, "That there is none is not proven.", "proven by calculation"),
    ],
)
def test_a_plan_is_called_proven_only_where_it_is(is_proven, told, unshown):
    text = read(plan_part(with_plan(is_proven=is_proven), EN)).text
    assert told in text
    assert unshown not in text


def test_a_plan_without_moves_says_so():
    part = plan_part(with_plan(moves=board_town.plan().moves.iloc[:0]), EN)
    assert part.lead == "No school would change patrol zone."
    assert "plan-map" not in part.body
    assert "No school would change zone." in read(part).text
    assert "Could another plan be better?" not in part.body


def test_a_school_without_a_place_is_in_the_table_and_not_on_the_maps():
    told = board_town.content()
    unplaced = replace(told, schools=told.schools.set_geometry(told.schools.geometry.where(told.schools.index != 2)))
    part = plan_part(unplaced, EN)
    assert read(part).tables[0][1][-1] == "no location"
    assert "<circle" not in part.body.split("</figure>")[0]


def test_marks_of_schools_are_not_taken_for_zones():
    # The town's zones are A to E, so that schools have numbers; numbered zones leave the letters to schools.
    told = board_town.content()
    numbers = dict(zip("ABCDE", "12345", strict=True))
    plan = told.plan
    numbered = replace(
        told,
        zones=told.zones.assign(zone_id=told.zones["zone_id"].map(numbers)),
        plan=replace(
            plan,
            zones=plan.zones.assign(zone_id=plan.zones["zone_id"].map(numbers)),
            moves=plan.moves.assign(zone_before="2", zone_after="5"),
            loads=plan.loads.assign(zone_id=plan.loads["zone_id"].map(numbers)),
        ),
    )
    assert read(plan_part(told, EN)).tables[0][1][-1] == "1"
    assert read(plan_part(numbered, EN)).tables[0][1][-1] == "A"


def test_both_maps_color_a_zone_alike_and_surround_what_moves():
    before, after = re.findall(r"<figure.*?</figure>", plan_part(board_town.content(), EN).body, flags=re.DOTALL)[:2]
    fills = [re.findall(r'fill="(#[0-9a-f]{6})" fill-opacity', svg) for svg in (before, after)]
    assert fills[0] == fills[1]
    assert len(set(fills[0])) == 5
    dashed = [re.findall(r'<path d="([^"]*)" fill="none"[^>]*dasharray', svg) for svg in (before, after)]
    assert dashed[0] == dashed[1]
    assert len(dashed[0]) == 1
    # 400 m × 1,000 m of a town of 3,000 m in a picture 344 wide: about 114.7 × 45.9, less the tilt of the projection.
    corners = np.array([[float(x) for x in point.split(",")] for point in re.findall(r"[\d.]+,[\d.]+", dashed[0][0])])
    wide, tall = np.ptp(corners, axis=0)
    assert wide == pytest.approx(114.7, abs=2)
    assert tall == pytest.approx(45.9, abs=3)


def test_marks_that_would_lie_on_each_other_move_aside():
    zones = board_town.zones()
    at = town.place(1500, 500)
    marks = [(str(i), at.x, at.y) for i in range(12)]
    signs = {i: Sign(i, "#ffffff") for i in "ABCDE"}
    (svg,) = plan_maps([zones], signs=signs, marks=marks, names=["m"], titles=["t"])
    spots = np.array([[float(x), float(y)] for x, y in re.findall(r'<circle cx="([\d.]+)" cy="([\d.]+)" r="10"', svg)])
    apart = np.hypot(*(spots[:, None] - spots[None]).transpose(2, 0, 1))
    assert len(spots) == 12
    assert apart[~np.eye(12, dtype=bool)].min() > 20


# Coverage


def test_the_lead_says_what_the_record_says():
    assert coverage_part(board_town.content(), EN).lead == (
        "As recorded, the officer who answered a call was on the way for about 5.0 minutes, on average. Of the calls "
        "for zone officers, the zone’s own officer answered about 85%, another zone’s officer about 10%, and the "
        "Sheriff’s patrol about 5%."
    )
    lead = coverage_part(board_town.content(), ES).lead.replace("\u00a0", " ")
    assert "el agente de la propia zona atendió cerca del 85 %" in lead
    assert "unos 5.0 minutos" in lead


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_page_of_coverage_rests_on_a_model(lang):
    part = coverage_part(board_town.content(), words(lang))
    text = read(part).text.replace("no model is in them", "").replace("no contienen ningún modelo", "")
    assert not re.search(r"\bmodelo?\b|calculation|cálculo|usual school day", text)


def test_a_share_that_is_rounded_to_nothing_can_be_something():
    part = coverage_part(with_coverage(other_share=0.0), EN)
    assert "another zone’s officer less than 2.5%" in part.lead
    assert "Another zone’s officer: less than 2.5%." in read(part).text
    assert "less than 0.25 minutes" in coverage_part(with_coverage(district_response_min=0.0), EN).lead


@pytest.mark.parametrize("lang", LANGUAGES)
def test_nothing_is_said_of_what_was_not_recorded(lang):
    told = words(lang)
    untimed = coverage_part(with_coverage(is_timed=False, district_response_min=np.nan, step_min=np.nan), told)
    assert told("coverage.no_times") in untimed.lead
    assert not re.search(r"\d[\d.]* min", read(untimed).text)
    assert read(untimed).tables == []
    unknown = coverage_part(with_coverage(is_answered=False), told)
    assert told("coverage.no_answers") in unknown.lead
    assert told("coverage.lead_whoever", minutes="5.0") in unknown.lead
    assert "85" not in read(unknown).text
    nothing = coverage_part(with_coverage(has_calls=False, is_timed=False, is_answered=False), told)
    assert nothing.lead == told("coverage.no_calls", term="Spring 2026")
    assert not re.search(r"\d+(\.\d+)?\s*(%|min)", read(nothing).text)


def test_figures_of_the_district_that_are_withheld_are_said_to_be():
    part = coverage_part(with_coverage(district_response_min=np.nan, patrol_share=np.nan), EN)
    assert part.lead == (
        "How soon an officer comes is withheld: no rounding would have kept small counts from being worked out. Who "
        "answered is withheld: it would tell a small count."
    )
    assert "coverage-who" not in read(part).ids


def test_the_table_of_coverage_has_every_zone_and_the_district():
    (table,) = read(coverage_part(board_town.content(), EN)).tables
    assert table == [
        ["Zone", "Minutes on the way, mean"],
        ["West", "4.5"],
        ["East", "5.0"],
        ["North", "withheld"],
        ["South", "6.5"],
        ["Lake", "5.5"],
        ["Whole district", "5.0"],
    ]


def test_a_zone_that_is_withheld_shows_nothing_even_where_a_figure_is_given():
    zones = board_town.coverage().zones.assign(is_withheld=True)
    part = coverage_part(with_coverage(zones=zones), EN)
    assert "6.5" not in part.body


def test_a_zone_of_too_few_calls_is_not_withheld_but_unknown():
    zones = board_town.coverage().zones
    part = coverage_part(with_coverage(zones=zones.assign(response_min=[np.nan, *zones["response_min"][1:]])), EN)
    assert read(part).tables[0][1] == ["West", "too few calls"]
    assert "Where too few calls are recorded" in read(part).text


def test_minutes_that_no_rounding_makes_safe_have_no_chart_and_a_reason():
    zones = board_town.coverage().zones.assign(response_min=np.nan)
    part = coverage_part(with_coverage(zones=zones, step_min=np.nan), EN)
    assert read(part).tables == []
    assert "coverage-chart" not in part.body
    assert "Minutes are not shown zone by zone:" in part.body


def test_coverage_says_what_its_figures_are_and_how_many_calls_they_rest_on():
    text = read(coverage_part(board_town.content(), EN)).text
    assert "no promise about any one call" in text
    assert "no model is in them" in text
    assert "at least 95% of the calls that officers came to" in text
    assert "Calls that officers started themselves are among them." in text


# Charts


def test_a_bar_is_as_long_as_its_value_and_what_is_withheld_is_hatched():
    chart = row_chart(
        [ChartRow("a", "5", (5.0,)), ChartRow("b", "10", (10.0,)), ChartRow("c", "withheld")], name="x", title="t"
    )
    bars = [float(width) for width in re.findall(r'width="([\d.]+)" height="12" fill="#0072b2"', chart)]
    assert bars[1] == pytest.approx(2 * bars[0], abs=0.2)
    assert len(bars) == 2
    assert chart.count('fill="none" stroke="#8a8a85"') == 1


def test_dots_before_and_after_stand_at_their_values_beside_the_reference():
    chart = row_chart(
        [ChartRow("a", "", (1.5, 0.75))], name="x", title="t", reference=(1.0, "mean"), key=("old", "new")
    )
    x = [float(value) for value in re.findall(r'<circle cx="([\d.]+)" cy="7\d', chart)]
    line = float(re.search(r'<path d="M([\d.]+),[\d.]+V', chart)[1])
    # All are measured from the left edge of the scale, 8.
    assert (x[0] - 8) / (line - 8) == pytest.approx(1.5, abs=0.01)
    assert (x[1] - 8) / (line - 8) == pytest.approx(0.75, abs=0.01)


def test_a_chart_of_nothing_or_of_zeros_still_draws():
    assert row_chart([], name="x", title="t").startswith("<svg")
    assert "nan" not in row_chart([ChartRow("a", "0", (0.0,))], name="x", title="t")


@pytest.mark.parametrize(
    ("step", "decimals"), [(5, 0), (1.0, 0), (0.5, 1), (2.5, 1), (0.25, 2), (0.1, 1), (0.3333, 3), (np.nan, 0)]
)
def test_a_step_is_shown_with_all_its_decimals(step, decimals):
    assert decimals_of(step) == decimals


# Method


def test_the_method_says_the_rule_and_how_much_is_withheld():
    told = board_town.content()
    text = read(method_part(told, EN)).text
    withheld, figures = int(told.counts.is_withheld.sum()), len(told.counts.is_withheld)
    assert "1 to 10; 0 is shown" in text
    assert "fewer than 11 students" in text
    assert "as in public reports of the California Department of Education" in text
    assert f"{withheld} of {figures} figures of calls in this packet are withheld" in text
    assert f"for {withheld} withheld figures and {len(told.audit.hidden):,} groups that no table shows" in text
    assert "each could still be any number from 1 to 10." in text


@pytest.mark.parametrize("name", policy_names())
def test_every_rule_that_ships_has_its_source_in_both_languages(name):
    assert EN(f"method.source_{name}") == load_policy(name).source
    assert ES(f"method.source_{name}") != load_policy(name).source


def test_a_rule_of_the_districts_own_is_quoted_as_it_is(monkeypatch):
    told = board_town.content()
    monkeypatch.setattr(told.counts, "_policy", replace(told.counts.policy, source="Board <policy> 5022"))
    assert "<bdi>Board &lt;policy&gt; 5022</bdi>" in method_part(told, ES).body


def test_the_table_of_the_audit_has_each_withheld_figure_with_what_can_be_worked_out():
    told = board_town.content()
    table = read(method_part(told, EN)).tables[0]
    assert table[0] == ["Withheld figure", "At least", "At most"]
    assert len(table) - 1 == len(told.audit.intervals)
    first = told.audit.intervals.iloc[0]
    assert table[1] == ["North, Fall 2025", str(first["low"]), str(first["high"])]
    assert next(row[0] for row in table if "school year" in row[0]) == "East, grade level “High”, school year 2025–26"


def test_a_figure_that_nothing_limits_says_so():
    told = board_town.content()
    open_ended = told.audit.intervals.assign(high=pd.array([pd.NA] * len(told.audit.intervals), dtype="Int64"))
    body = method_part(replace(told, audit=replace(told.audit, intervals=open_ended)), EN)
    assert read(body).tables[0][1][2] == "no upper limit"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_method_claims_what_was_tried_names_its_limit_and_leaves_the_adviser_out(lang):
    part = method_part(board_town.content(), words(lang))
    text = read(part).text
    assert words(lang)("method.audit_safe", largest=10) in text
    assert words(lang)("method.audit_limit") in text
    assert "by these, each could still be any number from 1 to 10." in words("en")("method.audit_safe", largest=10)
    assert "runs it on every record" in words("en")("method.audit_limit")
    # How much of other tables would be withheld narrows down what is: that is for the manager.
    assert "advice" not in part.body
    assert len(read(part).tables) == 2


def test_without_changes_and_settings_these_sections_go():
    told = board_town.content()
    bare = replace(told, changes=told.changes.iloc[:0], method={})
    part = method_part(bare, EN)
    assert "method-settings" not in part.body
    assert "There is no earlier term to compare with." in part.body


def test_the_method_says_which_terms_are_compared_and_which_release_it_is():
    text = read(method_part(board_town.content(), EN)).text
    assert "Spring 2026 is compared with Spring 2025, the same term a year earlier." in text
    assert "This is a draft and is not recorded as a release." in text
    assert "This is release 3." in read(method_part(board_town.content(release=3), EN)).text


def test_settings_are_listed_and_the_check_is_named():
    part = method_part(board_town.content(), EN)
    assert read(part).tables[-1] == [["Setting", "Value"], ["Routine visit", "30 min"]]
    assert "<code>safeschools verify</code>, with the folder of this packet" in part.body


# Glossary


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_glossary_explains_its_words_in_order_each_in_one_sentence(lang):
    body = glossary_part(board_town.content(), words(lang)).body
    listed, kinds = re.findall(r"<dl>(.*?)</dl>", body, flags=re.DOTALL)
    terms, meanings = (re.findall(rf"<{tag}>(.*?)</{tag}>", listed) for tag in ("dt", "dd"))
    assert 20 <= len(terms) <= 26
    plain = [t.lower().translate(str.maketrans("áéíóú", "aeiou")) for t in terms]
    assert plain == sorted(plain)
    assert len(re.findall("<dt>", kinds)) == len(CRITICAL_CATEGORIES) == 8
    for meaning in [*meanings, *re.findall(r"<dd>(.*?)</dd>", kinds)]:
        assert meaning.endswith(".")
        assert len(re.findall(r"\.(?:\s|$)", meaning)) == 1, meaning


def test_made_up_is_explained_only_where_data_are():
    told = board_town.content()
    assert "Made up" in glossary_part(told, EN).body
    assert "Made up" not in glossary_part(replace(told, is_synthetic=False), EN).body


# In the browser


def page_of(part, lang):
    css = "\n".join((BOARD / "css" / name).read_text(encoding="utf-8") for name in ("board.css", "print.css"))
    return (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>{part.title}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{css}</style></head>'
        f'<body><main><h1>{part.title}</h1><p class="lead">{part.lead}</p>{part.body}</main></body></html>'
    )


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", PARTS)
def test_axe_finds_nothing_and_no_width_is_too_narrow(browser, tmp_path, name, lang, width):
    path = Path(tmp_path / f"{name}.html")
    path.write_text(page_of(PARTS[name](board_town.content(), words(lang)), lang), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto(path.as_uri())
    assert axe_faults(tab) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


@pytest.mark.browser
def test_a_name_without_end_leaves_the_page_as_wide_as_it_is(browser, tmp_path):
    told = board_town.content()
    long = "A" * 10_000
    renamed = replace(
        told, plan=replace(told.plan, moves=told.plan.moves.assign(name=long), loads=told.plan.loads.assign(name=long))
    )
    path = Path(tmp_path / "plan.html")
    path.write_text(page_of(plan_part(renamed, EN), "en"), encoding="utf-8")
    context = browser.new_context(viewport={"width": 320, "height": 800})
    tab = context.new_page()
    tab.goto(path.as_uri())
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    context.close()
