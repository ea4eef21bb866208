"""The what-if page in a real browser with the network cut: what it shows, refuses, and hands out."""

import random
import re
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import plan_town
import pytest
import town
from axe import axe_faults
from map_town import HOSTILE
from plan_town import IDS, LETTERS, ZONE_IDS
from playwright.sync_api import expect
from test_map_browser import DRAWN

from safeschools_geo.errors import InputError
from safeschools_geo.io._export import write_csv
from safeschools_geo.pages import _map_layers as plan_figures
from safeschools_geo.pages._offline import own
from safeschools_geo.pages._what_if import page_data
from safeschools_geo.rebalance import Rules
from safeschools_geo.rebalance._measures import asked
from safeschools_geo.rebalance._neighbors import is_contiguous
from safeschools_geo.rebalance._plan_file import plan_frame
from safeschools_geo.rebalance._problem import problem_of
from safeschools_geo.rebalance._score import score_plan
from safeschools_geo.results import PlanInputs
from safeschools_geo.term._plan import read_plan
from safeschools_geo.text import format_imbalance, format_load, format_share, millionths

pytestmark = pytest.mark.browser
TODAY = dict(zip(LETTERS, ["1", "1", "2", "=3", "1", "2", "2", "=3"], strict=True))
LOADS = "[...document.querySelectorAll('#loads .load')].map(e => e.textContent)"


@pytest.fixture
def opened(browser_page, tmp_path):
    """Open the page and wait until it is drawn."""

    def open_page(page=None):
        tab = browser_page.open((page or plan_town.what_if()).save(tmp_path / "what_if.html"))
        tab.wait_for_selector(DRAWN)
        return tab

    return open_page


def choose(page, letter):
    page.locator("#unit").select_option(str(LETTERS.index(letter)))


def move(page, letter, zone):
    choose(page, letter)
    page.locator("#targets button").nth(ZONE_IDS.index(zone)).click()


def said(page):
    return page.locator("#said").inner_text()


def zones_shown(page):
    names = page.evaluate(
        "[...document.querySelectorAll('#units tr[data-unit]')]"
        ".map(r => [r.dataset.unit, r.querySelector('.now').textContent])"
    )
    ids = dict(zip(["West", "Middle", "East", HOSTILE], ZONE_IDS, strict=True))
    return {LETTERS[int(unit)]: ids[name] for unit, name in names}


def assignment(zone_of):
    return pd.Series(
        [zone_of[x] for x in LETTERS], index=pd.Index([IDS[x] for x in LETTERS], name="unit_id"), name="zone_id"
    )


def test_the_page_draws_asks_for_nothing_and_runs_no_name(opened, browser_page):
    page = opened()
    choose(page, "a")
    page.mouse.move(300, 500)
    assert browser_page.requests == []
    assert browser_page.errors == []
    assert page.evaluate("window.hacked") is None
    assert page.locator("#chosen").inner_text().startswith(HOSTILE)


def test_the_same_town_gives_the_same_bytes():
    assert plan_town.what_if().html == plan_town.what_if().html


@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing_at_the_start_after_a_move_and_after_a_refusal(browser, tmp_path, width):
    context = browser.new_context(viewport={"width": width, "height": 800}, bypass_csp=True)
    page = context.new_page()
    page.goto(plan_town.what_if().save(tmp_path / "page.html").as_uri())
    page.wait_for_selector(DRAWN)

    def act(number):
        if number == 1:
            move(page, "b", "2")
        if number == 2:
            page.locator("#in-pieces").check()
            move(page, "a", "=3")
        if number == 3:
            move(page, "e", "2")

    for number in range(4):
        act(number)
        assert axe_faults(page) == [], number
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


