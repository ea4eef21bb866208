"""What holds for every table: nothing small can be worked out, all is true, and nothing is withheld for nothing."""

from __future__ import annotations

import json
from itertools import combinations

import numpy as np
import pandas as pd
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from outsider import Outsider, figures, is_small, learn_rule, narrowed, reader_of

from safeschools_geo.disclosure._attacker import Fact
from safeschools_geo.disclosure._audit import audit, audit_document
from safeschools_geo.disclosure._policy import Grouping, Policy
from safeschools_geo.disclosure._protect import advise, protect
from safeschools_geo.disclosure._tables import CountTable, SafeTable
from safeschools_geo.errors import DisclosureError

COUNTS = st.one_of(st.integers(0, 30), st.sampled_from([0, 3, 7, 10, 11, 12, 40, 300]))


@st.composite
def crossed(draw, *, sizes=((1, 4), (1, 4)), counts=COUNTS) -> CountTable:
    """Draw a table by two or three dimensions, with all totals."""
    names = ("zone", "level", "term")[: len(sizes)]
    shape = [draw(st.integers(*size)) for size in sizes]
    index = pd.MultiIndex.from_product([[f"{n[0]}{i}" for i in range(k)] for n, k in zip(names, shape, strict=True)])
    frame = index.set_names(list(names)).to_frame(index=False)
    drawn = draw(st.lists(counts, min_size=len(frame), max_size=len(frame)))
    return CountTable(frame.assign(count=drawn), Grouping(names).with_margins())


@st.composite
def districts(draw, *, hidden: bool = True) -> CountTable:
    """Draw schools in zones, of levels, over terms, and some of the tables that could be made of them."""
    rows = []
    n_terms = draw(st.integers(1, 2))
    for zone in range(draw(st.integers(2, 3))):
        for school in range(draw(st.integers(1, 3))):
            level = draw(st.sampled_from(["high", "middle"]))
            rows += [(f"s{zone}{school}", f"z{zone}", level, f"t{t}") for t in range(n_terms)]
    frame = pd.DataFrame(rows, columns=["school", "zone", "level", "term"])
    drawn = draw(st.lists(COUNTS, min_size=len(rows), max_size=len(rows)))
    offered = [("zone", "term"), ("level", "term"), ("zone",), ("level",), ("term",), ("school",), ()]
    tables = draw(st.lists(st.sampled_from(offered), min_size=1, max_size=5, unique=True))
    unseen = (Grouping(("school",)), Grouping(("school", "term"))) if hidden else ()
    return CountTable(frame.assign(count=drawn), tuple(map(Grouping, tables)), hidden=unseen)


THREE_WAY = crossed(sizes=((1, 3), (1, 2), (1, 2)))
TABLES = st.one_of(crossed(), THREE_WAY, districts())


def truth_of(raw: CountTable) -> np.ndarray:
    return raw.counts["count"].to_numpy()


def text_of(safe: SafeTable) -> list[tuple[dict[str, str], int | None]]:
    return figures(safe.to_frame(), safe.dims)


def groups_of(raw: CountTable) -> list[dict[str, str]]:
    """Name the groups that no table shows."""
    return [key for g in raw.hidden for key in raw.counts[list(g.dims)].drop_duplicates().to_dict("records")]


@given(TABLES)
@settings(max_examples=35)
def test_what_is_published_is_true_and_no_small_count_can_be_worked_out(raw: CountTable) -> None:
    safe = protect(raw)
    told, truth = text_of(safe), truth_of(raw)
    reader = reader_of(raw.atoms, told)
    for key, value in told:
        assert value is None or (value == reader.row(key) @ truth and not is_small(value))
    assert narrowed(reader, [key for key, _ in told] + groups_of(raw), truth) == []
    assert audit(safe).is_safe


@given(TABLES)
@settings(max_examples=25)
def test_the_audit_finds_the_ends_that_an_outsider_finds(raw: CountTable) -> None:
    safe = protect(raw)
    reader = reader_of(raw.atoms, text_of(safe))
    found = audit(safe).to_frame().to_dict("records")
    for row in found:
        low, high = reader.interval(reader.row({d: row[d] for d in raw.dims if row[d]}))
        # Whole counts lie inside what fractions allow, and in these small tables they reach it.
        assert row["low"] >= low - 1e-6
        assert row["low"] <= np.ceil(low - 1e-6)
        assert pd.isna(row["high"]) if high > 10_000 else np.floor(high + 1e-6) <= row["high"] <= high + 1e-6


@given(TABLES, st.data())
@settings(max_examples=25)
def test_statements_do_not_help_an_outsider(raw: CountTable, data) -> None:
    by = data.draw(st.sampled_from(raw.dims))
    weights = {name: data.draw(st.sampled_from([0.0, 0.5, 1.0, 2.0, -1.0])) for name in sorted(set(raw.counts[by]))}
    truth = truth_of(raw)
    exact = float(raw.counts[by].map(weights).to_numpy() @ truth)
    width = data.draw(st.sampled_from([15.0, 40.0]))
    said = Fact(by, weights, np.floor(exact / width) * width, np.floor(exact / width) * width + width, "class")
    try:
        safe = protect(raw, facts=[said])
    except DisclosureError:
        # The statement gives a small count away by itself: then it does so with every figure withheld.
        alone = Outsider(raw.atoms)
        alone.limits.append((raw.counts[by].map(weights).to_numpy(), said.low, said.high))
        keys = [key for key, _ in text_of(protect(raw))] + groups_of(raw)
        assert narrowed(alone, keys, truth) != []
        return
    told = text_of(safe)
    reader = reader_of(raw.atoms, told)
    reader.limits.append((raw.counts[by].map(weights).to_numpy(), said.low, said.high))
    assert narrowed(reader, [key for key, _ in told] + groups_of(raw), truth) == []


