"""What the demo does, step by step: one function for each, which says what it did and notes it in the document.

Promise: a step that finds something wrong says so in `wrong`, which makes the exit code 1. To add one, write a
function of a `DemoRun` and put it into `STEPS`.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestration.cli.demo_delivery import send
from orchestration.cli.demo_spend import charge, pull_money
from orchestration.cli.demo_telemetry import receive_sessions
from orchestration.cli.output import Output, counted, duration, size
from orchestration.cli.progress import Progress
from warehouse.detections.levels import LEVELS

if TYPE_CHECKING:
    from assets.workshop import Workshop
    from orchestration.demo_tenant import DemoFolder

_QUESTIONS = {
    "What happened most, and how did it end?": """
        select category, outcome, sum(events) as events, count(distinct actor_key) as actors
        from fct_actor_activity_daily group by category, outcome order by events desc limit 6""",
    "Who took data out of the organisation?": """
        select strftime(created_at, '%Y-%m-%d %H:%M') as at, coalesce(actor_email, actor_key) as who, event_type,
               ip_address, outcome
        from fct_data_movement where movement = 'export' order by created_at desc limit 6""",
    "Which alerts would have woken somebody?": """
        select strftime(first_at, '%Y-%m-%d %H:%M') as at, severity, title, events, entities as about
        from alerts where severity = 'critical' or title like 'Many files%' order by first_at desc limit 6""",
}


@dataclass
class DemoRun:
    """One demo under way, with its tenant and its receivers of events. `document` is what `--json` prints;
    `places` are lines of where to look afterwards, by what is there."""

    folder: "DemoFolder"
    workshop: "Workshop"
    output: Output
    tenant_url: str
    receivers_url: str
    document: dict[str, Any] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def progress(self) -> AbstractContextManager[Progress]:
        return Progress()


def pull_audit(run: DemoRun) -> None:
    """The audit feed over real HTTP, archived, folded, whole days sealed."""
    from assets.pulling import pull_activities  # noqa: PLC0415

    with run.progress() as progress:
        pulled = pull_activities(run.workshop, progress=progress)
    run.document["pull"] = pulled.as_dict()
    run.output.line(
        f"pulled     {counted(pulled.records, 'audit record')} in {counted(pulled.requests, 'request')}, "
        f"{duration(pulled.seconds)}: archived byte for byte, folded into Parquet"
    )
    run.output.line(f"sealed     {counted(len(pulled.sealed), 'whole day')}, sorted by actor and time, final")


def pull_use(run: DemoRun) -> None:
    """Who did how much with which product, skill, connector and plugin, day by day."""
    from assets.engagement_pulling import pull_engagement  # noqa: PLC0415
    from warehouse.anthropic.engagement import STREAMS  # noqa: PLC0415

    with run.progress() as progress:
        pulled = [pull_engagement(run.workshop, stream, progress=progress) for stream in STREAMS]
    run.document["pulls"] += [report.as_dict() for report in pulled]
    run.output.line(
        f"pulled     {counted(sum(report.records for report in pulled), 'row')} of engagement (people, skills, "
        f"connectors, plugins, projects, artifacts) in "
        f"{counted(sum(report.requests for report in pulled), 'request')}, "
        f"{duration(sum(report.seconds for report in pulled))}"
    )


def raise_alerts(run: DemoRun) -> None:
    """What the Sigma rules find in what was pulled; the loudest of it."""
    from assets.detecting import detect  # noqa: PLC0415
    from warehouse.detections.rulebook import load  # noqa: PLC0415

    done = detect(run.workshop, load(run.workshop.rule_folders))
    run.document["alerts"] = {name: value for name, value in done.as_dict().items() if name != "alerts"}
    levels = ", ".join(f"{done.by_severity[level]} {level}" for level in LEVELS if done.by_severity[level])
    run.output.line(
        f"detected   {counted(done.raised, 'alert')} by {counted(done.rules, 'rule')} ({levels}), "
        f"{duration(done.seconds)}"
    )


def model(run: DemoRun) -> None:
    """The dbt marts, with their tests."""
    from assets.building import build  # noqa: PLC0415

    marts = build(run.workshop)
    run.document["marts"] = {built.name: built.rows for built in marts.models}
    run.output.line(
        f"modelled   {len(marts.models)} dbt models, {marts.tests_passed} tests passed, {duration(marts.seconds)}"
    )


def ask(run: DemoRun) -> None:
    """Three questions of an auditor, answered from the marts."""
    from warehouse.tables.catalog import connect  # noqa: PLC0415

    answers = {}
    with connect(run.workshop.archive, database=run.workshop.marts) as db:
        for question, query in _QUESTIONS.items():
            found = db.execute(query)
            names = [column[0] for column in found.description or []]
            rows = found.fetchall()
            answers[question] = [dict(zip(names, row, strict=True)) for row in rows]
            run.output.line()
            run.output.line(question)
            run.output.table(names, rows, right=("events", "actors"))
    run.document["answers"] = answers


def notice(run: DemoRun) -> None:
    """What the pipeline noticed by itself."""
    from assets.status import status  # noqa: PLC0415

    known = status(run.workshop)
    run.document["status"] = known
    run.output.line()
    run.output.line("What the pipeline noticed by itself (ledgerline status):")
    run.output.findings(known["findings"])


def report_evidence(run: DemoRun) -> None:
    """The auditor's page of all that was pulled, with its proofs beside it."""
    from assets.evidence import make_report, period_of  # noqa: PLC0415

    (covered, *_) = run.workshop.archive.refresh().stream("activities").covered
    period = period_of(run.workshop, covered.start, None)
    place = run.folder.path / "evidence" / "report.html"
    made, written = make_report(run.workshop, period, place, proofs=True, signed=True)
    run.document["evidence"] = made.document() | {"sha256": written.sha256, "proofs": written.proofs}
    run.output.line()
    run.output.line(
        f"evidence   {counted(len(made.days), 'day')}, {counted(len(made.controls), 'control')}, "
        f"{counted(len(made.findings), 'finding')} to be explained, {counted(written.proofs, 'proof')}: one page"
    )
    run.places["auditor's page"] = f"{place}    (open it in a browser; its proofs lie beside it)"


