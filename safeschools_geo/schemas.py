"""The words and tables of the product: every column's type, unit and meaning, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CRITICAL_CATEGORIES: dict[str, str] = {
    "assault_battery": "Assault and battery",
    "weapons": "Weapons",
    "intruder": "Intruder",
    "gang_activity": "Gang activity",
    "alcohol_drugs": "Alcohol or controlled substances",
    "assessment_5150": "5150 (mental-health) assessment",
    "threat_assessment": "Threat assessment",
    "welfare_check": "Safety and welfare check",
}
"""The eight categories that the program answers, with their names in print."""

SPECIALIST_CATEGORY = "threat_assessment"
"""The category that the specialist answers, in the whole district."""

OFFICER_CATEGORIES: dict[str, str] = {k: v for k, v in CRITICAL_CATEGORIES.items() if k != SPECIALIST_CATEGORY}
"""The categories that zone officers answer."""

NON_CRITICAL = "non_critical"
CATEGORIES: dict[str, str] = {**CRITICAL_CATEGORIES, NON_CRITICAL: "Not program work"}
LEVELS: dict[str, str] = {
    "elementary": "Elementary",
    "middle": "Middle",
    "high": "High",
    "k8": "K-8",
    "other": "Other",
}
ORIGINS: dict[str, str] = {"reported": "Reported to the program", "officer_initiated": "Started by an officer"}
RESPONDERS: dict[str, str] = {
    "zone_officer": "The zone's officer",
    "backup_officer": "Another zone's officer",
    "patrol": "Sheriff's patrol",
    "specialist": "Threat-assessment specialist",
}
STATUSES: dict[str, str] = {
    "inside": "inside one zone",
    "boundary": "within 0.5 m of an edge that two zones share",
    "overlap": "inside two zones or more",
    "nearest": "outside every zone, within the snapping distance of the one named",
    "outside": "outside every zone",
    "no_location": "without usable coordinates",
}
SCHOOL_MATCHES: dict[str, str] = {
    "given": "the export names the school's id",
    "exact_name": "the export's school name equals the school's",
    "fuzzy_name": "the export's school name resembles the school's, at or above the stated score",
    "exact_address": "the export's address equals the school's",
    "fuzzy_address": "the export's address has the school's house number and a like street, at or above the score",
    "nearest": "the nearest school within the stated distance of the incident",
}
WORK_REASONS: dict[str, str] = {
    "program_work": "critical, at a program school, on a school day, within program hours",
    "program_work_hour_unknown": "as program work, but the export gives no time of day",
    "threat_assessment": "a threat assessment: the specialist's caseload",
    "non_critical": "not one of the eight critical categories",
    "no_school": "not at a school",
    "school_not_in_program": "at a school outside the program",
    "not_a_school_day": "on a day school was not in session",
    "outside_hours": "outside program hours",
}
POPULATIONS: dict[str, str] = {
    "record": "incidents in the record",
    "critical": "critical incidents",
    "calls": "calls for zone officers",
    "reported": "reported calls for zone officers",
}
"""What is counted, and the only names that a count has: all records of a term; those of a critical category, wherever
they are; those that are the zone officer's program work, what officers started included; and those of them that were
reported."""
NO_RECORD = "There is no history of incidents: add exports of the dispatch system to have this."
"""What stands where figures of the record would: without one, a zero would be read as "nothing happened"."""
FEWEST_AS_BASE = 5
"""Fewest cases counted that something is given as a multiple or a percentage of, or a rate is estimated from."""
HOTSPOT_STATUSES: dict[str, str] = {
    "high": "clearly more reported calls for zone officers than schools like it or its own past lead to expect",
    "not_high": "not clearly more than chance",
    "rests_on_officer_initiated": "high only with what officers started themselves: says where officers looked",
    "insufficient_data": "not judged: too little to tell",
    "no_denominator": "not judged: the enrollment is unknown",
}
HIGH_AGAINST: dict[str, str] = {
    "level": "high against schools like it",
    "past": "high against its own past",
    "level_and_past": "high against schools like it and against its own past",
}
HOTSPOT_KINDS: dict[str, str] = {
    "school": "one school, for its enrollment and level or its own past",
    "schools": "neighboring schools together, for their enrollment and levels",
    "schools_in_time": "neighboring schools in some months of the term",
    "cell": "cells of a grid and their neighbors",
    "hours": "hours of the week, for the hours in session",
    "place": "a place off campus; descriptive, not a test",
}

DType = Literal["str", "Int64", "int64", "int32", "float64", "bool", "datetime64[tz]", "geometry"]


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    dtype: DType
    meaning: str
    unit: str | None = None
    is_required: bool = True
    is_nullable: bool = False
    is_unique: bool = False
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Table:
    """One table: its columns in the order they are written."""

    name: str
    meaning: str
    columns: tuple[Column, ...]
    is_confidential: bool = False

    @property
    def column_names(self) -> list[str]:
        """Column names, in order."""
        return [c.name for c in self.columns]

    def __getitem__(self, name: str) -> Column:
        """Return the column of that name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


