"""The demo's telemetry: the tenant's developers at work for a week, by the embedded receiver into the archive.

Promise: what landed is held against the clients' own sums, and what was said in a session is looked for in the
inbox.
"""

import gzip
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from orchestration.cli.output import counted

if TYPE_CHECKING:
    from datetime import date

    from orchestration.cli.demo_steps import DemoRun

_DAYS = 7
_SUMS = """
select count(distinct session_id), coalesce(sum(cost_usd), 0),
       coalesce(sum(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens), 0)
from otel_events where event_name = 'api_request' and not duplicate"""


def receive_sessions(run: "DemoRun") -> None:
    """Claude Code sessions of a week, sent as OTLP, landed, and compared with what the clients counted."""
    from assets.telemetry_landing import land_telemetry  # noqa: PLC0415
    from orchestration.demo_tenant import play_sessions  # noqa: PLC0415
    from orchestration.telemetry_receiver import running  # noqa: PLC0415
    from warehouse.tables.catalog import connect  # noqa: PLC0415
    from warehouse.telemetry.inbox import Inbox  # noqa: PLC0415
    from warehouse.telemetry.receiver import Receiver  # noqa: PLC0415

    days, inbox = _days(run), run.folder.path / "telemetry"
    receiver = Receiver(Inbox(inbox), gather_seconds=0.05)
    with running(receiver) as url:
        told = play_sessions(run.folder, url, days[0], days[-1])
    with run.progress() as progress:
        landed = land_telemetry(run.workshop, [str(inbox)], progress, settled=timedelta(0))
    with connect(run.workshop.archive) as db:
        sessions, cost, tokens = db.execute(_SUMS).fetchall()[0]
    estimate = Decimal(told["cost_micros"]).scaleb(-6)
    ties = (sessions, cost, tokens) == (told["sessions"], estimate, told["tokens"])
    run.document["telemetry"] = {
        "clients": told,
        "events": landed.total("events"),
        "points": landed.total("points"),
        "removed": dict(receiver.taken.removed),
        "estimate": f"{cost:.6f}",
        "ties": ties,
    }
    run.output.line(
        f"telemetry  {counted(sessions, 'Claude Code session')} of {counted(told['people'], 'person', 'people')} "
        f"received as OTLP, {landed.total('events'):,} events and {landed.total('points'):,} points landed, "
        f"{counted(receiver.taken.removed.total(), 'attribute')} with content removed before disk; estimate "
        f"{cost:,.2f} = clients' own {estimate:,.2f} USD"
    )
    if not ties or landed.findings:
        run.wrong.append("telemetry that landed is not what the clients counted")
    if _says(inbox, b"PLANTED-PHRASE"):
        run.wrong.append("telemetry's inbox holds what was said in a session")


def _days(run: "DemoRun") -> "list[date]":
    """A week: the last one of the month that is reported, else the last one before today."""
    from orchestration.cli.demo_spend import whole_months  # noqa: PLC0415

    months = whole_months(run)
    end = months[-1].end if months else run.workshop.clock().date()
    return [end - timedelta(days=number) for number in range(_DAYS, 0, -1)]


def _says(inbox: Path, phrase: bytes) -> bool:
    return any(phrase in gzip.decompress(file.read_bytes()) for file in inbox.rglob("*.json.gz"))
