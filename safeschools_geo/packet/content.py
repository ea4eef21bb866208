"""What the pages for the board say: protected tables, rates made of them, and what is public anyway."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import geopandas as gpd

from safeschools_geo import __version__
from safeschools_geo.board_content import BoardContent, BoardDetail
from safeschools_geo.disclosure import Grouping, audit, protect
from safeschools_geo.packet.counts import confidential_students, terms_told
from safeschools_geo.packet.coverage import board_coverage
from safeschools_geo.packet.plan import board_plan
from safeschools_geo.packet.rates import public_changes, public_rates
from safeschools_geo.packet.rounded_rates import with_rounded_rates
from safeschools_geo.school_calendar import school_days

if TYPE_CHECKING:
    import pandas as pd

    from safeschools_geo.disclosure import AuditReport, SafeTable
    from safeschools_geo.packet.tables import Told
    from safeschools_geo.term_results import TermResult

_TRENDS: dict[str, tuple[str, ...]] = {"zone": ("zone",), "level": ("level",), "district": ()}


def board_content(result: TermResult, told: Told, people: pd.DataFrame) -> BoardContent:
    """Put together what the pages say.

    Parameters
    ----------
    result
        All results of the term: only what is public of it is used, and what is rounded first.
    told
        What is published of the counts.
    people
        Result of `packet.counts.programme_people`.

    Returns
    -------
    BoardContent
        What the pages say, as a draft.
    """
    settings, counts, this = result.district.settings, told.counts, result.term.name
    terms = terms_told(result)
    days = {term.name: len(school_days(term, settings.calendar)) for term in terms}
    students = protected_students(people, counts)
    exact = {name: public_rates(counts, students, *dims, "term", days=days) for name, dims in _TRENDS.items()}
    trends = with_rounded_rates(exact, days, told.raw, told.rounding)
    # The same term a year earlier, where the record has one.
    baselines = result.hotspots.trends.baselines.items()
    baseline, before = next(((key, name) for key, name in baselines if name in days), ("", ""))
    now = {name: table[table["term"] == this].reset_index(drop=True) for name, table in trends.items()}
    coverage = board_coverage(result, counts, told.rounding)
    # The price of a plan is told as coarsely as coverage; without that it is withheld.
    step_min = float("nan") if coverage is None else coverage.step_min
    plan = board_plan(result, people, told.rounding, step_min=step_min)
    counts, audited = _audited_last(told)
    return BoardContent(
        district=settings.district.name,
        term=this,
        terms=[term.name for term in terms],
        is_synthetic=settings.district.is_synthetic,
        release=0,
        counts=counts,
        students=students,
        audit=audited,
        zones=result.district.zones[["zone_id", "name", "geometry"]],
        schools=_schools(result, people),
        boundary=result.district.boundary,
        places=result.district.places,
        zone_rates=now["zone"],
        level_rates=now["level"],
        zone_trends=trends["zone"],
        level_trends=trends["level"],
        district_trends=trends["district"],
        categories=counts.table("category", term=this),
        origins=counts.table("origin", term=this),
        changes=public_changes(trends, before=before, after=this, days=days),
        baseline=baseline,
        in_no_zone=result.in_no_zone[0],
        detail=_detail(told),
        plan=plan,
        coverage=coverage,
        method={
            "school_days": "; ".join(f"{name}: {number}" for name, number in days.items()),
            "chance": "5 %",
            "interval": "95 %",
            "withheld_share": f"{counts.policy.most_withheld_share:.0%}".replace("%", " %"),
            "safeschools_geo": __version__,
        },
        withholds_single_schools=told.raw.alone is not None,
    )


def _audited_last(told: Told) -> tuple[SafeTable, AuditReport]:
    """Audit the counts beside the rounded rates too: their weights are public, and anybody can use them."""
    rates = [fact for fact in told.rounding.published if fact.by == "enrolled"]
    if not rates:
        return told.counts, told.audit
    counts = told.counts.beside(rates)
    return counts, audit(counts, knows_rule=True).require_safe()


def protected_students(people: pd.DataFrame, counts: SafeTable) -> SafeTable:
    """Protect the numbers of students that rates are made with.

    Parameters
    ----------
    people
        Result of `packet.counts.programme_people`.
    counts
        What is published of the counts.

    Returns
    -------
    SafeTable
        By zone, by level, and in all; groups that the policy calls small are withheld.
    """
    policy = counts.policy
    shown = [Grouping(("zone",)), Grouping(("level",)), Grouping(())]
    return protect(confidential_students(people, shown), replace(policy, smallest_count=max(policy.smallest_group, 2)))


def _schools(result: TermResult, people: pd.DataFrame) -> gpd.GeoDataFrame:
    schools = result.district.schools
    zone_of = people.set_index("school")["zone"]
    ids = schools["school_id"].astype("str")
    inside = schools.assign(zone_id=ids.map(zone_of))[ids.isin(zone_of.index)]
    columns = ["school_id", "name", "level", "zone_id", "geometry"]
    return gpd.GeoDataFrame(inside[columns]).reset_index(drop=True)


def _detail(told: Told) -> BoardDetail | None:
    grouping = told.detail
    if grouping is None:
        return None
    table = told.counts.table(*grouping.dims, **grouping.held)
    period = next(iter(grouping.held.values()), "")
    return BoardDetail(grouping.dims, period, table, float(table["is_withheld"].mean()))
