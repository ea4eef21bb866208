"""Wrong usage of every command is exit 2, in one line that names the option, before any data file is opened."""

import datetime as dt
import inspect
import re
import subprocess
import sys

import click
import pytest
import town
from checkout import ROOT, call

from safeschools_geo.cli._common import LARGEST_SEED, CheckedCommand, messages
from safeschools_geo.cli._main import COMMANDS, cli

# Not tomorrow: midnight may pass between here and the test.
NEXT_WEEK = (dt.datetime.now(tz=dt.UTC).astimezone().date() + dt.timedelta(days=7)).isoformat()
OF_A_TERM = ("run", "hotspots", "coverage", "board", "map", "rebalance", "notebooks", "score")
SEEDED = ("run", "hotspots", "coverage", "board", "rebalance", "score")
UNITS = ("--units", "FILE", "--unit-id", "a", "--zone", "b", "--workload", "c", "--out", "NEW", "--max-moves", "1")
DRAFT = ("--district", "FILE", "--schools", "FILE", "--out", "NEW")
ASSIGN = ("--points", "FILE", "--zones", "FILE", "--out", "NEW")

USAGES = [
    *((name, ("--term", "Summer"), r"--term.*'Summer'.*'Fall', 'Spring'") for name in OF_A_TERM),
    *((name, ("--term", ""), r"--term.*''.*'Fall', 'Spring'") for name in OF_A_TERM),
    *((name, ("--term", "Fall", "--term", "Spring"), r"--term.*given 2 times") for name in OF_A_TERM),
    *((name, ("--seed", seed), r"--seed") for name in SEEDED for seed in ("-1", "1.5", "x", str(LARGEST_SEED + 1))),
    *((name, ("--out", "FILE"), r"--out.*is a file") for name in (*OF_A_TERM, "compare")),
    *((name, ("--out", ""), r"--out.*empty") for name in (*OF_A_TERM, "compare", "check")),
    *((name, ("--nonsense",), r"--nonsense") for name in COMMANDS),
    ("check", ("--out", "FOLDER"), r"--out.*is a directory"),
    ("check", ("--term", "Fall"), r"--term"),
    ("compare", ("Fall", "Fall"), r"TERM_B.*two different terms"),
    ("compare", ("Fall", "Summer"), r"TERM_B.*'Summer'.*'Fall', 'Spring'"),
    ("compare", ("Winter", "Fall"), r"TERM_A.*'Winter'.*'Fall', 'Spring'"),
    ("compare", ("Fall",), r"TERM_B|no term"),
    ("compare", ("Fall", "Spring", "--seed", "-1"), r"--seed"),
    ("board", ("--released", "2026-01-15"), r"--released.*--release"),
    ("board", ("--release", "--released", NEXT_WEEK), r"--released.*in the future"),
    ("board", ("--release", "--released", "15.1.2026"), r"--released"),
    ("rebalance", ("--max-moves", "2", "--tolerance", "0.1"), r"--max-moves or --tolerance, not both"),
    *(("rebalance", ("--max-moves", moves), r"--max-moves") for moves in ("-1", "x", "1.5")),
    *(("rebalance", ("--tolerance", text), r"--tolerance") for text in ("-0.1", "nan", "inf", "10%")),
    *(("rebalance", ("--time-limit", text), r"--time-limit") for text in ("0", "-1", "nan", "inf")),
    *(("rebalance", ("--together", ids), r"--together.*commas") for ids in ("a", "a,", "a,a", ",", "a,,b")),
    ("rebalance", ("--lock", ""), r"--lock.*empty"),
    *(
        ("rebalance", (option, value), rf"{option}.*goes with --units")
        for option, value in {
            "--unit-id": "a", "--zone": "b", "--workload": "c",
            "--adjacency": "FILE", "--no-zone": "0", "--crs": "4326",
        }.items()
    ),
    ("score", (), r"--plan"),
    ("score", ("--plan", "MISSING"), r"--plan.*does not exist"),
    ("score", ("--plan", "FOLDER"), r"--plan.*folder"),
]  # fmt: skip

