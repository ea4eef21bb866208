"""What several commands share: options and wrong usage of them, progress, and how results are printed."""

from __future__ import annotations

import datetime as dt
import json
import math
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from click.core import ParameterSource
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from safeschools_geo import district as districts
from safeschools_geo import term as terms
from safeschools_geo.crs import parse_crs
from safeschools_geo.errors import CRSError, InputError, printable
from safeschools_geo.writing import output_folder, releases_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pandas as pd
    from rich.console import ConsoleOptions, RenderableType
    from rich.segment import Segment

    from safeschools_geo.results import TermResult
    from safeschools_geo.settings import Settings


LARGEST_SEED = 2**31 - 1
"""Largest seed that every generator and the solver take."""


class CheckedCommand(click.Command):
    """A command whose wrong usage ends it with exit code 2 before any data are read.

    `check` is called with the context, and refuses options that do not go together with a `click.UsageError`.
    """

    def __init__(self, *args: Any, check: Callable[[click.Context], None] | None = None, **kwargs: Any) -> None:  # noqa: ANN401
        super().__init__(*args, **kwargs)
        self._check = check

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and refuse what cannot be meant."""
        *_, order = self.make_parser(ctx).parse_args(args=list(args))
        for param, times in Counter(order).items():
            if times > 1 and isinstance(param, click.Option) and not (param.multiple or param.is_flag or param.count):
                raise click.BadParameter(f"it is given {times} times, and takes one value.", ctx=ctx, param=param)
        rest = super().parse_args(ctx, args)
        if self._check is not None:
            self._check(ctx)
        _require_terms(ctx)
        return rest


def _require_terms(ctx: click.Context) -> None:
    """Refuse terms that the settings do not name; of the district, only these are read."""
    asked = [param for param in ctx.command.params if param.name in {"term", "term_a", "term_b"}]
    if not asked or ctx.params.get("units") is not None:
        return
    settings = districts.load_settings(ctx.params.get("district") or districts.demo_folder())
    settings.term()
    known = [term.name for term in settings.terms]
    names = [ctx.params[str(param.name)] for param in asked]
    for param, name in zip(asked, names, strict=True):
        if name is not None and name not in known:
            message = f"there is no term {name!r}; district.toml names {', '.join(map(repr, known))}."
            raise click.BadParameter(message, ctx=ctx, param=param)
    if len(names) > len(set(names)):
        raise click.BadParameter("it is TERM_A again; two different terms are compared.", ctx=ctx, param=asked[-1])


def refuse_options(ctx: click.Context, names: Iterable[str], *, because: str) -> None:
    """Refuse options that do not go with what else is given."""
    given = [
        param.opts[0]
        for param in ctx.command.params
        if param.name in set(names) and ctx.get_parameter_source(param.name) is ParameterSource.COMMANDLINE
    ]
    if given:
        raise click.UsageError(f"{', '.join(given)}: {because}.", ctx=ctx)


class _PathType(click.Path):
    """A path that is not empty: `--out "$UNSET"` would else mean the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        if not str(value).strip():
            self.fail("a path is expected, and the text is empty.", param, ctx)
        return super().convert(value, param, ctx)


class _DataFile(_PathType):
    """A file to be read, or a File Geodatabase, which is a folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        path = super().convert(value, param, ctx)
        if path.is_dir() and path.suffix.lower() != ".gdb":
            self.fail(f"{str(value)!r} is a folder, and a file is expected.", param, ctx)
        return path


class _Finite(click.FloatRange):
    """A number in a range; neither infinite nor NaN, which passes every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number.", param, ctx)
        return number


class _Name(click.ParamType[str]):
    """A text that is not empty."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        if not str(value).strip():
            self.fail("a name is expected, and the text is empty.", param, ctx)
        return str(value)


class _Crs(_Name):
    """A text that names a CRS."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        text = super().convert(value, param, ctx)
        try:
            parse_crs(text)
        except CRSError as error:
            self.fail(f"{text!r} is no coordinate reference system; expected {error.expected}.", param, ctx)
        return text


class _Ids(_Name):
    """Two ids or more, with commas between them."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        ids = tuple(value) if isinstance(value, tuple) else tuple(part.strip() for part in str(value).split(","))
        if len(ids) == 1 or len(set(ids)) < len(ids) or not all(ids):
            self.fail(f"{value!r} is not two different ids or more with commas between, as in A,B.", param, ctx)
        return ids


class _Pattern(_Name):
    """A column and a pattern of its values."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        if isinstance(value, tuple):
            return value
        column, equals, pattern = str(value).partition("=")
        if not (column.strip() and equals and pattern):
            self.fail(f"{value!r} is not COL=PATTERN.", param, ctx)
        return column, pattern


