"""All settings of a district together."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

from safeschools_geo.errors import SettingsError, SeveralFaultsError
from safeschools_geo.settings.board import BoardSettings
from safeschools_geo.settings.calendar import CalendarSettings, HoursSettings, Term, term_name_faults
from safeschools_geo.settings.checks import require
from safeschools_geo.settings.coverage import CoverageSettings
from safeschools_geo.settings.district import DistrictSettings, PathSettings
from safeschools_geo.settings.hotspots import HotspotSettings, PatrolChange
from safeschools_geo.settings.inputs import (
    COLUMNS,
    IncidentSettings,
    LayerSettings,
    ReadingSettings,
    SchoolSettings,
    column_faults,
)
from safeschools_geo.settings.planning import AssignSettings, RebalanceSettings, WorkloadSettings


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings of a district, as ``district.toml`` and its presets give them.

    Parameters
    ----------
    folder
        The district folder; every path is relative to it.
    """

    folder: Path
    district: DistrictSettings
    paths: PathSettings = field(default_factory=PathSettings)
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    zones: LayerSettings = field(default_factory=LayerSettings)
    boundary: LayerSettings = field(default_factory=LayerSettings)
    roads: LayerSettings = field(default_factory=LayerSettings)
    places: LayerSettings = field(default_factory=LayerSettings)
    units: LayerSettings = field(default_factory=LayerSettings)
    schools: SchoolSettings = field(default_factory=SchoolSettings)
    incidents: IncidentSettings = field(default_factory=IncidentSettings)
    terms: tuple[Term, ...] = ()
    calendar: CalendarSettings = field(default_factory=CalendarSettings)
    hours: HoursSettings = field(default_factory=HoursSettings)
    workload: WorkloadSettings = field(default_factory=WorkloadSettings)
    assign: AssignSettings = field(default_factory=AssignSettings)
    rebalance: RebalanceSettings = field(default_factory=RebalanceSettings)
    coverage: CoverageSettings = field(default_factory=CoverageSettings)
    board: BoardSettings = field(default_factory=BoardSettings)
    hotspots: HotspotSettings = field(default_factory=HotspotSettings)
    patrol_changes: tuple[PatrolChange, ...] = ()

    def __post_init__(self) -> None:
        """Check that columns are ours, and that terms can be folders of their own and do not overlap."""
        faults = [fault for section in COLUMNS for fault in column_faults(section, getattr(self, section).columns)]
        require(not faults, "columns in district.toml", "\n  - ".join(faults))
        names = term_name_faults([t.name for t in self.terms])
        if names:
            raise names[0] if len(names) == 1 else SeveralFaultsError(names)
        ordered = sorted(self.terms, key=lambda t: t.start)
        for before, after in itertools.pairwise(ordered):
            require(before.end < after.start, "[[terms]]", f"The terms {before.name} and {after.name} overlap.")
        object.__setattr__(self, "terms", tuple(ordered))

    def term(self, name: str | None = None) -> Term:
        """Find a term by name.

        Parameters
        ----------
        name
            Its name; the last term if left out.

        Returns
        -------
        Term
            The term.

        Raises
        ------
        SettingsError
            When there is no such term.
        """
        for term in reversed(self.terms):
            if name in (None, term.name):
                return term
        raise SettingsError(
            "There is no such term.",
            where="[[terms]] in district.toml",
            found=name or "no terms at all",
            expected=", ".join(t.name for t in self.terms) or "at least one [[terms]] with name, start and end",
            remedy="Name one of these with --term, or add the term.",
        )
