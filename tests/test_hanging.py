"""A test that hangs is named with its stacks, and holds nothing up."""

import os
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT

_CONFTEST = """\
from tests import hanging

hanging.UNWOUND_SECONDS = 1


def pytest_configure(config):
    config.pluginmanager.register(hanging.Watch())
"""
_TESTS = """\
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest


def halted():
    threading.Event().wait()


@pytest.fixture
def never_ends():
    yield
    halted()


def test_before():
    pass


def test_hung():
    threading.Thread(target=halted, name="beside", daemon=True).start()
    halted()


def test_between():
    pass


def test_whose_end_hangs_too():
    with ThreadPoolExecutor() as pool:
        pool.submit(halted).result()


def test_that_failed_and_then_hung(never_ends):
    raise ValueError


def test_after():
    pass
"""


_ENDS = {
    "before": "PASSED",
    "hung": "FAILED",
    "between": "PASSED",
    "whose_end_hangs_too": "FAILED",
    "that_failed_and_then_hung": "FAILED",
    "after": "PASSED",
}


def test_tests_that_hang_are_named_with_their_stacks_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    (tmp_path / "test_it.py").write_text(_TESTS)
    plugins = ["-p", "xdist.plugin", "-p", "pytest_timeout", "-c", os.devnull, "--rootdir", "."]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *plugins, "-rA", "-n", "1", "--timeout", "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    told = {tuple(line.split()[:2]) for line in done.stdout.splitlines() if "::" in line}
    assert {(end, f"test_it.py::test_{name}") for name, end in _ENDS.items()} <= told, done.stdout
    threads = [one for one in done.stderr.split("\n\n") if "in halted\n" in one]
    assert len(threads) >= 5, done.stderr  # two, two, and the fixture's one
    for name in ("test_hung", "test_whose_end_hangs_too", "never_ends"):
        assert f"in {name}\n" in done.stderr, done.stderr
