"""The packet for the board: what it says, in two languages, for everyone, and that it tells nothing else."""

import io
import math
import re
import string
import tomllib
from collections import Counter
from dataclasses import replace
from functools import cache
from html import unescape

import board_town
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import town
from axe import axe_faults
from checkout import ROOT, missing
from playwright.sync_api import expect
from pypdf import PdfReader

from safeschools_geo.board._chapters import draw_packet, index_part, packet_parts, rates_part, trends_part, zones_part
from safeschools_geo.board._page import find_browser, print_pdf
from safeschools_geo.board._tables import LANGUAGES, change_text, words
from safeschools_geo.disclosure._audit import audit
from safeschools_geo.disclosure._policy import Grouping
from safeschools_geo.disclosure._protect import protect
from safeschools_geo.disclosure._tables import CountTable
from safeschools_geo.errors import SettingsError
from safeschools_geo.term._packet_figures import public_changes

WORDS = ROOT / "safeschools_geo" / "board" / "languages"
SECTIONS = sorted(path.stem for path in (WORDS / "en").glob("*.toml"))
NAMES = ["index", "zones", "rates", "trends", "plan", "coverage", "method", "glossary", "print"]
LIMIT_BYTES = 400_000
HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="window.hacked = 1">{{ 7 * 7 }}=cmd|\u202e"\''
EN, ES = words("en"), words("es")


@cache
def packet():
    return draw_packet(board_town.content())


def text_of(html):
    """Read a page as somebody reads it: templates, styles and scripts left out, spaces made one."""
    body = re.sub(r"<(template|style|script|svg)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]*>", "", body).split())


def rows_of(html, caption):
    """Read a table by its caption: first cell → the others."""
    table = next(t for t in re.findall(r"<table>.*?</table>", html, re.DOTALL) if f">{caption}</caption>" in t)
    cells = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("<tr")[1:]]
    return {text_of(first): [text_of(cell) for cell in others] for first, *others in cells}


def written(tmp_path, pages):
    for name, html in pages.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(html, encoding="utf-8")
    return tmp_path


# The words


