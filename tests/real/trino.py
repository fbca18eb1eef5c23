"""A real Trino on loopback, with the Hive connector over a folder as its metastore: the engine under Athena.

Its libraries come from Maven Central, once, into the user's cache folder, with Hive's plug-in and no other. Where
Java or Maven is missing, `start` skips the test and says how to have them.
"""

import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.real import go_program

SOURCE = Path(__file__).parent / "trino_in_java"
# Which of Trino's jars can be had differs by release; Athena engine 3 is older than any that needs Java 24.
VERSION = "476"
_JAVA = 24
_FETCH_SECONDS = 900
_START_SECONDS = 300

_CONFIG = """\
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
node.internal-address=127.0.0.1
query.max-memory=800MB
query.max-memory-per-node=800MB
memory.heap-headroom-per-node=300MB
catalog.config-dir={etc}/catalog
plugin.dir={plugins}
catalog.management=static
http-server.log.enabled=false
"""
_HIVE = """\
connector.name=hive
hive.metastore=file
hive.metastore.catalog.dir=local:///{metastore}
fs.native-local.enabled=true
local.location={folder}
fs.native-s3.enabled=true
s3.endpoint={endpoint}
s3.region=us-east-1
s3.path-style-access=true
s3.aws-access-key={key}
s3.aws-secret-key={secret}
hive.partition-projection-enabled=true
hive.timestamp-precision={precision}
hive.non-managed-table-writes-enabled=true
hive.ignore-absent-partitions=true
hive.security=allow-all
"""


@dataclass(frozen=True)
class Bucket:
    """How to reach the S3 server of the tests."""

    endpoint: str
    key: str
    secret: str


@dataclass(frozen=True)
class Trino:
    """A running server. Its catalogue `exact` reads times to the microsecond, `athena` to the millisecond, as
    Athena does with tables of Hive's."""

    port: int

    def connect(self, catalog: str = "exact", schema: str = "archive") -> Any:
        """A connection of the vendor's own client, in UTC as Athena is."""
        trino = pytest.importorskip("trino")
        return trino.dbapi.connect(
            host="127.0.0.1", port=self.port, user="trino", catalog=catalog, schema=schema, timezone="UTC"
        )


@cache
def java() -> Path:
    """A Java that is new enough: the one of JAVA_HOME or the path, or one that lies where Debian keeps them."""
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    found = [home / "bin" / "java" for home in [*homes, *sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)]]
    on_path = shutil.which("java")
    for program in [*found, *([Path(on_path)] if on_path else [])]:
        if program.exists() and _release(program) >= _JAVA:
            return program
    pytest.skip(f"Trino {VERSION} needs Java {_JAVA} or newer: install one, name it in JAVA_HOME, and run again")


def _release(program: Path) -> int:
    told = subprocess.run([program, "-version"], capture_output=True, text=True, check=False, timeout=30).stderr
    release = re.search(r'version "(\d+)', told)
    return int(release[1]) if release else 0


@cache
def server() -> Path:
    """The folder of the server. Skips the test where it cannot be had."""
    java()
    folder = go_program.tools() / f"trino-{VERSION}"
    if folder.exists():
        return folder
    maven = shutil.which("mvn")
    if maven is None:
        pytest.skip("Trino is not here: install Maven, and run again")
    room = folder.with_name(f"{folder.name}-{os.getpid()}")
    try:
        for name, place in (("server", "lib"), ("hive", "plugin/hive")):
            command = [maven, "-q", "-B", "-f", str(SOURCE / f"{name}.xml"), "dependency:copy-dependencies"]
            done = subprocess.run(
                [*command, "-DincludeScope=runtime", f"-DoutputDirectory={room / place}"],
                capture_output=True, text=True, check=False, timeout=_FETCH_SECONDS,
            )  # fmt: skip
            if done.returncode != 0:
                pytest.skip(f"Trino could not be fetched ({done.stdout.strip()[-200:]}): check Maven")
        # the server finds a plug-in by this file, which a released plug-in has in a jar of its own
        with zipfile.ZipFile(room / "plugin/hive/services.jar", "w") as services:
            services.writestr("META-INF/services/io.trino.spi.Plugin", "io.trino.plugin.hive.HivePlugin\n")
        room.replace(folder)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return folder


@contextmanager
def start(folder: Path, bucket: Bucket) -> Iterator[Trino]:
    """A server that keeps its state in `folder`, over the buckets of an S3 server."""
    program = server()
    port, log = go_program.free_port(), folder / "trino.log"
    etc = folder / "etc"
    (etc / "catalog").mkdir(parents=True)
    (etc / "config.properties").write_text(_CONFIG.format(port=port, etc=etc, plugins=program / "plugin"))
    for name, precision in (("exact", "MICROSECONDS"), ("athena", "MILLISECONDS")):
        (etc / "catalog" / f"{name}.properties").write_text(
            _HIVE.format(
                metastore=f"metastore-{name}", folder=folder, endpoint=bucket.endpoint, key=bucket.key,
                secret=bucket.secret, precision=precision,
            )
        )  # fmt: skip
    options = {
        "node.id": "tests", "node.environment": "tests", "node.data-dir": str(folder / "data"),
        "config": str(etc / "config.properties"), "log.enable-console": "true",
    }  # fmt: skip
    command = [
        str(java()),
        "-Xmx1400m",
        "--enable-native-access=ALL-UNNAMED",
        "--add-modules=jdk.incubator.vector",
    ]
    command += [f"-D{name}={value}" for name, value in options.items()]
    with log.open("wb") as out:
        node = subprocess.Popen(
            [*command, "-cp", f"{program}/lib/*", str(SOURCE / "Main.java"), VERSION],
            cwd=folder, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        go_program.wait_for(port, node, log, _START_SECONDS)
        _until_ready(port, node, log)
        yield Trino(port)
    finally:
        go_program.stop(node)


def _until_ready(port: int, node: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and node.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/info", timeout=5) as answer:
                told: Mapping[str, Any] = json.load(answer)
        except OSError:
            told = {"starting": True}
        if not told["starting"]:
            return
        time.sleep(0.2)
    raise RuntimeError(f"Trino did not start: {log.read_text(errors='replace')[-2000:]}")
