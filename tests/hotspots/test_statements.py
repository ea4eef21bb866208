"""What a run says of schools, zones and terms, walked page by page: no two statements contradict each other.

Towns are built on the two squares of `town`: eight elementary schools, a high school with most of the calls, a school
that lies in no zone, and one whose enrollment is not known, over four terms of twenty school days.
"""

import html
import re
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import pandas as pd
import pytest
import town

from safeschools_geo.board._chapters import draw_packet
from safeschools_geo.errors import NoRecordError
from safeschools_geo.pages._compare import comparison_page
from safeschools_geo.pages._hotspots import draw_hotspots
from safeschools_geo.pages._term import rates_map
from safeschools_geo.schemas import HIGH_AGAINST, HOTSPOT_STATUSES
from safeschools_geo.term._compare import compare_terms
from safeschools_geo.term._run import run_term

STARTS = {
    "Fall 2024": "2024-09-02",
    "Spring 2025": "2025-02-03",
    "Fall 2025": "2025-09-01",
    "Spring 2026": "2026-02-02",
}
THIS, BEFORE, YEAR_BEFORE = "Spring 2026", "Fall 2025", "Spring 2025"
SETTINGS = """
[district]
name = "Twosquare"
time_zone = "America/Los_Angeles"
crs = "EPSG:32610"
zones = 2
[schools]
crs = "EPSG:4326"
[incidents]
crs = "EPSG:4326"
[incidents.origins]
Call = "reported"
Self = "officer_initiated"
[hotspots]
simulations = 99
[hours]
start = "08:00"
end = "15:00"
""" + "".join(
    f'[[terms]]\nname = "{name}"\nstart = {day}\nend = {(pd.Timestamp(day) + pd.Timedelta(days=25)).date()}\n'
    for name, day in STARTS.items()
)
NAMES = {"H1": "Quorndale High", "X1": "Plimwick Elementary", "U1": "Zephrin Elementary"}
WORDS = ("Abel", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gum", "Hazel")
NAMES |= {f"E{i}": f"{word} Elementary" for i, word in enumerate(WORDS)}
CALLS = {"E0": (7, 8, 7, 34), "H1": (60, 62, 58, 61), "X1": (7, 6, 8, 9), "U1": (6, 5, 7, 6)}
CALLS |= {f"E{i}": (8, 7, 9, 8) for i in range(1, 8)}
TOWNS = ("peers", "no enrollment", "few peers", "tiny school")


def schools_of(kind):
    ids = list(NAMES)
    students = {"H1": 900, "U1": None} | ({"E7": 3} if kind == "tiny school" else {})
    level = {"H1": "high"} | ({f"E{i}": "middle" for i in range(4)} if kind == "few peers" else {})
    level |= {"X1": "k8", "U1": "k8"} if kind == "few peers" else {}
    places = {"X1": (4500, 500), "H1": (1500, 500), "U1": (1700, 800)}
    at = [town.place(*places.get(i, (150 + 220 * int(i[1:]), 150 + 70 * int(i[1:]) % 800))) for i in ids]
    return pd.DataFrame(
        {
            "school_id": ids,
            "name": [NAMES[i] for i in ids],
            "level": [level.get(i, "elementary") for i in ids],
            "enrollment": [None if kind == "no enrollment" else students.get(i, 400) for i in ids],
            "in_program": True,
            "x": [p.x for p in at],
            "y": [p.y for p in at],
        }
    )


def incidents_of(kind):
    rows = []
    for number, (term, start) in enumerate(STARTS.items()):
        if (kind, term) in {("missing term", BEFORE), ("missing now", THIS)}:
            continue
        days = pd.bdate_range(start, periods=20)
        for school, counts in CALLS.items():
            for i in range(counts[number]):
                at = days[(7 * i) % 20] + pd.Timedelta(hours=8 + (3 * i) % 7, minutes=(11 * i) % 60)
                origin = "Self" if i % 5 == 4 else "Call"
                rows.append((f"{term}-{school}-{i}", f"{at:%Y-%m-%d %H:%M}", "weapons", school, origin))
    return pd.DataFrame(rows, columns=["incident_id", "occurred_at", "category", "school_id", "origin"])


def written(kind):
    folder = Path(mkdtemp()) / "town"
    (folder / "data/boundaries").mkdir(parents=True)
    (folder / "data/incidents").mkdir()
    (folder / "district.toml").write_text(SETTINGS, encoding="utf-8")
    town.zones().to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    schools_of(kind).to_csv(folder / "data/boundaries/schools.csv", index=False)
    incidents_of(kind).to_csv(folder / "data/incidents/history.csv", index=False)
    return folder


@cache
def run_of(kind):
    """Run a town, and give its result, the comparison with the term before, and the text of every page."""
    folder = written(kind)
    result = run_term(folder, term=THIS, proposes=False, covers=False)
    compared = compare_terms(folder, BEFORE, THIS)
    pages = {name: page.html for name, (page, _) in draw_hotspots(result).items()}
    pages |= {"rates.html": rates_map(result).html, "compare.html": comparison_page(compared).html}
    pages |= {f"board/{name}": page for name, page in draw_packet(result.board.content).items()}
    said = {"terminal": result.summary(), "hotspots": result.hotspots.summary(), "compare": compared.summary()}
    return result, compared, pages, said | {name: text_of(page) for name, page in pages.items()}


def text_of(page):
    plain = re.sub(r"<(template|style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", plain)).split())


