"""What the packet for the board may say, in which languages, and where releases are recorded."""

from __future__ import annotations

from dataclasses import dataclass

from safeschools_geo.settings.checks import require

_WHERE = "[board]"


@dataclass(frozen=True, kw_only=True)
class BoardSettings:
    """``[board]``: what the packet for the board may say, and in which languages.

    Parameters
    ----------
    policy
        Disclosure policy: ``default`` (counts 1 to 10 are withheld), ``cautious`` (1 to 20), or a TOML file relative to
        the district folder.
    languages
        Languages of the packet, ``en`` and ``es``; the pages of the first stand at the top.
    by_school
        Whether figures of single schools may be published: a table with a number for each school, if little enough of
        it would be withheld, and groups that have one school alone.
    pdf
        Whether the packet is printed as PDF too.
    releases
        File that releases are recorded in, relative to the district folder. It holds every figure that was ever
        published: keep it, and keep it confidential.
    """

    policy: str = "default"
    languages: tuple[str, ...] = ("en", "es")
    by_school: bool = False
    pdf: bool = True
    releases: str = "releases.jsonl"

    def __post_init__(self) -> None:
        """Check the values."""
        require(self.policy, f"{_WHERE} policy", "There must be a policy.")
        require(self.languages, f"{_WHERE} languages", "The packet speaks a language.")
        distinct = len(set(self.languages)) == len(self.languages)
        require(distinct, f"{_WHERE} languages", "A language is named twice.", found=", ".join(self.languages))
        require(self.releases, f"{_WHERE} releases", "Releases are recorded somewhere.")
