"""Rows that were read and not kept, told by reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.errors import count_text
from safeschools_geo.row_filters import EXCLUDED
from safeschools_geo.validate.telling import tell

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from safeschools_geo.results import Finding


def check_rejects(rejects: pd.DataFrame, *, told: Collection[str] = ()) -> list[Finding]:
    """Tell of rows that were not kept.

    Parameters
    ----------
    rejects
        Table `rejects`.
    told
        Reason codes that reading has told of.

    Returns
    -------
    list of Finding
        One for each reason and file: a note where the settings leave the rows out, else a warning.
    """
    findings = []
    untold = rejects[~rejects["reason_code"].isin(list(told))]
    for (code, file), rows in untold.groupby(["reason_code", "source_file"], sort=True):
        labels = rows["id"].fillna("").where(rows["id"].notna(), "row " + rows["row"].astype("str"))
        reasons = rows["reason"].unique()
        is_chosen = str(code).startswith(EXCLUDED)
        findings += tell(
            labels,
            "note" if is_chosen else "warning",
            str(code),
            "rejects",
            f"{count_text(len(rows), 'row')} of {file} not kept"
            + (f". {reasons[0]}" if len(reasons) == 1 else f", for example: {reasons[0]}"),
            expected="rows that can be used",
            remedy="Nothing needs doing if the setting is meant."
            if is_chosen
            else "Mend the rows in the source; rejects.csv has each as it was.",
        )
    return findings
