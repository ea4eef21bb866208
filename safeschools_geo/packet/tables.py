"""Which tables are published: those of every packet, and the finest of which little enough is withheld."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.disclosure import AuditReport, Grouping, RawTable, SafeTable, audit, protect
from safeschools_geo.disclosure.advice import advise
from safeschools_geo.disclosure.ledger import Earlier, earlier
from safeschools_geo.packet.counts import offered_tables, with_detail
from safeschools_geo.packet.rounded import Rounding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.disclosure import Policy
    from safeschools_geo.disclosure.facts import Fact
    from safeschools_geo.disclosure.ledger import Release
    from safeschools_geo.settings import Term


@dataclass(frozen=True, eq=False)
class Told:
    """What is published of the counts.

    Parameters
    ----------
    raw
        The counts, with the tables that are published.
    counts
        The tables, protected.
    audit
        What can be worked out from them.
    advice
        What the adviser found (`disclosure.advice.advise`), with `is_chosen` as it turned out.
    detail
        The finest table, if there is one finer than those of every packet.
    rounding
        What rounded figures may be published beside.
    """

    raw: RawTable
    counts: SafeTable
    audit: AuditReport
    advice: pd.DataFrame
    detail: Grouping | None
    rounding: Rounding


def tell(
    raw: RawTable, *, term: Term, policy: Policy, releases: Sequence[Release] = (), by_school: bool = False
) -> Told:
    """Choose the tables, protect them together with all that was published before, and audit them.

    Parameters
    ----------
    raw
        The counts, with the tables of every packet.
    term
        The term.
    policy
        The policy.
    releases
        What was published earlier.
    by_school
        Whether a table with a number for each school may be chosen.

    Returns
    -------
    Told
        The finest table of which less than the policy's share is withheld, beside the others too, is among them.

    Raises
    ------
    DisclosureError
        When a small count can be worked out whatever is withheld.
    """
    offered = offered_tables(raw, term)
    schools = [] if by_school else [grouping for grouping in offered if "school" in grouping.dims]
    advice = advise(raw, offered, policy, not_chosen=schools)
    fits = advice[advice["is_choosable"] & (advice["withheld_share"] < policy.most_withheld_share)]
    for position in [*(int(i) for i in fits["position"]), None]:
        detail = None if position is None else offered[position]
        wide = with_detail(raw, detail)
        before = earlier(releases, wide)
        counts, rounding = _protected(wide, policy, before)
        if detail is not None:
            share = float(counts.table(*detail.dims, **detail.held)["is_withheld"].mean())
            if share >= policy.most_withheld_share:
                continue
        report = audit(counts, knows_rule=True).require_safe()
        chosen = advice.assign(is_chosen=advice["position"] == (-1 if position is None else position))
        return Told(wide, counts, report, chosen, detail, rounding)
    raise AssertionError("without a finer table there is always an end")  # pragma: no cover


def _protected(raw: RawTable, policy: Policy, before: Earlier) -> tuple[SafeTable, Rounding]:
    def attempt(facts: Sequence[Fact]) -> SafeTable:
        return protect(raw, policy, facts=facts, restated=before.restated, withheld=before.withheld, knows_rule=True)

    counts = attempt(before.figures)
    both = [*before.figures, *before.statements]
    rounding = Rounding(raw, counts, both)
    if before.statements and not rounding.is_safe():
        # Rounded figures of earlier releases were harmless then and are too much now: they count from the start.
        counts = attempt(both)
        rounding = Rounding(raw, counts, both)
    return counts, rounding
