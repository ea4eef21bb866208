"""Where the rule of a release comes from, in the language of the page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from safeschools_geo.disclosure import load_policy
from safeschools_geo.disclosure.policy import policy_names

if TYPE_CHECKING:
    from safeschools_geo.board.words import Words
    from safeschools_geo.board_content import BoardContent


def policy_source(content: BoardContent, words: Words) -> str:
    """Say where the rule of the release comes from.

    Parameters
    ----------
    content
        Everything the pages say.
    words
        The words.

    Returns
    -------
    str
        In the language of the page for a policy that ships with the product; as it is written for any other.
    """
    policy = content.counts.policy
    is_ours = policy.name in policy_names() and load_policy(policy.name).source == policy.source
    key = f"method.source_{policy.name}"
    return words(key) if is_ours and key in words.texts else policy.source
