"""Patrol coverage: who comes, how soon, and when nobody is free."""
