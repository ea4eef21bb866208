"""What can be wrong with a plan that somebody wrote, told all at once."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyproj
import shapely

from safeschools_geo.checks import SLIVER_M, check_zones, classify_coordinates, polygon_parts, report_rows
from safeschools_geo.crs import STORAGE_CRS, measuring_crs
from safeschools_geo.errors import ColumnError, FileReadError, InputError, count_text, name_ids, refuse
from safeschools_geo.findings import Finding
from safeschools_geo.io import as_text, id_key, read_table, take
from safeschools_geo.rebalance._tiling import Homes, as_coverage, hold_schools
from safeschools_geo.rebalance._units import in_order, natural_order, schools_of_units
from safeschools_geo.settings import LayerSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from safeschools_geo.io import RawTable


# ── What can be wrong with a plan that somebody wrote, told all at once

KEEP = "keep"
"""In the place of a zone: the unit keeps the zone it has."""

EVERY_OTHER = "*"
"""In the place of an id: every unit that the file does not name."""

_NAMED = 12
_AS_IT_IS = LayerSettings()


@dataclass(frozen=True, eq=False)
class PlanRows:
    """The rows of a plan, each with the unit it is about."""

    path: Path  # The file
    # `id` and `zone` as written, `unit_id` (missing where the id is not known), `is_every_other` and `keeps` (bool);
    # the index is the row in the file
    rows: pd.DataFrame
    unreadable: pd.DataFrame  # Table `rejects` of the rows that could not be read
    is_of_schools: bool  # Whether the ids are those of schools
    unit_of: pd.Series  # Unit of each id that is known
    zones: list[str]  # Ids of the zones there are

    @property
    def id_column(self) -> str:
        """Name of the column of ids."""
        return "school_id" if self.is_of_schools else "unit_id"

    def nameless(self, unit_ids: list[str]) -> list[str]:
        """Find the units that no id stands for."""
        with_id = set(self.unit_of)
        return [unit for unit in unit_ids if unit not in with_id]


def _torn_text(torn: pd.DataFrame) -> list[str]:
    """Name units with their schools, and the zone of each."""
    return [
        f"{unit} ({'; '.join(f'{i} → {z}' for i, z in zip(part['id'], part['zone'], strict=True))})"
        for unit, part in torn.groupby("unit_id", sort=False)
    ]


def _faults(plan: PlanRows, unit_ids: list[str]) -> Iterator[InputError]:
    rows, column, path = plan.rows, plan.id_column, plan.path
    if len(plan.unreadable):
        yield InputError(
            "Some rows of the plan cannot be read.",
            where=path,
            ids=(f"row {row}" for row in plan.unreadable["row"]),
            found=plan.unreadable["reason"].iloc[0],
            expected="as many cells in every row as in the header",
            remedy="Fix these rows.",
        )
    lost = rows.index[rows["id"].isna() | rows["zone"].isna()]
    if len(lost):
        yield InputError(
            "Some rows of the plan have no id or no zone.",
            where=path,
            ids=(f"row {row}" for row in lost),
            expected=f"an id and a zone in every row; {KEEP} for a unit that keeps its zone",
            remedy="Fill them in, or delete the rows.",
        )
    unknown = rows.loc[rows["unit_id"].isna() & ~rows["is_every_other"], "id"].dropna().drop_duplicates()
    if len(unknown):
        shortened = _with_zeros(unknown, plan.unit_of.index)
        yield InputError(
            f"The plan names {'schools' if plan.is_of_schools else 'units'} that are not known.",
            where=f"{path}, column {column}",
            ids=unknown,
            expected=f"ids such as {', '.join(plan.unit_of.index[:3])}",
            remedy=f"A spreadsheet has taken leading zeros away: write {name_ids(shortened)}, as text."
            if shortened
            else "Correct the ids, or delete the rows; a file of schools has its ids in a column school_id.",
        )
    twice = rows[rows["id"].duplicated(keep=False) & (rows["unit_id"].notna() | rows["is_every_other"])]
    if len(twice):
        rows_of = twice.groupby("id", sort=False).groups
        yield InputError(
            "The plan has several rows for one id.",
            where=path,
            ids=(f"{i} (rows {', '.join(map(str, numbers))})" for i, numbers in rows_of.items()),
            expected=f"one row for each {column}",
            remedy="Keep the row that is meant.",
        )
    # A school named twice with two zones is reported as that.
    placed = rows[rows["unit_id"].notna() & rows["zone"].notna()].drop_duplicates("id")
    torn = placed[placed.groupby("unit_id")["zone"].transform("nunique") > 1]
    if plan.is_of_schools and len(torn):
        yield InputError(
            "The plan puts schools of one unit into two zones.",
            where=path,
            ids=_torn_text(torn),
            expected="one zone for all schools of a unit: they share a site",
            remedy="Give them the same zone.",
        )
    is_unknown = rows["zone"].notna() & ~rows["zone"].isin(plan.zones) & ~rows["keeps"] & ~rows["is_every_other"]
    if is_unknown.any():
        yield InputError(
            "The plan names zones that are not known.",
            where=path,
            ids=rows.loc[is_unknown, "zone"].drop_duplicates(),
            expected=f"one of {name_ids(plan.zones, shown=_NAMED)}",
            remedy="Correct the zones; a plan moves units between the zones there are.",
        )
    wrong = rows.loc[rows["is_every_other"] & ~rows["keeps"], "zone"].dropna()
    if len(wrong):
        yield InputError(
            "Units that the plan does not name can only keep their zones.",
            where=path,
            found=f"{EVERY_OTHER},{wrong.iloc[0]}",
            expected=f"{EVERY_OTHER},{KEEP}",
            remedy="Name every unit that is to have this zone.",
        )
    # A plan of schools cannot name a unit without any; such a unit keeps its zone, which is reported.
    named = {*rows["unit_id"].dropna(), *plan.nameless(unit_ids)}
    missing = [unit for unit in unit_ids if unit not in named]
    if missing and not rows["is_every_other"].any():
        yield InputError(
            f"The plan leaves out {count_text(len(missing), 'unit', of=len(unit_ids))}.",
            where=path,
            ids=missing,
            expected="a zone for every unit",
            remedy=f"Add them, or a row with the id {EVERY_OTHER} and the zone {KEEP} if they keep their zones.",
        )


def _with_zeros(unknown: pd.Series, known: pd.Index) -> list[str]:
    bare = pd.Series(known, index=known.str.lstrip("0"))
    bare = bare[~bare.index.duplicated(keep=False)]
    return [bare[i] for i in unknown if i in bare.index]


# ── Plans as files: a table or zones drawn as polygons is read, and a plan is put into the columns of plan.csv


@dataclass(frozen=True, eq=False)
class PlanRead:
    """A plan as it was read.

    Parameters
    ----------
    assignment
        Zone of each unit, named `zone_id`, dtype str, by `unit_id` in the order of the units.
    findings
        What was found on the way.
    path
        The file.
    zones
        Table `zones` of a plan that was drawn, whole and repaired; None where the file is a table.
    """

    assignment: pd.Series
    findings: tuple[Finding, ...]
    path: Path
    zones: gpd.GeoDataFrame | None = None


def plan_from_file(
    path: Path,
    units: gpd.GeoDataFrame,
    *,
    assign: Callable[..., pd.DataFrame],
    read_zones: Callable[[Path, LayerSettings], Any],
    zones: Iterable[str] | gpd.GeoDataFrame | None = None,
    schools: gpd.GeoDataFrame | None = None,
    boundary: gpd.GeoDataFrame | None = None,
    layer: LayerSettings = _AS_IT_IS,
    crs: object = None,
    changes: Mapping[str, str] = MappingProxyType({}),
) -> PlanRead:
    """Read a plan: a table of units or schools, or zones drawn as polygons.

    Parameters
    ----------
    path
        Any table or layer that `io.read_table` reads.
    units
        `unit_id`, the current `zone_id`, `school_ids` where a unit holds other schools than the one of its id, and
        `anchor` where a school stands elsewhere than its area says.
    assign
        `assign_campuses`, or what decides like it: schools and zones → `zone_id`, `status` and `shares` of each.
    read_zones
        `zones_from_file`, or what reads drawn zones like it.
    zones
        Ids of zones there are besides those of the units, or the table `zones` with their current drawing.
    schools
        Schools with `school_id` and their places; a unit is placed by its own shape where it has none.
    boundary
        The district, if it is known.
    layer
        Names of columns, layer and CRS of drawn zones, where the file does not say.
    crs
        Projected CRS in meters to measure in; the UTM zone of the units by default.
    changes
        School → what becomes of it by the forecast that the units are of: ``opens``, ``closes`` or ``grows``.

    Returns
    -------
    PlanRead
        As `read_plan`.

    Raises
    ------
    FileReadError, ColumnError, CRSError, GeometryError, InputError
        As `read_plan`.
    """
    raw, layer = _opened(path, layer)
    given = zones["zone_id"].astype("str") if isinstance(zones, gpd.GeoDataFrame) else zones or ()
    known = natural_order([*units["zone_id"], *given])
    if raw.geometry is None or any(take(raw, {}, name) is not None for name in ("unit_id", "school_id")):
        return _plan_of_table(raw, units, known, changes)
    if raw.frame.empty and raw.rejects.empty:
        raise InputError(
            "The plan has no rows.",
            where=path,
            found="a layer without a polygon",
            expected="zones drawn as polygons, or a table of units or schools",
            remedy="Export it again; see whether a selection or a filter was set.",
        )
    drawn = read_zones(path, _with_own_names(raw, layer))
    current = zones if isinstance(zones, gpd.GeoDataFrame) else units.dissolve("zone_id").reset_index()
    meters = measuring_crs(units, stated=crs)
    refuse(_faults_of_drawing(path, drawn.frame, drawn.pieces, rejects=drawn.rejects, known=known, current=current))
    plan = _Drawing(path, drawn.frame, current.to_crs(STORAGE_CRS), meters)
    assignment, ties = plan.assign(units, schools, assign)
    whole = plan.repaired(units, assignment, schools)
    said = (*drawn.findings, *ties, *plan.check(drawn.pieces, boundary))
    return PlanRead(in_order(assignment, units), said, path, whole)


def _opened(path: Path, layer: LayerSettings) -> tuple[RawTable, LayerSettings]:
    """Open a plan; of files with several layers or sheets, such as the product writes, take that which holds it."""
    is_workbook = path.suffix.lower() == ".xlsx"
    own = replace(layer, sheet="plan") if is_workbook else replace(layer, layer=layer.layer or "zones")
    try:
        return read_table(path, layer=own.layer, sheet=own.sheet), own
    except FileReadError as error:
        if layer.layer is not None or error.setting not in {"layer", "sheet"}:
            raise
    return read_table(path), layer


def _with_own_names(raw: RawTable, layer: LayerSettings) -> LayerSettings:
    """Leave out names of columns that are those of the district's own file of zones, and not of this one."""
    there = set(raw.frame.columns)
    return replace(layer, columns={ours: names for ours, names in layer.columns.items() if names in there})


