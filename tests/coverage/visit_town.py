"""Towns small enough to draw, and towns at random, to plan visits in."""

from __future__ import annotations

import numpy as np
import pandas as pd

from safeschools_geo.coverage._visit_rules import SchoolHours, VisitRules

HOURS = {
    "elementary": SchoolHours(start_min=510, lunch_from_min=690, lunch_to_min=735, end_min=870),
    "middle": SchoolHours(start_min=495, lunch_from_min=705, lunch_to_min=750, end_min=885),
    "high": SchoolHours(start_min=480, lunch_from_min=720, lunch_to_min=765, end_min=900),
}
"""8:30, 8:15 and 8:00 in the morning to 14:30, 14:45 and 15:00."""

QUICK = VisitRules(iterations=40)
"""The default rules, with fewer iterations than a real plan has."""


def schools(*rows: str, zone: str = "1") -> pd.DataFrame:
    """List schools of one zone, each as ``"id level"``."""
    table = [row.split() for row in rows]
    return pd.DataFrame(
        {
            "school_id": [school for school, _ in table],
            "name": [f"Plimwick {school}" for school, _ in table],
            "level": [level for _, level in table],
            "zone_id": zone,
        }
    )


def along_a_road(**places_min: float) -> pd.DataFrame:
    """Place schools and bases on one road: minutes from its start."""
    at = np.array(list(places_min.values()), dtype="float64")
    return pd.DataFrame(np.abs(at[:, None] - at), index=list(places_min), columns=list(places_min))


def all_apart(ids: list[str], minutes: float) -> pd.DataFrame:
    """Place schools the same minutes from each other."""
    return pd.DataFrame(minutes * (1 - np.eye(len(ids))), index=ids, columns=ids)


def random_town(
    seed: int, *, zones: int = 1, per_zone: int = 5, scale_min: float = 10.0, has_base: bool = True
) -> dict:
    """Scatter schools over squares, one for each zone: what `plan_visits` is made from, as keywords."""
    rng = np.random.default_rng(seed)
    rows, ids, places, bases = [], [], [], {}
    for zone in range(1, zones + 1):
        for number in range(per_zone):
            school = f"{zone}{number:02d}"
            rows.append((school, f"School {school}", str(rng.choice(list(HOURS))), str(zone)))
            ids.append(school)
            places.append(zone * np.array([1.0, 0.0]) + rng.uniform(0, 1, 2))
        if has_base:
            bases[str(zone)] = f"B{zone}"
            ids.append(f"B{zone}")
            places.append(zone * np.array([1.0, 0.0]) + rng.uniform(0, 1, 2))
    at = np.array(places)
    minutes = scale_min * np.hypot(*(at[:, None] - at).transpose(2, 0, 1))
    table = pd.DataFrame(rows, columns=["school_id", "name", "level", "zone_id"])
    wanted = pd.Series(rng.integers(1, 4, len(table)), index=table["school_id"])
    return {
        "schools": table,
        "travel_min": pd.DataFrame(minutes, index=ids, columns=ids),
        "visits": wanted,
        "hours": HOURS,
        "bases": bases or None,
    }
