"""Geospatial zone planning and analytics for school-safety patrol programs."""

__version__ = "0.1.0"
