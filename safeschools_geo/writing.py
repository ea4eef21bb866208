"""Put outputs in their place: nothing of the user's is touched, and whenever a command is killed nothing is lost.

A place is a folder or a file. Beside it, while a command works, lies a hidden work folder ``.<name>.safeschools`` with
the lock, its holder, what is being written (``new``), and, once that is complete, a journal. Without a journal what was
being written is dropped; with one the next command completes it. A folder of ours is known by its ``manifest.json``.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import errno
import hashlib
import json
import os
import shlex
import shutil
import socket
import stat
import sys
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from safeschools_geo.errors import OutputError, name_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


PRODUCT = "safeschools-geo"
"""Name of the product in every manifest."""

MANIFEST = "manifest.json"
"""List of the files of a folder that the product wrote."""

PARTS = ("hotspots", "plan", "coverage", "maps", "board")
"""Folders of a term that a single command can write again."""

placed: list[Path] = []
"""What this process has put in its place, in order: an interruption later on does not undo it."""

_WORK = ".safeschools"
_NEW, _JOURNAL, _RECORD, _HOLDER, _LOCK = "new", "journal.json", "record", "holder.json", "lock"
_INSIDE = f".{_WORK}"
_IN_WORK = {_NEW, _JOURNAL, f"{_JOURNAL}.tmp", _RECORD, _HOLDER, _LOCK}
_LITTER = {".ds_store", "thumbs.db", "desktop.ini"}
_PRIVATE, _PUBLIC, _READ_ONLY = (0o700, 0o600), (0o755, 0o644), (0o555, 0o444)
_WAIT_S = 1.0


class _BusyError(OutputError):
    """Another command is writing there."""


# What a command calls


def folder_in_making(path: Path) -> Path | None:
    """Find the folder that `output_folder` or `output_release` is filling and that a file lies in, if any."""
    making = (f for f in path.parents if f.name == _NEW and f.parent.name.endswith(_WORK))
    return next(making, None)


@contextmanager
def output_folder(
    target: Path,
    *,
    within: Path | None = None,
    inputs: Iterable[Path] = (),
    public: str | None = None,
    is_listed: bool = True,
) -> Iterator[Path]:
    """Write a folder: checked before the work, put in its place when it is complete.

    Gives an empty folder to write to, `write_manifest` last; if the block fails, is interrupted or writes nothing,
    `target` stays as it was. Raises `OutputError` when `target` holds what the product did not write and no manifest,
    has to do with an input or a release, is being written by another command, or cannot be written to.

    Parameters
    ----------
    target
        The folder. One that the product wrote is known by its ``manifest.json``; the files that it lists are replaced,
        all others stay. A link stays a link.
    within
        Folder of a term: where `target` is a part of it, one of `PARTS`, its manifest speaks for both.
    inputs
        Files and folders that the command reads.
    public
        What everybody may read, relative to the folder that is given, ``"."`` for all of it; the rest is for its owner.
    is_listed
        Whether the product knows the folder again; without it the folder has to be empty.
    """
    root, part = _real(target), ""
    is_in_term = within is not None and root.parent == _real(within)
    if root.name in PARTS and (is_in_term or (manifest_in(root) is None and manifest_in(root.parent) is not None)):
        root, part = root.parent, root.name
    _refuse_place(root / part, inputs, given=target)
    with _work_on(root, is_folder=True, may_begin=lambda: _require_ours(root, part, is_listed=is_listed)) as work:
        fresh = work / _NEW / part
        _make_folder(fresh)
        yield fresh
        if any(fresh.iterdir()):
            with writable(root):
                _put_folder(work, root, part, public, is_listed=is_listed)


@contextmanager
def output_file(
    target: Path, *, inputs: Iterable[Path] = (), is_ours: Callable[[Path], bool] | None = None
) -> Iterator[Path]:
    """Write a file: checked before the work, put in its place when it is complete, for its owner only.

    `is_ours` says of a file that is there whether the product wrote it; any may be replaced if left out. If the block
    fails, is interrupted or writes nothing, `target` stays as it was. Raises `OutputError` when there is a file that
    the product did not write, an input, or part of a release or of a folder of the product; when another command is
    writing it, or it cannot be written.
    """
    place = _real(target)
    _refuse_place(place, inputs, given=target)
    with _work_on(place, is_folder=False, may_begin=lambda: _require_own_file(place, is_ours)) as work:
        yield work / _NEW
        if (work / _NEW).exists():
            with writable(place):
                (work / _NEW).chmod(_PRIVATE[1])
                _sync(work / _NEW)
                (work / _NEW).replace(place)
                placed.append(place)
                _sync(place.parent)


@contextmanager
def output_release(record: Path) -> Iterator[Path]:
    """Write a packet that goes out, for `put_release`; nobody else can release meanwhile."""
    with _work_on(_real(record), is_folder=False, may_begin=lambda: None) as work:
        _make_folder(work / _NEW)
        yield work / _NEW


def put_release(fresh: Path, number: int, record_text: str) -> Path:
    """Put a packet into ``releases/<number>``, where nobody can write, and its line into the record, both or neither.

    `fresh` is what `output_release` gave, with the packet in it; `record_text` the record with the new line.
    """
    work = fresh.parent
    record = _place_of(work)
    place = releases_folder(record) / str(number)
    if os.path.lexists(place):
        raise OutputError(
            "There is a packet of this release already, and the record does not have it.",
            where=place,
            found=f"a record of {number - 1} releases in {record.name}",
            expected="as many packets as the record has releases",
            remedy="Restore the record from a backup.",
        )
    with writable(place):
        _set_modes(fresh, _READ_ONLY)
        # The folder itself can be moved only while it can be written to.
        fresh.chmod(_PUBLIC[0])
        _write(work / _RECORD, record_text.encode())
        _sync_tree(work)
        _write_journal(work, {"kind": "release", "number": number, "before": _hash_of(record)})
        placed.append(place)
        _finish(work, record)
    return place


def releases_folder(record: Path) -> Path:
    """Find the folder of the packets that went out: ``releases``, next to the record."""
    return record.parent / "releases"


def repair(path: Path) -> None:
    """Complete, or drop, what a killed command left behind around a place that is about to be read."""
    real = _real(path)
    for folder in (real, *real.parents[:3]):
        with suppress(OSError):
            for work in sorted(folder.glob(f".*{_WORK}")):
                # Who is still at work needs no repair.
                with suppress(_BusyError):
                    if not _stranger_in(work):
                        with _locked(work):
                            pass


@contextmanager
def writable(target: Path) -> Iterator[None]:
    """Turn an error of the system into an `OutputError` that says what to do."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            "The output cannot be written there.",
            where=target,
            found=error.strerror,
            expected="a folder that can be written to, none of its files open in another program",
            remedy="Close the files, or choose another --out.",
        ) from error


