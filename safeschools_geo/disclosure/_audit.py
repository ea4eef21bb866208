"""The audit of a release, and its file that anyone can check with arithmetic alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from safeschools_geo.disclosure._attacker import (
    ASKED_EVERY,
    CEILING,
    Attacker,
    Known,
    Said,
    asked_text,
    room_for,
    said,
    together,
)
from safeschools_geo.disclosure._policy import ALL, Kinds
from safeschools_geo.disclosure._protect import known_by_rule, needs_of_small
from safeschools_geo.disclosure._tables import SafeTable, require_safe
from safeschools_geo.errors import DisclosureError, count_text, name_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from safeschools_geo.disclosure._attacker import Cells

    Counts = NDArray[np.int64]
    Flags = NDArray[np.bool_]


# ── The audit: what somebody who knows everything published can work out about what is withheld

_NEAR = 1e-6
_ENDLESS = 1e15


@dataclass(frozen=True, eq=False)
class AuditReport:
    """What can be worked out about each withheld figure, from what is published alone.

    Parameters
    ----------
    table
        The release.
    intervals
        One row for each withheld figure: its dimensions, `cell`, `low` and `high` (Int64, missing where nothing limits
        it): both ends are reached by counts that agree with everything published. `low_world` and `high_world` are the
        rows of `worlds` that do.
    hidden
        The same for every group that no table shows, small or not, as far as it was looked for: `low` and `high` are
        not always the ends, but both are possible.
    worlds
        How much there is of each kind in whole counts that agree with everything published, shape (n_worlds, n_kinds).
        None is the truth but by chance.
    kinds
        Counts that nothing published tells apart, such as those of two schools of one level in one zone. A figure of
        one school can have all there is of its kinds.
    faults
        Small counts that can be narrowed down, in words; empty if the release may go out.
    knows_rule
        Whether the attacker knew the rule.
    """

    table: SafeTable
    intervals: pd.DataFrame
    hidden: pd.DataFrame
    worlds: Counts
    kinds: Kinds
    faults: tuple[str, ...]
    knows_rule: bool

    @property
    def is_safe(self) -> bool:
        """Whether the release may go out."""
        return not self.faults

    def require_safe(self) -> AuditReport:
        """Refuse a release that tells too much.

        Returns
        -------
        AuditReport
            This report.

        Raises
        ------
        DisclosureError
            When a small count can be narrowed down.
        """
        if self.faults:
            raise DisclosureError(
                "The release tells too much: small counts can be worked out from what is published.",
                ids=self.faults,
                expected=f"that each stays possible from 1 to {self.table.policy.largest_small}",
                remedy="Protect the table together with everything that is published about it (`protect(…, facts=…)`).",
            )
        return self

    def summary(self) -> str:
        """Say in plain English what can be worked out."""
        largest = self.table.policy.largest_small
        head = (
            f"Somebody who knows every published figure of {self.table.measure} was asked about "
            f"{count_text(len(self.intervals), 'withheld figure')} and {count_text(len(self.hidden), 'group')} that no "
            "table shows."
        )
        if self.is_safe:
            # Of what was tried, and no more: other attackers know other things.
            return (
                f"{head} From what is published, no withheld count from 1 to {largest} can be worked out more closely "
                f"than 1 to {largest}."
            )
        return f"{head} {count_text(len(self.faults), 'small count')} can be narrowed down: {name_ids(self.faults)}."

    def to_frame(self) -> pd.DataFrame:
        """Return what can be worked out about each withheld figure: `intervals`, without the worlds."""
        return self.intervals.drop(columns=["low_world", "high_world"])


def audit(
    safe_table: SafeTable,
    *,
    knows_rule: bool = False,
    exact: bool = True,
    on_part: Callable[[str], None] = lambda _: None,
) -> AuditReport:
    """Attack a release with all that is published.

    Parameters
    ----------
    safe_table
        The release, with the statements and earlier releases that are known beside it.
    knows_rule
        Whether the attacker also reasons that a withheld figure which could not be hidden, were it small, is not small.
    exact
        Whether intervals are followed to their ends, in whole counts; else, faster, only as far as it takes to see that
        they are wide enough, and in fractions.
    on_part
        Called with how many figures were asked how small and how large they can be.

    Returns
    -------
    AuditReport
        What can be worked out: the interval of every withheld figure by linear programming, its ends reached by whole
        counts. It is made of published figures alone; only which of the withheld figures are small, which decides
        whether an interval is a fault, comes from the table itself. A small count that is published is a fault too.

    Raises
    ------
    DisclosureError
        When `safe_table` is not a `SafeTable`, or what is published contradicts itself.
    """
    safe = require_safe(safe_table)
    cells, _hidden = safe._cells, safe._hidden  # noqa: SLF001 -- the audit looks inside
    known = Known(cells.matrix, safe._values.astype("float64"), said(safe.facts, cells.atoms))  # noqa: SLF001
    found = _Found.of(safe, known, exact=exact, on_part=on_part)
    faults = [*_bare(safe), *found.faults()]
    while knows_rule and not faults:
        by_rule = found.known_by_rule()
        if not by_rule.matrix.shape[0]:
            break
        known = replace(known, said=together(known.said, by_rule))
        again = _Found.of(safe, known, exact=False, on_part=on_part)
        faults = [f"{fault}, by somebody who knows the rule" for fault in again.faults()]
        found = replace(again, first=found.first or found)
    first = found.first or found
    return AuditReport(
        safe, first.shown, first.groups, first.attack.kept(), first.attack.kinds, tuple(faults), knows_rule
    )


@dataclass(frozen=True, eq=False)
class _Found:
    """What one attack found: the intervals of withheld figures, of groups that no table shows, and of needs."""

    safe: SafeTable
    known: Known
    attack: _Attack
    shown: pd.DataFrame
    groups: pd.DataFrame
    needs: NDArray[np.float64]
    first: _Found | None = None

    @classmethod
    def of(cls, safe: SafeTable, known: Known, *, exact: bool, on_part: Callable[[str], None]) -> _Found:
        cells, hidden = safe._cells, safe._hidden  # noqa: SLF001
        # What the rule tells is looked for in fractions: worlds that others check are those of the first attack.
        attacker = Attacker(known, safe.is_withheld, whole=exact)
        attack = _Attack(attacker, low=1, high=safe.policy.largest_small, whole=exact, on_part=on_part)
        rows = np.flatnonzero(safe.is_withheld)
        ends = attack.cover(cells.matrix[rows], exact=exact)
        unseen = attack.cover(hidden.matrix)
        others = [csr_array(fact.row(cells.atoms)[None, :]) for fact in safe.facts if fact.is_need]
        needs = attack.cover(vstack(others).tocsr(), exact=True) if others else np.empty((0, 4))
        return cls(
            safe,
            known,
            attack,
            _named(cells, rows, ends, attack.ceiling),
            _named(hidden, np.arange(hidden.matrix.shape[0]), unseen, attack.ceiling),
            needs[:, :2].astype("float64"),
        )

    def faults(self) -> list[str]:
        """Name what can be narrowed down, and may not."""
        safe, wanted = self.safe, [fact for fact in self.safe.facts if fact.is_need]
        small = needs_of_small(safe._hidden_sensitive, safe.policy)  # noqa: SLF001
        return [
            *_faults(self.shown, safe._needs[self.shown["cell"]], safe),  # noqa: SLF001
            *_faults(self.groups, small[self.groups["cell"]], safe),
            *(
                f"a correction of {fact.source}: {low:.0f} to {high:.0f}"
                for fact, (low, high) in zip(wanted, self.needs, strict=True)
                if low > fact.low or high < fact.high
            ),
        ]

    def known_by_rule(self) -> Said:
        """Work out what the rule tells of figures that are not small."""
        safe, said_by = self.safe, []
        for found, cells, is_small in (
            (self.shown, safe._cells, ~np.isnan(safe._needs[:, 0])),  # noqa: SLF001
            (self.groups, safe._hidden, safe._hidden_sensitive),  # noqa: SLF001
        ):
            others = found[~is_small[found["cell"]]]
            low = others["low"].to_numpy(dtype="float64")
            high = others["high"].to_numpy(dtype="float64", na_value=np.inf)
            figures = cells.matrix[others["cell"].to_numpy(dtype="int64")]
            said_by.append(known_by_rule(figures, low, high, largest_small=safe.policy.largest_small)[1])
        return together(*said_by)


def _bare(safe: SafeTable) -> list[str]:
    """Name small counts, and figures of small groups, that are not withheld at all."""
    needed = ~np.isnan(safe._needs[:, 0]) & ~safe.is_withheld  # noqa: SLF001
    first = safe._cells.keys.drop_duplicates("cell").set_index("cell")  # noqa: SLF001
    rows = first.loc[np.flatnonzero(needed)].to_dict("records")
    return [f"{_words(row, safe)}: published" for row in rows]


class _Attack:
    """Worlds found so far, and what they show."""

    def __init__(self, attacker: Attacker, *, low: int, high: int, whole: bool, on_part: Callable[[str], None]) -> None:
        self._attacker, self._whole, self._on_part = attacker, whole, on_part
        self._low, self._high = low, high
        self._worlds: list[NDArray[np.float64]] = []
        self._numbers: dict[bytes, int] = {}

    @property
    def ceiling(self) -> int:
        return int(min(self._attacker.ceiling, CEILING))

    @property
    def kinds(self) -> Kinds:
        return self._attacker.kinds

    def kept(self) -> Counts:
        return np.array(self._worlds).astype("int64").reshape(len(self._worlds), len(self.kinds.first))

    def cover(self, figures: csr_array, *, exact: bool = False) -> NDArray[np.int64]:
        """Find how small and how large figures can be, and the worlds that show it, shape (n, 4).

        Exactly, or only as far as it takes to see that they can be small counts and the largest of these.
        """
        both = self.kinds.reach(figures)
        least, by_least = self._ends(both[1], most=False) if exact else self._cover(both[1], most=False)
        top, by_top = self._ends(both[0], most=True) if exact else self._cover(both[0], most=True)
        return np.column_stack([least, top, by_least, by_top]).reshape(-1, 4)

    def _ends(self, figures: csr_array, *, most: bool) -> tuple[Counts, Counts]:
        found = []
        for row in range(figures.shape[0]):
            self._say(row, figures.shape[0], most=most)
            weights = figures[[row]].toarray()[0]
            number = self._keep(self._attacker.extreme(weights, most=most).world)
            found.append((weights @ self._worlds[number], number))
        pairs = np.array(found, dtype="float64").reshape(-1, 2)
        return _within(pairs[:, 0], most=most), pairs[:, 1].astype("int64")

    def _cover(self, figures: csr_array, *, most: bool) -> tuple[Counts, Counts]:
        """Find worlds in which figures are large (or small) enough."""
        n = figures.shape[0]
        best, by = np.full(n, -1.0 if most else _ENDLESS), np.zeros(n, dtype="int64")
        seen, is_stuck = 0, not most

        def waiting() -> NDArray[np.int64]:
            nonlocal seen
            for number in range(seen, len(self._worlds)):
                value = figures @ self._worlds[number]
                is_better = value > best if most else value < best
                best[is_better], by[is_better] = value[is_better], number
            seen = len(self._worlds)
            return np.flatnonzero(best < self._high - _NEAR if most else best > self._low + _NEAR)

        left = waiting()
        while left.size and not is_stuck:
            self._keep(
                self._attacker.spread(
                    room_for(figures, left, np.full(left.size, float(self._high)), turn=len(self._worlds))
                )
            )
            after = waiting()
            left, is_stuck = after, after.size == left.size
        asked: set[bytes] = set()
        # What is 0 by what is published is as large in every world.
        left = left[~self._attacker.is_nothing(figures[left])] if most else left
        for done, row in enumerate(left):
            self._say(done, len(left), most=most)
            weights = figures[[row]].toarray()[0]
            is_short = best[row] < self._high - _NEAR if most else best[row] > self._low + _NEAR
            if is_short and weights.tobytes() not in asked:
                asked.add(weights.tobytes())
                self._keep(self._attacker.extreme(weights, most=most).world)
                waiting()
        return _within(best, most=most), by

    def _say(self, done: int, of: int, *, most: bool) -> None:
        if done % ASKED_EVERY == 0:
            self._on_part(asked_text(done, of, most=most))

    def _keep(self, world: NDArray[np.float64]) -> int:
        kept = np.rint(world) if self._whole else world
        number = self._numbers.setdefault(kept.tobytes(), len(self._worlds))
        if number == len(self._worlds):
            self._worlds.append(kept)
        return number


def _within(ends: NDArray[np.float64], *, most: bool) -> Counts:
    """Give the last whole number inside each end."""
    return (np.floor(ends + _NEAR) if most else np.ceil(ends - _NEAR)).astype("int64")


def _named(cells: Cells, rows: NDArray[np.int64], ends: NDArray[np.int64], ceiling: int) -> pd.DataFrame:
    """Put intervals beside the first name of each figure."""
    first = cells.keys.drop_duplicates("cell").set_index("cell")
    named = first.loc[rows].reset_index()[[*cells.dims, "cell"]]
    high = pd.Series(ends[:, 1], dtype="Int64")
    return named.assign(
        low=pd.Series(ends[:, 0], dtype="Int64"),
        high=high.mask(high >= ceiling),
        low_world=ends[:, 2],
        high_world=ends[:, 3],
    )


def _faults(found: pd.DataFrame, needs: NDArray[np.float64], safe: SafeTable) -> list[str]:
    low = found["low"].to_numpy(dtype="float64")
    high = found["high"].to_numpy(dtype="float64", na_value=np.inf)
    # Comparisons with what is missing are false: there nothing is needed.
    rows = found[(low > needs[:, 0]) | (high < needs[:, 1])]
    return [f"{_words(row, safe)}: {row['low']} to {row['high']}" for row in rows.to_dict("records")]


def _words(row: Mapping[Hashable, Any], safe: SafeTable) -> str:
    return ", ".join(f"{name} {row[name]}" for name in safe.dims if row[name]) or "all"


# ── The audit as a file that anyone can check with arithmetic alone

AUDIT_FORMAT = "safeschools-geo/audit/2"
"""Name of the format, and its version."""


def audit_document(
    report: AuditReport, *, district: str, term: str, release: int, said: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Write an audit so that it can be checked without the solver.

    Parameters
    ----------
    report
        The audit.
    district, term
        What the release is of.
    release
        Its number; 0 for a draft.
    said
        Numbers that are published and are no counts: `source`, `key`, `value`, `low`, `high`, `basis`, and `weights`,
        None where they are not public.

    Returns
    -------
    dict
        ``kinds``: what nobody can tell apart: for each dimension its `names`, and in `numbers` for each kind the
        position of its name, −1 where its counts differ (dimensions in which all differ are left out); `places`, how
        many counts each kind has. ``figures``: every published or withheld figure with its `key`; it is the sum of the
        kinds that have all of the key. ``statements``: what else is published, each between `low` and `high`, with the
        weights of the kinds where these are public. ``groups``: groups that no table shows; they have up to all there
        is of their `kinds`, and at least all of those in `whole`. ``worlds``: how much there is of each kind, as two
        lists, in made-up counts that agree with every published figure and every statement with weights. Each withheld
        figure names the worlds in which it is as small and as large as it can be. No true count that is withheld is in
        it.
    """
    table = report.table
    return {
        "format": AUDIT_FORMAT,
        "district": district,
        "term": term,
        "release": release,
        "measure": table.measure,
        "policy": table.policy.to_dict(),
        "knows_rule": report.knows_rule,
        "is_safe": report.is_safe,
        "note": "Worlds are made up: they show what is possible, not what was.",
        "kinds": _kinds(report),
        "figures": _figures(report),
        "statements": [*_statements(report), *map(dict, said)],
        "groups": _groups(report),
        "worlds": [_sparse(world) for world in report.worlds],
    }


