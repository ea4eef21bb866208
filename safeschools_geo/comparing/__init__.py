"""Two terms beside each other: zones of both, the result, and what is written."""
