"""The table at the head of docs/benchmarks.md: every target that was set, what was measured, and by which command.

Promise: a figure is in it only as it stands further down on the page; a target without one is said to be open.
`python -m benchmarks.targets` makes it anew, and the pictures after it; tests/docs holds the page to both.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import pictures
from benchmarks.report import Table

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
_TITLE = "## Targets"
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_AIM = re.compile(
    r"^- (?P<what>.+): (?P<value>[^:]+) \((?P<kind>target|aim): (?P<target>[^()]+)\)(?:, (?P<verdict>.+))?$",
    re.MULTILINE,
)
_WORDS = (
    "Each target that was set before the work, with what this page has of it. *Aim*: wished for and not promised. "
    "*Open*: not measured yet on a machine that does nothing else. The command of each is `python -m benchmarks "
    "NAME`; with `--into docs/benchmarks.md` it puts its tables into this page, and this table is made anew."
)
# Which benchmark makes a section, by how its title begins.
_COMMANDS = {
    "Ingest": "ingest",
    "Requests per complete window": "requests",
    "Backfill": "backfill",
    "Tail": "tail",
    "Memory of a backfill": "memory",
    "Auditors": "queries",
    "What an engine reads": "scan",
    "Start": "start",
    "Verify": "verify",
    "Report of a month": "report",
    "Marts": "marts",
    "Detections": "detections",
    "Forecast": "forecast",
    "Delivery": "delivery",
    "Memory of a replay": "delivery",
    "Tick to acknowledged alert": "delivery",
    "Landing telemetry": "telemetry",
    "Memory of a long telemetry file": "telemetry",
    "Load": "load",
}


@dataclass(frozen=True)
class Named:
    """A target that must be in the table, measured or not. what: how its line begins, in a section so called."""

    section: str
    what: str
    target: str


NAMED = (
    Named("Start of a command", "`ledgerline prove EVENT`", "at most 1 s"),
    Named("Start of a command", "`verify_proof.py EVENT.proof`", "at most 1 s"),
    Named("Verify: all of an archive", "Speed of sha256sum: 20,000,000 events in a year", "at least 0.8"),
    *(Named("Delivery to each type of destination", f"{one} against the bare loop", "at least 0.5x")
      for one in ("elastic", "datadog", "sentinel")),
    Named("Delivery to each type of destination", "elastic against elasticsearch, streaming_bulk", "at least 3x"),
    Named("Delivery to each type of destination", "datadog against datadog-api-client", "at least 5x"),
    Named("Delivery to each type of destination", "sentinel against azure-monitor-ingestion", "at least 1.3x"),
    Named("Memory of a replay", "Peak memory", "at most 300 MB"),
    Named("Tick to acknowledged alert", "Tick to acknowledged alert, p95", "at most 15 s"),
    Named("Detections over the archive", "rules that look at one event, five minutes", "at most 5 s"),
    Named("Detections over the archive", "all rules over a day", "at most 30 s"),
    Named("Detections over the archive", "all rules over the year", "at most 120 s"),
    Named("Landing telemetry", "metrics.binpb landed, beside the bare loop", "at least 0.5"),
    Named("Landing telemetry", "logs.binpb landed, beside the bare loop", "at least 0.5"),
    Named("Landing telemetry", "metrics.json landed, beside the bare loop", "at least 0.5"),
    Named("Landing telemetry", "logs.json landed, beside the bare loop", "at least 0.5"),
    Named("Memory of a long telemetry file", "Peak memory", "at most 1000 MB"),
    Named("Load: a very large tenant", "Peak memory of any stage", "at most 2000 MB"),
    Named("Load: a very large tenant", "All stages of one day", "at most 6 h"),
    Named("Load: days of a large tenant", "Peak memory of any stage", "at most 2000 MB"),
    Named("Load: days of a large tenant", "All stages of one day", "at most 6 h"),
)  # fmt: skip

_ONE_BY_ONE = "each event is encoded by itself, and Parquet made of it, where the bare loop writes JSON"
# What was done where one falls short, and why it stays so; by section and how the line begins.
_SHORT = {
    ("Ingest: wire", "Ours against the bare loop"): "pages are stored by threads of their own while the next is "
    "fetched, rows are made by columns; the rest is the content hash, the tags, the fold and the log",
    ("Ingest: wire", "Ours against dlt"): "the same; two processes come to more (`anthropic.workers`)",
    ("Ingest: wire", "Two writers"): "server and contenders share two cores",
    ("Ingest on one core", "Ours"): "some 12 us of CPU a record against 5.5: what the bare loop leaves out",
    ("Backfill", "Wall time"): "three windows are fetched at once; at the default of 50 a minute it is 1.04x",
    (
        "Tail",
        "A year against a day, in a worker, cold",
    ): "snapshots shorten a start without the cache; what grows is "
    "the snapshot. With the cache, and as a process, it is within the target",
    (
        "Memory of a backfill",
        "Peak memory",
    ): "files of a dense day are cut to 125,000 rows since; not measured again",
    ("Verify: all", "Speed of sha256sum: 6,000 events a day, by five minutes"): "each checkpoint's signature is "
    "checked; `--since last` checks the new ones only",
    (
        "Auditors",
        "one actor's year, share",
    ): "an actor is in nearly every day's file, and files are sorted by actor "
    "within a day only; smaller row groups since then halve it (above)",
    (
        "What an engine reads",
        "one actor, all days",
    ): "files are cut for it (decision 35); what is left is what Trino reads between two pieces that lie less "
    "than 1 MB apart, and the footer of each day's file",
    ("Delivery to each", "security_lake"): _ONE_BY_ONE,
    ("Delivery to each", "snowflake"): _ONE_BY_ONE,
    ("Delivery to each", "secops"): _ONE_BY_ONE,
    ("Delivery to each", "otlp"): "each number of bytes in protobuf is reckoned; the bare loop writes JSON",
    ("Delivery to each", "sentinel against the bare"): "1 MB at a time, where the bare loop sends 5,000 events",
    (
        "Delivery to each",
        "",
    ): "events are looked at by columns (decision 30); a thousand at a time cost the rest",
    ("Marts", "Wall against bare"): "one dbt process and one database; a second of it is dbt's own start",
}


@dataclass(frozen=True)
class _Line:
    section: str
    what: str
    value: str
    target: str
    verdict: str


def with_targets(text: str) -> str:
    """The page with its table made anew, before its first section. `text`: the page, with or without it."""
    head, sections = _cut(text)
    listed = [one for one in sections if not one.startswith((f"{_TITLE}\n", f"{pictures.TITLE}\n"))]
    table = f"{_TITLE}\n\n{_wrapped(_WORDS)}\n\n{_table(list(_lines(''.join(listed))))}\n"
    return head + table + pictures.section() + "".join(listed)


def put(page: Path, text: str) -> None:
    """Write the page, with its table made anew, and its pictures into the folder `images` beside it."""
    whole = with_targets(text)
    page.write_text(whole, encoding="utf-8")
    pictures.write(whole, [vars(line) for line in _lines(whole)], page.parent / "images")


def figures_of(text: str) -> dict[str, str]:
    """The digest of each picture's figures, by its file name, as the page has them now."""
    specs = pictures.specs(text, [vars(line) for line in _lines(text)])
    return {pictures.file_name(name): pictures.digest_of(spec) for name, spec in specs.items()}