@pytest.mark.parametrize("section", SECTIONS)
def test_both_languages_say_the_same_things_with_the_same_blanks(section):
    def blanks(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, spanish = (
        tomllib.loads((WORDS / lang / f"{section}.toml").read_text(encoding="utf-8")) for lang in ("en", "es")
    )
    assert list(english) == list(spanish)
    for key in english:
        assert blanks(english[key]) == blanks(spanish[key]), key
    assert sorted(p.stem for p in (WORDS / "es").glob("*.toml")) == SECTIONS


def test_margins_of_paper_are_plain_words():
    # They stand inside quotes of a style sheet.
    for spoken in (EN, ES):
        for key in ("synthetic", "draft", "release", "margin_rule", "page", "of"):
            assert re.fullmatch(r"[\w ,{}]+", spoken.texts[f"shell.{key}"]), key


# What the pages say


def test_the_front_page_says_what_was_found():
    told = text_of(index_part(board_town.content(), EN).body)
    # 154 against 123 in terms of 100 days each: 154 / 123 = 1.252.
    assert "In Spring 2026, the record has 154 calls for zone officers at schools in a zone" in told
    assert "In Spring 2025, the same term a year earlier, it was 123; that is 25% more." in told
    assert "Officers of the zones answered about 95% of the calls in Spring 2026." in told
    # Counts of 123 and 154 differ by 31, less than 1.96 standard deviations of their difference, 1.96 × √277 = 32.6.
    assert "the difference is not clearly more than chance." in told
    assert "By grade level: Elementary 60, Middle 35, High withheld, K–8 withheld." in told
    # West: 48 against 20. South, East: 12 against 13, 60 against 58. North and Lake are withheld.
    assert "Against Spring 2025, the same term a year earlier, calls for each school day rose by more than" in told
    assert "more than chance explains in West. In 2 of 5 zones the difference is not clearly more than chance." in told
    assert "For 2 zones it cannot be said." in told
    assert "17 of the 48 figures of calls in this packet are withheld (35%)" in told
    # 31 of 154 = 20.1 %.
    assert "31 of this term’s 154 calls (20%) were started by an officer" in told
    assert "schools would change patrol zone. The officers’ work would be more even: today the zone farthest" in told
    assert "from the average is about 35% away from it" in told
    assert "As recorded, the officer who answered a call was on the way for about 5.0 minutes, on average." in told


def test_schools_in_no_zone_are_reported():
    told = replace(board_town.content(), in_no_zone=3)
    assert "3 schools of the program lie in no zone. They and their calls are in none" in text_of(
        index_part(told, EN).body
    )
    assert "Ni ella ni sus llamadas" in text_of(index_part(replace(told, in_no_zone=1), ES).body)
    assert "in no zone" not in text_of(index_part(board_town.content(), EN).body)


def test_a_term_without_calls_is_compared_with_nothing():
    told = board_town.content()
    rows = told.district_trends.copy()
    is_this = rows["term"] == told.term
    rows.loc[is_this, "count"], rows.loc[is_this, "is_withheld"] = 0, False
    unknown = {
        name: pd.Series(pd.NA, told.changes.index, dtype=told.changes[name].dtype)
        for name in ("ratio", "p_value", "q_value", "direction", "is_more_than_chance")
    }
    gone = replace(told, district_trends=rows, changes=told.changes.assign(**unknown))
    for spoken, none in (
        (EN, "The record has no calls for zone officers in Spring 2026"),
        (ES, "El registro no tiene"),
    ):
        text = text_of(index_part(gone, spoken).body)
        assert none in text
        assert not re.search(r"% fewer|% menos|chance explains|explica el azar|a year earlier|un año antes", text)


def test_of_almost_nothing_there_is_no_percentage():
    days = {"T1": 100, "T2": 100}
    rows = pd.DataFrame(
        {
            "zone": ["A", "A", "B", "B", "C", "C"],
            "term": ["T1", "T2"] * 3,
            "count": pd.array([0, 40, 30, 31, None, 12], dtype="Int64"),
        }
    )
    changes = public_changes({"zone": rows}, before="T1", after="T2", days=days).set_index("group")
    assert changes["direction"].fillna("").tolist() == ["rose", "no clear change", ""]
    assert changes["ratio"].isna().tolist() == [True, False, True]
    # Three zones are looked at, the withheld one among them.
    assert changes.loc["A", "q_value"] == pytest.approx(3 * changes.loc["A", "p_value"])
    row = {"change": changes.loc["A"].to_dict()}
    assert change_text(row, EN) == "up, more than chance explains"
    empty = public_changes({"zone": rows.assign(count=[5, 0] * 3)}, before="T1", after="T2", days=days)
    assert empty["is_more_than_chance"].isna().all()


def tiles(content, spoken=EN):
    body = index_part(content, spoken).body
    return re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>\s*<dd class=\"note\">(.*?)</dd>", str(body), flags=re.DOTALL)


def test_the_front_page_begins_with_what_is_read_at_a_glance():
    calls, *others = [tuple(text_of(part) for part in tile) for tile in tiles(board_town.content())]
    more = "25% more than in Spring 2025; the difference is not clearly more than chance"
    assert calls == ("Calls for zone officers", "154", more)
    assert others == [
        ("Answered by officers of the zones", "about 95%", "of these calls"),
        ("On the way to a call", "about 5.0 min", "on average, as recorded"),
        ("Schools that would change zone", "1 of 6", "proposed; nothing is decided"),
    ]


def test_nothing_withheld_or_not_recorded_is_read_at_a_glance():
    told = board_town.content()
    none = replace(told.coverage, district_response_min=math.nan, officers_share=math.nan)
    names = [title for title, _, _ in tiles(replace(told, coverage=none, plan=None))]
    assert names == ["Calls for zone officers"]
    short = replace(told.coverage, district_response_min=0.0, is_answered=False)
    assert tiles(replace(told, coverage=short, plan=None))[1][1] == "less than 0.25 min"
    hidden = told.district_trends.assign(is_withheld=True, count=pd.NA)
    ((_, value, note),) = tiles(replace(told, district_trends=hidden, coverage=None, plan=None))
    assert text_of(value) == "withheld"
    assert text_of(note) == "in Spring 2026"


