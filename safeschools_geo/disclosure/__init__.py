"""Disclosure control: what may be published about small groups of students, and what that gives away."""

from safeschools_geo.disclosure.audit import AuditReport, audit
from safeschools_geo.disclosure.grouping import Grouping
from safeschools_geo.disclosure.policy import Policy, load_policy
from safeschools_geo.disclosure.protect import protect
from safeschools_geo.disclosure.raw_table import RawTable
from safeschools_geo.disclosure.safe_table import SafeTable, require_safe

__all__ = [
    "AuditReport",
    "Grouping",
    "Policy",
    "RawTable",
    "SafeTable",
    "audit",
    "load_policy",
    "protect",
    "require_safe",
]
