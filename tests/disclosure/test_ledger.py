"""The record of what was published is whole or refused, and tells what earlier releases give away."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeschools_geo.disclosure._attacker import Fact
from safeschools_geo.disclosure._audit import audit
from safeschools_geo.disclosure._ledger import (
    Earlier,
    Release,
    earlier,
    ledger_text,
    read_ledger,
    require_whole,
    sibling_packets,
    with_release,
)
from safeschools_geo.disclosure._policy import Grouping
from safeschools_geo.disclosure._protect import protect
from safeschools_geo.disclosure._tables import CountTable, SafeTable
from safeschools_geo.errors import ColumnError, DisclosureError, LedgerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ZONES = {"s1": "A", "s2": "A", "s3": "B", "s4": "B"}
COUNTS = {"s1": 20, "s2": 25, "s3": 30, "s4": 40}


def table_of(
    zones: Mapping[str, str] = ZONES, counts: Mapping[str, int] = COUNTS, *, measure: str = "incidents"
) -> CountTable:
    frame = pd.DataFrame([{"school": s, "zone": z, "term": "fall", "count": counts[s]} for s, z in zones.items()])
    tables = (Grouping(("zone", "term")), Grouping(("term",)))
    return CountTable(frame, tables, hidden=(Grouping(("school", "term")),), measure=measure)


def people_of(zones: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame({"school": list(zones), "zone": list(zones.values())})


def add(
    record: Sequence[Release],
    safe: SafeTable,
    zones: Mapping[str, str] = ZONES,
    *,
    day: str = "2025-01-31",
    statements: Sequence[Fact] = (),
) -> tuple[Release, ...]:
    return with_release(
        record, safe, people_of(zones), district="Demo", term="fall", released=day, statements=statements
    )


@cache
def three() -> tuple[Release, ...]:
    """Make a record of three releases."""
    first = add((), protect(table_of()), statements=[Fact("school", {"s1": 0.5, "s3": 2.0}, 60, 80, "map class")])
    second = add(first, protect(table_of(counts={**COUNTS, "s1": 50})), day="2025-02-28")
    return add(second, protect(table_of(counts={**COUNTS, "s1": 80, "s2": 5})), day="2025-03-31")


def same(one: Sequence[Release], two: Sequence[Release]) -> bool:
    return ledger_text(one) == ledger_text(two)


def read(path: Path, data: bytes) -> tuple[Release, ...]:
    path.write_bytes(data)
    return read_ledger(path)


# Written and read.


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    text = ledger_text(three())
    assert text.count("\n") == 3
    found = read(tmp_path / "record.jsonl", text.encode())
    assert same(found, three())
    assert [r.number for r in found] == [1, 2, 3]
    assert [r.previous for r in found] == ["0" * 64, found[0].hash, found[1].hash]
    assert found[0].statements[0]["weights"] == {"s1": 0.5, "s3": 2.0}


def test_a_record_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read_ledger(tmp_path / "none.jsonl") == ()
    assert read(tmp_path / "empty.jsonl", b"") == ()
    assert ledger_text(()) == ""


def test_only_what_was_published_is_in_it() -> None:
    # s2 is 5 and no table shows it; zone A is 85.
    safe = protect(table_of(counts={**COUNTS, "s1": 80, "s2": 5}))
    release = add((), safe)[0]
    assert {json.dumps(f["key"], sort_keys=True): f["value"] for f in release.figures} == {
        '{"term": "fall", "zone": "A"}': 85,
        '{"term": "fall", "zone": "B"}': 70,
        '{"term": "fall"}': 155,
    }
    small = protect(table_of(counts={**COUNTS, "s1": 2, "s2": 3}))
    told = {f["key"].get("zone"): f["value"] for f in add((), small)[0].figures}
    # A is 5: withheld, with B, and not told from it.
    assert told == {"A": None, "B": None, None: 75}


def test_the_same_again_is_no_new_release() -> None:
    one = add((), protect(table_of()))
    assert add(one, protect(table_of()), day="2026-01-01") == one
    other = add(one, protect(table_of(counts={**COUNTS, "s1": 60})))
    assert [r.number for r in other] == [1, 2]
    # Going back to what was said before the last release is news.
    assert len(add(other, protect(table_of()))) == 3


def test_the_same_figures_of_other_zones_are_a_new_release() -> None:
    one = add((), protect(table_of()))
    assert len(add(one, protect(table_of()), {**ZONES, "s5": "A"})) == 2


@pytest.mark.parametrize("name", ["Ä × ö", "مدرسة", '"quoted"\\', "a\nb", "\t", "<b>", "x" * 5000])
def test_any_name_is_kept(tmp_path: Path, name: str) -> None:
    zones = {**ZONES, "s4": name}
    record = add((), protect(table_of(zones)), zones)
    assert same(read(tmp_path / "record.jsonl", ledger_text(record).encode()), record)


# Changed.


@given(st.data())
@settings(max_examples=150)
def test_a_changed_byte_is_found_or_changes_nothing(tmp_path_factory, data) -> None:
    text = ledger_text(three()).encode()
    place = data.draw(st.integers(0, len(text) - 1))
    how = data.draw(st.sampled_from(["change", "insert", "delete"]))
    byte = data.draw(st.binary(min_size=1, max_size=1))
    new = {"change": byte, "insert": byte + text[place : place + 1], "delete": b""}[how]
    path = tmp_path_factory.getbasetemp() / "changed.jsonl"
    try:
        found = read(path, text[:place] + new + text[place + 1 :])
    except LedgerError:
        return
    # Only space between the parts can change and be read: the record is the same.
    assert same(found, three())


@pytest.mark.parametrize("place", range(0, 3000, 97))
def test_a_changed_digit_is_found(tmp_path: Path, place: int) -> None:
    text = ledger_text(three())
    at = next((i for i in range(place, len(text)) if text[i].isdigit()), None)
    if at is None:
        return
    changed = text[:at] + str((int(text[at]) + 1) % 10) + text[at + 1 :]
    with pytest.raises(LedgerError, match="not whole"):
        read(tmp_path / "record.jsonl", changed.encode())


@pytest.mark.parametrize("order", [[1, 2], [0, 2], [1, 0, 2], [0, 0, 1, 2], [2, 1, 0], [0, 1, 2, 2]])
def test_releases_cannot_be_left_out_doubled_or_moved(tmp_path: Path, order: list[int]) -> None:
    lines = ledger_text(three()).splitlines(keepends=True)
    with pytest.raises(LedgerError, match="missing, or another was put in"):
        read(tmp_path / "record.jsonl", "".join(lines[i] for i in order).encode())


def test_a_release_that_was_put_in_with_a_right_hash_breaks_the_chain(tmp_path: Path) -> None:
    forged = add((), protect(table_of(counts={**COUNTS, "s1": 33})))[0]
    text = ledger_text([forged, *three()[1:]])
    with pytest.raises(LedgerError, match="Before release 2"):
        read(tmp_path / "record.jsonl", text.encode())


@pytest.mark.parametrize("text", ["{", "[]", "5", "null", "{}", '{"number": 1}', '{"hash": "x"}', "\udcff", "{}\n{}"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(LedgerError, match="cannot be read"):
        read(tmp_path / "record.jsonl", text.encode("utf-8", "surrogateescape"))
    with pytest.raises(LedgerError, match="cannot be read"):
        read_ledger(tmp_path)


def test_more_than_a_release_has_is_refused(tmp_path: Path) -> None:
    entry = json.loads(three()[0].line())
    with pytest.raises(LedgerError, match="cannot be read"):
        read(tmp_path / "record.jsonl", json.dumps({**entry, "note": "x"}).encode())


# What earlier releases tell.


def known(told: Earlier) -> list[Fact]:
    return [*told.figures, *told.statements]


def test_figures_are_of_the_schools_that_they_had() -> None:
    record = add((), protect(table_of()))
    told = earlier(record, table_of({**ZONES, "s2": "B"}))
    assert told.restated == ()
    assert told.statements == ()
    found = {frozenset(fact.weights): (fact.low, fact.high, fact.source) for fact in told.figures}
    assert found == {
        frozenset({"s1", "s2"}): (45, 45, "release 1"),
        frozenset({"s3", "s4"}): (70, 70, "release 1"),
        frozenset({"s1", "s2", "s3", "s4"}): (115, 115, "release 1"),
    }
    assert {fact.where for fact in told.figures} == {(("term", "fall"),)}


def test_what_two_releases_say_alike_is_known_once() -> None:
    record = add(add((), protect(table_of())), protect(table_of()), {**ZONES, "s9": "A"})
    assert len(record) == 2
    assert [fact.source for fact in earlier(record, table_of()).figures] == ["release 1"] * 3


def test_what_was_corrected_is_restated_and_no_longer_a_fact() -> None:
    record = add((), protect(table_of()))
    told = earlier(record, table_of(counts={**COUNTS, "s1": 24}))
    assert {r.low for r in told.restated} == {45, 115}
    assert [sorted(fact.weights) for fact in told.figures] == [["s3", "s4"]]


def test_withheld_figures_reveal_nothing() -> None:
    small = {**COUNTS, "s1": 2, "s2": 3}
    record = add((), protect(table_of(counts=small)))
    told = earlier(record, table_of(counts=small))
    assert [sorted(fact.weights) for fact in told.figures] == [["s1", "s2", "s3", "s4"]]
    assert told.restated == ()


def test_statements_are_kept_with_their_source() -> None:
    said = [Fact("school", {"s1": 0.5}, 8, float("inf"), "load"), Fact("school", {"s1": 1.0}, 90, 99, "load")]
    record = add((), protect(table_of()), statements=said)
    told = earlier(record, table_of())
    # The second is not true of these counts, so nothing follows from it.
    assert [(f.source, f.low, f.high, dict(f.weights)) for f in told.statements] == [
        ("release 1, load", 8, float("inf"), {"s1": 0.5})
    ]


def test_what_is_counted_otherwise_says_nothing() -> None:
    record = add((), protect(table_of(measure="calls")))
    assert known(earlier(record, table_of())) == []


def test_another_term_is_looked_at_by_itself() -> None:
    record = add((), protect(table_of()))
    raw = table_of()
    spring = CountTable(raw.counts.assign(term="spring", count=[50, 60, 70, 80]), raw.groupings, hidden=raw.hidden)
    told = earlier(record, spring)
    assert told.figures == ()


def test_a_record_that_adds_up_to_a_small_count_cannot_be_repaired() -> None:
    # Zones A and B were reported, then the zones of the first day less s2: s2 = 45 − 40 = 5 is out already.
    counts = {**COUNTS, "s1": 40, "s2": 5}
    moved = {**ZONES, "s2": "B"}
    record = add(add((), protect(table_of(counts=counts))), protect(table_of(moved, counts)), moved)
    told = earlier(record, table_of(counts=counts))
    with pytest.raises(DisclosureError, match="whatever is withheld"):
        protect(table_of(counts=counts), facts=known(told))


def test_releases_one_after_another_stay_safe_together() -> None:
    # Each release knows those before it; s2 (5) moves to and fro.
    counts = {**COUNTS, "s1": 40, "s2": 5}
    record: tuple[Release, ...] = ()
    for zones in (ZONES, {**ZONES, "s2": "B"}, {**ZONES, "s3": "A"}):
        raw = table_of(zones, counts)
        told = earlier(record, raw)
        safe = protect(raw, facts=known(told), restated=told.restated)
        audit(safe).require_safe()
        record = add(record, safe, zones)
    assert len(record) == 3
    assert safe.value(term="fall") == 115


def test_a_statement_about_what_is_not_counted_is_refused() -> None:
    with pytest.raises(ColumnError, match="not about the counts"):
        protect(table_of(), facts=[Fact("county", {"x": 1.0}, 0, 5, "sentence")])


# One more here and one less there.

FIVE = {**ZONES, "s5": "A"}


def publish(
    record: Sequence[Release], raw: CountTable, zones: Mapping[str, str]
) -> tuple[SafeTable, tuple[Release, ...]]:
    """Protect and record a release as the packet does."""
    before = earlier(record, raw)
    facts = [*before.figures, *before.statements]
    safe = protect(raw, facts=facts, restated=before.restated, withheld=before.withheld, knows_rule=True)
    assert audit(safe, knows_rule=True).is_safe
    record = with_release(record, safe, people_of(zones), district="Demo", term="fall", released="2025-01-31", raw=raw)
    return safe, record


def test_a_correction_and_a_school_that_left_do_not_cancel() -> None:
    # Zone A was 20 + 25 + 3 = 48. The school of 3 leaves and another is corrected by 3: A is 48 again.
    first, record = publish((), table_of(FIVE, {**COUNTS, "s5": 3}), FIVE)
    assert first.value(zone="A", term="fall") == 48
    raw = table_of(ZONES, {**COUNTS, "s1": 23})
    before = earlier(record, raw)
    assert not [fact for fact in before.figures if "s1" in fact.weights]
    # As it was; had the school only left (51 - 3); had only the correction been made (45 + 3).
    zone = [fact.low for fact in before.restated if set(fact.weights) == {"s1", "s2", "s5"}]
    assert zone == [48, 51, 45]
    second, record = publish(record, raw, ZONES)
    assert second.value(zone="A", term="fall") is None
    # Without the counts of the first release nothing shows that anything has changed.
    bare = (replace(record[0], counts={}),)
    assert [fact.low for fact in earlier(bare, raw).figures if "s1" in fact.weights] == [48, 118]


def test_what_a_release_withheld_the_next_does_not_show() -> None:
    _, record = publish((), table_of(FIVE, {**COUNTS, "s5": 3}), FIVE)
    second, record = publish(record, table_of(), ZONES)
    hidden = [key for key in ("A", "B") if second.value(zone=key, term="fall") is None]
    assert hidden
    # The correction now makes the old figure whole again, as if the school were still there.
    third, record = publish(record, table_of(counts={**COUNTS, "s1": 23}), ZONES)
    assert [key for key in hidden if third.value(zone=key, term="fall") is not None] == []
    # Told once, withheld since: it stays withheld, whatever changes again.
    assert {"zone": hidden[0], "term": "fall"} in earlier(record, table_of()).withheld


# A record that is shorter than the packets know.


def packet_of(folder: Path, record: Sequence[Release]) -> None:
    folder.mkdir(parents=True)
    end = {"releases": len(record), "last": record[-1].hash if record else None}
    (folder / "packet.json").write_text(json.dumps({"record": end}), encoding="utf-8")


@pytest.mark.parametrize("place", ["releases/3", "outputs/Fall/board"])
@pytest.mark.parametrize("kept", [0, 1, 2])
def test_a_record_that_lost_releases_is_refused(tmp_path: Path, place: str, kept: int) -> None:
    packet_of(tmp_path / place, three())
    packet_of(tmp_path / "outputs" / "Before" / "board", ())
    record = tmp_path / "releases.jsonl"
    packets = sibling_packets(record, tmp_path / "outputs")
    assert len(packets) == 2
    require_whole(three(), packets, record=record)
    with pytest.raises(LedgerError, match="lacks releases") as caught:
        require_whole(three()[:kept], packets, record=record)
    assert "knows of 3" in str(caught.value)


def test_a_packet_of_a_shorter_record_is_no_fault_and_one_of_another_is(tmp_path: Path) -> None:
    packet_of(tmp_path / "releases" / "2", three()[:2])
    packets = sibling_packets(tmp_path / "releases.jsonl", tmp_path / "outputs")
    require_whole(three(), packets, record=tmp_path)
    other = add((), protect(table_of(counts={**COUNTS, "s1": 99})))
    with pytest.raises(LedgerError, match="record of something else"):
        require_whole([*other, *three()[1:2]][:1] * 2, packets, record=tmp_path)


def test_a_packet_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "releases" / "1").mkdir(parents=True)
    (tmp_path / "releases" / "1" / "packet.json").write_text("{", encoding="utf-8")
    require_whole((), sibling_packets(tmp_path / "releases.jsonl", tmp_path / "outputs"), record=tmp_path)


# Three releases in a row.

TOWN = {
    "n1": ("north", "low"),
    "n2": ("north", "high"),
    "n3": ("north", "high"),
    "s1": ("south", "low"),
    "s2": ("south", "low"),
    "s3": ("south", "high"),
    "s4": ("south", "high"),
    "w1": ("west", "low"),
    "w2": ("west", "low"),
    "w3": ("west", "high"),
    "w4": ("west", "high"),
}
FIRST = dict(zip(TOWN, (40, 33, 20, 25, 4, 30, 22, 41, 18, 27, 36), strict=True))


def town_of(places: Mapping[str, tuple[str, str]], counts: Mapping[str, int]) -> CountTable:
    rows = [(s, zone, level, "fall", counts[s]) for s, (zone, level) in places.items()]
    frame = pd.DataFrame(rows, columns=["school", "zone", "level", "term", "count"])
    tables = [Grouping(("zone", "term")), Grouping(("level", "term")), Grouping(("term",))]
    return CountTable(frame, tuple(tables), hidden=(Grouping(("school", "term")),), alone="school")


def three_in_a_row() -> list[tuple[CountTable, SafeTable]]:
    """Publish a fall; again after a small school moved and another's record was corrected; and after it closed."""
    moved = {**TOWN, "s2": ("west", "low")}
    closed = {s: has for s, has in moved.items() if s != "s2"}
    corrected = {**FIRST, "w1": 42}
    record: tuple[Release, ...] = ()
    found = []
    for places, counts in ((TOWN, FIRST), (moved, corrected), (closed, {**corrected, "w2": 22})):
        raw = town_of(places, counts)
        before = earlier(record, raw)
        facts = [*before.figures, *before.statements]
        safe = protect(raw, facts=facts, restated=before.restated, withheld=before.withheld, knows_rule=True)
        people = pd.DataFrame([(s, *has) for s, has in places.items()], columns=["school", "zone", "level"])
        record = with_release(record, safe, people, district="Town", term="fall", released="2025-01-31", raw=raw)
        found.append((raw, safe))
    return found