def test_the_front_page_says_what_the_map_does_not_show_and_what_is_counted():
    told = text_of(index_part(board_town.content(), EN).body)
    assert "What this packet does not show" in told
    for fact in (
        "no heat map",
        # Four zones of this town have one school, and its figures are shown: that is said.
        "figures of single schools may be published",
        "Counts from 1 to 10 are withheld, and groups of 10 students or fewer.",
        "Where officers looked is not where harm happened",
        "A rate is a rate of what was recorded, not of how safe a place is.",
        "“Program work” is a call that a zone’s officer is there for",
    ):
        assert fact in told
    assert "Threat assessment," not in told
    hidden = replace(board_town.content(), withholds_single_schools=True)
    told = text_of(index_part(hidden, EN).body)
    assert "No figure of incidents of a single school is published" in told
    assert "may be published" not in told


def test_a_first_term_is_compared_with_nothing():
    told = board_town.content()
    first = replace(told, changes=told.changes.iloc[:0])
    front, rates = (part(first, EN).body for part in (index_part, rates_part))
    assert "154" in front
    assert "Spring 2025" not in text_of(front)
    assert "Against" not in rates


def test_rates_are_reported_with_their_range_and_whether_they_changed():
    html = rates_part(board_town.content(), EN).body
    rows = rows_of(html, "By zone, Spring 2026")
    # 48 / (300 × 100) and 12 / (400 × 100), per 1,000; exact intervals of a Poisson count of 48 (35.4 to 63.6) and 12
    # (6.2 to 21.0); 48 against 20 is 140 % up.
    assert rows["West"] == ["48", "300", "1.60", "between 1.18 and 2.12", "up 140%, more than chance explains"]
    assert rows["South"] == ["12", "400", "0.30", "between 0.16 and 0.52", "not clearly more than chance"]
    assert rows["North"] == ["withheld", "500", "withheld", "–", "cannot be said"]
    assert rows["East"] == [
        *("60", "1,000", "no rate", "no rate: the enrollment of a school is not known", "not clearly more than chance"),
    ]


def test_rates_say_why_there_is_none_in_the_legend_and_on_the_map():
    html = rates_part(board_town.content(), EN).body
    assert "Withheld: the count is small, or would give a small one away" in html
    assert "No rate: the enrollment of a school is not known" in html
    assert re.findall(r'data-zone="\w" data-label="([^"]*)"', html) == [
        *("West: 1.60", "East: no rate", "North: withheld", "South: 0.30", "Lake: withheld"),
    ]


def test_a_rounded_rate_says_so_and_has_no_range():
    told = board_town.content()

    def rounded(table):
        is_east = table["zone"] == "B"
        return table.assign(
            rate_per_1000=table["rate_per_1000"].mask(is_east, 0.6),
            rate_step=pd.Series(np.where(is_east, 0.2, np.nan), table.index).astype("Float64"),
        )

    told = replace(told, zone_rates=rounded(told.zone_rates), zone_trends=rounded(told.zone_trends))
    row = rows_of(rates_part(told, EN).body, "By zone, Spring 2026")["East"]
    assert row[2:4] == ["about 0.6", "rounded to steps of 0.2 (of schools whose enrollment is known)"]
    trends = trends_part(told, EN).body
    assert rows_of(trends, "Rate by zone and term")["East"] == ["about 0.6"] * 3
    assert "East, rate by term: Spring 2025 about 0.6; Fall 2025 about 0.6; Spring 2026 about 0.6." in trends


def test_a_zone_without_schools_is_distinguished_from_one_that_is_withheld():
    told = board_town.content()
    fresh = gpd.GeoDataFrame({"zone_id": ["F"], "name": ["Far"]}, geometry=[town.square(3000, 0, 4000, 2000)], crs=4326)
    told = replace(told, zones=gpd.GeoDataFrame(pd.concat([told.zones, fresh], ignore_index=True), crs=4326))
    assert 'data-zone="F" data-label="Far: no schools"' in rates_part(told, EN).body
    assert "No schools of the program" in rates_part(told, EN).body
    assert rows_of(zones_part(told, EN).body, "Zones, their schools, and their students")["Far"] == ["0", "–", ""]


