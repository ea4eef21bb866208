"""What a run says of its plan, everywhere, against the tables beside it: no figure that they do not hold, no proof that
is none, no gain without its price.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import pandas as pd
import pytest
import said
from plan_districts import DISTRICTS, normal, without_school

from safeschools_geo.pages._plan import draw_plan
from safeschools_geo.pages._term import zones_finding
from safeschools_geo.results import TermResult
from safeschools_geo.term._run import run_term
from safeschools_geo.term._write import write_term_plan
from safeschools_geo.verify._verify import verify_folder

PRICED = {
    "response": "mean response",
    "response_p90": "response to nine calls of ten",
    "within_5_min": "reached within 5 minutes",
    "backup": "another zone’s officer answers",
    "overflow": "overflow to patrol",
}


@dataclass
class Walked:
    """A term, its written plan, and all texts that speak of it."""

    result: TermResult
    folder: Path
    texts: dict[str, str]
    pages: dict[str, str]

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.folder / f"{name}.csv", dtype={"unit_id": str, "zone_before": str, "zone_after": str})

    @property
    def certificate(self) -> dict:
        return json.loads((self.folder / "certificate.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """Run a district once, and gather what it says."""
    done: dict[str, Walked] = {}

    def run(name: str, make=None) -> Walked:
        if name not in done:
            root = tmp_path_factory.mktemp(name)
            folder = (make or DISTRICTS[name])(root / "district")
            result = run_term(folder, covers=False, protects=False)
            done[name] = gather(result, root / "plan")
        return done[name]

    return run


def gather(result: TermResult, folder: Path) -> Walked:
    texts = {"terminal": result.summary(), "zones": zones_finding(result)}
    pages = {}
    if not result.proposal.is_empty:
        folder.mkdir()
        write_term_plan(result.proposal, folder)
        texts["summary.txt"] = (folder / "summary.txt").read_text(encoding="utf-8")
        for name, (page, finding) in draw_plan(result).items():
            pages[name] = shown_text(page.html)
            if name == "plan.html":
                texts["index"] = finding
    return Walked(result, folder, texts, pages)


def shown_text(html: str) -> str:
    """Take the words that a reader sees."""
    bare = re.sub(r"<(script|style|template)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", bare)))


def speaking(walked: Walked) -> dict[str, str]:
    """Give the texts that speak of the plan, without what they say of chance and of hotspots."""
    apart = (walked.result.proposal.stability.summary(), walked.result.hotspots.finding())
    texts = dict(walked.texts)
    for part in apart:
        texts = {name: text.replace(part, " ") for name, text in texts.items()}
    return texts


PLANNED = [name for name in DISTRICTS if name != "no_calls"]


@pytest.mark.parametrize("name", PLANNED)
def test_every_percentage_is_in_a_table(walk, name):
    walked = walk(name)
    frontier, scores, certificate = walked.table("frontier"), walked.table("scores"), walked.certificate
    shares = [*frontier["imbalance"], *frontier["bound"], *frontier["plan_imbalance"]]
    shares += [certificate["imbalance_before"], certificate["imbalance_after"], certificate["value"]]
    largest = walked.result.proposal.inputs.units["workload"].max() / walked.result.proposal.plan.loads["before"].mean()
    known = {f"{share:.{digits}%}" for share in shares for digits in (1, 2, 3)} | {f"{largest:.0%}"}
    known |= {cell for column in ("current", "proposed") for cell in scores[column] if str(cell).endswith("%")}
    for where, text in speaking(walked).items():
        told = set(re.findall(r"\d[\d,.]*%", text))
        assert told <= known, (where, told - known)


@pytest.mark.parametrize("name", PLANNED)
def test_proven_is_said_only_of_what_is(walk, name):
    walked = walk(name)
    certificate, frontier = walked.certificate, walked.table("frontier")
    stated = "is proven" if certificate["is_proven"] else "is not"
    for where, text in {**speaking(walked), **walked.pages}.items():
        if where in {"what_if.html", "zones"}:
            continue
        claims = re.findall(r"(?<!not )(?<!Not )(?<!Nothing is )[Pp]roven: no contiguous|\(proven", text)
        assert bool(claims) <= certificate["is_proven"], (where, stated, claims)
    points = f"{int(frontier['is_proven'].sum())} of {len(frontier)} points proven"
    assert points in walked.texts["summary.txt"]


def difference(proposal, measure):
    """Write the difference of two scores as the price tells it."""
    unit = proposal.proposed.measures.set_index("measure").loc[measure, "unit"]
    change = proposal.proposed.value(measure) - proposal.current.value(measure)
    if abs(change) <= 1e-9:
        return "unchanged"
    change *= 1 if unit == "min" else 100
    size = "under 0.1" if abs(change) < 0.05 else f"{abs(change):.1f}"
    if unit == "min":
        return f"{size} min {'longer' if change > 0 else 'shorter'}"
    return f"{size} percentage points {'higher' if change > 0 else 'lower'}"


@pytest.mark.parametrize("name", PLANNED)
def test_a_gain_is_never_given_without_its_price(walk, name):
    walked = walk(name)
    scores = walked.table("scores").set_index("measure")
    worse = [m for m in PRICED if m in scores.index and scores.loc[m, "best"] == "current"]
    lost = int(scores.loc["levels_lost", "proposed"])
    price = walked.result.proposal.change.price_text()
    proposal = walked.result.proposal
    for measure, phrase in PRICED.items():
        if proposal.change.figures.get(measure) is None:
            continue
        anew = f"{measure}_anew"
        bracket = f" ({difference(proposal, anew)})" if proposal.change.figures.get(anew) is not None else ""
        assert f"{phrase} is {difference(proposal, measure)}{bracket}".lower() in price.lower(), measure
    assert all(f"{PRICED[measure]} is unchanged" not in price for measure in worse)
    assert price.count("loses its last") == bool(lost)
    assert "placed anew" in price
    for where in ("terminal", "summary.txt", "index"):
        assert price in walked.texts[where], where
    assert price in walked.pages["plan.html"]
    # No gain is reported on the page on which one tries, and so no price.
    assert "brings the imbalance" not in walked.pages["what_if.html"]


@pytest.mark.parametrize("name", PLANNED)
def test_moves_agree_everywhere(walk, name):
    walked = walk(name)
    plan, moves, scores = walked.table("plan"), walked.table("moves"), walked.table("scores").set_index("measure")
    moved = plan[plan["moved"]]
    assert moved["unit_id"].tolist() == moves["unit_id"].tolist()
    schools = int(moves["schools"].sum())
    assert scores.loc["schools_moved", "proposed"] == f"{schools}"
    assert len(moved) == walked.certificate["moves"]
    plural = "" if schools == 1 else "s"
    for where in ("terminal", "summary.txt", "index"):
        assert f"Moving {schools} school{plural} brings" in walked.texts[where], where
    assert f"The plan moves {schools} school{plural}:" in walked.texts["summary.txt"]
    assert schools <= walked.result.district.settings.rebalance.max_moves


@pytest.mark.parametrize("name", PLANNED)
def test_more_moves_are_those_of_a_row(walk, name):
    walked = walk(name)
    table, now = walked.table("frontier"), len(walked.table("moves"))
    for text in walked.texts.values():
        for more, share in re.findall(r"(\d+) more moves? would bring it to ([\d.]+%)", text):
            reached = table[table["plan_imbalance"].map("{:.1%}".format) == share]
            assert int(reached["units_moved"].min()) == now + int(more)


@pytest.mark.parametrize("name", PLANNED)
def test_one_imbalance_for_each_plan(walk, name):
    walked = walk(name)
    scores = walked.table("scores").set_index("measure").loc["imbalance"]
    certificate = walked.certificate
    assert scores["current"] == f"{certificate['imbalance_before']:.1%}"
    assert scores["proposed"] == f"{certificate['imbalance_after']:.1%}"
    for where in ("terminal", "summary.txt", "index"):
        assert f"the imbalance from {scores['current']} to {scores['proposed']}" in walked.texts[where], where
    assert f"the imbalance is {scores['current']}" in walked.texts["zones"]
    assert f"Proposed, imbalance {scores['proposed']}" in walked.pages["plan.html"]


def test_verify_agrees(walk):
    for name in PLANNED:
        report = verify_folder(walk(name).folder)
        assert report.is_ok, report.summary()


def test_a_seam_between_zones_changes_no_plan_and_no_proof(walk):
    walked = walk("seam")
    assert "disputed" not in walked.certificate
    assert walked.certificate["is_proven"]
    assert walked.table("frontier")["is_proven"].all()
    for where in ("terminal", "summary.txt", "index"):
        assert "in dispute" not in walked.texts[where], where


def test_a_frontier_that_falls_at_its_end_is_walked_to_its_end(walk):
    walked = walk("concave")
    table = walked.table("frontier")
    gained = table["imbalance"].iloc[0] - table["imbalance"]
    # The three small schools gain little, and the large one behind them most.
    assert gained.iloc[3] < gained.iloc[4] / 2
    assert len(walked.table("moves")) == 4


def test_a_zone_without_a_school_is_said_first_and_left_out(walk):
    walked = walk("without_school")
    first = "Zone 3 has no program school, and is left out of the imbalance"
    assert walked.texts["summary.txt"].startswith(first)
    assert walked.texts["zones"].startswith(first)
    assert first in walked.pages["plan.html"]
    assert first in walked.pages["what_if.html"]
    assert walked.certificate["zones"] == ["1", "2"]
    assert walked.certificate["zones_set_apart"] == ["3"]
    assert walked.certificate["imbalance_before"] < 0.9
    assert "not counted: no school" in walked.pages["plan.html"]
    # Its officer exists, waits in the middle of the zone, and may be sent.
    usual_day = walked.result.proposal.usual_day
    assert usual_day.waiting["3"] == "zone:3"
    assert set(usual_day.queueing.dispatch.officer_zones) == {"1", "2", "3"}


def test_a_plan_that_fills_the_zone_is_a_choice(walk):
    def filled(folder):
        return without_school(folder, more="fills_empty_zones = true\n")

    walked = walk("filled", filled)
    assert walked.certificate["zones"] == ["1", "2", "3"]
    # The zone without a load is 100 % away from the mean, and the first zone is farther away still.
    assert walked.certificate["imbalance_before"] >= 1.0
    assert "zones_set_apart" not in walked.certificate
    assert verify_folder(walked.folder).is_ok


def test_without_calls_nothing_is_proposed_and_it_is_said_why(walk):
    walked = walk("no_calls")
    assert walked.result.proposal.is_empty
    why = "No other zones are proposed: no call for zone officers is recorded in Spring 2026"
    assert why in walked.texts["terminal"]
    assert "holds up" not in walked.texts["terminal"]


def test_one_term_is_no_test_of_a_plan_made_from_it(walk):
    said = walk("one_term").result.proposal.stability.summary()
    assert said.startswith("There is no other term to score the plan on")
    assert "past term" not in said
    assert "On 1 other term" in walk("normal").result.proposal.stability.summary()


def test_two_schools_at_one_site_are_two(walk):
    walked = walk("sites")
    moves = walked.table("moves")
    assert moves["schools"].tolist() == [2]
    assert walked.certificate["moves"] == 1
    assert walked.certificate["schools_moved"] == 2
    # One move is not enough for two schools.
    table = walked.table("frontier").set_index("moves")
    assert table.loc[1, "units_moved"] == 0
    assert table.loc[2, "units_moved"] == 1


@pytest.mark.parametrize("lang", ["en", "es"])
def test_the_public_packet_states_the_price(lang, packet):
    found, result = packet
    text = shown_text((found / {"en": "", "es": "es"}[lang] / "plan.html").read_text(encoding="utf-8"))
    lost = [level for _, level in result.proposal.proposed.lost_levels]
    assert lost == ["high"]
    words = {"en": "would lose its last school of this level: High.", "es": "de este nivel: Preparatoria."}
    assert words[lang] in text
    assert "Hardly" not in text
    assert "Difícilmente" not in text


@pytest.fixture(scope="module")
def packet(tmp_path_factory):
    """Run the normal district with everything."""
    root = tmp_path_factory.mktemp("packet")
    result = run_term(normal(root / "district"), out=root / "out")
    return root / "out" / result.term.name / "board", result


def test_it_contradicts_itself_nowhere(packet):
    board, result = packet
    assert said.contradictions(board.parent, result.summary()) == []
    assert said.against_tables(board.parent, result.summary()) == []
    assert any(said.facts(board.parent, result.summary()).values())
