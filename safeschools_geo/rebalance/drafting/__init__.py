"""Zones from scratch: contiguous, balanced, and compact."""
