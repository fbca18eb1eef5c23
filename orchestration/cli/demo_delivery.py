"""The demo's delivery: slices of the events to three pretend receivers, and what these say that they hold."""

from typing import TYPE_CHECKING, Any

import httpx

from orchestration.cli.output import counted, duration

if TYPE_CHECKING:
    from orchestration.cli.demo_steps import DemoRun
    from warehouse.delivery.chunk import Report


def send(run: "DemoRun") -> None:
    """Alerts to a SIEM, everything to a search engine, the unheard-of to a webhook; over HTTP,
    with receipts. Wrong where a receiver does not hold what the receipts say.
    """
    from assets.delivering import deliver  # noqa: PLC0415

    output = run.output
    reports = deliver(run.workshop)
    rows = [
        _row(report, one.type, run.receivers_url)
        for report, one in zip(reports, run.workshop.destinations, strict=True)
    ]
    run.document["deliveries"] = rows
    seconds = max(report.seconds for report in reports)
    total = sum(row["delivered"] for row in rows)
    output.line(f"delivered  {total:,} events and alerts to {len(rows)} pretend receivers, {duration(seconds)}:")
    for row in rows:
        output.line(
            f"           {row['type']:8} {row['delivered']:>7,} ({row['slice']}): it says that it holds "
            f"{row['stored']:,}, with {counted(row['checkpoints'], 'checkpoint')} of the log"
        )
        if row["delivered"] + row["checkpoints"] != row["stored"] or row["dead"] or row["violations"]:
            run.wrong.append(f"{row['type']} does not hold what the receipts say")


def _row(report: "Report", type: str, receivers_url: str) -> dict[str, Any]:
    """What our receipts say of one destination, and what it says itself."""
    with httpx.Client(base_url=f"{receivers_url}/_intakes/{type}", timeout=60, trust_env=False) as client:
        stored = client.get("/events", params={"bodies": "no"}).json()["count"]
        violations = client.get("/violations").json()["violations"]
    return {
        "name": report.name,
        "type": type,
        "slice": report.slice,
        "selected": report.selected,
        "delivered": report.delivered,
        "dead": report.dead,
        "checkpoints": int(report.checkpoint is not None),
        "stored": stored,
        "violations": violations,
        "seconds": round(report.seconds, 1),
    }