def test_the_facts_stand_without_javascript_and_the_browser_shows_the_same(browser, tmp_path):
    path = plan_town.what_if().save(tmp_path / "page.html")
    seen = []
    for with_script in (False, True):
        context = browser.new_context(java_script_enabled=with_script)
        page = context.new_page()
        page.goto(path.as_uri())
        if with_script:
            page.wait_for_selector(DRAWN)
        texts = ["#imbalance", "#imbalance-today", "#heaviest", "#heaviest-load", "#moved", "#moved-students"]
        tables = ["#loads tbody", "#units tbody", "#moves"]
        seen.append(
            [page.locator(s).text_content() for s in texts]
            + [re.sub(r"\s+", " ", page.locator(s).text_content()).strip() for s in tables]
        )
        if not with_script:
            expect(page.get_by_text("Map and moves need JavaScript.")).to_be_visible()
            expect(page.locator("#controls")).to_be_hidden()
            expect(page.get_by_role("row", name=re.compile("^Ginkgo"))).to_contain_text("Middle")
        context.close()
    assert seen[0] == seen[1]
    assert seen[0][4] == "0"


def test_random_moves_show_what_python_counts_to_the_last_digit(opened):
    page = opened(plan_town.what_if(locked=(), roots={}, forbidden=(), together=()))
    page.locator("#in-pieces").check()
    units = plan_town.units()
    whole = dict(zip(LETTERS, millionths(units["workload"]), strict=True))
    zone_of, rng = dict(TODAY), random.Random(7)  # noqa: S311 - moves, not secrets
    for _ in range(40):
        letter, zone = rng.choice(LETTERS), rng.choice(ZONE_IDS)
        is_last = zone != zone_of[letter] and list(zone_of.values()).count(zone_of[letter]) == 1
        move(page, letter, zone)
        if not is_last:
            zone_of[letter] = zone
        assert zones_shown(page) == zone_of
        loads = [sum(whole[x] for x in LETTERS if zone_of[x] == z) for z in ZONE_IDS]
        assert page.evaluate(LOADS) == [format_load(load) for load in loads]
        assert page.locator("#imbalance").inner_text() == format_imbalance(loads)
        apart = [len(loads) * load - sum(loads) for load in loads]
        shares = [format_share(abs(n), sum(loads)) for n in apart]
        shown = page.locator("#loads .apart").all_inner_texts()
        assert shown == [plan_figures.against_mean_text(load, loads) for load in loads]
        sides = ["over" if n > 0 else "under" for n in apart]
        assert shown == [f"{share} {side} the mean" for share, side in zip(shares, sides, strict=True)]
        moved = [x for x in LETTERS if zone_of[x] != TODAY[x]]
        assert page.locator("#moved").inner_text() == str(sum(units["schools"][LETTERS.index(x)] for x in moved))
        assert page.locator("#moves tr").count() == len(moved)
        # The fourth zone is empty until something is moved there, and cannot be emptied again.
        together = is_contiguous(assignment(zone_of), plan_town.edges())
        assert page.locator("#pieces").inner_text() == ("Yes" if together else "Not contiguous")


def test_loads_of_zones_are_sums_of_whole_millionths():
    workload = plan_town.units()["workload"]
    halves = [at % 2 for at in range(len(workload))]
    whole = millionths(workload).tolist()
    assert plan_figures.zone_loads(workload, halves, 3) == [sum(whole[::2]), sum(whole[1::2]), 0]


def test_a_zone_against_the_mean():
    assert plan_figures.against_mean_text(3, [3, 3]) == "at the mean"
    # The mean is 2: 3 is half as much again, and 1 half of it.
    assert plan_figures.against_mean_text(3, [3, 1]) == "50.0% over the mean"
    assert plan_figures.against_mean_text(1, [3, 1]) == "50.0% under the mean"


def download(page):
    with page.expect_download() as started:
        page.locator("#download").click()
    return started.value


