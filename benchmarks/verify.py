"""`ledgerline verify` beside `sha256sum` on the same files, `--deep` beside a bare loop, one day of an old archive
beside one day of a young one, and seven deeds beside CloudTrail's validator.

`LEDGERLINE_BENCH_EVENTS` sets the size of the large archive (20,000,000 events in a year).
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.harness import Failed, Run, in_turn, middle, module, run
from benchmarks.report import Aim, Table
from benchmarks.verify_peer import measure_peer

YEAR = 365
EVENTS = "LEDGERLINE_BENCH_EVENTS"
_WHOLE = """\
Each archive is a folder, read once before, so that its files come from memory as far as they fit. *sha256sum*:
`find | xargs -P2 -n 64 sha256sum` over every file of the archive. *ours*: the whole `ledgerline verify`, from the
start of the interpreter, on two cores: log replayed, every signature checked, every object hashed, everything
listed. The archives by the day are as a backfill leaves them (a pull a day, sealed the next morning); the one by
five minutes is as the tail leaves it: for each commit an entry, a checkpoint, a tile and a small file."""
_DEEP = """\
One core. *ours*: the whole `ledgerline verify --deep`, which also hashes the tables and checks the log. *bare
loop*: pages only: read, decompressed, cut into records, hashed into a root, compared with nothing."""
_DAY = """\
A clean `ledgerline verify` of all, then one more day of {commits} commits, then `ledgerline verify --since last`,
as a process; {rounds} rounds, the two archives in turn, each from the same kept position."""


@dataclass(frozen=True)
class Built:
    """An archive that was built, with its configuration beside it."""

    name: str
    folder: Path
    events: int

    @property
    def archive(self) -> Path:
        return self.folder / "archive"

    def files(self) -> tuple[int, int]:
        """How many files, and bytes in them."""
        sizes = [path.stat().st_size for path in self.archive.rglob("*") if path.is_file()]
        return len(sizes), sum(sizes)

    def verify(self, *arguments: str, cpus: set[int] | None = None) -> Run:
        """One `ledgerline verify`, which must find the archive clean."""
        command = ["-m", "orchestration.cli", "verify", "--json", "--config", str(self.folder / "ledgerline.toml")]
        return run([*command, *arguments], speaks=False, cpus=cpus)

    def sha256sum(self) -> Run:
        line = f"find '{self.archive}' -type f -print0 | xargs -0 -P2 -n 64 sha256sum > /dev/null"
        return run(["-c", line], program="/bin/sh", speaks=False)


def measure(*, smoke: bool) -> list[Table]:
    events = int(os.environ.get(EVENTS, "20000000"))
    with tempfile.TemporaryDirectory(prefix="ledgerline-bench-") as scratch:
        folder = Path(scratch)
        by_day = _build(folder, "6,000 events a day, by the day", 3 if smoke else YEAR, 6_000)
        tail = _build(
            folder, "6,000 events a day, by five minutes", *((1, 300, 24) if smoke else (30, 6_000, 288))
        )
        archives = [by_day, tail]
        if not smoke:
            archives.append(_build(folder, f"{events:,} events in a year, by the day", YEAR, events // YEAR))
        rounds = 1 if smoke else 3
        return [
            _whole(archives, rounds),
            _deep(by_day, rounds),
            _one_day(folder, smoke=smoke),
            measure_peer(smoke=smoke),
        ]


def _build(folder: Path, name: str, days: int, per_day: int, commits: int = 1) -> Built:
    home = folder / f"archive-{len(list(folder.iterdir()))}"
    built = Built(f"{name}, {days} days", home, days * per_day)
    _grow(built, days, per_day, commits)
    (home / "ledgerline.toml").write_text(
        '[archive]\nurl = "file:./archive"\nsigning_key = "file:./signing.key"\ncache = "./cache"\n'
    )
    return built


def _grow(built: Built, days: int, per_day: int, commits: int, skip: int = 0) -> None:
    module(
        "verify_build",
        *("--folder", str(built.folder), "--days", str(days), "--per-day", str(per_day)),
        *("--commits", str(commits), "--skip", str(skip)),
    )


def _whole(archives: list[Built], rounds: int) -> Table:
    table = Table(
        "Verify: all of an archive",
        ["archive", "files", "MB", "sha256sum: s", "ours: s", "of its speed", "ours: cpu s", "peak MB"],
        measures=_WHOLE,
    )
    for built in archives:
        files, size = built.files()
        contenders: dict[str, Callable[[], Run]] = {"sha256sum": built.sha256sum, "ours": built.verify}
        in_turn(contenders, 1)
        runs = in_turn(contenders, rounds)
        theirs, ours = (middle(runs[name], lambda one: one.wall) for name in contenders)
        cpu, peak = (middle(runs["ours"], figure) for figure in (lambda one: one.cpu, lambda one: one.peak_mb))
        table.rows.append((built.name, files, size / 1e6, theirs, ours, theirs / ours, cpu, peak))
        what, aspired = f"Speed of sha256sum: {built.name}", "five" in built.name
        # a small run is nothing but the start of the interpreter
        table.aims.append(Aim(what, theirs / ours, 0.8, aspired=aspired, ratio=built.events > 1_000_000))
    table.reads = (
        "Of the archive by five minutes a large part of the time is Ed25519: each commit has a checkpoint, and "
        "each of their signatures is checked, since a changed byte of any of them must be found. `--since last` "
        "checks the new ones only."
    )
    return table


def _deep(built: Built, rounds: int) -> Table:
    core = {min(os.sched_getaffinity(0))}
    contenders: dict[str, Callable[[], Run]] = {
        "bare loop": lambda: module("verify_bare", str(built.archive / "pages"), cpus=core),
        "ours": lambda: built.verify("--deep", cpus=core),
    }
    runs = in_turn(contenders, rounds)
    if any(one.said["records"] != built.events for one in runs["bare loop"]):
        raise Failed("the bare loop saw other records than were made")
    table = Table("Verify: every record", ["contender", "records", "s", "records/s"], measures=_DEEP)
    speed = {}
    for name, ended in runs.items():
        wall = middle(ended, lambda one: one.wall)
        speed[name] = built.events / wall
        table.rows.append((name, built.events, wall, speed[name]))
    table.aims.append(Aim("Records a second and core", speed["ours"], 300_000, ratio=False))
    return table


def _one_day(folder: Path, *, smoke: bool) -> Table:
    per_day, commits, rounds = (300, 12, 1) if smoke else (6_000, 288, 5)
    ages = {"young": 2, "old": 6 if smoke else YEAR}
    archives = {}
    for name, days in ages.items():
        built = archives[name] = _build(folder, name, days, per_day, 1)
        built.verify()
        shutil.copy(built.folder / "cache" / "verified", built.folder / "kept")
        _grow(built, 1, per_day, commits, skip=days)
    table = Table("Verify: one day's additions", ["archive", "days", "files", "ms"])
    runs = in_turn({name: _again(built) for name, built in archives.items()}, rounds)
    took = {name: middle(ended, lambda one: one.wall * 1000) for name, ended in runs.items()}
    for name, built in archives.items():
        table.rows.append((name, ages[name], built.files()[0], took[name]))
    table.measures = _DAY.format(commits=commits, rounds=rounds)
    ratio = took["old"] / took["young"]
    table.aims.append(Aim("An old archive against a young one", ratio, 1.2, at_most=True))
    return table


def _again(built: Built) -> Callable[[], Run]:
    def once() -> Run:
        shutil.copy(built.folder / "kept", built.folder / "cache" / "verified")
        return built.verify("--since", "last")

    return once
