"""What is vendored is what was published, with its license."""

import importlib.util
import sys
from dataclasses import replace

import pytest
from checkout import ROOT

spec = importlib.util.spec_from_file_location("vendor_assets", ROOT / "tools" / "vendor_assets.py")
vendor_assets = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = vendor_assets  # its dataclasses look their module up while it loads
spec.loader.exec_module(vendor_assets)


@pytest.mark.parametrize("package", vendor_assets.PACKAGES, ids=lambda p: p.name)
def test_every_file_matches_its_manifest_and_none_is_there_besides(package):
    present = {p.relative_to(package.folder).as_posix() for p in package.folder.rglob("*") if p.is_file()}
    assert vendor_assets.faults(package) == []
    assert present == set(package.files.values())
    assert "LICENSE" in present


def test_a_changed_or_missing_file_is_found(tmp_path):
    package = replace(vendor_assets.PACKAGES[0], folder=tmp_path / "leaflet")
    assert "missing" in vendor_assets.faults(package)[0]
    package.manifest.write_bytes(vendor_assets.PACKAGES[0].manifest.read_bytes())
    for name in set(package.files.values()) - {"leaflet.css"}:
        (package.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (package.folder / name).write_bytes((vendor_assets.PACKAGES[0].folder / name).read_bytes())
    (package.folder / "LICENSE").write_bytes(b"changed")
    found = vendor_assets.faults(package)
    assert [f.rsplit("/", 1)[-1] for f in found] == ["leaflet.css: missing", "LICENSE: differs from the manifest"]
