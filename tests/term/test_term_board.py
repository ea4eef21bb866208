"""A term of the demo, end to end: the packet, searched for what must not be in it; all that is said; notebooks."""

import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import said
from checkout import DEMO
from pypdf import PdfReader

from safeschools_geo.cli._main import main
from safeschools_geo.disclosure._ledger import ledger_text, read_ledger
from safeschools_geo.errors import LedgerError
from safeschools_geo.settings import Term
from safeschools_geo.term._notebooks import notebook_files, run_notebooks
from safeschools_geo.term._packet import protect_term, release_board
from safeschools_geo.term._packet_figures import confidential_counts, school_year
from safeschools_geo.term._run import run_term

TRACERS = ("TRACERCASE", "TRACEROFFICER", "TRACERUNIT", "TRACERCALLTYPE")
SMALL = range(1, 11)


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    """Copy the demo, with tracers where names, case numbers and units stand."""
    folder = tmp_path_factory.mktemp("district") / "demo"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("generator", "*.py", "__pycache__"))
    export = folder / "incidents" / "cad_2025-26.csv"
    text = export.read_text(encoding="utf-8-sig")
    text = re.sub(r"^TV25-", "TRACERCASE-", text, flags=re.MULTILINE).replace(",P-12,", ",TRACERUNIT,")
    export.write_text(text.replace("JUV AT RISK", "TRACERCALLTYPE"), encoding="utf-8-sig")
    crosswalk = folder / "crosswalk.csv"
    lines = crosswalk.read_text(encoding="utf-8").splitlines()
    row = next(line for line in lines if line.startswith("JUV AT RISK"))
    added = [*lines, row.replace("JUV AT RISK", "TRACERCALLTYPE"), ""]
    crosswalk.write_text("\n".join(added), encoding="utf-8")
    settings = folder / "district.toml"
    both = 'P-12 = "patrol"\nTRACERUNIT = "patrol"'
    text = settings.read_text().replace('P-12 = "patrol"', both).replace("Tessaly Vale", "Another Vale")
    fewer = "[hotspots]\nsimulations = 999\n[rebalance]\nmax_moves = 4\nbootstrap = 40\n[coverage]\ndraws = 40\n"
    settings.write_text(f"{text}\n{fewer}", encoding="utf-8")
    zones = folder / "boundaries" / "zones.geojson"
    zones.write_text(zones.read_text().replace('"SS-1"', '"TRACEROFFICER"'), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def term(district):
    """Run the last term, and give its result and its folder."""
    out = district / "outputs"
    result = run_term(district, out=out)
    return result, out / result.term.name


@pytest.fixture(scope="module")
def public(term):
    """Give every file of the packet as text, those of the PDF as they are read aloud."""
    files = {path.relative_to(term[1] / "board").as_posix(): path for path in (term[1] / "board").rglob("*.*")}
    return {name: pdf_text(path) if name.endswith(".pdf") else path.read_text("utf-8") for name, path in files.items()}


def pdf_text(path):
    reader = PdfReader(path)
    return "\n".join(page.extract_text() for page in reader.pages) + str(reader.metadata)


def test_the_packet_is_whole(public):
    pages = ["index", "zones", "rates", "trends", "plan", "coverage", "method", "glossary", "print"]
    wanted = {f"{folder}{page}.html" for folder in ("", "es/") for page in pages}
    assert wanted | {"audit.json", "packet.json", "packet-en.pdf", "packet-es.pdf"} == set(public)


def test_planted_tracers_are_in_what_was_read_and_not_in_the_public_files(district, public):
    read = [district / "incidents" / "cad_2025-26.csv", district / "boundaries" / "zones.geojson"]
    confidential = "".join(path.read_text("utf-8-sig") for path in read)
    for tracer in TRACERS:
        assert tracer in confidential, "the tracer has to be there to be found"
        assert [name for name, text in public.items() if tracer in text] == []


def test_no_id_moment_or_place_of_an_incident_is_in_a_public_file(term, public):
    history, text = term[0].history, "\n".join(public.values())
    places = history.geometry.dropna()
    places = places[~places.is_empty]
    campus = term[0].district.schools.geometry
    off_campus = places[~places.to_wkt().isin(set(campus[campus.notna()].to_wkt()))]
    assert len(off_campus) > 1000, "places to look for"
    needles = {f"{x:.5f}" for x in off_campus.x} | {f"{y:.5f}" for y in off_campus.y}
    # Corners of zones are public: where one is as near as that, it is no sign.
    corners = set(re.findall(r"-?\d+\.\d{5}", (term[1] / "zones.geojson").read_text("utf-8")))
    needles -= {c for c in needles if c in corners}
    moments = pd.concat([history[c].dropna() for c in ("occurred_at", "received_at", "dispatched_at", "arrived_at")])
    needles |= set(moments.dt.strftime("%Y-%m-%dT%H:%M")) | set(moments.dt.strftime("%m/%d/%Y"))
    needles |= set(moments.dt.strftime("%Y-%m-%d")) | set(history["incident_id"])
    found = set(re.findall(r"[\w./:-]+", text))
    assert not {n for n in needles if n in found}
    assert not [n for n in list(needles)[::50] if n in text]


def numbers_of(table):
    return table.select_dtypes("number").to_numpy(dtype="float64", na_value=np.nan).ravel()


def test_no_exact_figure_of_a_confidential_table_is_in_a_public_file(term, public):
    result, text = term[0], "\n".join(public.values())
    tables = [result.workload, result.zone_loads, result.hotspots.schools.rates.table, result.coverage.to_frame()]
    numbers = np.concatenate([numbers_of(table) for table in tables])
    exact = {f"{x:.6g}" for x in numbers[np.isfinite(numbers)] if len(f"{x:.6g}".replace(".", "").strip("-0")) >= 6}
    # Rates of zones whose counts are published follow from published numbers; no page shows them that exactly.
    shown = set(re.findall(r"\d+\.\d+", text))
    assert len(exact) > 1000
    assert not exact & shown


class Cells(HTMLParser):
    """Read every figure of the release on a page, and all its other text."""

    def __init__(self):
        super().__init__()
        self.figures, self._cell = [], None

    def handle_starttag(self, _tag, attrs):
        given = dict(attrs)
        if "data-cell" in given:
            self._cell = int(given["data-cell"])

    def handle_data(self, data):
        if self._cell is not None and data.strip():
            self.figures.append((self._cell, data.strip()))
            self._cell = None


def test_every_figure_on_a_page_is_the_true_one_or_withheld(term, public):
    counts = term[0].board.counts
    truth = {int(c): v for c, v in enumerate(counts._values)}
    raw = confidential_counts(term[0])
    seen = set()
    for name, html in public.items():
        if not name.endswith(".html"):
            continue
        parser = Cells()
        parser.feed(html)
        for cell, text in parser.figures:
            seen.add(cell)
            shown = int(text.replace(",", "")) if text[0].isdigit() else -1
            assert shown == truth[cell], (name, cell, text)
    assert len(seen) > 100
    # And the true ones are those of the record, counted again without the product.
    work = term[0].history[term[0].history["work_of"] == "zone_officer"]
    for row in counts.table("zone", "term").to_dict("records"):
        counted = ((work["zone_id"] == row["zone"]) & (work["term"] == row["term"])).sum()
        assert row["is_withheld"] or row["count"] == counted
    assert not [v for v in truth.values() if v in SMALL]
    assert len(raw.counts) > 5000


def test_no_school_is_named_with_a_number(term):
    counts = term[0].board.counts
    assert not (counts.to_frame()["school"] != "").any()


def test_it_verifies_and_a_changed_number_does_not(term, tmp_path, capsys):
    folder = shutil.copytree(term[1] / "board", tmp_path / "board")
    assert run("verify", folder) == 0
    page = folder / "rates.html"
    html = page.read_text("utf-8")
    number = re.search(r'data-cell="\d+">(\d+)<', html)
    page.write_text(html[: number.start(1)] + str(int(number[1]) + 1) + html[number.end(1) :], encoding="utf-8")
    assert run("verify", folder) == 1
    assert "rates.html" in capsys.readouterr().err


def run(*arguments):
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return left.value.code


def test_a_release_is_recorded_once_and_the_next_is_audited_with_it(term, tmp_path):
    board = term[0].board
    released, record = release_board(board, "2026-06-10")
    assert (released.content.release, len(record)) == (1, 1)
    file = tmp_path / "releases.jsonl"
    file.write_text(ledger_text(record), encoding="utf-8")
    again = protect_term(term[0], releases=read_ledger(file))
    # The same again tells nothing new, and is the same; the release before is reckoned with.
    assert {fact.source for fact in again.counts.facts} == {"release 1", "rounded rate"}
    assert again.audit.is_safe
    assert again.counts.to_frame().equals(board.counts.to_frame())
    tampered = file.read_text(encoding="utf-8").replace('"value":960', '"value":961')
    assert tampered != file.read_text(encoding="utf-8")
    file.write_text(tampered, encoding="utf-8")
    with pytest.raises(LedgerError, match="Release 1 has been changed"):
        read_ledger(file)


@pytest.mark.parametrize(
    ("start", "year"), [("2025-08-11", "2025–26"), ("2026-01-05", "2025–26"), ("1999-07-01", "1999–00")]
)
def test_a_school_year_begins_in_july(start, year):
    day = pd.Timestamp(start).date()
    assert school_year(Term(name="x", start=day, end=day)) == year


def test_the_demo_contradicts_itself_nowhere(term):
    result, folder = term
    assert said.contradictions(folder, result.summary()) == []
    assert said.against_tables(folder, result.summary()) == []


def test_what_matters_is_said_in_more_than_one_place(term):
    result, folder = term
    places = {fact: sum(map(len, values.values())) for fact, values in said.facts(folder, result.summary()).items()}
    often = {"imbalance, gained", "imbalance today", "moves", "students who change officer", "time, recorded"}
    assert {fact for fact, times in places.items() if times >= 3} >= often
    # The model's time stands beside the record's only where the two differ.
    silent = set() if "mean response (it says" in result.summary() else {"the model's time"}
    assert {fact for fact, times in places.items() if not times} <= {"figures withheld", *silent}


@pytest.mark.browser
def test_notebooks_of_another_district_open_without_a_network(district, term, tmp_path, browser_page):
    result, folder = term
    begun = []
    name = result.term.name
    written = (folder / "manifest.json").stat().st_mtime_ns
    pages = run_notebooks(tmp_path / "out", district=district, term=name, is_synthetic=False, on_step=begun.append)
    assert begun == [p.stem for p in pages] == [p.stem for p in notebook_files()]
    # They showed the last run, and made no other.
    assert (folder / "manifest.json").stat().st_mtime_ns == written
    page = browser_page.open(tmp_path / "out" / "02_zone_assignment.html")
    frame = page.frame_locator("iframe")
    frame.locator(".leaflet-container").wait_for()
    assert frame.get_by_text(result.district.zones["name"].iloc[0]).count()
    assert browser_page.requests == []
    assert browser_page.errors == []
    saved = json.loads((tmp_path / "out" / "02_zone_assignment.ipynb").read_text(encoding="utf-8"))
    assert any("Another Vale" in json.dumps(cell.get("outputs", [])) for cell in saved["cells"])
    # Notebooks say what the pages of the same term say.
    shutil.copytree(folder, tmp_path / "out", dirs_exist_ok=True)
    assert said.contradictions(tmp_path / "out", result.summary()) == []
