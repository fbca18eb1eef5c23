"""`ledgerline sql`: questions to the archive, in DuckDB's SQL, reading only."""

import sys
from typing import Annotated

import typer

from orchestration.cli import moments
from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "sql",
        sql,
        {
            'ledgerline sql "select type, count(*) from audit_events group by all"': "as a table",
            "ledgerline sql --json \"from audit_events where id = 'activity_01'\"": "as JSON rows",
            'ledgerline sql --as-of 2026-11-01 "select count(*) from audit_events"': "as known then",
            "ledgerline sql": "an interactive shell: .tables, .schema NAME, .quit",
            "ledgerline sql < questions.sql": "several statements from a file",
        },
    )


def sql(
    query: Annotated[
        str | None, typer.Argument(metavar="QUERY", help="One statement. Without it: a shell, or what is piped.")
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="T", help="Let audit_events mean what was known then.", show_default=False
        ),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Ask the archive and the marts with SQL. Nothing can be written or changed.

    Tables: audit_events (current versions), audit_event_versions (all), audit_events_as_of(ts), audit_pages,
    audit_export_rows, log_entries, audit_unknown_first_seen, and the marts once `ledgerline build` has run.
    With --json the answer is a list of rows, times in RFC 3339 UTC.
    """
    if query is None and json and sys.stdin.isatty():
        raise CannotRun("--json needs a query", remedy='ledgerline sql --json "select 1"')
    moment = moments.past_moment(as_of, "--as-of")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.cli.sql_answers import Questions  # noqa: PLC0415
    from orchestration.cli.sql_shell import shell  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.tables.catalog import as_of_statements, connect  # noqa: PLC0415
    from warehouse.wire.times import rfc3339  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        db = connect(workshop.archive, database=workshop.marts)
        try:
            if moment is not None:
                for statement in as_of_statements(rfc3339(moment), workshop.archive.state):
                    db.execute(statement)
            questions = Questions(db, output)
            if query is not None:
                questions.answer(query, single=json)
            elif sys.stdin.isatty():
                shell(questions)
            else:
                questions.answer(sys.stdin.read(), single=json)
        finally:
            db.close()
    return 0
