"""From ``district.toml`` and its presets to `Settings`, naming every fault at once."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from safeschools_geo.errors import FileReadError, SettingsError, count_text
from safeschools_geo.sections import setting_faults
from safeschools_geo.settings import OF_THE_HISTORY, Settings, term_name_faults

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "district.toml"


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
            remedy=_remedy_for(error, path),
        ) from error
    return settings_from(table, folder=Path(folder), where=path)


def _remedy_for(error: ValueError, path: Path) -> str:
    """Say how a file that is not TOML is mended, from what stands in the way."""
    if isinstance(error, UnicodeDecodeError):
        return "Save it in the encoding UTF-8."
    line = re.search(r"line (\d+)", str(error))
    text = path.read_text(encoding="utf-8-sig").splitlines()[int(line[1]) - 1 : int(line[1])] if line else []
    if any(mark in "".join(text) for mark in "\u201c\u201d\u201e\u2018\u2019"):
        return 'Quotation marks have to be straight ("), not curly as a word processor writes them.'
    if "twice" in str(error) or "overwrite" in str(error):
        return "A setting or a section stands twice; leave one of them. Of several sources each is [[incidents]]."
    return "Texts need quotation marks, and \\ in paths must be / or \\\\."


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
    whole = {**_with_presets(_with_sources(table, faults), faults), "folder": str(folder)}
    settings = None
    try:
        # As JSON, because a list is a tuple there and a text may be a date, while a text is never a number.
        settings = TypeAdapter(Settings).validate_json(json.dumps(whole, default=str))
    except ValidationError as error:
        faults += setting_faults(error, whole, Settings)
    # Names of terms are looked at all together, which is not reached where another setting is wrong.
    about_names = [" ".join(str(fault).split()) for fault in term_name_faults(_term_names(table))]
    faults += [line for line in about_names if line not in faults]
    if faults or settings is None:
        raise SettingsError(
            f"The settings have {count_text(len(faults), 'fault')}:\n  - " + "\n  - ".join(faults),
            where=where,
            remedy="Correct them; every setting is described in docs/settings.md.",
        )
    return settings


def _with_presets(table: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    merged = {
        name: _with_preset(name, part, faults) if name in ("schools", "incidents") else part
        for name, part in table.items()
    }
    if isinstance(table.get("sources"), list):
        merged["sources"] = [_with_preset("incidents", source, faults) for source in table["sources"]]
    return merged


def _with_preset(section: str, own: object, faults: list[str]) -> object:
    """Lay the preset of a section under what it says itself."""
    if not isinstance(own, dict) or "preset" not in own:
        return own
    rest, name = {key: value for key, value in own.items() if key != "preset"}, own["preset"]
    if name not in preset_names():
        faults.append(f"[{section}] preset: {name!r} is none of {', '.join(preset_names())}")
        return rest
    text = (resources.files("safeschools_geo") / "presets" / f"{name}.toml").read_text(encoding="utf-8")
    return _overlay(tomllib.loads(text).get(section, {}), rest)


def _with_sources(table: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """Part what several ``[[incidents]]`` say of the whole history from what each says of itself."""
    sources = table.get("incidents")
    if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
        return dict(table)
    whole: dict[str, Any] = {}
    for name in OF_THE_HISTORY:
        said = [source[name] for source in sources if name in source]
        if any(value != said[0] for value in said):
            faults.append(f"[[incidents]] {name}: holds for all sources together; found {', '.join(map(repr, said))}")
        whole |= {name: said[0]} if said else {}
    return {**table, "incidents": whole, "sources": sources}


def _overlay(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in own.items():
        both_tables = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _overlay(merged[key], value) if both_tables else value
    return merged


def _term_names(table: Mapping[str, Any]) -> list[str]:
    terms = table.get("terms")
    names = [one.get("name") for one in terms if isinstance(one, dict)] if isinstance(terms, list) else []
    return [name for name in names if isinstance(name, str)]
