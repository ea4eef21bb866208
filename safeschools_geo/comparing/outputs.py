"""What a comparison of two terms leaves behind: a page, tables, a summary and a manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from safeschools_geo.export import write_csv, write_manifest, write_text
from safeschools_geo.hotspots.became import BECAME
from safeschools_geo.maps.compare_page import ComparedTables, compare_page
from safeschools_geo.maps.coverage_shell import KeyFigure
from safeschools_geo.maps.hotspot_tables import CHANGES
from safeschools_geo.maps.shell import PageContext
from safeschools_geo.schemas import POPULATIONS

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.comparison_results import TermComparison
    from safeschools_geo.maps.shell import OfflinePage

_RATE = f"{POPULATIONS['reported'].capitalize()} per 1,000 student-days"
_READING = """
Rates and hotspots count reported calls for zone officers at program schools; what officers started themselves says \
where they looked.
Changes are tested by the E-test, two-sided, with exact 95 % intervals; the test takes incidents as independent of \
each other, and finds change too easily where one brings the next.
A school that was picked out because it was high tends to fall back by itself, and one that is high now is likely to. \
Neither says that anything was done, or failed.
One list of schools, with one enrolment each, stands for both terms: a school that grew or shrank between them shows \
as a change of its rate.
A term's hours, months, places and grid are on its own hotspot pages.
"""


def write_comparison(compared: TermComparison, folder: Path) -> None:
    """Write a comparison.

    Parameters
    ----------
    compared
        The comparison.
    folder
        An empty folder.
    """
    page = draw_comparison(compared)
    tables = {
        "school_zones": compared.school_zones,
        "loads": compared.loads,
        "rates_overall": compared.overall,
        "rates_zones": compared.rates,
        "rates_levels": compared.levels,
        "schools": compared.schools,
        "hotspots": compared.hotspots,
    }
    for name, table in tables.items():
        write_csv(folder / f"{name}.csv", table)
    write_text(folder / "compare.html", page.html)
    write_text(folder / "summary.txt", f"{compared.summary()}\n")
    write_manifest(folder, _manifest(compared))


def draw_comparison(compared: TermComparison) -> OfflinePage:
    """Draw a comparison.

    Parameters
    ----------
    compared
        The comparison.

    Returns
    -------
    OfflinePage
        The page; a notebook shows it inline.
    """
    district = compared.settings.district
    terms = (compared.term_a.name, compared.term_b.name)
    names = dict(zip(compared.loads["zone_id"], compared.loads["name"], strict=True))
    return compare_page(
        ComparedTables(
            moves=compared.moved,
            loads=compared.loads,
            overall=compared.overall,
            rates=compared.rates,
            levels=compared.levels,
            hotspots=compared.hotspots,
            schools=compared.schools,
        ),
        terms=terms,
        zone_names=names,
        became=BECAME,
        zones_told=compared.zones_sentence(),
        finding=compared.finding(),
        figures=_figures(compared),
        statements=compared.statements(),
        cautions=compared.cautions,
        notes=[*compared.notes, *_READING.strip().splitlines()],
        context=PageContext(
            district=district.name,
            term=f"{terms[0]} and {terms[1]}",
            is_synthetic=district.is_synthetic,
            is_internal=True,
            settings=_settings(compared),
        ),
    )


def _figures(compared: TermComparison) -> list[KeyFigure]:
    before, after = compared.imbalances
    found, rates, whole, spots = compared.counts, compared.rates, compared.overall.iloc[0], compared.hotspots
    clear = rates["direction"].isin(["rose", "fell"])
    sure = int(((spots["became"] == "emerged") & spots["direction"].isin(["rose", "fell"])).sum())
    moved = found["schools_that_changed_zone"]
    rate = [f"{whole[f'rate_per_1000_{side}']:.3f}" for side in ("before", "after")]
    way = CHANGES[whole["direction"]]
    compared_zones = int((rates["direction"] != "insufficient_data").sum())
    return [
        KeyFigure("Hotspots that emerged", str(found["emerged"]), f"{sure} by more than chance explains"),
        KeyFigure("Hotspots that faded", str(found["faded"]), f"{found['persisted']} persisted"),
        KeyFigure("Zones whose rate clearly changed", f"{int(clear.sum())} of {compared_zones}"),
        KeyFigure(_RATE, rate[1], f"was {rate[0]}: {way}")
        if np.isfinite([whole["rate_per_1000_before"], whole["rate_per_1000_after"]]).all()
        else KeyFigure(_RATE, "no rate", "no enrollment is known"),
        KeyFigure("Imbalance of the loads", f"{after:.0%}", f"was {before:.0%}"),
        KeyFigure(
            "Schools that changed zone",
            "not known" if moved is None else str(moved),
            f"no record of {compared.term_a.name}" if moved is None else "",
        ),
    ]


def _settings(compared: TermComparison) -> dict[str, str]:
    chosen = compared.settings.hotspots
    terms = zip((compared.term_a, compared.term_b), compared.days, strict=True)
    return {
        **{t.name: f"{t.start:%d %B %Y} to {t.end:%d %B %Y}, {days} school days" for t, days in terms},
        "Called a hotspot": f"p or q at most {chosen.alpha:g}, after all looking; set before looking",
        "Simulations": f"{chosen.simulations:,}, seed {compared.seed}",
        "Too little data": f"where only a rise by more than {chosen.largest_detectable:g} times could have been seen",
    }


def _manifest(compared: TermComparison) -> dict[str, Any]:
    district = compared.settings.district
    return {
        "district": district.name,
        "is_synthetic": district.is_synthetic,
        "terms": [compared.term_a.name, compared.term_b.name],
        "has_zone_record": compared.has_zone_record,
        "seed": compared.seed,
        "inputs": dict(compared.inputs),
        "counts": compared.counts,
    }