@pytest.mark.parametrize("columns", [["name", "schools", "students"], ["schools"], []])
def test_the_plan_handed_out_is_byte_for_byte_what_the_product_writes(opened, tmp_path, columns):
    optional = {"name", "schools", "students"}
    units = plan_town.units().drop(columns=list(optional - set(columns)))
    page = opened(plan_town.what_if(units=units))
    move(page, "b", "2")
    file = download(page)
    assert file.suggested_filename == "plan.csv"
    file.save_as(tmp_path / "plan.csv")
    expected = plan_frame(units, assignment(TODAY | {"b": "2"}))
    write_csv(tmp_path / "expected.csv", expected)
    assert (tmp_path / "plan.csv").read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_the_score_of_the_plan_handed_out_is_what_the_page_showed(opened, tmp_path):
    page = opened()
    move(page, "b", "2")
    download(page).save_as(tmp_path / "plan.csv")
    units, edges = plan_town.units(), plan_town.edges()
    read = read_plan(tmp_path / "plan.csv", units, zones=ZONE_IDS)
    assert read.findings == ()
    assert read.assignment.tolist() == assignment(TODAY | {"b": "2"}).tolist()
    score = score_plan(units, read.assignment, edges, zones=plan_town.zones())
    told = score.to_frame().set_index("measure")["shown"]
    assert page.locator("#imbalance").inner_text() == told["imbalance"]
    assert page.locator("#moved").inner_text() == told["schools_moved"]
    by_zone = score.zones.set_index("zone_id")["load_shown"]
    assert page.evaluate(LOADS) == by_zone.loc[ZONE_IDS].tolist()


REFUSALS = [
    ("e", "2", ['The "Elm" is locked: it stays in West.']),
    ("g", "=3", ["Ginkgo is the school of Middle that stays put (its root)."]),
    ("h", "2", ["Hazel may not be in Middle."]),
    (
        "a",
        "2",
        ['West would be in 2 pieces; cut off from it: The "Elm".', f"cut off from it: {HOSTILE}", "Tick “Allow"],
    ),
    ("b", "=3", ["East would be in 2 pieces; cut off from it: =1+1."]),
]


@pytest.mark.parametrize(("letter", "zone", "words"), REFUSALS, ids=[letter for letter, *_ in REFUSALS])
def test_a_move_against_the_rules_is_refused_and_explained(opened, letter, zone, words):
    page = opened()
    move(page, letter, zone)
    told = said(page)
    assert told.startswith("Not moved.")
    for word in words:
        assert word in told
    assert zones_shown(page) == TODAY
    assert page.locator("#targets button").nth(ZONE_IDS.index(zone)).locator(".outcome").inner_text().startswith("no: ")


HIGHS = {"high school": [IDS["a"], IDS["e"], IDS["g"], IDS["d"]]}
FREE = {"locked": (), "roots": {}, "forbidden": (), "together": ()}


def test_a_zone_keeps_one_of_each_level_but_for_a_step_on_the_way(opened):
    page = opened(plan_town.what_if(**FREE, one_of_each=HIGHS, whole={"hotspot G1": [IDS["c"], IDS["f"]]}))
    expect(page.get_by_text("Kept whole: hotspot G1.")).to_be_visible()
    expect(page.get_by_text("Every zone is to have a high school.")).to_be_visible()
    expect(page.locator("#for-now")).to_have_text("Allow a zone in pieces, or without a high school, for now")
    move(page, "d", "2")
    assert said(page).startswith("Not moved. East would be without a high school. Tick “Allow a zone in pieces, or")
    assert page.locator("#targets button").nth(1).locator(".outcome").inner_text() == "no: East without a high school"
    page.locator("#in-pieces").check()
    expect(page.locator("#targets button").nth(1).locator(".outcome")).to_contain_text("for now: East without a high")
    move(page, "d", "2")
    expect(page.locator("#faults")).to_have_text("East is without a high school.")
    expect(page.locator("#pieces")).to_have_text("Yes")
    assert download(page).suggested_filename == "plan_against_limits.csv"
    move(page, "g", "=3")
    expect(page.locator("#faults")).to_have_text("Middle is in 2 pieces; cut off: Fir\nAnnex.")
    # A zone without a unit is asked for nothing until something enters it.
    page.locator("#reset").click()
    page.locator("#in-pieces").uncheck()
    move(page, "b", "4")
    assert said(page).startswith(f"Not moved. {HOSTILE} would be without a high school. Tick")
    move(page, "e", "4")
    assert zones_shown(page) == TODAY | {"e": "4"}


