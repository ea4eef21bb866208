"""Colours that readers with any colour vision can tell apart."""

from __future__ import annotations

NEIGHBOUR_FILLS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2", "#999999")
"""Fills of zones, M. Okabe and K. Ito, "Color universal design", 2008; the first few are enough for any plane map."""

CATEGORY_COLORS = {
    "assault_battery": "#cc3311",
    "weapons": "#332288",
    "intruder": "#ddcc77",
    "gang_activity": "#882255",
    "alcohol_drugs": "#117733",
    "assessment_5150": "#88ccee",
    "threat_assessment": "#aa4499",
    "welfare_check": "#44aa99",
    "non_critical": "#bbbbbb",
}
"""Colours of the categories, after P. Tol, "Colour schemes", SRON/EPS/TN/09-002, 2021."""

LEVEL_MARKS = {
    "elementary": ("circle", "#ffffff"),
    "middle": ("square", "#56b4e9"),
    "high": ("triangle", "#d55e00"),
    "k8": ("diamond", "#f0e442"),
    "other": ("cross", "#cc79a7"),
}
"""Shape and colour of a school, by level: either alone is enough to tell them apart."""

STATUS_MARKS = {
    "high": ("triangle", "#7a0019"),
    "rests_on_officer_initiated": ("diamond", "#f0b000"),
    "not_high": ("circle", "#ffffff"),
    "insufficient_data": ("circle", "#b5b5b0"),
    "no_denominator": ("cross", "#b5b5b0"),
}
"""Shape and colour of a school, by what its test says; grey is for what cannot be said."""

RATE_FILLS = ("#ffffcc", "#a1dab4", "#41b6c4", "#2574ad", "#253494")
"""Fills from low to high, "YlGnBu" of C. A. Brewer, ColorBrewer 2.0; safe for colour-blind readers and in grey. The
fourth is a shade darker than hers, so that white numbers can be read on it."""

RING = "#a4002a"
