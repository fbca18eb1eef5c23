"""Photographs what people open: `python -m tests.browser.pictures data/demo/ledgerline.toml`.

Promise: each picture is of what the commands and the UI show today, over the archive that is named (one that
`make demo` made). Needs playwright and a Chromium.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import CHROMIUM, ROOT, SWITCHES
from tests.orchestration.served_ui import ui_process, url_of

IMAGES = ROOT / "docs" / "images"
_CLAUDE_CODE = "Claude Code, told by its telemetry"


def photograph(config: Path) -> Iterator[str]:
    """Take each picture; yields its name when it is there."""
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        for name, page, width in (
            ("evidence-report.png", _evidence_report(config, Path(scratch)), 1280),
            ("report.png", _newest_report(config), 1100),
        ):
            _shoot(browser, page.as_uri(), width, IMAGES / name)
            yield name
        _shoot_part(browser, _newest_report(config).as_uri(), _CLAUDE_CODE, IMAGES / "claude-code.png")
        yield "claude-code.png"
        with _ui(config, Path(scratch)) as url:
            _shoot(browser, f"{url}/assets", 1100, IMAGES / "catalog.png", wait_for="audit_events")
        yield "catalog.png"
        browser.close()


def _evidence_report(config: Path, scratch: Path) -> Path:
    page = scratch / "evidence.html"
    command = [str(Path(sys.executable).with_name("ledgerline")), "evidence", "report"]
    tenant = json.loads((config.parent / "tenant.json").read_text(encoding="utf-8"))
    command += ["--from", tenant["first_day"]]  # the days before it have money only
    done = subprocess.run([*command, "--config", os.fspath(config), "--out", os.fspath(page)], check=False)
    if done.returncode > 1:  # 1 are findings, which a demo has
        sys.exit(done.returncode)
    return page


def _newest_report(config: Path) -> Path:
    return max((config.resolve().parent / "data" / "reports").glob("????-??/report.html"))


@contextlib.contextmanager
def _ui(config: Path, scratch: Path) -> Iterator[str]:
    """The UI over that archive, told of what is in it."""
    folder = config.resolve().parent
    with ui_process(folder, home=scratch / "dagster") as served:
        url = url_of(served)
        assert served.stdout is not None
        served.stdout.readline()  # it has told what the archive holds
        yield url


def _shoot(browser: Browser, url: str, width: int, file: Path, *, wait_for: str | None = None) -> None:
    page = browser.new_page(viewport={"width": width, "height": 1400}, timezone_id="UTC", locale="en-GB")
    page.goto(url)
    if wait_for:
        greeting = page.get_by_role("button", name="Skip")
        page.add_locator_handler(greeting, greeting.click)
        page.get_by_text(wait_for, exact=True).first.wait_for(timeout=60_000)
        page.get_by_text("Hide navigation", exact=True).click()
        page.wait_for_timeout(6_000)  # the states of the assets come one after the other
    page.screenshot(path=file)
    page.close()


def _shoot_part(browser: Browser, url: str, title: str, file: Path) -> None:
    page = browser.new_page(viewport={"width": 1000, "height": 1400})
    page.goto(url)
    page.locator("section", has=page.get_by_role("heading", name=title)).last.screenshot(path=file)
    page.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tests.browser.pictures CONFIG")
    for name in photograph(Path(sys.argv[1])):
        print(f"photographed {name}")
