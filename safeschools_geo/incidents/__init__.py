"""The history of incidents: read from messy exports, categorised, tied to schools, and told who answers."""

from safeschools_geo.incidents.history import read_exports, read_incidents
from safeschools_geo.incidents.work import programme_work

__all__ = ["programme_work", "read_exports", "read_incidents"]
