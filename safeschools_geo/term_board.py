"""The board packet of a term: what may be told is chosen, protected, audited, and put into the words of the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from safeschools_geo.disclosure import load_policy
from safeschools_geo.disclosure.ledger import Release, with_release
from safeschools_geo.packet.content import board_content
from safeschools_geo.packet.counts import confidential_counts, programme_people
from safeschools_geo.packet.statements import statements_of
from safeschools_geo.packet.tables import tell
from safeschools_geo.term_results import TermBoard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from safeschools_geo.term_results import TermResult


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


def release_board(board: TermBoard, day: str) -> tuple[TermBoard, tuple[Release, ...]]:
    """Turn the draft into a release.

    Parameters
    ----------
    board
        What may be told.
    day
        Day of the release, in ISO 8601.

    Returns
    -------
    board : TermBoard
        The same, with the number of the release.
    releases : tuple of Release
        The record with it. A release that says the same as the last one is that one.
    """
    content = board.content
    record = with_release(
        board.releases,
        content.counts,
        board.people.drop(columns="students"),
        district=content.district,
        term=content.term,
        released=day,
        statements=board.statements,
        said=[statement.to_dict() for statement in statements_of(content, {})],
        raw=board.raw,
    )
    return replace(board, content=replace(content, release=record[-1].number), releases=record), record
