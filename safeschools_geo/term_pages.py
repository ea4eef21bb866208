"""What every page of a term is made with: its context and the layers behind its maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from safeschools_geo.maps import PageContext
from safeschools_geo.schemas import CATEGORIES, LEVELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from safeschools_geo.term_results import TermResult


def layers_of(result: TermResult) -> dict[str, Any]:
    """Give the layers behind the maps.

    Parameters
    ----------
    result
        All results of the term.

    Returns
    -------
    dict
        Zones, boundary, roads and towns, by the name of the page's argument.
    """
    district = result.district
    return {"zones": district.zones, "boundary": district.boundary, "roads": district.roads, "places": district.places}


def context_of(result: TermResult, *, about: Literal["work", "hotspots"] = "work") -> PageContext:
    """Say what every page of the term says.

    Parameters
    ----------
    result
        All results of the term.
    about
        Which settings the page names.

    Returns
    -------
    PageContext
        The context.
    """
    settings = result.district.settings
    workload = settings.workload
    return PageContext(
        district=settings.district.name,
        term=result.term.name,
        is_synthetic=settings.district.is_synthetic,
        is_internal=True,
        settings=_hotspot_settings(result)
        if about == "hotspots"
        else {
            "Minutes on scene, where not recorded": _listed(workload.service_min, CATEGORIES),
            "Visits a week": _listed(workload.visits_per_week, LEVELS),
            "Minutes of a visit": f"{workload.visit_min:g}",
            "Road over straight line": f"{workload.detour_factor:g}",
            "Speed": f"{workload.speed_kph:g} km/h",
            "Measured in": result.district.crs.name,
        },
    )


def _hotspot_settings(result: TermResult) -> dict[str, str]:
    chosen = result.district.settings.hotspots
    return {
        "Called a hotspot": f"p or q at most {chosen.alpha:g}, after all looking; set before looking",
        "Simulations": f"{chosen.simulations:,} (months, hours, repeats: at most 999), seed {result.seed}",
        "Group of schools": f"at most {chosen.max_share:.0%} of what is expected; 10 % and 50 % beside it",
        "Compared with": f"schools of the same level, at least {chosen.fewest_peers} of them with a known enrolment",
        "Too little data": f"where only a rise by more than {chosen.largest_detectable:g} times could have been seen",
        "Places off campus": f"at least {chosen.place_incidents} incidents within {chosen.place_distance_m:g} m",
        "Grid": f"{chosen.cell_kind}s of {chosen.cell_m:g} m; density with a bandwidth of {chosen.bandwidth_m:g} m",
        "Repeats": f"within {chosen.repeat_distance_m:g} m and {chosen.repeat_days} days",
        "Measured in": result.district.crs.name,
    }


def _listed(amounts: Mapping[str, float], names: Mapping[str, str]) -> str:
    return "; ".join(f"{names[key]} {amount:g}" for key, amount in amounts.items())
