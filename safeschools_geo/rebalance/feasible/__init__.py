"""Requests that no plan can meet: which of them conflict, and the nearest that could be met."""
