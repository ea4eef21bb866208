"""The words of the pages, in English and Spanish."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources

import pandas as pd
from markupsafe import Markup

from safeschools_geo.errors import SettingsError

LANGUAGES = {"en": "English", "es": "Español"}
"""Languages of the pages, by their IETF tag, each under its own name."""

_FOLDER = resources.files("safeschools_geo.board").joinpath("words")


@dataclass(frozen=True)
class Words:
    """The words of one language.

    Parameters
    ----------
    lang
        Its IETF tag.
    texts
        Text by name, ``section.key``; ``{…}`` in it is filled in.
    """

    lang: str
    texts: Mapping[str, str]

    def __call__(self, name: str, **values: object) -> str:
        """Write a text.

        Parameters
        ----------
        name
            Its name, ``section.key``. Where `values` has ``n`` and there is ``section.key_one``, that is used for 1.
        **values
            What is filled in; numbers are written as the language writes them.

        Returns
        -------
        str
            Plain text, to be escaped like any other.
        """
        return self._text(name, values).format(**{key: self._written(value) for key, value in values.items()})

    def html(self, name: str, **values: object) -> Markup:
        """Write a text that holds markup of ours, such as a figure with its cell.

        Parameters
        ----------
        name
            Its name. The text itself is plain and is escaped.
        **values
            What is filled in: markup as it is, the rest escaped.

        Returns
        -------
        markupsafe.Markup
            Safe HTML.
        """
        safe = {k: v if isinstance(v, Markup) else Markup(escape(self._written(v))) for k, v in values.items()}  # noqa: S704
        return Markup(escape(self._text(name, values), quote=False)).format(**safe)  # noqa: S704 - escaped on the left

    def number(self, value: object, decimals: int = 0) -> str:
        """Write a number.

        Parameters
        ----------
        value
            The number; missing is a dash.
        decimals
            Decimals that are shown.

        Returns
        -------
        str
            With a comma between thousands, as Spanish in the United States and Mexico has it too.
        """
        return "–" if pd.isna(value) else f"{float(str(value)):,.{decimals}f}"  # type: ignore[call-overload]

    def percent(self, share: object, decimals: int = 0) -> str:
        """Write a share in percent.

        Parameters
        ----------
        share
            The share; missing is a dash.
        decimals
            Decimals that are shown.

        Returns
        -------
        str
            For example ``15 %``; in English ``15%``.
        """
        if pd.isna(share):  # type: ignore[call-overload]
            return "–"
        text = f"{100 * float(str(share)):,.{decimals}f}"
        # The space does not break: a line must not begin with the sign.
        return f"{text}%" if self.lang == "en" else f"{text}\u00a0%"

    def _text(self, name: str, values: Mapping[str, object]) -> str:
        one = f"{name}_one"
        return self.texts[one if values.get("n") == 1 and one in self.texts else name]

    def _written(self, value: object) -> str:
        return self.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)


@cache
def words(lang: str) -> Words:
    """Open the words of a language.

    Parameters
    ----------
    lang
        Its IETF tag.

    Returns
    -------
    Words
        Its words.

    Raises
    ------
    SettingsError
        When the pages do not speak it.
    """
    if lang not in LANGUAGES:
        raise SettingsError("The pages do not speak this language.", found=lang, expected=", ".join(LANGUAGES))
    folder = _FOLDER.joinpath(lang)
    texts: dict[str, str] = {}
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.name.endswith(".toml"):
            section = file.name.removesuffix(".toml")
            entries = tomllib.loads(file.read_text(encoding="utf-8"))
            texts |= {f"{section}.{key}": str(text).strip() for key, text in entries.items()}
    return Words(lang, texts)
