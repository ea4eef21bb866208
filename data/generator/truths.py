"""What is planted and what is spoilt, in numbers that tests and readers can look for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from data.generator.campuses import LARGE_FACTOR, LARGE_ZONE
from data.generator.chance import SEED
from data.generator.dirt import DESCRIPTIONS, FAULTS, PILE, REJECTED
from data.generator.history import (
    FALLING,
    HOTSPOT_FACTOR,
    HOTSPOT_FROM,
    OFFICER_FROM,
    OFFICER_SHARE,
    PER_STUDENT_DAY,
    RISING,
    SCHOOL_SHAPE,
    ZONE_FACTORS,
)
from data.generator.response import DIVERTED_SHARE, TRIP_FACTOR, TURNOUT_MIN, UNAVAILABLE_SHARE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.generator.calls import Call
    from data.generator.campuses import Roles, School

HEAVY_ZONE_SHARE = 1.6
"""Load of the zone with large schools over the mean of the zones, as `LARGE_FACTOR` was chosen to give."""


def truths(
    schools: Sequence[School], roles: Roles, terms: Sequence[str], files: Mapping[str, Sequence[Call]]
) -> dict[str, object]:
    """Say what is in the demo.

    Parameters
    ----------
    schools
        The schools.
    roles
        Schools that something is planted at.
    terms
        Names of the terms, in order.
    files
        Name of each export → its rows.

    Returns
    -------
    dict
        Content of ``truths.json``.
    """
    return {
        "is_synthetic": True,
        "seed": SEED,
        "schools": {
            "count": len(schools),
            "students": sum(s.students for s in schools if s.is_listed),
            "without_enrollment": [s.code for s in schools if not s.is_listed],
            "not_in_program": [s.code for s in schools if not s.in_program],
        },
        "model": {
            "description": "Expected incidents for a student and school day, by grade span, at an ordinary school. "
            "Every school has a gamma factor of mean 1 and this shape, but for those that something is planted at; "
            "every zone has a factor; numbers are drawn from a Poisson distribution.",
            "incidents_per_student_day": PER_STUDENT_DAY,
            "school_gamma_shape": SCHOOL_SHAPE,
            "zone_factors": ZONE_FACTORS,
        },
        "planted": _planted(roles, terms),
        "faults": FAULTS,
        "fault_descriptions": DESCRIPTIONS,
        "files": {name: _outcome(calls) for name, calls in files.items()},
    }


def _planted(roles: Roles, terms: Sequence[str]) -> dict[str, object]:
    return {
        "hotspot": {
            "description": "Three neighboring schools have this many times the reported incidents expected of them.",
            "zone": "4",
            "schools": list(roles.hotspot),
            "terms": list(terms[HOTSPOT_FROM:]),
            "times_expected": HOTSPOT_FACTOR,
        },
        "heavy_zone": {
            "description": "One zone carries this many times the mean workload, in every term: its schools are large; "
            "for each student little more happens there than elsewhere.",
            "zone": LARGE_ZONE,
            "share_of_mean": HEAVY_ZONE_SHARE,
            "student_factor": LARGE_FACTOR,
        },
        "officer_initiated": {
            "description": "Since an officer was posted here, officers start this share of the incidents; what is "
            "reported is ordinary.",
            "school": roles.officer_initiated,
            "terms": list(terms[OFFICER_FROM:]),
            "share": round(OFFICER_SHARE, 4),
        },
        "rising": {
            "description": "The expected number grows by these factors.",
            "school": roles.rising,
            "factors": dict(zip(terms, RISING, strict=True)),
        },
        "falling": {
            "description": "The expected number shrinks by these factors.",
            "school": roles.falling,
            "factors": dict(zip(terms, FALLING, strict=True)),
        },
        "lunch_peak": {
            "description": "Incidents of this category are most frequent in this hour.",
            "category": "assault_battery",
            "hour": 12,
        },
        "dispatch": {
            "description": "Who is free comes to calls for zone officers. Mean minutes of a trip are a turnout and a "
            "factor times the quickest way from one of the schools of the officer’s zone; some calls are sent to "
            "patrol whoever is free; at some the zone’s officer is on no call and cannot come.",
            "turnout_min": TURNOUT_MIN,
            "trip_factor": TRIP_FACTOR,
            "diverted_share": DIVERTED_SHARE,
            "unavailable_share": UNAVAILABLE_SHARE,
        },
        "pile_up": {
            "description": "So many incidents stand at this point, which is no school.",
            "x": PILE[0],
            "y": PILE[1],
            "incidents": FAULTS["pile_up"],
        },
    }


def _outcome(calls: Sequence[Call]) -> dict[str, object]:
    kinds = Counter(call.kind for call in calls if call.kind)
    rejected = Counter(REJECTED[call.kind] for call in calls if call.kind in REJECTED)
    return {
        "rows": len(calls),
        "kept": len(calls) - rejected.total(),
        "rejected": dict(sorted(rejected.items())),
        "faults": dict(sorted(kinds.items())),
    }
