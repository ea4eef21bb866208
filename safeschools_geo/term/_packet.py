"""The board packet of a term: what may be reported is chosen, protected and audited."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from safeschools_geo import __version__
from safeschools_geo.board import decimals_of, rate_decimals, words
from safeschools_geo.disclosure import (
    AuditReport,
    BoardContent,
    BoardDetail,
    CountTable,
    Earlier,
    Grouping,
    Release,
    SafeTable,
    advise,
    audit,
    earlier,
    load_policy,
    protect,
    read_ledger,
    require_whole,
    sibling_packets,
    with_release,
)
from safeschools_geo.district import demo_folder, outputs_folder
from safeschools_geo.results import TermBoard
from safeschools_geo.school_calendar import school_days
from safeschools_geo.term._packet_figures import (
    Rounding,
    board_coverage,
    board_plan,
    confidential_counts,
    confidential_students,
    offered_tables,
    program_people,
    public_changes,
    public_rates,
    published_terms,
    with_detail,
    with_rounded_rates,
)
from safeschools_geo.writing import repair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from safeschools_geo.disclosure import Fact, Policy
    from safeschools_geo.district import District
    from safeschools_geo.results import TermResult
    from safeschools_geo.settings import Settings, Term


# ── What the pages say in numbers besides counts, so that the audit lists it, and every number on every page

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_UNREAD = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->|<!DOCTYPE[^>]*>", re.DOTALL | re.IGNORECASE)
_TAG = re.compile(r"<[^>]*>")
_SAID = re.compile(r"""\s(?:aria-label|aria-description|aria-valuetext|title|alt|data-value|data-label)="([^"]*)\"""")
_PERCENT = 0.01
_STEPS = {"load": "step", "imbalance": "step", "min": "step_min", "share": "step_share"}
_FLOORS = {"timed_share", "answered_share"}
"""What at least so much of the calls have: rounded down, and said as such."""

_DIMS = ("zone", "level", "term", "by", "group", "before", "after", "zone_id", "name")
_FOLLOWS, _TRIED, _PRINTED = "follows from published figures", "rounded and tried with the counts", "as it is printed"


@dataclass(frozen=True)
class Statement:
    """A number that is published and is no count: what of, between which ends, and what the audit made of it."""

    source: str
    key: Mapping[str, str]
    value: float
    low: float
    high: float
    basis: str

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as it is written into files; its weights are not public, if it has any."""
        return {
            "source": self.source,
            "key": dict(self.key),
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "basis": self.basis,
            "weights": None,
        }


def statements_of(content: BoardContent, pages: Mapping[str, str]) -> list[Statement]:
    """List every number that the pages say and that is no count."""
    found = [*_of_rates(content), *_of_changes(content), *_of_shares(content)]
    found += _of_part("proposed zones", content.plan)
    found += _of_part("coverage", content.coverage)
    known = [abs(s.value) for s in found]
    for record in content.audit.to_frame().to_dict("records"):
        known += [float(record[end]) for end in ("low", "high") if not pd.isna(record[end])]
    known += [float(v) for v in content.counts.to_frame()["count"].dropna()]
    langs = sorted({tag[1] for page in pages.values() if (tag := re.search(r'<html lang="([^"]*)"', page))})
    named = {number for numbers in public_numbers(content, langs=langs).values() for number in numbers}
    others: dict[str, None] = {}
    for page in pages.values():
        others |= dict.fromkeys(token for token in numbers_on(page) if token not in named and not _is_of(token, known))
    return [*found, *(_printed(token) for token in others)]


