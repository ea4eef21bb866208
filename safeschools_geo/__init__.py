"""Geospatial zone planning and analytics for school-safety patrol programmes."""

__version__ = "0.1.0"
