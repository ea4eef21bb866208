"""Every command that writes: what it did not write stays, whatever ``--out`` is."""

import hashlib
import json
import stat

import geopandas as gpd
import pandas as pd
import pytest
import town
from test_cli import call, points_file
from test_writing import tree, write

from safeschools_geo.disclosure._ledger import read_ledger
from safeschools_geo.io._export import write_text
from safeschools_geo.writing import output_folder

pytestmark = pytest.mark.usefixtures("worked_out_once")
FOLDERS = {
    "run": ("run", "{town}", "--term", "Fall", "--out", "{out}"),
    "hotspots": ("hotspots", "{town}", "--term", "Fall", "--out", "{out}"),
    "map": ("map", "{town}", "--term", "Fall", "--out", "{out}"),
    "coverage": ("coverage", "{town}", "--term", "Fall", "--out", "{out}"),
    "board": ("board", "{town}", "--term", "Fall", "--out", "{out}"),
    "release": ("board", "{town}", "--term", "Fall", "--release", "--first-release", "--out", "{out}"),
    "compare": ("compare", "Fall", "Spring", "{town}", "--out", "{out}"),
    "score": ("score", "{town}", "--term", "Fall", "--plan", "{plan}", "--out", "{out}"),
    "rebalance": ("rebalance", "{town}", "--term", "Fall", "--max-moves", "1", "--out", "{out}"),
    "units": (
        *("rebalance", "--units", "{units}", "--unit-id", "area", "--zone", "beat", "--workload", "minutes"),
        *("--max-moves", "1", "--free-roots", "--out", "{out}"),
    ),
    "notebooks": ("notebooks", "{town}", "--term", "Fall", "--out", "{out}"),
}
BELOW = {"run": "Fall", "compare": "compare/Fall and Spring"}
FILES = {
    "check": ("check", "{town}", "--out", "{out}"),
    "assign": ("assign", "--points", "{points}", "--zones", "{zones}", "--out", "{out}", "--id", "code"),
    "draft-zones": (
        *("draft-zones", "--district", "{zones}", "--schools", "{schools}", "--crs", "4326"),
        *("--zones", "2", "--out", "{out}"),
    ),
}


@pytest.fixture
def given(tmp_path, monkeypatch):
    """Write what the commands read; return the words that stand for it."""
    folder = town.write_town(tmp_path / "town")
    district = tmp_path / "district.geojson"
    town.zones().dissolve().to_file(district)
    squares = [town.square(x, 0, x + 500, 500) for x in (0, 500, 1000, 1500)]
    units = gpd.GeoDataFrame({"area": list("abcd"), "beat": list("AAAB"), "minutes": [3, 1, 1, 1]}, geometry=squares)
    units.set_crs(4326).to_file(tmp_path / "units.gpkg")
    pd.DataFrame({"unit_id": ["001", "002"], "zone_after": ["A", "B"]}).to_csv(tmp_path / "plan.csv", index=False)

    def notebooks(out, **_):
        write_text(out / "a.html", "executed")
        return [out / "a.html"]

    # Executing them takes minutes, and is tested by itself.
    monkeypatch.setattr("safeschools_geo.term.run_notebooks", notebooks)
    return {
        "town": folder,
        "plan": tmp_path / "plan.csv",
        "units": tmp_path / "units.gpkg",
        "points": points_file(tmp_path / "points.csv"),
        "zones": folder / "data/boundaries/zones.geojson",
        "schools": folder / "data/boundaries/schools.csv",
    }


def run(words, given, out):
    return call(*(word.format(**given, out=out) for word in words))


def is_true(folder):
    """Say whether the manifest of a folder lists what is there, as it is."""
    listed = json.loads((folder / "manifest.json").read_text("utf-8"))["outputs"]
    return listed == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed}


@pytest.mark.parametrize("name", [*FOLDERS, "new"])
@pytest.mark.parametrize("kind", ["stranger", "file", "damaged"])
def test_what_is_not_ours_is_refused_before_the_work(given, tmp_path, name, kind, capsys):
    out = tmp_path / "victim"
    target = out / BELOW.get(name, ".")
    if kind == "file":
        write_text(target, "mine") if target != out else out.write_text("mine", encoding="utf-8")
    else:
        write_text(target / "sub" / "notes.txt", "mine")
        if kind == "damaged":
            write_text(target / "manifest.json", '{"product": {"name": "safeschools-geo"}, "outputs": {"../x": ""}}')
    before = tree(tmp_path)
    # What is given is a file: that is seen before anything is read.
    is_usage = kind == "file" and name not in BELOW
    assert (call("new", out) if name == "new" else run(FOLDERS[name], given, out)) == (2 if is_usage else 1)
    said = capsys.readouterr().err
    assert tree(tmp_path) == before
    assert "Reading" not in said
    if is_usage:
        assert "is a file" in said
    else:
        assert "Nothing was changed" in said or "The output folder is a file" in said
        assert all(part in said for part in ("Where:", "Expected:", "Remedy:"))


