"""What is vendored is what was published, with its licence."""

import importlib.util

import pytest
from conftest import ROOT

spec = importlib.util.spec_from_file_location("vendor_assets", ROOT / "tools" / "vendor_assets.py")
vendor_assets = importlib.util.module_from_spec(spec)


@pytest.fixture(scope="module", autouse=True)
def loaded():
    import sys  # noqa: PLC0415 -- dataclasses look their module up while it loads

    sys.modules["vendor_assets"] = vendor_assets
    spec.loader.exec_module(vendor_assets)
    yield
    del sys.modules["vendor_assets"]


def test_every_file_matches_its_manifest():
    assert [fault for package in vendor_assets.PACKAGES for fault in vendor_assets.faults(package)] == []


def test_every_package_has_its_licence():
    assert all((package.folder / "LICENSE").is_file() for package in vendor_assets.PACKAGES)


def test_nothing_is_vendored_that_no_manifest_lists():
    for package in vendor_assets.PACKAGES:
        present = {p.relative_to(package.folder).as_posix() for p in package.folder.rglob("*") if p.is_file()}
        assert present == set(package.files.values())


def test_a_changed_file_is_found(tmp_path):
    from dataclasses import replace  # noqa: PLC0415 -- only here

    package = replace(vendor_assets.PACKAGES[0], folder=tmp_path / "leaflet", files={"LICENSE": "LICENSE"})
    assert "missing" in vendor_assets.faults(package)[0]