def with_tables(text: str, tables: Sequence[Table]) -> str:
    """The page with these tables in place of those of the same titles; new ones come last."""
    head, sections = _cut(text)
    for table in tables:
        made = table.markdown() + "\n"
        at = next((n for n, one in enumerate(sections) if one.startswith(f"## {table.title}\n")), None)
        if at is None:
            sections[-1] = sections[-1].rstrip("\n") + "\n\n"
            sections.append(made)
        else:
            sections[at] = made
    return with_targets((head + "".join(sections)).rstrip("\n") + "\n")


def _cut(text: str) -> tuple[str, list[str]]:
    """What stands before the sections, and each of them with its title."""
    starts = [found.start() for found in _SECTION.finditer(text)] or [len(text)]
    ends = [*starts[1:], len(text)]
    return text[: starts[0]], [text[start:end] for start, end in zip(starts, ends, strict=True)]


def _lines(text: str) -> Iterator[_Line]:
    """The targets of the page in its order, then those that it has nothing of."""
    seen: list[tuple[str, str]] = []
    for section in _cut(text)[1]:
        title = section.partition("\n")[0].removeprefix("## ")
        for found in _AIM.finditer(section):
            what, value, kind, target, verdict = found.groups()
            seen.append((title, what))
            said = "*aim* " if kind == "aim" else ""
            yield _Line(title, what, value, f"{said}{target}", verdict or "open")
    for one in NAMED:
        if not any(title == one.section and what.startswith(one.what) for title, what in seen):
            yield _Line(one.section, one.what, "-", one.target, "open")


def _table(lines: Sequence[_Line]) -> str:
    rows = [
        "| section | target | wanted | measured | | command | where it falls short |",
        "| --- | --- | --- | ---: | --- | --- | --- |",
    ]
    for one in lines:
        name = next((name for title, name in _COMMANDS.items() if one.section.startswith(title)), "")
        section = one.section if one.value == "-" else _link(one.section)
        cells = (section, one.what, one.target, one.value, one.verdict, f"`{name}`", _short(one))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _link(title: str) -> str:
    """The section as a link, as the site and the code host make its anchor."""
    anchor = re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-")
    return f"[{title}](#{anchor})"


def _short(one: _Line) -> str:
    if "missed" not in one.verdict:
        return ""
    for (section, what), told in _SHORT.items():
        if one.section.startswith(section) and one.what.startswith(what):
            return told
    return "see the section"


def _wrapped(text: str, width: int = 118) -> str:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)


def main() -> None:
    put(PAGE, PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