def _plan_of_table(raw: RawTable, units: gpd.GeoDataFrame, zones: list[str], changes: Mapping[str, str]) -> PlanRead:
    plan = _plan_rows(raw, units, zones)
    unit_ids = units["unit_id"].tolist()
    plan, forecast = _with_changes(plan, changes)
    refuse(_faults(plan, unit_ids))
    current = pd.Series(units["zone_id"].to_numpy(), index=pd.Index(units["unit_id"], name="unit_id"), dtype="str")
    moved = plan.rows[~plan.rows["keeps"]].drop_duplicates("unit_id").set_index("unit_id")["zone"]
    assignment = moved.reindex(current.index).fillna(current).astype("str").rename("zone_id")
    findings = (*raw.findings, *forecast, *_stale(raw, plan, current), *_silent(plan, unit_ids))
    return PlanRead(assignment, findings, raw.path)


def _with_changes(plan: PlanRows, changes: Mapping[str, str]) -> tuple[PlanRows, list[Finding]]:
    """Let a plan of the record pass for one of the forecast: leave out who closes, and keep who opens in its zone."""
    rows = plan.rows
    is_gone = rows["unit_id"].isna() & rows["id"].map(changes).eq("closes")
    unit_of = plan.unit_of[~plan.unit_of.isin(rows["unit_id"])]
    new = [i for i in unit_of.index if changes.get(i) == "opens"] if not rows["is_every_other"].any() else []
    kept = pd.DataFrame(
        {"id": new, "zone": KEEP, "unit_id": unit_of[new].to_numpy(), "is_every_other": False, "keeps": True}
    )
    kinds: dict[str, tuple[Iterable[str], str]] = {
        "plan_school_closes": (
            rows.loc[is_gone, "id"],
            "Schools of the plan close by the forecast; their rows do not count.",
        ),
        "plan_school_opens": (
            new,
            "The plan does not name schools that open by the forecast; they go with the zone they are in.",
        ),
    }
    return replace(plan, rows=pd.concat([rows[~is_gone], kept]) if new or is_gone.any() else rows), _notes(plan, kinds)