@pytest.mark.parametrize("name", FOLDERS)
def test_in_a_folder_of_ours_only_what_it_lists_is_replaced(given, tmp_path, name):
    real, link = tmp_path / "disk", tmp_path / "link"
    target = real / BELOW.get(name, ".")
    write(target, {"stale.csv": "ours", "deep/stale.csv": "ours"})
    write_text(target / "notes.txt", "mine")
    write_text(target / "deep" / "notes.txt", "mine")
    (target / "empty").mkdir()
    link.symlink_to(real)
    assert run(FOLDERS[name], given, f"{link}/") == 0
    assert link.is_symlink()
    found = tree(target)
    assert {found["notes.txt"], found["deep/notes.txt"]} == {"mine"}
    assert found["empty"] is None
    assert not {"stale.csv", "deep/stale.csv"} & found.keys()
    assert is_true(target)
    assert len(json.loads(found["manifest.json"])["outputs"]) > 0
    assert not [p for p in tmp_path.rglob("*") if "safeschools" in p.name]
    kinds = (0o755, 0o644) if name in {"board", "release"} else (0o700, 0o600)
    own = json.loads(found["manifest.json"])["outputs"]
    if name == "run":
        own = [listed for listed in own if not listed.startswith("board/")]
    assert {stat.S_IMODE((target / listed).stat().st_mode) for listed in own} == {kinds[1]}
    assert stat.S_IMODE(target.stat().st_mode) == kinds[0]


@pytest.mark.parametrize("part", ["hotspots", "plan", "maps", "coverage", "board"])
def test_a_part_of_a_term_is_written_into_it(given, part):
    home = given["town"] / "outputs" / "Fall"
    names = {"plan": "rebalance", "maps": "map"}
    words = FOLDERS[names.get(part, part)][:-2]
    assert call(*(word.format(**given) for word in words)) == 0
    write(home / "other", {"x.csv": "own folder"})
    write_text(home / part / "notes.txt", "mine")
    first = tree(home)
    assert run(FOLDERS[names.get(part, part)], given, home / part) == 0
    assert is_true(home)
    assert tree(home) == first
    manifest = json.loads(first["manifest.json"])
    assert set(manifest["parts"]) == {part}
    assert all(name.startswith(f"{part}/") for name in manifest["outputs"])
    assert f"{part}/manifest.json" not in first


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_written_again_only_by_the_command_that_wrote_it(given, tmp_path, name, capsys):
    out, link = tmp_path / "sub" / "out", tmp_path / "link"
    assert run(FILES[name], given, out) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    first = out.read_bytes()
    link.symlink_to(out)
    assert run(FILES[name], given, link) == 0
    assert link.is_symlink()
    assert out.read_bytes() == first
    capsys.readouterr()
    # As a person may change it: a column or a note more.
    head, rest = first.split(b"\n", 1)
    out.write_bytes(head + b",note\n" + rest if name == "assign" else first.replace(b"safeschools-geo", b"somebody"))
    before = tree(tmp_path)
    assert run(FILES[name], given, out) == 1
    assert "a file that this command did not write" in " ".join(capsys.readouterr().err.split())
    assert tree(tmp_path) == before


def test_the_files_of_one_command_are_not_those_of_another(given, tmp_path):
    for name, words in FILES.items():
        assert run(words, given, tmp_path / name) == 0
    before = tree(tmp_path)
    for words in FILES.values():
        for name, other in FILES.items():
            if words is not other:
                assert run(words, given, tmp_path / name) == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "out", ["{town}/district.toml", "{points}", "{zones}", "{schools}", "{town}/../town/district.toml"]
)
def test_no_input_is_overwritten(given, tmp_path, name, out):
    before = tree(tmp_path)
    assert run(FILES[name], given, out.format(**given)) == 1
    assert tree(tmp_path) == before


