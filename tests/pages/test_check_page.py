"""The check report as people see it: a page that opens anywhere, and 80 columns of terminal."""

import base64
import hashlib
import io
import re
from html.parser import HTMLParser

import pytest
from rich.console import Console

from safeschools_geo.findings import CheckReport, Finding
from safeschools_geo.pages._check import MOST_IDS, check_html, print_report, verdict

NASTY = '<script>alert(1)</script>"\'&[bold]=HYPERLINK("x")'
GAP = Finding(
    "warning",
    "zones_gap",
    "zones",
    "A part of the district, 2,000 m² beside A, B, lies in no zone.",
    ("A", "B"),
    "the whole district covered by zones",
    "Extend the zones beside the gap to each other, or to the border of the district.",
    (-121.300001, 38.6),
)
OVERLAP = Finding("error", "zones_overlap", "zones", "The zones A, B overlap by 1,000 m².", ("A", "B"))
NOTE = Finding("note", "incident_no_time", "incidents", "9 incidents without a time.", tuple(f"I{i}" for i in range(9)))
COUNTS = {"zones": {"read": 2, "kept": 2, "rejected": 0}, "incidents": {"read": 1_234, "kept": 1_200, "rejected": 34}}
REPORT = CheckReport("Twosquare", (NOTE, GAP, OVERLAP), COUNTS, is_synthetic=True)
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Outline(HTMLParser):
    """Read a page strictly: every tag closed in order; texts and attributes gathered."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.text, self.ids = [], [], "", []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.text += data


def test_the_page_is_sound_html_with_a_language_and_a_title():
    html = check_html(REPORT)
    page = Outline(html)
    assert html.startswith("<!DOCTYPE html>")
    assert page.tags[0] == ("html", {"lang": "en"})
    assert "<title>Check of Twosquare</title>" in html
    assert len(page.ids) == len(set(page.ids))
    assert [tag for tag, _ in page.tags if tag in {"h1", "h2", "h3"}] == [
        "h1",
        "h2",
        "h2",
        "h3",
        "h2",
        "h3",
        "h2",
        "h3",
    ]


def test_the_policy_allows_the_one_style_and_nothing_else():
    html = check_html(REPORT)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[1]
    style = re.search(r"<style>(.*)</style>", html, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert {tag for tag, _ in Outline(html).tags}.isdisjoint({"script", "link", "img", "iframe"})
    assert not any(name in attrs for _, attrs in Outline(html).tags for name in ("src", "style", "onclick"))


def test_the_page_says_all_that_was_found():
    page = Outline(check_html(REPORT))
    for finding in REPORT.findings:
        for part in (finding.message, finding.expected, finding.remedy, finding.code):
            assert part in page.text
    assert "longitude -121.300001, latitude 38.600000" in page.text
    assert "1,234" in page.text
    assert "34" in page.text


def test_the_banners_say_internal_always_and_synthetic_when_it_is():
    assert "SYNTHETIC" in check_html(REPORT)
    real = check_html(CheckReport("Twosquare", ()))
    assert "SYNTHETIC" not in real
    assert "Confidential – internal use" in real


@pytest.mark.parametrize("field", ["message", "code", "table", "expected", "remedy", "ids", "district", "counts"])
def test_no_data_is_markup(field):
    parts = {"message": "m", "code": "c", "table": "t", "expected": "e", "remedy": "r", "ids": ("i",)}
    nasty = (NASTY,) * 7 if field == "ids" else NASTY
    finding = Finding("error", **{**parts, **({field: nasty} if field in parts else {})})
    counts = {NASTY: {"read": 1, "kept": 1}} if field == "counts" else {}
    report = CheckReport(NASTY if field == "district" else "D", (finding,), counts)
    html = check_html(report)
    assert "<script" not in html
    assert NASTY in Outline(html).text
    # The terminal leaves table and code to the page and the JSON.
    assert ("[bold]" in printed(report)) is (field not in {"table", "code"})


def test_a_few_rows_are_spelt_out_and_many_are_folded_away():
    assert "<details>" not in check_html(CheckReport("D", (GAP,)))
    html = check_html(REPORT)
    assert html.count("<details>") == 1
    assert "All 9" in html
    assert "I8" in html


def test_of_very_many_rows_the_page_shows_the_first():
    many = Finding("note", "c", "t", "Many.", tuple(f"I{i}" for i in range(MOST_IDS + 1)))
    html = check_html(CheckReport("D", (many,)))
    assert f"The first {MOST_IDS} of {MOST_IDS + 1}" in html
    assert f"I{MOST_IDS - 1}" in html
    assert f"I{MOST_IDS}" not in html
    assert "--json" in html


def test_findings_that_share_their_remedy_share_a_card():
    second = Finding(GAP.severity, GAP.code, GAP.table, "Another gap.", ("C",), GAP.expected, GAP.remedy)
    report = CheckReport("D", (GAP, second))
    assert check_html(report).count(GAP.remedy) == 1
    assert "Another gap." in check_html(report)
    assert printed(report, width=400).count(GAP.remedy) == 1


def test_the_same_report_is_the_same_page():
    assert check_html(REPORT) == check_html(CheckReport("Twosquare", (OVERLAP, GAP, NOTE), COUNTS, is_synthetic=True))


@pytest.mark.parametrize(
    ("findings", "words"),
    [
        ((), "Nothing to fix was found."),
        ((NOTE,), "No errors, no warnings and 1 note. Results can be made."),
        (
            (NOTE, GAP),
            "No errors, 1 warning and 1 note. Results can be made; look at the warnings before you rely on them.",
        ),
        ((OVERLAP, OVERLAP), "2 errors, no warnings and no notes. Fix the errors first: results would be wrong."),
    ],
)
def test_the_verdict_is_plain_english(findings, words):
    report = CheckReport("Twosquare", findings)
    assert verdict(report) == words
    assert words in check_html(report)
    assert words in " ".join(printed(report).split())


def printed(report, width=80):
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    print_report(report, console)
    return console.file.getvalue()


def test_the_terminal_shows_everything_in_80_columns():
    text = printed(REPORT)
    assert max(map(len, text.splitlines())) <= 80
    flat = " ".join(text.split())
    for words in ("SYNTHETIC", "Check of Twosquare", "incidents 1,234 1,200 34", GAP.message, GAP.remedy):
        assert words in flat
    assert "I0, I1, I2, I3, I4 and 4 more (9 in all)" in flat
    assert flat.index("Errors (1)") < flat.index("Warnings (1)") < flat.index("Notes (1)")


def test_a_long_word_does_not_break_the_terminal():
    long = Finding("error", "c", "t", "x" * 500, ("q" * 500,), remedy="z" * 500)
    lines = printed(CheckReport("D", (long,))).splitlines()
    assert max(map(len, lines)) <= 80
    assert sum(line.count("q") for line in lines) == 500


CONTRAST = """() => {
  const light = (c) => { const v = c / 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const luminance = (rgb) => 0.2126 * light(rgb[0]) + 0.7152 * light(rgb[1]) + 0.0722 * light(rgb[2]);
  const numbers = (text) => text.match(/[\\d.]+/g).map(Number);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = numbers(getComputedStyle(e).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  const texts = [...document.body.querySelectorAll('*')].filter(
    (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()));
  return Math.min(...texts.map((e) => {
    const [a, b] = [luminance(numbers(getComputedStyle(e).color)), luminance(behind(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
}"""


@pytest.fixture
def page_file(tmp_path):
    wide = Finding("warning", "c", "t", "W" * 300, ("v" * 300, *"abcdefgh"), remedy="u" * 300)
    path = tmp_path / "check.html"
    path.write_text(check_html(CheckReport("Twosquare", (*REPORT.findings, wide), COUNTS, is_synthetic=True)), "utf-8")
    return path


@pytest.mark.browser
def test_the_page_opens_from_disk_and_asks_for_nothing(browser_page, page_file):
    page = browser_page.open(page_file)
    assert browser_page.requests == []
    assert browser_page.errors == []
    # The policy let the style in.
    assert page.locator(".banner").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(74, 16, 32)"


@pytest.mark.browser
def test_the_page_fits_a_small_phone(browser_page, page_file):
    browser_page.page.set_viewport_size({"width": 320, "height": 640})
    page = browser_page.open(page_file)
    page.locator("summary").first.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert page.locator("td", has_text="1,234").bounding_box()["height"] < 50


@pytest.mark.browser
def test_the_text_stands_out_as_wcag_asks(browser_page, page_file):
    page = browser_page.open(page_file)
    assert page.evaluate(CONTRAST) >= 4.5


@pytest.mark.browser
def test_the_rows_unfold_by_keyboard(browser_page, page_file):
    page = browser_page.open(page_file)
    assert not page.get_by_text("I8").is_visible()
    page.locator("summary").last.focus()
    page.keyboard.press("Enter")
    assert page.get_by_text("I8").is_visible()


@pytest.mark.browser
def test_print_leaves_the_jumps_out(browser_page, page_file):
    page = browser_page.open(page_file)
    assert page.locator(".jump").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(".jump").is_visible()
    assert page.get_by_role("heading", name="Errors (1)").is_visible()
