import ast
import dataclasses
import datetime as dt
import typing
from pathlib import Path

import pytest

import safeschools_geo
from safeschools_geo.district._settings_file import load_settings, preset_names
from safeschools_geo.errors import FileReadError, SettingsError
from safeschools_geo.settings import Bells, HoursSettings, Settings, Term, WorkloadSettings

MINIMAL = '[district]\nname = "Ours"\ntime_zone = "America/Los_Angeles"\n'


def load(tmp_path, text):
    (tmp_path / "district.toml").write_text(text, encoding="utf-8")
    return load_settings(tmp_path)


def test_every_key_has_a_default_except_name_and_time_zone(tmp_path):
    settings = load(tmp_path, MINIMAL)
    assert settings.district.zones is None
    assert settings.workload.service_min["weapons"] == 75
    assert settings.incidents.unmapped == "stop"


def test_every_fault_is_named_at_once(tmp_path):
    text = MINIMAL.replace('"Ours"', "5") + '[incidents]\ntimes = "loc"\nname_scor = 3\n[assign]\nmax_snap_m = "far"\n'
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert "4 faults" in message
    for part in ("[district] name", "'loc'", "did you mean 'name_score'", "[assign] max_snap_m"):
        assert part in message


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('[district]\nname = "x"\n', "[district] time_zone: missing"),
        (MINIMAL.replace("Los_Angeles", "Los_Angelos"), "not a time zone"),
        (MINIMAL + 'crs = "EPSG:999999"\n', "not a coordinate reference system"),
        (MINIMAL + '[schools]\npreset = "cdee"\n', "none of cde, socrata"),
        (MINIMAL + '[[terms]]\nname = "a/b"\nstart = 2025-01-01\nend = 2025-02-01\n', "name of a folder"),
        (MINIMAL + '[[terms]]\nname = "a"\nstart = 2025-03-01\nend = 2025-02-01\n', "ends before it starts"),
        (MINIMAL + '[calendar]\nholidays = ["soon"]\n', "not a day"),
        (MINIMAL + "[workload.service_min]\nmurder = 10\n", "murder"),
        (MINIMAL + '[incidents.origins]\nPhone = "phoned"\n', "phoned"),
    ],
)
def test_a_wrong_value_is_refused_with_its_place(tmp_path, text, part):
    with pytest.raises(SettingsError, match=r"district\.toml|1 fault") as caught:
        load(tmp_path, text)
    assert part in str(caught.value)


def test_terms_may_not_overlap(tmp_path):
    terms = "".join(f'[[terms]]\nname = "{n}"\nstart = 2025-01-0{n}\nend = 2025-02-0{n}\n' for n in (1, 2))
    with pytest.raises(SettingsError, match="overlap"):
        load(tmp_path, MINIMAL + terms)


def test_terms_are_in_order_of_time_and_the_last_is_the_default(tmp_path):
    terms = "".join(f'[[terms]]\nname = "{y}"\nstart = {y}-01-06\nend = {y}-05-30\n' for y in (2026, 2024, 2025))
    settings = load(tmp_path, MINIMAL + terms)
    assert [t.name for t in settings.terms] == ["2024", "2025", "2026"]
    assert settings.term().name == "2026"
    assert settings.term("2024").start == dt.date(2024, 1, 6)
    with pytest.raises(SettingsError, match="no such term"):
        settings.term("2027")


def test_a_preset_lies_under_the_district_s_own_settings(tmp_path):
    own = '[schools]\npreset = "cde"\ncolumns = { name = "SchoolName" }\n[schools.keep]\nCDSCode = "3467447*"\n'
    schools = load(tmp_path, MINIMAL + own).schools
    assert schools.columns["school_id"] == "CDSCode"
    assert schools.columns["name"] == "SchoolName"
    assert schools.columns["level"] == ("GSserved", "EILCode")
    assert schools.keep == {"School": "?*", "StatusType": "Active", "CDSCode": "3467447*"}


def test_every_preset_loads(tmp_path):
    assert preset_names() == ["cde", "socrata"]
    settings = load(tmp_path, MINIMAL + '[schools]\npreset = "cde"\n[incidents]\npreset = "socrata"\n')
    assert settings.incidents.columns["incident_id"] == "ID"


def test_a_partial_table_keeps_the_other_defaults():
    assert WorkloadSettings(service_min={"weapons": 80.0}).service_min["weapons"] == 80
    assert WorkloadSettings(service_min={"weapons": 80.0}).service_min["intruder"] == 35


