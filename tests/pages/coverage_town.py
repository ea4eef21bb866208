"""The town of `town.py` with coverage made by hand, as the pages take it: West (A) and East (B), two officers.

East's officer waits where it is best; West's should move. One school has no place, East has no figure for one school.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import town
from map_town import HOSTILE, result

from safeschools_geo.pages._coverage import CoverageShown, page_of
from safeschools_geo.pages._sheets import absence_sheet, absences_page, visits_sheet

if TYPE_CHECKING:
    from safeschools_geo.pages._page import OfflinePage

RIGHT_TO_LEFT = "\u202e\u05d1\u05ea \u05e1\u05e4\u05e8 </script>"
NOTHING = float("nan")


def zones() -> gpd.GeoDataFrame:
    """Draw the zones with their officers."""
    return town.zones().assign(officer=["S-2", "S-10"])


def by_zone() -> pd.DataFrame:
    """Cover the zones: West waits longer."""
    return pd.DataFrame(
        {
            "zone_id": ["A", "B"],
            "name": ["West", "East"],
            "officer": ["S-2", "S-10"],
            "schools": [1, 2],
            "calls_per_day": [2.04, 1.0],
            "busy_share": [0.125, 0.0004],
            "response_min": [6.25, 3.0],
            "response_p90_min": [9.0, np.inf],
            "within_share": [0.5, 1.0],
            "in_zone_share": [0.875, 0.999],
            "backup_share": [0.12, 0.001],
            "overflow_share": [0.005, 0.005],
        }
    )


def by_school() -> pd.DataFrame:
    """Cover the schools; the third is not on the map, the second has no call."""
    return pd.DataFrame(
        {
            "school_id": ["001", "002", "003"],
            "name": [HOSTILE, RIGHT_TO_LEFT, "Plain Street"],
            "level": ["elementary", "high", "other"],
            "zone_id": ["A", "B", "B"],
            "calls_per_week": [3.0, 0.0, 2.0],
            "response_min": [6.25, NOTHING, 3.0],
            "response_p90_min": [9.0, NOTHING, 5.0],
            "within_share": [0.5, NOTHING, 1.0],
        }
    )


def staging() -> gpd.GeoDataFrame:
    """Put the officers on the map: S-2 at the edge and best in the middle, S-10 where it is best."""
    return gpd.GeoDataFrame(
        {
            "zone_id": ["A", "A", "B", "B"],
            "officer": ["S-2", "S-2", "S-10", "S-10"],
            "kind": ["now", "best", "now", "best"],
            "place_id": ["001", "p", "002", "002"],
            "place_name": [HOSTILE, "Fire station", RIGHT_TO_LEFT, RIGHT_TO_LEFT],
            "mean_min": [4.0, 2.0, 1.5, 1.5],
        },
        geometry=[town.place(200, 200), town.place(700, 600), town.place(1500, 500), town.place(1500, 500)],
        crs=4326,
    )


def reach() -> pd.DataFrame:
    """Say who is reached in time."""
    return pd.DataFrame(
        {
            "within_min": [3.0, 5.0, 3.0, 5.0],
            "of": ["students", "students", "schools", "schools"],
            "now_share": [0.2, 0.5, 0.25, 0.6],
            "best_share": [0.3, 0.9, 0.35, 0.8],
            "now_twice_share": [0.0, 0.1, 0.0, NOTHING],
            "best_twice_share": [0.0, 0.2, 0.05, 0.3],
        }
    )


def reached() -> pd.DataFrame:
    """Count the officers who reach each school in time; the third is not on the map."""
    return pd.DataFrame({"school_id": ["001", "002", "003"], "now": [0, 2, 1], "best": [1, 1, 1]})


def backup() -> pd.DataFrame:
    """Say who answers for whom."""
    return pd.DataFrame([[0.88, 0.12], [0.001, 0.999]], index=pd.Index(["A", "B"], name="zone_id"), columns=["A", "B"])


def by_hour() -> pd.DataFrame:
    """Give three hours, one without a call."""
    return pd.DataFrame(
        {
            "hour": [7, 8, 9],
            "calls_per_h": [0.5, 2.0, 0.0],
            "busy_share": [0.05, 0.2, 0.0],
            "overflow_share": [0.001, 0.02, NOTHING],
            "response_min": [4.0, 5.5, NOTHING],
        }
    )


def staffing() -> pd.DataFrame:
    """Give one officer to three, two today; no rate is known."""
    return pd.DataFrame(
        {
            "officers": [1, 2, 3],
            "overflow_share": [0.2, 0.005, 0.0001],
            "mean_response_min": [7.0, 5.0, 4.5],
            "p90_response_min": [12.0, 9.0, 8.0],
            "busy_share_mean": [0.2, 0.1, 0.07],
            "officer_h": [600.0, 1200.0, 1800.0],
            "cost": [NOTHING] * 3,
            "is_current": [False, True, False],
        }
    )


def comparison() -> pd.DataFrame:
    """Compare plans: response is worse, backup better, overflow without an interval."""
    return pd.DataFrame(
        {
            "measure": ["response", "backup", "overflow"],
            "label": ["Response, mean", "Backup", "Overflow to patrol"],
            "unit": ["min", "share of calls", "share of calls"],
            "better": ["lower"] * 3,
            "current": [5.0, 0.1, 0.005],
            "proposed": [5.4, 0.08, 0.005],
            "difference": [0.4, -0.02, 0.0],
            "low": [0.2, -0.03, NOTHING],
            "high": [0.6, -0.01, NOTHING],
            "verdict": ["worse", "better", "same"],
            "sentence": [""] * 3,
        }
    )


def validation(*, differs: bool = True) -> pd.DataFrame:
    """Hold the model against the record; the busy share of all zones, given last, may differ."""
    return pd.DataFrame(
        {
            "measure": ["response", "backup", "busy", "busy"],
            "zone_id": ["", "", "A", ""],
            "predicted": [5.0, 0.1, 0.125, 0.1],
            "observed": [NOTHING, 0.11, 0.13, 0.2],
            "low": [NOTHING, 0.08, 0.1, 0.15],
            "high": [NOTHING, 0.14, 0.15, 0.25],
            "is_within": pd.array([pd.NA, True, True, not differs], dtype="boolean"),
            "note": ["the record does not tell", "from 80 calls", "from 40 calls", "from 80 calls"],
        }
    )


def caseload() -> pd.DataFrame:
    """Count the specialist's cases in two terms."""
    return pd.DataFrame(
        {
            "term": ["Fall", "Spring"],
            "school_days": [10, 10],
            "school_weeks": [2.0, 2.0],
            "cases": [4, 3],
            "cases_per_week": [2.0, 1.5],
            "low": [0.5, 0.3],
            "high": [5.1, 4.4],
            "mean_min": [90.0, 100.0],
            "hours_per_week": [3.0, 2.5],
            "open_cases": [4.0, 3.0],
            "change_share": [NOTHING, -0.25],
        }
    )