def _kinds(report: AuditReport) -> dict[str, Any]:
    """Write the kinds by dimension: the names, and for each kind the number of its name, −1 where its counts differ."""
    atoms = report.table._cells.atoms  # noqa: SLF001 -- public by now: no counts are in it
    first = report.kinds.first
    names, numbers = {}, {}
    for dim in map(str, atoms.columns):
        codes, found = pd.factorize(atoms[dim], sort=True)
        is_mixed = np.zeros(len(first), dtype=bool)
        is_mixed[report.kinds.of_atom[codes != codes[first][report.kinds.of_atom]]] = True
        if not is_mixed.all():
            names[dim] = [str(name) for name in found]
            numbers[dim] = np.where(is_mixed, -1, codes[first]).tolist()
    return {"names": names, "numbers": numbers, "places": report.kinds.size.tolist()}


def _figures(report: AuditReport) -> list[dict[str, Any]]:
    table = report.table
    found = report.intervals.set_index("cell")
    rows = []
    for row in table.to_frame().to_dict("records"):
        figure: dict[str, Any] = {
            "cell": int(row["cell"]),
            "key": {name: row[name] for name in table.dims if row[name] != ALL},
            "value": None if row["is_withheld"] else int(row["count"]),
        }
        if row["is_withheld"]:
            figure |= {name: _whole(found.at[row["cell"], name]) for name in _ENDS}
        rows.append(figure)
    return rows