def test_hours_of_a_level():
    hours = HoursSettings(levels={"high": Bells(start=dt.time(7), end=dt.time(16, 30))})
    assert hours.of("high").hours == 9.5
    assert hours.of("middle").hours == 8


def test_settings_are_frozen():
    term = Term(name="a", start=dt.date(2025, 1, 1), end=dt.date(2025, 1, 2))
    with pytest.raises(AttributeError):
        term.name = "b"  # type: ignore[misc]


def test_no_folder_and_no_toml(tmp_path):
    with pytest.raises(FileReadError, match="safeschools new"):
        load_settings(tmp_path / "nowhere")
    with pytest.raises(FileReadError, match="not valid TOML"):
        load(tmp_path, "[district\n")


def leaves(kind, where=()):
    """List every setting with the names that lead to it."""
    hints = typing.get_type_hints(kind)
    for field in dataclasses.fields(kind):
        path, waiting, inner = (*where, field.name), [hints[field.name]], []
        while waiting:
            hint = waiting.pop()
            inner += [hint] if dataclasses.is_dataclass(hint) else []
            waiting += typing.get_args(hint)
        yield from [leaf for one in inner for leaf in leaves(one, path)] or [path]


def test_every_setting_is_read_somewhere():
    package = Path(safeschools_geo.__file__).parent
    files = [path for path in package.rglob("*.py") if path.parent.name != "settings"]
    nodes = [node for path in files for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    read = {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)}
    settings = list(leaves(Settings))
    assert ("coverage", "officer_cost_per_h") in settings
    assert len(settings) > 100
    assert [".".join(path) for path in settings if path[-1] not in read] == []


def test_pages_have_no_language_of_their_own_to_set(tmp_path):
    with pytest.raises(SettingsError, match=r"\[district\] lang: no such setting"):
        load(tmp_path, f'{MINIMAL}lang = "klingon-xx"\n')


TERM = '[[terms]]\nname = "Fall"\nstart = 2025-08-25\nend = 2025-12-19\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (MINIMAL + "[hours]\nnearest_school_m = 150\n", "[hours] nearest_school_m: no such setting here; it belongs"),
        (
            MINIMAL + '[holidays]\ndays = ["2025-12-25"]\n',
            "[holidays]: no such setting here; it belongs under [calendar]",
        ),
        (MINIMAL + 'locked = ["1"]\n', "[district] locked: no such setting here; it belongs under [rebalance]"),
        (MINIMAL + TERM.replace("[[terms]]", "[terms]"), "with two brackets: [[terms]]"),
        (MINIMAL + TERM.replace("2025-12-19", "2025-08-01"), "start 2025-08-25, end 2025-08-01"),
        (
            MINIMAL + TERM + TERM.replace("Fall", "Late").replace("2025-08-25", "2025-12-01"),
            "Fall ends on 2025-12-19, and Late starts on 2025-12-01",
        ),
        (MINIMAL + '[hours]\nstart = "08:00"\nend = "03:00"\n', "08:00 to 03:00"),
    ],
)
def test_what_is_wrong_says_what_was_found_and_where_it_belongs(tmp_path, text, said):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    assert said in str(caught.value)
    assert "have 1 fault:" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (MINIMAL.replace('"Ours"', "\u201cOurs\u201d").encode(), "straight"),
        (MINIMAL.replace("Ours", "Cañada").encode("cp1252"), "UTF-8"),
        (MINIMAL.encode("utf-16"), "UTF-8"),
        ((MINIMAL + "zones = 4\nzones = 5\n").encode(), "stands twice"),
        ((MINIMAL + "[hours]\n[hours]\n").encode(), "stands twice"),
        ((MINIMAL + '[incidents]\ncrs = "EPSG:4326"\n[[incidents]]\nname = "b"\n').encode(), "stands twice"),
        ((MINIMAL + '[zones]\nfile = "data\\zones.shp"\n').encode(), "in paths must be /"),
    ],
)
def test_a_file_that_is_no_toml_says_how_to_correct_what_is_in_the_way(tmp_path, text, remedy):
    (tmp_path / "district.toml").write_bytes(text)
    with pytest.raises(FileReadError) as caught:
        load_settings(tmp_path)
    assert remedy in caught.value.remedy