MARKS = {"minutes": "by the model", "answers": "by the model", "all": "by the model"}


def shown(**changed: Any) -> CoverageShown:
    """Give what the page of coverage shows."""
    given = {
        "by_zone": by_zone(),
        "by_school": by_school(),
        "staging": staging(),
        "reach": reach(),
        "reached": reached(),
        "backup": backup(),
        "by_hour": by_hour(),
        "staffing": staffing(),
        "comparison": comparison(),
        "validation": validation(),
        "caseload": caseload(),
        "finding": "West waits longest.",
        "statements": ["A third officer would bring overflow below 0.1%.", ""],
        "notes": ["Trips are by road."],
        "figures": (),
        "marks": MARKS,
    }
    return CoverageShown(**(given | changed))


def coverage(*, bare: bool = False, **changed: Any) -> OfflinePage:
    """Draw the page of coverage."""
    return page_of(result(bare=bare, zones=zones()), shown(**changed))


def takeover() -> pd.DataFrame:
    """Hand the school of West to S-10; that of East stays."""
    return pd.DataFrame(
        {
            "school_id": ["002", "001"],
            "zone_before": ["B", "A"],
            "zone_after": ["B", "B"],
            "officer_after": ["S-10", "S-10"],
            "response_before_min": [3.0, 4.0],
            "response_after_min": [3.0, 5.75],
        }
    )


def loads() -> pd.DataFrame:
    """Load the officer who is there."""
    return pd.DataFrame(
        {
            "zone_id": ["B"],
            "officer": ["S-10"],
            "schools_before": [2],
            "schools_after": [3],
            "load_before_h": [1.0],
            "load_after_h": [2.25],
            "busy_before_share": [0.1],
            "busy_after_share": [0.2],
        }
    )


class Case(SimpleNamespace):
    """The day an officer is absent, as the step has it."""

    def change(self, measure: str) -> float:
        """Give what the day changes."""
        return {"response_min": 2.25, "overflow_share": 0.195}[measure]


def case(**changed: Any) -> Case:
    """Send West's officer home."""
    given = {
        "absent": ("A",),
        "schools": takeover(),
        "loads": loads(),
        "figures": {"imbalance_after": NOTHING},
        "finding": lambda: "S-10 covers all.",
    }
    return Case(**(given | changed))


