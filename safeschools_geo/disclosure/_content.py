"""What the pages for the board are made of: protected tables, and facts that are public anyway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import geopandas as gpd
import pandas as pd

from safeschools_geo.disclosure._audit import AuditReport
from safeschools_geo.disclosure._tables import SafeTable, require_safe
from safeschools_geo.errors import DisclosureError


@dataclass(frozen=True, eq=False)
class BoardPlan:
    """The proposed zones, as far as they are for the public.

    Parameters
    ----------
    zones
        The zones of the plan: `zone_id`, `name`, polygons in EPSG:4326.
    moves
        Schools that change zone: `school_id`, `name`, `level`, `zone_before`, `zone_after` (ids); sorted by name.
    loads
        One row for each zone: `zone_id`, `name`, `schools_before`, `schools_after`, `students_before`,
        `students_after` (Int64, missing where unknown), `load_before`, `load_after`: the officer's work as a share of
        the mean of all zones, rounded to `step`; missing where it is withheld.
    step
        Step that loads are rounded to, such as 0.05; missing (NaN) where no step would keep counts unknown.
    imbalance_before, imbalance_after
        Largest distance from the mean load, as a share, rounded to `step`.
    is_proven
        Whether no plan that moves as many schools is more even (no plan of fewer moves as even, where `proof_of` is
        ``moves``).
    proof_of
        What the proof is about: ``imbalance`` or ``moves``; ``disputed`` where the map leaves open who borders whom.
    moves_allowed
        Schools that the plans compared with may move.
    students_moved
        Students of the schools that change zone; None where not known.
    lacks_students
        Whether the students of some of these schools are not known.
    no_slower
        Whether only plans were looked at in which nobody waits longer.
    others_are_more_even
        Whether a plan that lets calls wait longer is more even than this one.
    minutes, within
        Response by the model, today, with officers where they wait today, and placed anew: mean and nine of ten in
        minutes rounded to `step_min`, and the share reached in time rounded to `step_share`; missing where not
        reported.
    directions
        Measure (``mean``, ``p90``, ``within``) → ``up``, ``down`` or ``same`` with officers where they wait today.
    within_min
        Minutes that `within` is about.
    step_min, step_share
        What these are rounded to; missing where they are not reported.
    is_response_known
        Whether response was worked out at all.
    levels_lost
        Zone (id) and level of each last school of its level that a zone would lose.
    feeders_split
        Names of the feeder patterns that are whole today and would be split.
    empty_zones
        Ids of zones without a school, which are left out of the comparison.
    """

    zones: gpd.GeoDataFrame
    moves: pd.DataFrame
    loads: pd.DataFrame
    step: float
    imbalance_before: float
    imbalance_after: float
    is_proven: bool
    proof_of: str = "imbalance"
    moves_allowed: int | None = None
    students_moved: int | None = None
    lacks_students: bool = False
    no_slower: bool = False
    others_are_more_even: bool = False
    minutes: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    within: tuple[float, float, float] | None = None
    directions: Mapping[str, str] = field(default_factory=dict)
    within_min: float = 5.0
    step_min: float = float("nan")
    step_share: float = float("nan")
    is_response_known: bool = False
    levels_lost: tuple[tuple[str, str], ...] = ()
    feeders_split: tuple[str, ...] = ()
    empty_zones: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class BoardCoverage:
    """Patrol coverage as the record says it, as far as it is for the public.

    Parameters
    ----------
    zones
        One row for each zone: `zone_id`, `name`, `response_min` (mean minutes to a call, rounded to `step_min`; missing
        where withheld, or where too few calls are recorded), `is_withheld`.
    district_response_min
        The same for the district.
    own_share, other_share, patrol_share, officers_share
        Shares of the calls that the zone's own officer answered, another zone's, the Sheriff's patrol, and any zone's
        officer, rounded to `step_share`; missing where withheld, or not recorded.
    step_min, step_share
        What minutes and shares are rounded to; missing where no step would keep small counts unknown.
    has_calls
        Whether any call is recorded.
    is_timed, is_answered
        Whether times, and who answered, are recorded of enough calls for anything to be said.
    timed_share, answered_share
        At least this share of the calls have what the minutes, and the shares, rest on.
    """

    zones: pd.DataFrame
    district_response_min: float = float("nan")
    own_share: float = float("nan")
    other_share: float = float("nan")
    patrol_share: float = float("nan")
    officers_share: float = float("nan")
    step_min: float = float("nan")
    step_share: float = float("nan")
    has_calls: bool = True
    is_timed: bool = False
    is_answered: bool = False
    timed_share: float = float("nan")
    answered_share: float = float("nan")


@dataclass(frozen=True, eq=False)
class BoardDetail:
    """The finest table that says something, as the adviser chose it.

    Parameters
    ----------
    dims
        Its two or more dimensions, such as ``("zone", "level")``.
    period
        The term, school year or span that it covers, in words.
    table
        From `SafeTable.table`: the dimensions, `cell`, `count`, `is_withheld`.
    withheld_share
        Share of it that is withheld.
    """

    dims: tuple[str, ...]
    period: str
    table: pd.DataFrame
    withheld_share: float


@dataclass(frozen=True, eq=False)
class BoardContent:
    """Everything the pages say.

    Tables of rates have, beside their dimensions, `cell` (the number of the figure in the release), `count` (Int64,
    missing where withheld) and `is_withheld` of all schools; and of the schools whose enrollment is known `rate_cell`,
    `rate_count`, `students` (Int64), `student_days`, `rate_per_1000`, `rate_low`, `rate_high` (Float64: incidents per
    1,000 student-days with an exact 95 % Poisson interval), missing where a figure that they need is withheld;
    `is_partial` where there are other schools, which the rate leaves out; and `rate_step` (Float64): such a rate is
    only told rounded to this step, without an interval, since the exact one would tell the count of the school left
    out.

    Parameters
    ----------
    district, term
        Names.
    terms
        Terms on record up to this one, in order.
    is_synthetic
        Whether the data are made up.
    release
        Number of the release; 0 for a draft.
    counts
        The counts that are published: of zone officers' work, dims `zone`, `level`, `category`, `origin`, `term`.
    students
        The students that are published, by `zone` and `level`.
    audit
        What can be worked out from the counts.
    zones, schools
        `zone_id`, `name`, polygons; and `school_id`, `name`, `level`, `zone_id`, points or missing; EPSG:4326.
    zone_rates, level_rates
        Rates of this term, by `zone` and by `level`.
    zone_trends, level_trends
        Rates by `zone` or `level`, and `term`.
    district_trends
        Rates by `term`.
    categories, origins
        Counts of this term by `category` and by `origin`: with `cell`, `count`, `is_withheld`.
    changes
        From an earlier term to this one: `by` (``zone``, ``level`` or ``district``), `group`, `before` and `after`
        (terms), `ratio`, `ratio_low`, `ratio_high`, `p_value`, `q_value`, `direction`, `is_more_than_chance`; missing
        where a figure is withheld.
    detail
        The finest table that says something; None where there is none finer than those above.
    boundary, places
        The backdrop, as far as there is one.
    plan, coverage
        As far as there are any.
    method
        Settings behind the numbers: name in the words of the pages → value as text.
    baseline
        The earlier term of `changes`: ``year_before`` (the same term a year earlier), ``term_before``, or empty.
    in_no_zone
        Program schools in no zone: they and their calls are in none of the figures.
    withholds_single_schools
        Whether figures that are one school's alone are withheld, as they are unless the settings allow them.
    """

    district: str
    term: str
    terms: Sequence[str]
    is_synthetic: bool
    release: int
    counts: SafeTable
    students: SafeTable
    audit: AuditReport
    zones: gpd.GeoDataFrame
    schools: gpd.GeoDataFrame
    zone_rates: pd.DataFrame
    level_rates: pd.DataFrame
    zone_trends: pd.DataFrame
    level_trends: pd.DataFrame
    district_trends: pd.DataFrame
    categories: pd.DataFrame
    origins: pd.DataFrame
    changes: pd.DataFrame
    detail: BoardDetail | None = None
    boundary: gpd.GeoDataFrame | None = None
    places: gpd.GeoDataFrame | None = None
    plan: BoardPlan | None = None
    coverage: BoardCoverage | None = None
    method: Mapping[str, str] = field(default_factory=dict)
    baseline: str = ""
    in_no_zone: int = 0
    withholds_single_schools: bool = True

    def __post_init__(self) -> None:
        """Refuse anything but protected tables, and a release that its own audit does not pass, by the rule as well."""
        require_safe(self.counts)
        require_safe(self.students)
        if not isinstance(self.audit, AuditReport) or self.audit.table is not self.counts:
            raise DisclosureError(
                "The audit is not that of the counts that are to be published.",
                expected="audit(counts, knows_rule=True)",
                remedy="Audit the table that the pages show.",
            )
        if not self.audit.knows_rule:
            raise DisclosureError(
                "The audit leaves out what the rule itself tells.",
                found="audit(counts)",
                expected="audit(counts, knows_rule=True)",
                remedy="Audit with `knows_rule=True`, and protect so.",
            )
        self.audit.require_safe()
