"""Check what was read: every fault at once, each with its rows, what was expected, and how to mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.results import CheckReport
from safeschools_geo.validate.coordinates import check_coordinates, classify_coordinates
from safeschools_geo.validate.geometry import repair
from safeschools_geo.validate.incidents import check_incidents
from safeschools_geo.validate.rejects import check_rejects
from safeschools_geo.validate.schools import check_schools
from safeschools_geo.validate.zones import check_zones

if TYPE_CHECKING:
    from safeschools_geo.district import District

__all__ = [
    "check_coordinates",
    "check_district",
    "check_incidents",
    "check_rejects",
    "check_schools",
    "check_zones",
    "classify_coordinates",
    "repair",
]


def check_district(district: District) -> CheckReport:
    """Check a whole district.

    Parameters
    ----------
    district
        What was read.

    Returns
    -------
    CheckReport
        What reading found, and what zones, schools and incidents show when they are laid beside each other.
    """
    settings = district.settings
    return CheckReport(
        settings.district.name,
        (
            *district.findings,
            *check_rejects(district.rejects, told={f.code for f in district.findings}),
            *check_zones(
                district.zones,
                district.zone_pieces,
                crs=district.crs,
                boundary=district.boundary,
                expected=settings.district.zones,
            ),
            *check_schools(district.schools, district.zones, crs=district.crs, boundary=district.boundary),
            *check_incidents(
                district.incidents,
                district.schools,
                settings=settings,
                terms=district.terms,
                district=pd.concat([district.zones.geometry, district.extent]),
                crs=district.crs,
            ),
        ),
        district.counts,
        settings.district.is_synthetic,
    )
