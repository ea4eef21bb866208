"""What is confidential cannot be passed to what is public: not by its type, not at run time, and not hidden inside."""

from __future__ import annotations

import copy
import pickle
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from checkout import ROOT
from mypy import api

from safeschools_geo.disclosure import BoardContent
from safeschools_geo.disclosure._attacker import Fact
from safeschools_geo.disclosure._audit import audit
from safeschools_geo.disclosure._policy import Grouping
from safeschools_geo.disclosure._protect import protect, withhold
from safeschools_geo.disclosure._tables import CountTable, SafeTable, count_table, require_safe
from safeschools_geo.errors import DisclosureError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# 7 and 8 are small, 1013 and 1019 are withheld for their sake; none of these is another figure of the table.
COUNTS = {("A", "x"): 7, ("A", "y"): 1013, ("B", "x"): 1019, ("B", "y"): 8, ("C", "x"): 4001, ("C", "y"): 4003}

MISUSE = """
import pandas as pd
from safeschools_geo.disclosure import BoardContent, CountTable, SafeTable, audit, protect

def publish(raw: CountTable, frame: pd.DataFrame, safe: SafeTable) -> None:
    audit(safe)
    audit(protect(raw))
    audit(protect(frame))
    audit(raw)  # wrong
    audit(frame)  # wrong
    BoardContent(counts=raw)  # wrong
    BoardContent(counts=frame)  # wrong
    BoardContent(students=raw)  # wrong
    BoardContent(audit=safe)  # wrong
"""


def distinctive() -> CountTable:
    index = pd.MultiIndex.from_tuples(list(COUNTS), names=["zone", "level"])
    return count_table(pd.Series(list(COUNTS.values()), index=index))