def test_kinds_origins_and_the_finest_table_are_reported():
    html = rates_part(board_town.content(), EN).body
    kinds = rows_of(html, "By kind of incident, Spring 2026")
    assert kinds == {
        "Kind": ["Calls for zone officers"],
        "Assault and battery": ["61"],
        "Safety and welfare check": ["93"],
    }
    assert rows_of(html, "Who started the call, Spring 2026")["Started by an officer"] == ["31"]
    detail = rows_of(html, "Calls for zone officers by zone and grade level, 2025–26")
    assert detail["Zone"] == ["Elementary", "Middle", "High", "K–8"]
    assert detail["West"] == ["72", "–", "–", "–"]
    assert detail["East"] == ["–", "withheld", "withheld", "–"]
    assert "67% of it is withheld" in html


def test_the_finest_table_has_its_totals_where_they_are_released():
    raw, year = board_town.raw_counts(), "2025–26"
    margins = [Grouping.of(dims, year=year) for dims in (("zone",), ("level",), ())]
    counts = protect(raw.publishing([*raw.groupings, *margins]), knows_rule=True)
    table = counts.table("zone", "level", year=year)
    told = board_town.content()
    told = replace(told, counts=counts, audit=audit(counts, knows_rule=True), detail=replace(told.detail, table=table))
    rows = rows_of(rates_part(told, EN).body, "Calls for zone officers by zone and grade level, 2025–26")
    assert rows["Zone"][-1] == "Total"
    # All of West's are at its elementary school; 122 in the fall and 154 in the spring.
    assert rows["West"] == ["72", "–", "–", "–", "72"]
    assert rows["Total"][-1] == "276"


def test_trends_leave_gaps_and_have_every_term_in_time():
    html = trends_part(board_town.content(), EN).body
    assert rows_of(html, "Rate by zone and term") == {
        "Zone": ["Spring 2025", "Fall 2025", "Spring 2026"],
        # 20 / 30,000, 24 / 24,000 and 48 / 30,000; 13 / 40,000, 13 / 32,000 and 12 / 40,000.
        "West": ["0.67", "1.00", "1.60"],
        "East": ["no rate"] * 3,
        "North": ["withheld"] * 3,
        "South": ["0.33", "0.41", "0.30"],
        "Lake": ["withheld"] * 3,
    }
    assert rows_of(html, "Calls for zone officers in the whole district, term by term")["Whole district"] == [
        "123",
        "122",
        "154",
    ]
    assert "No rate: the counts are withheld." in html
    assert "West, rate by term: Spring 2025 0.67; Fall 2025 1.00; Spring 2026 1.60." in html


def test_of_who_started_a_call_nothing_is_said_that_the_record_does_not_say():
    told = board_town.content()
    assert "Started by an officer" in rows_of(rates_part(told, EN).body, "Who started the call, Spring 2026")
    silent = replace(told, origins=told.origins[told.origins["origin"] == "reported"])
    assert list(rows_of(rates_part(silent, EN).body, "Who started the call, Spring 2026"))[1:] == [
        "Reported, or not recorded who started it"
    ]
    told_on = {part.name: text_of(part.body) for part in packet_parts(silent, EN)}
    front, method = told_on["index"], told_on["method"]
    assert "were started by an officer" not in front
    assert "the record does not say of any call that an officer started it" in front
    assert "also shown apart" not in method


def without_rates(frame):
    return frame.assign(rate_per_1000=pd.NA, rate_low=pd.NA, rate_high=pd.NA, is_partial=True)


def test_without_any_rate_no_empty_map_and_no_empty_chart_is_drawn():
    told = board_town.content()
    none = replace(told, zone_rates=without_rates(told.zone_rates), zone_trends=without_rates(told.zone_trends))
    part = rates_part(none, EN)
    assert part.lead.startswith("In Spring 2026, no zone has a rate that can be published. The counts that can be")
    assert 'id="rates-map"' in rates_part(told, EN).body
    assert 'id="rates-map"' not in part.body
    html = trends_part(none, EN).body
    # Each reason once, with the zones that it holds for.
    assert "West, East, South: No rate: the enrollment of a school is not known." in text_of(html)
    assert "North, Lake: No rate: the counts are withheld." in text_of(html)


