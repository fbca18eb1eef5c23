"""Our `syslog` destination into rsyslog, plain and with TLS (Debian's packages rsyslog and rsyslog-openssl).

It takes both framings on one connection, reads the header as RFC 5424 says, and cuts a message that is longer than
its limit without a word: that ours are not is what the last test shows.
"""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.real import go_program
from tests.warehouse.delivery.destinations.certificates import Certificates, make
from tests.warehouse.delivery.destinations.wire import event, events, kinds, of_every_type, send, settings_of
from warehouse.delivery import destinations
from warehouse.delivery.errors import Halted

pytestmark = pytest.mark.real

_ARRIVED_SECONDS = 20
CONFIG = """
global(workDirectory="{folder}" maxMessageSize="8k" defaultNetstreamDriver="ossl"
       defaultNetstreamDriverCAFile="{authority}" defaultNetstreamDriverCertFile="{certificate}"
       defaultNetstreamDriverKeyFile="{key}")
module(load="imptcp")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
input(type="imptcp" port="{plain}" address="127.0.0.1")
input(type="imtcp" port="{tls}" address="127.0.0.1")
template(name="whole" type="list") {{ property(name="jsonmesg") constant(value="\\n") }}
action(type="omfile" file="{folder}/out" template="whole")
"""


@dataclass
class Rsyslog:
    """A running rsyslog: its ports, and the file that it writes."""

    ports: dict[str, int]
    certificates: Certificates
    file: Path

    def out(self, count: int) -> list[dict[str, Any]]:
        """The messages since the last call, once they are as many as they should be or the time is up."""
        end = time.monotonic() + _ARRIVED_SECONDS
        while self.file.read_bytes().count(b"\n") < count and time.monotonic() < end:
            time.sleep(0.05)
        lines = self.file.read_text(encoding="utf-8").split("\n")  # and not where U+0085 stands
        found = [json.loads(line) for line in lines if line]
        self.file.write_text("")
        return found


@pytest.fixture(scope="module")
def rsyslog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rsyslog]:
    program = shutil.which("rsyslogd", path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        pytest.skip("no rsyslog on this machine: apt-get install rsyslog rsyslog-openssl")
    folder = tmp_path_factory.mktemp("rsyslog")
    running = Rsyslog({name: go_program.free_port() for name in ("plain", "tls")}, make(folder), folder / "out")
    running.file.touch()
    files = running.certificates
    config, log = folder / "rsyslog.conf", folder / "log"
    config.write_text(
        CONFIG.format(
            folder=folder,
            authority=files.authority,
            certificate=files.server,
            key=files.server_key,
            **running.ports,
        )
    )
    command = [program, "-n", "-f", str(config), "-i", str(folder / "pid")]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    try:
        for port in running.ports.values():
            go_program.wait_for(port, process, log)
        yield running
    finally:
        go_program.stop(process)


def to(rsyslog: Rsyslog, way: str, framing: str = "octet", **values: Any) -> Any:
    if way == "tls":
        values = {"tls": True, "ca_file": str(rsyslog.certificates.authority), **values}
    return settings_of("syslog", host="127.0.0.1", port=rsyslog.ports[way], framing=framing, **values)


@pytest.mark.parametrize("framing", ["octet", "newline"])
@pytest.mark.parametrize("way", ["plain", "tls"])
def test_every_message_is_read_as_rfc_5424_and_the_ids_equal_the_receipts(
    rsyslog: Rsyslog, way: str, framing: str
) -> None:
    some = [*of_every_type(), event(9999, id="strange", user_agent='"]\\ \n\x85 日本')]
    assert destinations.load("syslog").probe(to(rsyslog, way, framing)).kind == "delivered"
    outcomes = send("syslog", to(rsyslog, way, framing), some)
    assert kinds(outcomes) == {"delivered"}
    receipts = [one.event_id for one, outcome in zip(some, outcomes, strict=True) if outcome.ack]
    out = rsyslog.out(len(some))
    assert [json.loads(one["msg"])["event_id"] for one in out] == receipts
    assert {(one["app-name"], one["hostname"], one["syslogfacility"]) for one in out} == {
        ("ledgerline", "claude.ai", "13")
    }
    assert all(f'eventId="{id}"' in one["structured-data"] for one, id in zip(out, receipts, strict=True))
    assert out[0]["timereported"].startswith((some[0].event_time or "")[:19])


def test_a_certificate_of_another_authority_halts(rsyslog: Rsyslog) -> None:
    with pytest.raises(Halted, match="not trusted"):
        send("syslog", to(rsyslog, "tls", ca_file=str(rsyslog.certificates.stranger)), events(1))
    assert rsyslog.file.read_text() == ""


def test_long_events_arrive_whole_because_ours_were_shortened_first(rsyslog: Rsyslog) -> None:
    long = [event(n, raw=json.dumps({"pad": "x" * 7_000 * n})) for n in range(1, 6)]
    assert kinds(send("syslog", to(rsyslog, "plain"), long)) == {"delivered"}
    messages = [json.loads(one["msg"]) for one in rsyslog.out(len(long))]
    assert [one["event_id"] for one in messages] == [one.event_id for one in long]
    assert ["left_out" in one for one in messages] == [False, True, True, True, True]
