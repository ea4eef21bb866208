"""Who the district is, how it is measured, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from safeschools_geo.crs import parse_crs
from safeschools_geo.errors import SettingsError
from safeschools_geo.settings.checks import require


@dataclass(frozen=True, kw_only=True)
class DistrictSettings:
    """``[district]``: who the district is and how it is measured.

    Parameters
    ----------
    name
        Name of the district.
    time_zone
        IANA time zone of the district, for example ``America/Los_Angeles``.
    crs
        Projected CRS in metres to measure in; the district's UTM zone if left out.
    zones
        Number of zones there ought to be; not checked if left out.
    is_synthetic
        Whether the data are made up, which every output then says.
    """

    name: str
    time_zone: str
    crs: str | int | None = None
    zones: int | None = None
    is_synthetic: bool = False

    def __post_init__(self) -> None:
        """Check the values."""
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise SettingsError(
                "This is not a time zone.",
                where="[district] time_zone",
                found=self.time_zone,
                expected="an IANA name such as America/Los_Angeles",
                remedy="Look it up in the list of tz database time zones.",
            ) from error
        if self.crs is not None:
            parse_crs(self.crs, where="[district] crs")
        require(self.zones is None or self.zones >= 1, "[district] zones", "There must be a zone.", found=self.zones)


@dataclass(frozen=True, kw_only=True)
class PathSettings:
    """``[paths]``: where things are, relative to the district folder.

    Parameters
    ----------
    boundaries
        Folder of the layers: zones, boundary, schools, roads, places.
    incidents
        Folder of the incident exports.
    crosswalk
        File that maps the source's categories to ours.
    outputs
        Folder of the results.
    """

    boundaries: str = "data/boundaries"
    incidents: str = "data/incidents"
    crosswalk: str = "crosswalk.csv"
    outputs: str = "outputs"
