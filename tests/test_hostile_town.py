"""A town in which every text that comes from data is markup, script or template: all it may ever be is text.

Four zones stand in a row, a kilometer wide each, two schools in every one; their ids differ in signs that no file can
have.
"""

import io
import json
import re
import shutil
from contextlib import redirect_stdout
from urllib.parse import unquote

import geopandas as gpd
import icalendar
import pandas as pd
import pytest
import said
import town
from checkout import call

from safeschools_geo.pages._page import Chart, OfflinePage
from safeschools_geo.term._notebooks import notebook_html

HOSTILE = (
    "\"'></title></script><img src=x onerror=window.planted=1><script>window.planted=1</script>"
    "{{33333332+1}}${33333332+1}{% x %}[bold]"
)
CALM = "<img src=x onerror=window.planted=1>{{33333332+1}}[bold]"
TERMS = ("Fall '-alert(1)-' {{33333332+1}}", "Spring &lt;img src=x&gt;")
ZONES = ("N-1", "N 1", "N_1", 'n-1"><img src=x onerror=window.planted=1>')
SETTINGS = f"""
[district]
name = '''Town {HOSTILE}'''
time_zone = "America/Los_Angeles"
crs = "EPSG:32610"
is_synthetic = true
[schools]
crs = "EPSG:4326"
[incidents]
crs = "EPSG:4326"
unmapped = "non_critical"
[calendar]
holidays = ["2025-09-01"]
[board]
pdf = false
[hotspots]
simulations = 199
[rebalance]
max_moves = 3
bootstrap = 40
[coverage]
draws = 40
[[terms]]
name = "{TERMS[0]}"
start = 2025-09-01
end = 2025-09-26
[[terms]]
name = "{TERMS[1]}"
start = 2026-02-02
end = 2026-02-27
[[patrol_changes]]
start = 2025-09-15
note = '''Moved {HOSTILE}'''
"""

PLANTED = """() => ({
  elements: [...document.querySelectorAll('img[src="x"], [onerror], [onload], a[href^="javascript:" i]')]
    .map((e) => e.outerHTML),
  scripts: [...document.scripts].map((s) => s.textContent.trim()).filter((text) => text.startsWith("window.planted")),
  flag: window.planted !== undefined,
  computed: document.body.innerText.includes("33333333"),
})"""

# Hover and click whatever answers: shapes of maps, buttons, boxes, every choice of every list, and moves of schools.
POKE = """async () => {
  const pause = () => new Promise((done) => setTimeout(done, 30));
  const poke = (element) => {
    const box = element.getBoundingClientRect();
    const at = { bubbles: true, cancelable: true, clientX: box.x + box.width / 2, clientY: box.y + box.height / 2 };
    for (const kind of ["mouseover", "mousemove", "mousedown", "mouseup", "click"]) {
      element.dispatchEvent(new MouseEvent(kind, at));
    }
  };
  for (const details of document.querySelectorAll("details")) details.open = true;
  let done = 0;
  const shapes = () => [...document.querySelectorAll("path.leaflet-interactive, svg [data-zone]")].slice(0, 40);
  for (let i = 0; i < shapes().length; i++) {
    poke(shapes()[i]);
    done += 1;
    await pause();
    for (const button of document.querySelectorAll("#targets button")) { poke(button); await pause(); }
  }
  for (const list of document.querySelectorAll("select")) {
    for (const option of [...list.options].slice(0, 20)) {
      list.value = option.value;
      list.dispatchEvent(new Event("change", { bubbles: true }));
      done += 1;
    }
    await pause();
  }
  for (const box of document.querySelectorAll("input[type=checkbox], input[type=radio]")) { box.click(); done += 1; }
  for (const button of document.querySelectorAll("main button:not(#download)")) {
    button.click();
    done += 1;
    await pause();
  }
  await pause();
  return done;
}"""


