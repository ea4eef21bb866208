"""Imports only run down, steps do not import each other, and compute never imports drawing."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from checkout import ROOT

PACKAGE = ROOT / "safeschools_geo"
LAYERS = [
    {
        "errors",
        "file_names",
        "crs",
        "schemas",
        "settings",
        "toml_settings",
        "results",
        "conform",
        "shown",
        "programs",
        "check_report",
    },
    {"io", "validate", "row_filters", "layers", "zones", "schools", "incidents", "school_calendar", "district"},
    {"assign", "counts", "workload", "hotspots", "rebalance", "coverage", "disclosure"},
    {"term_results", "comparison_results", "board_content"},
    {"maps", "term_maps", "term_pages", "hotspot_maps", "plan_maps", "coverage_maps"}
    | {"board", "packet", "check_page", "export", "writing", "term_outputs", "plan_outputs", "coverage_outputs"},
    {"term", "term_ground", "term_scores", "term_plan", "term_watch", "term_absence", "term_visits", "term_coverage"}
    | {"term_board", "term_compare", "comparing", "notebook_runs", "commands", "cli", "__main__"},
]
LAYER_OF = {name: number for number, names in enumerate(LAYERS, start=1) for name in names}
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py" and "_demo" not in p.parts)


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_parts(path: Path) -> set[str]:
    """List the parts of the package that a module imports, be it for type checking only."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "safeschools_geo":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("safeschools_geo."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {a.name.split(".")[1] for a in node.names if a.name.startswith("safeschools_geo.")}
    return names - {"__version__"}


def test_every_module_has_a_layer():
    assert {part_of(p) for p in MODULES} == set(LAYER_OF)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_only_run_down(path):
    own = part_of(path)
    for other in imported_parts(path) - {own}:
        assert LAYER_OF[other] <= LAYER_OF[own], f"{own} imports {other} from a layer above"
        is_step = LAYER_OF[own] == 3
        may_use = {("rebalance", "workload")}
        assert not (is_step and LAYER_OF[other] == 3 and (own, other) not in may_use), (
            f"step {own} imports step {other}"
        )


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def imported_modules(path: Path) -> set[str]:
    """List the modules of the package that a module imports, or takes names from."""
    known = {module_of(p) for p in MODULES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE.name:
            start = node.module.removeprefix(PACKAGE.name).lstrip(".")
            inside = {f"{start}.{alias.name}".lstrip(".") for alias in node.names}
            found |= {name if name in known else start for name in inside}
    return found & known


def test_there_are_no_import_circles():
    parts, modules = {}, {}
    for path in MODULES:
        parts.setdefault(part_of(path), set()).update(imported_parts(path) - {part_of(path)})
        modules[module_of(path)] = imported_modules(path) - {module_of(path)}
    for graph in (parts, modules):
        TopologicalSorter(graph).prepare()


def is_private(dotted):
    return any(part.startswith("_") and not part.startswith("__") for part in dotted.split("."))


def test_nothing_private_of_other_packages_is_imported():
    found = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            names = [a.name for a in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            is_ours = module.startswith("safeschools_geo") or getattr(node, "level", 0)
            found += [f"{path.name}: {module} {n}" for n in names if not is_ours and is_private(f"{module}.{n}")]
    assert found == []
