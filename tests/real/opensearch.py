"""A real OpenSearch node on loopback, embedded in a JVM: its libraries come from Maven, once, into the user's
cache folder.

Where Java or Maven is missing, `start` skips the test and says how to have them.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from tests.real import go_program

SOURCE = Path(__file__).parent / "opensearch_in_java"
VERSION = "2.19.6"  # the newest line for Java 17
_FETCH_SECONDS = 900
_START_SECONDS = 120


@cache
def libraries() -> Path:
    """The folder with the node's libraries. Skips the test where they cannot be had."""
    folder = go_program.tools() / f"opensearch-{VERSION}"
    if folder.exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None or shutil.which("java") is None:
        pytest.skip("OpenSearch is not here: install a JDK of version 17 or newer and Maven, and run again")
    room = folder.with_name(f"{folder.name}-{os.getpid()}")
    command = [maven, "-q", "-B", "-f", str(SOURCE / "pom.xml"), "dependency:copy-dependencies"]
    done = subprocess.run(
        [*command, "-DincludeScope=runtime", f"-DoutputDirectory={room}"],
        capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        shutil.rmtree(room, ignore_errors=True)
        pytest.skip(f"OpenSearch could not be fetched ({done.stdout.strip()[-200:]}): check Maven")
    room.replace(folder)
    return folder


@contextmanager
def start(folder: Path) -> Iterator[str]:
    """A node that keeps its data in `folder`; gives its address. Takes ten to thirty seconds to start."""
    jars = libraries()
    port, log = go_program.free_port(), folder / "log"
    command = ["java", "-Xmx512m", "-cp", f"{jars}/*", str(SOURCE / "Server.java"), str(folder), str(port)]
    with log.open("wb") as out:
        node = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        go_program.wait_for(port, node, log, _START_SECONDS)
        end = time.monotonic() + _START_SECONDS
        while b"READY" not in log.read_bytes() and time.monotonic() < end:
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        go_program.stop(node)