def test_a_figure_that_there_is_not_is_not_withheld():
    # Where no school of any zone has a known enrollment, nothing is counted at such schools, and nothing is withheld.
    told, caption = board_town.content(), "Calls for zone officers at schools whose enrollment is known"
    assert caption in trends_part(told, EN).body
    none = {
        name: without_rates(getattr(told, name)).assign(rate_cell=-1, rate_count=pd.NA)
        for name in ("zone_trends", "level_trends", "district_trends")
    }
    html = trends_part(replace(told, **none), EN).body
    assert caption not in html
    assert 'data-cell="-1"' not in html


def test_rates_that_are_alike_as_they_are_shown_are_no_range():
    told = board_town.content()
    alike = told.zone_rates["rate_per_1000"].where(told.zone_rates["rate_per_1000"].isna(), 0.4)
    lead = rates_part(replace(told, zone_rates=told.zone_rates.assign(rate_per_1000=alike)), EN).lead
    assert lead.startswith("In Spring 2026, every zone that has a rate had 0.40 calls for zone officers for each 1,000")
    assert "between" not in lead


def test_zones_list_their_schools_and_no_incidents():
    part = zones_part(board_town.content(), EN)
    rows = rows_of(part.body, "Zones, their schools, and their students")
    assert rows["East"] == [
        *("2", "1,000, and schools whose enrollment is not known", "Middle: Zephrin MiddleHigh: Quorndale High"),
    ]
    assert rows["North"] == ["1", "500", "K–8: Tarnholt K-8"]
    assert part.lead == "The program’s 6 schools lie in 5 patrol zones. Each zone has an officer for its calls."
    assert "data-cell" not in part.body
    told = board_town.content()
    less = zones_part(replace(told, schools=told.schools[told.schools["zone_id"] != "E"]), EN)
    assert less.lead.startswith("The program’s 5 schools lie in 4 of the 5 patrol zones.")


def test_students_of_whom_none_is_known_are_not_none():
    told, people = board_town.content(), pd.DataFrame(board_town.raw_counts().students)
    people["count"] = people["students"].fillna(0).mask(people["zone"] == "A", 0).astype("int64")
    by = (Grouping(("zone",)), Grouping(("level",)), Grouping(()))
    students = protect(CountTable(people.drop(columns="students"), by, measure="students"), told.counts.policy)
    is_west = told.zone_rates["zone"] == "A"
    rates = told.zone_rates.assign(
        is_partial=told.zone_rates["is_partial"] | is_west, students=told.zone_rates["students"].mask(is_west, 0)
    )
    none = replace(told, zone_rates=rates, students=students)
    zones = zones_part(none, EN).body
    assert rows_of(zones, "Zones, their schools, and their students")["West"][1] == "not known"
    assert "1 school; how many students is not known." in zones
    assert rows_of(rates_part(none, EN).body, "By zone, Spring 2026")["West"][1] == "not known"


def test_a_school_without_a_place_is_named_and_not_drawn():
    told = board_town.content()
    geometry = [None, shapely.Point(), *told.schools.geometry[2:]]
    body = zones_part(replace(told, schools=told.schools.set_geometry(geometry, crs=4326)), EN).body
    assert "Not on the map, because their place is not on record: Plimwick Elementary, Quorndale High." in text_of(body)
    assert body.count('class="mark"') == 4


# What the pages tell, and nothing else


def test_no_school_is_named_where_incidents_are_counted():
    for name in ("index", "rates", "trends"):
        for folder in ("", "es/"):
            assert not any(school in packet()[f"{folder}{name}.html"] for school in board_town.SCHOOLS["name"])


@pytest.mark.browser
@pytest.mark.parametrize("lang", LANGUAGES)
def test_without_scripts_every_figure_is_on_a_page_and_is_the_published_one(browser, tmp_path, lang):
    told = board_town.content()
    published = told.counts.to_frame().drop_duplicates("cell").set_index("cell")["count"]
    folder = written(tmp_path, draw_packet(told, langs=[lang]))
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    seen: dict[int, set[str]] = {}
    for name in ("index", "zones", "rates", "trends", "print"):
        tab.goto((folder / f"{name}.html").as_uri())
        expect(tab.locator(".map-tools")).to_have_count(tab.locator(".map").count())
        assert not any(tools.is_visible() for tools in tab.locator(".map-tools, .map-facts").all())
        for element in tab.locator("[data-cell]").all():
            assert element.is_visible()
            seen.setdefault(int(element.get_attribute("data-cell")), set()).add(element.text_content().strip())
    withheld = {"en": "withheld", "es": "reservado"}[lang]
    assert seen == {cell: {withheld if pd.isna(n) else f"{n:,}"} for cell, n in published.items()}
    context.close()