def plan_frame(units: gpd.GeoDataFrame, assignment: pd.Series) -> pd.DataFrame:
    """Put a plan into the columns of plan.csv.

    Parameters
    ----------
    units
        Units with `unit_id`, `workload` and the current `zone_id`.
    assignment
        Zone of each unit, by `unit_id`.

    Returns
    -------
    pandas.DataFrame
        `unit_id`, `zone_before`, `zone_after`, `moved`, `workload`, and `name`, `schools`, `students` where known.
    """
    before = pd.Series(units["zone_id"].to_numpy(), dtype="str")
    after = in_order(assignment, units).reset_index(drop=True)
    optional = {name: units[name].array for name in ("name", "schools", "students") if name in units.columns}
    return pd.DataFrame(
        {
            "unit_id": pd.Series(units["unit_id"].to_numpy(), dtype="str"),
            "zone_before": before,
            "zone_after": after,
            "moved": after != before,
            "workload": units["workload"].to_numpy(dtype="float64"),
            **optional,
        }
    )


def _plan_rows(raw: RawTable, units: gpd.GeoDataFrame, zones: list[str]) -> PlanRows:
    written, zone = _column(raw, ("unit_id", "school_id")), _column(raw, ("zone_after", "zone_id"))
    is_of_schools = written.name == "school_id"
    unit_of = schools_of_units(units) if is_of_schools else _units_by_themselves(units)
    ids, zone = _without_guards(written, unit_of.index), _without_guards(zone, pd.Index(zones))
    unit_id = ids.map(unit_of).astype("str")
    rows = pd.DataFrame(
        {
            "id": ids,
            "zone": zone,
            "unit_id": unit_id,
            "is_every_other": (ids == EVERY_OTHER) & unit_id.isna(),
            "keeps": (zone.str.casefold() == KEEP) & ~zone.isin(zones),
        }
    )
    return PlanRows(raw.path, rows, raw.rejects, is_of_schools, unit_of, zones)


