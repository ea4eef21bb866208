"""Hours of the week with more incidents than hours in session explain: of all, of each category and of each level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.hotspots.exposure import counted
from safeschools_geo.hotspots.groups import overlap
from safeschools_geo.hotspots.hours import hour_tables, timed_incidents
from safeschools_geo.hotspots.intervals import q_values, rate_interval
from safeschools_geo.hotspots.worst_window import worst_window
from safeschools_geo.schemas import CATEGORIES, LEVELS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from safeschools_geo.hotspots.worst_window import WorstWindow
    from safeschools_geo.settings import Settings, Term

    Floats = NDArray[np.float64]

GROUP_NAMES = {**CATEGORIES, **LEVELS, "all": "All together"}
_OTHER_LENGTHS = (2, 6)
_SIMULATIONS = 999


@dataclass(frozen=True)
class HourHotspots:
    """Hours of the week.

    Parameters
    ----------
    table
        Reported incidents, school-hours and rate of each hour of the week, for all, by category and by level
        (`hours.hour_tables`).
    windows
        The worst window of each of these groups: see `hour_hotspots`.
    without_time
        Incidents without a known time of day, which are left out.
    """

    table: pd.DataFrame
    windows: pd.DataFrame
    without_time: int

    @property
    def high(self) -> pd.DataFrame:
        """The groups whose worst hours stand out."""
        return self.windows[self.windows["status"] == "high"]

    def week(self, group: str = "all") -> pd.DataFrame:
        """Return the hours of the week of one group.

        Parameters
        ----------
        group
            ``all``, a category or a level.

        Returns
        -------
        pandas.DataFrame
            168 rows by `weekday` and `hour`.
        """
        return self.table[self.table["group"] == group].sort_values(["weekday", "hour"], ignore_index=True)


def hour_hotspots(this: pd.DataFrame, levels: pd.Series, *, term: Term, settings: Settings, seed: int) -> HourHotspots:
    """Look for the worst hours of all incidents, of each category and of each level.

    Parameters
    ----------
    this
        Incidents in context, of one term. What counts are reported incidents that are the zone officer's work.
    levels
        Level of each programme school, by `school_id`.
    term
        The term.
    settings
        Settings of the district.
    seed
        Seed of the simulations.

    Returns
    -------
    HourHotspots
        `windows` has `by` and `group`, the columns of `worst_window.WorstWindow.to_frame`, and `q_value` (over the
        groups tested; `status` goes by it), `rate_per_1000_h` with its exact interval, `stability_share` (mean overlap,
        in hours, with the worst window of up to 2 and of up to 6 hours) and `officer_initiated_share` (of all incidents
        that began in the window).
    """
    tz, chosen = settings.district.time_zone, settings.hotspots
    all_work = this[counted(this)]
    work = all_work[all_work["origin"] == "reported"]
    calendars: dict[str, Any] = {"terms": [term], "calendar": settings.calendar, "hours": settings.hours, "tz": tz}
    table = hour_tables(work, levels, **calendars)
    everything = hour_tables(all_work, levels, **calendars).set_index(["group", "weekday", "hour"])["incidents"]
    draws = min(chosen.simulations, _SIMULATIONS)
    rows = []
    for key, part in table.groupby(["by", "group"], sort=False):
        by, group = map(str, key)
        week = part.sort_values(["weekday", "hour"])
        counts, exposure = (week[name].to_numpy().reshape(7, 24) for name in ("incidents", "school_hours"))
        if not exposure.any():
            continue
        worst, *others = (
            worst_window(counts, exposure, longest_h=longest, simulations=draws, seed=seed)
            for longest in (chosen.longest_window_h, *_OTHER_LENGTHS)
        )
        every = everything.loc[group].reindex(pd.MultiIndex.from_product([range(7), range(24)]), fill_value=0.0)
        rows.append(
            worst.to_frame().assign(
                by=by,
                group=group,
                **_rate(worst, exposure),
                stability_share=np.mean([overlap(_cells(worst), _cells(other)) for other in others]),
                officer_initiated_share=_started(worst, counts, every.to_numpy().reshape(7, 24)),
            )
        )
    windows = pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=["by", "group", "status", "q_value"])
    if rows:
        was_tested = windows["status"] != "insufficient_data"
        windows["q_value"] = q_values(windows["p_value"].where(was_tested))
        is_high = was_tested & (windows["q_value"] <= chosen.alpha)
        windows["status"] = windows["status"].mask(was_tested, "not_high").mask(is_high, "high")
    return HourHotspots(table, windows, timed_incidents(work, tz=tz)[1])


def _cells(window: WorstWindow) -> list[tuple[int, int]]:
    """List the hours of the week in a window, as weekday and hour."""
    if window.start_hour is None or window.end_hour is None:
        return []
    length = (window.end_hour - window.start_hour) % 24 or 24
    hours = [(window.start_hour + step) for step in range(length)]
    return [((day + hour // 24) % 7, hour % 24) for day in window.weekdays for hour in hours]


def _rate(window: WorstWindow, exposure: Floats) -> dict[str, float]:
    cells = _cells(window)
    school_hours = sum(exposure[cell] for cell in cells) if cells else float("nan")
    low, high = rate_interval(window.observed, school_hours)
    return {
        "rate_per_1000_h": 1000 * window.observed / school_hours,
        "rate_low_per_1000_h": 1000 * float(low),
        "rate_high_per_1000_h": 1000 * float(high),
    }


def _started(window: WorstWindow, reported: Floats, every: Floats) -> float:
    cells = _cells(window)
    total = sum(every[cell] for cell in cells)
    return float(1 - sum(reported[cell] for cell in cells) / total) if total > 0 else float("nan")
