"""Imports only run down, doors are the only way in, and what is public is documented and means one thing."""

import ast
import importlib
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from checkout import ROOT
from numpydoc.validate import validate

PACKAGE = ROOT / "safeschools_geo"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if "_demo" not in p.parts and "_notebooks" not in p.parts)
DOORS = sorted(p.parent.name for p in PACKAGE.glob("*/__init__.pyi"))
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["numpydoc_validation"]


def names_of(door):
    tree = ast.parse((PACKAGE / door / "__init__.pyi").read_text(encoding="utf-8"))
    return [alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_the_contracts_of_imports_are_kept():
    code = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


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


def test_every_folder_has_an_interface():
    folders = {p.parent.name for p in PACKAGE.glob("*/*.py")} - {"_demo", "_notebooks"}
    assert folders == set(DOORS)


@pytest.mark.parametrize("door", DOORS)
def test_what_a_folder_exports_is_there_and_documented(door):
    folder = importlib.import_module(f"safeschools_geo.{door}")
    names = names_of(door)
    assert set(names) == set(folder.__all__)
    faults = []
    for name in names:
        thing = getattr(folder, name)
        if not getattr(thing, "__module__", "").startswith("safeschools_geo") or not hasattr(thing, "__qualname__"):
            continue
        found = validate(f"{thing.__module__}.{thing.__qualname__}")["errors"]
        faults += [f"{name}: {code} {text}" for code, text in found if code in SETTINGS["checks"]]
    assert faults == []


def test_a_public_name_means_one_thing():
    assert [name for name, times in Counter(n for door in DOORS for n in names_of(door)).items() if times > 1] == []


def test_files_are_of_a_size_that_can_be_read():
    lines = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert len(lines) <= 150
    assert {path: n for path, n in lines.items() if n > 900} == {}
    assert all(len(Path(path).parts) <= 3 for path in lines)
