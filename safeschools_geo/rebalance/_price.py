"""Plans side by side: what changes from one to the other, what it gains, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.errors import count_text
from safeschools_geo.rebalance._measures import NOT_SCORED
from safeschools_geo.rebalance._score import LOAD_UNIT, Score
from safeschools_geo.rebalance._units import in_order
from safeschools_geo.schemas import LEVELS
from safeschools_geo.text import carries_difference, format_change, format_load, listed, millionths, shown_step

if TYPE_CHECKING:
    from collections.abc import Hashable

    import geopandas as gpd


_FACTS = ["measure", "label", "unit", "better"]
_NOT_SCORED = "not scored"
_ALIKE = 1e-9
_LEAST_SHOWN = 0.05
_CHECKED = {"response": "mean response", "response_p90": "response to nine calls of ten"}

ANEW = "_anew"
"""End of the name of a measure of coverage with officers placed anew."""

_COVERED = ("response", "within_", "backup", "overflow")
_SAID = {
    "response": "the mean response",
    "response_p90": "the response to nine calls of ten",
    "backup": "the share of calls that another zone’s officer answers",
    "overflow": "the overflow to patrol",
}


def compare_plans(scores: Mapping[str, Score], *, shown: bool = False) -> pd.DataFrame:
    """Put plans side by side.

    Parameters
    ----------
    scores
        Name of each plan → its score.
    shown
        Texts as they are shown instead of numbers.

    Returns
    -------
    pandas.DataFrame
        One row for each measure that any of them has, in the order they come: `measure`, `label`, `unit`, `better`
        (``lower``, ``higher`` or empty), a column for each plan, and `best`: the plans that do best, joined by ``;``;
        empty where neither direction is better, or they differ by less than the last digit that is shown.
    """
    tables = {name: score.to_frame().set_index("measure") for name, score in scores.items()}
    facts = pd.concat([t.reset_index()[_FACTS] for t in tables.values()]).drop_duplicates("measure")
    values = pd.DataFrame({name: t["value"].reindex(facts["measure"]) for name, t in tables.items()})
    texts = pd.DataFrame({name: t["shown"].reindex(facts["measure"]).fillna(_NOT_SCORED) for name, t in tables.items()})
    pairs = zip(facts["measure"], facts["better"], strict=True)
    best = [_best(values.loc[m], texts.loc[m], better) for m, better in pairs]
    table = facts.set_index("measure").join(texts if shown else values)
    return table.assign(best=best).reset_index()


def _best(values: pd.Series, texts: pd.Series, better: str) -> str:
    known = values.dropna()
    if not better or len(known) <= 1:
        return ""
    target = float(known.min() if better == "lower" else known.max())
    step = max((step for text in texts[known.index] if np.isfinite(step := shown_step(str(text)))), default=0.0)
    is_best = np.array([_is_alike(float(value), target, step) for value in known])
    return "" if is_best.all() else ";".join(map(str, known.index[is_best]))


def _is_alike(one: float, other: float, step: float) -> bool:
    """Say whether two values differ by less than can be shown; infinite ones are alike when both are."""
    if np.isclose(one, other, rtol=_ALIKE, atol=_ALIKE):
        return True
    return bool(np.isfinite(one) and np.isfinite(other)) and not carries_difference(one, other, step=step)


@dataclass(frozen=True)
class PlanChange:
    """What a plan gains against the current zones, and what that costs: one account for every page and command.

    Parameters
    ----------
    moved
        What changes its zone, such as ``"3 schools"``; empty where nothing does.
    schools_moved, students_moved
        How many; None where it is not known.
    imbalance
        Before and after.
    gain
        One sentence on the imbalance.
    price
        Sentences on all else that the plan changes for people: response with officers where they wait today and placed
        anew, backup and overflow, hotspots, levels and feeder patterns.
    figures
        Measure → its value before and after, None where it was not scored: what `price` was written from.
    """

    moved: str
    schools_moved: int | None
    students_moved: int | None
    imbalance: tuple[float, float]
    gain: str
    price: tuple[str, ...]
    figures: Mapping[str, tuple[float, float] | None]

    def price_text(self) -> str:
        """Write the price in one paragraph, empty where nothing moves."""
        return f"The price: {' '.join(self.price)}" if self.price else ""

    def summary(self) -> str:
        """Write the gain, and never without the price."""
        return " ".join(part for part in (self.gain, self.price_text()) if part)

    def to_json(self) -> dict[str, Any]:
        """Give gain and price as plain values.

        `gain`, `price`, `schools_moved`, `students_moved`, `imbalance`, and the two values of each measure.
        """
        figures = {name: None if pair is None else list(pair) for name, pair in self.figures.items()}
        return {
            "gain": self.gain,
            "price": list(self.price),
            "schools_moved": self.schools_moved,
            "students_moved": self.students_moved,
            "imbalance": list(self.imbalance),
            "figures": figures,
        }


def plan_change(current: Score, proposed: Score, *, noun: str = "school") -> PlanChange:
    """Say what a plan gains, and what that costs.

    Parameters
    ----------
    current
        Score of the current zones.
    proposed
        Score of the plan, on the same measures.
    noun
        What a unit is called.

    Returns
    -------
    PlanChange
        The account. Figures are those of the table of scores, as they are shown there; what was not worked out is said
        to be so.
    """
    both = _Both(current, proposed)
    moved = moved_text(int(proposed.value("units_moved")), both.number("schools_moved"), noun=noun)
    before, after = current.imbalance, proposed.imbalance
    is_moved = bool(moved)
    return PlanChange(
        moved=moved,
        schools_moved=both.number("schools_moved"),
        students_moved=both.number("students_moved"),
        imbalance=(before, after),
        gain=f"{moved} would change zone. {imbalance_text(before, after)}"
        if is_moved
        else "Nothing would change zone.",
        price=tuple(
            part
            for part in (
                both.students(),
                *both.coverage(),
                both.splits("hotspots", "hotspot"),
                both.levels(),
                both.splits("feeders", "feeder pattern"),
            )
            if part
        )
        if is_moved
        else (),
        figures={name: both.pair(name) for name in both.measures()},
    )


def imbalance_text(before: float, after: float) -> str:
    """Say how the imbalance changes."""
    change = format_change(before, after)
    if change is None:
        return f"The imbalance stays at {before:.1%}."
    return f"The imbalance {'falls' if after < before else 'rises'} from {change[0]} to {change[1]}."


def moved_text(units: int, schools: int | None, *, noun: str) -> str:
    """Say what changes its zone, schools counted as schools also where two share a site."""
    if not units:
        return ""
    if noun == "school" and schools is not None:
        return count_text(schools, "school")
    moved = count_text(units, noun)
    return moved if schools is None else f"{moved} with {count_text(schools, 'school')}"


class _Both:
    """Two scores on the same measures, and the sentences about them."""

    def __init__(self, current: Score, proposed: Score) -> None:
        self._scores = (current, proposed)
        self._now, self._then = (score.measures.set_index("measure") for score in self._scores)

    def measures(self) -> list[str]:
        """List the measures that the price is made of."""
        covered = [name for name in self._then.index if name.startswith(_COVERED)]
        return [*covered, "hotspots_split", "levels_lost", "feeders_split"]

    def number(self, name: str) -> int | None:
        value = self._then["value"].get(name, np.nan)
        return None if pd.isna(value) else round(float(value))

    def pair(self, name: str) -> tuple[float, float] | None:
        if name not in self._then.index or name not in self._now.index:
            return None
        pair = (self._scores[0].value(name), self._scores[1].value(name))
        return None if np.isnan(pair).any() else pair

    def students(self) -> str:
        """Say how many students get another officer, and of how many that is not known."""
        students, note = self.number("students_moved"), str(self._then["note"].get("students_moved", ""))
        if students is None:
            return "How many students get another zone officer is not known."
        unknown = f" ({note})" if note else ""
        return f"{count_text(students, 'student')}{unknown} get{'s' if students == 1 else ''} another zone officer."

    def coverage(self) -> list[str]:
        """Tell response with officers where they wait today, and placed anew; backup and overflow."""
        scored = [n for n in self._then.index if n.startswith(_COVERED) and self.pair(n) is not None]
        if not scored:
            return [f"What it does to response, backup and overflow was not worked out: {self._why()}."]
        within = next((n for n in scored if n.startswith("within_") and not n.endswith(ANEW)), "")
        names = [n for n in ("response", "response_p90", within) if n in scored]
        has_anew = all(n + ANEW in scored for n in names)
        brackets = " (in brackets: placed anew, each in the middle of the new zone)" if has_anew else ""
        failed = [f"the {_CHECKED[n]}" for n in names if n in _CHECKED and "fails this check" in self._label(n)]
        fails = f", which fails its check on {listed(failed)}," if failed else ","
        with_whom = f"By the model{fails} and with officers where they wait today{brackets}, "
        parts = [f"{with_whom}{listed(list(map(self._covered, names)))}."]
        helped = [self._covered(n) for n in ("backup", "overflow") if n in scored]
        if helped:
            text = listed(helped)
            parts.append(f"{text[:1].upper()}{text[1:]}.")
        return parts

    def _why(self) -> str:
        text = str(self._then["shown"].get("response", ""))
        return text.removeprefix(NOT_SCORED) or "there is no data on it"

    def _label(self, name: str) -> str:
        return str(self._then.loc[name, "label"])

    def _covered(self, name: str) -> str:
        """Tell a difference: figures of a model are no levels."""
        said = _SAID.get(name) or f"the share of calls reached within {name.split('_')[1]} minutes"
        anew = f" ({self._difference(name + ANEW)})" if self.pair(name + ANEW) is not None else ""
        return f"{said} is {self._difference(name)}{anew}"

    def _difference(self, name: str) -> str:
        pair = self.pair(name)
        if pair is None or np.isclose(pair[0], pair[1], rtol=0, atol=_ALIKE):
            return "unchanged"
        is_min = self._then.loc[name, "unit"] == "min"
        change, unit = (pair[1] - pair[0], "min") if is_min else (100 * (pair[1] - pair[0]), "percentage points")
        size = f"{abs(change):.1f}" if abs(change) >= _LEAST_SHOWN else "under 0.1"
        less, more = ("shorter", "longer") if is_min else ("lower", "higher")
        return f"{size} {unit} {more if change > 0 else less}"

    def splits(self, kind: str, noun: str) -> str:
        """Say what a plan cuts that is whole today; what is cut today and stays so is its own doing no more."""
        tables = [score.splits[score.splits["kind"] == kind].set_index("name") for score in self._scores]
        now, then = tables
        if then.empty:
            return ""
        cut = then[then["is_split"]]
        fresh = cut[~cut.index.isin(now.index[now["is_split"]])]
        if fresh.empty:
            return f"No {noun} is split that is whole today."
        named = "; ".join(
            f"{name} between zones {row['zones'].replace(';', ' and ')}" for name, row in fresh.iterrows()
        )
        number = "The only" if len(then) == 1 else f"{len(fresh)} of {len(then):,}"
        plural = "" if len(then) == 1 else "s"
        verb = "is" if len(fresh) == 1 else "are"
        return f"{number} {noun}{plural} {verb} split: {named}."

    def levels(self) -> str:
        """Name the zones that lose their last school of a level."""
        then = self._scores[1]
        names = then.zones.set_index("zone_id")["name"] if "name" in then.zones else pd.Series(dtype="str")
        lost: dict[str, list[str]] = {}
        for zone, level in then.lost_levels:
            word = "school of another level" if level == "other" else f"{LEVELS[level].lower()} school"
            lost.setdefault(zone, []).append(word.replace("k-8", "K-8"))
        parts = [f"{names.get(zone, f'Zone {zone}')} loses its last {listed(words)}" for zone, words in lost.items()]
        return f"{'; '.join(parts)}." if parts else ""


def what_changes(
    units: gpd.GeoDataFrame, before: pd.Series, after: pd.Series, *, load_unit: str = LOAD_UNIT
) -> pd.DataFrame:
    """List the units that change their zone.

    Parameters
    ----------
    units
        `unit_id`, `workload`, and `name`, `schools`, `students` where they are known.
    before, after
        Zone of each unit, by `unit_id`.
    load_unit
        What workload is counted in.

    Returns
    -------
    pandas.DataFrame
        One row for each unit that moves, in the order of the units: `unit_id`, `name` (the id where there is none),
        `zone_before`, `zone_after`, `workload`, `schools` (Int64) and `students` (both missing where unknown), and
        `sentence`.

    Raises
    ------
    InputError
        When a plan does not give every unit a zone, or names another unit.
    """
    old, new = in_order(before, units), in_order(after, units)
    ids = pd.Series(units["unit_id"].to_numpy(), dtype="str")
    table = pd.DataFrame(
        {
            "unit_id": ids,
            "name": _column(units, "name").astype("str").fillna(ids),
            "zone_before": old.to_numpy(),
            "zone_after": new.to_numpy(),
            "workload": units["workload"].to_numpy(dtype="float64"),
            "schools": _column(units, "schools").astype("Int64"),
            "students": _column(units, "students").astype("float64"),
            "load": millionths(units["workload"]).to_numpy(),
        }
    )
    moved = table[table["zone_before"] != table["zone_after"]].reset_index(drop=True)
    sentences = [_sentence(row, load_unit) for row in moved.to_dict(orient="records")]
    return moved.drop(columns="load").assign(sentence=pd.Series(sentences, dtype="str"))


def _column(units: gpd.GeoDataFrame, name: str) -> pd.Series:
    return units[name].reset_index(drop=True) if name in units.columns else pd.Series(None, index=range(len(units)))


def _sentence(row: Mapping[Hashable, Any], load_unit: str) -> str:
    numbers = [(noun, row[f"{noun}s"]) for noun in ("school", "student")]
    known = [count_text(int(number), noun) for noun, number in numbers if pd.notna(number)]
    facts = ", ".join([*known, f"{format_load(row['load'])} {load_unit}"])
    return f"{row['name']} ({facts}) goes from zone {row['zone_before']} to zone {row['zone_after']}."