def test_the_type_checker_refuses_what_is_not_protected(tmp_path: Path) -> None:
    snippet = tmp_path / "misuse.py"
    snippet.write_text(MISUSE, encoding="utf-8")
    options = ["--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    out, err, code = api.run([*options, "--no-error-summary", str(snippet)])
    assert (code, err) == (1, "")
    wrong = [number for number, line in enumerate(MISUSE.splitlines(), start=1) if line.endswith("# wrong")]
    found = re.findall(r"misuse\.py:(\d+): error: .*incompatible type.*expected \"(\w+)\"", out)
    assert [int(number) for number, _ in found] == wrong
    assert [expected for _, expected in found] == ["SafeTable"] * 5 + ["AuditReport"]
    # Nothing else is wrong but the parts of the pages that are left out here.
    rest = [line for line in out.splitlines() if "error" in line and "incompatible type" not in line]
    assert all("Missing positional arguments" in line for line in rest)


@pytest.mark.parametrize("table", [distinctive(), distinctive().counts, pd.Series([1]), None, "all", SafeTable])
def test_anything_else_is_refused_at_run_time(table: Any) -> None:
    with pytest.raises(DisclosureError, match="Only protected tables"):
        require_safe(table)
    with pytest.raises(DisclosureError, match="Only protected tables"):
        audit(table)


@pytest.mark.parametrize("name", ["counts", "students"])
def test_pages_refuse_what_is_not_protected(name: str) -> None:
    safe = protect(distinctive())
    parts: dict[str, Any] = {"counts": safe, "students": safe, "audit": audit(safe, knows_rule=True)}
    with pytest.raises(DisclosureError, match="Only protected tables"):
        pages(**{**parts, name: distinctive()})


def test_pages_refuse_a_release_that_reveals_too_much() -> None:
    naive = withhold(distinctive(), [{"zone": "A", "level": "x"}])
    with pytest.raises(DisclosureError, match="zone A, level x: 7 to 7"):
        pages(counts=naive, students=protect(distinctive()), audit=audit(naive, knows_rule=True))


@pytest.mark.parametrize("what", ["another", "the students", "none"])
def test_pages_refuse_the_audit_of_another_table(what: str) -> None:
    # The naive release withholds 7 alone, which is a total less the others; its own audit would say so.
    naive, good = withhold(distinctive(), [{"zone": "A", "level": "x"}]), protect(distinctive(), knows_rule=True)
    other = {"another": protect(distinctive(), knows_rule=True), "the students": good, "none": None}[what]
    report = other and audit(other, knows_rule=True)
    with pytest.raises(DisclosureError, match="not that of the counts"):
        pages(counts=naive, students=good, audit=report)


def test_pages_refuse_an_audit_that_leaves_out_the_rule() -> None:
    safe = protect(distinctive(), knows_rule=True)
    with pytest.raises(DisclosureError, match="leaves out what the rule itself tells"):
        pages(counts=safe, students=safe, audit=audit(safe))
    assert pages(counts=safe, students=safe, audit=audit(safe, knows_rule=True)).counts is safe


def pages(**parts: Any) -> BoardContent:
    others = set(BoardContent.__dataclass_fields__) - set(parts)
    return BoardContent(**parts, **dict.fromkeys(others))


def test_nobody_makes_a_safe_table_but_by_protecting() -> None:
    safe = protect(distinctive())
    parts = {
        "cells": safe._cells,
        "values": safe._values,
        "hidden": safe._hidden,
        "needs": safe._needs,
        "hidden_sensitive": safe._hidden_sensitive,
        "facts": (),
        "policy": safe.policy,
        "measure": "incidents",
    }
    for seal in (None, object(), True):
        with pytest.raises(DisclosureError, match="only made by protecting"):
            SafeTable(**parts, seal=seal)


def test_a_safe_table_that_nobody_made_is_refused() -> None:
    empty = object.__new__(SafeTable)
    like: Any = object.__new__(type("Like", (SafeTable,), {}))
    vars(like).update(vars(protect(distinctive())))
    for table in (empty, like):
        with pytest.raises(DisclosureError, match="Only protected tables"):
            require_safe(table)
        with pytest.raises(DisclosureError, match="Only protected tables"):
            audit(table)


@pytest.mark.parametrize("name", ["facts", "policy", "measure", "notes", "dims", "groupings", "is_withheld"])
def test_what_is_known_of_a_safe_table_is_not_changed(name: str) -> None:
    # A = 5 was said elsewhere: without the statement the audit would find nothing.
    raw = count_table(pd.Series({"A": 5, "B": 20, "C": 30}).rename_axis("zone"))
    safe = withhold(raw, [{"zone": "A"}, {"zone": "B"}], facts=[Fact("zone", {"A": 1.0}, 5, 5, "said")])
    with pytest.raises(AttributeError):
        setattr(safe, name, ())
    assert not audit(safe).is_safe


@pytest.mark.parametrize("act", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_safe_table_is_not_pickled_or_copied(act: Any) -> None:
    with pytest.raises(DisclosureError, match="not pickled"):
        act(protect(distinctive()))


def held(thing: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Walk through all that something holds, down to numbers and text."""
    seen = set() if seen is None else seen
    if id(thing) in seen:
        return
    seen.add(id(thing))
    if isinstance(thing, pd.DataFrame | pd.Series | pd.Index):
        values = thing.reset_index() if isinstance(thing, pd.DataFrame) else thing
        yield from np.asarray(values, dtype=object).ravel().tolist()
        yield from held(
            [np.asarray(block.values) for block in getattr(getattr(thing, "_mgr", None), "blocks", ())], seen
        )
    elif isinstance(thing, np.ndarray):
        yield from thing.ravel().tolist()
        yield from held(thing.base, seen)
    elif isinstance(thing, dict):
        yield from held([*thing.keys(), *thing.values()], seen)
    elif isinstance(thing, list | tuple | set | frozenset):
        for part in thing:
            yield from held(part, seen)
    elif hasattr(thing, "__dict__") and not isinstance(thing, type):
        yield from held(vars(thing), seen)
    else:
        yield thing


def numbers(thing: Any) -> set[float]:
    return {float(n) for n in held(thing) if isinstance(n, int | float) and not isinstance(n, bool)}


def test_no_withheld_count_is_anywhere_in_a_safe_table() -> None:
    raw = distinctive()
    assert set(COUNTS.values()) <= numbers(raw)
    safe = protect(raw)
    assert safe.is_withheld.sum() == 4
    told = numbers(safe)
    # The true numbers 7 and 8 could be numbers of cells as well: those are looked at apart from what counts.
    assert {4001.0, 4003.0} <= told
    assert not {1013.0, 1019.0} & told
    assert {row for row in safe._values.tolist() if 0 <= row < 100} == set()
    assert not {7.0, 8.0} & numbers([safe._values, safe._needs, safe.facts, safe.notes, safe._cells.matrix.data])
    assert list(safe._cells.atoms.columns) == ["zone", "level"]


def test_nor_in_what_it_says_of_itself_or_in_its_audit() -> None:
    safe = protect(distinctive())
    report = audit(safe)
    said = " ".join([repr(safe), str(safe), safe.summary(), report.summary(), *safe.notes])
    assert not {"7", "8", "1013", "1019"} & set(re.findall(r"\d+", said))
    assert repr(safe) == "<SafeTable of incidents: 12 figures, 4 withheld>"
    frames = [safe.to_frame(), safe.table("zone", "level"), safe.to_wide("zone", "level"), report.to_frame()]
    assert not {1013.0, 1019.0} & numbers([frame.fillna(-1) for frame in frames])


def test_values_cannot_be_written_over() -> None:
    safe = protect(distinctive())
    with pytest.raises(ValueError, match="read-only"):
        safe._values[0] = 5
    frame = safe.to_frame()
    frame["count"] = 0
    assert safe.to_frame()["count"].max() == sum(COUNTS.values())


def test_what_was_given_is_not_kept() -> None:
    frame = pd.DataFrame({"zone": ["A", "B", "C"], "count": [5, 20, 30]})
    raw = CountTable(frame, (Grouping(("zone",)), Grouping(())))
    safe = protect(raw)
    frame.loc[:, "zone"] = "Z"
    assert safe.table("zone")["zone"].to_list() == ["A", "B", "C"]
