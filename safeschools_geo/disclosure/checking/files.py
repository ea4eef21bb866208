"""Whether a packet holds the files it says, byte for byte, and no others."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from safeschools_geo.disclosure.checking.record import PACKET, RELEASES, names_in
from safeschools_geo.disclosure.checking.telling import note, several, told
from safeschools_geo.errors import count_text

if TYPE_CHECKING:
    from pathlib import Path

    from safeschools_geo.check_report import Check
    from safeschools_geo.disclosure.checking.record import Packet

# What file managers leave behind where somebody looked.
_LITTER = frozenset((".ds_store", "thumbs.db", "desktop.ini"))
_MANIFEST = "manifest.json"
_VERSION = re.compile(r"[0-9]+(\.[0-9a-z+]+){1,4}")
_READ = frozenset((".html", ".htm", ".xhtml", ".json", ".jsonl"))


def file_checks(folder: Path, packet: Packet) -> list[Check]:
    """Compare the files of a packet with its list.

    Parameters
    ----------
    folder
        The folder.
    packet
        What it says of itself.

    Returns
    -------
    list of Check
        ``files``, and a note on files that only their hashes were compared of.
    """
    there = {name for name in names_in(folder) if PurePosixPath(name).name.lower() not in _LITTER} - {PACKET}
    if _is_list(folder, packet):
        there -= {_MANIFEST}
    faults = [f"{name} is not there" for name in sorted(packet.files.keys() - there)]
    faults += [f"{name} is not one of the packet's" for name in sorted(there - packet.files.keys() - {RELEASES})]
    for name in sorted(packet.files.keys() & there):
        faults += _fault_of(folder, name, packet.files[name])
    checks = [told("files", faults, f"{count_text(len(there), 'file')}, each as it was written, and no others")]
    unread = [name for name in sorted(there) if PurePosixPath(name).suffix.lower() not in _READ]
    if unread and not faults:
        checks.append(note("unread", f"only the hashes of these were compared, they were not read: {several(unread)}"))
    return checks


def _is_list(folder: Path, packet: Packet) -> bool:
    """Say whether the list by which the product knows its folders is there, and tells nothing but what is in them."""
    try:
        listed = json.loads((folder / _MANIFEST).read_bytes())
        own = hashlib.sha256((folder / PACKET).read_bytes()).hexdigest()
    except (OSError, ValueError, RecursionError):
        return False
    version = listed.get("product", {}).get("version", "") if isinstance(listed, dict) else ""
    return _VERSION.fullmatch(str(version)) is not None and listed == {
        "product": {"name": "safeschools-geo", "version": version},
        "district": packet.district,
        "term": packet.term,
        "outputs": {**packet.files, PACKET: own},
    }


def _fault_of(folder: Path, name: str, expected: str) -> list[str]:
    try:
        found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    except OSError as error:
        return [f"{name} cannot be read ({error.strerror or type(error).__name__})"]
    return [] if found == expected.lower() else [f"{name} has been changed since the packet was written"]
