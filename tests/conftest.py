"""What tests share: the real public records, and a real browser with the network cut."""

from __future__ import annotations

import os

# Before numpy is there: threads that wait for work keep a core busy, and every worker would have one for each core.
os.environ |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS")}

import gc
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from checkout import ROOT, missing
from playwright.sync_api import Page, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser


# No deadline: a machine may be busy. In CI the same examples every time: what fails there fails again at a desk.
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")


LONGEST = (
    *("term_board", "real_chicago", "out", "hostile_town", "plan_walk", "term", "said_of_coverage", "compare"),
    *("rebalance_commands", "board_pages", "what_if", "real_san_juan", "p_median", "units", "cli", "plan_rules"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, and end with what takes over the cache of a type check that may run alongside."""
    order = {f"test_{name}.py": place for place, name in enumerate(LONGEST)} | {"test_types.py": len(LONGEST) + 1}
    items.sort(key=lambda item: order.get(item.path.name, len(LONGEST)))


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and never among what was imported: frames are made of many small objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of the real public records."""
    folder = Path(os.environ.get("SAFESCHOOLS_REAL_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "san_juan").is_dir():
        missing(f"real data at {folder}")
    return folder


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start an installed browser of the Chromium family."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "msedge"))), None)
    if path is None:
        missing("a Chromium-family browser")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@dataclass
class OfflinePage:
    """A browser page that can reach nothing but the file it was given, and remembers what it tried."""

    page: Page
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def open(self, path: Path) -> Page:
        """Open a file from disk; anything else that is asked for is refused and remembered."""
        url = path.resolve().as_uri()

        def refuse(route) -> None:
            if route.request.url.split("#")[0] == url:
                route.continue_()
            else:
                self.requests.append(route.request.url)
                route.abort()

        self.page.route("**/*", refuse)
        self.page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.errors.append(str(e)))
        self.page.goto(url)
        return self.page


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[OfflinePage]:
    """Open a fresh page, 1280 by 800, with the network cut."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    yield OfflinePage(context.new_page())
    context.close()
