"""The digest of outputs takes out times and versions, and nothing else."""

import hashlib
import importlib.util
import json
import sys

import pandas as pd
import pytest
from checkout import ROOT

spec = importlib.util.spec_from_file_location("freeze_outputs", ROOT / "tools" / "freeze_outputs.py")
freeze = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = freeze  # its dataclass looks its module up while it loads
spec.loader.exec_module(freeze)


def manifest(folder, *, python="3.11.0", plan=b"a,b\n", counts=1, told=None):
    folder.mkdir()
    (folder / "plan.csv").write_bytes(plan)
    outputs = {"plan.csv": told or hashlib.sha256(plan).hexdigest()}
    whole = {"versions": {"python": python}, "counts": counts, "outputs": outputs}
    (folder / "manifest.json").write_text(json.dumps(whole, indent=2), encoding="utf-8")
    return freeze.normalized(folder / "manifest.json")


def test_a_manifest_keeps_all_but_versions_and_the_hashes_of_files_beside_it(tmp_path):
    first = manifest(tmp_path / "a")
    assert json.loads(first) == {"versions": {}, "counts": 1, "outputs": {"plan.csv": "as the file"}}
    assert manifest(tmp_path / "b", python="3.12.1", plan=b"other\n") == first
    assert manifest(tmp_path / "c", counts=2) != first
    assert manifest(tmp_path / "d", told="0" * 64) != first


def test_seconds_are_taken_out_of_plans(tmp_path):
    certificate, frontier = tmp_path / "certificate.json", tmp_path / "frontier.csv"
    certificate.write_text('{"bound": 1.5, "seconds": 0.25}', encoding="utf-8")
    assert json.loads(freeze.normalized(certificate)) == {"bound": 1.5, "seconds": None}
    frontier.write_text('moves,seconds,moved\n1,0.3,"a,b"\n', encoding="utf-8")
    assert freeze.normalized(frontier) == b'moves,seconds,moved\n1,,"a,b"\n'


@pytest.mark.parametrize("name", ["page.html", "frontier.csv", "terms.csv", "packet.pdf"])
def test_other_files_stay_as_they_are(tmp_path, name):
    content = b'2026-01-05 "seconds": 3\r\n'
    (tmp_path / name).write_bytes(content)
    assert freeze.normalized(tmp_path / name) == content


def test_parquet_is_read_as_its_types_and_rows(tmp_path):
    frame = pd.DataFrame({"at": pd.to_datetime(["2026-01-05 08:00"]).tz_localize("UTC"), "shape": [b"\x01"], "n": [1]})
    texts = []
    for compression in ("snappy", "gzip"):
        frame.to_parquet(tmp_path / f"{compression}.parquet", compression=compression)
        texts.append(freeze.normalized(tmp_path / f"{compression}.parquet"))
    assert texts[0] == texts[1]
    assert b'"shape": "01", "n": 1' in texts[0]
    frame.astype({"n": "float64"}).to_parquet(tmp_path / "other.parquet")
    assert freeze.normalized(tmp_path / "other.parquet") != texts[0]


def test_digests_are_read_as_written_and_compared(tmp_path, monkeypatch, capsys):
    before = {"demo/a b.csv": "1" * 64, "demo/gone.csv": "2" * 64, "demo/c.csv": "3" * 64, "chicago": "skipped"}
    after = {"demo/a b.csv": "1" * 64, "demo/new.csv": "2" * 64, "demo/c.csv": "4" * 64, "chicago": "skipped"}
    files = [tmp_path / "before.txt", tmp_path / "after.txt"]
    for file, digest in zip(files, (before, after), strict=True):
        file.write_text(freeze.digest_text(digest), encoding="utf-8")
        assert freeze.read_digest(file.read_text(encoding="utf-8")) == digest
    assert freeze.differences(before, after) == [
        "differs  demo/c.csv",
        "missing  demo/gone.csv",
        "new      demo/new.csv",
    ]
    for other, code in ((files[1], 1), (files[0], 0)):
        monkeypatch.setattr(sys, "argv", ["freeze_outputs.py", "--compare", str(files[0]), str(other)])
        assert freeze.main() == code
        assert "skipped  chicago (in both)" in capsys.readouterr().out


def test_texts_of_the_tests_are_found():
    assert "police_districts.geojson" in freeze._constant("test_real_chicago.py", "SETTINGS")
    with pytest.raises(LookupError, match="NOTHING"):
        freeze._constant("test_real_chicago.py", "NOTHING")
