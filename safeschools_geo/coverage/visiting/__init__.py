"""A week of routine visits: needs, days, routes, times, files, and an independent check."""
