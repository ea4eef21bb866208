"""What the pages for the board say of a town of five zones, all of it made up, through the real protection.

::

    y=2000 +-----------+-----------+-----------+
           | D  South  | E  Lake   |           |   Schools (students): 001 elementary (300) in A, 002 high (1,000) and
    y=1000 +-----------+-----------+ C  North  |   003 middle (not known) in B, 004 K–8 (500) in C, 005 elementary
           | A  West   | B  East   |           |   (400) in D, 006 middle (600) in E.
    y=0    +-----------+-----------+-----------+
          x=0        1000        2000        3000   meters

School days: 100 in a spring, 80 in a fall. Counts of Spring 2026 by zone: West 48, East 60, North 4, South 12, Lake 30,
154 in all. North's 4 are withheld, and so is another zone, lest the total tell them: Lake, whose one school is a middle
school, which also keeps the 5 of Zephrin Middle in East unknown. There is a count for East, and no rate, since the
enrollment of Zephrin Middle is not known. Rates: West 48 / (300 × 100) = 1.6 for each 1,000 student-days, South 12 /
(400 × 100) = 0.3.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import town

from safeschools_geo.disclosure import BoardContent, BoardCoverage, BoardDetail, BoardPlan
from safeschools_geo.disclosure._audit import audit
from safeschools_geo.disclosure._policy import Grouping, load_policy
from safeschools_geo.disclosure._protect import protect
from safeschools_geo.disclosure._tables import CountTable
from safeschools_geo.term._packet_figures import public_changes, public_rates

if TYPE_CHECKING:
    from collections.abc import Iterator

THIS, BEFORE = "Spring 2026", "Spring 2025"
TERMS = [BEFORE, "Fall 2025", THIS]
YEARS = {BEFORE: "2024–25", "Fall 2025": "2025–26", THIS: "2025–26"}
DAYS = {BEFORE: 100, "Fall 2025": 80, THIS: 100}
CATEGORIES = ("assault_battery", "welfare_check")

SCHOOLS = pd.DataFrame(
    {
        "school_id": ["001", "002", "003", "004", "005", "006"],
        "name": [
            *("Plimwick Elementary", "Quorndale High", "Zephrin Middle"),
            *("Tarnholt K-8", "Vessel Elementary", "Wadlow Middle"),
        ],
        "level": ["elementary", "high", "middle", "k8", "elementary", "middle"],
        "zone_id": ["A", "B", "B", "C", "D", "E"],
        "students": pd.array([300, 1000, pd.NA, 500, 400, 600], dtype="Int64"),
    }
)
PLACES = {
    "001": (500, 400),
    "002": (1500, 300),
    "003": (1600, 800),
    "004": (2500, 1000),
    "005": (500, 1500),
    "006": (1500, 1500),
}

# Of each school, in Spring 2025, Fall 2025 and Spring 2026: reported assaults, reported welfare checks, and welfare
# checks that officers started.
COUNTS = {
    "001": ((8, 8, 4), (9, 9, 6), (18, 20, 10)),
    "002": ((20, 20, 12), (19, 15, 12), (21, 22, 12)),
    "003": ((3, 2, 1), (2, 2, 1), (2, 2, 1)),
    "004": ((2, 1, 0), (2, 2, 1), (2, 1, 1)),
    "005": ((6, 5, 2), (5, 5, 3), (5, 5, 2)),
    "006": ((12, 11, 6), (13, 11, 5), (13, 12, 5)),
}


def _rows() -> Iterator[dict[str, Any]]:
    for school, by_term in COUNTS.items():
        for term, (assaults, reported, started) in zip(TERMS, by_term, strict=True):
            for category, origin, count in (
                ("assault_battery", "reported", assaults),
                ("assault_battery", "officer_initiated", 0),
                ("welfare_check", "reported", reported),
                ("welfare_check", "officer_initiated", started),
            ):
                yield {"school": school, "category": category, "origin": origin, "term": term, "count": count}


def raw_counts() -> CountTable:
    """Count at the finest, as `packet.counts.confidential_counts` does."""
    people = SCHOOLS.rename(columns={"school_id": "school", "zone_id": "zone"})
    people = people.assign(enrolled=np.where(people["students"].isna(), "unknown", "known"))
    counts = pd.DataFrame(_rows()).merge(people[["school", "zone", "level", "enrolled"]], on="school")
    groupings = [
        *(Grouping((by, "term")) for by in ("zone", "level", "category", "origin")),
        Grouping(("term",)),
        *(Grouping.of(dims, enrolled="known") for dims in (("zone", "term"), ("level", "term"), ("term",))),
        Grouping.of(("zone", "level"), year="2025–26"),
    ]
    return CountTable(
        counts.assign(year=counts["term"].map(YEARS)),
        tuple(groupings),
        hidden=(Grouping(("school", "term")), Grouping(("school", "category", "term"))),
        students=people[["school", "zone", "level", "enrolled", "students"]],
    )


def zones() -> gpd.GeoDataFrame:
    """Draw the zones."""
    boxes = [(0, 0, 1000, 1000), (1000, 0, 2000, 1000), (2000, 0, 3000, 2000), (0, 1000, 1000, 2000)]
    return gpd.GeoDataFrame(
        {"zone_id": list("ABCDE"), "name": ["West", "East", "North", "South", "Lake"]},
        geometry=[town.square(*corners) for corners in [*boxes, (1000, 1000, 2000, 2000)]],
        crs=4326,
    )


def schools() -> gpd.GeoDataFrame:
    """Place the schools."""
    points = [town.place(*PLACES[school_id]) for school_id in SCHOOLS["school_id"]]
    return gpd.GeoDataFrame(SCHOOLS[["school_id", "name", "level", "zone_id"]], geometry=points, crs=4326)


def plan() -> BoardPlan:
    """Move Zephrin Middle, and the north of East with it, to Lake; loads are then more even."""
    now = zones()
    after = now.set_geometry(
        [now.geometry[0], town.square(1000, 0, 2000, 600), *now.geometry[2:4], town.square(1000, 600, 2000, 2000)],
        crs=4326,
    )
    moves = pd.DataFrame(
        {
            "school_id": ["003"],
            "name": ["Zephrin Middle"],
            "level": ["middle"],
            "zone_before": ["B"],
            "zone_after": ["E"],
        }
    )
    loads = pd.DataFrame(
        {
            "zone_id": list("ABCDE"),
            "name": now["name"],
            "schools_before": pd.array([1, 2, 1, 1, 1], dtype="Int64"),
            "schools_after": pd.array([1, 1, 1, 1, 2], dtype="Int64"),
            "students_before": pd.array([300, pd.NA, 500, 400, 600], dtype="Int64"),
            "students_after": pd.array([300, 1000, 500, 400, pd.NA], dtype="Int64"),
            "load_before": [1.1, 1.35, np.nan, 0.75, 0.9],
            "load_after": [1.1, 1.2, np.nan, 0.75, 1.05],
        }
    )
    return BoardPlan(
        zones=after,
        moves=moves,
        loads=loads,
        step=0.05,
        imbalance_before=0.35,
        imbalance_after=0.25,
        is_proven=True,
    )


def coverage() -> BoardCoverage:
    """Say how soon an officer comes; in North that is withheld."""
    told = zones()[["zone_id", "name"]].assign(
        response_min=[4.5, 5.0, np.nan, 6.5, 5.5],
        is_withheld=[False, False, True, False, False],
    )
    return BoardCoverage(
        zones=pd.DataFrame(told),
        district_response_min=5.0,
        own_share=0.85,
        other_share=0.1,
        patrol_share=0.05,
        officers_share=0.95,
        step_min=0.5,
        step_share=0.05,
        is_timed=True,
        is_answered=True,
        timed_share=0.95,
        answered_share=1.0,
    )


@cache
def content(*, release: int = 0, bare: bool = False) -> BoardContent:
    """Say all there is to say; without plan, coverage, detail and backdrop if `bare`."""
    raw, policy = raw_counts(), load_policy("default")
    counts = protect(raw, policy, knows_rule=True)
    people = pd.DataFrame(raw.students).assign(count=lambda d: d["students"].fillna(0).astype("int64"))
    by = (Grouping(("zone",)), Grouping(("level",)), Grouping(()))
    students = protect(
        CountTable(people[["school", "zone", "level", "enrolled", "count"]], by, measure="students"), policy
    )
    trends = {
        name: public_rates(counts, students, *dims, "term", days=DAYS).assign(rate_step=pd.NA)
        for name, dims in {"zone": ("zone",), "level": ("level",), "district": ()}.items()
    }
    crossed = counts.table("zone", "level", year="2025–26")
    told = BoardContent(
        district="Fivesquare",
        term=THIS,
        terms=TERMS,
        is_synthetic=True,
        release=release,
        counts=counts,
        students=students,
        audit=audit(counts, knows_rule=True),
        zones=zones(),
        schools=schools(),
        zone_rates=trends["zone"].loc[trends["zone"]["term"] == THIS].reset_index(drop=True),
        level_rates=trends["level"].loc[trends["level"]["term"] == THIS].reset_index(drop=True),
        zone_trends=trends["zone"],
        level_trends=trends["level"],
        district_trends=trends["district"],
        categories=counts.table("category", term=THIS),
        origins=counts.table("origin", term=THIS),
        changes=public_changes(trends, before=BEFORE, after=THIS, days=DAYS),
        baseline="year_before",
        method={"Routine visit": "30 min"},
        withholds_single_schools=False,
    )
    if bare:
        return told
    return replace(
        told,
        detail=BoardDetail(("zone", "level"), "2025–26", crossed, float(crossed["is_withheld"].mean())),
        boundary=gpd.GeoDataFrame({"name": ["Fivesquare"]}, geometry=[zones().union_all()], crs=4326),
        places=gpd.GeoDataFrame({"name": ["Millpond"]}, geometry=[town.place(1000, 1000)], crs=4326),
        plan=plan(),
        coverage=coverage(),
    )
