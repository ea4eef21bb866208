"""What the tests of commands share: what is worked out of one district is worked out once."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from safeschools_geo.district import District, input_files
from safeschools_geo.term import _run as story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from safeschools_geo.settings import Settings

STEPS = ("find_term_hotspots", "propose_zones", "cover_term", "protect_term")


def files_of(settings: Settings) -> frozenset[tuple[str, str]]:
    """List what a district is read from, each with its hash."""
    places = [settings.folder / "district.toml", *input_files(settings)]
    files = {file for place in places for file in (place, *place.rglob("*")) if file.is_file()}
    return frozenset(
        (f.relative_to(settings.folder).as_posix(), hashlib.sha256(f.read_bytes()).hexdigest()) for f in files
    )


def once(step: Callable[..., Any], known: dict[tuple, Any]) -> Callable[..., Any]:
    """Do a step of a run, or give what it gave for the same files and the same steps before it."""

    def asked(given: Any, *more: Any, **options: Any) -> Any:
        district = given if isinstance(given, District) else given.district
        before = () if isinstance(given, District) else (given.term, given.seed, given.proposal.why, given.coverage.why)
        named = {name: repr(value) for name, value in options.items() if not callable(value)}
        key = (step.__name__, files_of(district.settings), before, *sorted(named.items()))
        if key not in known:
            known[key] = step(given, *more, **options)
        return known[key]

    return asked


@pytest.fixture(scope="module")
def worked_out_once() -> Iterator[None]:
    """Do the long steps of a run once for each district: asked is what commands write, and where, not what it says."""
    known: dict[tuple, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            patch.setattr(story, name, once(getattr(story, name), known))
        yield
