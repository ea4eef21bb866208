"""Two terms beside each other: zones of both, and what is written."""
