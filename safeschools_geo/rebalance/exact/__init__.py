"""Few moves of few units: an exact choice among all the contiguous sets that a zone could consist of."""
