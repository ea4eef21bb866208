"""Change one operator or number of a file after another, and list the changes that its tests do not notice.

python tools/mutate.py safeschools_geo/assign/_points.py tests/assign [--sample 60] [--seconds 120]

Each changed file is tested in a process of its own, forked when all libraries are loaded and before the package is.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas  # noqa: F401 - loaded once, before the forks
import highspy  # noqa: F401
import pytest

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

ROOT = Path(__file__).resolve().parent.parent
SWAPS: dict[type[ast.AST], Any] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.Not: ast.UAdd,
}


def changes(tree: ast.Module) -> list[tuple[int, int]]:
    """List the line, and the number in order, of each node that can be changed."""
    hidden = {id(n) for node in ast.walk(tree) for part in types_of(node) for n in ast.walk(part)}
    return [
        (node.lineno, number)
        for number, node in enumerate(ast.walk(tree))
        if id(node) not in hidden and isinstance(node, ast.expr) and change(copy.copy(node))
    ]


def changed(tree: ast.Module, number: int) -> tuple[str, ast.Module]:
    """Change a node of a copy, and say how."""
    other = copy.deepcopy(tree)
    node = list(ast.walk(other))[number]
    before = ast.unparse(node)
    change(node)
    return f"{before}  →  {ast.unparse(node)}", other


def types_of(node: ast.AST) -> list[ast.AST]:
    """List what of a node is a type."""
    return [part for name in ("annotation", "returns") if (part := getattr(node, name, None)) is not None]


def change(node: ast.AST) -> bool:
    """Change an operator or a number; say whether there was one."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.UnaryOp) and type(node.op) in SWAPS:
        node.op = SWAPS[type(node.op)]()
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        node.ops = [SWAPS[type(node.ops[0])](), *node.ops[1:]]
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        node.value = not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        node.value += 1
    else:
        return False
    return True


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Load the changed file in place of the one on the disk."""

    def __init__(self, name: str, file: Path, tree: ast.Module) -> None:
        self.name, self.file, self.tree = name, file, tree

    def find_spec(self, name: str, path: object, target: object = None, /) -> ModuleSpec | None:  # noqa: ARG002
        """Answer for the changed file alone."""
        return importlib.util.spec_from_file_location(name, self.file, loader=self) if name == self.name else None

    def exec_module(self, module: object) -> None:
        """Run the changed file."""
        exec(compile(ast.fix_missing_locations(self.tree), str(self.file), "exec"), vars(module))  # noqa: S102


def is_noticed(file: Path, tree: ast.Module, tests: list[str], seconds: int) -> bool:
    """Run the tests on a changed file; too long is noticed, too."""
    child = os.fork()
    if not child:
        signal.alarm(seconds)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        name = ".".join(file.relative_to(ROOT).with_suffix("").parts)
        sys.meta_path.insert(0, Changed(name, file, tree))
        os._exit(int(pytest.main([*tests, "-x", "-q", "-n0", "-p", "no:cacheprovider"])))
    return os.waitpid(child, 0)[1] != 0


def main() -> None:
    """List survivors, and how many there are of how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("tests", nargs="+")
    parser.add_argument("--sample", type=int, default=10**6)
    parser.add_argument("--seconds", type=int, default=120)
    given = parser.parse_args()
    os.environ["CI"] = "true"
    file = given.file.resolve()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    if is_noticed(file, tree, given.tests, given.seconds):
        sys.exit("The tests fail without a change.")
    every = changes(tree)
    tried = sorted(random.Random(0).sample(range(len(every)), min(given.sample, len(every))))  # noqa: S311
    survivors = 0
    for line, number in (every[i] for i in tried):
        what, other = changed(tree, number)
        if not is_noticed(file, other, given.tests, given.seconds):
            survivors += 1
            print(f"{given.file}:{line}: {what}", flush=True)
    print(f"{given.file}: {survivors} of {len(tried)} changes not noticed ({len(every)} there are).")


if __name__ == "__main__":
    main()