def check(run: DemoRun) -> None:
    """Every byte of the archive against its signed log."""
    from warehouse.archive.verify import verify  # noqa: PLC0415

    checked = verify(run.workshop.archive.store, deep=True)
    counts = checked.checked
    run.document["verify"] = {"ok": checked.ok, "checked": counts}
    run.output.line()
    run.output.line(
        f"verified   {counts['entries']:,} log entries, {counts['objects']:,} objects ({size(counts['bytes'])}), "
        f"{counts['records']:,} records: " + ("every byte is as it was committed" if checked.ok else "FINDINGS")
    )
    run.output.findings([{"code": f.code, "subject": f.subject, "detail": f.detail} for f in checked.findings])
    if not checked.ok:
        run.wrong.append("the archive does not verify")


STEPS: tuple[Callable[[DemoRun], None], ...] = (
    pull_audit,
    pull_money,
    pull_use,
    receive_sessions,
    raise_alerts,
    send,
    model,
    ask,
    notice,
    charge,
    report_evidence,
    check,
)


def run_demo(folder: "DemoFolder", tenant_url: str, receivers_url: str, output: Output) -> DemoRun:
    """Every step in turn, over the archive that the folder's configuration names."""
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415

    output.line(f"A pretend tenant answers at {tenant_url} (invented people, real HTTP).")
    with open_workshop(load(folder.config), for_writing=True) as workshop:
        run = DemoRun(folder, workshop, output, tenant_url, receivers_url)
        for step in STEPS:
            step(run)
    return run
