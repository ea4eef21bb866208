"""Plans side by side, and what changes from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from safeschools_geo.errors import count_text
from safeschools_geo.rebalance.ground.unit_tables import in_order
from safeschools_geo.rebalance.score import LOAD_UNIT
from safeschools_geo.shown import format_load, millionths

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    import geopandas as gpd

    from safeschools_geo.rebalance.score import Score

_FACTS = ["measure", "label", "unit", "better"]
_NOT_SCORED = "not scored"
_ALIKE = 1e-9


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
        empty where they do alike, as far as the figures are printed, or neither direction is better.
    """
    tables = {name: score.to_frame().set_index("measure") for name, score in scores.items()}
    facts = pd.concat([t.reset_index()[_FACTS] for t in tables.values()]).drop_duplicates("measure")
    values = pd.DataFrame({name: t["value"].reindex(facts["measure"]) for name, t in tables.items()})
    texts = pd.DataFrame({name: t["shown"].reindex(facts["measure"]).fillna(_NOT_SCORED) for name, t in tables.items()})
    best = [
        _best(values.loc[m], texts.loc[m], better) for m, better in zip(facts["measure"], facts["better"], strict=True)
    ]
    table = facts.set_index("measure").join(texts if shown else values)
    return table.assign(best=best).reset_index()


def _best(values: pd.Series, texts: pd.Series, better: str) -> str:
    known = values.dropna()
    if not better or len(known) <= 1:
        return ""
    target = known.min() if better == "lower" else known.max()
    leader = known.index[int(np.argmax(known == target))]
    # Plans whose figures are printed alike are alike: nobody could see that one of them is better.
    is_best = np.isclose(known, target, rtol=_ALIKE, atol=_ALIKE) | (texts[known.index] == texts[leader]).to_numpy()
    return "" if is_best.all() else ";".join(map(str, known.index[is_best]))


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