_TIME: DType = "datetime64[tz]"


def _optional(
    name: str, dtype: DType, meaning: str, *, unit: str | None = None, values: tuple[str, ...] | None = None
) -> Column:
    return Column(name, dtype, meaning, unit=unit, is_required=False, is_nullable=True, values=values)


def _number(name: str, meaning: str, unit: str | None = None) -> Column:
    return Column(name, "float64", meaning, unit=unit, is_nullable=True)


SCHOOLS = Table(
    "schools",
    "The schools of the district, in the program or not.",
    (
        Column("school_id", "str", "Id of the school, as text (leading zeros kept).", is_unique=True),
        Column("name", "str", "Name of the school."),
        Column("level", "str", "Level of the school.", values=tuple(LEVELS)),
        Column("enrollment", "Int64", "Students enrolled; missing where unknown.", unit="students", is_nullable=True),
        Column("district", "str", "School district the school belongs to.", is_nullable=True),
        Column("in_program", "bool", "Whether the program serves the school."),
        Column("geometry", "geometry", "Point, or the campus as a polygon, EPSG:4326.", is_nullable=True),
    ),
)

ZONES = Table(
    "zones",
    "The patrol zones; pieces that share a zone_id are one zone.",
    (
        Column("zone_id", "str", "Id of the zone, as text.", is_unique=True),
        Column("name", "str", "Name of the zone."),
        _optional("officer", "str", "Post or call sign of the zone's officer, never a person's name."),
        _optional("team", "str", "Team: the zones under one field team leader."),
        Column("geometry", "geometry", "Polygon or MultiPolygon, EPSG:4326."),
    ),
)

INCIDENTS = Table(
    "incidents",
    "One row for each incident of the whole history.",
    (
        Column("incident_id", "str", "Id of the incident, as text.", is_unique=True),
        Column("occurred_at", _TIME, "When it happened, or began; local midnight when only the date is known."),
        _optional("occurred_to", _TIME, "When it had ended at the latest."),
        Column("has_time", "bool", "False where the export gives a date without a time of day."),
        Column("category", "str", "One of the eight critical categories, or non_critical.", values=tuple(CATEGORIES)),
        Column("origin", "str", "Whether it was reported or started by an officer.", values=tuple(ORIGINS)),
        Column("school_id", "str", "School it happened at, if any.", is_nullable=True),
        _optional("received_at", _TIME, "When the dispatcher received the call."),
        _optional("dispatched_at", _TIME, "When a responder was sent."),
        _optional("arrived_at", _TIME, "When the responder arrived."),
        _optional("cleared_at", _TIME, "When the responder was free again."),
        _optional("responder", "str", "Who came; of several, who came first.", values=tuple(RESPONDERS)),
        _optional("responders", "str", "All who came, by their first arrival, then as listed, joined by ';'."),
        Column("geometry", "geometry", "Point, EPSG:4326; missing where only the school is known.", is_nullable=True),
        Column("source_category", "str", "The category as the export has it.", is_nullable=True),
        _number("service_min", "Minutes on scene, where the crosswalk says.", "min"),
        Column("school_match", "str", "How the school was found.", is_nullable=True, values=tuple(SCHOOL_MATCHES)),
        _number("school_score", "Likeness of the names, 0 to 100, where matched by name."),
        _number("school_distance_m", "Distance to the school.", "m"),
        Column("source_file", "str", "File it was read from."),
        Column("row", "int64", "Row of that file; the first row under the header is 1."),
    ),
    is_confidential=True,
)

REJECTS = Table(
    "rejects",
    "Rows that were read and not kept, each with its reason.",
    (
        Column("source_file", "str", "File the row was read from."),
        Column("row", "int64", "Row of that file; the first row under the header is 1."),
        Column("id", "str", "Id of the row, where it has one.", is_nullable=True),
        Column("reason_code", "str", "Why it was not kept, as a word."),
        Column("reason", "str", "Why it was not kept, as a sentence, and how to fix it."),
        Column("row_as_read", "str", "The row as it was, as a JSON object."),
    ),
    is_confidential=True,
)

ASSIGNMENTS = Table(
    "assignments",
    "One row for each point given, in the order given.",
    (
        Column("zone_id", "str", "Zone of the point; empty if none."),
        Column("status", "str", "How it was decided.", values=tuple(STATUSES)),
        _number("distance_m", "0 inside a zone, else the distance to the nearest.", "m"),
        Column("candidates", "str", "Ids of the zones it could belong to, joined by ';'."),
    ),
)

WORKLOAD = Table(
    "workload",
    "Workload of each school in each term.",
    (
        Column("term", "str", "Term."),
        Column("school_id", "str", "School."),
        Column("zone_id", "str", "Zone of the school; empty if none."),
        Column("level", "str", "Level of the school.", values=tuple(LEVELS)),
        Column("enrollment", "Int64", "Students enrolled.", unit="students", is_nullable=True),
        _number("student_days", "Enrollment × school days.", "student-days"),
        Column("incidents", "int64", "Incidents that were the zone officer's work."),
        _number("rate_per_1000", "Incidents per 1,000 student-days."),
        Column("incident_h", "float64", "Hours on scene at incidents.", unit="officer-hours per school day"),
        Column("travel_h", "float64", "Hours of travel to incidents and visits.", unit="officer-hours per school day"),
        Column("visit_h", "float64", "Hours of routine visits.", unit="officer-hours per school day"),
        Column("workload_h", "float64", "Sum of the three.", unit="officer-hours per school day"),
    ),
)


