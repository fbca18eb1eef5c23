"""A Chromium, and the whole pipeline behind it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.orchestration import served_ui
from tests.orchestration.served_ui import ROOT, Ui

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: make test-browser installs it")
from playwright.sync_api import Browser, Page, expect, sync_playwright

__all__ = ["Ui"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def look_for_chromium() -> None:
    """Skip what needs a browser where there is none."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here; on Debian: apt-get install chromium")


@contextmanager
def serving(folder: Path, *tenant_options: str, start: str | None = None) -> Iterator[Ui]:
    """The UI over a tenant with so many people and days, where there is a browser to look at it."""
    look_for_chromium()
    with served_ui.serving(folder, *tenant_options, start=start) as running:
        yield running


@pytest.fixture(scope="session")
def ui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ui]:
    """The UI over a tenant of 40 with five weeks of past."""
    with serving(tmp_path_factory.mktemp("ui"), "--users", "40", "--days", "35") as running:
        yield running


@pytest.fixture
def page() -> Iterator[Page]:
    """A fresh browser profile; the community modal that greets one is skipped whenever it comes up."""
    look_for_chromium()
    expect.set_options(timeout=30_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        page = browser.new_page(viewport={"width": 1440, "height": 1000}, timezone_id="UTC", locale="en-GB")
        page.set_default_timeout(60_000)
        greeting = page.get_by_role("button", name="Skip")
        page.add_locator_handler(greeting, greeting.click)
        yield page
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For pages that are opened from their files; not beside `page`, which drives one of its own."""
    look_for_chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield running
        running.close()


@pytest.fixture(scope="session")
def screenshots() -> Path | None:
    """Where screenshots go when LEDGERLINE_SCREENSHOTS=1; None otherwise."""
    if os.environ.get("LEDGERLINE_SCREENSHOTS") != "1":
        return None
    folder = ROOT / "docs" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
