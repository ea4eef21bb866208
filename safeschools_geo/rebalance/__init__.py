"""Patrol zones drafted from scratch and, later, changed as little as possible."""
