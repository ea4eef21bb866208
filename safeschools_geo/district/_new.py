"""A district folder proposed from its files: each setting with its evidence; what they cannot say is asked."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import holidays
import pandas as pd
import shapely

from safeschools_geo import io
from safeschools_geo.crs import measuring_crs
from safeschools_geo.district._crosswalk import SEPARATOR, category_columns, key_of, suggest_categories, whole_value
from safeschools_geo.district._history import incident_files, of_sources, read_rows
from safeschools_geo.district._layers import FILE_STEMS, read_boundary
from safeschools_geo.district._propose import (
    Guess,
    Proposal,
    Question,
    box_of,
    propose_enrollment,
    propose_incidents,
    propose_layer,
    propose_schools,
    propose_zones,
    time_zone_at,
    usual_terms,
)
from safeschools_geo.district._schools import read_schools, read_zones
from safeschools_geo.district._settings_file import FILE_NAME, load_settings, preset_names, settings_from
from safeschools_geo.errors import FileReadError, InputError, count_text
from safeschools_geo.io import write_text
from safeschools_geo.schemas import CATEGORIES
from safeschools_geo.writing import output_file, output_folder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.district._propose import Box
    from safeschools_geo.settings import Settings

QUESTIONS = "questions.md"
_CONFIDENTIAL = """\
# incidents are confidential, and outputs are made of them
/data/incidents/*
/outputs/
# what was released, with what it was rounded from: keep it elsewhere, safe
/releases.jsonl
"""
_AT_SCHOOL_M = 150.0
_MOST_SCHOOLS = 0.9


@dataclass(frozen=True)
class NewDistrict:
    """A district folder that was made, or looked at again.

    Parameters
    ----------
    folder
        The folder.
    guesses
        Lines of ``district.toml`` that were proposed, each with its evidence; none when the folder was there.
    questions
        What only a person can say, each with the setting that answers it.
    changes
        What a later look at the folder found that was not there before.
    crosswalk
        Values of the source that were written into ``crosswalk.csv``: `source_value`, `category`, `incidents`,
        `in_district`, `at_schools`, `suggested` and `reason`.
    """

    folder: Path
    guesses: tuple[Guess, ...] = ()
    questions: tuple[Question, ...] = ()
    changes: tuple[str, ...] = ()
    crosswalk: pd.DataFrame = field(default_factory=pd.DataFrame)

    def summary(self) -> str:
        """Say in plain English what was found, and number the questions that are to be answered."""
        settings = count_text(len(self.guesses), "setting")
        lines = [f"{self.folder / FILE_NAME}: {settings} proposed, each with its evidence."] if self.guesses else []
        lines += self.changes
        if len(self.crosswalk):
            calls = self.crosswalk["incidents"]
            is_open = self.crosswalk["category"] == ""
            left = f"{is_open.sum():,}, with {count_text(calls[is_open].sum(), 'call')}"
            lines.append(
                f"crosswalk.csv: {count_text(len(calls), 'value')} of the source with "
                f"{count_text(calls.sum(), 'call')}; left open: {left}. Read the suggestions: nothing else decides "
                "what a call is."
            )
        if self.questions:
            lines.append(f"{count_text(len(self.questions), 'question')} that only a person can answer:")
            lines += [f"{n}. {one.text}\n   {one.setting}" for n, one in enumerate(self.questions, start=1)]
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Return all of it for machines.

        `folder`, `settings` (table, key, value, evidence), `questions`, `changes` and `crosswalk`.
        """
        return {
            "folder": str(self.folder),
            "settings": [vars(guess) for guess in self.guesses],
            "questions": [vars(question) for question in self.questions],
            "changes": list(self.changes),
            "crosswalk": self.crosswalk.to_dict(orient="records"),
        }


def new_district(
    folder: str | Path,
    *,
    schools: str | Path | None = None,
    zones: str | Path | None = None,
    incidents: Sequence[str | Path] = (),
    boundary: str | Path | None = None,
    roads: str | Path | None = None,
    enrollment: str | Path | None = None,
    preset: str | None = None,
) -> NewDistrict:
    """Make a district folder whose settings are proposed from the files themselves.

    The files are copied into the folder and looked into: which column is which, from names and content; the coordinate
    system, by laying points on the schools; the order of dates, from all rows; the categories there are. Every setting
    that is proposed stands in ``district.toml`` with its evidence; what the files cannot say is asked. In a folder that
    has a ``district.toml`` nothing that a person wrote is changed: new files are added, new categories are appended to
    the crosswalk, and what changed is said.

    Parameters
    ----------
    folder
        The folder; made if there is none.
    schools, zones
        Files of the layers.
    incidents
        Exports of the dispatch system.
    boundary, roads
        Files of more layers.
    enrollment
        A file of enrollments, where the schools' file has none.
    preset
        Name of a known export whose column names are filled in: ``cde`` or ``socrata``; recognized where left out.

    Returns
    -------
    NewDistrict
        The folder, what was proposed, and what is to be answered.

    Raises
    ------
    OutputError
        When the folder holds files and no ``district.toml``.
    FileReadError
        When a file is not there, or another of its name is in the folder already.
    """
    folder = Path(folder)
    given = {"schools": schools, "zones": zones, "boundary": boundary, "roads": roads, "enrollment": enrollment}
    layers = {name: Path(path) for name, path in given.items() if path is not None}
    exports = [Path(path) for path in incidents]
    for path in (*layers.values(), *exports):
        if not path.exists():
            raise FileReadError("There is no such file.", where=path, remedy="Correct the path.")
    if (folder / FILE_NAME).is_file():
        return _look_again(folder, layers, exports)
    with output_folder(folder, inputs=[*layers.values(), *exports], is_listed=False) as fresh:
        for name in ("boundaries", "incidents"):
            (fresh / "data" / name).mkdir(parents=True)
        look = _FirstLook(fresh, folder, preset)
        look.take(
            {name: _copied(path, fresh / "data" / "boundaries") for name, path in layers.items()},
            [_copied(path, fresh / "data" / "incidents") for path in exports],
        )
        look.write()
    return NewDistrict(folder, tuple(look.proposal.guesses), tuple(look.proposal.questions), (), look.crosswalk)


def _look_again(folder: Path, layers: Mapping[str, Path], exports: Sequence[Path]) -> NewDistrict:
    """Add files to a folder whose settings a person has written, and say what is new in it."""
    settings = load_settings(folder)
    changes, questions, frames = [], [], []
    for path, where in [
        *((path, settings.paths.boundaries) for path in layers.values()),
        *((path, settings.paths.incidents) for path in exports),
    ]:
        if not (folder / where / path.name).exists():
            changes.append(f"Added {where}/{path.name}.")
        _add(path, folder / where)
    read = [(one, path) for one in of_sources(settings) for path in incident_files(one)]
    for path in exports:
        if path.name not in {file.name for _, file in read}:
            text = f"Of which source is {path.name}? No files of [incidents] name it, and it is not read."
            questions.append(Question(text, "[incidents] files"))
    for source, path in read:
        try:
            frames.append(read_rows(path, source).frame)
        except InputError as fault:
            text = f"{path.name} cannot be read as the settings say: {' '.join(str(fault).split())}"
            questions.append(Question(text, "[incidents] in district.toml"))
    fresh = _new_categories(folder, settings, frames)
    if len(fresh):
        names = ", ".join(f"{row.source_value} ({row.incidents:,})" for row in fresh.head(5).itertuples())
        calls = count_text(int(fresh["incidents"].sum()), "call")
        changes.append(f"Added {count_text(len(fresh), 'value')} to crosswalk.csv ({calls}): {names}.")
        open_rows = fresh[fresh["category"] == ""]
        if len(open_rows):
            text = f"What does the source mean by {count_text(len(open_rows), 'new value')} that no code or word tells?"
            questions.append(Question(text, "crosswalk.csv, column category"))
    if not changes:
        changes.append("Nothing is new: the files, their columns and their categories are as they were.")
    return NewDistrict(folder, (), tuple(questions), tuple(changes), fresh)


def _new_categories(folder: Path, settings: Settings, frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Append to the crosswalk what the exports hold and it does not; what a person wrote stays as it is."""
    if not frames:
        return pd.DataFrame()
    schools, area = _tables_of(settings)
    rows = crosswalk_rows(pd.concat(frames), schools, area)
    path = folder / settings.paths.crosswalk
    if not path.is_file():
        known, columns = pd.Series(dtype="str"), list(rows.columns)
    else:
        there = io.read_table(path)
        known = key_of(io.as_text(io.require(there, {}, "source_value")))
        columns = [str(name) for name in there.frame.columns]
    coarse = rows["source_value"].str.split(SEPARATOR, regex=False).str[0]
    fresh = rows[~key_of(rows["source_value"]).isin(known) & ~key_of(coarse).isin(known)]
    if len(fresh):
        before = path.read_text(encoding="utf-8-sig") if path.is_file() else ",".join(columns) + "\n"
        added = fresh.reindex(columns=columns, fill_value="").to_csv(index=False, header=False, lineterminator="\n")
        with output_file(path) as new:
            new.write_text(before + ("" if before.endswith("\n") else "\n") + added, encoding="utf-8")
    return fresh.reset_index(drop=True)


def _tables_of(settings: Settings) -> tuple[gpd.GeoDataFrame | None, shapely.Geometry | None]:
    """Read schools and the area of the district, as far as they can be read."""
    schools, boundary, zones = (_if_readable(read, settings) for read in (read_schools, read_boundary, read_zones))
    return schools, _area_of(zones if boundary is None else boundary)


def _if_readable(read: Any, settings: Settings) -> gpd.GeoDataFrame | None:  # noqa: ANN401 - one of the readers of tables
    try:
        frame: gpd.GeoDataFrame | None = read(settings).frame
    except InputError:
        return None
    return frame


def _area_of(polygons: gpd.GeoDataFrame | None) -> shapely.Geometry | None:
    return None if polygons is None else polygons.geometry.make_valid().union_all()


def _copied(path: Path, place: Path) -> Path:
    """Copy a file with those that belong to it into a folder in the making."""
    for one in _together(path):
        _require_free(one, place / one.name)
        if one.is_dir():
            shutil.copytree(one, place / one.name)
        else:
            shutil.copyfile(one, place / one.name)
    return place / path.name


def _add(path: Path, place: Path) -> None:
    """Add a file with those that belong to it to a folder that is in use: whole or not at all, for its owner only."""
    for one in _together(path):
        target = place / one.name
        _require_free(one, target)
        if target.exists():
            continue
        with output_folder(target, is_listed=False) if one.is_dir() else output_file(target) as fresh:
            if one.is_dir():
                shutil.copytree(one, fresh, dirs_exist_ok=True)
            else:
                shutil.copyfile(one, fresh)


def _together(path: Path) -> list[Path]:
    """List a file and those that belong to it, as a shapefile's do."""
    if path.suffix.casefold() != ".shp":
        return [path]
    return sorted(one for one in path.parent.iterdir() if one.stem == path.stem)


def _require_free(one: Path, target: Path) -> None:
    if target.is_file() and one.is_file() and target.read_bytes() != one.read_bytes():
        raise FileReadError(
            "Another file of this name is in the folder already.",
            where=target,
            remedy="Give the new file a name of its own, or take the old one away.",
        )


class _FirstLook:
    """Looks into the files of a new district, one after the other: what is known of one helps to read the next."""

    def __init__(self, folder: Path, target: Path, preset: str | None) -> None:
        self.folder, self.target, self.preset = folder, target, preset
        self.name = target.resolve().name
        self.proposal = Proposal()
        # Sections whose file cannot be read, or states no CRS, which is then asked already.
        self.unread: set[str] = set()
        self.without_crs: set[str] = set()
        self.crosswalk = pd.DataFrame()
        self.time_zone = "America/Los_Angeles"
        self.area: shapely.Geometry | None = None
        self.days: tuple[dt.date, dt.date] | None = None

    def take(self, layers: Mapping[str, Path], exports: Sequence[Path]) -> None:
        """Look into all files."""
        proposal = self.proposal
        self._take_preset(layers, exports)
        near: list[Box] = []
        for section, read in (("boundary", read_boundary), ("zones", read_zones)):
            if section in layers:
                self._layer(section, layers[section], near)
                self._areas(section, read, near)
        schools = None
        if "schools" in layers:
            self._schools(layers["schools"], near)
            if "enrollment" in layers:
                self._enrollment(layers["enrollment"])
            schools = self._read(read_schools, "schools")
            self._name_of(schools)
        for section, read in (("boundary", read_boundary), ("zones", read_zones)):
            if section in self.without_crs and schools is not None:
                self.unread.discard(section)
                proposal.forget(section)
                self._layer(section, layers[section], [box_of(schools)])
                self._areas(section, read, near)
        places = [box_of(schools)] if schools is not None else near
        if "roads" in layers:
            self._layer("roads", layers["roads"], places)
        if places:
            self._ask_about_longitude(places[0])
        self._exports(exports, schools)
        self._ask_the_rest(layers, exports)

    def _areas(self, section: str, read: Any, near: list[Box]) -> None:  # noqa: ANN401 - one of the readers of tables
        """Learn from a layer of areas where the district is."""
        if (polygons := self._read(read, section)) is not None:
            near.append(box_of(polygons))
            self.area = self.area or _area_of(polygons)

    def _ask_about_longitude(self, box: Box) -> None:
        """Tell the time zone from the longitude, unless its sign is missing."""
        if box[0] > 0:
            text = "The longitudes of the district are positive, which is east of Greenwich. Is the minus sign missing?"
            self.proposal.ask(text, "data/boundaries/")
            return
        self.time_zone = time_zone_at(box)
        if self.time_zone != "America/Los_Angeles":
            text = f"Is the time zone {self.time_zone}? It was told from the longitude alone."
            self.proposal.ask(text, '[district] time_zone = "…"')

    def _name_of(self, schools: gpd.GeoDataFrame | None) -> None:
        """Call the district what its schools say it is called, if most of them agree."""
        names = pd.Series(dtype="str") if schools is None else schools["district"].dropna()
        if len(names) and (names == names.mode()[0]).mean() > _MOST_SCHOOLS:
            self.name = str(names.mode()[0])

    def _take_preset(self, layers: Mapping[str, Path], exports: Sequence[Path]) -> None:
        """Take a preset that is asked for, where there is no file yet to recognize it by."""
        for name, section, is_given in (
            ("cde", "schools", "schools" in layers),
            ("socrata", "incidents", bool(exports)),
        ):
            if self.preset == name and not is_given:
                self.proposal.add(section, "preset", name, "as asked for")

    def _layer(self, section: str, path: Path, near: Sequence[Box]) -> None:
        self._file(section, path)
        raw = self._raw(path, section)
        if raw is None:
            return
        if section == "zones":
            propose_zones(raw, self.proposal, near)
        else:
            propose_layer(raw, section, self.proposal, near)

    def _file(self, section: str, path: Path) -> None:
        """Name the file, where it is not called as it would be found by itself."""
        if path.stem != FILE_STEMS.get(section):
            self.proposal.add(section, "file", path.relative_to(self.folder).as_posix(), "as given")

    def _raw(self, path: Path, section: str) -> io.RawTable | None:
        try:
            return io.read_table(path)
        except InputError as fault:
            self._ask_about(fault, f"{path.name} cannot be read", section)
            return None

    def _read(self, read: Any, section: str) -> gpd.GeoDataFrame | None:  # noqa: ANN401 - one of the readers of tables
        """Read a table as the settings that are proposed so far say, or ask about what is in the way."""
        if section in self.unread:
            return None
        try:
            frame: gpd.GeoDataFrame | None = read(self._settings()).frame
        except InputError as fault:
            self._ask_about(fault, f"As proposed, [{section}] cannot be read", section)
            return None
        return None if frame is None or frame.geometry.isna().all() else frame

    def _ask_about(self, fault: InputError, what: str, section: str) -> None:
        """Ask about what is in the way of reading a file, once."""
        self.unread.add(section)
        is_asked = any(one.setting.startswith(f"[{section}] crs") for one in self.proposal.questions)
        if fault.setting == "crs" and is_asked:
            self.without_crs.add(section)
            return
        # The copy that is read lies where the folder is made, and is moved when it is complete.
        text = " ".join(str(fault).split()).replace(str(self.folder), str(self.target))
        self.proposal.ask(f"{what}: {text}", f"[{section}]")

    def _settings(self) -> Settings:
        return settings_from(self._table(), folder=self.folder, where=FILE_NAME)

    def _table(self) -> dict[str, Any]:
        """Make the proposal the table that the file will hold."""
        table: dict[str, Any] = {"district": {"name": self.name, "time_zone": self.time_zone}}
        for guess in self.proposal.guesses:
            inner = table
            for part in guess.table.split("."):
                inner = inner.setdefault(part, {})
            inner[guess.key] = guess.value
        return table

    def _schools(self, path: Path, near: Sequence[Box]) -> None:
        self._file("schools", path)
        raw = self._raw(path, "schools")
        if raw is None:
            return
        preset = self._preset("schools", raw)
        if preset is None:
            propose_schools(raw, self.proposal, near)
        if near:
            self._propose_district_rows(raw)

    def _preset(self, section: str, raw: io.RawTable) -> str | None:
        """Recognize a known export by its columns."""
        for name in preset_names():
            text = (resources.files("safeschools_geo") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
            known = tomllib.loads(text).get(section)
            if known is None or self.preset not in (None, name):
                continue
            entries = known["columns"].values()
            wanted = {
                column for entry in entries for column in ([entry] if isinstance(entry, str) else entry) if column
            }
            if wanted <= set(map(str, raw.frame.columns)):
                listed = ", ".join(sorted(wanted)[:4])
                self.proposal.add(section, "preset", name, f"has all of its {len(wanted)} columns: {listed}, …")
                return name
        return None

    def _propose_district_rows(self, raw: io.RawTable) -> None:
        """Where a directory holds schools of other districts too, propose the rows that are inside the boundary."""
        schools = _if_readable(read_schools, self._settings())
        if schools is None or self.area is None:
            return
        is_inside = schools.geometry.within(self.area)
        if is_inside.all() or not is_inside.any():
            return
        column = str(self._settings().schools.columns.get("school_id", "school_id"))
        stems = schools["school_id"].str[:7]
        stem = stems[is_inside].value_counts().index[0]
        has_stem = stems == stem
        if schools["school_id"].str.fullmatch(r"\d{14}").all() and (has_stem & is_inside).sum() > is_inside.sum() / 2:
            evidence = (
                f"{(has_stem & is_inside).sum()} of the {is_inside.sum()} schools inside the boundary, and "
                f"{(has_stem & ~is_inside).sum()} outside it, have a CDS code of this district"
            )
            self.proposal.add("schools.keep", column, f"{stem}*", evidence)
            return
        self.proposal.ask(
            f"Of {count_text(len(schools), 'school')} {is_inside.sum():,} inside the district. Which rows of "
            f"{raw.path.name} are its schools?",
            '[schools.keep] COLUMN = "value"',
        )

    def _enrollment(self, path: Path) -> None:
        schools, raw = _if_readable(read_schools, self._settings()), self._raw(path, "schools.enrollment_file")
        if schools is None or raw is None:
            return
        before = len(self.proposal.guesses)
        propose_enrollment(raw, self.proposal, schools["school_id"])
        if len(self.proposal.guesses) > before:
            file = path.relative_to(self.folder).as_posix()
            self.proposal.add("schools.enrollment_file", "file", file, "as given")

    def _exports(self, exports: Sequence[Path], schools: gpd.GeoDataFrame | None) -> None:
        if not exports:
            return
        raw = self._raw(exports[0], "incidents")
        if raw is None:
            return
        if self._preset("incidents", raw) is None:
            propose_incidents(raw, self.proposal, schools=schools, time_zone=self.time_zone)
        calls = self._calls(exports)
        if calls is None:
            return
        self.days = (calls["occurred_at"].min().date(), calls["occurred_at"].max().date())
        self._propose_nearest(calls, schools)
        self.crosswalk = crosswalk_rows(calls, schools, self.area)
        open_rows = self.crosswalk[self.crosswalk["category"] == ""]
        if len(open_rows):
            top = ", ".join(f"{row.source_value} ({row.incidents:,})" for row in open_rows.head(5).itertuples())
            self.proposal.ask(
                f"What do values of the source mean that no code or word tells? "
                f"{count_text(len(open_rows), 'value')} with {count_text(int(open_rows['incidents'].sum()), 'call')}; "
                f"the most frequent: {top}.",
                "crosswalk.csv, column category",
            )

    def _calls(self, exports: Sequence[Path]) -> pd.DataFrame | None:
        try:
            settings = self._settings()
            return pd.concat([read_rows(path, settings).frame for path in exports])
        except InputError as fault:
            self._ask_about(fault, "As proposed, [incidents] cannot be read", "incidents")
            return None

    def _propose_nearest(self, calls: pd.DataFrame, schools: gpd.GeoDataFrame | None) -> None:
        """Where the export names no schools, propose how near a call is at a school."""
        named = any(self.proposal.value("incidents.columns", key) for key in ("school_id", "school_name"))
        is_asked = any(one.setting.startswith("[incidents.columns] school_id") for one in self.proposal.questions)
        if named or is_asked or schools is None:
            return
        meters = _to_nearest(calls, schools)
        if meters is None or not len(meters):
            return
        near = int((meters <= _AT_SCHOOL_M).sum())
        evidence = f"{near:,} of {len(meters):,} calls with a place are within {_AT_SCHOOL_M:.0f} m of a school"
        self.proposal.add("incidents", "nearest_school_m", _AT_SCHOOL_M, evidence)
        self.proposal.ask(
            f"How near is at a school? The export names none. {evidence}.", "[incidents] nearest_school_m"
        )

    def _ask_the_rest(self, layers: Mapping[str, Path], exports: Sequence[Path]) -> None:
        ask = self.proposal.ask
        if "schools" not in layers:
            ask("Where are the schools?", "data/boundaries/schools.csv, or [schools] file")
        if "zones" not in layers:
            ask(
                "Where are the patrol zones? `safeschools draft-zones` proposes some.",
                "data/boundaries/zones.geojson, or [zones] file",
            )
        if not exports:
            ask("Where are the exports of the dispatch system?", "data/incidents/")
        ask(
            "When do the terms begin and end, and when is there no school? A draft stands in the file, switched off.",
            "[[terms]] and [calendar] holidays",
        )
        ask("When are officers on duty, by level of school? 7:30 to 15:30 is assumed.", "[hours]")

    def write(self) -> None:
        """Write the settings, the crosswalk and the questions."""
        write_text(self.folder / FILE_NAME, self._toml())
        write_text(self.folder / QUESTIONS, questions_text(self.name, self.proposal.questions))
        template = (resources.files("safeschools_geo") / "templates" / "new" / "README.md").read_text(encoding="utf-8")
        write_text(self.folder / "README.md", template.format(name=self.name, categories=", ".join(CATEGORIES)))
        write_text(self.folder / ".gitignore", _CONFIDENTIAL)
        rows = (
            self.crosswalk if len(self.crosswalk) else pd.DataFrame(columns=["source_value", "category", "service_min"])
        )
        io.write_csv(self.folder / "crosswalk.csv", rows)

    def _toml(self) -> str:
        """Write the proposal: a line for each setting, its evidence behind it."""
        lines = [
            "# Settings of a district. Every key has a default but names and files; docs/settings.md has them all.",
            "# What stands behind # is why a line is proposed.",
            "",
            "[district]",
            f"name = {_toml_value(self.name)}",
            f"time_zone = {_toml_value(self.time_zone)}",
            '# crs = "EPSG:26910" # projected, in meters; the district\'s UTM zone if left out',
            "# zones = 8          # checked against the zone file when given",
        ]
        order = ("zones", "boundary", "schools", "roads", "incidents")
        tables = sorted({g.table for g in self.proposal.guesses}, key=lambda t: (order.index(t.split(".")[0]), t))
        for table in tables:
            lines += ["", f"[{table}]"]
            for guess in (g for g in self.proposal.guesses if g.table == table):
                lines.append(f"{_toml_key(guess.key)} = {_toml_value(guess.value)} # {guess.evidence}")
        return "\n".join([*lines, "", *self._calendar()]) + "\n"

    def _calendar(self) -> list[str]:
        """Draft terms, holidays and hours, the first two switched off: they are known to a person only."""
        today = dt.datetime.now(tz=dt.UTC).date()
        first, last = self.days or (today.replace(month=1, day=1), today)
        lines = ["# Terms are never assumed: correct these, and take the # off."]
        for name, start, end in usual_terms(first, last):
            lines += ["# [[terms]]", f"# name = {_toml_value(name)}", f"# start = {start}", f"# end = {end}"]
        state = "CA" if self.time_zone == "America/Los_Angeles" else None
        public = holidays.country_holidays("US", subdiv=state, years=range(first.year, last.year + 1))
        free = [
            (day, name)
            for day, name in sorted(public.items())
            if day.weekday() < 5  # noqa: PLR2004 - Saturday
        ]
        lines += [
            "",
            "[calendar]",
            "# Public holidays of the record's years; add your breaks, and take the # off.",
            "# holidays = [",
        ]
        lines += [f'#   "{day}", # {name}' for day, name in free]
        return [
            *lines,
            "# ]",
            "",
            "[hours] # when officers are on duty; [hours.levels.high] and so on where a level differs",
            'start = "07:30"',
            'end = "15:30"',
        ]


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _toml_value(value: object) -> str:
    """Write a value: JSON writes texts, numbers, truths and lists as TOML does."""
    return json.dumps(value, ensure_ascii=False)


def questions_text(name: str, questions: Sequence[Question]) -> str:
    """Write the questions as a page of Markdown."""
    rows = [f"{n}. {one.text}\n\n   `{one.setting}`" for n, one in enumerate(questions, start=1)]
    return "\n\n".join([f"# {name}: what only a person can say", *rows]) + "\n"


def _to_nearest(calls: pd.DataFrame, schools: gpd.GeoDataFrame) -> pd.Series | None:
    """Measure from each call with a place to the nearest school, in meters."""
    placed = gpd.GeoSeries(calls["geometry"].to_numpy(), crs=schools.crs).dropna()
    known = schools.geometry.dropna()
    if placed.empty or known.empty:
        return None
    crs = measuring_crs(known)
    tree = shapely.STRtree(known.to_crs(crs).to_numpy())
    _, meters = tree.query_nearest(placed.to_crs(crs).to_numpy(), return_distance=True, all_matches=False)
    return pd.Series(meters, index=placed.index)


def crosswalk_rows(
    calls: pd.DataFrame, schools: gpd.GeoDataFrame | None, area: shapely.Geometry | None
) -> pd.DataFrame:
    """List every value of the source, with its calls in all, in the district and at schools, and a suggestion.

    `calls` are rows of the exports as `read_rows` gives them; schools and area, in longitude and latitude, may not be
    known.
    """
    whole = whole_value(category_columns(calls)).reset_index(drop=True)
    points = gpd.GeoSeries(calls["geometry"].to_numpy(), crs="EPSG:4326")
    shapely.prepare(area)
    in_district = pd.Series(False if area is None else shapely.contains(area, points.to_numpy()), index=whole.index)
    at_school = calls["given_school_id"].notna().reset_index(drop=True)
    if schools is not None and (meters := _to_nearest(calls, schools)) is not None:
        at_school |= (meters <= _AT_SCHOOL_M).reindex(whole.index, fill_value=False)
    counts = pd.DataFrame({"source_value": whole, "in_district": in_district, "at_schools": at_school})
    summed = counts[counts["source_value"] != ""].groupby("source_value")[["in_district", "at_schools"]].sum()
    values = counts["source_value"].value_counts()
    rows = suggest_categories({str(value): int(number) for value, number in values.items() if value})
    rows = rows.join(summed, on="source_value")
    rows["category"], rows["service_min"] = rows["suggested"], ""
    return rows[
        ["source_value", "category", "service_min", "incidents", "in_district", "at_schools", "suggested", "reason"]
    ]
