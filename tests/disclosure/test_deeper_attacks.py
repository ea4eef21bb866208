"""Attacks that combine what seems harmless alone: schools that move and leave, corrections, and the rule to its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from outsider import figures, learn_rule, narrowed, reader_of
from scipy.sparse import csr_array
from test_attacks import cross, known, repaired, schools, withheld_keys

from safeschools_geo.disclosure._attacker import Attacker, Fact, Known, Said
from safeschools_geo.disclosure._audit import audit
from safeschools_geo.disclosure._ledger import earlier, with_release
from safeschools_geo.disclosure._policy import Grouping
from safeschools_geo.disclosure._protect import Pattern, Problem, against_rule, complementary, protect, withhold
from safeschools_geo.disclosure._tables import CountTable, SafeTable, count_table
from safeschools_geo.errors import DisclosureError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.disclosure._ledger import Release

Schools = dict[str, tuple[str, str, int]]


def released(raw: CountTable, of: Mapping[str, tuple[str, str, int]], said: Sequence[Fact] = ()) -> tuple[Release, ...]:
    people = pd.DataFrame([(s, has[0], has[1]) for s, has in of.items()], columns=["school", "zone", "level"])
    safe = protect(raw, facts=said)
    return with_release((), safe, people, district="d", term="fall", released="2025-01-31", statements=said)


def next_release(record: Sequence[Release], raw: CountTable) -> SafeTable:
    told = earlier(record, raw)
    return protect(raw, facts=known(told), restated=told.restated, knows_rule=True)


def test_a_school_that_left_is_not_revealed_by_one_that_moved() -> None:
    # A was s1 + s2 + s3 = 50, B was s4 + s5 = 70. Now s2 is in B and s3 has left: A = s1 = 20 and B = s2 + 70 = 95
    # would tell s2 = 25, and s3 = 50 − 20 − 25 = 5.
    first: Schools = {
        "s1": ("A", "x", 20),
        "s2": ("A", "x", 25),
        "s3": ("A", "x", 5),
        "s4": ("B", "x", 30),
        "s5": ("B", "x", 40),
        "s6": ("C", "x", 15),
    }
    now: Schools = {"s1": first["s1"], "s2": ("B", "x", 25), "s4": first["s4"], "s5": first["s5"]}
    safe = next_release(released(schools(first, ("zone",), ()), first), schools(now, ("zone",), ()))
    assert {"zone": "A"} in withheld_keys(safe) or {"zone": "B"} in withheld_keys(safe)


def test_a_correction_is_hidden_where_only_a_sum_shows_it() -> None:
    # Schools were reported: s1 40, s2 60. s1 is 43 now, and zone A = 103 would tell it: 103 − 60 = 43, corrected by 3.
    first: Schools = {"s1": ("A", "x", 40), "s2": ("A", "x", 60), "s4": ("B", "x", 30), "s5": ("B", "x", 40)}
    now: Schools = {**first, "s1": ("A", "x", 43), "s4": ("B", "x", 60)}
    safe = next_release(released(schools(first, ("school",), ()), first), schools(now, ("zone",), ()))
    assert safe.value(zone="A") is None


def test_what_was_said_of_a_zone_is_of_the_schools_it_had_then() -> None:
    # "Zone A: 23", which is s1 = 20 and s2 = 3. s2 is in B now, and A = 20 would tell s2 = 23 − 20.
    first: Schools = {"s1": ("A", "x", 20), "s2": ("A", "x", 3), "s4": ("B", "x", 30), "s5": ("B", "x", 40)}
    now: Schools = {**first, "s2": ("B", "x", 3)}
    record = released(schools(first, ()), first, [Fact("zone", {"A": 1.0}, 23, 23, "map class")])
    assert record[0].statements[0]["weights"] == {"s1": 1.0, "s2": 1.0}
    assert next_release(record, schools(now, ("zone",), ())).value(zone="A") is None


def test_the_rule_speaks_of_groups_that_no_table_shows() -> None:
    # Zone 1 = 14, level h = 12. School 1e is 2 to 14; were it small it would be hidden, so it is 11 or more, and 1h,
    # which is 14 − 1e, is 3 or less.
    counts = pd.DataFrame({"zone": list("1122"), "level": list("eheh"), "count": [11, 3, 50, 9]})
    shown = (Grouping(("zone",)), Grouping(("level",)), Grouping(()))
    raw = CountTable(counts, shown, hidden=(Grouping(("zone", "level")),))
    assert audit(protect(raw)).is_safe
    assert "zone 1, level h" in "; ".join(audit(protect(raw), knows_rule=True).faults)
    assert audit(protect(raw, knows_rule=True), knows_rule=True).is_safe


def test_the_rule_is_followed_to_its_end() -> None:
    # What the rule tells of one figure narrows another so far that the rule tells of it too, and so on.
    raw = cross("ABCD", "xyz", [[24, 3, 20], [0, 26, 23], [5, 27, 6], [2, 17, 19]])
    safe = protect(raw, knows_rule=True)
    told = figures(safe.to_frame(), safe.dims)
    reader = reader_of(raw.atoms, told)
    for _ in range(9):
        learn_rule(reader, [key for key, value in told if value is None])
    assert narrowed(reader, [key for key, _ in told], raw.values) == []


def test_what_the_rule_says_may_be_harmless() -> None:
    # A x is 0 to 21, so A y = 25 − A x is 4 to 25. Were it small it would be hidden, so it is 11 or more, and A x is 14
    # or less: it can still be any small count, and nothing more has to go.
    raw = cross("AB", "xy", [[5, 20], [16, 30]])
    safe = protect(raw, knows_rule=True)
    assert safe.to_frame().equals(protect(raw).to_frame())
    assert len(withheld_keys(safe)) == 4
    assert "is the least that protects them" in safe.summary()
    assert audit(safe, knows_rule=True).is_safe


def test_a_figure_that_cannot_be_hidden_is_published_where_the_rule_gives_it_away() -> None:
    # B is 8 or more by the map, so A = 19 − B is 11 or less. Were B small, 1 to 7 would have to be possible: B is 11 or
    # more, and A 8 or less. No other figure makes B less than 8, so it is C = 30 that goes with A.
    raw = count_table(pd.Series({"A": 5, "B": 14, "C": 30}).rename_axis("zone"))
    said = [Fact("zone", {"B": 1.0}, 8, 30, "map class")]
    assert withheld_keys(protect(raw, facts=said)) == [{"zone": "A"}, {"zone": "B"}]
    safe = repaired(protect(raw, facts=said, knows_rule=True), knows_rule=True)
    assert withheld_keys(safe) == [{"zone": "A"}, {"zone": "C"}]
    assert "whether less would do is not proven" in safe.summary()


def test_only_what_the_rule_gives_away_takes_more() -> None:
    # Fall as above: harmless. Spring: A x is 0 to 16, so A y = 19 − A x is 3 or more, by the rule 11 or more, and A x
    # is 8 or less: it cannot be 9 or 10, and two totals of the spring have to go.
    counts = {"fall": (5, 20, 16, 30), "spring": (5, 14, 11, 30)}
    rows = [
        (*group, term, count)
        for term, of in counts.items()
        for group, count in zip(("Ax", "Ay", "Bx", "By"), of, strict=True)
    ]
    shown = [Grouping.of(dims, term=term) for term in counts for dims in (("zone", "level"), ("zone",), ("level",), ())]
    raw = CountTable(pd.DataFrame(rows, columns=["zone", "level", "term", "count"]), tuple(shown))
    assert len(withheld_keys(protect(raw))) == 8
    safe = repaired(protect(raw, knows_rule=True), knows_rule=True)
    kept = [key for key in withheld_keys(safe) if len(key) == 3]
    assert [key["term"] for key in kept] == ["fall"] * 4 + ["spring"] * 4
    others = [key for key in withheld_keys(safe) if len(key) < 3]
    assert [key["term"] for key in others] == ["spring"] * 2


def three(counts: Sequence[float], may: Sequence[int], said: Said | None = None) -> Problem:
    """Ask to hide A among A, B, C and their total, which are cheap in this order."""
    sums = csr_array(np.vstack([np.eye(3), np.ones((1, 3))]))
    nothing = csr_array((0, 3))
    return Problem(
        known=Known(sums, sums @ np.array(counts), said or Said(nothing, np.empty(0), np.empty(0))),
        is_sensitive=np.array([True, False, False, False]),
        targets=sums[[0]],
        low=np.array([1.0]),
        high=np.array([10.0]),
        rank=np.array([0, 0, 0, 1]),
        weight=np.array([1.1, 1.2, 1.3, 1.4]),
        may=np.array(may, dtype=bool),
        groups=nothing,
    )


@pytest.mark.parametrize(
    ("may", "withheld"), [([1, 1, 1, 1], [0, 1]), ([1, 0, 1, 1], [0, 2]), ([1, 0, 0, 1], [0, 3]), ([1, 0, 0, 0], [])]
)
def test_only_figures_that_may_be_withheld_are(may: Sequence[int], withheld: Sequence[int]) -> None:
    # B hides A = 5 the cheapest, then C, and the total where neither may.
    problem = three([5, 20, 30], may)
    if withheld:
        assert np.flatnonzero(complementary(problem).is_withheld).tolist() == withheld
    else:
        with pytest.raises(DisclosureError, match="can be worked out whatever is withheld"):
            complementary(problem)


def test_where_nothing_else_may_be_withheld_all_figures_inside_are_and_that_is_not_proven_the_least() -> None:
    # B is 8 or more, by the rule 11 or more, and A = 19 − B cannot be 9 or 10.
    said = Said(csr_array([[0.0, 1.0, 0.0]]), np.array([8.0]), np.array([30.0]))
    problem = three([5, 14, 30], [0, 0, 0, 0], said)
    chosen = Pattern(np.array([True, True, False, False]), is_proven=True)
    found = against_rule(problem, chosen, largest_small=10)
    assert np.flatnonzero(found.is_withheld).tolist() == [0, 1, 2]
    assert not found.is_proven


def test_words_do_not_say_which_totals_are_small() -> None:
    # 9 + 0 and 0 + 10 look like 8 + 0 and 0 + 11: everything but the grand total, 19, is withheld.
    one, two = (protect(cross("AB", "xy", [[a, 0], [0, b]])) for a, b in ((9, 10), (8, 11)))
    assert one.to_frame().equals(two.to_frame())
    assert one.summary() == two.summary()


def test_totals_are_kept_where_figures_inside_would_do_also_when_a_grand_total_has_to_go() -> None:
    rows = [
        ("A", "e", "F", 5),
        ("A", "m", "F", 30),
        ("B", "e", "F", 31),
        ("B", "m", "F", 32),
        ("A", "h", "F", 40),
        ("B", "h", "F", 41),
        ("A", "e", "S", 43),
        ("B", "e", "S", 50),
    ]
    fall, spring = {"term": "F"}, {"term": "S"}
    shown = [Grouping.of(dims, **fall) for dims in (("zone", "level"), ("zone",), ("level",))]
    shown += [Grouping.of(dims, **spring) for dims in (("zone",), ())]
    raw = CountTable(pd.DataFrame(rows, columns=["zone", "level", "term", "count"]), tuple(shown))
    in_spring = (("term", "S"),)
    safe = protect(
        raw,
        facts=[Fact("zone", {"B": 1.0}, 50, 50, "release 1", in_spring)],
        restated=[Fact("zone", {"A": 1.0}, 40, 40, "release 1", in_spring)],
    )
    # Spring: A was 40 and is 43, B is known, so A and the total go. Fall: inside figures alone protect the five.
    assert safe.value(zone="A", term="S") is None
    assert safe.value(term="S") is None
    assert safe.value(zone="A", term="F") == 75


def test_a_table_without_figures_is_safe() -> None:
    nothing = pd.DataFrame({"zone": pd.Series([], dtype="str"), "count": pd.Series([], dtype="int64")})
    assert audit(protect(nothing)).is_safe


def test_statements_about_large_counts_are_no_contradiction() -> None:
    raw = CountTable(pd.DataFrame({"z": list("ab"), "count": [5, 50_000]}), (Grouping(("z",)), Grouping(())))
    said = [Fact("z", {"b": 1.0}, 40_000, float("inf"), "said")]
    assert audit(withhold(raw, [{"z": "a"}, {"z": "b"}, {}], facts=said)).is_safe


def test_what_published_zeros_hold_needs_no_program() -> None:
    # All five together are 9, the first two 0, the third withheld, the last two at most 0 by a statement.
    matrix = csr_array(np.array([[1.0, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0]]))
    statement = Said(csr_array(np.array([[0.0, 0, 0, 1, 1], [1, 0, 0, -1, 0]])), np.full(2, -np.inf), np.zeros(2))
    attacker = Attacker(Known(matrix, np.array([9.0, 0, 9]), statement), np.array([False, False, True]))
    asked = csr_array(np.array([[1.0, 1, 0, 0, 0], [0, 0, 1, 0, 0], [1, 0, 1, 0, 0], [0, 1, 0, 0, 1]]))
    is_nothing = attacker.is_nothing(attacker.kinds.reach(asked)[0])
    assert is_nothing.tolist() == [True, False, False, True]
    for row in np.flatnonzero(is_nothing):
        weights = attacker.kinds.reach(asked)[0][[row]].toarray()[0]
        assert attacker.extreme(weights, most=True).value == pytest.approx(0.0, abs=1e-9)
    # As long as the zero is withheld, it says nothing.
    attacker.open(np.array([False, True, True]))
    assert attacker.is_nothing(attacker.kinds.reach(asked)[0]).tolist() == [False, False, False, False]
