"""`ledgerline demo`: the whole pipeline on embedded defaults, against a pretend tenant on this machine."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import DEBUG, JSON, add_command
from orchestration.cli.output import Output, duration, own_name

if TYPE_CHECKING:
    from orchestration.cli.demo_steps import DemoRun
    from orchestration.demo_tenant import DemoFolder

FOLDER = Path("data/demo")


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "demo",
        demo,
        {
            "ledgerline demo": "31 days of a company of 200, in a folder that is removed afterwards",
            "ledgerline demo --drill": "does every detection fire on its own case, and are quiet days quiet?",
            "ledgerline demo --keep": "the same, kept in ./data/demo to look around in",
        },
    )


def demo(
    days: Annotated[int, typer.Option(min=1, max=300, help="How many past days the tenant has.")] = 31,
    users: Annotated[int, typer.Option(min=1, max=5000, help="How many people the tenant has.")] = 200,
    keep: Annotated[bool, typer.Option("--keep", help=f"Keep everything in ./{FOLDER}, made anew.")] = False,
    drill: Annotated[
        bool, typer.Option("--drill", help="Only the detections: quiet days, then each rule's own case.")
    ] = False,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """The whole pipeline against a pretend tenant: no account, no network, a minute or two.

    Pulls the audit feed, usage, cost, engagement and the directory over real HTTP, archives them write-once, folds
    them into Parquet, seals the days, builds the dbt marts and asks them some questions; closes the months that
    are final, states and reports the last whole one by cost centre, and verifies every byte. Exit code 1 when the
    archive does not verify or the statement is not the vendor's total.
    """
    output = Output(json=json)
    if drill:
        from orchestration.cli.demo_drill import show_drill  # noqa: PLC0415

        return show_drill(output)
    return _in_folder(output, days=days, users=users, keep=keep)


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
    from orchestration.cli.demo_steps import run_demo  # noqa: PLC0415
    from orchestration.demo_receivers import serve_receivers  # noqa: PLC0415
    from orchestration.demo_tenant import serve_tenant  # noqa: PLC0415

    began = time.monotonic()
    with serve_tenant(folder) as tenant, serve_receivers(folder) as receivers_url:
        run = run_demo(folder, tenant["url"], receivers_url, output)
    seconds = time.monotonic() - began
    run.document |= {
        "ok": not run.wrong,
        "seconds": round(seconds, 1),
        "folder": str(folder.path) if keep else None,
    }
    output.line(f"done in {duration(seconds)}" + "".join(f"; {wrong}" for wrong in run.wrong))
    _where_to_look(run, keep=keep)
    if output.json:
        output.document(run.document)
    return 1 if run.wrong else 0


def _where_to_look(run: "DemoRun", *, keep: bool) -> None:
    folder, output = run.folder, run.output
    output.line()
    if not keep:
        output.line("Nothing was kept. `ledgerline demo --keep` leaves it all in ./data/demo to look around in.")
        return
    config, ledgerline = f"--config {folder.config}", own_name()
    newest = "select created_at, type, actor_email from audit_events order by created_at desc limit 5"
    places = {
        **{what: where.replace("{ledgerline}", ledgerline) for what, where in run.places.items()},
        "SQL": f'{ledgerline} sql {config} "{newest}"',
        "what is known": f"{ledgerline} status {config}",
        "verify again": f"{ledgerline} verify {config}",
        "questions": f"{ledgerline} sql {config} --cookbook",
        "certificate": f"{ledgerline} evidence certificate {config} --out certificate",
        "the files": f"{folder.path}/archive (pages, log, tables), {folder.path}/warehouse.duckdb (marts)",
        "the Dagster UI": "make ui     (the same archive, tenant and receivers; backfill 31 days there)",
    }
    output.line("Where to look (tenant and receivers have stopped; `make ui` starts them again):")
    for what, where in places.items():
        output.line(f"  {what:14} {where}")