def test_no_more_students_change_officer_than_may(opened):
    page = opened(plan_town.what_if(**FREE, most_students=1000))
    expect(page.get_by_text("At most 1,000 students may change officer.")).to_be_visible()
    move(page, "b", "2")
    assert said(page) == "Not moved. 1,200 students would change officer; at most 1,000 may."
    assert page.locator("#targets button").nth(1).locator(".outcome").inner_text() == "no: too many students"
    page.locator("#in-pieces").check()
    move(page, "c", "1")
    assert said(page) == (
        "Not moved. It is not known how many students Cedar, East has; at most 1,000 students may change officer."
    )
    # The proposal moves b, and is loaded with what is wrong with it; the way back is open.
    page.locator("#proposal").click()
    expect(page.locator("#faults")).to_have_text("1,200 students change officer; at most 1,000 may.")
    move(page, "b", "1")
    expect(page.locator("#faults")).to_be_hidden()


def test_a_barrier_is_named_where_it_cuts_off(opened):
    edges = plan_town.edges().query("unit_a != @IDS['b'] or unit_b != @IDS['c']")
    page = opened(plan_town.what_if(**FREE, edges=edges, barred=[(IDS["b"], IDS["c"])]))
    move(page, "c", "1")
    # Cedar is next to b of West across the barrier only.
    told = page.locator("#said").text_content()
    assert told.startswith("Not moved. West would be in 2 pieces; cut off from it: Cedar, East. A barrier parts ")
    assert "A barrier parts =1+1 and Cedar, East." in told


def random_town(rng):
    """Draw nine squares in three zones with rules and a barrier at random, and plans at random or near to today's."""
    ids = list("abcdefghi")
    frame = gpd.GeoDataFrame(
        {
            "unit_id": ids,
            "zone_id": list("112132332"),
            "workload": [float(rng.randint(1, 9)) for _ in ids],
            "schools": [rng.choice([0, 1, 1]) for _ in ids],
            "students": [float(rng.randint(0, 500)) for _ in ids],
        },
        geometry=[town.square(500 * x, 500 * y, 500 * x + 500, 500 * y + 500) for y in range(3) for x in range(3)],
        crs=4326,
    )
    pairs = [(3 * y + x, 3 * y + x + 1) for y in range(3) for x in range(2)]
    pairs += [(3 * y + x, 3 * y + x + 3) for y in range(2) for x in range(3)]
    barred = rng.sample(pairs, rng.choice([0, 0, 1]))
    links = [(ids[a], ids[b]) for a, b in pairs if (a, b) not in barred]
    rules = Rules(
        roots={rng.choice("123"): rng.choice(ids) for _ in range(rng.choice([0, 0, 1]))},
        locked=tuple(rng.sample(ids, rng.choice([0, 0, 1]))),
        together=tuple(tuple(rng.sample(ids, 2)) for _ in range(rng.choice([0, 0, 1]))),
        whole={f"hotspot {n}": tuple(rng.sample(ids, 2)) for n in range(rng.choice([0, 0, 1]))},
        forbidden=tuple((rng.choice(ids), rng.choice("123")) for _ in range(rng.choice([0, 0, 1]))),
        one_of_each={"high school": tuple(rng.sample(ids, 6))} if rng.random() < 0.6 else {},
        most_students=rng.choice([None, 600, 900, 2000]),
        barriers={"pairs": [(ids[a], ids[b]) for a, b in barred]},
    )
    edges = pd.DataFrame(links, columns=["unit_a", "unit_b"]).assign(kind="border", border_m=500.0)
    start = [int(zone) - 1 for zone in frame["zone_id"]]
    plans = {tuple(rng.randrange(3) if rng.random() < p else z for z in start) for p in (0.1, 0.2, 0.3, 1.0) * 8}
    return frame, edges, rules, sorted(plans)


