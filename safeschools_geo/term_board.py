"""The board packet of a term: what may be told is chosen, protected, audited, and put into the words of the pages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from safeschools_geo.board.content import BoardContent
from safeschools_geo.disclosure import AuditReport, RawTable, SafeTable, load_policy
from safeschools_geo.disclosure.facts import Fact
from safeschools_geo.disclosure.ledger import Release, with_release
from safeschools_geo.packet.content import board_content
from safeschools_geo.packet.counts import confidential_counts, programme_people
from safeschools_geo.packet.statements import statements_of
from safeschools_geo.packet.tables import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.term_result import TermResult


@dataclass(frozen=True, eq=False)
class TermBoard:
    """What may be told of a term.

    Parameters
    ----------
    content
        What the pages say.
    statements
        What the rounded figures on them tell.
    people
        Schools of the programme with their zone and level, for the record of releases. Confidential.
    advice
        What the adviser found (`disclosure.advice.advise`): for the manager, since it tells more than the packet.
    raw
        The counts themselves, for the record of releases. Confidential.
    releases
        What was published earlier, and this if it is a release.
    """

    content: BoardContent
    statements: tuple[Fact, ...]
    people: pd.DataFrame
    advice: pd.DataFrame
    raw: RawTable
    releases: tuple[Release, ...] = ()

    @property
    def counts(self) -> SafeTable:
        """The counts that are published."""
        return self.content.counts

    @property
    def audit(self) -> AuditReport:
        """What can be worked out from them."""
        return self.content.audit

    def released(self, day: str) -> tuple[TermBoard, tuple[Release, ...]]:
        """Turn the draft into a release.

        Parameters
        ----------
        day
            Day of the release, in ISO 8601.

        Returns
        -------
        board : TermBoard
            The same, with the number of the release.
        releases : tuple of Release
            The record with it. A release that says the same as the last one is that one.
        """
        content = self.content
        record = with_release(
            self.releases,
            content.counts,
            self.people.drop(columns="students"),
            district=content.district,
            term=content.term,
            released=day,
            statements=self.statements,
            said=[statement.to_dict() for statement in statements_of(content, {})],
            raw=self.raw,
        )
        return replace(self, content=replace(content, release=record[-1].number), releases=record), record

    def summary(self) -> str:
        """Say in plain English what is told and what is withheld.

        Returns
        -------
        str
            A few sentences.
        """
        chosen = self.advice[self.advice["is_chosen"]]
        finest = f" The finest table is {chosen['grouping'].iloc[0]}." if len(chosen) else ""
        return f"{self.counts.summary()}{finest} {self.audit.summary()}"

    def to_frame(self) -> pd.DataFrame:
        """Return what the adviser found.

        Returns
        -------
        pandas.DataFrame
            As `disclosure.advice.advise`.
        """
        return self.advice


def protect_term(result: TermResult, *, releases: Sequence[Release] = ()) -> TermBoard | None:
    """Work out what the packet for the board may say.

    Parameters
    ----------
    result
        All results of the term.
    releases
        What was published earlier (`disclosure.ledger.read_ledger`).

    Returns
    -------
    TermBoard or None
        Protected and audited; None where no school of the programme is in a zone.

    Raises
    ------
    DisclosureError
        When a small count can be worked out whatever is withheld.
    """
    people = programme_people(result)
    if people.empty:
        return None
    settings = result.district.settings
    told = tell(
        confidential_counts(result),
        term=result.term,
        policy=load_policy(settings.board.policy, folder=settings.folder),
        releases=releases,
        by_school=settings.board.by_school,
    )
    content = board_content(result, told, people)
    return TermBoard(content, tuple(told.rounding.published), people, told.advice, told.raw, tuple(releases))