def public_numbers(content: BoardContent, *, langs: Sequence[str]) -> dict[str, list[str]]:
    """List the numbers on the pages that are public anyway."""
    counts, policy = content.counts, content.counts.policy
    schools, students = content.schools, content.students.to_frame()["count"].dropna()
    of_zone = schools.groupby("zone_id").size() if len(schools) else pd.Series(dtype="int64")
    names = [content.district, *content.terms, *map(str, content.zones["name"]), *map(str, schools["name"])]
    keys = counts.to_frame()
    names += [str(group) for dim in ("zone", "level", "year", "term") if dim in keys for group in keys[dim]]
    names += [] if content.places is None else list(map(str, content.places["name"]))
    withheld = int(counts.is_withheld.sum())
    sizes = [len(schools), *of_zone, *students, len(content.terms), *range(1, len(content.zones) + 1)]
    made = [withheld, len(counts.is_withheld), len(content.audit.intervals), len(content.audit.hidden), content.release]
    return {
        "names and dates": _written(names),
        "words of the pages": _written(text for lang in langs for text in words(lang).texts.values()),
        "policy": _written([policy.name, policy.source, *map(_whole, _of_policy(policy))]),
        "schools and students": _written(map(_whole, sizes)),
        "figures, withheld figures, groups": _written(map(_whole, made)),
        "settings": _written([*content.method, *content.method.values()]),
    }


def numbers_on(page: str) -> list[str]:
    """List every number that a page says, to see or to hear, in the order in which they stand."""
    found: list[str] = []
    body = _UNREAD.sub(" ", page)
    end = 0
    for tag in _TAG.finditer(body):
        found += _NUMBER.findall(html.unescape(body[end : tag.start()]))
        for said in _SAID.findall(tag[0]):
            found += _NUMBER.findall(html.unescape(said))
        end = tag.end()
    return found + _NUMBER.findall(html.unescape(body[end:]))


def _of_rates(content: BoardContent) -> Iterator[Statement]:
    printed = 10.0 ** -rate_decimals(content)
    for table in (content.zone_trends, content.level_trends, content.district_trends):
        for row in table.to_dict("records"):
            key = _key(row)
            for name, source in (
                ("rate_per_1000", "rate"),
                ("rate_low", "range of a rate, low"),
                ("rate_high", "range of a rate, high"),
            ):
                if pd.isna(value := row[name]):
                    continue
                is_exact = pd.isna(row["rate_step"])
                step = printed if is_exact else float(row["rate_step"])
                yield _statement(source, key, value, step, _FOLLOWS if is_exact else _TRIED)


def _of_changes(content: BoardContent) -> Iterator[Statement]:
    for row in content.changes.to_dict("records"):
        if not pd.isna(row["ratio"]):
            yield _share("change of a rate", _key(row), abs(float(row["ratio"]) - 1))


def _of_shares(content: BoardContent) -> Iterator[Statement]:
    counts = content.counts
    yield _share("share of the figures that is withheld", {}, counts.withheld_share)
    if content.detail is not None:
        share = content.detail.withheld_share
        yield _share("share of the finest table that is withheld", {}, share)
    totals = counts.table("term").set_index("term")["count"].dropna()
    now = totals.get(content.term)
    started = content.origins.set_index("origin")["count"].get("officer_initiated")
    if now and started is not None and not pd.isna(started):
        share = float(started / now)
        yield _share("share that officers started", {"term": content.term}, share)
    for term, before in totals.items():
        if now is not None and before and term != content.term:
            change = abs(float(now / before) - 1)
            terms = {"before": str(term), "after": content.term}
            yield _share("change of the count", terms, change)


def _of_part(source: str, part: object) -> Iterator[Statement]:
    """List the numbers of the plan or of coverage: they are rounded already, to the steps that stand beside them."""
    if not is_dataclass(part):
        return
    for field in fields(part):
        value = getattr(part, field.name)
        if isinstance(value, pd.DataFrame):
            yield from _of_table(source, value, part)
        elif isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            yield from _of_number(f"{source}, {field.name}", {}, field.name, float(value), part)


def _of_table(source: str, table: pd.DataFrame, part: object) -> Iterator[Statement]:
    numeric = [name for name in table if pd.api.types.is_numeric_dtype(table[name]) and table[name].dtype != bool]
    for row in table.drop(columns="geometry", errors="ignore").to_dict("records"):
        for name in numeric:
            if not pd.isna(row[name]):
                yield from _of_number(f"{source}, {name}", _key(row), str(name), float(row[name]), part)


