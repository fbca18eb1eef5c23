"""Links between pages."""

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page, every_page


@pytest.mark.parametrize("one", every_page(), ids=str)
def test_every_relative_link_leads_somewhere(one: Page) -> None:
    broken = []
    for link in one.links():
        if "://" in link or link.startswith("mailto:"):
            continue
        name, _, anchor = link.partition("#")
        target = (one.path.parent / name).resolve() if name else one.path
        if not target.exists() or ROOT not in target.parents:
            broken.append(link)
        elif anchor and anchor not in Page(target).anchors():
            broken.append(f"{link} (no such heading)")
    assert broken == []


@pytest.mark.parametrize("one", every_page(), ids=str)
def test_no_page_names_a_path_of_the_machine_it_was_written_on(one: Page) -> None:
    assert str(Path.home()) not in one.text
    assert str(ROOT) not in one.text


def test_every_page_of_the_folder_is_reachable_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path.is_dir():  # a code host lists what is in it
            waiting += path.glob("*.md")
        elif path not in seen and path.suffix == ".md" and path.exists():
            seen.add(path)
            links = (link.partition("#")[0] for link in Page(path).links() if "://" not in link)
            waiting += [(path.parent / link).resolve() for link in links if link]
    pages = {path for path in (ROOT / "docs").rglob("*.md")}
    assert pages - seen == set()