_ENDS = ("low", "high", "low_world", "high_world")


def _statements(report: AuditReport) -> list[dict[str, Any]]:
    table = report.table
    published = [fact for fact in table.facts if not fact.is_need]
    rows = said(published, table._cells.atoms)  # noqa: SLF001
    weights = report.kinds.added(rows.matrix).toarray()
    return [
        {
            "source": fact.source,
            "low": fact.low if np.isfinite(fact.low) else None,
            "high": fact.high if np.isfinite(fact.high) else None,
            "weights": {str(kind): float(row[kind]) for kind in np.flatnonzero(row)},
        }
        for fact, row in zip(published, weights, strict=True)
    ]


def _groups(report: AuditReport) -> list[dict[str, Any]]:
    """List groups that no table shows, those of the same kinds as one."""
    most, least = report.kinds.reach(report.table._hidden.matrix)  # noqa: SLF001
    alike: dict[tuple[bytes, bytes], dict[str, Any]] = {}
    for row in report.hidden.to_dict("records"):
        cell = int(row["cell"])
        kinds = np.sort(most.indices[most.indptr[cell] : most.indptr[cell + 1]])
        whole = np.sort(least.indices[least.indptr[cell] : least.indptr[cell + 1]])
        group = alike.setdefault(
            (kinds.tobytes(), whole.tobytes()),
            {
                "groups": 0,
                "kinds": kinds.tolist(),
                "whole": whole.tolist(),
                **{name: _whole(row[name]) for name in _ENDS},
            },
        )
        group["groups"] += 1
    return list(alike.values())


def _sparse(world: NDArray[np.int64]) -> list[list[int]]:
    kinds = np.flatnonzero(world)
    return [kinds.tolist(), world[kinds].tolist()]


def _whole(value: object) -> int | None:
    return None if pd.isna(value) else int(str(value))  # type: ignore[call-overload]