@given(st.one_of(crossed(), THREE_WAY, districts(hidden=False)))
@settings(max_examples=25)
def test_nor_by_somebody_who_knows_the_rule(raw: CountTable) -> None:
    safe = protect(raw, knows_rule=True)
    told, truth = text_of(safe), truth_of(raw)
    reader = reader_of(raw.atoms, told)
    keys = [key for key, _ in told]
    learn_rule(reader, [key for key, value in told if value is None])
    assert narrowed(reader, keys, truth) == []
    assert audit(safe, knows_rule=True).is_safe


def least_withheld(raw: CountTable, names: list[dict[str, str]], most: tuple[int, ...]) -> tuple[int, ...]:
    """Try every choice that withholds less than `most`: fewest grand totals, then totals, then cells."""
    reader, truth = Outsider(raw.atoms), truth_of(raw)
    rows = {key: reader.row(dict(key)) for key in (tuple(name.items()) for name in names)}
    distinct: dict[bytes, tuple] = {}
    for key, row in rows.items():
        # A total of one group is that group: it counts as the total.
        named = distinct.setdefault(row.tobytes(), key)
        distinct[row.tobytes()] = min(named, key, key=len)
    keys = list(distinct.values())
    width = max(len(key) for key in keys)
    small = [key for key in keys if is_small(rows[key] @ truth)]
    free = [key for key in keys if key not in small]
    choices = [c for n in range(sum(most) + 1) for c in combinations(free, n)]
    profiles = [tuple(sum(len(key) == size for key in c) for size in range(width + 1)) for c in choices]
    for profile, choice in sorted(zip(profiles, choices, strict=True)):
        if profile >= most:
            break
        reader.equal = [(rows[key], float(rows[key] @ truth)) for key in keys if key not in {*small, *choice}]
        if not narrowed(reader, [dict(key) for key in small], truth):
            return profile
    return most


FEW_LARGE = st.sampled_from([0, 0, 4, 5, 8, 12, 15, 30])


@given(
    st.one_of(
        crossed(sizes=((2, 2), (2, 3)), counts=FEW_LARGE),
        crossed(sizes=((1, 1), (2, 5)), counts=FEW_LARGE),
        crossed(sizes=((3, 3), (3, 3)), counts=st.sampled_from([0, 0, 4, 30, 31])),
    )
)
@settings(max_examples=8)
def test_nothing_less_would_do(raw: CountTable) -> None:
    safe = protect(raw)
    told, truth = text_of(safe), truth_of(raw)
    reader = Outsider(raw.atoms)
    shown = {reader.row(key).tobytes(): len(key) for key, _ in sorted(told, key=lambda pair: -len(pair[0]))}
    extra = {reader.row(k).tobytes() for k, v in told if v is None and not is_small(reader.row(k) @ truth)}
    cost = tuple(sum(shown[row] == size for row in extra) for size in range(max(shown.values()) + 1))
    assume(len(extra) <= 4)
    assert least_withheld(raw, [key for key, _ in told], cost) == cost
    assert "the least that protects" in safe.summary()


@given(TABLES, st.randoms(use_true_random=False))
@settings(max_examples=12)
def test_the_order_of_the_rows_does_not_matter_and_the_same_gives_the_same_bytes(raw: CountTable, random) -> None:
    order = list(range(len(raw.counts)))
    random.shuffle(order)
    shuffled = CountTable(raw.counts.iloc[order], raw.groupings, hidden=raw.hidden)
    words = {"district": "d", "term": "t", "release": 1}
    one, two, three = (
        json.dumps(audit_document(audit(protect(table)), **words), sort_keys=True) for table in (raw, raw, shuffled)
    )
    assert one == two == three


@given(TABLES)
@settings(max_examples=15)
def test_worlds_agree_with_all_that_is_published_and_reach_both_ends(raw: CountTable) -> None:
    safe = protect(raw)
    report = audit(safe)
    reader = Outsider(raw.atoms)
    # All there is of a kind may be at its first count: nothing published can tell.
    worlds = np.zeros((len(report.worlds), len(raw.counts)))
    worlds[:, report.kinds.first] = report.worlds
    assert (report.worlds >= 0).all()
    for key, value in text_of(safe):
        assert value is None or (worlds @ reader.row(key) == value).all()
    for row in report.intervals.to_dict("records"):
        sums = worlds @ reader.row({d: row[d] for d in raw.dims if row[d]})
        assert sums[row["low_world"]] == row["low"]
        assert pd.isna(row["high"]) or sums[row["high_world"]] == row["high"]


@given(districts(), st.sampled_from([0.05, 0.2, 0.5, 1.0]))
@settings(max_examples=15)
def test_the_adviser_picks_the_finest_under_the_share(raw: CountTable, share: float) -> None:
    offered = [Grouping(d) for d in (("school", "term"), ("school",), ("zone", "level"), ("zone",), ("level",))]
    found = advise(raw, offered, Policy(most_withheld_share=share))
    assert sorted(found["position"]) == [0, 1, 2, 3, 4]
    for row in found.to_dict("records"):
        table = offered[row["position"]]
        assert row["figures"] == len(raw.counts[list(table.dims)].drop_duplicates())
        sums = raw.counts.groupby(list(table.dims))["count"].sum()
        assert row["withheld"] >= sums.between(1, 10).sum()
        assert row["withheld_share"] == row["withheld"] / row["figures"]
    fits = found[found["withheld_share"] < share]
    chosen = found[found["is_chosen"]]
    assert len(chosen) == min(len(fits), 1)
    finest = sorted((-row["figures"], row["position"]) for row in fits.to_dict("records"))[:1]
    assert [(-row["figures"], row["position"]) for row in chosen.to_dict("records")] == finest