def _column(raw: RawTable, names: tuple[str, str]) -> pd.Series:
    for name in names:
        column = take(raw, {}, name)
        if column is not None:
            return as_text(column).rename(name)
    raise ColumnError(
        f"The plan has neither a column {names[0]} nor {names[1]}.",
        where=raw.path,
        found=", ".join(map(str, raw.frame.columns)) or "no columns",
        expected="unit_id or school_id, and zone_after or zone_id; or zones drawn as polygons, in a format of layers",
        remedy=f"Rename the column that holds it to {names[0]}.",
    )


def _units_by_themselves(units: gpd.GeoDataFrame) -> pd.Series:
    ids = units["unit_id"].to_numpy()
    return pd.Series(ids, index=pd.Index(ids, dtype="str"), dtype="str")


def _without_guards(texts: pd.Series, known: pd.Index) -> pd.Series:
    # The product's own CSV files put an apostrophe before text that a spreadsheet would take for a formula.
    bare = texts.str.removeprefix("'")
    return bare.where(~texts.isin(known) & bare.isin(known), texts)


def _stale(raw: RawTable, plan: PlanRows, current: pd.Series) -> list[Finding]:
    column = take(raw, {}, "zone_before")
    if column is None:
        return []
    before, now = _without_guards(as_text(column), pd.Index(plan.zones)), plan.rows["unit_id"].map(current)
    differs = (before != now) & before.notna() & now.notna()
    return report_rows(
        plan.rows.loc[differs, "unit_id"],
        "warning",
        "plan_of_other_zones",
        plan.path.name,
        "The plan was made from other zones than there are now: zone_before is not the zone that units have.",
        expected="the current zone of the unit",
        remedy="Make the plan again from the current zones, or check the moves one by one.",
    )