def test_what_is_a_plan_on_the_page_is_one_for_the_search(browser):
    rng, lawful, allowed = random.Random(5), 0, 0  # noqa: S311 - towns, not secrets
    drawn = [random_town(rng) for _ in range(40)]
    zones = gpd.GeoDataFrame(
        {"zone_id": list("123"), "name": list("123")}, geometry=[town.square(0, 0, 1, 1)] * 3, crs=4326
    )
    inputs = [PlanInputs(frame, edges, rules, None, ()) for frame, edges, rules, _ in drawn]
    today = [frame.set_index("unit_id")["zone_id"] for frame, *_ in drawn]
    data = [page_data(one, zones, plan=now, schools=None) for one, now in zip(inputs, today, strict=True)]
    tab = browser.new_page()
    tab.evaluate("window.SafeSchools = {}")
    tab.add_script_tag(content=own("js/what_if_plan.js"))
    shown = tab.evaluate(
        """towns => towns.map(([data, plans]) => {
          const plan = new SafeSchools.Plan(data);
          return plans.map(zoneOf => ({
            faults: plan.faults(zoneOf).length, missing: plan.missing(zoneOf).length,
            changing: plan.changing(zoneOf).number,
            refused: plan.units.map((_, unit) => [0, 1, 2].map(to =>
              [plan.group[unit].filter(one => zoneOf[one] !== to), plan.reasons(zoneOf, plan.group[unit], to).length])),
          }));
        })""",
        [[one, plans] for one, (*_, plans) in zip(data, drawn, strict=True)],
    )
    chain = data[0] | {"together": [[0, 1], [6, 5], [1, 2], [2, 3]]}
    groups = tab.evaluate("data => new SafeSchools.Plan(data).group", chain)
    assert groups[:7] == [[0, 1, 2, 3]] * 4 + [[4], [5, 6], [5, 6]]
    tab.close()
    for (frame, edges, rules, plans), of_town in zip(drawn, shown, strict=True):
        problem = problem_of(frame, edges, rules=rules, crs=town.UTM)
        for label, found in zip(plans, of_town, strict=True):
            zone_of = np.array(label)
            is_plan = problem.is_plan(zone_of)
            assert (found["faults"] == 0) == is_plan, (rules, label)
            plan = pd.Series([str(z + 1) for z in label], index=frame["unit_id"])
            table = pd.DataFrame({"zone_id": list("123"), "is_counted": True})
            measured = {one.measure: one.value for one in asked(frame, plan, rules, table)}
            assert found["missing"] == measured.get("zones_without_high_school", 0)
            if rules.most_students is not None:
                assert max(found["changing"] - rules.most_students, 0) == measured["students_beyond"]
            if not is_plan:
                continue
            lawful += 1
            # From a plan a move is refused if, and only if, what comes of it is none.
            for by_zone in found["refused"]:
                for to, (going, reasons) in enumerate(by_zone):
                    after = zone_of.copy()
                    after[going] = to
                    assert (reasons == 0) == (not going or problem.is_plan(after)), (rules, label, going, to)
                    allowed += bool(going) and reasons == 0
    assert lawful > 50
    assert allowed > 100


def test_the_last_unit_of_a_zone_stays(opened):
    page = opened()
    move(page, "d", "2")
    assert zones_shown(page)["d"] == "2"
    page.locator("#in-pieces").check()
    move(page, "h", "1")
    assert "Not moved. East would be left without a school." in said(page)


def test_what_is_kept_together_moves_together_or_not_at_all(opened):
    page = opened()
    choose(page, "f")
    expect(page.locator("#with-group-names")).to_have_text("Cedar, East")
    page.locator("#with-group").uncheck()
    move(page, "f", "1")
    assert "Fir\nAnnex is kept together with Cedar, East." in page.locator("#said").text_content()
    page.locator("#with-group").check()
    move(page, "f", "1")
    assert zones_shown(page) == TODAY | {"f": "1", "c": "1"}
    assert page.locator("#moved").inner_text() == "3"
    assert page.locator("#moved-students").inner_text() == "10 students, 1 without a number"


def test_a_swap_may_pass_through_a_plan_in_pieces_which_is_said_and_marked(opened):
    page = opened()
    page.locator("#in-pieces").check()
    move(page, "b", "=3")
    assert "East is in 2 pieces; cut off: =1+1." in said(page)
    expect(page.locator("#pieces")).to_have_text("Not contiguous")
    expect(page.locator("#pieces-zones")).to_have_text("East")
    expect(page.locator("#faults")).to_have_text("East is in 2 pieces; cut off: =1+1.")
    expect(page.locator(".zone-label.cut-off")).to_contain_text("cut off")
    file = download(page)
    assert file.suggested_filename == "plan_not_contiguous.csv"
    assert "Its name says that the plan breaks a rule." in said(page)
    move(page, "c", "=3")
    expect(page.locator("#pieces")).to_have_text("Yes")
    assert download(page).suggested_filename == "plan.csv"