class _Day(click.DateTime):
    """A day that has come."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401
        day = super().convert(value, param, ctx)
        if day.date() > dt.datetime.now(tz=dt.UTC).astimezone().date():
            self.fail(f"{value} is in the future; a day up to today is expected.", param, ctx)
        return day


FILE_IN = _DataFile(exists=True, path_type=Path)
FILE_OUT = _PathType(dir_okay=False, path_type=Path)
FOLDER = _PathType(file_okay=False, path_type=Path)
NAME, CRS_TEXT, IDS, PATTERN, DAY = _Name(), _Crs(), _Ids(), _Pattern(), _Day(["%Y-%m-%d"])
NOT_NEGATIVE, POSITIVE = _Finite(min=0), _Finite(min=0, min_open=True)

district_argument = click.argument("district", required=False, type=FOLDER, metavar="[DISTRICT]")
term_option = click.option("--term", metavar="NAME", help="Term of district.toml; the last one if left out.")
seed_option = click.option(
    "--seed",
    type=click.IntRange(0, LARGEST_SEED),
    metavar="N",
    default=0,
    show_default=True,
    help="Seed of everything random.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on standard output.")
strict_option = click.option("--strict", is_flag=True, help="Fail (exit 1) when rows are rejected.")


def out_option(help_text: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Make the option ``--out``."""
    return click.option("--out", type=FOLDER, metavar="DIR", help=help_text)


class _Messages(Console):
    """A console on which text of data is text: no markup, and no control character reaches the terminal."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=printable(segment.text))


def messages() -> Console:
    """Open the console for messages."""
    return _Messages(stderr=True, highlight=False, markup=False)


def say(text: str) -> None:
    """Print a message, on one line however long."""
    messages().print(text, soft_wrap=True)


def folder_of(district: Path | None) -> Path:
    """Find the district folder a user means."""
    if district is not None:
        return district
    messages().print("No district given: using the embedded demo district, which is synthetic.")
    return districts.demo_folder()


def outputs_of(settings: Settings, out: Path | None) -> Path:
    """Find the folder that outputs go to."""
    return districts.outputs_folder(settings) if out is None else out


def releases_file(settings: Settings) -> Path:
    """Find the record of releases."""
    if settings.folder == districts.demo_folder():
        return outputs_of(settings, None) / settings.board.releases
    return settings.folder / settings.board.releases


def inputs_of(settings: Settings) -> list[Path]:
    """List what a command reads, and what nothing but a release may write."""
    record = releases_file(settings)
    return [*districts.input_files(settings), record, releases_folder(record)]


class PartOfTerm(NamedTuple):
    """A part of a term's outputs in the making: where it goes, where it is written, and how its steps are said."""

    settings: Settings
    target: Path
    fresh: Path
    begin: Progressed


@contextmanager
def part_of_term(
    folder: Path, term: str | None, out: Path | None, part: str, *, steps: int, public: str | None = None
) -> Iterator[PartOfTerm]:
    """Write one part of a term's outputs, into the folder of the term unless another is named."""
    settings = districts.load_settings(folder)
    home = outputs_of(settings, None) / settings.term(term).name
    target = out or home / part
    place = output_folder(target, within=home, inputs=inputs_of(settings), public=public)
    with place as fresh, progress_of(steps) as begin:
        yield PartOfTerm(settings, target, fresh, begin)


@contextmanager
def remedied_by(ways: Mapping[str, str]) -> Iterator[None]:
    """Name options in the remedies of errors whose remedy is a setting; `*` is for settings without an option."""
    try:
        yield
    except InputError as error:
        raise error.remedied_by(ways) from error


class Progressed:
    """Says which step of a run has begun, and what a long one is doing."""

    _QUIET_S = 5.0  # Where lines stay, what a step is doing is said no more often than this.

    def __init__(self, console: Console, progress: Progress, total: int) -> None:
        self._console, self._progress, self._total = console, progress, total
        self._task = progress.add_task("Starting", total=total)
        self._begun: list[str] = []
        self._said_at = time.monotonic()

    def __call__(self, step: str) -> None:
        if self._begun:
            self._progress.advance(self._task)
        self._begun.append(step)
        self._progress.update(self._task, description=step)
        self._print(step)

    def part(self, what: str) -> None:
        """Say what the step is doing."""
        said = f"{self._begun[-1] if self._begun else 'Starting'}: {what}"
        self._progress.update(self._task, description=said)
        if time.monotonic() - self._said_at > self._QUIET_S:
            self._print(said)

    def _print(self, said: str) -> None:
        self._said_at = time.monotonic()
        if not self._console.is_terminal:
            self._console.print(f"[{len(self._begun)}/{self._total}] {said}")


@contextmanager
def progress_of(total: int) -> Iterator[Progressed]:
    """Show the progress of a run of several steps."""
    console = messages()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        begun = Progressed(console, progress, total)
        yield begun
        progress.advance(progress.task_ids[0])


def run_to_hotspots(folder: Path, term: str | None, seed: int, begin: Progressed) -> TermResult:
    """Run a term as far as its hotspots: what looks at these, or at a plan of its own, needs no more."""
    return terms.run_term(
        folder,
        term=term,
        seed=seed,
        proposes=False,
        covers=False,
        protects=False,
        on_step=begin,
        on_part=begin.part,
    )


def plain_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Make rows of a table as JSON has them, which knows no infinity."""
    plain = table.replace([math.inf, -math.inf], math.nan)
    rows = plain.astype(object).where(plain.notna(), None).to_dict("records")
    return [{str(name): cell for name, cell in row.items()} for row in rows]


def print_json(value: object) -> None:
    """Print a result as JSON on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
