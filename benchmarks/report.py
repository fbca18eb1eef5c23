"""What a benchmark comes to: a table, its targets and a reading; and the page that all of them make.

Promise: a target that is missed is printed as missed, with the figure, in the same place as one that is met.
"""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("pyarrow", "duckdb", "msgspec", "httpx", "zstandard", "dlt")
# A small run on a loaded machine is mostly start-up: only what is far off says that something is broken.
_ABSURD = 5


@dataclass(frozen=True)
class Aim:
    """A target: `value` is to be at least (or with `at_most`, at most) `target`.

    `ratio` marks a figure that is a quotient of two measured in the same run, which a small run can judge too.
    `aspired` marks what we would like and have not promised.
    """

    what: str
    value: float
    target: float
    at_most: bool = False
    ratio: bool = True
    unit: str = ""
    aspired: bool = False

    @property
    def met(self) -> bool:
        return self.value <= self.target if self.at_most else self.value >= self.target

    @property
    def absurd(self) -> bool:
        """So far off that a small run is enough to tell."""
        if not self.ratio or self.aspired:
            return False
        return self.value > self.target * _ABSURD if self.at_most else self.value < self.target / _ABSURD

    def __str__(self) -> str:
        side = "at most" if self.at_most else "at least"
        kind = "aim" if self.aspired else "target"
        verdict = "met" if self.met else "**missed**"
        return f"{self.what}: {cell(self.value)}{self.unit} ({kind}: {side} {self.target:g}{self.unit}), {verdict}"


@dataclass
class Table:
    """One benchmark's result. `rows` run parallel to `columns`; `measures` says what is measured and how,
    `reads` what the table shows."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Any]] = field(default_factory=list)
    measures: str = ""
    reads: str = ""
    aims: list[Aim] = field(default_factory=list)

    def markdown(self) -> str:
        def line(cells: Sequence[Any]) -> str:
            return "| " + " | ".join(cell(one) for one in cells) + " |"

        right = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [f"## {self.title}", "", self.measures, "", line(self.columns), line(right)]
        lines += [line(row) for row in self.rows]
        if self.aims:
            lines += ["", *[f"- {aim}" for aim in self.aims]]
        if self.reads:
            lines += ["", self.reads]
        return "\n".join(lines) + "\n"


def page(tables: Sequence[Table], *, smoke: bool) -> str:
    """The whole document."""
    kind = "A small run that shows only that everything works; its figures mean nothing." if smoke else ""
    head = [
        "# Benchmarks",
        "",
        f"Made by `make bench` on {datetime.now(UTC):%Y-%m-%d} (UTC), on {machine()}. {kind}".rstrip(),
        "",
        "Each contender is a whole process, from the start of the interpreter to its end, unless a table says "
        "otherwise. Contenders of one table take turns in one run, on the same data, against the same server on "
        "loopback; figures are medians. Measured processes run without PYTHONDONTWRITEBYTECODE and have run once "
        "before, so that no one compiles modules on the clock. `peak MB` is the largest resident set.",
        "",
    ]
    return "\n".join(head) + "\n" + "\n".join(table.markdown() for table in tables)


def machine() -> str:
    """What the numbers were taken on, in one line."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    found = ", ".join(f"{name} {release}" for name in PACKAGES if (release := _version(name)))
    return (
        f"{os.cpu_count()} cores ({model or platform.machine()}), {memory:.0f} GiB, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, {found}"
    )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def cell(value: Any) -> str:
    """A figure as people read it: three digits or so, thousands apart."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