def test_a_proposal_against_the_limits_is_reported_when_it_is_loaded(opened):
    plan = plan_town.plan().replace({"=3": "2"}).where(lambda z: z.index != IDS["e"], "4")
    page = opened(plan_town.what_if(plan=plan))
    page.locator("#proposal").click()
    told = page.locator("#faults").text_content()
    assert "East has no school." in told
    assert 'The "Elm" is locked in West, but not in it.' in told
    assert "Hazel may not be in Middle." in told
    assert download(page).suggested_filename == "plan_against_limits.csv"


def test_the_plan_beside_the_proposal_is_loaded_too(opened):
    other = plan_town.plan().where(lambda z: z.index != IDS["d"], "2")
    asked = {"other_plan": SimpleNamespace(assignment=other), "other_name": "Where longer waits are allowed"}
    page = opened(plan_town.what_if(**asked))
    button = page.get_by_role("button", name="Where longer waits are allowed")
    button.click()
    assert said(page).startswith("The other plan is loaded. Imbalance ")
    assert zones_shown(page) == TODAY | {"b": "2", "d": "2"}
    expect(button).to_have_attribute("aria-disabled", "true")
    page.locator("#proposal").click()
    assert zones_shown(page) == TODAY | {"b": "2"}
    expect(button).to_have_attribute("aria-disabled", "false")


def test_undo_redo_reset_and_the_proposal(opened):
    page = opened()
    at = {name: page.locator(f"#{name}") for name in ("undo", "redo", "reset", "proposal")}
    expect(at["undo"]).to_have_attribute("aria-disabled", "true")
    at["undo"].click(force=True)
    move(page, "b", "2")
    move(page, "d", "2")
    at["undo"].click()
    assert said(page).startswith("Undone: Dogwood moved to Middle.")
    assert zones_shown(page) == TODAY | {"b": "2"}
    at["redo"].click()
    assert zones_shown(page) == TODAY | {"b": "2", "d": "2"}
    at["reset"].click()
    assert zones_shown(page) == TODAY
    expect(at["reset"]).to_have_attribute("aria-disabled", "true")
    expect(at["proposal"]).to_have_text("Load the proposal")
    at["proposal"].click()
    assert zones_shown(page) == TODAY | {"b": "2"}
    expect(at["proposal"]).to_have_text("Back to the zones of today")
    at["proposal"].click()
    assert zones_shown(page) == TODAY


def test_a_reload_and_a_bookmark_keep_the_plan(opened):
    page = opened()
    start = page.url
    move(page, "b", "2")
    move(page, "d", "2")
    kept = page.url
    page.reload()
    page.wait_for_selector(DRAWN)
    assert zones_shown(page) == TODAY | {"b": "2", "d": "2"}
    assert said(page).startswith("The plan of this page’s address is loaded. Imbalance ")
    page.locator("#undo").click()
    assert zones_shown(page) == TODAY
    assert page.url == start
    # The address is typed in, or chosen from the bookmarks, while the page is open.
    page.goto(kept)
    assert zones_shown(page) == TODAY | {"b": "2", "d": "2"}
    page.locator("#reset").click()
    page.reload()
    page.wait_for_selector(DRAWN)
    assert zones_shown(page) == TODAY


@pytest.mark.parametrize("hash_", ["#%E0%A4", "#plan", "#unit_id%2Czone_after%0Anobody%2C2"])
def test_an_address_that_holds_no_plan_of_this_district_changes_nothing(opened, hash_):
    page = opened()
    page.goto(page.url + hash_)
    assert zones_shown(page) == TODAY
    assert said(page) == ("This is a plan of other schools, or of other zones." if "nobody" in hash_ else "")


def open_plan(page, content, name="plan.csv"):
    page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    expect(page.locator("#said")).not_to_be_empty()


