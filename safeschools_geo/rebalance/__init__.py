"""Patrol zones: drafted from scratch, and changed as little as possible."""

from safeschools_geo.rebalance.propose import rebalance

__all__ = ["rebalance"]
