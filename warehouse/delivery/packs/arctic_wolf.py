"""The Arctic Wolf hand-over: what the concierge team needs to parse the events, with samples.

Promise: the samples are what the `syslog` and `webhook` destinations send for the invented events of
`mappings.sample`, by their own code. The text around them is `arctic_wolf.txt`.
"""

from __future__ import annotations

from pathlib import Path

from warehouse.config.destinations import Syslog
from warehouse.delivery.destinations import syslog
from warehouse.delivery.documents import AnyEvent, as_json, described
from warehouse.delivery.mappings.sample import sample_alert, samples
from warehouse.delivery.mappings.schemas import SCHEMAS


def files() -> dict[str, str | bytes]:
    """Path under `deploy/siem/` -> content."""
    sent: list[AnyEvent] = [*samples(), sample_alert()]
    return {
        "arctic-wolf/README.md": Path(__file__).with_suffix(".txt").read_text(encoding="utf-8"),
        "arctic-wolf/samples.ndjson": b"".join(
            as_json(described(one, SCHEMAS["canonical"])) + b"\n" for one in sent
        ),
        "arctic-wolf/samples.newline.syslog": b"".join(_frame(one, "newline") for one in sent),
        "arctic-wolf/samples.octet.syslog": b"".join(_frame(one, "octet") for one in sent),
    }


def _frame(event: AnyEvent, framing: str) -> bytes:
    settings = Syslog.model_validate(
        {"name": "soc", "type": "syslog", "host": "sensor.example.com", "framing": framing}
    )
    frame = syslog.encode(event, settings, None)
    assert isinstance(frame, bytes), "a sample is too long for a syslog message"
    return frame