def test_the_plan_handed_out_can_be_opened_again_also_as_a_spreadsheet_writes_it(opened, tmp_path):
    page = opened()
    move(page, "b", "2")
    move(page, "d", "2")
    download(page).save_as(tmp_path / "plan.csv")
    moved = TODAY | {"b": "2", "d": "2"}
    written = pd.read_csv(tmp_path / "plan.csv", dtype="str", keep_default_na=False)
    few = written.iloc[::-1][["zone_after", "unit_id"]]
    forms = {
        "as it is": (tmp_path / "plan.csv").read_bytes(),
        "quoted": written.to_csv(index=False, quoting=1, lineterminator="\r\n").encode("utf-8-sig"),
        "other columns": few.to_csv(index=False).encode(),
    }
    for name, content in forms.items():
        page.locator("#reset").click()
        open_plan(page, content, f"{name}.csv")
        expect(page.locator("#said")).to_contain_text(f"{name}.csv is loaded. Imbalance ")
        assert zones_shown(page) == moved, name


def test_what_an_opened_plan_leaves_out_or_has_too_much_is_said(opened):
    page = opened()
    open_plan(page, b"unit_id,zone_after\n001,2\n-3,9\nnobody,2\n")
    assert "Not of this district, and left out: -3 in zone 9, nobody in zone 2." in said(page)
    assert "As today: =1+1, Cedar, East, Dogwood" in said(page)
    assert zones_shown(page) == TODAY | {"a": "2"}
    expect(page.locator("#said")).to_have_class("problem")
    open_plan(page, b"school,zone\n001,2\n")
    assert said(page) == "This is no plan: the columns unit_id and zone_after are needed."
    assert zones_shown(page) == TODAY | {"a": "2"}


def test_the_keyboard_alone_moves_a_school(opened):
    page = opened()
    page.locator("#unit").focus()
    page.keyboard.type("Dog")
    page.keyboard.press("Tab")
    assert said(page) == "Chosen: Dogwood. Now choose its zone."
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert zones_shown(page) == TODAY | {"d": "2"}
    assert said(page).startswith("Dogwood moved to Middle. Imbalance ")
    # The place of the keyboard is kept: the next Enter tells that nothing is left to do.
    page.keyboard.press("Enter")
    assert said(page) == "Dogwood is in Middle already."
    page.get_by_role("button", name="Hazel").press("Enter")
    assert page.evaluate("document.activeElement.id") == "move"
    expect(page.locator("#unit option:checked")).to_have_text("Hazel (East)")


def test_a_click_on_the_map_chooses(opened):
    page = opened(plan_town.what_if(bare=True))
    chart = page.locator(".folium-map")
    box = chart.bounding_box()
    chart.click(position={"x": box["width"] * 0.67, "y": box["height"] * 0.62})
    expect(page.locator("#unit option:checked")).to_have_text("Dogwood (East)")
    page.locator("#targets button").first.click()
    assert said(page).startswith("Not moved.")


def test_in_print_the_facts_stay_and_the_controls_go(opened):
    page = opened()
    move(page, "b", "2")
    page.emulate_media(media="print")
    expect(page.locator("#controls")).to_be_hidden()
    expect(page.locator("#moves")).to_contain_text("=1+1")


def test_units_that_are_no_coverage_and_have_no_schools_still_draw(opened, browser_page):
    units = plan_town.units().drop(columns=["name", "schools", "students"])
    units["geometry"] = units.geometry.set_crs(None, allow_override=True).buffer(0.0001).set_crs(4326)
    page = opened(plan_town.what_if(units=units, noun="area", bare=True))
    move(page, "d", "2")
    assert said(page).startswith("-x moved to Middle.")
    assert browser_page.errors == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"locked": ["z"]}, "units of limits that are not known"),
        ({"roots": {"9": IDS["a"]}}, "zones of limits that are not known"),
        ({"plan": pd.Series({IDS["a"]: "1"})}, "gives some units no zone"),
        ({"zones": plan_town.zones().iloc[:2]}, "zones of units that are not known"),
    ],
)
def test_what_does_not_belong_together_is_refused(changed, words):
    with pytest.raises(InputError, match=words):
        plan_town.what_if(**changed)
