"""The command ``safeschools``: finds the command asked for, and turns faults into messages and exit codes."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from typing import TYPE_CHECKING

import click

from safeschools_geo import __version__
from safeschools_geo.errors import SafeSchoolsError, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


DONE, FAILED, INTERRUPTED = 0, 1, 130
_OBJECTS = 100_000
COMMANDS = {
    "run": ("_run", "Run a term: check, assign, count, find, propose, cover, protect, draw."),
    "new": (
        "_run",
        "Make a district folder from its files: columns, coordinates and dates are recognized by what they hold.",
    ),
    "check": ("_looks", "Validate a district folder: every fault at once, with ids and how to fix it."),
    "assign": ("_looks", "Write the zone of each point, one row for each, in the order of the file."),
    "hotspots": ("_looks", "Find the hotspots of a term: schools, groups, places, hours, repeats and trends."),
    "coverage": ("_looks", "Work out who comes, how soon, who helps, and who covers when an officer is absent."),
    "rebalance": (
        "_plans",
        "Propose the least change that evens the zones out, with a certificate of how good it is.",
    ),
    "score": ("_plans", "Score a plan on every measure, beside the current zones."),
    "verify": ("_looks", "Check the plan or the board packet in DIR again, without the solver."),
    "board": ("_run", "Write the packet for the board and the public: pages that open offline, PDF, and their audit."),
    "compare": (
        "_looks",
        "Compare two terms: zones of schools, loads, rates, and hotspots that emerged, persisted or faded.",
    ),
    "map": ("_looks", "Draw the maps of a term."),
    "draft-zones": (
        "_plans",
        "Draw contiguous, balanced zones that tile the district, with a bound on their travel; a first proposal.",
    ),
    "notebooks": ("_run", "Execute every notebook, and save each as a notebook and as an offline page."),
}
"""Name of a command → file of this folder that holds it, and what the list of commands says of it."""


class LazyGroup(click.Group):
    """Imports the module of a command only when that command is called; the list of commands imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the names of the commands, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        file = importlib.import_module(f"safeschools_geo.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(file, f"{cmd_name.replace('-', '_')}_command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="safeschools")
@click.option("--debug", is_flag=True, help="Show the traceback when something fails.")
def cli(*, debug: bool) -> None:
    """Zone planning and analytics for school-safety patrol programs."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    Parameters
    ----------
    arguments
        Arguments without the program's name; those of the process if left out.

    Raises
    ------
    SystemExit
        Always: 0 done, 1 bad input or failed, 2 wrong usage, 130 interrupted.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # --debug is allowed anywhere on the line: whoever adds it has just seen a command fail.
    debug = "--debug" in given
    given = [a for a in given if a != "--debug"]
    _speak_utf8()
    code = _run(given, debug=debug)
    if arguments is None and code == INTERRUPTED and _is_solver_left_behind():
        # The process would wait for it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run(arguments: list[str], *, debug: bool) -> int:
    _placed().clear()
    # A command makes many objects and drops few in circles: looking for these at every 700th takes a tenth of its time.
    gc.set_threshold(_OBJECTS, 20, 20)
    try:
        result = cli.main(arguments, prog_name="safeschools", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _show(f"Interrupted: {_kept_text()}.", debug=False)
        return INTERRUPTED
    except SafeSchoolsError as error:
        _show(f"Error: {error}", debug=debug)
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last resort: a message instead of a traceback
        _show(
            f"Error: {type(error).__name__}: {error}\n  This is a fault of the program, not of your data. "
            "Run it again with --debug and report what it shows.",
            debug=debug,
        )
        return FAILED
    return result if isinstance(result, int) else DONE


def _placed() -> list[Path]:
    """List what the command has written; what writes is loaded by those commands that do."""
    writing = sys.modules.get("safeschools_geo.writing")
    return [] if writing is None else writing.placed


def _is_solver_left_behind() -> bool:
    solver = sys.modules.get("safeschools_geo.solver")
    return solver is not None and solver.is_left_behind()


def _kept_text() -> str:
    """Say what was written before an interruption, and stays."""
    placed = dict.fromkeys(map(str, _placed()))
    return f"written before that, and whole: {', '.join(placed)}" if placed else "nothing was changed"


def _show(message: str, *, debug: bool) -> None:
    if debug:
        click.echo(traceback.format_exc(), err=True)
    click.echo(printable(message), err=True)


def _speak_utf8() -> None:
    # A Windows console may use a code page without "→"; a message must not fail for that.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


if __name__ == "__main__":
    main()
