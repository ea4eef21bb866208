"""Where outputs go: nothing of the user's is touched, and whenever a command is killed nothing is lost."""

import hashlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from checkout import ROOT

from safeschools_geo import writing
from safeschools_geo.errors import OutputError
from safeschools_geo.io._export import write_manifest, write_text
from safeschools_geo.writing import output_file, output_folder, output_release, put_release, repair


def write(target, files, **options):
    with output_folder(target, **options) as fresh:
        for name, text in files.items():
            write_text(fresh / name, text)
        write_manifest(fresh, {"term": "Fall"})


def tree(folder):
    """Every entry of a folder: files with their text, folders with None, links with where they lead."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        else:
            found[name] = path.read_bytes().decode("latin-1") if path.is_file() else None
    return found


def without_manifest(folder):
    found = tree(folder)
    listed = json.loads(found.pop("manifest.json"))["outputs"]
    assert listed == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in listed}
    return found


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(params=["exchange", "in place"])
def way(request, monkeypatch):
    """Replace folders as systems do that exchange names, and as others do."""
    if request.param == "in place":
        monkeypatch.setattr(writing, "_exchange_call", lambda: None)
    elif writing._exchange_call() is None:
        pytest.skip("this system exchanges no names")
    return request.param


def test_a_folder_appears_only_when_it_is_complete(tmp_path):
    target = tmp_path / "out" / "Fall"
    with output_folder(target) as fresh:
        write_text(fresh / "a.txt", "1")
        assert not target.exists()
        write_manifest(fresh, {})
    assert without_manifest(target) == {"a.txt": "1"}
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["Fall", "a.txt", "manifest.json", "out"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_what_is_interrupted_leaves_nothing(tmp_path, stop):
    def half(target):
        with output_folder(target) as fresh:
            write_text(fresh / "a.txt", "half")
            raise stop

    write(tmp_path / "Fall", {"a.txt": "old"})
    before = tree(tmp_path)
    for target in (tmp_path / "Fall", tmp_path / "new" / "deep"):
        with pytest.raises(stop):
            half(target)
    assert tree(tmp_path) == before


@pytest.mark.usefixtures("way")
def test_only_what_the_manifest_lists_is_replaced(tmp_path):
    target = tmp_path / "Fall"
    write(target, {"a.txt": "1", "maps/a.html": "1", "gone/deep/b.txt": "1"})
    write_text(target / "notes.txt", "mine")
    write_text(target / "maps" / "notes.txt", "mine")
    (target / "empty" / "inner").mkdir(parents=True)
    (target / "link").symlink_to("maps")
    (target / "maps").chmod(0o750)
    (target / "empty").chmod(0o711)
    inode = (target / "notes.txt").stat().st_ino
    write(target, {"a.txt": "2", "maps/c.html": "2"})
    assert without_manifest(target) == {
        "a.txt": "2",
        "empty": None,
        "empty/inner": None,
        "link": "maps",
        "maps": None,
        "maps/c.html": "2",
        "maps/notes.txt": "mine",
        "notes.txt": "mine",
    }
    assert (target / "notes.txt").stat().st_ino == inode
    assert mode(target / "empty") == 0o711
    assert [p.name for p in tmp_path.iterdir()] == ["Fall"]


@pytest.mark.usefixtures("way")
def test_a_part_is_replaced_and_the_manifest_of_the_whole_stays_true(tmp_path):
    target = tmp_path / "Fall"
    write(target, {"a.txt": "1", "hotspots/x.csv": "1", "hotspots/y.csv": "1"}, public="hotspots")
    write_text(target / "hotspots" / "notes.txt", "mine")
    write(target / "hotspots", {"x.csv": "2"})
    assert without_manifest(target) == {
        "a.txt": "1",
        "hotspots": None,
        "hotspots/notes.txt": "mine",
        "hotspots/x.csv": "2",
    }
    manifest = json.loads((target / "manifest.json").read_text("utf-8"))
    # SHA-256 of the digit 2.
    assert manifest["outputs"]["hotspots/x.csv"] == "d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35"
    assert manifest["parts"]["hotspots"]["term"] == "Fall"
    write(target, {"a.txt": "3"})
    assert "parts" not in json.loads((target / "manifest.json").read_text("utf-8"))
    assert without_manifest(target) == {"a.txt": "3", "hotspots": None, "hotspots/notes.txt": "mine"}


def test_a_part_makes_the_folder_of_its_term(tmp_path):
    home = tmp_path / "outputs" / "Fall"
    write(home / "maps", {"index.html": "1"}, within=home)
    write(home, {"maps/index.html": "2"})
    assert without_manifest(home) == {"maps": None, "maps/index.html": "2"}


FORGED = [
    {"../victim.txt": ""},
    {"a/../../victim.txt": ""},
    {"/etc/passwd": ""},
    {"C:\\\\x": ""},
    {"..\\\\victim.txt": ""},
    {"": ""},
    ["a.txt"],
    None,
]


@pytest.mark.parametrize("outputs", FORGED)
def test_a_manifest_that_leads_out_of_its_folder_is_none(tmp_path, outputs):
    target = tmp_path / "Fall"
    write(target, {"a.txt": "1"})
    (tmp_path / "victim.txt").write_text("mine", encoding="utf-8")
    manifest = {"product": {"name": "safeschools-geo"}, "outputs": outputs}
    (target / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match="is damaged, or of something else"):
        write(target, {"a.txt": "2"})
    assert tree(tmp_path) == before


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '{"product": 1, "outputs": {}}', '{"outputs": {}}'])
def test_a_damaged_manifest_is_none(tmp_path, content):
    target = tmp_path / "Fall"
    write(target, {"a.txt": "1"})
    (target / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(OutputError, match="is not empty"):
        write(target, {"a.txt": "2"})
    assert (target / "a.txt").read_text("utf-8") == "1"


def test_what_is_now_a_link_or_a_folder_is_not_ours_any_more(tmp_path):
    outside = tmp_path / "outside"
    write_text(outside / "x.csv", "mine")
    target = tmp_path / "Fall"
    write(target, {"hotspots/x.csv": "1", "a.txt": "1"})
    (target / "hotspots" / "x.csv").unlink()
    (target / "hotspots").rmdir()
    (target / "hotspots").symlink_to(outside)
    before = tree(tmp_path)
    with pytest.raises(OutputError, match="What the product did not write is where its files are to go"):
        write(target, {"a.txt": "2"})
    assert tree(tmp_path) == before
    (target / "hotspots").unlink()
    (target / "a.txt").unlink()
    write_text(target / "a.txt" / "mine.txt", "mine")
    with pytest.raises(OutputError, match=r"Found: a\.txt"):
        write(target, {"a.txt": "2"})


@pytest.mark.usefixtures("way")
def test_a_file_of_the_user_with_a_name_of_ours_is_not_overwritten(tmp_path):
    target = tmp_path / "Fall"
    write(target, {"a.txt": "1"})
    write_text(target / "solver.log", "mine")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=r"solver\.log"):
        write(target, {"a.txt": "2", "solver.log": "ours"})
    assert tree(tmp_path) == before


def test_a_folder_that_is_a_link_stays_one(tmp_path):
    real = tmp_path / "disk" / "Fall"
    real.mkdir(parents=True)
    (tmp_path / "Fall").symlink_to(real)
    for text in "12":
        write(tmp_path / "Fall", {"a.txt": text})
        assert (tmp_path / "Fall").is_symlink()
        assert without_manifest(real) == {"a.txt": text}


def test_the_folder_somebody_stands_in_stays_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inode = tmp_path.stat().st_ino
    for text in "12":
        write(Path(), {"a.txt": text})
        assert (tmp_path.stat().st_ino, without_manifest(tmp_path)) == (inode, {"a.txt": text})


@pytest.mark.parametrize("spelling", ["{0}/", "{0}/.", "{0}/../data", "link", "{0}/exports", "{0}/exports/new", "."])
def test_inputs_are_never_written(tmp_path, monkeypatch, spelling):
    monkeypatch.chdir(tmp_path)
    exports = tmp_path / "data" / "exports"
    write_text(exports / "a.csv", "mine")
    # Even one that says it is ours.
    write_manifest(tmp_path / "data", {})
    write_manifest(tmp_path, {})
    Path("link").symlink_to("data")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match="which is an input"):
        write(Path(spelling.format("data")), {"a.csv": "2"}, inputs=[exports])
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "name", ["points.csv", "./points.csv", "x/../points.csv", "link.csv", "hard.csv", "POINTS.CSV"]
)
def test_a_file_that_is_an_input_is_refused_however_it_is_spelt(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path("points.csv").write_text("id,zone_id\n", encoding="utf-8")
    Path("x").mkdir()
    Path("link.csv").symlink_to("points.csv")
    Path("hard.csv").hardlink_to("points.csv")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match="which is an input"), output_file(Path(name), inputs=[Path("points.csv")]):
        pass
    assert tree(tmp_path) == before


def replace_by_half(target):
    with output_file(target) as fresh:
        write_text(fresh, "half")
        write_text(fresh / "below", "a file is no folder")


def test_a_file_is_whole_or_as_it_was_and_for_its_owner_only(tmp_path):
    target = tmp_path / "sub" / "a.csv"
    with output_file(target) as fresh:
        write_text(fresh, "1")
        assert not target.exists()
    with pytest.raises(OutputError):
        replace_by_half(target)
    assert tree(tmp_path) == {"sub": None, "sub/a.csv": "1"}
    assert (mode(target), mode(target.parent)) == (0o600, 0o700)


@pytest.mark.parametrize("what", ["folder", "stranger", "listed"])
def test_a_file_in_the_way_is_not_replaced(tmp_path, what):
    target = tmp_path / "a.csv"
    if what == "folder":
        target.mkdir()
    elif what == "stranger":
        target.write_text("mine", encoding="utf-8")
    else:
        write(tmp_path, {"a.csv": "ours"})
    before = tree(tmp_path)
    is_ours = (lambda _: True) if what == "listed" else (lambda _: False)
    with pytest.raises(OutputError, match="There is something else"), output_file(target, is_ours=is_ours):
        pass
    assert tree(tmp_path) == before


@pytest.mark.parametrize("umask", [0o000, 0o077])
@pytest.mark.usefixtures("way")
def test_all_is_for_its_owner_only_but_what_is_public(tmp_path, umask):
    before = os.umask(umask)
    try:
        for _ in range(2):
            write(
                tmp_path / "outputs" / "Fall", {"a.txt": "", "board/es/b.html": "", "maps/c.html": ""}, public="board"
            )
        write(tmp_path / "packet", {"index.html": ""}, public=".")
    finally:
        os.umask(before)
    modes = {p.relative_to(tmp_path).as_posix(): mode(p) for p in tmp_path.rglob("*")}
    is_public = {name: name.startswith(("outputs/Fall/board", "packet")) for name in modes}
    assert modes == {
        name: (0o755 if public else 0o700) if (tmp_path / name).is_dir() else (0o644 if public else 0o600)
        for name, public in is_public.items()
    }


def test_the_second_writer_learns_who_the_first_is(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_WAIT_S", 0.1)
    monkeypatch.setattr(sys, "argv", ["/bin/safeschools", "run", "my district"])
    target = tmp_path / "Fall"
    with output_folder(target), pytest.raises(OutputError) as met:
        write(target, {"a.txt": "1"})
    assert met.value.problem == "Another command is writing there."
    assert f"process {os.getpid()} on " in met.value.found
    assert met.value.found.endswith(": safeschools run 'my district'")
    assert list(tmp_path.iterdir()) == []


def test_what_lies_in_a_folder_that_is_being_written_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_WAIT_S", 0.1)
    write(tmp_path / "Fall", {"a.txt": "1"})
    with output_folder(tmp_path / "Fall"):
        with pytest.raises(OutputError, match="Another command"), output_file(tmp_path / "Fall" / "own.csv"):
            pass
        with pytest.raises(OutputError, match="Another command"):
            write(tmp_path / "Fall" / "own", {"a.txt": "1"})


def test_a_stranger_where_the_work_would_be_stays(tmp_path):
    write_text(tmp_path / ".Fall.safeschools" / "precious.txt", "mine")
    with pytest.raises(OutputError, match="where it works"):
        write(tmp_path / "Fall", {"a.txt": "1"})
    repair(tmp_path)
    assert tree(tmp_path) == {".Fall.safeschools": None, ".Fall.safeschools/precious.txt": "mine"}


# What is killed: at every call that changes a file system, and at random


WATCHED = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.chmod", "os.symlink", "exchange"}

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a copy of this process")


def kill_at(step, work):
    """Do something in a process that dies before the given call that changes a file system; say whether it did."""
    with warnings.catch_warnings():
        # The copy has one thread, and this process may have more: it only writes files.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        left = [step]

        def die(event, arguments):
            if event in WATCHED or (event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT):
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)

        exchange = writing._exchange
        writing._exchange = lambda *names: (sys.audit("exchange"), exchange(*names))
        try:
            sys.addaudithook(die)
            work()
            os._exit(0)
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def replace_term(folder):
    write(folder / "Fall", NEW)


def release_two(folder):
    release(folder, 2)


def replace_file(folder):
    with output_file(folder / "a.csv") as fresh:
        write_text(fresh, "2")


def release(folder, number):
    record = folder / "releases.jsonl"
    with output_release(record) as fresh:
        write_text(fresh / "es" / "index.html", str(number))
        write_text(fresh / "packet.json", str(number))
        before = record.read_text("utf-8") if record.exists() else ""
        put_release(fresh, number, f"{before}{number}\n")


OLD = {"a.txt": "1", "maps/b.html": "1", "gone/x.txt": "1"}
NEW = {"a.txt": "2", "maps/b.html": "2", "new/c.txt": "2"}
MINE = {"notes.txt": "mine", "maps/mine.txt": "mine", "gone/mine.txt": "mine"}


def killed(work, prepare, tmp_path_factory):
    """Kill at the first step, the second, … until the work comes to its end; give the folder each time."""
    for step in range(1000):
        folder = tmp_path_factory.mktemp("killed")
        prepare(folder)
        if not kill_at(step, lambda folder=folder: work(folder)):
            assert step > 10
            return
        yield folder


@needs_fork
def test_a_folder_killed_at_any_step_is_the_old_or_the_new_one(tmp_path_factory, way):
    def prepare(folder):
        write(folder / "Fall", OLD)
        for name, text in MINE.items():
            write_text(folder / "Fall" / name, text)

    seen = set()
    for folder in killed(replace_term, prepare, tmp_path_factory):
        if way == "exchange":
            # Complete before anything is repaired, too.
            seen.add(_which(folder / "Fall"))
        repair(folder / "Fall")
        assert [p.name for p in folder.iterdir()] == ["Fall"]
        seen.add(_which(folder / "Fall"))
    assert seen == {"old", "new"}


def _which(folder):
    found = {name: text for name, text in without_manifest(folder).items() if text is not None}
    found = {name: text for name, text in found.items() if not name.startswith("..safeschools/")}
    assert {name: found.pop(name) for name in MINE} == MINE
    assert found in (OLD, NEW)
    return "old" if found == OLD else "new"


@needs_fork
def test_a_release_killed_at_any_step_has_packet_and_line_or_neither(tmp_path_factory):
    seen = set()
    for folder in killed(release_two, lambda folder: release(folder, 1), tmp_path_factory):
        repair(folder / "releases.jsonl")
        found = tree(folder)
        lines = found["releases.jsonl"].split()
        assert sorted(p.name for p in (folder / "releases").iterdir()) == lines
        assert sorted(p.name for p in folder.iterdir()) == ["releases", "releases.jsonl"]
        for number in lines:
            assert found[f"releases/{number}/packet.json"] == found[f"releases/{number}/es/index.html"] == number
            assert mode(folder / "releases" / number) == 0o555
        seen.add(len(lines))
    assert seen == {1, 2}


@needs_fork
def test_a_file_killed_at_any_step_is_the_old_or_the_new_one(tmp_path_factory):
    seen = set()
    for folder in killed(replace_file, lambda folder: write_text(folder / "a.csv", "1"), tmp_path_factory):
        repair(folder / "a.csv")
        assert [p.name for p in folder.iterdir()] == ["a.csv"]
        seen.add((folder / "a.csv").read_text("utf-8"))
    assert seen == {"1", "2"}


@needs_fork
@pytest.mark.usefixtures("way")
def test_a_repair_killed_at_any_step_can_be_repaired(tmp_path, monkeypatch):
    folder = tmp_path / "Fall"
    write(folder, OLD)
    with monkeypatch.context() as stopped:
        stopped.setattr(writing, "_finish", lambda work, _: (work / "journal.json").exists() and os._exit(9))
        kill_at(1000, lambda: replace_term(tmp_path))
    # The journal stands, nothing has been put in its place. Whatever the user does now survives.
    write_text(folder / "later.txt", "mine")
    steps = 0
    while kill_at(steps, lambda: repair(folder)):
        steps += 1
    assert steps > 10
    found = {name: text for name, text in without_manifest(folder).items() if text is not None}
    assert found == {**NEW, "later.txt": "mine"}
    assert [p.name for p in tmp_path.iterdir()] == ["Fall"]


@needs_fork
def test_what_somebody_takes_away_after_a_kill_stands_in_nobodys_way(tmp_path_factory):
    seen = set()
    for folder in killed(replace_term, lambda folder: write(folder / "Fall", OLD), tmp_path_factory):
        shutil.rmtree(folder / "Fall")
        repair(folder / "Fall")
        seen |= {path.name for path in folder.iterdir()}
        write(folder / "Fall", OLD)
        assert tree(folder / "Fall").keys() >= OLD.keys()
    assert seen == {"Fall"}


def test_a_release_cannot_be_written_to_again(tmp_path):
    release(tmp_path, 1)
    before = tree(tmp_path)
    place = tmp_path / "releases" / "1"
    assert {mode(p) for p in place.rglob("*")} | {mode(place)} == {0o444, 0o555}
    assert mode(tmp_path / "releases.jsonl") == 0o600
    for target in (place, place / "new", place / "es"):
        with pytest.raises(OutputError, match="What was released is not written to again"):
            write(target, {"a.txt": "1"})
    with pytest.raises(OutputError, match="not written to again"), output_file(place / "packet.json"):
        pass
    with pytest.raises(OutputError, match="There is a packet of this release already"):
        release(tmp_path, 1)
    assert tree(tmp_path) == before


def test_a_record_changed_in_the_middle_of_a_release_is_not_overwritten(tmp_path, monkeypatch):
    release(tmp_path, 1)

    def stop(*_):
        raise OSError("full")

    monkeypatch.setattr(writing, "_finish_release", stop)
    with pytest.raises(OutputError):
        release(tmp_path, 2)
    monkeypatch.undo()
    (tmp_path / "releases.jsonl").write_text("other\n", encoding="utf-8")
    with pytest.raises(OutputError, match="The record was changed while a release was being written"):
        repair(tmp_path / "releases.jsonl")
    assert (tmp_path / "releases.jsonl").read_text("utf-8") == "other\n"
    (tmp_path / "releases.jsonl").write_text("1\n", encoding="utf-8")
    repair(tmp_path / "releases.jsonl")
    assert (tmp_path / "releases.jsonl").read_text("utf-8") == "1\n2\n"


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL")
def test_nothing_is_lost_or_left_over_however_often_a_writer_is_killed():
    harness = ROOT / "benchmarks" / "kill_writes.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    run = subprocess.run(
        [sys.executable, harness, "--kills", "20", "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    for report in json.loads(run.stdout):
        assert report["kills"] == 20
        assert (report["lost"], report["left_over"]) == (0, 0)