def _silent(plan: PlanRows, unit_ids: list[str]) -> list[Finding]:
    """Say what a plan does not name and need not."""
    is_of_named_unit = plan.unit_of.isin(plan.rows["unit_id"])
    kinds: dict[str, tuple[Iterable[str], str]] = {
        "schools_with_their_unit": (
            plan.unit_of.index[is_of_named_unit & ~plan.unit_of.index.isin(plan.rows["id"])],
            "The plan does not name some schools; they go with the schools that they share a unit with.",
        ),
        "units_without_schools": (
            plan.nameless(unit_ids),
            "Units without a school keep their zone: a plan of schools cannot name them.",
        ),
    }
    return _notes(plan, kinds)


def _notes(plan: PlanRows, kinds: Mapping[str, tuple[Iterable[str], str]]) -> list[Finding]:
    return [
        finding
        for code, (ids, message) in kinds.items()
        for finding in report_rows(ids, "note", code, plan.path.name, message, expected="", remedy="")
    ]


# ── Zones drawn as polygons: all of them, or those that change


def _faults_of_drawing(
    path: Path,
    drawn: gpd.GeoDataFrame,
    pieces: gpd.GeoDataFrame,
    *,
    rejects: pd.DataFrame,
    known: list[str],
    current: gpd.GeoDataFrame,
) -> Iterator[InputError]:
    """Find polygons without an id, with one that is not known, or of another place."""
    if len(rejects):
        yield InputError(
            "Some polygons of the plan have no zone id, or no shape.",
            where=path,
            ids=(f"row {row}" for row in rejects["row"]),
            expected="a zone_id and a polygon in every row",
            remedy="Give them both, or delete the rows.",
        )
    ids = drawn["zone_id"].astype("str")
    unknown = ids[~ids.isin(known)]
    if len(unknown):
        key = id_key(pd.Series(known, dtype="str"))
        alike = zip(unknown, id_key(unknown), strict=True)
        like = [f"{known[int((key == k).argmax())]} for {i}" for i, k in alike if (key == k).sum() == 1]
        yield InputError(
            "The plan draws zones that are not known.",
            where=f"{path}, column zone_id",
            ids=unknown,
            expected=f"one of {name_ids(known, shown=_NAMED)}",
            remedy=f"Write {', '.join(like)}."
            if len(like) == len(unknown)
            else "Correct the ids, or name the column that holds them; a plan moves schools between today's zones.",
            setting=None if len(like) == len(unknown) else "columns.zone_id",
        )
    names = pieces.groupby("zone_id")["name"].nunique()
    if (names > 1).any():
        yield InputError(
            "The plan gives one zone id to zones of different names.",
            where=path,
            ids=names.index[names > 1],
            found="; ".join(
                f"{zone}: {', '.join(part['name'].unique())}"
                for zone, part in pieces[pieces["zone_id"].map(names) > 1].groupby("zone_id")
            ),
            expected="different ids for different zones; the same name in all pieces of one zone",
            remedy="Correct the ids or the names.",
        )
    shapes, district = drawn.geometry, current.geometry.to_crs(STORAGE_CRS)
    if len(shapes) and not shapely.intersects(shapely.box(*shapes.total_bounds), shapely.box(*district.total_bounds)):
        (x, y), (at_x, at_y) = _middle(shapes), _middle(district)
        away = pyproj.Geod(ellps="WGS84").inv(at_x, at_y, x, y)[2] / 1000
        code = classify_coordinates(gpd.GeoSeries([shapely.Point(x, y)], crs=STORAGE_CRS), district).iloc[0]
        yield InputError(
            "The zones of the plan are not in this district.",
            where=path,
            ids=ids,
            found=f"polygons around {x:.3f}, {y:.3f} (longitude, latitude), {away:,.0f} km from the district",
            expected=f"polygons around {at_x:.3f}, {at_y:.3f}",
            remedy=_ELSEWHERE.get(code, "Give the file of this district, or the CRS that its coordinates are in."),
        )