def _of_number(source: str, key: Mapping[str, str], name: str, value: float, part: object) -> Iterator[Statement]:
    words_of = name.split("_")
    at = next((_STEPS[w] for w in words_of if w in _STEPS and not name.startswith("step")), None)
    step = 0.0 if at is None else float(getattr(part, at, 0.0))
    basis = _TRIED if at in {"step", "step_min"} else _PRINTED
    step = step if math.isfinite(step) and name not in _FLOORS else 0.0
    yield _statement(source, key, value, step, basis)
    if words_of[-1] == "share":
        yield _statement(f"{source}, the rest", key, 1 - value, step, basis)


def _statement(source: str, key: Mapping[str, str], value: object, step: float, basis: str) -> Statement:
    number = float(value)  # type: ignore[arg-type]
    # With the decimals of the step, as the pages write it.
    number = float(f"{number:.{decimals_of(step)}f}") if step else round(number, 10)
    return Statement(source, key, number, round(number - step / 2, 10), round(number + step / 2, 10), basis)


def _share(source: str, key: Mapping[str, str], share: float) -> Statement:
    # The pages write shares that follow from figures in whole percents.
    return _statement(source, key, float(f"{100 * share:.0f}") / 100, _PERCENT, _FOLLOWS)


def _printed(token: str) -> Statement:
    value, half = float(token.replace(",", "")), 0.5 * 10 ** -_decimals(token)
    return Statement("a number on a page", {}, value, value - half, value + half, _PRINTED)


def _key(row: Mapping[Any, Any]) -> dict[str, str]:
    return {name: str(row[name]) for name in _DIMS if name in row and isinstance(row[name], str) and row[name]}


def _is_of(token: str, known: Sequence[float]) -> bool:
    """Say whether a number is one of these, rounded as it is, as it stands or in percent."""
    if not _is_plain(token):
        return False
    value, half = float(token.replace(",", "")), 0.5 * 10 ** -_decimals(token) + 1e-9
    return any(abs(value - one) <= half or abs(value - 100 * one) <= half for one in known)


def _is_plain(token: str) -> bool:
    return re.fullmatch(r"\d{1,3}(?:,\d{3})*(?:\.\d+)?|\d+(?:\.\d+)?", token) is not None


def _decimals(token: str) -> int:
    return len(token.partition(".")[2])


def _written(texts: Iterable[object]) -> list[str]:
    return sorted({number for text in texts for number in _NUMBER.findall(str(text))})


def _whole(value: object) -> str:
    return f"{int(str(value)):,}"


def _of_policy(policy: Any) -> tuple[int, ...]:  # noqa: ANN401
    return (1, policy.largest_small, policy.smallest_count, policy.smallest_group, policy.smallest_group - 1)


# ── Which tables are published: those of every packet, and the finest of which little enough is withheld


@dataclass(frozen=True, eq=False)
class PublishedCounts:
    """What is published of the counts: protected and audited tables, the finest one, and rounded figures."""

    raw: CountTable
    counts: SafeTable
    advice: pd.DataFrame
    detail: Grouping | None
    rounding: Rounding


def choose_published(
    raw: CountTable,
    *,
    term: Term,
    policy: Policy,
    releases: Sequence[Release] = (),
    by_school: bool = False,
    on_part: Callable[[str], None] = lambda _: None,
) -> PublishedCounts:
    """Choose the tables, and protect them together with all that was published before."""
    offered = offered_tables(raw, term)
    schools = [] if by_school else [grouping for grouping in offered if "school" in grouping.dims]
    advice = advise(
        raw,
        offered,
        policy,
        not_chosen=schools,
        on_part=lambda what: on_part(f"how much of each table would be withheld, {what}"),
    )
    fits = advice[advice["is_choosable"] & (advice["withheld_share"] < policy.most_withheld_share)]
    for position in [*(int(i) for i in fits["position"]), None]:
        detail = None if position is None else offered[position]
        wide = with_detail(raw, detail)
        before = earlier(releases, wide)
        of = f"what is withheld of the tables{'' if detail is None else f', with {detail.text}'}"
        on_part(of)
        counts, rounding = _protected(wide, policy, before, of, on_part)
        if detail is not None:
            share = float(counts.table(*detail.dims, **detail.held)["is_withheld"].mean())
            if share >= policy.most_withheld_share:
                continue
        chosen = advice.assign(is_chosen=advice["position"] == (-1 if position is None else position))
        return PublishedCounts(wide, counts, chosen, detail, rounding)
    raise AssertionError("without a finer table there is always an end")  # pragma: no cover


