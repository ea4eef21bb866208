"""Whose work a call is: the one rule that decides, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from safeschools_geo.schemas import SPECIALIST_CATEGORY
from safeschools_geo.school_calendar import is_in_hours, is_school_day

if TYPE_CHECKING:
    from collections.abc import Iterable

    import geopandas as gpd

    from safeschools_geo.settings import CalendarSettings, HoursSettings, Term


def program_work(
    incidents: pd.DataFrame,
    schools: gpd.GeoDataFrame,
    *,
    terms: Iterable[Term],
    calendar: CalendarSettings,
    hours: HoursSettings,
) -> pd.DataFrame:
    """Tell whose work each incident is.

    A threat assessment is the specialist's, wherever and whenever. Any other incident is the zone officer's when it is
    critical, at a program school, on a day school is in session, within program hours. All else is patrol's.

    Parameters
    ----------
    incidents
        Table `incidents`.
    schools
        Table `schools`.
    terms
        Terms of the district.
    calendar
        Weekdays with school, and holidays.
    hours
        Program hours, by level.

    Returns
    -------
    pandas.DataFrame
        `work_of` (``zone_officer``, ``specialist`` or ``patrol``) and `reason` (a key of `schemas.WORK_REASONS`: the
        first condition that fails), on the index of `incidents`.

    Notes
    -----
    The rule is assumption A1 of ``docs/assumptions.md``; an incident whose time of day is unknown is given the benefit
    of the doubt and told apart by its reason (A2).
    """
    school = schools.set_index("school_id").reindex(incidents["school_id"])
    in_program = school["in_program"].astype("boolean").fillna(value=False).to_numpy(dtype=bool)
    levels = pd.Series(school["level"].to_numpy(), index=incidents.index, dtype="str")
    occurred = incidents["occurred_at"]
    conditions = [
        (incidents["category"] == SPECIALIST_CATEGORY, "threat_assessment", "specialist"),
        (incidents["category"] == "non_critical", "non_critical", "patrol"),
        (incidents["school_id"].isna(), "no_school", "patrol"),
        (~in_program, "school_not_in_program", "patrol"),
        (~is_school_day(occurred, list(terms), calendar), "not_a_school_day", "patrol"),
        (~incidents["has_time"], "program_work_hour_unknown", "zone_officer"),
        (~is_in_hours(occurred, levels, hours), "outside_hours", "patrol"),
    ]
    tests = [np.asarray(test, dtype=bool) for test, _, _ in conditions]
    return pd.DataFrame(
        {
            "work_of": np.select(tests, [who for *_, who in conditions], "zone_officer"),
            "reason": np.select(tests, [why for _, why, _ in conditions], "program_work"),
        },
        index=incidents.index,
    ).astype("str")
