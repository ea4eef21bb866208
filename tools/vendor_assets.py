"""Fetch the browser libraries that the package and its tests carry, and hold them to their hashes."""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Package:
    """A package of the npm registry, and what is wanted of it."""

    name: str
    version: str
    license: str
    folder: Path
    files: dict[str, str]
    """File inside the package → file inside `folder`."""

    @property
    def manifest(self) -> Path:
        """The manifest that lists the package."""
        return self.folder.parent / "manifest.json"


PACKAGES = (
    Package(
        "leaflet",
        "1.9.4",
        "BSD-2-Clause",
        ROOT / "safeschools_geo" / "pages" / "vendor" / "leaflet",
        {
            "dist/leaflet.js": "leaflet.js",
            "dist/leaflet.css": "leaflet.css",
            "dist/images/layers.png": "images/layers.png",
            "dist/images/layers-2x.png": "images/layers-2x.png",
            "dist/images/marker-icon.png": "images/marker-icon.png",
            "dist/images/marker-icon-2x.png": "images/marker-icon-2x.png",
            "dist/images/marker-shadow.png": "images/marker-shadow.png",
            "LICENSE": "LICENSE",
        },
    ),
    Package(
        "axe-core",
        "4.14.1",
        "MPL-2.0",
        ROOT / "tests" / "vendor" / "axe-core",
        {"axe.min.js": "axe.min.js", "LICENSE": "LICENSE"},
    ),
)


def fetch(package: Package) -> dict[str, bytes]:
    """Take the wanted files out of the package that npm hands over."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
        packed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.split()[-1]
        with tarfile.open(Path(folder) / packed) as archive:
            return {name: _member(archive, f"package/{name}") for name in package.files}


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    if member is None:
        message = f"{name} is not a file of the package"
        raise FileNotFoundError(message)
    return member.read()


def vendor(package: Package) -> None:
    """Write the files of a package beside their manifest."""
    entry: dict[str, Any] = {"name": package.name, "version": package.version, "license": package.license, "files": {}}
    for source, content in fetch(package).items():
        target = package.folder / package.files[source]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        relative = target.relative_to(package.manifest.parent).as_posix()
        entry["files"][relative] = hashlib.sha256(content).hexdigest()
    package.manifest.write_text(json.dumps({"packages": [entry]}, indent=2) + "\n", encoding="utf-8")


def faults(package: Package) -> list[str]:
    """List the files of a package that are missing or differ from the manifest."""
    if not package.manifest.is_file():
        return [f"{package.manifest}: missing"]
    (entry,) = json.loads(package.manifest.read_text(encoding="utf-8"))["packages"]
    found = [] if entry["version"] == package.version else [f"{package.name}: {entry['version']} in the manifest"]
    for relative, expected in entry["files"].items():
        path = package.manifest.parent / relative
        if not path.is_file():
            found.append(f"{path}: missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            found.append(f"{path}: differs from the manifest")
    return found


def main() -> int:
    """Fetch everything, or only check what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="verify the hashes of what is there; fetch nothing")
    if not parser.parse_args().check:
        for package in PACKAGES:
            vendor(package)
    found = [fault for package in PACKAGES for fault in faults(package)]
    print("\n".join(found) or "All vendored files match their manifests.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
