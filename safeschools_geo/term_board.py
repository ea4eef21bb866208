"""The board packet of a term: what may be told, audited, and put into the words of the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from safeschools_geo.board.content import BoardContent, BoardDetail
from safeschools_geo.disclosure import Grouping, Policy, SafeTable, audit, load_policy, protect
from safeschools_geo.disclosure.advice import advise
from safeschools_geo.packet.counts import (
    confidential_counts,
    confidential_students,
    offered_tables,
    programme_people,
    terms_told,
    with_detail,
)
from safeschools_geo.packet.rates import public_changes, public_rates
from safeschools_geo.school_calendar import school_days

if TYPE_CHECKING:
    from safeschools_geo.settings import Term
    from safeschools_geo.term_result import TermResult


def board_content(result: TermResult, *, policy: Policy | None = None) -> BoardContent:
    """Work out what the pages for the board say.

    Parameters
    ----------
    result
        All results of the term.
    policy
        The disclosure policy; the default one if None.

    Returns
    -------
    BoardContent
        Protected and audited.
    """
    chosen = policy or load_policy("default")
    raw = confidential_counts(result)
    offered = offered_tables(raw, result.term)
    advice = advise(raw, offered, chosen, not_chosen=[g for g in offered if "school" in g.dims])
    detail = next((offered[int(i)] for i in advice.loc[advice["is_chosen"], "position"]), None)
    counts = protect(with_detail(raw, detail), chosen)
    report = audit(counts).require_safe()
    people = programme_people(result)
    students = protect(
        confidential_students(people, [Grouping(("zone",)), Grouping(("level",)), Grouping(())]),
        replace(chosen, smallest_count=chosen.smallest_group),
    )
    settings = result.district.settings
    terms = terms_told(result)
    days = {t.name: len(school_days(t, settings.calendar)) for t in terms}
    trends = {
        name: public_rates(counts, students, *dims, "term", days=days)
        for name, dims in {"zone": ("zone",), "level": ("level",), "district": ()}.items()
    }
    this = result.term.name
    schools = result.district.schools
    zone_of = result.school_zones.set_index("school_id")["zone_id"]
    programme = schools[schools["in_program"]]
    return BoardContent(
        district=settings.district.name,
        term=this,
        terms=[t.name for t in terms],
        is_synthetic=settings.district.is_synthetic,
        release=0,
        counts=counts,
        students=students,
        audit=report,
        zones=result.district.zones[["zone_id", "name", "geometry"]],
        schools=programme.assign(zone_id=programme["school_id"].map(zone_of))[
            ["school_id", "name", "level", "zone_id", "geometry"]
        ],
        boundary=result.district.boundary,
        places=result.district.places,
        zone_rates=trends["zone"][trends["zone"]["term"] == this].reset_index(drop=True),
        level_rates=trends["level"][trends["level"]["term"] == this].reset_index(drop=True),
        zone_trends=trends["zone"],
        level_trends=trends["level"],
        district_trends=trends["district"],
        categories=counts.table("category", term=this),
        origins=counts.table("origin", term=this),
        changes=public_changes(trends, before=_year_before(result, terms), after=this),
        advice=advice,
        detail=None if detail is None else _detail(counts, detail),
    )


def _detail(counts: SafeTable, grouping: Grouping) -> BoardDetail:
    table = counts.table(*grouping.dims, **grouping.held)
    period = next(iter(grouping.held.values()), "")
    return BoardDetail(grouping.dims, period, table, float(table["is_withheld"].mean()))


def _year_before(result: TermResult, terms: list[Term]) -> str:
    """Find the term of the same season a year ago; else the one before; else there is none."""
    back = result.district.settings.hotspots.terms_per_year
    if len(terms) == 1:
        return ""
    return terms[-1 - back].name if len(terms) > back else terms[-2].name
