"""What the columns of a file mean, from their names and their content, each guess with its evidence."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyproj
import shapely
from pyproj.aoi import AreaOfInterest
from pyproj.database import query_crs_info
from pyproj.enums import PJType

from safeschools_geo import io
from safeschools_geo.crs import LARGEST_FEET, STORAGE_CRS
from safeschools_geo.district._crosswalk import SEPARATOR, suggest_categories
from safeschools_geo.district._school_match import alike_ids, plain_address, plain_name
from safeschools_geo.errors import count_text, name_ids
from safeschools_geo.findings import TRUTHS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import geopandas as gpd

    Box = tuple[float, float, float, float]

_SAMPLE = 2_000
_MOST, _HALF = 0.9, 0.5
_DEGREES = 180.0


@dataclass(frozen=True)
class Guess:
    """One line of ``district.toml`` that is proposed."""

    # Where it stands, for example ``incidents.columns`` and ``x``
    table: str
    key: str
    value: Any  # What it is set to
    evidence: str  # Why, in a few words


@dataclass(frozen=True)
class Question:
    """What the files cannot say and a person has to."""

    text: str  # The question, with what was seen
    setting: str  # The line that answers it


@dataclass
class Proposal:
    """What was found out about a district's files."""

    guesses: list[Guess] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def add(self, table: str, key: str, value: object, evidence: str) -> None:
        """Propose a line."""
        self.guesses.append(Guess(table, key, value, evidence))

    def ask(self, text: str, setting: str) -> None:
        """Leave a question to a person."""
        self.questions.append(Question(text, setting))

    def forget(self, section: str) -> None:
        """Take back what is proposed and asked about a section."""
        self.guesses = [one for one in self.guesses if one.table.partition(".")[0] != section]
        self.questions = [one for one in self.questions if not one.setting.startswith(f"[{section}]")]

    def value(self, table: str, key: str) -> Any:  # noqa: ANN401 - of any setting
        """Return what is proposed for a setting."""
        return next((g.value for g in self.guesses if (g.table, g.key) == (table, key)), None)


class Column:
    """A column of a file, and what its cells look like."""

    def __init__(self, cells: pd.Series) -> None:
        self.cells = cells
        self.name = str(cells.name)
        self.key = re.sub(r"[^a-z0-9]", "", self.name.casefold())

    @cached_property
    def text(self) -> pd.Series:
        """The cells that hold something, as text."""
        text = io.as_text(self.cells)
        return text[text.notna() & (text != "") & ~io.says_nothing(text)]

    @cached_property
    def numbers(self) -> pd.Series:
        """The cells as numbers; missing where they are none."""
        if pd.api.types.is_numeric_dtype(self.cells.dtype):
            return self.cells.dropna().astype("float64")
        return pd.to_numeric(self.text.str.replace(r"(?<=\d),(?=\d{3})", "", regex=True), errors="coerce")

    @cached_property
    def filled(self) -> float:
        """Share of the cells that hold something."""
        return len(self.text) / len(self.cells) if len(self.cells) else 0.0

    @cached_property
    def distinct(self) -> int:
        """Number of different values."""
        return int(self.text.nunique())

    def share(self, is_so: pd.Series) -> float:
        """Share of the cells that hold something for which this holds."""
        return float(is_so.sum()) / len(self.text) if len(self.text) else 0.0

    def number_share(self, low: float, high: float) -> float:
        """Share of the cells that are numbers in a range."""
        return self.share(self.numbers.between(low, high))


def columns_of(raw: io.RawTable) -> list[Column]:
    """List the columns of a file that hold anything."""
    found = [Column(raw.frame[name]) for name in raw.frame.columns]
    return [column for column in found if len(column.text)]


# ── What columns are usually called


@cache
def _usual_names() -> dict[str, list[str]]:
    """Read what columns are usually called: our name → theirs, the surest first, without case and punctuation."""
    with (resources.files("safeschools_geo") / "dictionary" / "columns.csv").open(encoding="utf-8") as file:
        return {str(ours): str(theirs).split() for ours, theirs in pd.read_csv(file).itertuples(index=False)}


