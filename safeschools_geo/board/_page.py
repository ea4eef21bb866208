"""The page around a chapter of the packet, on screen and on paper: tagged PDF, the same bytes every time."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from importlib import import_module, resources
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from safeschools_geo.board._tables import LANGUAGES, policy_source, shortened
from safeschools_geo.drawing import content_policy, require_offline, templates
from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from safeschools_geo.board._tables import Words
    from safeschools_geo.disclosure import BoardContent


# ── The board packet on paper: one HTML document becomes a tagged PDF, the same bytes every time

BROWSER_VARIABLE = "SAFESCHOOLS_BROWSER"
"""Environment variable that names the browser to print with."""

REMEDY = (
    'Print `board/print.html` from any browser ("Save as PDF"), or install Chromium, Google Chrome or Microsoft Edge, '
    "or WeasyPrint (`pip install safeschools-geo[pdf]`), and run again."
)
"""What to do where no PDF could be printed."""

_COMMANDS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("microsoft-edge", "microsoft-edge-stable", "msedge", "brave-browser"),
)
_WINDOWS_ROOTS = ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA")
_WINDOWS_PLACES = (
    "Google/Chrome/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
    "Chromium/Application/chrome.exe",
    "BraveSoftware/Brave-Browser/Application/brave.exe",
)
_MAC_APPS = ("Chromium", "Google Chrome", "Microsoft Edge", "Brave Browser")
_NAMES = {"edge": "Microsoft Edge", "brave": "Brave", "google": "Google Chrome", "chrome": "Google Chrome"}
_PAUSES_S = (0.0, 0.1, 0.3, 1.0)
_OPTIONS = (
    *("--headless=new", "--no-pdf-header-footer", "--export-tagged-pdf", "--generate-pdf-document-outline"),
    *("--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--mute-audio"),
    *("--host-resolver-rules=MAP * ~NOTFOUND", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--disable-extensions", "--disable-breakpad", "--no-first-run", "--no-default-browser-check"),
    # The PDF names what it was made by: by default the browser's whole user agent, with the machine's system.
    "--user-agent=safeschools-geo",
)

_HTML_TAG = re.compile(r"<html\b", re.IGNORECASE)
_HEAD_TAG = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_LINK_TO_A_FILE = re.compile(r"""(<a\b[^>]*?)\shref=(["'])(?!#|https?:|mailto:).*?\2""", re.IGNORECASE | re.DOTALL)
_DATE = re.compile(rb"(/(?:CreationDate|ModDate) ?\(D:)(\d{14})([^)]*)\)")
_FIXED_DATE = b"20000101000000"
_FILE_ID = re.compile(rb"/ID ?\[ ?<[0-9A-Fa-f]+> ?<[0-9A-Fa-f]+> ?\]")
_SKIA = re.compile(rb"/Producer ?\(Skia/PDF m(\d+)")

_PAGE_NAME = re.compile(r"[a-z][a-z0-9-]*")
_RESERVED = {"auto", "default", "inherit", "initial", "revert", "revert-layer", "unset"}
_PLAIN = set(" ,.:;()%–—’")


@dataclass(frozen=True)
class Printed:
    """What came of printing."""

    pdf: bytes | None  # The PDF; None where there is none
    printer: str  # What printed it, such as ``"Chromium 156"`` or ``"WeasyPrint 70.0"``; empty where nothing did
    reason: str  # Why there is no PDF, and the remedy; empty where there is one


def print_pdf(
    html: str, *, title: str, lang: str = "en", browser: Path | None = None, timeout_s: float = 60
) -> Printed:
    """Print a document: by an installed browser of the Chromium family, else by WeasyPrint, without any request.

    Parameters
    ----------
    html
        A whole document that needs nothing beside it. Its links to files lead nowhere on paper and are dropped.
    title
        Title of the PDF, whatever the document's own.
    lang
        Language of the PDF (BCP 47), whatever the document's own.
    browser
        The browser; None for the one that is found.
    timeout_s
        Longest time in seconds that the browser may take.

    Returns
    -------
    Printed
        The PDF, tagged, with bookmarks; or the reason why there is none. Same printer, same fonts: same bytes.

    Raises
    ------
    InputError
        When the document has no ``<html>`` and ``<head>``.
    """
    document = _for_paper(html, title=title, lang=lang)
    by_browser = _print_by_browser(document, browser or find_browser(), timeout_s)
    if by_browser.pdf is not None:
        return by_browser
    by_weasyprint = _print_by_weasyprint(document)
    if by_weasyprint.pdf is not None:
        return by_weasyprint
    return Printed(None, "", f"No PDF: {by_browser.reason}; {by_weasyprint.reason}. {REMEDY}")


def find_browser() -> Path | None:
    """Find an installed browser of the Chromium family."""
    if chosen := os.environ.get(BROWSER_VARIABLE):
        return Path(shutil.which(chosen) or chosen)
    commands = (Path(found) for name in _COMMANDS if (found := shutil.which(name)))
    places = (place for place in _usual_places() if place.is_file())
    return next(commands, None) or next(places, None)


def page_rules(titles: Mapping[str, str]) -> str:
    """Write the rules that put the title of each part of the packet at the top of its pages.

    CSS cannot read an attribute into the margin of a page, so that each part has pages of its own name.
    """
    bad = [name for name in titles if not _PAGE_NAME.fullmatch(name) or name in _RESERVED]
    if bad:
        expected = f"lower-case letters, digits and hyphens, a letter first; none of {', '.join(sorted(_RESERVED))}"
        raise InputError("An id cannot name a page", found=", ".join(map(repr, bad)), expected=expected)
    return "".join(
        f"@page {name} {{ @top-left {{ content: {_css_string(title)}; }} }}\n"
        f"article#{name} {{ page: {name}; break-before: page; }}\n"
        for name, title in titles.items()
    )


def _css_string(text: str) -> str:
    words = " ".join(text.split())
    # Unprintable characters, and halves of surrogate pairs, have no place on paper.
    kept = (char for char in words if unicodedata.category(char) not in {"Cc", "Cs"})
    return '"' + "".join(char if char.isalnum() or char in _PLAIN else f"\\{ord(char):x} " for char in kept) + '"'


def _for_paper(html: str, *, title: str, lang: str) -> str:
    if not (_HTML_TAG.search(html) and _HEAD_TAG.search(html)):
        raise InputError("This is not a whole HTML document", expected="a document with <html> and <head>")
    # Of two attributes of one name, and of two titles, the first counts.
    html = _HTML_TAG.sub(lambda tag: f'{tag[0]} lang="{escape(lang)}"', html, count=1)
    html = _HEAD_TAG.sub(lambda tag: f"{tag[0]}<title>{escape(title)}</title>", html, count=1)
    # Such a link would carry the folder it was printed in.
    return _LINK_TO_A_FILE.sub(r"\1", html)


def _print_by_browser(html: str, browser: Path | None, timeout_s: float) -> Printed:
    if browser is None:
        return Printed(None, "", "no browser of the Chromium family was found")
    with _emptied_folder(_readable_by(browser)) as folder:
        page, paper = folder / "print.html", folder / "print.pdf"
        page.write_text(html, encoding="utf-8-sig", newline="\n")
        options = [*_OPTIONS, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={paper}"]
        trouble = _run([str(browser), *options, *_root_options(), page.as_uri()], timeout_s)
        pdf = paper.read_bytes() if paper.is_file() else b""
    if trouble or not pdf.startswith(b"%PDF-"):
        return Printed(None, "", f"{browser.name} {trouble or 'left no PDF'}")
    return Printed(_same_bytes(pdf), _browser_name(browser, pdf), "")


@contextlib.contextmanager
def _emptied_folder(parent: Path | None) -> Iterator[Path]:
    """Make a folder and take it away again, also where parts of the browser still write to it for a moment."""
    folder = Path(tempfile.mkdtemp(prefix="safeschools-", dir=parent))
    try:
        yield folder
    finally:
        for pause in _PAUSES_S:
            shutil.rmtree(folder, ignore_errors=True)
            if not folder.exists():
                break
            time.sleep(pause)


def _print_by_weasyprint(html: str) -> Printed:
    try:
        # Where its libraries are missing it says so on standard output, and then raises OSError.
        with contextlib.redirect_stdout(io.StringIO()):
            weasyprint = import_module("weasyprint")
            refuse_all = import_module("weasyprint.urls").URLFetcher(allowed_protocols=())
    except (ImportError, OSError, AttributeError):
        return Printed(None, "", "WeasyPrint (68 or later) is not installed, or its system libraries are missing")
    pdf: bytes = weasyprint.HTML(string=html, url_fetcher=refuse_all).write_pdf(pdf_tags=True)
    return Printed(_same_bytes(pdf), f"WeasyPrint {weasyprint.__version__}", "")


def _same_bytes(pdf: bytes) -> bytes:
    """Set the dates and the id of the file to fixed ones of the same length, so that every offset still holds."""

    def date(found: re.Match[bytes]) -> bytes:
        return found[1] + _FIXED_DATE + re.sub(rb"\d", b"0", found[3]).replace(b"-", b"+") + b")"

    def zeros(found: re.Match[bytes]) -> bytes:
        return b"/ID" + re.sub(rb"[0-9A-Fa-f]", b"0", found[0][3:])

    return _FILE_ID.sub(zeros, _DATE.sub(date, pdf))


def _run(command: list[str], timeout_s: float) -> str:
    """Run a program in silence; return what went wrong, or nothing."""
    flags = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    silence = subprocess.DEVNULL
    try:
        process = subprocess.Popen(  # noqa: S603 - no shell; the arguments are ours
            command, stdin=silence, stdout=silence, stderr=silence, start_new_session=True, creationflags=flags
        )
    except OSError as error:
        return f"could not be started ({error.strerror})"
    try:
        code = process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        return f"did not finish within {timeout_s:g} s"
    finally:
        if process.poll() is None:
            _kill_tree(process)
    return f"stopped with code {code}" if code else ""


def _kill_tree(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        taskkill = str(Path(os.environ["SYSTEMROOT"]) / "System32" / "taskkill.exe")
        subprocess.run([taskkill, "/T", "/F", "/PID", str(process.pid)], check=False, capture_output=True)  # noqa: S603
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _usual_places() -> Iterator[Path]:
    for root in filter(None, map(os.environ.get, _WINDOWS_ROOTS)):
        yield from (Path(root) / place for place in _WINDOWS_PLACES)
    for applications in (Path("/Applications"), Path.home() / "Applications"):
        yield from (applications / f"{name}.app" / "Contents" / "MacOS" / name for name in _MAC_APPS)


def _root_options() -> list[str]:
    """Root, as in a container, has no sandbox on Linux; everyone else keeps it."""
    is_root = sys.platform == "linux" and os.geteuid() == 0
    return ["--no-sandbox"] if is_root else []


def _readable_by(browser: Path) -> Path | None:
    # A browser that comes as a snap sees neither the system's temporary folder nor hidden ones.
    own = Path.home() / "snap" / "chromium" / "common"
    return own if browser.resolve().name == "snap" and own.is_dir() else None


def _browser_name(browser: Path, pdf: bytes) -> str:
    name = next((full for part, full in _NAMES.items() if part in browser.stem.lower()), "Chromium")
    version = _SKIA.search(pdf)
    return f"{name} {version[1].decode()}" if version else name


# ── A part of the packet: what is a page by itself on the screen, and a chapter on paper


@dataclass(frozen=True)
class Part:
    """One chapter of the packet."""

    name: str  # Name of its page, without the ending; also its id on paper
    title: str  # Its title, plain text
    lead: str  # What it finds, in one or two plain sentences of text
    # Its content below title and lead, as safe HTML without a heading of level 1; ids in it begin with `name`
    body: Markup
    # Scripts of its page, such as ``js/board_map.js``; on paper there are none, and it says the same without them
    scripts: Sequence[str] = field(default=())


def render(template: str, *, content: BoardContent, words: Words, **parts: object) -> Markup:
    """Fill in a template of this package."""
    html = (
        templates("safeschools_geo.board")
        .get_template(template)
        .render(
            content=content,
            t=words,
            th=words.html,
            number=words.number,
            percent=words.percent,
            lang=words.lang,
            **parts,
        )
    )
    return Markup(html)  # noqa: S704 - the environment escapes


# ── The page around a part of the packet: where it stands, what it withholds, and the way to the others

_FOLDER = resources.files("safeschools_geo.board")
_COMMENT = re.compile(r"/\*.*?\*/\s*", re.DOTALL)


@dataclass(frozen=True)
class Language:
    """Where a page stands in another language: in the same folder, or in one that ends in ``/``."""

    lang: str
    name: str
    folder: str


def languages(langs: Sequence[str], *, lang: str) -> list[Language]:
    """List the other languages of the packet."""
    up = "" if lang == langs[0] else "../"
    return [Language(x, LANGUAGES[x], up if x == langs[0] else f"{up}{x}/") for x in langs if x != lang]


def page(
    part: Part, *, content: BoardContent, words: Words, entries: Mapping[str, str], langs: Sequence[str] = ("en",)
) -> str:
    """Put a part of the packet into a page of its own."""
    scripts = [own(name) for name in part.scripts]
    html = render(
        "page.html.j2",
        content=content,
        words=words,
        source=policy_source(content, words),
        part=part,
        entries=entries,
        others=languages(langs, lang=words.lang),
        styles=own("css/board.css") + "\n" + own("css/print.css") + "\n" + margins(content, words),
        scripts=scripts,
        csp=content_policy(scripts),
        title=window_title(part.title, content),
    )
    require_offline(html)
    return str(html)


def print_page(parts: Sequence[Part], *, content: BoardContent, words: Words, langs: Sequence[str] = ("en",)) -> str:
    """Put all parts of the packet into one document, each a chapter that begins on a page of its own."""
    whole = window_title(words("shell.packet"), content)
    titles = {"cover": _where(content), **{part.name: window_title(part.title, content) for part in parts}}
    styles = [own("css/board.css"), own("css/print.css"), margins(content, words), page_rules(titles)]
    html = render(
        "print.html.j2",
        content=content,
        words=words,
        source=policy_source(content, words),
        parts=parts,
        others=languages(langs, lang=words.lang),
        styles="\n".join(styles),
        csp=content_policy([]),
        title=whole,
    )
    require_offline(html)
    return str(html)


def window_title(title: str, content: BoardContent) -> str:
    """Write the title of a document."""
    return f"{title} – {_where(content)}"


def margins(content: BoardContent, words: Words) -> str:
    """Write what stands in the margins of every sheet of paper."""
    policy = content.counts.policy
    states = [words("shell.synthetic")] if content.is_synthetic else []
    states.append(words("shell.release", n=content.release) if content.release else words("shell.draft"))
    withheld = words("shell.margin_rule", largest=policy.largest_small)
    number = f'"{words("shell.page")} " counter(page) " {words("shell.of")} " counter(pages)'
    small = "font-size: 9pt; color: #4a4a4a; vertical-align: middle;"
    return (
        "@page {\n"
        f'  @top-right {{ content: "{" · ".join(states)}"; {small} text-align: right; }}\n'
        f'  @bottom-left {{ content: "{withheld}"; {small} text-align: left; }}\n'
        f"  @bottom-right {{ content: {number}; }}\n"
        "}"
    )


@cache
def own(path: str) -> str:
    """Read one of the scripts or styles of the pages."""
    text = _FOLDER.joinpath(*path.split("/")).read_text(encoding="utf-8").strip()
    return _COMMENT.sub("", text) if path.endswith(".css") else text


def _where(content: BoardContent) -> str:
    return f"{shortened(content.district)}, {shortened(content.term)}"
