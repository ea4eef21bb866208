"""A town of eight units of half a kilometer in three zones, as the pages of plans take it::

    north | e 1 | f 2 | g 2 | h 3 |     locked: e; root of zone 2: g; forbidden: h in zone 2; together: c and f
    south | a 1 | b 1 | c 2 | d 3 |     zone 4 has no unit

Loads end in figures that round the wrong way when they are added up as floats; ids and names are hostile to CSV.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import map_town
import pandas as pd
import town
from map_town import HOSTILE

from safeschools_geo.pages._plan import plan_map
from safeschools_geo.pages._what_if import what_if_map
from safeschools_geo.rebalance import Rules
from safeschools_geo.results import PlanInputs

if TYPE_CHECKING:
    from safeschools_geo.pages._page import OfflinePage
    from safeschools_geo.results import TermResult

LETTERS = "abcdefgh"
IDS = dict(zip(LETTERS, ["001", "=2+1", "-3", "-x", "2E47", '6,"f"', "'7", "@h"], strict=True))
NAMES = dict(
    zip(LETTERS, [HOSTILE, "=1+1", "Cedar, East", "Dogwood", 'The "Elm"', "Fir\nAnnex", "Ginkgo", "Hazel"], strict=True)
)
WORKLOADS = [0.1, 1 / 3, 2.675, 1234.5678905, 0.0000005, 1.005, 2.5, 10.015]
ZONE_IDS = ["1", "2", "=3", "4"]
LIMITS = {
    "locked": [IDS["e"]],
    "roots": {"2": IDS["g"]},
    "forbidden": [(IDS["h"], "2")],
    "together": [(IDS["c"], IDS["f"])],
}


def units() -> gpd.GeoDataFrame:
    """Draw the units."""
    corners = [(x, y) for y in (0, 500) for x in (0, 500, 1000, 1500)]
    return gpd.GeoDataFrame(
        {
            "unit_id": pd.array([IDS[x] for x in LETTERS], dtype="str"),
            "zone_id": pd.array(["1", "1", "2", "=3", "1", "2", "2", "=3"], dtype="str"),
            "workload": WORKLOADS,
            "name": pd.array([NAMES[x] for x in LETTERS], dtype="str"),
            "schools": [1, 1, 2, 1, 1, 1, 1, 1],
            "students": [300.0, 1200.0, float("nan"), 5.0, 400.0, 10.0, 20.0, 30.0],
        },
        geometry=[town.square(x, y, x + 500, y + 500) for x, y in corners],
        crs=4326,
    )


def edges() -> pd.DataFrame:
    """Link neighbors."""
    pairs = ["ab", "bc", "cd", "ef", "fg", "gh", "ae", "bf", "cg", "dh"]
    return pd.DataFrame({"unit_a": [IDS[a] for a, _ in pairs], "unit_b": [IDS[b] for _, b in pairs], "kind": "border"})


def zones() -> gpd.GeoDataFrame:
    """Draw the zones; the fourth has no unit, only a place."""
    shapes = [town.square(x, 0, x + 500, 1000) for x in (0, 500, 1500, 2000)]
    return gpd.GeoDataFrame(
        {"zone_id": ZONE_IDS, "name": ["West", "Middle", "East", HOSTILE]}, geometry=shapes, crs=4326
    )


def plan() -> pd.Series:
    """Propose that b goes from West to Middle."""
    frame = units()
    return (
        pd.Series(frame["zone_id"].to_numpy(), index=frame["unit_id"], name="zone_id")
        .replace({IDS["b"]: "1"})
        .where(frame["unit_id"].to_numpy() != IDS["b"], "2")
    )


def moves() -> pd.DataFrame:
    """List the move of the plan."""
    return pd.DataFrame(
        {
            "name": [HOSTILE],
            "zone_before": ["1"],
            "zone_after": ["2"],
            "workload": [1 / 3],
            "schools": pd.array([1], dtype="Int64"),
            "students": [1200.0],
        }
    )


def scores() -> pd.DataFrame:
    """Score today and the plan; coverage is not scored."""
    return pd.DataFrame(
        {
            "measure": ["imbalance", "travel", "response"],
            "label": ["Imbalance", "Travel", "Response"],
            "unit": ["share of the mean load", "km", "min"],
            "current": ["298.3%", "10.0", "not scored: no coverage"],
            "proposed": ["298.2%", "11.0", "not scored: no coverage"],
            "best": ["proposed", "current", ""],
            "better": ["lower"] * 3,
        }
    )


def frontier() -> pd.DataFrame:
    """Give a frontier whose last point is not proven."""
    return pd.DataFrame(
        {
            "moves": [0, 1, 2],
            "imbalance": [0.5, 0.2, 0.15],
            "bound": [0.5, 0.2, 0.1],
            "is_proven": [True, True, False],
            "units_moved": [0, 1, 2],
            "travel": [10.0, 10.5, 11.0],
        }
    )


CERTIFICATE = {"max_moves": 2, "imbalance_before": 2.983, "imbalance_after": 2.982, "moves": 1, "unit_noun": "school"}
CERTIFICATE |= {"is_contiguous": True, "stages": [], "objective": "imbalance", "value": 2.982, "bound": None}
CERTIFICATE |= {"is_proven": False, "roots": {}, "locked": [], "together": [], "forbidden": [], "tolerance": None}


def result(*, bare: bool = False, **changed: Any) -> TermResult:
    """Put a proposal together as a run does: what is changed is of the proposal, of its inputs, or of its limits."""
    proposed = plan()
    limits = {name: changed.pop(name, value) for name, value in LIMITS.items()}
    limits |= {name: changed.pop(name) for name in ("one_of_each", "most_students", "whole") if name in changed}
    limits |= {"barriers": {"pairs": changed.pop("barred")}} if "barred" in changed else {}
    inputs = {"units": units(), "edges": edges(), "travel": None, "findings": (), "noun": "school", "set_apart": ()}
    inputs["forecast"] = ()
    inputs |= {name: changed.pop(name) for name in set(changed) & set(inputs)}
    parts = {
        "is_empty": False,
        "inputs": PlanInputs(rules=Rules(**limits), **inputs),
        "plan": SimpleNamespace(assignment=changed.pop("plan", proposed), certificate=CERTIFICATE, moves=moves()),
        "changes": moves(),
        "comparison": scores(),
        "frontier": SimpleNamespace(
            to_frame=frontier, proposed=1, rule="By a rule.", finding=lambda _: "One school moves."
        ),
        "change": SimpleNamespace(price_text=lambda: "It costs travel."),
        "stability": SimpleNamespace(summary=lambda: "Holds up in 91% of terms."),
        "alternative": "",
        "other_name": "",
        "other_plan": None,
        "held": None,
        "about_trade": list,
        "empty_zones": "",
        "notes": (),
    }
    of_town = {name: changed.pop(name) for name in set(changed) - set(parts)}
    proposal = SimpleNamespace(**parts | changed)
    return map_town.result(bare=bare, proposal=proposal, **{"zones": zones(), **of_town})


def what_if(**changed: Any) -> OfflinePage:
    """Draw the what-if page."""
    return what_if_map(result(**changed))


def review(**changed: Any) -> OfflinePage:
    """Draw the page of the plan."""
    return plan_map(result(**changed))