def test_three_releases_in_a_row_give_no_small_count_away() -> None:
    for raw, safe in three_in_a_row():
        report = audit(safe, knows_rule=True)
        assert report.is_safe, report.faults
        small = set(raw.counts.loc[raw.counts["count"].between(1, 10), "school"])
        ends = report.hidden.set_index("school")
        assert all(ends.loc[s, "low"] <= 1 and ends.loc[s, "high"] >= 10 for s in small)


def test_what_three_releases_say_together_contains_what_was() -> None:
    """Read all three as one attacker does: s2 has 4, wherever it is; nobody can tell whether 1 or 10."""
    found = three_in_a_row()
    withheld = [{tuple(k for k in row if k) for row in _keys(safe)} for _, safe in found]
    # What the second withheld because s2 moved, the third does not show.
    assert withheld[0] <= withheld[1] <= withheld[2]
    assert withheld[1] - withheld[0]
    # By subtraction of the first two: south lost s2 and nothing else, so one of its figures has to be withheld.
    assert found[0][1].value(zone="south", term="fall") == 81
    assert found[1][1].value(zone="south", term="fall") is None
    # By subtraction of the first and the third: the school that closed.
    assert found[2][1].value(term="fall") is None


def _keys(safe: SafeTable) -> list[tuple[str, ...]]:
    table = safe.to_frame()
    return [tuple(map(str, row)) for row in table.loc[table["is_withheld"], safe.dims].to_numpy()]