def hostile_schools():
    names = [f"School {i} {HOSTILE if i % 2 else CALM}" for i in range(8)]
    places = [town.place(1000 * (i // 2) + 300 + 400 * (i % 2), 300 + 400 * (i % 2)) for i in range(8)]
    return pd.DataFrame(
        {
            "school_id": [f"{i}{HOSTILE}" for i in range(8)],
            "name": names,
            "level": ["elementary", "high"] * 4,
            "enrollment": [400, 1200] * 4,
            "district": [HOSTILE] * 8,
            "in_program": ["true"] * 8,
            "address": [HOSTILE] * 8,
            "x": [p.x for p in places],
            "y": [p.y for p in places],
        }
    )


def write_hostile_town(folder):
    """Write the town; the first zone has most calls and the second few, so that a plan has something to move."""
    for name in ("boundaries", "incidents"):
        (folder / "data" / name).mkdir(parents=True)
    (folder / "district.toml").write_text(SETTINGS, encoding="utf-8")
    gpd.GeoDataFrame(
        {
            "zone_id": list(ZONES),
            "name": [f"Zone {i} {HOSTILE}" for i in range(4)],
            "officer": [f"Post {i} and {CALM}" for i in range(4)],
            "team": [HOSTILE] * 4,
        },
        geometry=[town.square(1000 * i, 0, 1000 * i + 1000, 1000) for i in range(4)],
        crs=4326,
    ).to_file(folder / "data/boundaries/zones.geojson", driver="GeoJSON", COORDINATE_PRECISION=9)
    gpd.GeoDataFrame({"name": [HOSTILE]}, geometry=[town.place(2000, 500)], crs=4326).to_file(
        folder / "data/boundaries/places.geojson", driver="GeoJSON"
    )
    schools = hostile_schools()
    schools.to_csv(folder / "data/boundaries/schools.csv", index=False)
    rows = []
    for start, times in (("2025-09-02", 3), ("2026-02-03", 2)):
        for i, school in schools.iterrows():
            for n in range(times * (9, 5, 1, 1, 3, 3, 3, 3)[i]):
                at = pd.Timestamp(start) + pd.Timedelta(days=(n * 7 + i) % 20, hours=9 + n % 5, minutes=7 * n % 60)
                source = f"Fight {HOSTILE}" if n % 3 else "weapons"
                rows.append(
                    (
                        f"{start}-{i}-{n}{CALM}",
                        f"{at:%Y-%m-%d %H:%M}",
                        source,
                        school["school_id"],
                        school["x"],
                        school["y"],
                    )
                )
    rows.append((f"late {HOSTILE}", "never", "weapons", schools["school_id"][0], 0, 0))
    rows.append((f"odd {HOSTILE}", "2025-09-03 10:00", f"Unheard {HOSTILE}", schools["school_id"][0], 0, 0))
    columns = ["incident_id", "occurred_at", "category", "school_id", "x", "y"]
    name = "history <img src=x onerror=window.planted=1>{{33333332+1}}.csv"
    pd.DataFrame(rows, columns=columns).to_csv(folder / "data/incidents" / name.replace("/", ""), index=False)
    crosswalk = pd.DataFrame(
        {"source_value": [f"Fight {HOSTILE}", "weapons"], "category": ["assault_battery", "weapons"]}
    )
    crosswalk.to_csv(folder / "crosswalk.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run and compare; give the folder and the summary of the run."""
    made = write_hostile_town(tmp_path_factory.mktemp("hostile") / "town")
    with redirect_stdout(io.StringIO()) as printed:
        assert call("run", made, "--term", TERMS[0], "--json") == 0
    assert call("compare", *TERMS, made) == 0
    return made, json.loads(printed.getvalue())["summary"]


@pytest.fixture(scope="module")
def folder(ran):
    return ran[0]


def test_it_contradicts_itself_nowhere(ran):
    folder, summary = ran
    out = folder / "outputs" / TERMS[0]
    assert said.contradictions(out, summary) == []
    assert said.against_tables(out, summary) == []
    assert any(said.facts(out, summary).values())


def pages_of(folder):
    return sorted(p.relative_to(folder / "outputs") for p in (folder / "outputs").rglob("*.html"))


def test_every_page_is_written(folder):
    found = {p.as_posix() for p in pages_of(folder)}
    term = TERMS[0]
    expected = {
        "check.html",
        *(f"maps/{name}.html" for name in ("index", "zones", "history", "rates", "plan", "what_if")),
    }
    expected |= {
        f"maps/{name}.html" for name in ("coverage", "dispatch", "absences", "hotspots", "hours", "trends", "grid")
    }
    expected |= {f"board/{lang}{name}.html" for lang in ("", "es/") for name in ("index", "print", "zones", "plan")}
    assert {f"{term}/{name}" for name in expected} <= found
    assert f"compare/{TERMS[0]} and {TERMS[1]}/compare.html" in found


def test_no_text_of_the_data_becomes_an_element(folder, browser_page):
    dialogs, made, poked, silent = [], set(), 0, []
    browser_page.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    browser_page.page.set_default_timeout(120_000)
    for name in pages_of(folder):
        browser_page.page.unroute_all()
        page = browser_page.open(folder / "outputs" / name)
        before = page.evaluate(PLANTED)
        poked += page.evaluate(POKE)
        after = page.evaluate(PLANTED)
        made |= {f"{name}: {kind} {what}" for found in (before, after) for kind, what in found.items() if what}
        if "{{33333332+1}}" not in page.content():
            silent.append(name)
    assert made == set()
    assert dialogs == []
    assert browser_page.requests == []
    assert browser_page.errors == []
    # The pages do show such names, and were played with; each says the term or the district, so that none is silent.
    assert silent == []
    assert poked > 300


def test_a_string_given_to_leaflet_is_text(folder, browser_page):
    page = browser_page.open(folder / "outputs" / TERMS[0] / "maps" / "zones.html")
    shown = page.evaluate(
        """(words) => {
      const map = Object.values(window).find((one) => one instanceof L.Map), at = map.getCenter();
      L.popup({ autoPan: false }).setLatLng(at).setContent(words).openOn(map);
      L.tooltip().setLatLng(at).setContent(() => words).addTo(map);
      const boxes = [".leaflet-popup-content", ".leaflet-tooltip-pane > :last-child"];
      return boxes.map((box) => document.querySelector(box).textContent);
    }""",
        HOSTILE,
    )
    assert shown == [HOSTILE, HOSTILE]
    assert not any(page.evaluate(PLANTED).values())


def test_a_notebook_page_shows_them_as_text(folder, browser_page, tmp_path):
    import nbformat  # noqa: PLC0415 - seconds to load, and only one worker needs it

    table = pd.DataFrame({"name": [HOSTILE]}, index=[HOSTILE])
    page = OfflinePage((folder / "outputs" / TERMS[0] / "maps" / "zones.html").read_text("utf-8"), HOSTILE)
    shown = [table._repr_html_(), page._repr_html_(), Chart("<svg></svg>", HOSTILE)._repr_html_()]
    outputs = [nbformat.v4.new_output("display_data", {"text/html": html}) for html in shown]
    outputs.append(nbformat.v4.new_output("stream", name="stdout", text=HOSTILE))
    outputs.append(nbformat.v4.new_output("error", ename="E", evalue=HOSTILE, traceback=[HOSTILE]))
    cells = [nbformat.v4.new_code_cell(f"term = {HOSTILE!r}", outputs=outputs)]
    html = notebook_html(nbformat.v4.new_notebook(cells=cells), title=HOSTILE, is_synthetic=True)
    (tmp_path / "notebook.html").write_text(html, encoding="utf-8")
    tab = browser_page.open(tmp_path / "notebook.html")
    assert not any(tab.evaluate(PLANTED).values())
    (inner,) = [frame for frame in tab.frames if frame != tab.main_frame]
    assert not any(inner.evaluate(PLANTED).values())


def test_every_zone_has_its_own_calendar_sheet_and_page(folder):
    out = folder / "outputs" / TERMS[0]
    calendars = [icalendar.Calendar.from_ical(p.read_bytes()) for p in (out / "coverage" / "visits").glob("*.ics")]
    assert len(calendars) == len(ZONES)
    told = [{str(event["description"]).split(". ")[0] for event in calendar.walk("VEVENT")} for calendar in calendars]
    assert all(len(zones) == 1 for zones in told)
    assert len(set.union(*told)) == len(ZONES)
    uids = [str(event["uid"]) for calendar in calendars for event in calendar.walk("VEVENT")]
    assert len(set(uids)) == len(uids)
    assert len(list((out / "maps" / "visits").iterdir())) == len(ZONES)
    cases = pd.read_csv(out / "coverage" / "absences.csv")
    alone = int((~cases["absent"].str.contains(";")).sum())
    sheets = {p.name for p in (out / "maps" / "absence").iterdir()}
    assert len(sheets) == len(cases) >= len(ZONES)
    index = (out / "maps" / "absences.html").read_text("utf-8")
    # Posts have " and " in their names here: each is one officer all the same.
    (table,) = re.findall(r"<caption[^>]*>One officer absent.*?</table>", index, re.DOTALL)
    assert len(re.findall(r'href="absence/', table)) == alone == len(ZONES)
    assert {unquote(link) for link in re.findall(r'href="absence/([^"]+)"', index)} == sheets


def test_the_terminal_shows_them_as_text(folder, capsys):
    assert call("check", folder) in {0, 1}
    said = "".join(capsys.readouterr().err.split())
    assert "{{33333332+1}}" in said
    assert "[bold]" in said


def test_what_is_read_back_is_what_was_given(folder):
    out = folder / "outputs" / TERMS[0]
    assert list(gpd.read_file(out / "zones.geojson")["zone_id"]) == list(ZONES)
    manifest = json.loads((out / "manifest.json").read_text("utf-8"))
    assert manifest["term"] == TERMS[0]
    assert call("verify", out) == 0
    shutil.rmtree(folder / "outputs" / "compare")
