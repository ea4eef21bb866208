"""`safeschools board` as a user meets it, on the town: so small that everything but nothing is withheld."""

import io
import json
import shutil
from contextlib import redirect_stderr

import pytest
import town
from checkout import call

from safeschools_geo.disclosure._ledger import read_ledger

pytestmark = pytest.mark.usefixtures("worked_out_once")


@pytest.fixture
def folder(tmp_path):
    return town.write_town(tmp_path / "town")


def copied(made, to):
    """Copy a folder that is used by several tests, so that each may change its own."""
    return shutil.copytree(made, to / "copy")


@pytest.fixture(scope="module")
def drafted(tmp_path_factory):
    """Write a draft; give the folder and what was said."""
    made = town.write_town(tmp_path_factory.mktemp("drafted") / "town")
    with redirect_stderr(io.StringIO()) as said:
        assert call("board", made, "--term", "Fall") == 0
    return made, " ".join(said.getvalue().split())


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Release the first packet."""
    made = town.write_town(tmp_path_factory.mktemp("released") / "town")
    assert call("board", made, "--term", "Fall", "--release", "--first-release", "--released", "2026-01-15") == 0
    return made


def test_a_draft_is_written_and_not_recorded(drafted):
    folder, said = drafted
    packet = folder / "outputs" / "Fall" / "board"
    assert "Draft, not for release" in (packet / "index.html").read_text("utf-8")
    assert not (folder / "releases.jsonl").exists()
    assert "A draft: record it with --release" in said
    assert call("verify", packet) == 0


def test_counts_of_a_few_incidents_are_not_in_it(drafted):
    audit = json.loads((drafted[0] / "outputs" / "Fall" / "board" / "audit.json").read_text("utf-8"))
    # Three incidents of the term are zone officers' work: one at 001, two at 002. Only counts of nothing can be
    # reported.
    assert {figure["value"] for figure in audit["figures"]} <= {0, None}
    assert any(figure["value"] is None for figure in audit["figures"])


def test_a_release_is_recorded_once_with_its_day(folder, tmp_path, capsys):
    release = ("board", folder, "--term", "Fall", "--release", "--released", "2026-01-15", "--out", tmp_path / "packet")
    assert call(*release, "--first-release", "--json") == 0
    assert json.loads(capsys.readouterr().out)["release"] == 1
    (record,) = read_ledger(folder / "releases.jsonl")
    assert (record.number, record.released, record.term) == (1, "2026-01-15", "Fall")
    packet = json.loads((tmp_path / "packet" / "packet.json").read_text("utf-8"))
    assert packet["record"] == {"releases": 1, "last": record.hash}
    assert "Release 1" in (tmp_path / "packet" / "index.html").read_text("utf-8")
    assert call(*release) == 0
    assert len(read_ledger(folder / "releases.jsonl")) == 1


def test_no_packet_is_made_beside_a_record_that_was_changed(released, tmp_path, capsys):
    folder = copied(released, tmp_path)
    record = folder / "releases.jsonl"
    record.write_text(record.read_text("utf-8").replace("2026-01-15", "2026-01-16"), encoding="utf-8")
    assert call("board", folder, "--term", "Fall") == 1
    text = capsys.readouterr().err
    assert "Release 1 has been changed since it was written" in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('policy = "lenient"', "There is no such disclosure policy."),
        ('languages = ["fr"]', "The pages do not speak this language."),
        ('languages = ["en", "en"]', "A language is named twice."),
    ],
)
def test_settings_that_make_no_sense_are_reported(folder, line, told, capsys):
    text = town.SETTINGS.replace("[board]", f"[board]\n{line}")
    (folder / "district.toml").write_text(text, encoding="utf-8")
    assert call("board", folder, "--term", "Fall") == 1
    said = capsys.readouterr().err
    assert told in " ".join(said.split())
    assert "Reading" not in said, "it is reported before the work"
    assert not (folder / "outputs").exists()


def test_without_a_record_somebody_has_to_say_that_there_never_was_one(folder, capsys):
    assert call("board", folder, "--term", "Fall", "--release") == 1
    assert "--first-release" in capsys.readouterr().err


@pytest.mark.parametrize("damage", ["deleted", "emptied"])
def test_a_lost_record_is_no_first_release(released, tmp_path, damage, capsys):
    folder = copied(released, tmp_path)
    release = ("board", folder, "--term", "Fall", "--release")
    record = folder / "releases.jsonl"
    whole = record.read_text("utf-8")
    if damage == "deleted":
        record.unlink()
    else:
        record.write_text("", encoding="utf-8")
    for again in (release, (*release, "--first-release"), release[:-1]):
        assert call(*again) == 1
    text = " ".join(capsys.readouterr().err.split())
    assert "It lacks releases" in text
    assert "knows of 1" in text
    record.write_text(whole, encoding="utf-8")
    assert call(*release, "--first-release") == 2
    assert call(*release[:-1]) == 0


def test_a_released_packet_holds_beside_its_own_record_and_not_beside_another(released, tmp_path, capsys):
    folder = copied(released, tmp_path)
    packet = folder / "releases" / "1"
    record = folder / "releases.jsonl"
    assert call("verify", packet) == 0
    assert "not compared with the record" not in " ".join(capsys.readouterr().err.split())
    elsewhere = shutil.copytree(packet, tmp_path / "packet")
    elsewhere.chmod(0o755)
    assert call("verify", elsewhere) == 0
    assert "not compared with the record" in " ".join(capsys.readouterr().err.split())
    assert call("verify", elsewhere, "--record", record) == 0
    shutil.copy(record, elsewhere)
    assert call("verify", elsewhere) == 0
    record.write_text("", encoding="utf-8")
    assert call("verify", packet) == 1
    assert call("verify", elsewhere, "--record", record) == 1
    assert call("verify", elsewhere, "--record", tmp_path / "none.jsonl") != 0
