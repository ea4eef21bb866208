"""The board packet on paper: one HTML document becomes a tagged PDF, the same bytes every time."""

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
from dataclasses import dataclass
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from safeschools_geo.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
    """What came of printing.

    Parameters
    ----------
    pdf
        The PDF; None where there is none.
    printer
        What printed it, such as ``"Chromium 156"`` or ``"WeasyPrint 70.0"``; empty where nothing did.
    reason
        Why there is no PDF, and the remedy; empty where there is one.
    """

    pdf: bytes | None
    printer: str
    reason: str


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
    """Find an installed browser of the Chromium family.

    Returns
    -------
    pathlib.Path or None
        The one that the environment variable ``SAFESCHOOLS_BROWSER`` names (a command or a path), whether or not it is
        there; else the first on the path or in the usual folders of Windows and macOS.
    """
    if chosen := os.environ.get(BROWSER_VARIABLE):
        return Path(shutil.which(chosen) or chosen)
    commands = (Path(found) for name in _COMMANDS if (found := shutil.which(name)))
    places = (place for place in _usual_places() if place.is_file())
    return next(commands, None) or next(places, None)


def page_rules(titles: Mapping[str, str]) -> str:
    """Write the rules that put the title of each part of the packet at the top of its pages.

    CSS cannot read an attribute into the margin of a page, so that each part has pages of its own name.

    Parameters
    ----------
    titles
        Id of the part's ``<article>`` (lower-case letters, digits and hyphens, a letter first) → its title, any text.

    Returns
    -------
    str
        Rules to stand after ``css/print.css``; safe inside a ``<style>``, whatever the titles.

    Raises
    ------
    InputError
        When an id cannot name a page.
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