# What may be written where


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _refuse_place(place: Path, inputs: Iterable[Path], *, given: Path) -> None:
    """Refuse a place that is, holds, or lies in an input or a release."""
    for folder in (place, *place.parents):
        if folder.parent.name == "releases" and folder.name.isdecimal() and (folder / "packet.json").is_file():
            raise OutputError(
                "What was released is not written to again.",
                where=given,
                found=f"release {folder.name}",
                expected="a place outside of it",
                remedy="Choose another --out.",
            )
    for source in inputs:
        real = _real(source)
        holds = any(_is_same(place, p) for p in (real, *real.parents))
        lies_in = real.is_dir() and any(_is_same(real, p) for p in place.parents)
        if holds or lies_in or str(place).casefold() == str(real).casefold():
            raise OutputError(
                "The output would overwrite what is read." if holds else "The output would lie among what is read.",
                where=given,
                found=f"{source}, which is an input",
                expected="a place of its own for the output",
                remedy="Choose another --out.",
            )


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one == other or one.samefile(other)
    except OSError:
        return False


def _require_ours(root: Path, part: str, *, is_listed: bool) -> None:
    """Refuse a folder with something in it that the product did not write, unless its manifest says what it wrote."""
    if not os.path.lexists(root):
        return
    if not root.is_dir():
        raise OutputError(
            "The output folder is a file.",
            where=root,
            expected="a folder, or nothing",
            remedy="Choose another --out.",
        )
    with writable(root):
        there = sorted(p for p in root.iterdir() if p.name.lower() not in _LITTER and p.name != _INSIDE)
    is_known = manifest_in(root) is not None or all(manifest_in(p) is not None for p in there)
    if there and not (is_listed and is_known):
        has_list = MANIFEST in {p.name for p in there}
        raise OutputError(
            "The output folder is not empty, and the product did not write it.",
            where=root,
            found=name_ids(p.name for p in there)
            + (f"; {MANIFEST} is damaged, or of something else" if has_list and is_listed else ""),
            expected=f"a new or an empty folder{f', or one with the {MANIFEST} of an earlier run' * is_listed}",
            remedy="Choose another folder, or move what is in it away. Nothing was changed.",
        )
    mine = _mine(manifest_in(root), part)
    # What was written before will most likely be written again: better said now than after the work.
    _refuse_collisions(root, mine, mine)