@dataclass(frozen=True, eq=False)
class _Drawing:
    """Zones as they were drawn, laid over the zones of today."""

    path: Path
    drawn: gpd.GeoDataFrame  # Table `zones` as the file has it
    current: gpd.GeoDataFrame  # Table `zones` as it is today, EPSG:4326
    meters: pyproj.CRS

    @cached_property
    def redrawn(self) -> set[str]:
        return set(self.drawn["zone_id"])

    @cached_property
    def merged(self) -> gpd.GeoDataFrame:
        """All zones in the order of today; one that is not redrawn is left what the others did not take."""
        facts = self.current.drop_duplicates("zone_id").set_index("zone_id").drop(columns="geometry")
        shapes = self.current.set_index("zone_id").geometry
        left = shapes[~shapes.index.isin(self.redrawn)]
        cut = shapely.difference(left.to_numpy(), shapely.union_all(self.drawn.geometry.to_numpy()))
        parts, rows = polygon_parts(cut)
        metric = gpd.GeoSeries(parts, crs=STORAGE_CRS).to_crs(self.meters)
        is_wide = ~metric.buffer(-SLIVER_M / 2).is_empty.to_numpy()
        rest = [shapely.union_all(parts[(rows == row) & is_wide]) for row in range(len(left))]
        drawn = self.drawn.set_index("zone_id").geometry
        of = pd.concat([drawn, gpd.GeoSeries(rest, index=left.index, crs=STORAGE_CRS)])
        ids = [zone for zone in dict.fromkeys([*facts.index, *drawn.index]) if not of[zone].is_empty]
        columns = {c: facts[c].reindex(ids).to_numpy() for c in ("name", "officer", "team") if c in facts}
        names = {"name": [f"Zone {zone}" for zone in ids]}
        frame = pd.DataFrame({"zone_id": pd.array(ids, dtype="str"), **names, **columns})
        return gpd.GeoDataFrame(frame, geometry=of.loc[ids].to_numpy(), crs=STORAGE_CRS)

    def assign(
        self, units: gpd.GeoDataFrame, schools: gpd.GeoDataFrame | None, assign: Callable[..., pd.DataFrame]
    ) -> tuple[pd.Series, list[Finding]]:
        """Put each unit into the zone it lies in; what no polygon covers keeps its zone where that is not redrawn."""
        places = _places(units, schools)
        before = places["zone_id"]
        found = assign(places, self.merged, max_snap_m=SLIVER_M, previous=before)
        keeps = ~before.isin(self.redrawn) & ~found["zone_id"].isin(self.redrawn)
        is_near_redrawn = found["candidates"].map(lambda ids: not self.redrawn.isdisjoint(ids.split(";")))
        placed = places.assign(
            zone=found["zone_id"].where(~keeps, before),
            is_open=~keeps & found["status"].eq("overlap") & _is_open(found),
            is_tie=found["status"].isin(["boundary", "nearest"]) & (found["shares"] == "") & is_near_redrawn,
            away_m=found["distance_m"],
            candidates=found["candidates"],
        )
        refuse(self._faults(placed))
        ties = report_rows(
            placed.loc[placed["is_tie"], "id"],
            "note",
            "plan_ties",
            self.path.name,
            "Some schools stand on a border that was drawn, or in a crack of it; they keep their zone where it is one "
            "of those beside them, and else go to the first of them.",
            expected="schools clear of the borders of zones",
            remedy="Move the border if another zone is meant.",
        )
        return placed.drop_duplicates("unit_id").set_index("unit_id")["zone"].astype("str"), ties

    def _faults(self, placed: pd.DataFrame) -> Iterator[InputError]:
        lost, torn = placed[placed["zone"] == ""], placed[placed.groupby("unit_id")["zone"].transform("nunique") > 1]
        if len(lost):
            away = [f"{m / 1000:,.1f} km" if m >= 1000 else f"{m:,.0f} m" for m in lost["away_m"]]  # noqa: PLR2004
            lost_rows = zip(lost["id"], lost["zone_id"], away, strict=True)
            noun = "school" if placed["is_school"].all() else "unit"
            yield InputError(
                f"The plan leaves out {count_text(len(lost), noun, of=len(placed))}: no zone is where they are.",
                where=self.path,
                ids=[f"{i} (of zone {zone}, {meters} from the nearest zone)" for i, zone, meters in lost_rows],
                expected=f"a zone around every {noun}; a zone that is not in the file keeps its drawing",
                remedy="Extend a zone over them, or leave zones that do not change out of the file.",
            )
        claimed = placed[placed["is_open"]]
        if len(claimed):
            text_of = zip(claimed["id"], claimed["candidates"], strict=True)
            yield InputError(
                "Zones of the plan overlap where schools or units are.",
                where=self.path,
                ids=[f"{i} (zones {zones.replace(';', ' and ')})" for i, zones in text_of],
                expected="every school in one zone only",
                remedy="Take the ground of each of them from all zones but the one that is meant.",
            )
        whole = torn[~torn["unit_id"].isin([*lost["unit_id"], *claimed["unit_id"]])]
        if len(whole):
            yield InputError(
                "A border of the plan runs between schools of one unit.",
                where=self.path,
                ids=_torn_text(whole),
                expected="one zone for all schools of a unit: they share a site, or an area that moves as a whole",
                remedy="Draw the border around them.",
            )

    def check(self, pieces: gpd.GeoDataFrame, boundary: gpd.GeoDataFrame | None) -> list[Finding]:
        """Check the zones as those of a district are, and tell what is not so of the zones of today."""
        old = {f.message for f in check_zones(self.current, self.current, crs=self.meters, boundary=boundary)}
        found = check_zones(self.merged, pieces, crs=self.meters, boundary=boundary)
        fresh = [
            replace(f, severity="warning" if f.severity == "error" else f.severity, table=self.path.name)
            for f in found
            if f.message not in old
        ]
        gone = [zone for zone in self.current["zone_id"] if zone not in set(self.merged["zone_id"])]
        rows = pieces["zone_id"].value_counts(sort=False)
        name = self.path.name
        return [
            *report_rows(
                rows.index[rows > 1],
                "note",
                "plan_pieces_joined",
                name,
                "Polygons that share a zone id are taken for one zone.",
                expected="one polygon for each zone, or several pieces of it",
                remedy="If different zones are meant, give them different ids.",
            ),
            *report_rows(
                gone,
                "warning",
                "plan_zone_gone",
                name,
                "Other zones were drawn over all of these zones; no ground is left to them.",
                expected="ground for every zone",
                remedy="Draw them as well, if they are to stay.",
            ),
            *fresh,
            *report_rows(
                dict.fromkeys(zone for f in fresh if f.code in _REPAIRED for zone in f.ids),
                "note",
                "plan_repaired",
                name,
                "Where zones overlap or leave a crack under a meter, the ground is divided along its middle among the "
                "zones that are written; wider gaps stay.",
                expected="neighbors that share their border vertex for vertex",
                remedy="Look at the zones that were written, and go on from them.",
            ),
        ]

    def repaired(
        self, units: gpd.GeoDataFrame, assignment: pd.Series, schools: gpd.GeoDataFrame | None
    ) -> gpd.GeoDataFrame | None:
        """Draw the zones without overlaps and cracks, each school in the zone that was found for it."""
        order = self.merged["zone_id"].tolist()
        planned = pd.Series(assignment.loc[units["unit_id"]].to_numpy(), index=units.index)
        if not planned.isin(order).all():
            return None
        shapes = as_coverage(self.merged.geometry, self.meters, tolerance_m=SLIVER_M).shapes
        shapes = hold_schools(shapes, Homes.of(units, planned, schools), order, self.meters)
        return self.merged.set_geometry(gpd.GeoSeries(shapes, index=self.merged.index, crs=STORAGE_CRS))