def test_the_same_content_gives_the_same_bytes():
    assert draw_packet(board_town.content()) == packet()


# The packet


def test_the_packet_has_a_page_for_each_part_in_each_language():
    assert sorted(packet()) == sorted([f"{folder}{name}.html" for folder in ("", "es/") for name in NAMES])
    assert next(iter(packet())) == "index.html"


def test_parts_that_have_nothing_to_say_are_left_out():
    names = [part.name for part in packet_parts(board_town.content(bare=True), EN)]
    assert names == ["index", "zones", "rates", "trends", "method", "glossary"]
    bare = draw_packet(board_town.content(bare=True), langs=["en"])
    assert "plan.html" not in "".join(bare.values())
    assert "hreflang" not in "".join(bare.values())


def test_a_language_that_the_pages_do_not_speak_is_refused():
    with pytest.raises(SettingsError, match="do not speak"):
        draw_packet(board_town.content(), langs=["en", "tlh"])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("folder", ["", "es/"])
def test_every_page_says_where_it_stands_and_by_which_rule(name, folder):
    html, spoken = packet()[f"{folder}{name}.html"], ES if folder else EN
    text = text_of(html)
    for told in (
        *("Fivesquare", "Spring 2026", spoken("shell.synthetic"), spoken("shell.draft")),
        spoken("shell.rule", largest=10, group=10),
        spoken("method.source_default"),
        f"{spoken('shell.policy')} default",
    ):
        assert told in text
    assert f'<html lang="{spoken.lang}">' in html
    other = f"../{name}.html" if folder else f"es/{name}.html"
    lang = "en" if folder else "es"
    assert f'<a href="{other}" lang="{lang}" hreflang="{lang}">{LANGUAGES[lang]}</a>' in html
    if name != "print":
        assert re.findall(r'<a href="([\w.]+)" aria-current="page">', html) == [f"{name}.html"]


def test_links_lead_to_pages_of_the_packet():
    for path, html in packet().items():
        folder = path.rpartition("/")[0]
        for href in re.findall(r'<a href="([^"#]+)"', html):
            target = href[3:] if href.startswith("../") else f"{folder}/{href}" if folder else href
            assert target in packet(), (path, href)


def test_a_release_has_its_number():
    html = draw_packet(board_town.content(release=3), langs=["en"])
    assert all("Release 3" in page and "Draft" not in page for page in html.values())


def test_real_data_are_not_called_made_up():
    html = draw_packet(replace(board_town.content(), is_synthetic=False), langs=["en"])
    assert not any("SYNTHETIC" in page for page in html.values())


def test_the_document_to_print_has_every_part_as_a_chapter_and_no_script():
    html = packet()["print.html"]
    assert re.findall(r'<article class="leaf" id="([\w-]+)"', html.partition("</style>")[2]) == ["cover", *NAMES[:-1]]
    assert re.findall(r'<li><a href="#([\w-]+)">', html) == NAMES[:-1]
    ids = Counter(re.findall(r'\bid="([^"]*)"', html))
    assert [name for name, n in ids.items() if n > 1] == []
    assert "<script" not in html
    assert "script-src 'none'" in unescape(html)


@pytest.mark.browser
def test_the_document_prints_with_every_chapter_and_no_pixels():
    if find_browser() is None:
        missing("a Chromium-family browser")
    printed = print_pdf(packet()["es/print.html"], title="Packet", lang="es")
    pages = PdfReader(io.BytesIO(printed.pdf)).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert all(part.title in text for part in packet_parts(board_town.content(), ES))
    assert sum(len(page.images) for page in pages) == 0
    assert f"Página 2 de {len(pages)}" in text
    assert ES("shell.pick_hint") not in text
    assert all("DATOS SINTÉTICOS" in page.extract_text() for page in pages)


# The pages in a browser