class Recorded(SimpleNamespace):
    """A figure of the record."""

    def __str__(self) -> str:
        """Write it."""
        return "5.0 min (4.0 to 6.0 min)"


def plan() -> SimpleNamespace:
    """Give the coverage that sheets are taken from: officers, calls, and what the record says of a usual day."""
    rates = SimpleNamespace(arrivals_per_h=pd.Series({"001": 0.6, "002": 0.2}), hours_per_day=1.0)
    dispatch = SimpleNamespace(officer_zones=pd.Series({"S-2": "A", "S-10": "B"}))
    named = pd.DataFrame(
        {"school_id": ["001", "002"], "name": [HOSTILE, RIGHT_TO_LEFT], "level": ["elementary", "high"]}
    )
    return SimpleNamespace(
        is_empty=False,
        usual_day=SimpleNamespace(
            rates=rates,
            queueing=SimpleNamespace(dispatch=dispatch),
            schools=named,
            about_empty_zones=lambda: "",
        ),
        validation=SimpleNamespace(
            figure=lambda measure: Recorded(is_recorded=measure == "response"), mark=lambda *_: "by the model"
        ),
        finding=lambda: "Five minutes.",
        absences=(case(),),
        visits=week(),
    )


def absence(*, has_plan: bool = True, **changed: Any) -> OfflinePage:
    """Draw the page of West's officer absent; without a plan nobody knows the zones of the day."""
    units = gpd.GeoDataFrame(
        {"unit_id": ["001", "002"], "zone_id": ["A", "B"]}, geometry=list(town.zones().geometry), crs=4326
    )
    proposal = SimpleNamespace(is_empty=not has_plan, inputs=SimpleNamespace(units=units))
    given = {"school_zones": pd.Series({"001": "B", "002": "B"})} | changed
    return absence_sheet(result(zones=zones(), coverage=plan(), proposal=proposal), case(**given))


def cases() -> pd.DataFrame:
    """List four cases, out of order; the name of one file would break out of its folder's address."""
    return pd.DataFrame(
        {
            "name": ["a b.html", "S-10.html", "?#.html", "S-2.html"],
            "absent": ["S-2 and S-10", "S-10", "S-2 and S-9", "S-2"],
            "officers": [["S-2", "S-10"], ["S-10"], ["S-2", "S-9"], ["S-2"]],
            "response_change_min": [NOTHING, 0.5, 3.0, 1.25],
            "overflow_change_share": [0.4, 0.1, 0.2, 0.15],
            "busiest_zone": ["–", "West", HOSTILE, RIGHT_TO_LEFT],
            "busiest_load_h": [NOTHING, 2.0, 3.0, 2.5],
            "finding": ["Nobody is there.", "S-2 covers all.", HOSTILE, "S-10 covers all."],
        }
    )


def absences(**changed: Any) -> OfflinePage:
    """Draw the page that lists the cases."""
    return absences_page(result(), changed.get("cases", cases()), finding="Two absent is hard.")


def stops() -> pd.DataFrame:
    """Plan three visits on two days, out of order."""
    return pd.DataFrame(
        {
            "day": ["Tue", "Mon", "Mon"],
            "stop": [1, 2, 1],
            "zone_id": ["B"] * 3,
            "school_id": ["001", "002", "001"],
            "name": [HOSTILE, RIGHT_TO_LEFT, HOSTILE],
            "arrive_min": [690, 885, 460],
            "leave_min": [702, 897, 472],
            "window": ["lunch", "dismissal", "arrival"],
            "drive_min": [8.0, 6.0, NOTHING],
        }
    )


def unmet() -> pd.DataFrame:
    """Leave out a visit."""
    return pd.DataFrame(
        {"zone_id": ["B"], "school_id": ["001"], "kind": ["visits"], "wanted": [2], "given": [1], "reason": ["no time"]}
    )


def week(**changed: Any) -> SimpleNamespace:
    """Plan the visits of a week."""
    given = {"table": stops(), "unmet": unmet(), "week": 3, "zones": pd.DataFrame(index=["B"])}
    return SimpleNamespace(sentence=lambda zone: f"{zone} is 0.2 h short.", **(given | changed))


def visits(**changed: Any) -> OfflinePage:
    """Print the visits of East's officer."""
    found = plan()
    found.visits = week(**changed)
    return visits_sheet(result(zones=zones(), coverage=found))


PAGES = {"coverage": coverage, "absence": absence, "absences": absences, "visits": visits}
