"""Names of files made of ids: distinct and safe on every file system, and readable where they can be."""

import unicodedata
from pathlib import Path

import pytest
import town
from hypothesis import example, given
from hypothesis import strategies as st

from safeschools_geo.cli._main import main
from safeschools_geo.district._settings_file import settings_from
from safeschools_geo.errors import OutputError, SettingsError
from safeschools_geo.io._export import write_text
from safeschools_geo.text import file_names, folder_fault, folder_key, pair_name
from safeschools_geo.writing import output_folder

WINDOWS = {
    "con",
    "prn",
    "aux",
    "nul",
    "conin$",
    "conout$",
    *(f"{port}{n}" for port in ("com", "lpt") for n in range(10)),
}
LIKE_EACH_OTHER = st.text(alphabet="aAäÄ a\u0308ßsS.-_~+1①/", max_size=3)
IDS = st.one_of(
    st.text(max_size=60), LIKE_EACH_OTHER, st.sampled_from([*sorted(WINDOWS), "con.txt", "COM²", "..", "x" * 300])
)


def folded(name):
    return unicodedata.normalize("NFC", name.casefold())


@given(st.sets(IDS, max_size=12))
@example({"N-1", "N 1", "N_1", "n-1", "N.1", "N/1"})
@example({"Zoé", "Zoe\u0301", "ZOE", "", " ", "\t", "北", "南"})
@example({"a", "A", f"a~{'0' * 8}", "x" * 41, "x" * 42, "X" * 42})
def test_names_of_any_ids_are_distinct_and_safe(ids):
    names = file_names(ids)
    assert set(names) == ids
    assert len({folded(name) for name in names.values()}) == len(ids)
    for name in names.values():
        assert name.isascii()
        assert not set(name) & set('/\\:*?"<>|+ .')
        assert all(c.isprintable() for c in name)
        assert 0 < len(name) <= 113
        assert name.lower() not in WINDOWS
        assert not name.startswith("-")


@given(st.lists(IDS, max_size=8, unique=True), st.randoms())
def test_names_do_not_depend_on_the_order(ids, random):
    mixed = random.sample(ids, len(ids))
    assert file_names(mixed) == file_names(ids)


def test_names_stay_readable_where_they_are_distinct():
    assert file_names(["N-1", "Zone 2", "Peñasquitos", "7"]) == {
        "N-1": "N-1",
        "Zone 2": "Zone_2",
        "Peñasquitos": "Penasquitos",
        "7": "7",
    }
    twins = file_names(["N 1", "N_1", "N-1"])
    assert twins["N-1"] == "N-1"
    assert {name.split("~")[0] for one, name in twins.items() if one != "N-1"} == {"N_1"}


@given(st.lists(st.lists(IDS, min_size=1, max_size=3).map(tuple), max_size=6, unique=True))
def test_joined_names_are_distinct_too(cases):
    names = file_names(one for case in cases for one in case)
    assert len({folded("+".join(names[one] for one in case)) for case in cases}) == len(cases)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " ",
            ".",
            "..",
            ".hidden",
            "a/b",
            "a\\b",
            "a:b",
            "a*",
            "a?",
            'a"',
            "<a>",
            "a|b",
            "Fall ",
            " Fall",
            "Fall.",
        ),
        *("CON", "con", "Nul", "com1", "LPT9", "con.txt", "aux .2025", "COM¹", "CONIN$"),
        *("a\tb", "a\nb", "a\x00b", "a\x7fb", "a\u200bb", "a\u202eb", "a\u2028b", "\ufeffa"),
        *("x" * 250, "é" * 51),
    ],
)
def test_what_cannot_be_a_folder_has_a_reason(name):
    assert folder_fault(name)


@pytest.mark.parametrize(
    "name", ["Fall 2025", "2025-26", "Otoño 2025", "Term 1 (short)", "Console", "com10", "x" * 100, "秋"]
)
def test_plain_names_can_be_folders(name):
    assert folder_fault(name) is None


