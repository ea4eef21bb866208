"""How often groups of schools are flagged where there is no hotspot: our scan beside plain Poisson methods.

python benchmarks/calibrate_hotspots.py [--terms 400] [--out benchmarks/reports/hotspot_calibration.md]

Schools, levels, enrollments and places are those of the synthetic demo district; incidents are drawn anew. Every school
has a gamma factor of its own that lasts, with the variance in the first column; so has none where it is 0 (Poisson). A
district's history is five such terms before the one that is judged. The tests of single schools have a script of their
own, `power_of_schools.py`.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS
from scipy import stats

from safeschools_geo.district._district import demo_folder, read_district
from safeschools_geo.hotspots._schools import school_groups, school_rates
from safeschools_geo.hotspots.scan import poisson_scan
from safeschools_geo.school_calendar import school_days

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RATES = {"elementary": 2.15e-4, "middle": 4.6e-4, "high": 4.7e-4, "k8": 2.95e-4, "other": 8.3e-4}
REPORTED = 0.86
SPREADS = (0.0, 0.05, 0.2)
HISTORIES = (0, 5)
ALPHA = 0.05
SIMULATIONS = 999
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Town:
    """Schools with a known enrollment, and what happens at each in an ordinary term."""

    schools: pd.DataFrame
    places: gpd.GeoSeries
    crs: CRS
    expected: Floats


def demo_town() -> Town:
    """Take schools, levels, enrollments and places of the demo."""
    district = read_district(demo_folder())
    schools = district.schools[district.schools["in_program"] & district.schools["enrollment"].gt(0)]
    days = len(school_days(district.settings.term(), district.settings.calendar))
    student_days = schools["enrollment"].astype("float64") * days
    table = pd.DataFrame(
        {
            "school_id": schools["school_id"],
            "name": schools["name"],
            "level": schools["level"],
            "zone_id": "",
            "enrollment": schools["enrollment"],
            "student_days": student_days,
        }
    ).reset_index(drop=True)
    expected = (student_days * schools["level"].map(RATES) * REPORTED).to_numpy()
    return Town(table, schools.set_index("school_id").geometry, district.crs, expected)


def draw_counts(town: Town, spread: float, history: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw a history of terms."""
    n = len(town.expected)
    own = rng.gamma(1 / spread, spread, n) if spread else np.ones(n)
    terms = []
    for term in range(history + 1):
        means = town.expected * own
        reported = rng.poisson(means)
        started = rng.poisson(means * (1 - REPORTED) / REPORTED)
        terms.append(
            town.schools.assign(
                term=f"T{term}",
                reported=reported,
                incidents=reported + started,
                officer_initiated_share=started / np.maximum(reported + started, 1),
            )
        )
    return pd.concat(terms, ignore_index=True)


def flags(town: Town, counts: pd.DataFrame, seed: int) -> dict[str, bool]:
    """Say which methods flag anything in the last term."""
    last = counts["term"].iloc[-1]
    rates = school_rates(counts, term=last)
    groups = school_groups(rates, town.places, crs=town.crs, simulations=SIMULATIONS, seed=seed)
    table = rates.table
    tested = table[table["shrunken_per_1000"].notna()]
    pooled = tested.groupby("level")[["reported", "student_days"]].transform("sum")
    plain = stats.poisson.sf(
        tested["reported"] - 1, pooled["reported"] / pooled["student_days"] * tested["student_days"]
    )
    at = town.places.to_crs(town.crs)[table["school_id"]]
    level = table.groupby("level")[["reported", "student_days"]].transform("sum")
    expected = level["reported"] / level["student_days"] * table["student_days"]
    scan = poisson_scan(table["reported"], expected, np.c_[at.x, at.y], simulations=SIMULATIONS, seed=seed)
    return {
        "plain funnel": bool((stats.false_discovery_control(plain) <= ALPHA).any()),
        "scan": not groups.high.empty,
        "plain scan": bool(scan.significant(ALPHA)),
    }


def one_setting(town: Town, spread: float, history: int, terms: int) -> dict[str, object]:
    """Judge many terms with no hotspot."""
    false = []
    for number in range(terms):
        rng = np.random.default_rng([number, history, int(1000 * spread)])
        false.append(flags(town, draw_counts(town, spread, history, rng), number))
    shares = {str(name): float(share) for name, share in pd.DataFrame(false).mean().items()}
    return {"variance": spread, "terms before": history, **shares}


def report(rows: list[dict[str, object]], terms: int, seconds: float) -> str:
    """Write the report as Markdown."""
    table = pd.DataFrame(rows)
    heads = {
        "variance": "variance of the schools' own factors",
        "terms before": "terms before",
        "plain funnel": "plain Poisson funnel",
        "scan": "our scan, p ≤ .05",
        "plain scan": "plain Poisson scan",
    }
    lines = [
        "# Calibration of the hotspot tests",
        "",
        (
            f"Made by `python benchmarks/calibrate_hotspots.py --terms {terms}` in {seconds / 60:.0f} minutes. The "
            f"demo's schools, {terms} simulated terms a row with **no hotspot**: the share of terms in which anything "
            "is flagged. At 5 % nominal, up to 10 % is what we accept. The tests of single schools are in "
            "[a report of their own](power_of_schools.md)."
        ),
        "",
        "| " + " | ".join(heads.values()) + " |",
        "|" + "---|" * len(heads),
    ]
    for row in table.to_dict("records"):
        shares = [f"{row[name]:.1%}" for name in ("plain funnel", "scan", "plain scan")]
        lines.append(f"| {row['variance']:g} | {row['terms before']} | " + " | ".join(shares) + " |")
    error = 1.96 * np.sqrt(0.05 * 0.95 / terms)
    lines += [
        "",
        f"A true 5 % shows as 5 % ± {error:.1%} in {terms} terms.",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--terms", type=int, default=400)
    parser.add_argument("--out", type=Path, default=HERE / "reports" / "hotspot_calibration.md")
    options = parser.parse_args()
    start, town, rows = time.perf_counter(), demo_town(), []
    for history in HISTORIES:
        for spread in SPREADS:
            rows.append(one_setting(town, spread, history, options.terms))
            print(rows[-1], flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(report(rows, options.terms, time.perf_counter() - start), encoding="utf-8")


if __name__ == "__main__":
    main()
