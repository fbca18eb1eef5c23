"""`ledgerline demo`: the whole pipeline on embedded defaults, against a pretend tenant on this machine."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, duration, own_name, size
from orchestration.cli.progress import Progress

if TYPE_CHECKING:
    from orchestration.demo_tenant import DemoFolder

FOLDER = Path("data/demo")

_QUESTIONS = {
    "What happened most, and how did it end?": """
        select category, outcome, sum(events) as events, count(distinct actor_key) as actors
        from fct_actor_activity_daily group by category, outcome order by events desc limit 6""",
    "Who took data out of the organisation?": """
        select strftime(created_at, '%Y-%m-%d %H:%M') as at, coalesce(actor_email, actor_key) as who, event_type,
               ip_address, outcome
        from fct_data_movement where movement = 'export' order by created_at desc limit 6""",
    "Which changes would you want to have heard of?": """
        select strftime(created_at, '%Y-%m-%d %H:%M') as at, coalesce(actor_email, actor_key) as who, event_type,
               severity
        from fct_admin_change where severity in ('high', 'critical') order by created_at desc limit 6""",
}


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "demo",
        demo,
        {
            "ledgerline demo": "31 days of a company of 200, in a folder that is removed afterwards",
            "ledgerline demo --keep": "the same, kept in ./data/demo to look around in",
        },
    )


def demo(
    days: Annotated[int, typer.Option(min=1, max=300, help="How many past days the tenant has.")] = 31,
    users: Annotated[int, typer.Option(min=1, max=5000, help="How many people the tenant has.")] = 200,
    keep: Annotated[bool, typer.Option("--keep", help=f"Keep everything in ./{FOLDER}, made anew.")] = False,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """The whole pipeline against a pretend tenant: no account, no network, about a minute.

    Pulls the audit feed over real HTTP, archives it write-once, folds it into Parquet, seals the days, builds the
    dbt marts, asks them some questions, and verifies every byte. Exit code 1 when the archive does not verify.
    """
    output = Output(json=json)
    from orchestration.demo_tenant import InUse, TenantFailed  # noqa: PLC0415

    try:
        return _in_folder(output, days=days, users=users, keep=keep)
    except InUse as error:
        raise CannotRun(str(error), remedy="stop `make ui`, or wait until the other demo is done") from error
    except TenantFailed as error:
        raise CannotRun(
            str(error), remedy="look at that log; `python -m sandbox serve` shows it at once"
        ) from error


def _in_folder(output: Output, *, days: int, users: int, keep: bool) -> int:
    from orchestration.demo_tenant import DemoFolder, make_folder  # noqa: PLC0415

    if not keep:
        with tempfile.TemporaryDirectory(prefix="ledgerline-demo-") as scratch:
            folder = make_folder(Path(scratch) / "demo", days=days, users=users, seed=7)
            return _run(folder, output, keep=False)
    if FOLDER.parent.exists() and not FOLDER.parent.is_dir():
        raise CannotRun(
            f"{FOLDER.parent} is a file, and the demo is kept in {FOLDER}",
            remedy="move it away, or run without --keep",
        )
    if FOLDER.exists() and not DemoFolder(FOLDER).exists:
        raise CannotRun(f"{FOLDER} is there and no demo made it", remedy="move it away, or run without --keep")
    with DemoFolder(FOLDER).in_use():
        if FOLDER.exists():
            output.line(f"The demo that was in {FOLDER} makes way for this one.")
            shutil.rmtree(FOLDER)
        return _run(make_folder(FOLDER, days=days, users=users, seed=7), output, keep=True)


def _run(folder: "DemoFolder", output: Output, *, keep: bool) -> int:
    from assets.building import build  # noqa: PLC0415
    from assets.pulling import pull_activities  # noqa: PLC0415
    from assets.status import status  # noqa: PLC0415
    from orchestration.demo_tenant import serve_tenant  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.verify import verify  # noqa: PLC0415
    from warehouse.config import load  # noqa: PLC0415

    began = time.monotonic()
    document: dict[str, Any] = {}
    with serve_tenant(folder) as tenant:
        settings = load(folder.config)
        output.line(f"A pretend tenant answers at {tenant['url']} (invented people, real HTTP).")
        with open_workshop(settings, for_writing=True) as workshop:
            with Progress() as progress:
                pulled = pull_activities(workshop, progress=progress)
            document["pull"] = pulled.as_dict()
            output.line(
                f"pulled     {counted(pulled.records, 'record')} in {counted(pulled.requests, 'request')}, "
                f"{counted(pulled.windows, 'window')}, "
                f"{duration(pulled.seconds)}: archived byte for byte, folded into Parquet"
            )
            output.line(f"sealed     {counted(len(pulled.sealed), 'whole day')}, sorted by actor and time, final")
            marts = build(workshop)
            document["marts"] = {model.name: model.rows for model in marts.models}
            output.line(
                f"modelled   {len(marts.models)} dbt models, {marts.tests_passed} tests passed, "
                f"{duration(marts.seconds)}"
            )
            document["answers"] = _ask(workshop, output)
            known = status(workshop)
            document["status"] = known
            output.line()
            output.line("What the pipeline noticed by itself (ledgerline status):")
            output.findings(known["findings"])
            checked = verify(workshop.archive.store, deep=True)
            document["verify"] = {"ok": checked.ok, "checked": checked.checked}
            counts = checked.checked
            output.line()
            output.line(
                f"verified   {counts['entries']:,} log entries, {counts['objects']:,} objects "
                f"({size(counts['bytes'])}), {counts['records']:,} records: "
                + ("every byte is as it was committed" if checked.ok else "FINDINGS")
            )
            output.findings([{"code": f.code, "subject": f.subject, "detail": f.detail} for f in checked.findings])
    seconds = time.monotonic() - began
    document |= {"ok": checked.ok, "seconds": round(seconds, 1), "folder": str(folder.path) if keep else None}
    output.line(f"done in {duration(seconds)}")
    _where_to_look(folder, output, keep=keep)
    if output.json:
        output.document(document)
    return 0 if checked.ok else 1


def _ask(workshop: Any, output: Output) -> dict[str, Any]:
    from warehouse.tables.catalog import connect  # noqa: PLC0415

    answers = {}
    with connect(workshop.archive, database=workshop.marts) as db:
        for question, query in _QUESTIONS.items():
            found = db.execute(query)
            names = [column[0] for column in found.description or []]
            rows = found.fetchall()
            answers[question] = [dict(zip(names, row, strict=True)) for row in rows]
            output.line()
            output.line(question)
            output.table(names, rows, right=("events", "actors"))
    return answers


def _where_to_look(folder: "DemoFolder", output: Output, *, keep: bool) -> None:
    output.line()
    if not keep:
        output.line("Nothing was kept. `ledgerline demo --keep` leaves it all in ./data/demo to look around in.")
        return
    config, ledgerline = f"--config {folder.config}", own_name()
    newest = "select created_at, type, actor_email from audit_events order by created_at desc limit 5"
    output.line("Where to look (the tenant has stopped; `make ui` starts it again):")
    output.line(f'  SQL            {ledgerline} sql {config} "{newest}"')
    output.line(f"  what is known  {ledgerline} status {config}")
    output.line(f"  verify again   {ledgerline} verify {config}")
    output.line(f"  questions      {ledgerline} sql {config} --cookbook")
    output.line(f"  certificate    {ledgerline} evidence certificate {config} --out certificate")
    output.line(
        f"  the files      {folder.path}/archive (pages, log, tables), {folder.path}/warehouse.duckdb (marts)"
    )
    output.line("  the Dagster UI make ui     (the same tenant and archive; backfill 31 days there)")