def _protected(
    raw: CountTable, policy: Policy, before: Earlier, of: str, on_part: Callable[[str], None]
) -> tuple[SafeTable, Rounding]:
    def attempt(facts: Sequence[Fact]) -> SafeTable:
        return protect(
            raw,
            policy,
            facts=facts,
            restated=before.restated,
            withheld=before.withheld,
            knows_rule=True,
            on_part=lambda what: on_part(f"{of}: {what}"),
        )

    counts = attempt(before.figures)
    both = [*before.figures, *before.statements]
    rounding = Rounding(raw, counts, both)
    if before.statements and not rounding.is_safe():
        # Rounded figures of earlier releases were harmless then and are too much now: they count from the start.
        counts = attempt(both)
        rounding = Rounding(raw, counts, both)
    return counts, rounding


# ── What the pages for the board say: protected tables, rates made of them, and what is public anyway

_TRENDS: dict[str, tuple[str, ...]] = {"zone": ("zone",), "level": ("level",), "district": ()}


def board_content(
    result: TermResult,
    published: PublishedCounts,
    people: pd.DataFrame,
    *,
    on_part: Callable[[str], None] = lambda _: None,
) -> BoardContent:
    """Put together what the pages say."""
    settings, counts, this = result.district.settings, published.counts, result.term.name
    terms = published_terms(result)
    days = {term.name: len(school_days(term, settings.calendar)) for term in terms}
    students = protected_students(people, counts)
    exact = {name: public_rates(counts, students, *dims, "term", days=days) for name, dims in _TRENDS.items()}
    trends = with_rounded_rates(exact, days, published.raw, published.rounding)
    # The same term a year earlier, where the record has one.
    baselines = result.hotspots.trends.baselines.items()
    baseline, before = next(((key, name) for key, name in baselines if name in days), ("", ""))
    now = {name: table[table["term"] == this].reset_index(drop=True) for name, table in trends.items()}
    coverage = board_coverage(result, counts, published.rounding)
    # The price of a plan is reported as coarsely as coverage; without that it is withheld.
    step_min = float("nan") if coverage is None else coverage.step_min
    plan = board_plan(result, people, published.rounding, step_min=step_min)
    counts, audited = _audited(published, on_part)
    return BoardContent(
        district=settings.district.name,
        term=this,
        terms=[term.name for term in terms],
        is_synthetic=settings.district.is_synthetic,
        release=0,
        counts=counts,
        students=students,
        audit=audited,
        zones=result.district.zones[["zone_id", "name", "geometry"]],
        schools=_schools(result, people),
        boundary=result.district.boundary,
        places=result.district.places,
        zone_rates=now["zone"],
        level_rates=now["level"],
        zone_trends=trends["zone"],
        level_trends=trends["level"],
        district_trends=trends["district"],
        categories=counts.table("category", term=this),
        origins=counts.table("origin", term=this),
        changes=public_changes(trends, before=before, after=this, days=days),
        baseline=baseline,
        in_no_zone=result.in_no_zone[0],
        detail=_detail(published),
        plan=plan,
        coverage=coverage,
        method={
            "school_days": "; ".join(f"{name}: {number}" for name, number in days.items()),
            "chance": "5 %",
            "interval": "95 %",
            "withheld_share": f"{counts.policy.most_withheld_share:.0%}".replace("%", " %"),
            "safeschools_geo": __version__,
        },
        withholds_single_schools=published.raw.alone is not None,
    )