def _require_own_file(place: Path, is_ours: Callable[[Path], bool] | None) -> None:
    """Refuse to replace a file that the product did not write, or that a manifest lists."""
    if not os.path.lexists(place):
        return
    found = ""
    if not place.is_file():
        found = "a folder" if place.is_dir() else "no regular file"
    elif is_ours is not None and not is_ours(place):
        found = "a file that this command did not write"
    for folder in place.parents:
        listed = manifest_in(folder)
        if listed and place.relative_to(folder).as_posix() in {*listed["outputs"], MANIFEST}:
            found = f"a file of the outputs in {folder}"
    if found:
        raise OutputError(
            "There is something else where the output is to go.",
            where=place,
            found=found,
            expected="no file, or one that this command wrote before and nobody changed",
            remedy="Choose another --out, or move it away. Nothing was changed.",
        )


def manifest_in(folder: Path) -> dict[str, Any] | None:
    """Read the manifest of a folder that the product wrote; None where there is none that can be trusted."""
    path = folder / MANIFEST
    try:
        if not stat.S_ISREG(path.lstat().st_mode):
            return None
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(content, dict) or not isinstance(content.get("product"), dict):
        return None
    outputs = content.get("outputs")
    if content["product"].get("name") != PRODUCT or not isinstance(outputs, dict):
        return None
    return content if all(map(_is_inside, outputs)) else None


def _mine(manifest: Mapping[str, Any] | None, part: str) -> set[str]:
    """List the files of ours that are written again."""
    if manifest is None:
        return set()
    return {MANIFEST, *(name for name in manifest["outputs"] if not part or name.startswith(f"{part}/"))}


def _is_inside(name: str) -> bool:
    """Say whether a name leads to a file in the folder, on every system."""
    paths = (PurePosixPath(name), PureWindowsPath(name))
    return bool(name) and "\0" not in name and not any(p.anchor or not p.parts or ".." in p.parts for p in paths)


def _own_file(root: Path, name: str) -> Path | None:
    """Find a file of ours as long as it is still a file, and no link leads to it."""
    path = root
    for step in PurePosixPath(name).parts:
        path /= step
        if path.is_symlink():
            return None
    return path if path.is_file() else None


# The work folder and its lock