@pytest.mark.parametrize("name", sorted(FOLDERS.keys() - {"units", "run", "compare"}))
@pytest.mark.parametrize(
    "out", ["{town}", "{town}/data", "{town}/data/incidents/new", "{town}/data/boundaries", "{town}/releases", "{plan}"]
)
def test_no_output_lies_among_the_inputs_or_around_them(given, tmp_path, name, out):
    before = tree(tmp_path)
    # A file in place of a folder is seen before anything is read.
    assert run(FOLDERS[name], given, out.format(**given)) == (2 if out == "{plan}" else 1)
    assert tree(tmp_path) == before


def test_a_term_is_not_written_where_inputs_are(given, tmp_path, capsys):
    toml = given["town"] / "district.toml"
    toml.write_text(town.SETTINGS.replace('"Fall"', '"incidents"'), encoding="utf-8")
    before = tree(tmp_path)
    assert call("run", given["town"], "--term", "incidents", "--out", given["town"] / "data") == 1
    assert "which is an input" in " ".join(capsys.readouterr().err.split())
    assert tree(tmp_path) == before


def test_a_plan_is_not_replaced_by_its_scores(given, tmp_path, capsys):
    write(tmp_path / "plan", {"plan.csv": (tmp_path / "plan.csv").read_text("utf-8")})
    words = ("score", given["town"], "--term", "Fall", "--plan", tmp_path / "plan/plan.csv", "--out", tmp_path / "plan")
    assert call(*words) == 1
    assert "which is an input" in " ".join(capsys.readouterr().err.split())


def test_the_second_of_two_commands_names_the_first(given, monkeypatch, capsys):
    monkeypatch.setattr("safeschools_geo.writing._WAIT_S", 0.1)
    with output_folder(given["town"] / "outputs" / "Fall"):
        for name in ("run", "hotspots", "board"):
            assert call(*(word.format(**given) for word in FOLDERS[name][:-2])) == 1
            said = " ".join(capsys.readouterr().err.split())
            assert "Another command is writing there." in said
            assert "Found: process " in said


# Releases


def released(given, *more):
    first = () if (given["town"] / "releases.jsonl").exists() else ("--first-release",)
    return call("board", given["town"], "--term", "Fall", "--release", "--released", "2026-01-15", *first, *more)


def test_a_release_stays_whatever_runs_after_it(given, tmp_path, capsys):
    folder = given["town"]
    assert released(given, "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    packet = folder / "releases" / "1"
    assert (printed["out"], printed["release"], printed["is_new"]) == (packet.as_posix(), 1, True)
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in packet.rglob("*") if p.is_file()}
    assert "Release 1" in (packet / "index.html").read_text("utf-8")
    assert {stat.S_IMODE(p.stat().st_mode) for p in (packet, *packet.rglob("*"))} == {0o555, 0o444}
    assert stat.S_IMODE((folder / "releases.jsonl").stat().st_mode) == 0o600
    assert not (folder / "outputs").exists()
    assert call("verify", packet) == 0
    for words in (("run", folder), ("board", folder), ("board", folder, "--out", tmp_path / "draft")):
        assert call(*words, "--term", "Fall") == 0
    assert "Draft, not for release" in (folder / "outputs/Fall/board/index.html").read_text("utf-8")
    assert call("verify", tmp_path / "draft") == 0
    for out in (packet, packet / "new", folder / "releases", folder / "releases" / "2"):
        assert call("hotspots", folder, "--term", "Fall", "--out", out) == 1
    assert {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in packet.rglob("*") if p.is_file()} == before


def test_what_says_the_same_is_not_released_again(given, tmp_path, capsys):
    assert released(given) == 0
    before = tree(given["town"])
    capsys.readouterr()
    assert released(given, "--out", tmp_path / "copy") == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "This says the same as release 1 of 2026-01-15: nothing was released again." in said
    assert tree(given["town"]) == before
    assert len(read_ledger(given["town"] / "releases.jsonl")) == 1
    copy = tree(tmp_path / "copy")
    copy.pop("manifest.json")
    assert copy == tree(given["town"] / "releases" / "1")
    assert call("verify", tmp_path / "copy") == 0
    # The list by which the folder is known tells nothing else.
    manifest = json.loads((tmp_path / "copy" / "manifest.json").read_text("utf-8"))
    for more in ({"note": "a name"}, {"product": {"name": "safeschools-geo", "version": "0.1 a name"}}, {"term": "x"}):
        (tmp_path / "copy" / "manifest.json").write_text(json.dumps({**manifest, **more}), encoding="utf-8")
        assert call("verify", tmp_path / "copy") == 1
