"""What the worlds of an audit show, by adding up: that nothing published is small, and what can be worked out.

A world is a set of counts that somebody outside cannot rule out, since it agrees with all that is published. Two worlds
in which a figure is 0 and 40 prove that nobody can narrow it down to less than that; no solver is needed to see it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from safeschools_geo.disclosure.checking.telling import note, several, told
from safeschools_geo.errors import count_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from safeschools_geo.check_report import Check
    from safeschools_geo.disclosure.checking.audit_record import Audit, Ends, Figure, Group, World

_NEAR = 1e-6
_RESTS = "The audit knows them not to be small; that rests on the audit, not on this check"


@dataclass(frozen=True)
class Found:
    """What adding up came to.

    Parameters
    ----------
    sums
        For each world, the sum of every figure in it, in the order of the figures.
    worlds
        For each world, how much there is of each kind; kinds of which there is none are left out.
    """

    sums: Sequence[Sequence[int]]
    worlds: Sequence[Mapping[int, int]]


def add_up(audit: Audit) -> Found:
    """Add up every figure in every world.

    Parameters
    ----------
    audit
        The audit.

    Returns
    -------
    Found
        The sums.
    """
    return Found(sums_of(audit, [f.key for f in audit.figures]), [_counts(world) for world in audit.worlds])


def sums_of(audit: Audit, keys: Sequence[Mapping[str, str]]) -> list[list[int]]:
    """Add up figures in every world.

    Parameters
    ----------
    audit
        The audit.
    keys
        Each figure by the name it has of some dimensions: it is the sum of the kinds that have all of them.

    Returns
    -------
    list of list of int
        Shape (n_worlds, n_keys).
    """
    entered: list[list[int]] = [[] for _ in range(audit.n_kinds)]
    for number, kinds in enumerate(_kinds_of(audit, keys)):
        for kind in kinds:
            entered[kind].append(number)
    found = []
    for world in audit.worlds:
        row = [0] * len(keys)
        for kind, count in zip(world.kinds, world.counts, strict=True):
            for number in entered[kind]:
                row[number] += count
        found.append(row)
    return found


def figure_checks(audit: Audit) -> list[Check]:
    """Check the figures by themselves.

    Parameters
    ----------
    audit
        The audit.

    Returns
    -------
    list of Check
        ``figures``, ``small`` and ``safe``.
    """
    published = [f for f in audit.figures if f.value is not None]
    n, withheld = len(published), len(audit.figures) - len(published)
    top = audit.policy.largest_small
    small = [f"{f} is published, and is {f.value}" for f in published if 1 <= (f.value or 0) <= top]
    unsafe = [] if audit.is_safe else ["the audit itself says that small counts can be worked out (is_safe is false)"]
    return [
        told("figures", _figure_faults(audit), f"{count_text(n, 'figure')} published, {withheld:,} withheld"),
        told("small", small, f"none of {count_text(n, 'published figure')} is from 1 to {top}"),
        told("safe", unsafe, "the audit found no small count that the published figures give away"),
    ]


def world_checks(audit: Audit, found: Found) -> list[Check]:
    """Check that nothing published rules a world out.

    Parameters
    ----------
    audit
        The audit.
    found
        The sums.

    Returns
    -------
    list of Check
        ``worlds``, and a note on statements whose weights are not public.
    """
    faults: list[str] = []
    for number, (world, counts, sums) in enumerate(zip(audit.worlds, found.worlds, found.sums, strict=True)):
        least = min(world.counts, default=0)
        faults += [f"world {number} has a negative count, {least}"] if least < 0 else []
        faults += [
            f"in world {number} {figure} is {value}, and {figure.value} is published"
            for figure, value in zip(audit.figures, sums, strict=True)
            if figure.value is not None and value != figure.value
        ]
        faults += _statement_faults(audit, counts, number)
    weighed = [s for s in audit.statements if s.weights is not None]
    said = f" and {count_text(len(weighed), 'statement')} whose weights are public" if weighed else ""
    published = sum(f.value is not None for f in audit.figures)
    otherwise = f"{count_text(len(audit.worlds), 'made-up world')}: whole counts, 0 or more; each agrees with"
    checks = [told("worlds", faults, f"{otherwise} all {count_text(published, 'published figure')}{said}")]
    rest = len(audit.statements) - len(weighed)
    if rest:
        text = f"{count_text(rest, 'statement')} of rates, loads, minutes and shares"
        checks.append(note("unread", f"{text}: whether the worlds agree with them rests on the audit"))
    return checks


def interval_checks(audit: Audit, found: Found) -> list[Check]:
    """Check what can be worked out about what is withheld.

    Parameters
    ----------
    audit
        The audit.
    found
        The sums.

    Returns
    -------
    list of Check
        ``intervals``, ``cover`` and ``groups``, and notes on what is not covered.
    """
    top = audit.policy.largest_small
    columns = [(number, f, f.ends) for number, f in enumerate(audit.figures) if f.ends is not None]
    reached = [
        (f, ends, found.sums[ends.low_world][number], found.sums[ends.high_world][number])
        for number, f, ends in columns
    ]
    faults = [fault for f, ends, low, high in reached for fault in _end_faults(str(f), ends, low, high, top)]
    unseen, group_faults = _groups(audit, found)
    n = len(reached)
    otherwise = f"both ends of {count_text(n, 'withheld figure')} are reached in worlds" if n else "nothing is withheld"
    checks = [told("intervals", [*faults, *group_faults], otherwise)]
    if checks[0].passed:
        checks += _cover(reached, top)
        checks += _group_cover(unseen, top)
        checks += _beyond(columns, found)
    return checks


def _counts(world: World) -> dict[int, int]:
    return dict(zip(world.kinds, world.counts, strict=True))


def _kinds_of(audit: Audit, keys: Iterable[Mapping[str, str]]) -> list[set[int]]:
    named: dict[tuple[str, str], set[int]] = {}
    for dim, names in audit.names.items():
        for kind, name in enumerate(names):
            if name is not None:
                named.setdefault((dim, name), set()).add(kind)
    everything = set(range(audit.n_kinds))
    return [everything.intersection(*(named.get(part, set()) for part in key.items())) for key in keys]


def _figure_faults(audit: Audit) -> list[str]:
    first: dict[int, Figure] = {}
    keys: set[tuple[tuple[str, str], ...]] = set()
    faults = []
    for figure, kinds in zip(audit.figures, _kinds_of(audit, [f.key for f in audit.figures]), strict=True):
        key = tuple(sorted(figure.key.items()))
        other = first.setdefault(figure.cell, figure)
        if (figure.value, figure.ends) != (other.value, other.ends):
            faults.append(f"{figure} is told in two ways")
        if key in keys:
            faults.append(f"{figure} is there twice")
        if figure.value is not None and figure.value < 0:
            faults.append(f"{figure} is negative, {figure.value}")
        if not kinds:
            faults.append(f"{figure} is a sum of nothing: no kind has these names")
        keys.add(key)
    return [*faults, *([] if audit.figures else ["there are none"])]


def _statement_faults(audit: Audit, counts: Mapping[int, int], world: int) -> list[str]:
    faults = []
    for statement in audit.statements:
        if statement.weights is None:
            continue
        value = math.fsum(w * counts.get(kind, 0) for kind, w in statement.weights.items())
        low = -math.inf if statement.low is None else statement.low
        high = math.inf if statement.high is None else statement.high
        if not low - _NEAR <= value <= high + _NEAR:
            faults.append(f"in world {world} the statement of {statement.source} is {value:g}, not {low:g} to {high:g}")
    return faults


def _end_faults(what: str, ends: Ends, low: int, high: int, top: int) -> list[str]:
    faults = []
    if ends.low != low:
        faults.append(f"{what} is said to be {ends.low} in world {ends.low_world}, and is {low}")
    # Where nothing limits a figure, some world has to show at least what is needed of it.
    if ends.high is None and high < top:
        faults.append(f"{what} is said to have no limit, and is no more than {high} in world {ends.high_world}")
    if ends.high is not None and ends.high != high:
        faults.append(f"{what} is said to be {ends.high} in world {ends.high_world}, and is {high}")
    if ends.high is not None and ends.low > ends.high:
        faults.append(f"{what} is said to be at least {ends.low} and at most {ends.high}")
    return faults


def _groups(audit: Audit, found: Found) -> tuple[list[tuple[Group, int, int]], list[str]]:
    reached, faults = [], []
    for number, group in enumerate(audit.groups):
        low, high = found.worlds[group.ends.low_world], found.worlds[group.ends.high_world]
        least, most = (sum(w.get(k, 0) for k in set(ks)) for w, ks in ((low, group.whole), (high, group.kinds)))
        what = f"groups that no table shows, entry {number},"
        faults += _end_faults(what, group.ends, least, most, audit.policy.largest_small)
        if not set(group.whole) <= set(group.kinds):
            faults.append(f"{what} have all of a kind and none of it")
        reached.append((group, least, most))
    return reached, faults


def _cover(reached: Sequence[tuple[Figure, Ends, int, int]], top: int) -> list[Check]:
    """Tell which withheld figures can be any small count; what is certain to be small and cannot is a fault."""
    if not reached:
        return []
    narrow = [(f, low, high) for f, _, low, high in reached if not (low <= 1 and high >= top)]
    faults = [f"{f} is small for certain: {low} to {high}" for f, low, high in narrow if low >= 1 and high <= top]
    covered = count_text(len(reached) - len(narrow), "withheld figure", of=len(reached))
    checks = [told("cover", faults, f"{covered} can be 1 or less, and {top} or more, by all that is published")]
    large = [f for f, low, high in narrow if low > top or high < 1]
    partly = [f"{f}: {low} to {high}" for f, low, high in narrow if (low < 1 <= high) or (low <= top < high)]
    if large:
        text = f"{count_text(len(large), 'withheld figure')} cannot be from 1 to {top} by what is published"
        checks.append(note("cover", f"{text}: withheld only to protect others"))
    if partly:
        text = f"{count_text(len(partly), 'withheld figure')} can be some counts from 1 to {top}, and not others"
        checks.append(note("cover", f"{text}: {several(partly)}. {_RESTS}"))
    return checks


def _group_cover(unseen: Sequence[tuple[Group, int, int]], top: int) -> list[Check]:
    if not unseen:
        return []
    total = sum(group.groups for group, _, _ in unseen)
    covered = sum(group.groups for group, low, high in unseen if low <= 1 and high >= top)
    # Their ends are looked for only where 1 or the largest small count is out of reach: the others may be wider.
    certain = sum(group.groups for group, low, high in unseen if low > 1 and high < top)
    faults = [f"{count_text(certain, 'group')} that no table shows can be narrowed down below {top}"] if certain else []
    text = f"{count_text(covered, 'group', of=total)} that no table shows can be 1 or less, and {top} or more"
    checks = [told("groups", faults, text)]
    left = total - covered - certain
    if left:
        text = f"{count_text(left, 'group')} that no table shows cannot be just any count from 1 to {top}"
        checks.append(note("groups", f"{text}. {_RESTS}"))
    return checks


def _beyond(columns: Sequence[tuple[int, Figure, Ends]], found: Found) -> list[Check]:
    wider = []
    for number, figure, ends in columns:
        values = [sums[number] for sums in found.sums]
        if min(values) < ends.low or (ends.high is not None and max(values) > ends.high):
            wider.append(f"{figure}: {min(values)} to {max(values)}")
    if not wider:
        return []
    text = (
        f"{count_text(len(wider), 'withheld figure')} can be still less or more than is said, which hides them better"
    )
    return [note("intervals", f"{text}: {several(wider)}")]
