"""Minutes over streets: reading and repairing roads, and the quickest ways on them."""