def _name_rank(column: Column, ours: str) -> float:
    """Say how well a name fits one of ours: 1 for our own or the surest, less for the rarer, 0 for none."""
    names = _usual_names()[ours]
    if column.key == ours.replace("_", ""):
        return 1.0
    if column.key in names:
        return 0.98 - 0.5 * names.index(column.key) / len(names)
    # A longer name that holds a sure one, such as "CAD_Call_Type_Desc"; short words are in everything.
    held = [n for n, name in enumerate(names[: max(3, len(names) // 2)]) if len(name) >= 5 and name in column.key]  # noqa: PLR2004
    return 0.45 - 0.3 * held[0] / len(names) if held else 0.0


class _Look:
    """One file that is looked into: its columns, those that are spoken for, and where the lines go."""

    def __init__(self, raw: io.RawTable, section: str, proposal: Proposal) -> None:
        self.raw, self.section, self.proposal = raw, section, proposal
        self.columns = columns_of(raw)
        self.taken: set[str] = set()

    @property
    def free(self) -> list[Column]:
        """The columns that nothing has been read from yet."""
        return [column for column in self.columns if column.name not in self.taken]

    def best(self, ours: str, fits: Callable[[Column], float]) -> tuple[Column, float] | None:
        """Find the column whose name fits one of ours best, among those whose content does."""
        named = [(rank, column) for column in self.free if (rank := _name_rank(column, ours))]
        # Our own name says enough for a column of which some cells are no such thing.
        ranked = [
            (rank, fit, column)
            for rank, column in named
            if (fit := fits(column)) >= (_HALF if column.key == ours.replace("_", "") else _MOST)
        ]
        if not ranked:
            return None
        _, fit, column = max(ranked, key=lambda one: one[:2])
        return column, fit

    def take(self, ours: str, fits: Callable[[Column], float], what: str, *, is_needed: bool = False) -> None:
        """Propose the column for one of ours, if there is one; ask for one that is needed."""
        if found := self.best(ours, fits):
            column, fit = found
            self.set(ours, column.name, f"by its name; {_percent(fit)} {what}, such as {column.text.iloc[0]!r}")
        elif is_needed:
            called = [
                f" {c.name} is called so, but {_percent(fits(c))} {what}, such as {c.text.iloc[0]!r}."
                for c in self.free
                if _name_rank(c, ours) >= _HALF
            ]
            self.ask_which(ours, "".join(called[:1]))

    def set(self, ours: str, value: str | list[str], evidence: str) -> None:
        """Propose the columns for one of ours."""
        self.proposal.add(f"{self.section}.columns", ours, value, evidence)
        self.taken |= {value} if isinstance(value, str) else set(value)

    def ask_which(self, ours: str, why: str = "") -> None:
        """Leave it to a person which column is one of ours."""
        there = ", ".join(column.name for column in self.columns)
        self.proposal.ask(
            f"Which column of [{self.section}] is {ours}? There are {there}.{why}",
            f'[{self.section}.columns] {ours} = "…"',
        )


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share in (0, 1) or 0.01 <= share <= 0.99 else f"{100 * share:.1f} %"  # noqa: PLR2004


# ── Places: longitude and latitude, or meters or feet of a system that is found by laying the points on the schools

_PLACE_TEXT = r"(?i)\s*(srid=\d+;)?\s*(point|polygon|multi)|\s*\(?-?\d+[.\d]*\s*,\s*-?\d+[.\d]*\)?\s*$"
_STATED = r"(?i)\s*srid=\d+;"


def _propose_places(look: _Look, near: Sequence[Box]) -> None:
    """Propose where the coordinates stand and in which system they are, from where they are expected."""
    if look.raw.geometry is not None:
        if look.raw.geometry.crs is None:
            _propose_crs(look, look.raw.geometry.to_numpy(), near, "the geometry")
        return
    pair = _pair(look, near)
    if pair is None:
        if found := look.best("wkt", lambda c: c.share(c.text.str.match(_PLACE_TEXT))):
            column, share = found
            look.set("wkt", column.name, f"{_percent(share)} are places such as {column.text.iloc[0][:40]!r}")
            shapes = shapely.from_wkt(column.text.to_numpy(dtype="object"), on_invalid="ignore")
            if shapely.is_missing(shapes).any() and not column.text.str.match(_STATED).any():
                look.proposal.add(look.section, "crs", "EPSG:4326", "degrees of longitude and latitude")
            elif not column.text.str.match(_STATED).any():
                _propose_crs(look, shapes, near, column.name)
        return
    x, y = pair
    is_degrees = x.number_share(-_DEGREES, _DEGREES) >= _MOST
    for ours, column, word in (("x", x, "longitude"), ("y", y, "latitude")):
        step = 0.1 if is_degrees else 1000.0
        low, high = np.nanquantile(column.numbers, [0.005, 0.995])
        low, high = np.floor(low / step) * step, np.ceil(high / step) * step
        what = word if is_degrees else ("easting" if ours == "x" else "northing")
        decimals = 1 if is_degrees else 0
        span = f"{low:,.{decimals}f}…{high:,.{decimals}f}".replace("-", "−")
        look.set(ours, column.name, f"{_percent(column.number_share(low, high))} in {span}: {what}")
    if is_degrees:
        look.proposal.add(look.section, "crs", "EPSG:4326", "degrees of longitude and latitude")
    else:
        both = x.numbers.index.intersection(y.numbers.index)
        points = shapely.points(x.numbers[both].to_numpy(), y.numbers[both].to_numpy())
        _propose_crs(look, points, near, f"{x.name} and {y.name}")


def _pair(look: _Look, near: Sequence[Box]) -> tuple[Column, Column] | None:
    """Find the two columns of coordinates: by their names, and which is which by their content."""
    x, y = (look.best(ours, lambda c: c.share(io.coordinate_numbers(c.cells)[0].notna())) for ours in ("x", "y"))
    if x is None or y is None or x[0].name == y[0].name:
        return None
    east, north = (Column(numbers) for numbers in io.coordinate_numbers(x[0].cells, y[0].cells))
    box = _union(near)
    if box is not None and east.number_share(-_DEGREES, _DEGREES) >= _MOST:
        as_said = east.number_share(box[0] - 1, box[2] + 1) + north.number_share(box[1] - 1, box[3] + 1)
        swapped = north.number_share(box[0] - 1, box[2] + 1) + east.number_share(box[1] - 1, box[3] + 1)
        return (north, east) if swapped > as_said else (east, north)
    if east.number_share(-90, 90) >= _MOST and north.number_share(-_DEGREES, -90) >= _MOST:
        return north, east
    return east, north


def _union(boxes: Sequence[Box]) -> Box | None:
    if not boxes:
        return None
    table = np.array(boxes)
    west, south = table[:, :2].min(axis=0).tolist()
    east, north = table[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def _propose_crs(look: _Look, shapes: Any, near: Sequence[Box], what: str) -> None:  # noqa: ANN401 - shapely's arrays
    """Propose the system in which most of the points fall where the schools are."""
    bounds = shapely.bounds(shapes)
    middles = np.column_stack([bounds[:, [0, 2]].mean(axis=1), bounds[:, [1, 3]].mean(axis=1)])
    middles = middles[np.isfinite(middles).all(axis=1)]
    section, setting = look.section, f'[{look.section}] crs = "EPSG:…"'
    if len(middles) and np.abs(middles).max() <= _DEGREES:
        look.proposal.add(section, "crs", "EPSG:4326", "degrees of longitude and latitude; the file states no system")
        return
    box = _union(near)
    if len(middles) and np.abs(middles[:, 0]).min() > LARGEST_FEET:
        look.proposal.ask(
            f"What are the coordinates of [{section}]? Numbers such as {middles[0, 0]:.0f} are nowhere on the globe, "
            "in degrees, meters or feet; if they are degrees without their decimal point, export them with it.",
            setting,
        )
        return
    if box is None or not len(middles):
        look.proposal.ask(f"In which coordinate system is {what} of [{section}]? The file does not say.", setting)
        return
    sample = middles[np.linspace(0, len(middles) - 1, min(len(middles), _SAMPLE // 10)).astype(int)]
    systems = _systems(box)
    shares = [_inside(sample, code, box) for code, _ in systems]
    best = int(np.argmax(shares)) if shares else 0
    if not shares or shares[best] < _HALF:
        look.proposal.ask(
            f"In which coordinate system is {what} of [{section}]? In none of the {len(shares)} usual here do "
            "most of the points fall on the schools.",
            setting,
        )
        return
    code, name = systems[best]
    look.proposal.add(
        section, "crs", code, f"{name}: {_percent(shares[best])} of the points fall where the schools are"
    )


def _inside(points: np.ndarray, code: str, box: Box) -> float:
    try:
        lon, lat = _transformer(code).transform(points[:, 0], points[:, 1])
    except pyproj.exceptions.ProjError:
        return 0.0
    margin = 0.05
    inside = (lon >= box[0] - margin) & (lon <= box[2] + margin) & (lat >= box[1] - margin) & (lat <= box[3] + margin)
    return float(np.mean(inside))


@cache
def _transformer(code: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(code, STORAGE_CRS, always_xy=True)


_USUAL_SYSTEMS = (
    *(r"^WGS 84 / UTM", r"^NAD83 / UTM", r"^NAD83 / .*\(ftUS\)$", r"^NAD83 / "),
    *(r"^WGS 84 / Pseudo-Mercator", r"^NAD27 / ", r"^NAD83\(2011\) / "),
)


@lru_cache(maxsize=4)
def _systems(box: Box) -> list[tuple[str, str]]:
    """List the projected systems in use around a place, the usual ones first: UTM, State Plane, Web Mercator."""
    area = AreaOfInterest(*box)
    found = query_crs_info("EPSG", pj_types=PJType.PROJECTED_CRS, area_of_interest=area, contains=True)

    def rank(name: str) -> int:
        return next((n for n, pattern in enumerate(_USUAL_SYSTEMS) if re.search(pattern, name)), len(_USUAL_SYSTEMS))

    chosen = [(f"{one.auth_name}:{one.code}", one.name) for one in found if rank(one.name) < len(_USUAL_SYSTEMS)]
    return sorted(chosen, key=lambda one: (rank(one[1]), one[1]))


# ── Schools and zones

_GRADES_AS_DATE = r"(?i)\d{1,2}-[a-z]{3}|[a-z]{3}-\d{1,2}|\d{4}-\d{2}-\d{2}.*"
_GRADE = {"pk": -1, "p": -1, "tk": 0, "k": 0, "kg": 0}
_LEVEL_WORDS = (
    ("k8", r"\bk ?-? ?8\b|elem\w*[ -/]*(and|to)?[ -/]*(middle|high)|combination"),
    ("elementary", r"elem|primary|\bes\b|\belm\b|grammar"),
    ("middle", r"middle|\bms\b|junior|\bjr\b|intermed"),
    ("high", r"high|\bhs\b|senior|secondary"),
    ("other", r"adult|alternative|continuation|special|charter|pre-?school|infant|court|community|ungraded|\bps\b"),
)


def level_of(value: str) -> str:
    """Say which of our levels a value such as ``K-6``, ``Elementary`` or ``9-12`` means; empty if none."""
    text = value.casefold().strip()
    if grades := re.fullmatch(r"(?:grades? *)?(pk|p|tk|k|kg|\d{1,2})\s*(?:-|–|to|thru|through)\s*(k|\d{1,2})", text):
        low, high = (_GRADE.get(grade, int(grade) if grade.isdigit() else 0) for grade in grades.groups())
        if high <= 6:  # noqa: PLR2004 - grades
            return "elementary"
        if low <= 4 and high <= 9:  # noqa: PLR2004
            return "k8"
        if low >= 5 and high <= 9:  # noqa: PLR2004
            return "middle"
        return "high" if low >= 6 else "other"  # noqa: PLR2004
    return next((level for level, words in _LEVEL_WORDS if re.search(words, text)), "")


def propose_schools(raw: io.RawTable, proposal: Proposal, near: Sequence[Box] = ()) -> None:
    """Propose how the file of schools is read."""
    look = _Look(raw, "schools", proposal)
    look.take("school_id", lambda c: c.distinct / len(raw.frame), "different in every row", is_needed=True)
    look.take("name", lambda c: c.share(c.text.str.contains(r"[A-Za-z]{3}")), "names", is_needed=True)
    if found := look.best("level", lambda c: c.share(c.text.map(level_of) != "")):
        column, share = found
        look.set("level", column.name, f"{_percent(share)} are levels or grades")
        for value, number in column.text.value_counts().items():
            if (level := level_of(str(value))) and str(value) != level:
                proposal.add("schools.levels", str(value), level, count_text(int(number), "school"))
        _ask_about_levels(column, proposal)
    else:
        proposal.add("schools", "default_level", "other", "no column of levels was found")
        look.ask_which("level")
    look.take("enrollment", lambda c: c.number_share(0, 20_000), "numbers of students")
    look.take("in_program", lambda c: c.share(c.text.str.casefold().isin(set(TRUTHS))), "yes or no")
    look.take("address", lambda c: c.share(c.text.str.contains(r"\d")), "addresses")
    _propose_places(look, near)
    _propose_open_schools(look)


def _ask_about_levels(column: Column, proposal: Proposal) -> None:
    counts = column.text.value_counts()
    unknown = [f"{value} ({number:,})" for value, number in counts.items() if not level_of(str(value))]
    if not unknown:
        return
    hint = (
        " Spreadsheets make dates of grades: of 9-12 12-Sep, of 6-8 8-Jun."
        if column.text.str.fullmatch(_GRADES_AS_DATE).any()
        else ""
    )
    text = f"Which levels do these words of {column.name} mean: {name_ids(unknown)}?{hint}"
    proposal.ask(text, '[schools.levels] "…" = "elementary", "middle", "high", "k8" or "other"')


def _propose_open_schools(look: _Look) -> None:
    """Leave out schools that a column of the directory says are closed."""
    for column in look.free:
        is_open = column.text.str.fullmatch(r"(?i)active|open|operating|currently operational")
        if column.distinct > 1 and is_open.any() and re.search(r"status", column.key):
            word = str(column.text[is_open].value_counts().index[0])
            others = ", ".join(sorted(set(column.text[~is_open]))[:5])
            evidence = f"{is_open.sum():,} of {len(column.text):,} rows; the others say {others}"
            look.proposal.add("schools.keep", column.name, word, evidence)
            return


def propose_zones(raw: io.RawTable, proposal: Proposal, near: Sequence[Box] = ()) -> None:
    """Propose how the layer of zones is read."""
    look = _Look(raw, "zones", proposal)
    look.take("zone_id", lambda c: c.filled, "filled in", is_needed=True)
    for ours in ("name", "officer", "team"):
        look.take(ours, lambda c: c.filled, "filled in")
    _propose_places(look, near)


def propose_layer(raw: io.RawTable, section: str, proposal: Proposal, near: Sequence[Box] = ()) -> None:
    """Propose how another layer, the boundary or the roads, is read."""
    look = _Look(raw, section, proposal)
    for ours, fits in {
        "name": lambda c: c.filled,
        "speed_kph": lambda c: c.number_share(1, 200),
        "minutes": lambda c: c.number_share(0, 600),
    }.items():
        if section == "roads":
            look.take(ours, fits, "filled in")
    _propose_places(look, near)


def propose_enrollment(raw: io.RawTable, proposal: Proposal, school_ids: pd.Series) -> None:
    """Propose how a file of enrollments is joined: by the column, or the padded parts, that make the schools' ids."""
    look = _Look(raw, "schools.enrollment_file", proposal)
    known = set(io.id_key(school_ids))

    def found(ids: pd.Series) -> int:
        return len(known & set(io.id_key(ids.dropna())))

    keys = [(found(c.text), [c.name]) for c in look.columns if c.distinct > 1]
    parts = [c for part in ("county", "district", "school") for c in look.columns if c.key == f"{part}code"]
    if len(parts) == len(_CDS_DIGITS):
        county, district, school = (c.text.str.zfill(width) for c, width in zip(parts, _CDS_DIGITS, strict=True))
        names = [f"{c.name}:{width}" for c, width in zip(parts, _CDS_DIGITS, strict=True)]
        keys.append((found(county + district + school), names))
    number, key = max(keys, key=lambda one: one[0], default=(0, []))
    count = look.best("enrollment", lambda c: c.number_share(0, 1e9))
    if not number or count is None:
        question = "Which columns of the file of enrollments hold the schools' ids and the students?"
        proposal.ask(question, "[schools.enrollment_file] key and value")
        return
    proposal.add(look.section, "key", key, f"{count_text(number, 'school', of=len(known))} are in it")
    proposal.add(look.section, "value", count[0].name, "by its name; numbers of students")


_CDS_DIGITS = (2, 5, 7)
"""Digits of the county, the district and the school in a California CDS code."""


# ── Incidents

_CLOCK = r"\s*([01]?\d|2[0-4]):?[0-5]\d(:[0-5]\d(\.\d+)?)?\s*([ap]\.?m\.?|h(ou)?rs?)?\s*"
_TIMES = ("occurred_at", "received_at", "dispatched_at", "arrived_at", "cleared_at")


def propose_incidents(
    raw: io.RawTable, proposal: Proposal, *, schools: gpd.GeoDataFrame | None, time_zone: str
) -> None:
    """Propose how an export of the dispatch system is read; schools, where there are some, help to know it."""
    look = _Look(raw, "incidents", proposal)
    _propose_places(look, [] if schools is None else [box_of(schools)])
    _propose_times(look, time_zone)
    look.take("incident_id", lambda c: c.filled * (c.distinct > len(c.text) / 10), "filled in")
    _propose_rows(look)
    if schools is not None:
        _propose_schools_named(look, schools)
    look.take("address", lambda c: c.share(c.text.map(plain_address) != ""), "house numbers and streets")
    _propose_category(look)
    _propose_words(look)
    _ask_about_outcomes(look)
    has_place = any(
        proposal.value("incidents.columns", key) for key in ("x", "wkt", "school_id", "school_name", "address")
    )
    if not has_place and raw.geometry is None:
        proposal.ask(
            "Where did the calls happen? The export has no coordinates, and no column that names schools"
            + _holding_names(look, schools),
            "[incidents.columns] x and y, or school_id, or school_name",
        )


def _holding_names(look: _Look, schools: gpd.GeoDataFrame | None) -> str:
    """Say in which column schools are named among other words, which tell where a call was no better than a guess."""
    names = [] if schools is None else [f" {plain_name(name)} " for name in schools["name"].dropna()]
    for column in look.free:
        texts = column.text.head(_SAMPLE).map(lambda text: f" {plain_name(text)} ")
        share = float(texts.map(lambda text: any(name in text for name in names)).mean())
        if share >= _HALF:
            return (
                f" by themselves. {_percent(share)} of {column.name} hold a school's name among other words, such as "
                f"{column.text.iloc[0]!r}: export the school, or coordinates, in a column of its own."
            )
    return "."


_OUTCOME = r"disp|outcome|status|result|closecode|clearcode|clearance"
_NO_CALL = r"(?i)\s*(?:can|cncl?d?|cancel\w*|dup|duplicates?|tests?|void\w*|disregard\w*|error|entered in error)\b"


def _ask_about_outcomes(look: _Look) -> None:
    """Ask whether calls count that were canceled, entered twice, or a test, where a column says so."""
    for column in look.free:
        if not re.search(_OUTCOME, column.key) or column.distinct > _MOST_OUTCOMES:
            continue
        counts = column.text[column.text.str.match(_NO_CALL)].value_counts()
        if len(counts):
            listed = ", ".join(f"{word} ({number:,})" for word, number in counts.head(5).items())
            look.proposal.ask(
                f"Do calls count whose {column.name} is {listed}? As proposed, all do.",
                f'[incidents] keep = {{ "{column.name}" = [the values that count] }}',
            )


_MOST_OUTCOMES = 60
_WORDS = {
    "origin": {
        "officer_initiated": r"on[- ]?view|self|officer|deputy|unit|field|proactive|patrol|traffic stop",
        "reported": r"phone|911|call|radio|dispatch|walk|counter|public|school|report|alarm|web|text|email|other",
    },
    "responder": {
        "zone_officer": r"zone|\bsso\b|school (officer|resource)|\bsro\b",
        "backup_officer": r"back ?up|cover|assist",
        "specialist": r"special|threat|clinician|counsel",
        "patrol": r"patrol|sheriff|deputy|pd\b|police",
    },
}
"""Our words, and what those of a source are likely to hold that mean them."""


def _propose_words(look: _Look) -> None:
    """Propose who started a call and who came, where every word of the column can be reported."""
    for ours, patterns in _WORDS.items():
        found = look.best(ours, lambda c: float(c.distinct <= 30))  # noqa: PLR2004 - words, not names
        if found is None:
            continue
        column = found[0]
        counts = column.text.value_counts()
        matched = {
            str(word): next(
                (mine for mine, pattern in patterns.items() if re.search(pattern, str(word).casefold())), ""
            )
            for word in counts.index
        }
        listed = ", ".join(f"{word} ({number:,})" for word, number in counts.head(10).items())
        if all(matched.values()):
            look.set(ours, column.name, f"by its name; it holds {listed}")
            for word, mine in matched.items():
                if word != mine:
                    look.proposal.add(f"incidents.{ours}s", word, mine, f"{counts[word]:,} calls")
        else:
            table = f"[incidents.{ours}s]"
            what = "who started a call" if ours == "origin" else "who came"
            look.proposal.ask(
                f"{column.name} may say {what}. What do its words mean: {listed}?",
                f'[incidents.columns] {ours} = "{column.name}", and {table}',
            )


def box_of(places: gpd.GeoDataFrame) -> Box:
    """Return the box around places: west, south, east, north."""
    west, south, east, north = places.total_bounds.tolist()
    return west, south, east, north


def _propose_rows(look: _Look) -> None:
    """See whether an id comes in several rows: one row a unit, or an offense."""
    name = look.proposal.value("incidents.columns", "incident_id")
    column = next((c for c in look.columns if c.name == name), None)
    repeated = 0 if column is None else len(column.text) - column.distinct
    if column is not None and repeated >= len(column.text) / 100:
        look.proposal.ask(
            f"{repeated:,} of {len(column.text):,} rows repeat an id in {column.name}. Is a row a call, a "
            "unit that was sent, or an offense?",
            '[incidents] rows = "incident", "unit" or "offense"',
        )


def _propose_schools_named(look: _Look, schools: gpd.GeoDataFrame) -> None:
    """Find the columns that hold ids or names of schools, by the schools themselves."""
    names = {plain_name(name) for name in schools["name"].dropna()}
    tests: dict[str, Callable[[Column], float]] = {
        "school_id": lambda c: c.share(alike_ids(c.text, schools["school_id"]).notna()),
        "school_name": lambda c: c.share(c.text.isin([t for t in c.text.unique() if plain_name(t) in names])),
    }
    for ours, fits in tests.items():
        rows = [(fits(c) * (_HALF + _name_rank(c, ours)), c) for c in look.free if c.distinct > 1]
        score, column = max(rows, key=lambda one: one[0], default=(0.0, None))
        # Calls that happened elsewhere name no school, so that few values need to be known.
        if column is not None and score >= 0.15:  # noqa: PLR2004
            what = "ids" if ours == "school_id" else "names"
            look.set(ours, column.name, f"{_percent(fits(column))} of its values are {what} of schools")
        elif ours == "school_id" and (own := [c for c in look.free if c.key == "schoolid"]):
            look.proposal.ask(
                f"Which schools does {own[0].name} mean? None of its values, such as {own[0].text.iloc[0]!r}, is "
                f"the id of a school, such as {schools['school_id'].iloc[0]!r}.",
                '[incidents.columns] school_id = "…"; "" does without it',
            )


def _propose_category(look: _Look) -> None:
    """Find the column of categories, by its name and by how many calls its values are known of."""
    ranked = [
        (rank + 2 * _known_share(column.text), column)
        for column in look.free
        if (rank := _name_rank(column, "category")) and column.distinct <= max(500, len(column.text) / 10)
    ]
    if not ranked:
        look.ask_which("category")
        return
    ranked.sort(key=lambda one: -one[0])
    column = ranked[0][1]
    finer = [
        c for _, c in ranked[1:] if c.distinct > column.distinct and re.search(r"desc|detail|sub|second|nature", c.key)
    ]
    value: str | list[str] = column.name
    text = column.text
    if finer and column.distinct > 1:
        value = [column.name, finer[0].name]
        text = column.text + SEPARATOR + finer[0].text.reindex(column.text.index).fillna("")
    known = _percent(_known_share(text))
    look.set("category", value, f"{known} of the calls have a code or word that is known; see crosswalk.csv")


def _known_share(text: pd.Series) -> float:
    counts = text.value_counts().head(_SAMPLE)
    table = suggest_categories({str(value): int(number) for value, number in counts.items()})
    return float(table["incidents"][table["suggested"] != ""].sum() / max(len(text), 1))


# ── When: which columns are moments, whether dates and times of day stand apart, and what the clock is


def _propose_times(look: _Look, time_zone: str) -> None:
    found = {c.name: _moments(c, time_zone) for c in look.free if _may_be_time(c)}
    read = {name: parsed for name, parsed in found.items() if parsed is not None}
    clocks = [c for c in look.free if c.name not in read and c.share(c.text.str.fullmatch(_CLOCK, case=False)) >= _MOST]
    for ours in _TIMES:
        named = [(rank, c) for c in look.free if c.name in read and (rank := _name_rank(c, ours))]
        if not named and ours == "occurred_at":
            named = [(0.0, c) for c in look.free if c.name in read]
        if named:
            column = max(named, key=lambda one: one[0])[1]
            _propose_moments(look, ours, column, read[column.name], clocks=clocks, time_zone=time_zone)
        elif ours != "occurred_at":
            alone = [(rank, c) for c in clocks if c in look.free and (rank := _name_rank(c, ours)) >= _HALF]
            if alone:
                column = max(alone, key=lambda one: one[0])[1]
                look.set(ours, column.name, f"times of day such as {column.text.iloc[0]!r}, of the call's day")
    if look.proposal.value("incidents.columns", "occurred_at") is None:
        look.ask_which("occurred_at")


def _propose_moments(
    look: _Look, ours: str, column: Column, sample: io.ParsedTimes, *, clocks: Sequence[Column], time_zone: str
) -> None:
    low, high = sample.at.min(), sample.at.max()
    evidence = f"{_percent(sample.fault.isna().mean())} are moments, {low:%Y-%m-%d}…{high:%Y-%m-%d}"
    has_time = bool(sample.has_time.any())
    clock = None if has_time or ours != "occurred_at" else _clock_column(look, column, clocks)
    if clock is None:
        look.set(ours, column.name, evidence)
    else:
        look.set(ours, [column.name, clock.name], f"{evidence}; the times of day stand in {clock.name}")
    if ours == "occurred_at":
        _propose_order(look, column)
        if has_time:
            _propose_clock(look, column, time_zone)


def _may_be_time(column: Column) -> bool:
    """Leave out numbers that are no dates by their name: ids and coordinates can be read as serials of days."""
    if pd.api.types.is_datetime64_any_dtype(column.cells.dtype) or re.search(r"date|time", column.key):
        return True
    return any(_name_rank(column, ours) for ours in _TIMES) or column.share(column.numbers.notna()) < 1 - _MOST


def _moments(column: Column, time_zone: str) -> io.ParsedTimes | None:
    cells = column.cells.loc[column.text.index]
    sample = cells.iloc[np.unique(np.linspace(0, len(cells) - 1, min(len(cells), _SAMPLE)).astype(int))]
    for day_first in (False, True):
        read = io.parse_times(sample, time_zone=time_zone, day_first=day_first)
        if read.fault.isna().mean() >= _MOST:
            return read
    return None


def _clock_column(look: _Look, column: Column, clocks: Sequence[Column]) -> Column | None:
    """Find the times of day that belong to a column of dates: the one whose name is most like it."""
    others = [c for c in clocks if c in look.free and not any(_name_rank(c, ours) >= _HALF for ours in _TIMES[2:])]
    stem = column.key.replace("date", "")
    return min(others, key=lambda c: (c.key.replace("time", "") != stem, len(c.key)), default=None)


def _propose_order(look: _Look, column: Column) -> None:
    """Decide from all rows whether the day or the month comes first."""
    parts = column.text.str.extract(r"^\s*(\d{1,2})[/.\-](\d{1,2})[/.\-]\d{2,4}").astype("float64")
    if parts[0].isna().all():
        return
    first, second = (int((parts[place] > 12).sum()) for place in (0, 1))  # noqa: PLR2004 - months
    if bool(first) != bool(second):
        leads, other = ("day", "month") if first else ("month", "day")
        evidence = f"{first or second:,} dates exist only with the {leads} first, none with the {other} first"
        look.proposal.add("incidents", "day_first", bool(first), evidence)
        return
    look.proposal.ask(
        f"Does the day or the month come first in {column.name}? {first:,} dates exist only with the day first, "
        f"{second:,} only with the month first; the first one is {column.text.iloc[0]!r}.",
        "[incidents] day_first = true or false",
    )


_OFFSET = r"(?i)(?:z|utc|gmt|[+-]00:?00)\s*$"


def _propose_clock(look: _Look, column: Column, time_zone: str) -> None:
    """Tell local times from UTC by when calls come: far more by day than by night."""
    is_typed = isinstance(column.cells.dtype, pd.DatetimeTZDtype)
    if not is_typed and column.share(column.text.str.contains(_OFFSET)) < _MOST:
        return
    cells = column.cells.loc[column.text.index]
    cells = cells.iloc[:: max(1, len(cells) // _SAMPLE)]
    shares = {
        meaning: float(
            io.parse_times(cells, time_zone=time_zone, times=meaning).at.dropna().dt.hour.between(8, 21).mean()
        )
        for meaning in ("utc", "local_tagged_utc")
    }
    best = "utc" if shares["utc"] >= shares["local_tagged_utc"] else "local_tagged_utc"
    words = {"utc": "as UTC", "local_tagged_utc": "as local times that the file calls UTC"}
    evidence = (
        f"{_percent(shares[best])} of the calls come between 8 and 22 o'clock {words[best]}, "
        f"{_percent(min(shares.values()))} the other way"
    )
    look.proposal.add("incidents", "times", best, evidence)
    if abs(shares["utc"] - shares["local_tagged_utc"]) < 1 - _MOST:
        look.proposal.ask(
            f"The times in {column.name} are marked as UTC. Are they? {evidence}.",
            '[incidents] times = "utc" or "local_tagged_utc"',
        )


def time_zone_at(box: Box) -> str:
    """Guess the time zone of a place in the contiguous United States by its longitude."""
    middle = (box[0] + box[2]) / 2
    return next(zone for west, zone in _TIME_ZONES if middle < west)


_TIME_ZONES = (
    *((-114.1, "America/Los_Angeles"), (-102.0, "America/Denver"), (-87.0, "America/Chicago")),
    *((-60.0, "America/New_York"), (float("inf"), "UTC")),
)


def usual_terms(first: dt.date, last: dt.date) -> list[tuple[str, dt.date, dt.date]]:
    """Name the usual terms of the years that a record covers: a draft for a person to correct."""
    drafts = [
        term
        for year in range(first.year, last.year + 1)
        for term in (
            (f"Spring {year}", dt.date(year, 1, 6), dt.date(year, 6, 5)),
            (f"Fall {year}", dt.date(year, 8, 14), dt.date(year, 12, 19)),
        )
    ]
    return [(name, start, end) for name, start, end in drafts if start <= last and end >= first]