def _audited(published: PublishedCounts, on_part: Callable[[str], None]) -> tuple[SafeTable, AuditReport]:
    """Audit the counts beside the rounded rates: the weights of these are public, and anybody can use them."""
    rates = [fact for fact in published.rounding.published if fact.by == "enrolled"]
    counts = published.counts.with_facts(rates) if rates else published.counts
    return counts, audit(counts, knows_rule=True, on_part=on_part).require_safe()


def protected_students(people: pd.DataFrame, counts: SafeTable) -> SafeTable:
    """Protect the numbers of students that rates are made with."""
    policy = counts.policy
    shown = [Grouping(("zone",)), Grouping(("level",)), Grouping(())]
    return protect(confidential_students(people, shown), replace(policy, smallest_count=max(policy.smallest_group, 2)))


def _schools(result: TermResult, people: pd.DataFrame) -> gpd.GeoDataFrame:
    schools = result.district.schools
    zone_of = people.set_index("school")["zone"]
    ids = schools["school_id"].astype("str")
    inside = schools.assign(zone_id=ids.map(zone_of))[ids.isin(zone_of.index)]
    columns = ["school_id", "name", "level", "zone_id", "geometry"]
    return gpd.GeoDataFrame(inside[columns]).reset_index(drop=True)


def _detail(published: PublishedCounts) -> BoardDetail | None:
    grouping = published.detail
    if grouping is None:
        return None
    table = published.counts.table(*grouping.dims, **grouping.held)
    period = next(iter(grouping.held.values()), "")
    return BoardDetail(grouping.dims, period, table, float(table["is_withheld"].mean()))


# ── The board packet of a term: what may be reported is chosen, protected, audited, and put into the words of the pages


def require_packet(settings: Settings) -> None:
    """Refuse a policy or a language that is not there, before the work."""
    load_policy(settings.board.policy, folder=settings.folder)
    for lang in settings.board.languages:
        words(lang)


def earlier_releases(district: District, file: Path | None = None) -> tuple[Release, ...]:
    """Read the record of what was published earlier."""
    settings = district.settings
    record = record_of(settings, file)
    repair(record)
    releases = read_ledger(record)
    require_whole(releases, sibling_packets(record, settings.folder / settings.paths.outputs), record=record)
    return releases


def record_of(settings: Settings, file: Path | None) -> Path:
    """Find the record of what was published earlier."""
    home = outputs_folder(settings) if settings.folder == demo_folder() else settings.folder
    return home / settings.board.releases if file is None else file


def protect_term(
    result: TermResult, *, releases: Sequence[Release] = (), on_part: Callable[[str], None] = lambda _: None
) -> TermBoard:
    """Work out what the packet for the board may say."""
    people = program_people(result)
    if people.empty:
        return TermBoard.nothing("No program school is in a zone: there is nothing to tell.")
    if result.history.empty:
        return TermBoard.nothing("There is no history of incidents: its zeros would say that nothing happened.")
    settings = result.district.settings
    published = choose_published(
        confidential_counts(result),
        term=result.term,
        policy=load_policy(settings.board.policy, folder=settings.folder),
        releases=releases,
        by_school=settings.board.by_school,
        on_part=on_part,
    )
    on_part("rates, the plan and coverage, rounded, and their audit")
    content = board_content(result, published, people, on_part=lambda what: on_part(f"the audit: {what}"))
    return TermBoard(
        content, tuple(published.rounding.published), people, published.advice, published.raw, tuple(releases)
    )


def release_board(board: TermBoard, day: str) -> tuple[TermBoard, tuple[Release, ...]]:
    """Turn the draft into a release.

    Parameters
    ----------
    board
        What may be reported.
    day
        Day of the release, in ISO 8601.

    Returns
    -------
    board : TermBoard
        The same, with the number of the release.
    releases : tuple of Release
        The record with it. A release that says the same as the last one is that one.
    """
    content = board.content
    record = with_release(
        board.releases,
        content.counts,
        board.people.drop(columns="students"),
        district=content.district,
        term=content.term,
        released=day,
        statements=board.statements,
        said=[statement.to_dict() for statement in statements_of(content, {})],
        raw=board.raw,
    )
    return replace(board, content=replace(content, release=record[-1].number), releases=record), record
