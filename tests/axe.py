"""Accessibility: what axe finds wrong on a page."""

from checkout import ROOT

_AXE = ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js"


def axe_faults(tab):
    tab.add_script_tag(path=_AXE)
    return tab.evaluate("axe.run().then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html).join()))")
