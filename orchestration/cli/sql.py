"""`ledgerline sql`: questions to the archive, in DuckDB's SQL or by their name in the cookbook, reading only."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli import moments
from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output

if TYPE_CHECKING:
    from warehouse.archive.archive import Archive
    from warehouse.archive.state import LogState


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "sql",
        sql,
        {
            'ledgerline sql "select type, count(*) from audit_events group by all"': "as a table",
            "ledgerline sql --json \"from audit_events where id = 'activity_01'\"": "as JSON rows",
            'ledgerline sql --as-of 2026-11-01 "select count(*) from audit_events"': "as known then",
            'ledgerline sql --stamp "select count(*) from audit_events"': "with the checkpoint it was asked under",
            "ledgerline sql --cookbook": "the questions that auditors ask",
            "ledgerline sql --cookbook data_taken_out --param from=2026-11-01": "one of them, answered",
            'ledgerline sql --unrestricted --reason "audit, question 12"': "with restricted persons",
            "ledgerline sql": "an interactive shell: .tables, .schema NAME, .quit",
            "ledgerline sql < questions.sql": "several statements from a file",
        },
    )


def sql(
    query: Annotated[
        str | None,
        typer.Argument(
            metavar="QUERY", help="One statement; with --cookbook a name. Without it: a shell, or what is piped."
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="T",
            help="Let audit_events mean what was known then; the marts are left out.", show_default=False
        ),
    ] = None,
    cookbook: Annotated[
        bool, typer.Option("--cookbook", help="QUERY is the name of a question; without QUERY, list them.")
    ] = False,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", metavar="NAME=VALUE", help="A value for a question of the cookbook; several times.",
            show_default=False,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print the question's SQL instead of its answer.")] = False,
    stamp: Annotated[
        bool, typer.Option("--stamp", help="Say under which checkpoint and as of when the answer was given.")
    ] = False,
    unrestricted: Annotated[
        bool, typer.Option("--unrestricted", help="Show restricted persons. It is put on record; needs --reason.")
    ] = False,
    reason: Annotated[
        str | None,
        typer.Option(
            "--reason", metavar="TEXT", help="Why restricted persons must be seen.", show_default=False
        ),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Ask the archive and the marts with SQL. Nothing can be written or changed, and no file is read by its name.

    Tables: audit_events (current versions), audit_event_versions (all), audit_events_as_of(ts), audit_pages,
    audit_export_rows, log_entries, audit_unknown_first_seen, and the marts once `ledgerline build` has run.
    With --json the answer is a list of rows, times in RFC 3339 UTC; with --stamp a document of rows and stamp.
    A question of the cookbook covers the whole archive unless --param gives it `from` and `to`.
    Persons whose records are restricted are shown as [restricted].
    """
    if unrestricted != (reason is not None):
        raise CannotRun(
            "--unrestricted and --reason go together", remedy="say why restricted persons must be seen"
        )
    if cookbook and query is None:
        return _list(Output(json=json))
    if (param or show) and not cookbook:
        raise CannotRun("--param and --show are for questions of the cookbook", remedy="add --cookbook")
    values = _values(param or [])
    if query is None and json and sys.stdin.isatty():
        raise CannotRun("--json needs a query", remedy='ledgerline sql --json "select 1"')
    moment = moments.past_moment(as_of, "--as-of")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.cli.sql_answers import Questions  # noqa: PLC0415
    from orchestration.cli.sql_shell import answer_all, shell  # noqa: PLC0415
    from orchestration.cli.unrestricted import connected  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.evidence.questions import filled, question  # noqa: PLC0415
    from warehouse.evidence.stamp import Stamp  # noqa: PLC0415
    from warehouse.tables.catalog import as_of_statements  # noqa: PLC0415
    from warehouse.tables.enclosure import enclose  # noqa: PLC0415
    from warehouse.wire.times import rfc3339  # noqa: PLC0415

    output = Output(json=json)
    asked = question(query) if cookbook and query is not None else None
    with open_workshop(settings, for_writing=unrestricted) as workshop:
        # the marts hold the state of their build: as of an earlier moment they are not there
        marts = workshop.marts if moment is None else None
        db = connected(workshop, reason, output, marts)
        try:
            if moment is not None:
                _before_the_beginning(workshop.archive, moment, output)
                for statement in as_of_statements(rfc3339(moment), workshop.archive.state):
                    db.execute(statement)
            enclose(db, workshop.archive)
            state = workshop.archive.state
            stamped = Stamp.of_checked(workshop.archive, moment) if stamp else None
            questions = Questions(db, output, stamped, as_of=moment is not None)
            if asked is not None:
                known = {parameter.name for parameter in asked.parameters}
                whole = {name: value for name, value in _whole(state, moment).items() if name in known}
                query = filled(asked, whole | values)
                if show:
                    output.document({"name": asked.name, "sql": query}) if json else print(query, end="")
                    return 0
            if query is not None:
                questions.answer(query, single=json)
            elif sys.stdin.isatty():
                shell(questions)
            else:
                answer_all(sys.stdin.read(), questions, single=json)
        finally:
            db.close()
    return 0


def _before_the_beginning(archive: "Archive", moment: datetime, output: Output) -> None:
    """Nothing was known then: say since when something is."""
    from warehouse.wire.times import parse_rfc3339, rfc3339  # noqa: PLC0415

    if archive.state.size and moment < parse_rfc3339(began := archive.entry(0).committed_at):
        output.aside(f"note: nothing was known at {rfc3339(moment)}: the archive began at {began}")


def _list(output: Output) -> int:
    from warehouse.evidence.questions import cookbook  # noqa: PLC0415

    found = list(cookbook().values())
    if output.json:
        output.document([asked.document() for asked in found])
    rows = [(asked.name, asked.title, ", ".join(p.name for p in asked.parameters)) for asked in found]
    output.table(("name", "question", "parameters"), rows)
    return 0


def _values(given: list[str]) -> dict[str, str | datetime]:
    """`NAME=VALUE` of each --param; what reads as a moment stays text until the question says what it is."""
    values: dict[str, str | datetime] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise CannotRun(f"--param {text!r} is not NAME=VALUE", remedy="for example --param from=2026-11-01")
        if name in ("from", "to", "moment"):
            values[name] = moments.moment(value, f"--param {name}")
        else:
            values[name] = value
    return values


def _whole(state: "LogState", moment: datetime | None) -> dict[str, str | datetime]:
    """From the beginning of the archive to its end, or to the moment that --as-of names."""
    from warehouse.wire.times import parse_rfc3339  # noqa: PLC0415

    covered = state.stream("activities").covered
    first = covered[0].start if covered else datetime(1970, 1, 1, tzinfo=UTC)
    last = parse_rfc3339(state.committed_at) if state.committed_at else first
    return {"from": first, "to": max(first, moment or last)}
