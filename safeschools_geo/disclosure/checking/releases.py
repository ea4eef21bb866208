"""Whether the record of releases is whole, and the packet is what it says was released."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from safeschools_geo.disclosure.checking.arithmetic import sums_of
from safeschools_geo.disclosure.checking.fields import canonical
from safeschools_geo.disclosure.checking.telling import note, several, told
from safeschools_geo.errors import count_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from safeschools_geo.check_report import Check
    from safeschools_geo.disclosure.checking.audit_record import Audit
    from safeschools_geo.disclosure.checking.record import Packet, Release

_FIRST = "0" * 64


def release_checks(audit: Audit, packet: Packet | None, releases: Sequence[Release] | None) -> list[Check]:
    """Check the record of releases, and what of it the audit has to agree with.

    Parameters
    ----------
    audit
        The audit.
    packet
        What the packet says of itself; None where that cannot be read.
    releases
        The record; None where there is none.

    Returns
    -------
    list of Check
        ``releases``; ``released`` where the packet is a release, a note where its record is not there, since that is
        confidential; a note on figures of earlier releases.
    """
    if releases is None:
        state = f"release {audit.release}" if audit.release else "a draft"
        kept = "it was not compared with the record of releases, which is confidential (--record FILE)"
        return [note("unread", f"{state}; {kept}")]
    whole = told(
        "releases", _chain_faults(releases), f"{count_text(len(releases), 'release')}, none changed or missing"
    )
    checks = [whole]
    if packet is not None:
        text = f"it has {count_text(packet.releases, 'release')} and more, if any, as it had when the packet was made"
        checks.append(told("record", _end_faults(packet, releases), text))
    if audit.release:
        checks += _released(audit, releases)
    return checks + (_earlier(audit, releases) if whole.passed else [])


def _chain_faults(releases: Sequence[Release]) -> list[str]:
    faults, previous = [], _FIRST
    for number, release in enumerate(releases, start=1):
        what = f"line {number} (release {release.number})"
        found = hashlib.sha256(canonical({k: v for k, v in release.raw.items() if k != "hash"})).hexdigest()
        if found != release.hash:
            faults.append(f"{what} has been changed since it was written")
        if release.number != number:
            faults.append(f"{what} is not release {number}")
        if release.previous != previous:
            faults.append(f"{what} does not follow the line before it: one is missing, or stands elsewhere")
        previous = release.hash
    return faults


def _end_faults(packet: Packet, releases: Sequence[Release]) -> list[str]:
    if len(releases) < packet.releases:
        return [f"it has {count_text(len(releases), 'release')}, and the packet knows of {packet.releases:,}"]
    if packet.last is not None and (not packet.releases or releases[packet.releases - 1].hash != packet.last):
        return [f"release {packet.releases:,} is not the one that the packet knows"]
    return []


def _released(audit: Audit, releases: Sequence[Release]) -> list[Check]:
    release = next((r for r in releases if r.number == audit.release), None)
    if release is None:
        return [told("released", [f"it is said to be release {audit.release}, and the record has no such release"], "")]
    text = f"the figures and the policy are those of release {audit.release}"
    return [told("released", _released_faults(audit, release), text), *_rounded(release)]


def _released_faults(audit: Audit, release: Release) -> list[str]:
    faults = [
        f"the release has {theirs!r} for {name}, the audit {ours!r}"
        for name, theirs, ours in (
            ("district", release.district, audit.district),
            ("term", release.term, audit.term),
            ("measure", release.measure, audit.measure),
        )
        if theirs != ours
    ]
    if release.policy.raw != audit.policy.raw:
        faults.append("the release had another policy")
    return [*faults, *_figure_faults(audit, release), *_said_faults(audit, release)]


def _said_faults(audit: Audit, release: Release) -> list[str]:
    """Compare the numbers besides counts; releases of earlier versions did not record them."""
    if not release.said:
        return []
    ours = {canonical(s.raw) for s in audit.statements if s.value is not None}
    return [
        f"{one.get('source')} of the release, {one.get('value')}, is not in the audit"
        for one in release.said
        if canonical(dict(one)) not in ours
    ]


def _figure_faults(audit: Audit, release: Release) -> list[str]:
    theirs = {_name(key): value for key, value in release.figures}
    ours = {_name(f.key): f.value for f in audit.figures}
    faults = [f"{name} is not a figure of the release" for name in sorted(ours.keys() - theirs.keys())]
    faults += [f"{name} of the release is not in the audit" for name in sorted(theirs.keys() - ours.keys())]
    faults += [
        f"{name} is {_shown(ours[name])} in the audit, and was {_shown(theirs[name])} in the release"
        for name in sorted(ours.keys() & theirs.keys())
        if ours[name] != theirs[name]
    ]
    return faults


def _rounded(release: Release) -> list[Check]:
    """Note what the release says besides its figures: its weights are not public, so the worlds know nothing of it."""
    if not release.statements:
        return []
    text = f"{count_text(len(release.statements), 'rounded figure')} ({', '.join(sorted(set(release.statements)))})"
    return [note("released", f"{text} were tried together with the counts before the release; here they were not")]


def _earlier(audit: Audit, releases: Sequence[Release]) -> list[Check]:
    """Note which figures of other releases the worlds do not agree with."""
    others = [r for r in releases if r.number != audit.release and r.measure == audit.measure]
    published = [(r.number, key, value) for r in others for key, value in r.figures if value is not None]
    if not published or not audit.worlds:
        return []
    sums = sums_of(audit, [key for _, key, _ in published])
    unlike = [
        f"release {release}, {_name(key)}: {value}"
        for column, (release, key, value) in enumerate(published)
        if any(row[column] != value for row in sums)
    ]
    text = (
        f"{count_text(len(published) - len(unlike), 'figure', of=len(published))} of other releases hold in every world"
    )
    if unlike:
        text += (
            "; the others were corrected since, or are of schools that have another zone now, which rests on the "
            f"audit: {several(unlike)}"
        )
    return [note("releases", text)]


def _name(key: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(key.items())) or "all"


def _shown(value: int | None) -> str:
    return "withheld" if value is None else str(value)