_PER_1000 = f"{POPULATIONS['reported']} per 1,000 student-days"
SCHOOL_RATES = Table(
    "school_rates",
    "Each program school in one term: rate, what is ordinary, and whether it is high.",
    (
        Column("term", "str", "Term."),
        Column("school_id", "str", "School."),
        Column("name", "str", "Name of the school."),
        Column("level", "str", "Level of the school.", values=tuple(LEVELS)),
        Column("zone_id", "str", "Zone of the school; empty if none."),
        Column("enrollment", "Int64", "Students enrolled.", unit="students", is_nullable=True),
        _number("student_days", "Enrollment × school days.", "student-days"),
        Column("incidents", "int64", "Incidents that were the zone officer's work."),
        Column("reported", "int64", "Those that officers did not start themselves."),
        _number("officer_initiated_share", "Share of the incidents that officers started.", "0 to 1"),
        _number("rate_per_1000", "Rate.", _PER_1000),
        _number("rate_low_per_1000", "Lower end of its exact 95 % interval.", _PER_1000),
        _number("rate_high_per_1000", "Upper end.", _PER_1000),
        _number(
            "expected", "Reported calls at the ordinary rate of the level; missing where it has none.", "incidents"
        ),
        _number("ratio", "Reported over expected; missing where less than one call is expected (A68)."),
        _number(
            "predicted", "Reported calls that its own earlier terms predict; missing where it has none.", "incidents"
        ),
        _number(
            "p_value",
            "One-sided p-value, against its level and its own past: where both are tested, of both together.",
        ),
        _number("q_value", "The same after looking at all schools (Benjamini–Hochberg)."),
        _number("shrunken_per_1000", "Empirical-Bayes rate, for ranking.", _PER_1000),
        _number("shrunken_low_per_1000", "Lower end of its 95 % interval.", _PER_1000),
        _number("shrunken_high_per_1000", "Upper end.", _PER_1000),
        _number(
            "detectable_ratio",
            "Smallest ratio, to what its past predicts or else to what is expected, that would have been seen with a "
            "chance of 80 %.",
        ),
        Column("status", "str", "What the test says.", values=tuple(HOTSPOT_STATUSES)),
        Column("high_against", "str", "What a high school is high against; else empty.", values=("", *HIGH_AGAINST)),
        Column("not_judged", "str", "Why the school could not be judged; empty where it was."),
        Column("sentence", "str", "The same in one plain sentence."),
    ),
    is_confidential=True,
)

HOTSPOTS = Table(
    "hotspots",
    "Every hotspot of a term, of all kinds.",
    (
        Column("hotspot_id", "str", "Id within the term.", is_unique=True),
        Column("kind", "str", "What kind it is.", values=tuple(HOTSPOT_KINDS)),
        Column("term", "str", "Term."),
        Column("zone_id", "str", "Zone it lies in; several joined by ';'."),
        Column("members", "str", "Ids of the schools, or name of the place, cells or hours, joined by ';'."),
        Column("observed", "float64", "Incidents in it.", unit="incidents"),
        _number("expected", "Incidents expected in it.", "incidents"),
        _number("ratio", "Observed over expected."),
        _number("ratio_low", "Lower end of its 95 % interval, not adjusted for the search."),
        _number("ratio_high", "Upper end."),
        _number("rate_per_1000", "Rate.", "incidents per 1,000 student-days; of hours: per 1,000 school-hours"),
        _number("p_value", "One-sided p-value after looking everywhere; missing for schools and places."),
        _number("q_value", "q-value, where many tests were made."),
        _number("detectable_ratio", "Smallest ratio that could have been seen there."),
        _number("stability_share", "How far it stays under other windows, cells or distances.", "0 to 1"),
        _number("officer_initiated_share", "Share of its incidents that officers started.", "0 to 1"),
        Column("warning", "str", "What it may rest on; empty if nothing."),
        Column("sentence", "str", "The hotspot in one plain sentence."),
    ),
    is_confidential=True,
)

CROSSWALK = Table(
    "crosswalk",
    "From the categories of the source to ours.",
    (
        Column("source_value", "str", "Category as the export has it (case and spaces at the ends are ignored)."),
        Column("category", "str", "Our category.", values=tuple(CATEGORIES)),
        _optional("service_min", "float64", "Minutes on scene where no timestamps say.", unit="min"),
    ),
)

TABLES = (SCHOOLS, ZONES, INCIDENTS, CROSSWALK, ASSIGNMENTS, WORKLOAD, SCHOOL_RATES, HOTSPOTS, REJECTS)
