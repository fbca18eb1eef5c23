"""The documentation site: builds without a warning, fetches nothing, can be read and searched from its files."""

import re
import shutil
from pathlib import Path

import pytest

from docs.site.build import build, render
from docs.site.stage import stage

pytestmark = pytest.mark.slow
_FETCHED = re.compile(r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?([^"'\s>]+)|<link\b([^>]*)>""")
_HREF = re.compile(r"""\bhref=["']?([^"'\s>]+)""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    remote = set()
    for page in site.rglob("*.html"):
        for source, link in _FETCHED.findall(page.read_text(encoding="utf-8")):
            if link and re.search(r"rel=[\"']?(?:canonical|next|prev|edit)", link):
                continue
            address = source or (_HREF.search(link) or [""])[0]
            if re.match(r"(href=)?[\"']?(https?:)?//", address):
                remote.add(address)
    assert remote == set()


def test_a_broken_link_and_a_broken_anchor_fail_the_build(tmp_path: Path) -> None:
    stage(tmp_path / "docs")
    page = tmp_path / "docs" / "docs" / "proofs.md"
    planted = "[gone](nowhere.md) and [gone](sql.md#no-such-heading)"
    page.write_text(page.read_text(encoding="utf-8") + f"\n{planted}\n", encoding="utf-8")
    done = render(tmp_path)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr
    assert "no-such-heading" in done.stderr


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_it_is_read_from_its_files_and_searched_and_no_page_scrolls_sideways_on_a_telephone(site: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    asked = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.on("request", lambda request: asked.append(request.url))
        for name in ("index.html", "docs/reference/cli.html", "docs/reference/tables.html", "docs/sql.html"):
            page.goto((site / name).as_uri())
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= 390, f"{name} is {wide} px wide"
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto((site / "index.html").as_uri())
        box = page.locator("input[name=query]").first
        box.click()
        page.locator(".md-search-result__meta").wait_for(timeout=20_000)
        box.press_sequentially("dead letters", delay=20)
        found = page.locator(".md-search-result__link").first
        found.wait_for(timeout=20_000)
        assert "html" in (found.get_attribute("href") or "")
        browser.close()
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}
