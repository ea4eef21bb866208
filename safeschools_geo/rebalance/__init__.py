"""Patrol zones: drafted from scratch, and changed as little as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from safeschools_geo.rebalance.propose import rebalance

__all__ = ["rebalance"]


def __getattr__(name: str) -> object:
    """Import `rebalance` when it is asked for: a plan is verified without a solver."""
    if name == "rebalance":
        from safeschools_geo.rebalance.propose import rebalance  # noqa: PLC0415 - see above

        return rebalance
    raise AttributeError(name)
