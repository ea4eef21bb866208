"""A weekly visit plan that can speak: who is where when, what could not be given, and how much time is missing."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from safeschools_geo.coverage.visiting.rules import VisitRules
from safeschools_geo.errors import count_text

STOP_COLUMNS = (
    "zone_id",
    "day",
    "stop",
    "school_id",
    "name",
    "arrive_min",
    "leave_min",
    "window",
    "from_id",
    "drive_min",
)
DAY_COLUMNS = (
    "zone_id",
    "day",
    "visits",
    "visit_min",
    "drive_min",
    "work_min",
    "limit_min",
    "break_from_min",
    "break_to_min",
    "break_at",
    "free_min",
)
UNMET_COLUMNS = ("zone_id", "school_id", "kind", "wanted", "given", "reason")


@dataclass(frozen=True, eq=False)
class VisitPlan:
    """The visits of a week.

    Parameters
    ----------
    table
        Every visit, in the order of zones, days and stops: `zone_id`; `day` (``Mon`` …); `stop`, from 1; `school_id`;
        `name`; `arrive_min` and `leave_min`, minutes of the day; `window` (`arrival`, `class`, `lunch`, `dismissal`);
        `from_id`, the place the officer drives from (the stop before, the place of the break, the base; empty at the
        start of a day without a base); `drive_min`, whole minutes from there.
    days
        Every day of every zone: `visits`, `visit_min`, `drive_min` (with the way back to the base), `work_min` (both),
        `limit_min` (the most it may be), `break_from_min`, `break_to_min`, `break_at` (id of a school or the base;
        empty where the officer may be anywhere), `free_min` (shift less work and break). Where the rules have no
        break, its minutes are 0.
    unmet
        What a school does not get: `zone_id`, `school_id`, `kind` (`visits`; `windows`, of arrival, lunch and
        dismissal; `first_windows`, those its level has to have), `wanted`, `given`, `reason`.
    zones
        By `zone_id`: `schools` that want a visit, `visits_wanted`, `visits_given`, `schools_without` a visit,
        `visit_h`, `drive_h`, `free_share` of all shifts, `shortfall_h`, and `is_proven_short`: whether it is proven
        that no plan gives every school a visit.
    rules
        The rules.
    seed, week
        Seed and number of the week.
    """

    table: pd.DataFrame
    days: pd.DataFrame
    unmet: pd.DataFrame
    zones: pd.DataFrame
    rules: VisitRules
    seed: int
    week: int

    @property
    def shortfall_h(self) -> pd.Series:
        """Missing officer-hours of the week, float64 by `zone_id`, named `shortfall_h`."""
        hours: pd.Series = self.zones["shortfall_h"].copy()
        return hours

    @property
    def is_complete(self) -> bool:
        """Whether every school gets what is wanted."""
        return self.unmet.empty

    def summary(self) -> str:
        """Say plainly what each zone can give.

        Returns
        -------
        str
            One line for the district, then one for each zone, those that fall short first.
        """
        wanted, given = int(self.zones["visits_wanted"].sum()), int(self.zones["visits_given"].sum())
        days = self.days["day"].nunique()
        where = f"in {count_text(len(self.zones), 'zone')} on {count_text(days, 'day')}"
        visits = count_text(given, "visit", of=wanted)
        lines = [f"Week {self.week}: {visits} planned {where}, {self.rules.visit_min} min each."]
        short = self.zones["schools_without"] > 0
        rest = self.zones["visits_given"] < self.zones["visits_wanted"]
        order = (2 * short + (rest & ~short)).sort_values(ascending=False, kind="stable").index
        lines += [self.sentence(str(zone)) for zone in order]
        return "\n".join(lines)

    def sentence(self, zone_id: str) -> str:
        """Say plainly what one zone can give.

        Parameters
        ----------
        zone_id
            The zone.

        Returns
        -------
        str
            For example ``"Zone 6 cannot give every school a weekly visit: 3.1 h short (2 of 9 schools have none)."``
            *Cannot* is said only where that is proven.
        """
        zone = self.zones.loc[[zone_id]].to_dict("records")[0]
        missing = zone["visits_wanted"] - zone["visits_given"]
        hours = _hours_short(zone["shortfall_h"])
        if not zone["visits_wanted"]:
            return f"Zone {zone_id} wants no visits this week."
        if zone["schools_without"]:
            without = count_text(zone["schools_without"], "school", of=zone["schools"])
            verb = "has" if zone["schools_without"] == 1 else "have"
            can = "cannot give" if zone["is_proven_short"] else "does not give, in the best plan found,"
            text = f"Zone {zone_id} {can} every school a weekly visit: {hours} ({without} {verb} none)."
        elif missing:
            lack = f"{count_text(missing, 'visit', of=zone['visits_wanted'])} wanted {'is' if missing == 1 else 'are'}"
            text = f"Zone {zone_id} gives every school a weekly visit, but {lack} missing: {hours}."
        else:
            text = (
                f"Zone {zone_id} gives every school its visits: {zone['visit_h']:.1f} h of visits and "
                f"{zone['drive_h']:.1f} h of driving, {zone['free_share']:.0%} of the shift left for calls."
            )
        return f"{text}{self._windows_missed(zone_id)}"

    def to_frame(self) -> pd.DataFrame:
        """Return every visit with clock times.

        Returns
        -------
        pandas.DataFrame
            The table, with `arrive` and `leave` as ``"07:42"`` in place of minutes of the day.
        """
        frame = self.table.rename(columns={"arrive_min": "arrive", "leave_min": "leave"})
        return frame.assign(**{name: clock_times(frame[name]) for name in ("arrive", "leave")})

    def _windows_missed(self, zone_id: str) -> str:
        kinds = self.unmet[(self.unmet["zone_id"] == zone_id) & (self.unmet["kind"] != "visits")]
        if kinds.empty:
            return ""
        schools = kinds["school_id"].nunique()
        return f" {count_text(schools, 'school')} {'lacks' if schools == 1 else 'lack'} a visit in a wanted window."


def _hours_short(hours: float) -> str:
    if not hours:
        return "a school gets one a day at most"
    return f"{hours:.1f} h short" if hours >= _SHOWN_H else "less than 0.1 h short"


_SHOWN_H = 0.05


def clock_times(minutes: pd.Series) -> pd.Series:
    """Write minutes of the day as times.

    Parameters
    ----------
    minutes
        Whole minutes.

    Returns
    -------
    pandas.Series
        Text such as ``"07:42"``, on the same index.
    """
    texts = [f"{int(m) // 60:02d}:{int(m) % 60:02d}" for m in minutes]
    return pd.Series(texts, index=minutes.index, name=minutes.name, dtype="str")
