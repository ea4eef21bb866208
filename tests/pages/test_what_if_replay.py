"""The what-if page plays recorded calls as `replay` does: to the last digit, on the same draws."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from safeschools_geo.coverage import Calibration, Replay, replay
from safeschools_geo.coverage._replay import KINDS, chances
from safeschools_geo.coverage._usual_day import _dispatch
from safeschools_geo.pages._offline import own
from safeschools_geo.pages._what_if import _PLAYED, replay_data
from safeschools_geo.text import figure_text

pytestmark = pytest.mark.browser
SCHOOLS, ZONES, MIDDLE = list("abcdef"), ["1", "2", "3", "4"], "zone:4"
TODAY = pd.Series(dict(zip(SCHOOLS, "112233", strict=True)), name="zone_id").rename_axis("school_id")
WAITING = pd.Series(dict(zip(ZONES, ["a", "c", "e", MIDDLE], strict=True)))
CALIBRATED = {
    "turnout_min": {"": 1.5},
    "trip_factor": {"": 1.2},
    "roaming_share": {"": 0.4},
    "backup_extra_min": {"": 0.8},
    "zone_extra_min": {"1": 0.3, "2": -0.2},
    "diverted_share": {"": 0.1, "3": 0.3},
    "unavailable_share": {"": 0.2},
    "kept_share": {"": 0.25},
}


def usual_day(*, is_calibrated=True):
    """Describe a day of six schools in a row, of three zones of two and one without a school, and 40 busy days."""
    rng = np.random.default_rng(4)
    at = {school: place for place, school in enumerate(SCHOOLS)} | {MIDDLE: 6}
    minutes = pd.DataFrame({b: {a: 2.0 * abs(x - y) for a, x in at.items()} for b, y in at.items()})
    rows = [(zone, name, value) for name, of in CALIBRATED.items() for zone, value in of.items()]
    table = pd.DataFrame(rows if is_calibrated else [], columns=["zone_id", "measure", "value"])
    calibration = Calibration(table, ratios=np.array([0.5, 0.9, 1.6]) if is_calibrated else np.ones(1))
    days = pd.date_range("2026-01-05", periods=40)
    n = 400
    moments = pd.Series(days[rng.integers(len(days), size=n)] + pd.to_timedelta(rng.uniform(480, 900, n), unit="min"))
    calls = pd.DataFrame(
        {
            "school_id": rng.choice(SCHOOLS, n),
            "occurred_at": moments.dt.tz_localize("UTC"),
            "hour": 9,
            "scene_min": rng.uniform(10, 90, n),
            "origin": np.where(rng.random(n) < 0.15, "officer_initiated", "reported"),
        }
    )
    travel = SimpleNamespace(response_minutes=lambda places, points: minutes.loc[list(points), list(places)].T)

    def dispatch_of(zones, waiting=None):
        where = WAITING if waiting is None else waiting
        return _dispatch(ZONES, zones, travel, where, calibration, today=TODAY, began=pd.Series(0.05, index=ZONES))

    return SimpleNamespace(
        calls=calls,
        zones=TODAY,
        travel=travel,
        waiting=WAITING,
        middles=pd.Series([None], index=[MIDDLE]),
        calibration=calibration,
        rates=SimpleNamespace(by_day=pd.DataFrame(index=days), hours_per_day=pd.Series(7.0, index=SCHOOLS)),
        queueing=SimpleNamespace(dispatch=dispatch_of(TODAY)),
        dispatch_of=dispatch_of,
    )


def facts_of(day, replays, seed):
    facts = Replay.facts(day, seed=seed)
    measures = [{"key": key, "better": KINDS[name].better} for name, key in _PLAYED.items()]
    return facts | {"unit_of": list(range(6)), "officer_zones": [0, 1, 2, 3], "replays": replays, "measures": measures}


@pytest.fixture(scope="module")
def page(browser):
    tab = browser.new_page()
    tab.evaluate("window.SafeSchools = {}")
    for name in ("what_if_plan.js", "what_if_replay.js"):
        tab.add_script_tag(content=own(f"js/{name}"))
    yield tab
    tab.close()


@pytest.mark.parametrize("is_calibrated", [True, False])
@pytest.mark.parametrize("plan", ["112233", "122233", "111333", "123123", "221144"])
def test_page_and_python_play_the_same(page, plan, is_calibrated):
    day = usual_day(is_calibrated=is_calibrated)
    asked = {
        "facts": facts_of(day, 200, 11),
        "today": [ZONES.index(z) for z in TODAY],
        "plan": [int(z) - 1 for z in plan],
    }
    shown = page.evaluate("({facts, today, plan}) => new SafeSchools.Replay(facts, today).compared(plan)", asked)
    table = replay(day, pd.Series(dict(zip(SCHOOLS, plan, strict=True))), replays=200, seed=11).table
    table = table.set_index("measure").loc[list(_PLAYED)]
    for name in ("today", "plan", "difference", "low", "high"):
        assert [row[name] for row in shown] == pytest.approx(table[name].tolist(), abs=1e-9), name
    assert [row["verdict"] for row in shown] == table["verdict"].tolist()
    if is_calibrated:
        # The draws decide something: calls are diverted, answered by others, and wait.
        assert table.loc["overflow", "today"] > 0.05
        assert table.loc["backup", "today"] > 0.1


def test_the_same_number_is_drawn_on_both_sides(page):
    draws = [0, 1, 7, 2**31 + 3, 4_000_000]
    here = chances(np.array(draws), 50, seed=9)
    there = page.evaluate(
        "draws => draws.map(d => Array.from({length: 50}, (_, r) => SafeSchools.mixed(SafeSchools.mixed("
        "(9 + Math.imul(d, 0x9e3779b9)) | 0) ^ SafeSchools.mixed((r + 0x632be59b) | 0)) / 2 ** 32))",
        draws,
    )
    assert np.array_equal(here, np.array(there))


def test_draws_are_even_and_hang_on_no_neighbor():
    drawn = chances(np.arange(400), 500, seed=3)
    counts = np.histogram(drawn, bins=50, range=(0, 1))[0]
    # 50 cells of 4,000: chi-squared with 49 degrees of freedom, below 86 in 999 of 1,000 draws.
    assert ((counts - 4_000) ** 2 / 4_000).sum() < 86
    for a, b in ((drawn[:-1], drawn[1:]), (drawn[:, :-1], drawn[:, 1:]), (drawn, chances(np.arange(400), 500, seed=4))):
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.01


@pytest.mark.parametrize(
    ("value", "unit"),
    [(8.25, "min"), (0.04, "min"), (0.0004, "share"), (0.17649, "share"), (0.0, "share"), (0.99951, "x")],
)
def test_figures_are_written_as_on_the_other_pages(page, value, unit):
    assert page.evaluate("([v, u]) => SafeSchools.figureText(v, u)", [value, unit]) == figure_text(value, unit)


def test_without_coverage_or_with_too_many_calls_the_page_plays_nothing():
    proposal = SimpleNamespace(usual_day=usual_day())
    for coverage in (
        SimpleNamespace(is_empty=True),
        SimpleNamespace(is_empty=False, replayed=SimpleNamespace(calls=5_001)),
    ):
        assert replay_data(SimpleNamespace(coverage=coverage, proposal=proposal), None, []) is None


def test_the_facts_are_plain_and_complete():
    facts = Replay.facts(usual_day(), seed=2)
    assert facts["waiting"] == [0, 2, 4, 6]
    assert np.shape(facts["minutes"]) == (7, 6)
    assert facts["trip"] == [1.5, 1.2, 0.4, 0.8]
    assert facts["extra"] == [0.3, 0.3, -0.2, -0.2, 0.0, 0.0]