TERM_NAMES = st.text(min_size=1, max_size=30).filter(lambda name: folder_fault(name) is None)
WORDS = st.lists(st.sampled_from(["A", "a", "and", "AND", "B", "B~c"]), min_size=1, max_size=4).map(" ".join)


@given(st.lists(TERM_NAMES | WORDS, min_size=2, max_size=5, unique_by=folder_key))
def test_no_two_pairs_of_terms_share_a_folder(terms):
    pairs = [(a, b) for a in terms for b in terms if a != b]
    folders = [pair_name(*pair) for pair in pairs]
    assert len({folder_key(name) for name in folders}) == len(pairs)
    assert all(folder_fault(name) is None for name in folders)


def test_a_pair_of_terms_reads_as_such():
    assert pair_name("Fall 2024", "Spring 2025") == "Fall 2024 and Spring 2025"
    assert pair_name("A", "B and C") != pair_name("A and B", "C")


def of_terms(*names, more=""):
    days = [(f"2025-01-{1 + 2 * n:02d}", f"2025-01-{2 + 2 * n:02d}") for n in range(len(names))]
    table = {
        "district": {"name": "Ours", "time_zone": "America/Los_Angeles"} | ({"nonsense": 1} if more else {}),
        "terms": [{"name": name, "start": a, "end": b} for name, (a, b) in zip(names, days, strict=True)],
    }
    return settings_from(table, folder=Path(), where="district.toml")


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("CON",), "it is a name that Windows keeps for itself"),
        (("x" * 250,), "it is longer than 100 bytes"),
        (("a\x07b",), r"it holds a character that cannot be seen"),
        (("compare",), "outputs/ has a file or folder of that name"),
        (("Compare",), "outputs/ has a file or folder of that name"),
        (("Fall", "fall"), "one folder on some systems"),
        (("Oto\u00f1o", "Oton\u0303o"), "one folder on some systems"),
        (("Fall", "Fall"), "Two terms have the same name."),
    ],
)
def test_terms_that_cannot_be_folders_are_refused_with_the_remedy(names, said):
    with pytest.raises(SettingsError) as caught:
        of_terms(*names)
    assert said in str(caught.value)
    assert "ename" in str(caught.value)


def test_all_faults_of_terms_are_reported_at_once_and_beside_others():
    with pytest.raises(SettingsError) as caught:
        of_terms("CON", "a/b", "Fall", "FALL", "..", more="and a fault elsewhere")
    said = str(caught.value)
    for part in ("'CON'", "'a/b'", "'Fall', 'FALL'", "'..'", "nonsense", "5 faults"):
        assert part in said
    assert said.count("'Fall', 'FALL'") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        *([name, "TOWN"] for name in ("run", "check", "hotspots", "map", "coverage", "board", "rebalance")),
        *(["score", "TOWN", "--plan", "PLAN"], ["compare", "Fall", "CON", "TOWN"]),
    ],
)
def test_every_command_refuses_such_a_term(tmp_path, capsys, arguments):
    folder = town.write_town(tmp_path / "town", settings=town.SETTINGS.replace('name = "Spring"', 'name = "CON"'))
    before = sorted(folder.rglob("*"))
    places = {"TOWN": str(folder), "PLAN": str(folder / "district.toml")}
    with pytest.raises(SystemExit) as left:
        main([places.get(argument, argument) for argument in arguments])
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert "'CON': it is a name that Windows keeps for itself" in said
    assert "Rename the term in district.toml." in said
    assert sorted(folder.rglob("*")) == before


def write_both(target, first, second):
    with output_folder(target, is_listed=False) as fresh:
        write_text(fresh / first, "1")
        write_text(fresh / second, "2")


@pytest.mark.parametrize("second", ["visits/a.ics", "visits/A.ics", "Visits/a.ics"])
def test_no_run_writes_one_file_twice(tmp_path, second):
    with pytest.raises(OutputError, match="same file name"):
        write_both(tmp_path / "out", "visits/a.ics", second)
    assert list(tmp_path.iterdir()) == []
    write_both(tmp_path / "out", "visits/a.ics", "visits/b.ics")
    write_both(tmp_path / "other", "visits/a.ics", "visits/b.ics")
