"""`docs/failure-matrix.md`, made from the tests: `python -m tests.failure_matrix` writes it.

A test that breaks something on purpose says so with `@pytest.mark.fault("what fails", area=.., data=.., user=..,
recovery=..)`; all are literal texts. The simulation's faults come from its own lists.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.fuzzing.targets import TARGETS
from tests.fuzzing.test_any_bytes import EACH_TIME, IN_THE_SLOW_SUITE
from tests.simulation.mutations import MUTATIONS
from tests.simulation.plan import CHANGES, CHANGES_OF_COST
from tests.simulation.world import KINDS

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "failure-matrix.md"
_FIELDS = ("area", "data", "user", "recovery")
AREAS = ("pulling", "processes", "store", "log", "delivery", "money", "files", "clock and keys", "tampering")
_HEAD = """\
# Failure matrix

What was made to fail, what became of the data, what the person at the terminal saw, and what to do. Each row is a
test that breaks it on purpose; its name leads to it. `python -m tests.failure_matrix` writes this page from the
tests, and a test holds it to them.

A command ends with exit 0 where all is done, 1 where it is done and has findings or failures to show, 2 where it
could not run. *Nothing* in the last column: nobody has to do anything. The words *window*, *commit*, *entry*,
*seal*, *coverage* and *position* are explained in [the evidence model](explanation/evidence-model.md) and
[the time model](explanation/time-model.md).
"""
_SIMULATION = """\
## Simulation

The tests above break one thing each. `python -m tests.simulation` breaks many at once, thousands of times: it
runs the pipeline's own code (pull, fold, commit, seal, adopt, change of key, legal holds, imports of export
files, detections and their alerts, deliver, the queue of claim checks, cost with its restatements, the closing
and reopening of months, verify) in one process, against a vendor, a store, clocks, a queue and a receiver that
live in memory. One number, the seed, decides everything: who waits how long, what fails, when a process is
killed, how two writers take turns, what the vendor changes. After each step the bytes in the bucket are compared
with what the vendor served and the receiver stored, by rules that share no code with the pipeline. A seed that
breaks a promise is made smaller and printed with its trace; `python -m tests.simulation --seed N --trace` shows
it again. `make test-simulation` runs thousands; `python -m tests.simulation --seeds 10000` is the whole campaign.

A process may be killed at any operation on the store, the vendor, the receiver or the queue, before or after
the operation took effect. Up to two processes run at once, with clocks up to 25 hours off. Beside that:
"""
_LOAD = """\
## Load

