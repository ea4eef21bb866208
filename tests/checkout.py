"""Where the checkout is, its command line, and what is done where a test lacks something."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest

from safeschools_geo.cli._main import main

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "data"


def missing(what: str) -> NoReturn:
    """Skip on a laptop, fail in CI: there, nothing may be left out for want of a browser or of data."""
    if os.environ.get("CI"):
        pytest.fail(f"{what} is required in CI")
    pytest.skip(what)


def call(*arguments: object) -> int:
    """Run the command line in this process; return its exit code."""
    with pytest.raises(SystemExit) as left:
        main([str(a) for a in arguments])
    return left.value.code
