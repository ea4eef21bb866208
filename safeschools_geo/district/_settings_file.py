"""From ``district.toml`` and its presets to `Settings`, naming every fault at once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import difflib
import tomllib
import types
import typing
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from safeschools_geo.errors import FileReadError, InputError, SettingsError, SeveralFaultsError
from safeschools_geo.settings import Settings, term_name_faults

FILE_NAME = "district.toml"
T = TypeVar("T")


def preset_names() -> list[str]:
    """List the presets that ship with the product.

    Returns
    -------
    list of str
        Their names, sorted.
    """
    folder = resources.files("safeschools_geo") / "presets"
    return sorted(p.name.removesuffix(".toml") for p in folder.iterdir() if p.name.endswith(".toml"))


def load_settings(folder: Path | str) -> Settings:
    """Read the settings of a district folder.

    Parameters
    ----------
    folder
        The folder that holds ``district.toml``.

    Returns
    -------
    Settings
        Settings, presets laid under the district's own.

    Raises
    ------
    FileReadError
        When the folder or the file is not there, or is not TOML.
    SettingsError
        When values are wrong; every fault is named.
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        raise FileReadError(
            f"There is no {FILE_NAME} in this folder.",
            where=Path(folder),
            expected=f"a district folder with {FILE_NAME} in it",
            remedy="Make one with `safeschools new DIR`, or give the folder that holds it.",
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FileReadError(
            f"{FILE_NAME} is not valid TOML.",
            where=path,
            found=error,
            expected="TOML in UTF-8",
            remedy="Texts need quotation marks, and \\ in paths must be / or \\\\.",
        ) from error
    return settings_from(table, folder=Path(folder), where=path)


def settings_from(table: Mapping[str, Any], *, folder: Path, where: object) -> Settings:
    """Make settings of a table, presets laid under its own values.

    Parameters
    ----------
    table
        What ``district.toml`` holds, as `tomllib` reads it.
    folder
        The district folder.
    where
        Where the table comes from, for the message.

    Returns
    -------
    Settings
        The settings.

    Raises
    ------
    SettingsError
        When values are wrong; every fault is named.
    """
    faults: list[str] = []
    settings = _build(Settings, {**_with_presets(table, faults), "folder": folder}, "", faults)
    # Names of terms are looked at all together, which is not reached where another setting is wrong.
    faults += [line for line in _lines_of(term_name_faults(_term_names(table))) if line not in faults]
    if faults or settings is None:
        raise SettingsError(
            f"The settings have {len(faults)} faults:\n  - " + "\n  - ".join(faults),
            where=where,
            remedy="Correct them; every setting is described in docs/settings.md.",
        )
    return settings


def _with_presets(table: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    merged = dict(table)
    for section in ("schools", "incidents"):
        own = merged.get(section)
        name = own.get("preset") if isinstance(own, dict) else None
        if not isinstance(own, dict) or name is None:
            continue
        if name not in preset_names():
            faults.append(f"[{section}] preset: {name!r} is none of {', '.join(preset_names())}")
            continue
        text = (resources.files("safeschools_geo") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
        merged[section] = _lay_over(tomllib.loads(text).get(section, {}), own)
    for section in ("schools", "incidents"):
        if isinstance(merged.get(section), dict):
            merged[section] = {k: v for k, v in merged[section].items() if k != "preset"}
    return merged


def _lay_over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        both_tables = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _lay_over(merged[key], value) if both_tables else value
    return merged


def _build(cls: type[T], table: object, where: str, faults: list[str]) -> T | None:
    if not isinstance(table, Mapping):
        faults.append(f"[{where}]: expected a table, found {table!r}")
        return None
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in [k for k in table if k not in known]:
        near = difflib.get_close_matches(name, known, n=1)
        faults.append(f"{_label(where, name)}: no such setting" + (f"; did you mean {near[0]!r}?" if near else ""))
    before = len(faults)
    values = {k: _convert(hints[k], v, _label(where, k), faults) for k, v in table.items() if k in known}
    missing = [
        n
        for n, f in known.items()
        if n not in table and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    faults.extend(f"{_label(where, name)}: missing, and there is no default" for name in missing)
    if missing or len(faults) > before:
        return None
    try:
        return cls(**values)
    except InputError as error:
        faults.extend(_lines_of(error.faults if isinstance(error, SeveralFaultsError) else [error]))
        return None


def _lines_of(faults: Iterable[InputError]) -> list[str]:
    return [" ".join(str(fault).split()) for fault in faults]


def _term_names(table: Mapping[str, Any]) -> list[str]:
    terms = table.get("terms")
    names = [one.get("name") for one in terms if isinstance(one, dict)] if isinstance(terms, list) else []
    return [name for name in names if isinstance(name, str)]


def _label(where: str, name: str) -> str:
    return f"[{where}] {name}" if where else f"[{name}]"


def _convert(hint: Any, value: Any, where: str, faults: list[str]) -> Any:  # noqa: ANN401 - as TOML has it
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(typing.get_args(hint), value, where, faults)
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast("type[Any]", hint), value, where.replace("] ", ".").strip("[]"), faults)
    if origin is tuple:
        items = value if isinstance(value, list) else [value]
        return tuple(_convert(typing.get_args(hint)[0], v, where, faults) for v in items)
    if origin is Mapping:
        if not isinstance(value, dict):
            faults.append(f"{where}: expected a table, found {value!r}")
            return {}
        item = typing.get_args(hint)[1]
        return {k: _convert(item, v, f"{where}.{k}", faults) for k, v in value.items()}
    return _convert_plain(hint, value, where, faults)


def _convert_union(options: tuple[Any, ...], value: Any, where: str, faults: list[str]) -> Any:  # noqa: ANN401
    for option in options:
        if option is type(None):
            continue
        if isinstance(value, list) != (typing.get_origin(option) is tuple):
            continue
        attempt: list[str] = []
        converted = _convert(option, value, where, attempt)
        if not attempt:
            return converted
    # None of the options fits: report against the first, which is the one the documentation names.
    return _convert(options[0], value, where, faults)


def _convert_plain(hint: Any, value: Any, where: str, faults: list[str]) -> Any:  # noqa: ANN401
    if typing.get_origin(hint) is typing.Literal:
        if value not in typing.get_args(hint):
            faults.append(f"{where}: {value!r} is none of {', '.join(map(str, typing.get_args(hint)))}")
        return value
    try:
        return _plain(hint, value)
    except (TypeError, ValueError):
        faults.append(f"{where}: expected {_PLAIN_NAMES.get(hint, hint)}, found {value!r}")
        return None


_PLAIN_NAMES: dict[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dt.date: "a date such as 2025-08-14",
    dt.time: 'a time of day such as "07:30"',
}


def _plain(hint: Any, value: Any) -> Any:  # noqa: ANN401
    if hint is str and isinstance(value, dt.date):
        return value.isoformat()
    if hint is dt.date and isinstance(value, str):
        return dt.date.fromisoformat(value)
    if hint is dt.time and isinstance(value, str):
        return dt.time.fromisoformat(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise TypeError
    return value