_REPAIRED = {"zones_overlap", "zones_slivers"}


def _places(units: gpd.GeoDataFrame, schools: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Say where the schools of each unit are; a unit without one that is known is where its area is."""
    held, area = schools_of_units(units), units.geometry.to_crs(STORAGE_CRS)
    frame = pd.DataFrame({"id": held.index, "unit_id": held.to_numpy(), "geometry": None})
    if schools is not None:
        places = schools.set_index(schools["school_id"].astype("str")).geometry.to_crs(STORAGE_CRS)
        frame["geometry"] = places.reindex(frame["id"]).to_numpy()
    shapes = frame["geometry"].to_numpy()
    frame = frame[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    rest = ~units["unit_id"].isin(frame["unit_id"])
    if "anchor" in units:
        anchors = gpd.GeoSeries(
            units["anchor"].to_numpy(), index=units.index, crs=getattr(units["anchor"], "crs", None) or units.crs
        )
        area = anchors.to_crs(STORAGE_CRS).where(anchors.notna(), area)
    others = pd.DataFrame({"id": units["unit_id"], "unit_id": units["unit_id"], "geometry": area})[rest]
    both = pd.concat([frame, others], ignore_index=True)
    both["is_school"] = both["id"].isin(held.index)
    zone = units.set_index("unit_id")["zone_id"].astype("str")
    return gpd.GeoDataFrame(both.assign(zone_id=both["unit_id"].map(zone)), geometry="geometry", crs=STORAGE_CRS)


def _is_open(found: pd.DataFrame) -> pd.Series:
    """Say where it hangs on an overlap which zone is meant: a campus mostly in one zone is that zone's all the same."""

    def is_open(shares: str) -> bool:
        parts = sorted(map(float, re.findall(r":(\d\.\d+)(?:;|$)", shares)), reverse=True)
        return len(parts) > 1 and parts[0] - parts[1] <= sum(parts) - 1 + 1e-9

    return found["shares"].map(lambda shares: not shares or is_open(shares))


def _middle(shapes: gpd.GeoSeries) -> tuple[float, float]:
    west, south, east, north = shapes.total_bounds
    return float(west + east) / 2, float(south + north) / 2


_ELSEWHERE = {
    "swapped": "Longitude and latitude are exchanged: export the layer again with the longitude first.",
    "sign_flipped": "A longitude or latitude has lost its sign: export the layer again in EPSG:4326.",
    "null_island": "The coordinates are zero: export the layer again in EPSG:4326.",
}
