"""Write the data dictionary and the reference of settings from the code: ``python docs/make_reference.py``."""

from __future__ import annotations

import dataclasses
import typing
from pathlib import Path

from numpydoc.docscrape import ClassDoc

from safeschools_geo import schemas, sections, settings

FOLDER = Path(__file__).resolve().parent
_VOCABULARIES = (
    ("Categories", schemas.CATEGORIES),
    ("Levels", schemas.LEVELS),
    ("Origins", schemas.ORIGINS),
    ("Responders", schemas.RESPONDERS),
    ("Statuses of an assignment", schemas.STATUSES),
    ("How a school was found", schemas.SCHOOL_MATCHES),
    ("Reasons of the program-work rule", schemas.WORK_REASONS),
    ("Kinds of hotspots", schemas.HOTSPOT_KINDS),
    ("Statuses of a hotspot", schemas.HOTSPOT_STATUSES),
    ("What a school is high against", schemas.HIGH_AGAINST),
)
_SECTIONS = (
    settings.DistrictSettings,
    settings.PathSettings,
    settings.ReadingSettings,
    settings.LayerSettings,
    settings.SchoolSettings,
    settings.EnrollmentFile,
    settings.IncidentSettings,
    settings.Term,
    settings.CalendarSettings,
    settings.HoursSettings,
    settings.HoursFile,
    settings.Bells,
    settings.WorkloadSettings,
    settings.AssignSettings,
    sections.RebalanceSettings,
    settings.HotspotSettings,
    settings.CoverageSettings,
    settings.BoardSettings,
    settings.PatrolChange,
    sections.Change,
)


def data_dictionary() -> str:
    """Write every table and every vocabulary as Markdown."""
    lines = ["# Data dictionary", "", "Made from `safeschools_geo/schemas.py` by `docs/make_reference.py`.", ""]
    for table in schemas.TABLES:
        note = " *Confidential.*" if table.is_confidential else ""
        lines += [f"## {table.name}", "", table.meaning + note, "", "| column | type | unit | meaning |"]
        lines += ["|---|---|---|---|"]
        for c in table.columns:
            may_lack = "" if c.is_required else " The column may be absent."
            may_lack += " May be empty." if c.is_nullable else ""
            words = f" One of {', '.join(f'`{v}`' for v in c.values)}." if c.values else ""
            lines.append(f"| `{c.name}` | {c.dtype} | {c.unit or ''} | {c.meaning}{words}{may_lack} |")
        lines.append("")
    for title, words in _VOCABULARIES:
        lines += [f"## {title}", "", "| word | meaning |", "|---|---|"]
        lines += [f"| `{word}` | {meaning} |" for word, meaning in words.items()]
        lines.append("")
    return "\n".join(lines)


def settings_reference() -> str:
    """Write every setting as Markdown."""
    lines = ["# Settings", "", "Everything that `district.toml` may say.", ""]
    lines += ["Made from `safeschools_geo/settings/` by `docs/make_reference.py`.", ""]
    for section in _SECTIONS:
        doc = ClassDoc(section)
        described = _described(section)
        hints = typing.get_type_hints(section)
        lines += [f"## {doc['Summary'][0].replace('``', '`')}", "", "| setting | default | meaning |", "|---|---|---|"]
        for field in dataclasses.fields(section):
            text = described.get(field.name, "").replace("``", "`").replace("|", "\\|")
            lines.append(f"| `{field.name}` | {_default(field, hints[field.name])} | {text} |")
        lines.append("")
    return "\n".join(lines)


def _described(section: type) -> dict[str, str]:
    docs = [ClassDoc(cls) for cls in reversed(section.__mro__) if cls is not object]
    return {name.strip(): " ".join(p.desc) for doc in docs for p in doc["Parameters"] for name in p.name.split(",")}


def _default(field: dataclasses.Field[typing.Any], hint: object) -> str:
    if field.default is not dataclasses.MISSING:
        return _shown(field.default, is_time="time" in str(hint) and field.name in {"start", "end"})
    if field.default_factory is not dataclasses.MISSING:
        return _shown(field.default_factory(), is_time=False)
    return "*required*"


def _shown(value: object, *, is_time: bool) -> str:
    if isinstance(value, dict):
        return ", ".join(f"`{k} = {v:g}`" for k, v in value.items())
    if isinstance(value, tuple):
        return ", ".join(f"`{v}`" for v in value)
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float):
        return f"`{value}`" if isinstance(value, int) else f"`{value:g}`"
    if value is None:
        return ""
    return f"`{str(value)[:5]}`" if is_time else f"`{value}`"


def main() -> None:
    """Write both files."""
    (FOLDER / "data_dictionary.md").write_text(data_dictionary(), encoding="utf-8", newline="\n")
    (FOLDER / "settings.md").write_text(settings_reference(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