WITHOUT_DISTRICT = [
    ("nonsense", (), r"nonsense"),
    *(("rebalance", tuple(x for x in UNITS if x not in UNITS[i : i + 2]), UNITS[i]) for i in (2, 4, 6, 8)),
    ("rebalance", UNITS[:-2], r"--max-moves K or --tolerance T"),
    ("rebalance", (*UNITS, "--term", "Fall"), r"--term.*does not go with --units"),
    ("rebalance", (*UNITS, "FOLDER"), r"DISTRICT or --units, not both"),
    ("rebalance", (*UNITS, "--crs", "nonsense"), r"--crs.*EPSG code"),
    ("rebalance", (*UNITS, "--zone", "d"), r"--zone.*given 2 times"),
    ("rebalance", (*UNITS, "--adjacency", "MISSING"), r"--adjacency.*does not exist"),
    ("rebalance", ("--units", "MISSING", *UNITS[2:]), r"--units.*does not exist"),
    ("rebalance", ("--units", "FOLDER", *UNITS[2:]), r"--units.*folder"),
    ("draft-zones", DRAFT[:4], r"--out"),
    ("draft-zones", DRAFT[2:], r"--district and --schools, or --units"),
    ("draft-zones", (*DRAFT, "--units", "FILE"), r"--district, --schools.*not both"),
    ("draft-zones", ("--units", "FILE", "--out", "NEW", "--lon", "x", "--lat", "y"), r"--lon, --lat.*--units"),
    ("draft-zones", ("FOLDER", *DRAFT), r"--district, --schools.*DISTRICT"),
    ("draft-zones", ("FOLDER", "--crs", "4326"), r"--crs.*DISTRICT"),
    ("draft-zones", (*DRAFT, "--unit-id", "a"), r"--unit-id.*goes with --units"),
    ("draft-zones", (*DRAFT, "--workload", "a"), r"--workload.*goes with --units"),
    *(("draft-zones", (*DRAFT, "--zones", n), r"--zones") for n in ("0", "-8", "x", "1.5")),
    *(("draft-zones", (*DRAFT, "--tolerance", n), r"--tolerance") for n in ("-1", "nan", "inf", "x")),
    ("draft-zones", (*DRAFT, "--seed", "-1"), r"--seed"),
    ("draft-zones", (*DRAFT, "--lon", "x"), r"--lon and --lat together"),
    ("draft-zones", (*DRAFT, "--lon", "x", "--lat", "x"), r"--lon and --lat name one column"),
    ("draft-zones", (*DRAFT, "--crs", "EPSG:0"), r"--crs.*EPSG code"),
    ("draft-zones", (*DRAFT, "--preset", "nonsense"), r"--preset.*cde"),
    ("draft-zones", (*DRAFT, "--objective", "beauty"), r"--objective"),
    *(("draft-zones", (*DRAFT, "--keep", text), r"--keep.*COL=PATTERN") for text in ("a", "=a", "a=")),
    ("draft-zones", ("--district", "MISSING", *DRAFT[2:]), r"--district.*does not exist"),
    ("draft-zones", (*DRAFT[:2], "--schools", "FOLDER", *DRAFT[4:]), r"--schools.*folder"),
    ("draft-zones", (*DRAFT[:4], "--out", "FOLDER"), r"--out.*is a directory"),
    ("assign", ASSIGN[2:], r"--points"),
    ("assign", ASSIGN[:2] + ASSIGN[4:], r"--zones"),
    ("assign", ASSIGN[:4], r"--out"),
    ("assign", ("--points", "MISSING", *ASSIGN[2:]), r"--points.*does not exist"),
    ("assign", (*ASSIGN[:2], "--zones", "MISSING", *ASSIGN[4:]), r"--zones.*does not exist"),
    ("assign", (*ASSIGN, "--previous", "MISSING"), r"--previous.*does not exist"),
    ("assign", (*ASSIGN[:4], "--out", "FOLDER"), r"--out.*is a directory"),
    ("assign", (*ASSIGN, "--lat", "y"), r"--lon and --lat together"),
    ("assign", (*ASSIGN, "--lon", "y", "--lat", "y"), r"--lon and --lat name one column"),
    ("assign", (*ASSIGN, "--id", "a", "--id", "b"), r"--id.*given 2 times"),
    ("assign", (*ASSIGN, "--id", ""), r"--id.*empty"),
    ("assign", (*ASSIGN, "--zone-id", " "), r"--zone-id.*empty"),
    ("assign", (*ASSIGN, "--wkt", "w", "--lon", "x", "--lat", "y"), r"--lon and --lat, or --wkt"),
    *(("assign", (*ASSIGN, option, "99"), rf"{option}.*EPSG code") for option in ("--crs", "--zones-crs")),
    *(("assign", (*ASSIGN, "--max-snap", n), r"--max-snap") for n in ("-1", "nan", "inf", "far")),
    ("run", ("",), r"DISTRICT.*empty"),
    ("run", ("FILE",), r"DISTRICT.*is a file"),
    ("new", (), r"DIR"),
    ("new", ("",), r"DIR.*empty"),
    ("new", ("NEW", "--preset", "nonsense"), r"--preset.*cde"),
    ("verify", (), r"DIR"),
    ("verify", ("FILE",), r"DIR.*is a file"),
]


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Make a district whose settings are right and whose data nobody can read."""
    root = tmp_path_factory.mktemp("garbage")
    folder = town.write_town(root / "town")
    for path in folder.rglob("data/*/*"):
        path.write_bytes(b"\x00\xffgarbage")
    (root / "file.bin").write_bytes(b"\x00\xffgarbage")
    (root / "folder").mkdir()
    return {
        "TOWN": folder,
        "FILE": root / "file.bin",
        "FOLDER": root / "folder",
        "NEW": root / "new",
        "MISSING": root / "no",
    }


def refused(places, capsys, arguments, said):
    before = sorted(places["TOWN"].parent.rglob("*"))
    assert call(*(places.get(a, a) for a in arguments)) == 2
    text = capsys.readouterr().err
    (error,) = [line for line in text.splitlines() if line.startswith("Error: ")]
    assert re.search(said, error)
    assert text.rstrip().endswith(error)
    assert "Traceback" not in text
    assert sorted(places["TOWN"].parent.rglob("*")) == before


@pytest.mark.parametrize(("name", "more", "said"), USAGES)
def test_wrong_usage_of_a_district_is_found_before_its_data(places, capsys, name, more, said):
    terms = ("Fall", "Spring") if name == "compare" and more[0].startswith("--") else ()
    plan = ("--plan", "FILE") if name == "score" and "--plan" not in more and more else ()
    district = {"assign": (), "draft-zones": (), "new": (), "verify": ()}.get(name, ("TOWN",))
    own = more[:2] if name == "compare" and not terms else ()
    refused(places, capsys, (name, *terms, *own, *district, *more[len(own) :], *plan), said)


@pytest.mark.parametrize(("name", "arguments", "said"), WITHOUT_DISTRICT)
def test_wrong_usage_of_files_is_found_before_they_are_opened(places, capsys, name, arguments, said):
    refused(places, capsys, (name, *arguments), said)


def test_a_right_usage_of_that_district_fails_on_its_data(places, capsys):
    assert call("run", places["TOWN"], "--seed", LARGEST_SEED) == 1
    assert call("assign", *(places.get(a, a) for a in ASSIGN), "--crs", "4326") == 1
    assert "Usage" not in capsys.readouterr().err


def test_every_command_checks_its_usage_and_declares_shared_options_once():
    seen = {}
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert isinstance(command, CheckedCommand)
        for param in command.params:
            # NaN is in every range of click's own.
            assert type(param.type) is not click.FloatRange
            if param.name in {"term", "seed", "as_json", "strict"}:
                declared = (type(param.type), param.help, param.default, param.opts)
                assert seen.setdefault(param.name, declared) == declared


def test_help_says_of_each_command_what_the_command_says_of_itself():
    for name, (_, about) in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        first = " ".join(inspect.cleandoc(command.help).split("\n\n")[0].split())
        assert about == re.split(r"(?<=\.) ", first)[0]


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"], ["nonsense"]])
def test_help_imports_nothing_heavy(arguments):
    heavy = (
        "geopandas",
        "pandas",
        "numpy",
        "shapely",
        "pyproj",
        "folium",
        "highspy",
        "rich",
        "safeschools_geo.commands",
    )
    code = (
        "import sys\nfrom safeschools_geo.cli._main import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert found.stdout.splitlines()[-1] == "[]"


def test_names_in_messages_do_nothing_to_the_terminal(capsys):
    messages().print("School \x1b]0;title\x07\x1b[31mred [bold]name[/bold] \u00e9")
    assert "School \\x1b]0;title" in (said := capsys.readouterr().err)
    assert "\x1b" not in said
    assert "[bold]name[/bold] \u00e9" in said
