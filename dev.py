"""Set up and run, with nothing but Python 3.11 or newer.

python dev.py demo        install what is needed and run the main job on the embedded demo district
python dev.py test        install what is needed and pass the tests
python dev.py lint        code style, docstrings, file headers
python dev.py types       strict type check
python dev.py notebooks   execute every notebook on the demo district
python dev.py lock        renew requirements.lock from pyproject.toml

Further arguments go to the command that is run, as in `python dev.py test -k assign`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = Path(os.environ.get("SAFESCHOOLS_VENV", ROOT / ".venv"))
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
LOCK = ROOT / "requirements.lock"
OLDEST_PYTHON = (3, 11)


def run(*arguments: str | Path) -> None:
    """Run Python of the environment with these arguments, and stop where it fails."""
    code = subprocess.run([PYTHON, *arguments], cwd=ROOT, check=False).returncode
    if code:
        sys.exit(code)


def install() -> None:
    """Make the environment and install the locked versions, unless that has been done."""
    wanted = LOCK.read_text(encoding="utf-8") + (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    stamp = VENV / "installed.txt"
    if PYTHON.exists() and stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"Setting up {VENV} (a few minutes the first time) …", flush=True)
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", LOCK)
    run("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--editable", ".")
    stamp.write_text(wanted, encoding="utf-8")


def demo(*arguments: str) -> None:
    """Run the main job on the embedded demo district."""
    run("-m", "safeschools_geo", "run", *arguments)


def test(*arguments: str) -> None:
    """Run the tests."""
    run("-m", "pytest", *arguments)


def lint(*arguments: str) -> None:
    """Check style and the contracts of imports; docstrings of what is public are tests."""
    run("-m", "ruff", "check", *arguments, ".")
    run("-m", "ruff", "format", "--check", ".")
    run("-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())")


def types(*arguments: str) -> None:
    """Check types."""
    run("-m", "mypy", *arguments)


def notebooks(*arguments: str) -> None:
    """Execute every notebook on the demo district."""
    run("-m", "safeschools_geo", "notebooks", *arguments)


def lock(*arguments: str) -> None:
    """Renew the lock file: versions only, for every platform, without addresses."""
    run("-m", "pip", "install", "--quiet", "uv")
    run(
        *("-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal", "--python-version", "3.11"),
        *("--no-header", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate", "--quiet"),
        *("--upgrade", *arguments, "--output-file", LOCK),
    )


TASKS = {task.__name__: task for task in (demo, test, lint, types, notebooks, lock)}


def main() -> None:
    """Do what the first argument says."""
    if sys.version_info < OLDEST_PYTHON:
        sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.")
    if len(sys.argv) < 2 or sys.argv[1] not in TASKS:  # noqa: PLR2004
        sys.exit(__doc__)
    install()
    TASKS[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