@contextmanager
def _work_on(place: Path, *, is_folder: bool, may_begin: Callable[[], None]) -> Iterator[Path]:
    """Lock a place and what it lies in, repair what was left there, and give the work folder."""
    repair(place)
    may_begin()
    sibling = place.parent / f".{place.name}{_WORK}"
    made: list[Path] = []
    with ExitStack() as stack:
        stack.callback(_remove_empty, made)
        with writable(place):
            _make_folder(place.parent, made)
            # A folder of ours takes what lies in it along when it is exchanged: it has one writer, too.
            for folder in reversed(place.parents):
                if manifest_in(folder) is not None:
                    stack.enter_context(_locked(folder.parent / f".{folder.name}{_WORK}"))
            try:
                work = stack.enter_context(_locked(sibling))
            except PermissionError:
                if not (is_folder and place.is_dir()):
                    raise
                work = sibling
            if is_folder and place.is_dir() and not _can_move(work, place):
                work = stack.enter_context(_locked(place / _INSIDE))
        # Again, now that nobody else writes there.
        may_begin()
        yield work


def _can_move(work: Path, place: Path) -> bool:
    """Try whether a file can be moved from one folder into the other: neither is mounted, both can be written to."""
    probe = place / _INSIDE
    try:
        (work / _RECORD).touch(_PRIVATE[1])
        probe.mkdir(mode=_PRIVATE[0])
        (work / _RECORD).replace(probe / _RECORD)
    except OSError:
        return False
    finally:
        with suppress(OSError):
            _remove(work / _RECORD)
            _remove(probe)
    return True


def _place_of(work: Path) -> Path:
    return work.parent if work.name == _INSIDE else work.parent / work.name[1 : -len(_WORK)]


@contextmanager
def _locked(work: Path) -> Iterator[Path]:
    """Hold the lock of a work folder, finish what a killed command left in it, and take it away in the end."""
    place = _place_of(work)
    lock = _acquire(work, place)
    try:
        _finish(work, place)
        _write(work / _HOLDER, json.dumps(_myself()).encode())
        yield work
    finally:
        # An interrupt in the middle of the exchange has left a journal.
        with suppress(OSError, OutputError):
            _finish(work, place)
        is_posix = os.name == "posix"
        if is_posix:
            # While it is held: nobody else can hold what is taken away here.
            _remove_work(work)
        lock.release()
        if not is_posix:
            _remove_work(work)


def _remove_work(work: Path) -> None:
    with suppress(OSError):
        if {p.name for p in work.iterdir()} <= {_LOCK, _HOLDER}:
            (work / _HOLDER).unlink(missing_ok=True)
            (work / _LOCK).unlink()
            work.rmdir()


def _acquire(work: Path, place: Path) -> FileLock:
    while True:
        with suppress(FileExistsError):
            work.mkdir(mode=_PRIVATE[0])
        lock = FileLock(work / _LOCK, timeout=_WAIT_S, mode=_PRIVATE[1])
        try:
            stranger = _stranger_in(work)
            if stranger:
                raise OutputError(
                    "Something that the product did not write is where it works.",
                    where=work,
                    found=stranger,
                    expected="nothing",
                    remedy="Move it away.",
                )
            lock.acquire(poll_interval=0.05)
        except FileNotFoundError:
            continue  # its holder has just taken it away
        except Timeout as error:
            raise _BusyError(
                "Another command is writing there.",
                where=place,
                found=_holder_of(work),
                expected="one writer at a time",
                remedy="Wait until it is done, or choose another --out.",
            ) from error
        if (work / _LOCK).exists():
            return lock
        lock.release()


def _stranger_in(work: Path) -> str:
    """Say why a folder is no work folder of this user, if so."""
    if not os.path.lexists(work):
        return ""
    if work.is_symlink() or not work.is_dir():
        return "a file or a link"
    if hasattr(os, "geteuid") and work.stat().st_uid != os.geteuid():
        return "a folder of another user"
    return name_ids(sorted({p.name for p in work.iterdir()} - _IN_WORK))