def tables_of(page):
    """Read every table: caption → first cell → the others."""
    read = {}
    for table in re.findall(r"<table\b.*?</table>", page, re.DOTALL):
        caption = re.search(r"<caption[^>]*>(.*?)</caption>", table, re.DOTALL)
        rows = [re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", row, re.DOTALL) for row in table.split("<tr")[1:]]
        read[text_of(caption[1]) if caption else ""] = {text_of(r[0]): [text_of(c) for c in r[1:]] for r in rows if r}
    return read


def table_of(page, start):
    return next(rows for caption, rows in tables_of(page).items() if caption.startswith(start))


@pytest.mark.parametrize("kind", TOWNS)
def test_the_status_of_a_school_is_one_on_every_page(kind):
    result, compared, pages, _ = run_of(kind)
    rates = result.hotspots.schools.rates.table.set_index("name")
    high = set(rates.index[rates["status"] == "high"])
    spots = result.hotspots.spots
    assert high == set(
        result.district.schools.set_index("school_id")["name"].reindex(spots.loc[spots["kind"] == "school", "members"])
    )
    printed = table_of(pages["hotspots.html"], "Reported calls for zone officers at program schools")
    became = table_of(pages["trends.html"], "Schools that are or were high")
    of_two = compared.schools.set_index("name")
    for name, row in rates.iterrows():
        words = HIGH_AGAINST.get(row["high_against"]) or HOTSPOT_STATUSES[row["status"]]
        words = f"not judged: {row['not_judged']}" if row["not_judged"] else words
        assert printed[name][-1] == words
        assert of_two.loc[name, "status_after"] == row["status"]
        now = became.get(name, ["", ""])[0]
        assert now.startswith("high") == (name in high) or not now
        assert of_two.loc[name, "status_change"] not in {"emerged", "persisted"} or name in high
        if of_two.loc[name, "status_change"] == "persisted":
            assert now == "high, as in the term before"


@pytest.mark.parametrize("kind", TOWNS)
def test_every_ratio_given_can_be_carried_and_is_that_of_its_counts(kind):
    result, compared, _, said = run_of(kind)
    pattern = r"(\d[\d.,]*) times the [a-z ]*expected[^.()]*\((\d[\d,]*) against (\d[\d.,]*)\)"
    for where, text in said.items():
        for ratio, observed, expected in re.findall(pattern, text):
            seen, mean = (float(v.replace(",", "")) for v in (observed, expected))
            assert mean >= 1, (where, text)
            assert float(ratio) == pytest.approx(seen / mean, rel=0.05), where
        assert not re.search(
            r"∞|\binf\b|\bnan\b|(?<![\d.])0(\.0+)? times|\b\d,\d{3}(\.\d)? (times|×)|\b[1-9]\d{2}% more", text
        ), where
    tables = [result.hotspots.schools.rates.table, result.hotspots.schools.by_zone, result.hotspots.schools.by_level]
    for table in (*tables, result.hotspots.spots):
        carried = table[table["ratio"].notna()]
        assert (carried["expected"] >= 1).all()
    for table in (compared.schools, compared.rates, result.hotspots.trends.change_schools):
        based = table[table["ratio"].notna()]
        assert (based["incidents_before"] >= 5).all()


@pytest.mark.parametrize("kind", TOWNS)
def test_a_difference_that_is_not_clear_is_not_called_chance(kind):
    _, _, _, said = run_of(kind)
    wrong = r"chance explains it|no more than chance|within what chance|due to chance|beyond chance|no clear change"
    wrong += r"|[Nn]o hotspot|No [^.]{0,60}stands? out|por azar|no más que el azar|lo que puede hacer el azar"
    for where, text in said.items():
        assert not re.search(wrong, text), where


@pytest.mark.parametrize("kind", TOWNS)
def test_a_zone_has_one_rate_under_one_name(kind):
    result, compared, pages, _ = run_of(kind)
    reported = table_of(pages["hotspots.html"], "Reported calls for zone officers by zone")
    beside = table_of(pages["compare.html"], "Zones: reported calls for zone officers per 1,000 student-days")
    every = table_of(pages["rates.html"], "Calls for zone officers (officer-initiated too) per 1,000 student-days")
    public = result.board.content.zone_rates.set_index("zone")
    loads, rates = result.loads, compared.rates.set_index("name")
    for zone_id, name in zip(result.district.zones["zone_id"], result.district.zones["name"], strict=True):
        known = float(loads.loc[zone_id, "rate_per_1000"])
        assert every[name][-1] == ("–" if np.isnan(known) else f"{known:.3f}")
        if pd.notna(public.loc[zone_id, "rate_per_1000"]) and pd.isna(public.loc[zone_id, "rate_step"]):
            assert float(public.loc[zone_id, "rate_per_1000"]) == pytest.approx(known)
        of_hotspots = reported[name][3].split(" ")[0]
        after = rates.loc[name, "rate_per_1000_after"]
        assert of_hotspots == ("–" if np.isnan(after) else f"{after:.2f}")
        assert of_hotspots in {cell.replace("\u2060", "").split("\xa0")[0].split(" ")[0] for cell in beside[name]}


@pytest.mark.parametrize("kind", TOWNS)
def test_the_board_says_of_zones_what_the_managers_page_says_of_the_same_baseline(kind):
    result, _, _, said = run_of(kind)
    content, trends = result.board.content, result.hotspots.trends
    assert trends.baselines.get(content.baseline, "") == (
        content.changes["before"].iloc[0] if len(content.changes) else ""
    )
    told_here = pd.concat([trends.change_zones, trends.change_all.rename(columns={"everywhere": "zone_id"})])
    calls = told_here[(told_here["population"] == "calls") & (told_here["baseline"] == content.baseline)]
    ways = calls.set_index("zone_id")["direction"]
    for row in content.changes[content.changes["by"].isin(["zone", "district"])].to_dict("records"):
        if pd.notna(row["direction"]) and row["direction"] != "no clear change":
            assert ways[row["group"] or "everywhere"] == row["direction"]
    if content.baseline:
        assert "the same term a year earlier" in said["board/index.html"]
        assert "the same term a year earlier (Spring 2025)" in said["trends.html"]


@pytest.mark.parametrize("kind", TOWNS)
def test_what_lies_in_no_zone_is_said_where_it_is_left_out(kind):
    result, _, _, said = run_of(kind)
    schools, calls = result.in_no_zone
    assert (schools, calls) == (1, 9)
    every = sum(counts[-1] for counts in CALLS.values())
    sentence = f"1 of 11 program schools lies in no zone, with {calls} of the {every} calls for zone officers"
    assert sentence in said["terminal"]
    assert sentence in said["hotspots.html"]
    assert "1 school of the program lies in no zone. It and its calls are in none" in said["board/index.html"]


def test_the_headline_names_who_carries_most_and_what_was_not_judged():
    finding = run_of("peers")[0].hotspots.finding()
    assert finding.startswith("Abel Elementary had ")
    # The only high school has no others like it, and a past of its own; the other has no enrollment.
    assert "1 of 11 program schools" in finding
    high = run_of("peers")[0].hotspots.schools.rates
    assert high.most_sentence().startswith("Quorndale High has the most, 49 of the ")
    assert high.most_sentence().endswith("; that is not clearly more than chance.")
    few = run_of("few peers")[0].hotspots.finding()
    assert few.startswith(
        "Whether a school stands out in Spring 2026 cannot be said. None of the 11 program schools, with "
    )
    assert "fewer than 5 schools of the level have a known enrollment" in few
    assert "Quorndale High has the most" in few
    none = run_of("no enrollment")[0].hotspots.finding()
    assert "was judged: the enrollment is unknown. Quorndale High has the most" in none


def test_a_tiny_school_is_counted_and_not_a_ratio():
    row = run_of("tiny school")[0].hotspots.schools.rates.table.set_index("school_id").loc["E7"]
    assert row["status"] == "insufficient_data"
    why = "not judged, since less than one reported call is expected."
    assert row["sentence"] == f"Hazel Elementary: 7 reported calls for zone officers; {why}"


def test_a_term_that_is_missing_is_no_fall_and_no_baseline():
    folder = written("missing term")
    result = run_term(folder, term=THIS, proposes=False, covers=False)
    assert set(result.hotspots.trends.baselines.values()) == {YEAR_BEFORE}
    pages = [page.html for page, _ in draw_hotspots(result).values()]
    pages += draw_packet(result.board.content).values()
    assert f"The record holds no incident of {BEFORE}" in result.summary()
    for text in (result.summary(), *map(text_of, pages)):
        assert not re.search(r"100 ?% (fewer|menos)|the rate fell|fell by|bajaron más", text)
        assert f"Against {BEFORE}" not in text
    with pytest.raises(NoRecordError, match=f"no incident of the term {BEFORE}"):
        compare_terms(folder, BEFORE, THIS)
    with pytest.raises(NoRecordError, match=f"no incident of the term {THIS}"):
        run_term(written("missing now"), term=THIS)
