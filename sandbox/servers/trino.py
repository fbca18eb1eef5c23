"""A real Trino, with the Hive connector over a folder as its metastore: the engine under Athena.

Its libraries come from Maven Central, once, into the user's cache folder, with Hive's plug-in and no other.
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

from sandbox.servers import programs
from sandbox.servers.programs import Missing

SOURCE = Path(__file__).parent / "trino_in_java"
# Which of Trino's jars can be had differs by release; Athena engine 3 is older than any that needs Java 24.
VERSION = "476"
_JAVA = 24
_START_SECONDS = 300

_CONFIG = """\
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
node.internal-address=127.0.0.1
query.max-memory={query_mb}MB
query.max-memory-per-node={query_mb}MB
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
    """How to reach the S3 server that holds the tables."""

    endpoint: str
    key: str
    secret: str


@dataclass(frozen=True)
class Trino:
    """A running server. Its catalogue `exact` reads times to the microsecond, `athena` to the millisecond, as
    Athena does with tables of Hive's."""

    port: int
    log: Path

    def ready(self) -> bool:
        """Whether it takes questions; it listens long before."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/info", timeout=5) as answer:
                told: Mapping[str, Any] = json.load(answer)
        except OSError:
            return False
        return not told["starting"]

    def connect(self, catalog: str = "exact", schema: str = "archive") -> Any:
        """A connection of the vendor's own client, in UTC as Athena is."""
        import trino  # noqa: PLC0415 - an extra

        return trino.dbapi.connect(  # type: ignore[no-untyped-call]
            host="127.0.0.1", port=self.port, user="trino", catalog=catalog, schema=schema, timezone="UTC"
        )


@cache
def java() -> Path:
    """A Java that is new enough: the one of JAVA_HOME or the path, or one that lies where Debian keeps them.

    Raises Missing."""
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    found = [home / "bin" / "java" for home in [*homes, *sorted(Path("/usr/lib/jvm").glob("*"), reverse=True)]]
    on_path = shutil.which("java")
    for program in [*found, *([Path(on_path)] if on_path else [])]:
        if program.exists() and _release(program) >= _JAVA:
            return program
    raise Missing(
        f"Trino {VERSION} needs Java {_JAVA} or newer: install one (https://adoptium.net), name it in JAVA_HOME, "
        "and run again"
    )


def _release(program: Path) -> int:
    told = subprocess.run(  # noqa: S603 - a Java of this machine
        [str(program), "-version"], capture_output=True, text=True, check=False, timeout=30
    ).stderr
    release = re.search(r'version "(\d+)', told)
    return int(release[1]) if release else 0


def maven() -> str | None:
    """The Maven that fetches it; None where it was fetched before. Raises Missing."""
    if _folder().exists():
        return None
    found = shutil.which("mvn")
    if found is None:
        raise Missing("Trino is not here: install Maven (Debian: apt-get install maven) and run again")
    return found


@cache
def server() -> Path:
    """The folder of the server; fetches it if need be. Raises Missing."""
    java()
    folder, found = _folder(), maven()
    if found is None:
        return folder
    room = folder.with_name(f"{folder.name}-{os.getpid()}")
    try:
        for name, place in (("server", "lib"), ("hive", "plugin/hive")):
            command = [found, "-q", "-B", "-f", str(SOURCE / f"{name}.xml"), "dependency:copy-dependencies"]
            done = programs.run([*command, "-DincludeScope=runtime", f"-DoutputDirectory={room / place}"])
            if done.returncode != 0:
                raise Missing(f"Trino could not be fetched ({done.stdout.strip()[-200:]}): check Maven")
        # the server finds a plug-in by this file, which a released plug-in has in a jar of its own
        with zipfile.ZipFile(room / "plugin/hive/services.jar", "w") as services:
            services.writestr("META-INF/services/io.trino.spi.Plugin", "io.trino.plugin.hive.HivePlugin\n")
        room.replace(folder)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    return folder


def _folder() -> Path:
    return programs.tools() / f"trino-{VERSION}"


@contextmanager
def start(folder: Path, bucket: Bucket, *, wait: bool = True, heap_mb: int = 1400) -> Iterator[Trino]:
    """A server that keeps its state in `folder`, over the buckets of an S3 server. It needs half a minute:
    without `wait` it is not ready yet. Raises Missing."""
    program = server()
    port, log = programs.free_port(), folder / "trino.log"
    etc = folder / "etc"
    (etc / "catalog").mkdir(parents=True)
    (etc / "config.properties").write_text(
        _CONFIG.format(port=port, etc=etc, plugins=program / "plugin", query_mb=heap_mb - 600)
    )
    for name, precision in (("exact", "MICROSECONDS"), ("athena", "MILLISECONDS")):
        (etc / "catalog" / f"{name}.properties").write_text(
            _HIVE.format(
                metastore=f"metastore-{name}", folder=folder, endpoint=bucket.endpoint, key=bucket.key,
                secret=bucket.secret, precision=precision,
            )
        )  # fmt: skip
    options = {
        "node.id": "local", "node.environment": "local", "node.data-dir": str(folder / "data"),
        "config": str(etc / "config.properties"), "log.enable-console": "true",
    }  # fmt: skip
    command = [
        str(java()),
        f"-Xmx{heap_mb}m",
        "--enable-native-access=ALL-UNNAMED",
        "--add-modules=jdk.incubator.vector",
        *(f"-D{name}={value}" for name, value in options.items()),
        *("-cp", f"{program}/lib/*", str(SOURCE / "Main.java"), VERSION),
    ]
    node = programs.begin(command, log, cwd=str(folder))
    try:
        made = Trino(port, log)
        if wait:
            until_ready(made, node)
        yield made
    finally:
        programs.stop(node)


def until_ready(trino: Trino, node: "subprocess.Popen[bytes] | None" = None) -> None:
    """Wait for it. Raises RuntimeError, with the end of its log, where it does not come."""
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and (node is None or node.poll() is None):
        if trino.ready():
            return
        time.sleep(0.2)
    raise RuntimeError(f"Trino did not start: {trino.log.read_text(errors='replace')[-2000:]}")