def _myself() -> dict[str, Any]:
    return {
        "pid": os.getpid(),
        "host": socket.gethostname(),
        "since": dt.datetime.now(tz=dt.UTC).astimezone().isoformat(sep=" ", timespec="seconds"),
        "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
    }


def _holder_of(work: Path) -> str:
    try:
        holder = json.loads((work / _HOLDER).read_bytes())
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}: {holder['command']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "a process that has just begun"


# Putting in place


def _put_folder(work: Path, root: Path, part: str, public: str | None, *, is_listed: bool) -> None:
    new = work / _NEW
    old = manifest_in(root) if is_listed else None
    mine = _mine(old, part)
    if part:
        _merge_manifest(new, part, old or {})
    _set_modes(new, _PRIVATE)
    if public is not None and (new / part / public).is_dir():
        _set_modes(new / part / public, _PUBLIC)
    staged = [name for name, _ in _entries(new)]
    _refuse_collisions(root, [name for name in staged if (new / name).is_file()], mine)
    _sync_tree(new)
    if not root.exists():
        new.rename(root)
        placed.append(root / part)
        _sync(root.parent)
        return
    files = sorted(name for name in mine if _own_file(root, name))
    journal: dict[str, Any] = {"kind": "exchange", "inode": new.stat().st_ino, "files": files, "carried": {}}
    journal["gone"] = sorted(set(files) - set(staged))
    try:
        _require_exchange(work, root)
        _carry(root, new, set(files), journal["carried"])
    except OSError:
        journal["kind"] = "in place"
    _write_journal(work, journal)
    placed.append(root / part)
    _finish(work, root)


def _merge_manifest(new: Path, part: str, old: Mapping[str, Any]) -> None:
    """Lay the manifest of a part into that of the whole, which then is true of both."""
    content = json.loads((new / part / MANIFEST).read_bytes())
    (new / part / MANIFEST).unlink()
    written = {f"{part}/{name}": digest for name, digest in content.pop("outputs").items()}
    kept = {name: digest for name, digest in old.get("outputs", {}).items() if not name.startswith(f"{part}/")}
    whole = {name: content[name] for name in ("product", "district", "is_synthetic", "term") if name in content}
    whole |= {name: value for name, value in old.items() if name not in {"outputs", "parts"}}
    whole["parts"] = dict(sorted({**old.get("parts", {}), part: content}.items()))
    whole["outputs"] = dict(sorted({**kept, **written}.items()))
    (new / MANIFEST).write_bytes((json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode())


def _refuse_collisions(root: Path, staged: Iterable[str], mine: set[str]) -> None:
    """Refuse to write over what is there and not ours."""
    in_the_way = set()
    for name in staged:
        steps = PurePosixPath(name).parts
        for there in ("/".join(steps[:depth]) for depth in range(1, len(steps) + 1)):
            path = root / there
            is_way = there != name and path.is_dir() and not path.is_symlink()
            if os.path.lexists(path) and not is_way and not (there in mine and _own_file(root, there)):
                in_the_way.add(there)
                break
    if in_the_way:
        raise OutputError(
            "What the product did not write is where its files are to go.",
            where=root,
            found=name_ids(sorted(in_the_way)),
            expected="other names for your own files and folders",
            remedy="Move or rename it. Nothing was changed.",
        )


def _require_exchange(work: Path, root: Path) -> None:
    """Raise OSError where the folder cannot be exchanged for another, or should not: somebody stands in it."""
    here = _real(Path.cwd())
    if _exchange_call() is None or work.parent == root or root in (here, *here.parents):
        raise OSError(errno.EBUSY, "the folder has to stay")


def _carry(root: Path, new: Path, mine: set[str], carried: dict[str, int]) -> None:
    """Link what is not ours into the new folder, and make its folders again."""
    there = list(_entries(root))
    device, user = root.stat().st_dev, os.geteuid()
    staged = {name for name, _ in _entries(new)}
    ours = {parent.as_posix() for name in mine for parent in PurePosixPath(name).parents}
    needed = set()
    for name, state in there:
        if stat.S_ISDIR(state.st_mode):
            if (state.st_dev, state.st_uid) != (device, user):
                raise OSError(errno.EXDEV, "a folder that cannot be made again", name)
        elif name not in mine:
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            os.link(root / name, new / name, follow_symlinks=False)
            carried[name] = state.st_ino
            needed |= {parent.as_posix() for parent in PurePosixPath(name).parents}
    for name, state in reversed(there):
        if stat.S_ISDIR(state.st_mode) and name not in staged and (name in needed or name not in ours):
            (new / name).mkdir(parents=True, exist_ok=True)
            shutil.copystat(root / name, new / name)


# What was begun and not finished


def _write_journal(work: Path, journal: Mapping[str, Any]) -> None:
    draft = work / f"{_JOURNAL}.tmp"
    _write(draft, json.dumps(journal).encode())
    _sync(draft)
    draft.replace(work / _JOURNAL)
    _sync(work)


def _read_journal(work: Path) -> dict[str, Any] | None:
    try:
        journal: dict[str, Any] = json.loads((work / _JOURNAL).read_bytes())
        names = [*journal.get("files", ()), *journal.get("gone", ()), *journal.get("carried", ())]
        is_whole = journal["kind"] in {"exchange", "in place", "release"} and all(map(_is_inside, names))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError):
        is_whole = False
    if not is_whole:
        raise OutputError(
            "What a killed command left behind cannot be read.",
            where=work / _JOURNAL,
            expected="the journal as it was written",
            remedy=f"Look into {work / _NEW}: take out what you need, and delete {work.name}.",
        )
    return journal


def _finish(work: Path, place: Path) -> None:
    """Complete what has a journal, drop what has none; whatever moment this is killed at, it can be done again."""
    journal = _read_journal(work)
    if journal is not None:
        if journal["kind"] == "release":
            _finish_release(work, place, journal)
        elif journal["kind"] == "exchange":
            _finish_exchange(work, place, journal)
        if journal["kind"] == "in place":
            _finish_in_place(work / _NEW, place, journal)
    for name in (_NEW, _RECORD, f"{_JOURNAL}.tmp"):
        _remove(work / name)
    (work / _JOURNAL).unlink(missing_ok=True)


def _finish_exchange(work: Path, place: Path, journal: dict[str, Any]) -> None:
    old = work / _NEW
    if not place.exists():
        # Somebody has taken the folder away since: what was not yet exchanged is put there, what was is over.
        if old.exists() and old.stat().st_ino == journal["inode"]:
            old.rename(place)
        return
    if place.stat().st_ino != journal["inode"]:
        try:
            _exchange(old, place)
        except OSError:
            journal["kind"] = "in place"
            _write_journal(work, journal)
            return
        _sync(place.parent)
    # What is in the work folder now is the old folder.
    if not old.exists():
        return
    there = list(_entries(old))
    old.chmod(_PRIVATE[0])
    for name, state in there:
        if stat.S_ISDIR(state.st_mode):
            (old / name).chmod(_PRIVATE[0])
    for name, state in there:
        is_file = stat.S_ISREG(state.st_mode)
        if not stat.S_ISDIR(state.st_mode) and not (
            (is_file and name in journal["files"]) or journal["carried"].get(name) == state.st_ino
        ):
            # It came, or was changed, at the last moment.
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (old / name).replace(place / name)


def _finish_in_place(new: Path, place: Path, journal: Mapping[str, Any]) -> None:
    for name in journal["carried"]:
        (new / name).unlink(missing_ok=True)
    _make_folder(place)
    # The manifest first: from here on all that is written is known to be ours.
    if (new / MANIFEST).exists():
        (new / MANIFEST).replace(place / MANIFEST)
    for name in journal["gone"]:
        path = _own_file(place, name)
        if path is not None:
            path.unlink()
            with suppress(OSError):
                for folder in path.relative_to(place).parents[:-1]:
                    (place / folder).rmdir()
    if not new.exists():
        return
    place.chmod(stat.S_IMODE(new.stat().st_mode))
    for name, state in list(_entries(new)):
        if not stat.S_ISDIR(state.st_mode):
            (new / name).replace(place / name)
        elif not (place / name).exists():
            (place / name).mkdir()
            (place / name).chmod(stat.S_IMODE(state.st_mode))
    _sync(place)


def _finish_release(work: Path, record: Path, journal: Mapping[str, Any]) -> None:
    folder = releases_folder(record) / str(journal["number"])
    if (work / _NEW).exists():
        _make_folder(folder.parent)
        (work / _NEW).rename(folder)
    if folder.exists():
        folder.chmod(_READ_ONLY[0])
        _sync(folder.parent)
    if not (work / _RECORD).exists():
        return
    if _hash_of(record) != journal["before"]:
        raise OutputError(
            "The record was changed while a release was being written.",
            where=record,
            found=f"another record than release {journal['number']} was made for",
            expected="the record as it was",
            remedy="Restore the record from a backup, then run the command again.",
        )
    (work / _RECORD).replace(record)
    _sync(record.parent)


def _hash_of(path: Path) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None


def _exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders in one step, where the system can; else raise OSError."""
    call = _exchange_call()
    if call is None:
        raise OSError(errno.ENOTSUP, "the system exchanges no names")
    if call(os.fsencode(one), os.fsencode(other)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(one), None, str(other))


@cache
def _exchange_call() -> Callable[[bytes, bytes], int] | None:
    at_cwd, exchange, swap = -100, 2, 2
    if os.name != "posix":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    with suppress(AttributeError):
        renameat2 = libc.renameat2
        return lambda one, other: int(renameat2(at_cwd, one, at_cwd, other, exchange))
    with suppress(AttributeError):
        renamex_np = libc.renamex_np
        return lambda one, other: int(renamex_np(one, other, swap))
    return None


# Files and folders


def _write(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE[1]), "wb") as file:
        file.write(content)


def _entries(folder: Path, within: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """List all there is in a folder, a folder before what is in it; no link is followed."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        name = f"{within}{entry.name}"
        state = entry.stat(follow_symlinks=False)
        yield name, state
        if stat.S_ISDIR(state.st_mode):
            yield from _entries(Path(entry.path), f"{name}/")


def _make_folder(folder: Path, made: list[Path] | None = None) -> None:
    """Make a folder and those above it, for their owner only, and note which were made."""
    missing = [p for p in (folder, *folder.parents) if not p.exists()]
    for path in reversed(missing):
        path.mkdir(exist_ok=True)
        path.chmod(_PRIVATE[0])
        if made is not None:
            made.append(path)


def _remove_empty(folders: Iterable[Path]) -> None:
    with suppress(OSError):
        for folder in reversed([*folders]):
            folder.rmdir()


def _remove(path: Path) -> None:
    """Take away a file, or a folder with all in it, whatever its permissions; no link is followed."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    path.chmod(_PRIVATE[0])
    for folder, inner, _ in os.walk(path):
        for name in inner:
            if not (Path(folder) / name).is_symlink():
                (Path(folder) / name).chmod(_PRIVATE[0])
    shutil.rmtree(path)


def _set_modes(folder: Path, modes: tuple[int, int]) -> None:
    for name, state in list(_entries(folder)):
        (folder / name).chmod(modes[0] if stat.S_ISDIR(state.st_mode) else modes[1])
    folder.chmod(modes[0])


def _sync_tree(folder: Path) -> None:
    for name, _ in _entries(folder):
        _sync(folder / name)
    _sync(folder)


def _sync(path: Path) -> None:
    """Have the system write a file or folder to the disk, where it can."""
    with suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
