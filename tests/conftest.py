"""What all tests share: temporary folders in memory, dbt's project parsed once, the longest files first, and an
end for what hangs."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from tests.dbt.parsed_once import parsing_once
from tests.hanging import Watch

# Files whose tests take the longest, of the slow suite and of the other: begun last, one of them would leave the
# other processes idle until it ends. Whole folders end with a stroke.
_LONGEST_FIRST = (
    "promises/test_03_killed_at_every_step.py",
    "simulation/test_mutations.py",
    "promises/test_03_killed_processes.py",
    "fuzzing/test_any_bytes.py",
    "orchestration/cli/test_no_traceback.py",
    "joins/test_chargeback.py",
    "joins/test_report.py",
    "dbt/",
    "joins/test_detecting_places.py",
    "delivery/test_secrets.py",
    "delivery/test_fault_matrix.py",
    "orchestration/cli/test_demo.py",
    "orchestration/cli/test_restrict.py",
    "docs/",
    "joins/",
    "promises/",
    "assets/",
    "orchestration/dagster/",
    "delivery/",
    "evidence/",
    "warehouse/archive/",
)
_MEMORY = Path("/dev/shm")
_ENOUGH = 6_000_000_000


def pytest_configure(config: pytest.Config) -> None:
    """Put temporary folders into memory where there is plenty of it: a commit waits for the disk at each object it
    writes, which is most of what many tests take. `--basetemp` and PYTEST_DEBUG_TEMPROOT go before."""
    config.pluginmanager.register(Watch())
    if config.option.basetemp is None and _has_plenty():
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))


def _has_plenty() -> bool:
    if not _MEMORY.is_dir() or os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC:  # some tests make programs and run them
        return False
    if not _keeps_attributes(_MEMORY):  # the S3 server of some tests keeps locks in them
        return False
    told = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return told is not None and min(shutil.disk_usage(_MEMORY).free, int(told[1]) * 1024) >= _ENOUGH


def _keeps_attributes(folder: Path) -> bool:
    try:
        with TemporaryFile(dir=folder) as file:
            os.setxattr(file.fileno(), "user.tried", b"yes")
    except (AttributeError, OSError):
        return False
    return True


@pytest.hookimpl(trylast=True)  # what is not asked for is gone by then
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Longest files first, each whole, else in the order in which they were found."""
    items.sort(key=lambda item: _place(item.path.relative_to(Path(__file__).parent).as_posix()))


def _place(file: str) -> int:
    return next((place for place, name in enumerate(_LONGEST_FIRST) if file.startswith(name)), len(_LONGEST_FIRST))


@pytest.fixture(scope="session", autouse=True)
def _parsing_once() -> Iterator[None]:
    with parsing_once():
        yield
