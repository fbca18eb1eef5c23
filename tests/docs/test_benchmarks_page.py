"""The table of targets on the page of benchmarks: what the page itself says, and every target that was named."""

from benchmarks.report import Aim, Table
from benchmarks.targets import NAMED, PAGE, figures_of, with_tables, with_targets


def test_the_table_of_targets_is_that_of_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_targets(text), "run `python -m benchmarks.targets`"


def test_the_pictures_are_of_the_figures_of_the_page() -> None:
    figures = figures_of(PAGE.read_text(encoding="utf-8"))
    assert len(figures) == 3
    for name, digest in figures.items():
        picture = (PAGE.parent / "images" / name).read_text(encoding="utf-8")
        assert f'data-figures="{digest}"' in picture, "run `python -m benchmarks.targets`"
        assert f"(images/{name})" in PAGE.read_text(encoding="utf-8")


def test_a_changed_figure_is_another_picture() -> None:
    text = PAGE.read_text(encoding="utf-8")
    known = figures_of(text)
    changed = figures_of(text.replace("| dlt | ", "| dlt | 9", 1))
    assert known["benchmarks-peers.svg"] != changed["benchmarks-peers.svg"]
    changed = figures_of(text.replace(" (target: at least 0.8)", " (target: at least 0.7)", 1))
    assert known["benchmarks-targets.svg"] != changed["benchmarks-targets.svg"]


def test_every_figure_with_a_target_is_in_the_table_and_what_falls_short_says_why() -> None:
    text = PAGE.read_text(encoding="utf-8")
    table, rest = text.partition("## Targets\n")[2].split("\n## ", 1)
    figures = [
        line for line in rest.split("\n") if line.startswith("- ") and ("(target: " in line or "(aim: " in line)
    ]
    rows = [line for line in table.split("\n") if line.startswith("| ")][2:]
    assert len(rows) >= len(figures) > 20
    assert not [row for row in rows if "missed" in row and row.endswith("|  |")]
    for one in NAMED:
        assert any(one.what in row for row in rows), one


def test_a_new_run_takes_the_place_of_the_old_one() -> None:
    page = (
        "# Benchmarks\n\nhead\n\n## Start of a command\n\n- `x`: 9.00 s (target: at most 1 s), **missed**\n\n"
        "## Other\n\ntext\n"
    )
    made = Table(
        "Start of a command",
        ["command", "s"],
        [("x", 0.5)],
        "how",
        aims=[Aim("`x`", 0.5, 1, at_most=True, unit=" s")],
    )
    found = with_tables(page, [made])
    assert "9.00" not in found
    assert "| `x` | at most 1 s | 0.50 s | met | `start` |" in found
    assert found.endswith("## Other\n\ntext\n")
    assert with_tables(found, [made]) == found