@pytest.mark.browser
@pytest.mark.parametrize("folder", ["", "es/"])
def test_pages_ask_for_nothing_and_run_without_a_fault(browser_page, tmp_path, folder):
    where = written(tmp_path, packet())
    for name in NAMES:
        page = browser_page.open(where / f"{folder}{name}.html")
        if page.locator(".map").count() and name != "print":
            page.wait_for_selector(".map[data-ready=true]")
        page.unroute_all()
    assert browser_page.requests == []
    assert browser_page.errors == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 320])
@pytest.mark.parametrize("folder", ["", "es/"])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(browser, tmp_path, folder, width):
    where = written(tmp_path, packet())
    # axe is not part of the page: only for it is the page's policy set aside.
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    tab = context.new_page()
    for name in NAMES:
        tab.goto((where / f"{folder}{name}.html").as_uri())
        if name in {"zones", "rates"}:
            tab.locator("[data-zone=B]").focus()
            tab.keyboard.press("Enter")
        assert axe_faults(tab) == [], name
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, name
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", ["index", "zones", "rates", "trends"])
def test_tab_reaches_everything_in_turn_and_leaves_again(browser_page, tmp_path, name):
    page = browser_page.open(written(tmp_path, draw_packet(board_town.content(), langs=["en"])) / f"{name}.html")
    if name in {"zones", "rates"}:
        page.wait_for_selector(".map[data-ready=true]")
    wanted = page.evaluate(
        "[...document.querySelectorAll('a[href],button,select,input,[tabindex=\"0\"]')]"
        ".filter(e => e.checkVisibility()).map((e, i) => (e.dataset.turn = String(i)))"
    )
    seen = []
    for _ in range(len(wanted)):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.dataset.turn"))
    assert seen == wanted
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.turn ?? 'out'") in {"out", "0"}


@pytest.mark.browser
def test_on_paper_there_are_no_controls(browser, tmp_path):
    where = written(tmp_path, packet())
    context = browser.new_context(viewport={"width": 695, "height": 900})
    tab = context.new_page()
    for name in ("zones", "rates"):
        tab.goto((where / f"{name}.html").as_uri())
        tab.wait_for_selector(".map[data-ready=true]")
        tab.emulate_media(media="print")
        for control in ("nav", ".map-tools", ".map-facts", ".skip", "footer a"):
            assert not tab.locator(control).first.is_visible(), control
        expect(tab.locator(".map-view > svg")).to_be_visible()
        expect(tab.get_by_text(EN("method.source_default"))).to_be_visible()
        tab.emulate_media(media="screen")
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", [HOSTILE, "W" * 10_000, "two words " * 1000], ids=["hostile", "long", "many words"])
def test_names_of_any_kind_are_text(browser_page, tmp_path, name):
    told = board_town.content()
    told = replace(
        told,
        district=name,
        zones=told.zones.assign(name=name),
        schools=told.schools.assign(name=name),
        places=told.places.assign(name=name),
        plan=None,
        coverage=None,
    )
    where = written(tmp_path, draw_packet(told, langs=["en"]))
    browser_page.page.set_viewport_size({"width": 320, "height": 800})
    for page_name in ("index", "zones", "rates", "trends", "print"):
        page = browser_page.open(where / f"{page_name}.html")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, page_name
        assert page.evaluate("window.hacked") is None
        assert " ".join(name.split()) in " ".join(page.locator(".where bdi").first.text_content().split())
        page.unroute_all()
    assert browser_page.requests == []
    assert browser_page.errors == []


@pytest.mark.parametrize("schools", [64])
def test_a_page_of_a_large_district_is_small(schools):
    told = board_town.content()
    # Borders with a corner every 5 m that neighbors share, and every school ten times and more.
    wavy = shapely.transform(
        shapely.segmentize(told.zones.geometry.to_numpy(), 5e-5),
        lambda xy: xy + 2e-5 * np.sin(xy[:, ::-1] * 9e4),
    )
    many = pd.concat([told.schools] * 11, ignore_index=True).head(schools)
    many = many.assign(school_id=[f"{i:03}" for i in range(schools)])
    pages = draw_packet(
        replace(told, zones=told.zones.set_geometry(wavy, crs=4326), schools=gpd.GeoDataFrame(many, crs=4326)),
        langs=["en"],
    )
    assert len(shapely.get_coordinates(wavy)) > 4000
    assert {name: len(html.encode()) for name, html in pages.items() if len(html.encode()) > LIMIT_BYTES} == {}
