"""All that a run says of coverage, on towns whose records say much, little or nothing of it.

The town of `town` with a third zone beside it::

    y=1000 +---------+---------+---------+
           | A West  | B East  | C North |     Officers of A and B wait at their one school, and are there at once, by
           |   001   |   002   |  (004)  |     the model; the record says that it takes them 12 minutes.
    y=0    +---------+---------+---------+

Ninety calls on 9 school days, 45 at each school: of nine calls five are answered by the zone's own officer (50), two by
another zone's (20) and two by patrol (20).
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

import geopandas as gpd
import pandas as pd
import pytest
import town

from safeschools_geo.board._chapters import draw_packet
from safeschools_geo.board._tables import words
from safeschools_geo.pages import draw_term
from safeschools_geo.term._run import run_term

TRIP_MIN = 12
WHO = [*["zone_officer"] * 5, *["backup_officer"] * 2, *["patrol"] * 2]
LANGS = ("en", "es")
RESPONDERS = "\n[incidents.responders]\n" + "".join(f'{who} = "{who}"\n' for who in sorted(set(WHO)))


def calls(*, timed=True, answered=True, has_any=True):
    days = [day for day in pd.date_range("2025-09-02", "2025-09-12") if day.weekday() < 5]
    rows = []
    for place, (school, x) in enumerate((("001", 500), ("002", 1500))):
        for number in range(45 if has_any else 0):
            at = days[number % 9] + pd.Timedelta(hours=9 + number // 9, minutes=7 * place)
            times = [at, at + pd.Timedelta(minutes=TRIP_MIN), at + pd.Timedelta(minutes=TRIP_MIN + 20)]
            rows.append(
                {
                    "incident_id": f"{school}-{number}",
                    "occurred_at": f"{at:%Y-%m-%d %H:%M}",
                    "category": "assault_battery",
                    "school_id": school,
                    "x": town.place(x, 400).x,
                    "y": town.place(x, 400).y,
                    **dict(zip(("dispatched_at", "arrived_at", "cleared_at"), times, strict=True)),
                    "responder": WHO[number // 5],
                }
            )
    other = [{**row, "category": "non_critical"} for row in town.incident_rows()[:1]]
    table = pd.DataFrame(rows + other)
    dropped = [*([] if timed else ["dispatched_at", "arrived_at", "cleared_at"]), *([] if answered else ["responder"])]
    return table.drop(columns=dropped, errors="ignore")


def zones(*, empty):
    table = town.zones()
    if not empty:
        return table
    third = gpd.GeoDataFrame(
        {"zone_id": ["C"], "name": ["North"]}, geometry=[town.square(2000, 0, 3000, 1000)], crs=4326
    )
    return pd.concat([table, third], ignore_index=True)


class Blocks(HTMLParser):
    """Read a page block by block: a cell with the caption and the heads of its table, a paragraph, a list item."""

    def __init__(self):
        super().__init__()
        self.blocks, self.figures = [], []
        self._open, self._text, self._caption, self._heads, self._column, self._row = [], "", "", [], 0, ""

    def handle_starttag(self, tag, _attrs):
        self._end()
        self._open.append(tag)
        if tag == "table":
            self._caption, self._heads = "", []
        if tag == "tr":
            self._column, self._row = 0, ""

    def handle_endtag(self, tag):
        self._end(tag)
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if not {"script", "style"} & set(self._open):
            self._text += data

    def _end(self, tag=""):
        text = " ".join(self._text.split())
        if tag in {"bdi", "strong", "sub"} or (not tag and text and self._open and self._open[-1] in {"p", "li"}):
            return
        self._text = ""
        if tag == "caption":
            self._caption = text
        if tag in {"td", "th"}:
            if "thead" in self._open:
                self._heads.append(text)
            else:
                head = self._heads[self._column] if self._column < len(self._heads) else ""
                self.blocks.append(f"{self._caption} | {self._row} | {head} | {text}")
                self._row = self._row or text
                self._column += 1
        elif tag in {"dt", "dd"}:
            self.figures.append((tag, text))
        if text and tag not in {"td", "th"}:
            self.blocks.append(text)


def blocks_of(html):
    parser = Blocks()
    parser.feed(html)
    parser.close()
    return parser


class Said:
    """All that a run of a town says of coverage."""

    def __init__(self, folder, *, empty=False, **record):
        settings = town.SETTINGS.replace("zones = 2", "zones = 3" if empty else "zones = 2") + RESPONDERS
        town.write_town(folder, incidents=calls(**record), settings=settings)
        zones(empty=empty).to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
        self.result = run_term(folder, term="Fall")
        self.coverage = self.result.coverage
        drawn = draw_term(self.result)
        self.pages = {
            name: blocks_of(html)
            for name, html in drawn.items()
            if re.match(r"index|coverage|absence|plan|what_if", name)
        }
        self.board = {
            lang: {
                name: " ".join(blocks_of(html).blocks)
                for name, html in draw_packet(self.result.board.content, langs=(lang,)).items()
                if re.search(r"(index|coverage|print)\.html$", name)
            }
            for lang in LANGS
        }
        self.summaries = [self.result.summary()]
        if not self.coverage.is_empty:
            self.summaries.append(self.coverage.summary())

    @property
    def internal(self):
        """Sentences and cells of all that the managers see, each with where it stands."""
        for text in self.summaries:
            yield from (("summary", sentence) for sentence in re.split(r"(?<=[.;])\s+", text))
        for name, page in self.pages.items():
            for block in page.blocks:
                yield from ((name, sentence) for sentence in re.split(r"(?<=\w[.;])\s+(?=[A-Z])", block))

    @property
    def public(self):
        for lang, pages in self.board.items():
            yield from ((f"{lang}/{name}", text) for name, text in pages.items())


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    made = {}

    def of(**record):
        key = tuple(sorted(record.items()))
        if key not in made:
            made[key] = Said(tmp_path_factory.mktemp("said") / "town", **record)
        return made[key]

    return of


MINUTES = re.compile(r"\d[\d.,]* ?min(?:utes?)?\b")
# What is a difference, or no response at all: visits, minutes on scene, the settings.
NO_LEVEL = re.compile(
    r"longer|shorter|no change|more|less|against a usual day|visit|assumed to keep|Minutes on scene|Worked out|[+−]\d"
    r"|km/h|within \d+ min"
)


def test_the_record_leads_wherever_coverage_is_reported(said):
    run = said()
    found = run.coverage.validation
    response, patrol = found.figure("response"), found.figure("overflow")
    assert (response.text, patrol.text) == ("12.0 min", "22.2%")
    assert response.is_within is False
    assert patrol.is_within is False
    assert response.modeled_text not in {"12.0 min", "not known"}
    lead = run.coverage.finding()
    assert lead.index("12.0 min") < lead.index("The model fails its checks") < lead.index(response.modeled_text)
    assert all(lead in summary for summary in run.summaries)
    for name in ("index.html", "coverage.html"):
        assert any(lead in block for block in run.pages[name].blocks), name
    assert any("12.0 min" in block and "record" in block for block in run.pages["absence/zone-A.html"].blocks)
    assert "90 of them calls for zone officers (90 of these reported; 70 were answered by them)" in run.result.summary()
    # The plan's rows, where there is a plan, name the model and what the record says.
    assert any("model; recorded today: 12.0 min" in block for block in run.pages["plan.html"].blocks)


def test_figures_of_the_model_are_called_the_model_s(said):
    run = said()
    found = run.coverage.validation
    mine = {found.figure(name).modeled_text for name in ("response", "response_p90", "own", "backup")}
    bare = {text.removesuffix(" min") for text in mine} | mine
    for where, sentence in run.internal:
        for text in bare:
            if re.search(rf"(?<![\d.]){re.escape(text)}(?![\d.])", sentence) and MINUTES.search(sentence):
                assert re.search("model|says|ways|Ways|measure", sentence, re.IGNORECASE), (where, sentence)


def test_the_packet_says_what_the_record_says(said):
    run = said()
    content = run.result.board.content
    assert content.coverage.district_response_min == 12
    # 50, 20 and 20 of 90: 55.6 %, 22.2 % and 22.2 %; none is small.
    assert (content.coverage.own_share, content.coverage.other_share, content.coverage.patrol_share) == (
        0.56,
        0.22,
        0.22,
    )
    for lang in LANGS:
        told = words(lang)
        lead = told("coverage.lead_officer", minutes="12")
        for name, text in run.board[lang].items():
            assert lead in text, (lang, name)
        for text in run.board[lang].values():
            minutes = re.findall(r"(?:about|unos|of|pasos de) (\d[\d.]*) minut", text)
            assert set(minutes) <= {"12", "1"}
            assert not re.search(r"0\.1\s?%", text)


def test_one_label_has_one_value(said):
    run = said()
    values = {}
    for page in run.pages.values():
        for (kind, label), (_, value) in zip(page.figures, page.figures[1:], strict=False):
            is_of_a_day = "by the model" in label or label in {"Schools to cover", "Imbalance this day"}
            if kind == "dt" and not is_of_a_day:
                values.setdefault(label, set()).add(value)
    assert {label for label in values if len(values[label]) > 1} == set()
    assert values["Until an officer is there"] == {"12.0 min"}


def test_without_responders_nothing_is_said_of_who_answers(said):
    run = said(answered=False)
    found = run.coverage.validation
    assert found.shows_minutes
    assert not found.shows_answers
    shares = re.compile(
        r"(answered|answers) (about )?\d|\d[\d.]*% of (all )?calls (go|find|need|are answered)"
        r"|patrol (?![\d.]+ percentage points (more|less))\d|\d[\d.]*%[^.|]*patrol"
    )
    for where, sentence in run.internal:
        assert not shares.search(sentence), (where, sentence)
    assert "calls for zone officers (90 of these reported);" in run.result.summary()
    for where, text in run.public:
        assert not re.search(r"(answered|atendi\w+|acudió)[^.]{0,60}\d+\s?%", text), where
        assert "who answered a call was" not in text
    for lang in LANGS:
        assert all(words(lang)("coverage.no_answers") in text for text in run.board[lang].values())


def test_without_times_no_minutes_are_reported_but_differences(said):
    run = said(timed=False)
    found = run.coverage.validation
    assert not found.shows_minutes
    assert found.shows_answers
    for where, sentence in run.internal:
        if MINUTES.search(sentence):
            assert NO_LEVEL.search(sentence), (where, sentence)
    assert "No times of dispatch and arrival were recorded" in run.coverage.finding()
    zones_told = run.coverage.to_frame()
    assert zones_told[["response_recorded", "response_model", "within_model"]].isna().all(axis=None)
    assert zones_told["overflow_recorded"].notna().all()
    for where, text in run.public:
        assert not re.search(r"\d+ minut", text), where
    for lang in LANGS:
        assert all(words(lang)("coverage.no_times") in text for text in run.board[lang].values())


def test_without_calls_no_figure_is_reported_and_that_is_said(said):
    run = said(has_any=False)
    assert run.coverage.is_empty
    assert "coverage.html" not in run.pages
    for where, sentence in run.internal:
        assert not MINUTES.search(sentence), (where, sentence)
    for lang in LANGS:
        told = words(lang)("coverage.no_calls", term="Fall")
        assert all(told in text for text in run.board[lang].values())
        assert not any(re.search(r"\d+ minut", text) for text in run.board[lang].values())


def test_the_officer_of_a_zone_without_a_school_is_there(said):
    run = said(empty=True)
    usual_day = run.coverage.usual_day
    assert usual_day.waiting.to_dict() == {"A": "001", "B": "002", "C": "zone:C"}
    # Straight from the middle of the square, at 2500, 500, to the school at 1500, 400; 1.3 times as far, at 40 km/h.
    assert usual_day.travel.minutes.loc["zone:C", "002"] == pytest.approx(1.3 * 1.00499 / 40 * 60, rel=1e-3)
    assert run.coverage.not_covered == ()
    # Three officers, alone and in pairs.
    assert len(run.coverage.absences) == 6
    alone = next(case for case in run.coverage.absences if case.absent == ("C",))
    assert "Officer of zone C absent: there is no school to cover." in alone.finding()
    told = "There is no school in zone C: its officer waits in the middle of the zone and helps elsewhere."
    assert told in run.coverage.summary()
    for name in ("coverage.html", "absence/zone-A.html"):
        assert any(told in block for block in run.pages[name].blocks), name
    # Somebody more is there to help.
    assert run.coverage.model.overflow_share < said().coverage.model.overflow_share


def test_a_tie_is_no_superlative(said):
    # Both zones have 45 calls that took 12 minutes each.
    for where, sentence in said().internal:
        assert not re.search(r"the longest mean|waits longest|the longest$", sentence), (where, sentence)