How far one machine goes is measured, not tested: [the page of benchmarks](benchmarks.md#load-a-very-large-tenant),
made by `python -m benchmarks load`, has each stage of each day. What it came to there, for the largest day and for
several days on end:
"""
_DEVICES = {
    "siem": "the receiver of events",
    "vendor": "the vendor's API",
    "store": "the store",
    "queue": "the queue",
}
# What a kind of fault means where its name does not say it.
_MEANS = {
    "lost answer": "it took effect, and nobody was told",
    "client retried": "the store's client tried again by itself, and met its own bytes",
    "cut": "the connection breaks in mid-answer",
    "empty and more": "an empty page that says that more follows",
    "former page": "the page before, once more",
    "stale cursor": "the cursor is refused",
    "doubled": "a record twice on one page",
    "overloaded": "status 529",
    "too large": "status 413 for more than one event",
    "unauthorized": "the credential is refused",
    "twice": "a message is put in twice",
    "late": "a record is shown only hours after it happened",
    "reorder": "the same record with its keys in another order",
    "publish": "new figures, none of them changed",
    "amount": "an amount is another",
}


@dataclass(frozen=True)
class Row:
    """One fault, and the test that brings it about."""

    area: str
    fault: str
    data: str
    user: str
    recovery: str
    test: str


def rows(folder: Path = ROOT / "tests") -> list[Row]:
    """Every marked test, by area and file. Raises ValueError for a mark that lacks something."""
    found = [row for path in sorted(folder.rglob("test_*.py")) for row in _rows_of(path)]
    return sorted(found, key=lambda row: AREAS.index(row.area))


def _rows_of(path: Path) -> Iterator[Row]:
    text = path.read_text(encoding="utf-8")
    if "mark.fault(" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    yield _row(mark, f"{path.relative_to(ROOT)}::{node.name}")


def _row(mark: ast.Call, test: str) -> Row:
    try:
        (fault,) = (ast.literal_eval(one) for one in mark.args)
        told = {word.arg: ast.literal_eval(word.value) for word in mark.keywords}
        row = Row(fault=fault, test=test, **told)
    except (ValueError, TypeError) as error:
        raise ValueError(f"the mark of {test} needs a text and {', '.join(_FIELDS)}: {error}") from error
    if row.area not in AREAS:
        raise ValueError(f"the mark of {test} names the area {row.area!r}; there are {', '.join(AREAS)}")
    return row


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    listed = rows()
    for area in AREAS:
        of_area = [row for row in listed if row.area == area]
        if of_area:
            parts.append(f"## {area.capitalize()}\n\n{_table(of_area)}")
    parts += [_fuzzed(), _LOAD + "\n" + _load(), _SIMULATION + "\n" + _simulated(), _planted()]
    return "\n".join(parts)


def _fuzzed() -> str:
    """What reads bytes from outside, by the names that the fuzzing gives it."""
    return (
        "## Any bytes\n\n"
        f"Everything that reads bytes from outside is fed with damaged files and with noise: {EACH_TIME} inputs\n"
        f"each time the tests run, {IN_THE_SLOW_SUITE:,} in the slow suite\n"
        "([`test_any_bytes.py`](../tests/fuzzing/test_any_bytes.py)). It keeps all of them or refuses in words:\n"
        f"{'; '.join(TARGETS)}.\n"
    )


def _load(measured: Path = ROOT / "docs" / "benchmarks.md") -> str:
    """The targets of the load benchmark with their figures, as the page of benchmarks has them."""
    sections = measured.read_text(encoding="utf-8").split("\n## ")
    load = [line for section in sections if section.startswith("Load: ") for line in section.split("\n")]
    return "\n".join(line for line in load if line.startswith("- ")) + "\n"


def _table(listed: list[Row]) -> str:
    lines = [
        "| what fails | what becomes of the data | what the user sees | what to do | test |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {' | '.join(map(_cell, (row.fault, row.data, row.user, row.recovery)))} | {_link(row.test)} |"
        for row in listed
    ]
    return "\n".join(lines) + "\n"


def _link(test: str) -> str:
    path, _, name = test.partition("::")
    return f"[`{name}`](../{path})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _simulated() -> str:
    lines = ["| where | what fails |", "| --- | --- |"]
    lines += [f"| {_DEVICES[device]} | {_told(kinds)} |" for device, kinds in KINDS.items()]
    lines += [
        "| listings of the store | they may lag by 300 s |",
        f"| the activity feed's past | {_told(CHANGES)} |",
        f"| figures of cost | {_told(CHANGES_OF_COST)} |",
        "| messages in the queue | those of strangers, of another log, and what is no message at all |",
    ]
    return "\n".join(lines) + "\n"


def _told(kinds: Iterable[str]) -> str:
    return ", ".join(f"{one} ({_MEANS[one]})" if one in _MEANS else one for one in dict.fromkeys(kinds))


def _planted() -> str:
    lines = [
        "### Planted faults",
        "",
        "A simulation that finds nothing may be blind. So these mistakes are planted in the real code, one at",
        "a time, and it must find each within a thousand seeds (`tests/simulation/test_mutations.py`).",
        "",
        "| planted | where and what |",
        "| --- | --- |",
    ]
    lines += [f"| `{name}` | {_cell((made.__doc__ or '').strip())} |" for name, made in MUTATIONS.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
