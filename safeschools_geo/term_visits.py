"""A week of routine visits in a district: which schools, how often, when, by which officer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.coverage.visiting.needs import visits_per_week
from safeschools_geo.coverage.visiting.rules import SchoolHours, VisitRules
from safeschools_geo.coverage.visits import plan_visits

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from safeschools_geo.coverage.visiting.plan import VisitPlan
    from safeschools_geo.settings import Settings
    from safeschools_geo.term_results import TermWatch


def visits_of_week(
    settings: Settings, watch: TermWatch, hotspots: Iterable[str], *, workload: pd.Series, seed: int = 0, week: int = 1
) -> VisitPlan:
    """Plan the routine visits of a week.

    Parameters
    ----------
    settings
        Settings of the district.
    watch
        A usual day: schools, ways, where officers wait.
    hotspots
        Ids of schools that are high, alone or in a group.
    workload
        Officer-hours per school day with calls, by `school_id`.
    seed
        Seed of everything random.
    week
        Number of the week; another week is another plan.

    Returns
    -------
    VisitPlan
        A day begins and ends where the officer waits. The first bell is some minutes after programme hours begin, the
        last as long before they end (``[coverage] bells_inside_min``).
    """
    schools = watch.schools
    known = set(schools["school_id"])
    wanted = visits_per_week(
        schools,
        settings.workload.visits_per_week,
        workload_h=workload.reindex(schools["school_id"]).fillna(0.0),
        hotspots=[school for school in hotspots if school in known],
        week=week,
    )
    hours, chosen = settings.hours, settings.coverage
    bells = {level: hours.of(level) for level in schools["level"].unique()}
    lunch = (_minutes(chosen.lunch_from), _minutes(chosen.lunch_to))
    rules = VisitRules(
        visit_min=round(settings.workload.visit_min),
        shift_start_min=min(_minutes(bell.start) for bell in bells.values()),
        shift_end_min=max(_minutes(bell.end) for bell in bells.values()),
        held_free_share=chosen.free_share,
    )
    return plan_visits(
        pd.DataFrame(schools[["school_id", "name", "level", "zone_id"]]),
        watch.travel.minutes,
        wanted["visits"],
        {
            level: SchoolHours(
                start_min=_minutes(bell.start) + chosen.bells_inside_min,
                lunch_from_min=lunch[0],
                lunch_to_min=lunch[1],
                end_min=_minutes(bell.end) - chosen.bells_inside_min,
            )
            for level, bell in bells.items()
        },
        rules=rules,
        days=settings.calendar.weekdays,
        bases=dict(watch.waiting_in_schools),
        seed=seed,
        week=week,
    )


def _minutes(time: dt.time) -> int:
    return 60 * time.hour + time.minute
