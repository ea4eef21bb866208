"""Hotspots: where harm concentrates, how sure that is, and what it rests on."""
