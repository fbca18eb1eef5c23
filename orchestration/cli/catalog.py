"""`ledgerline catalog`: the archive's tables for Athena, Trino and Glue, printed or made there."""

from typing import Annotated, Any

import typer

from orchestration.cli import moments
from orchestration.cli.failures import CannotRun
from orchestration.cli.names import known
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted

_ENGINES = ("athena", "trino", "glue")
_SECONDS, _COPY_SECONDS = 120, 1_800  # that one statement may take; Athena's own limit is half an hour


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "catalog",
        catalog,
        {
            "ledgerline catalog --apply --workgroup example-ledgerline": "make the tables in Athena, or anew",
            "ledgerline catalog > tables.sql": "only show the statements",
            "ledgerline catalog --as-of 2026-11-01 --database as_of_november --apply": "as known then",
            "ledgerline catalog --by-actor 2026-05 --copies s3://example-results/marts/": "a copy by actor",
            "ledgerline catalog --engine trino": "for a Trino of your own",
            "ledgerline catalog --engine glue": "the tables without the views, as Glue takes them",
        },
    )


def catalog(
    engine: Annotated[
        str, typer.Option("--engine", metavar="NAME", help="athena, trino, or glue (the tables as JSON).")
    ] = "athena",
    database: Annotated[
        str, typer.Option("--database", metavar="NAME", help="Glue's database, or Trino's schema.")
    ] = "ledgerline_archive",
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="T", help="Make views of what was known then; name a --database of their own.",
            show_default=False,
        ),
    ] = None,
    location: Annotated[
        str | None,
        typer.Option(
            "--location", metavar="URL", help="Where the engine sees the archive. Default: archive.url.",
            show_default=False,
        ),
    ] = None,
    first_day: Annotated[
        str,
        typer.Option(
            "--first-day", metavar="DAY", help="Look for no older files: engines ask the store day by day."
        ),
    ] = "2020-01-01",
    by_actor: Annotated[
        str | None,
        typer.Option(
            "--by-actor", metavar="MONTHS",
            help="Only a copy of these months (2026-05, or 2026-01..2026-06) by actor, and its view.",
            show_default=False,
        ),
    ] = None,
    copies: Annotated[
        str | None,
        typer.Option(
            "--copies", metavar="URL", help="Where the copy goes: a place for what can be made again.",
            show_default=False,
        ),
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Run the statements in Athena.")] = False,
    workgroup: Annotated[
        str, typer.Option("--workgroup", metavar="NAME", help="The workgroup that runs them.")
    ] = "primary",
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:  # fmt: skip
    """Show or make the archive's tables in Athena: the names of `ledgerline sql`, and the same answers.

    External tables find new files by themselves. The views hold the restrictions that are on: run it again after
    each `ledgerline restrict`. Nothing is written to the archive.
    """
    engine = known("engine", engine, _ENGINES)
    if apply and engine != "athena":
        raise CannotRun(
            "--apply runs in Athena", remedy=f"leave --engine {engine} out, or run what it prints yourself"
        )
    if as_of is not None and database == "ledgerline_archive":
        raise CannotRun(
            "--as-of would take the place of the tables of today", remedy="give it a --database of its own"
        )
    moment = moments.past_moment(as_of, "--as-of")
    if (by_actor is None) != (copies is None) or (by_actor is not None and (as_of or engine == "glue")):
        raise CannotRun(
            "--by-actor goes together with --copies, and with neither --as-of nor Glue's tables",
            remedy="name the months, and a place for their copy: --by-actor 2026-05 --copies s3://bucket/folder/",
        )
    wanted = None if by_actor is None else moments.past_months(by_actor, "--by-actor")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.tables.athena import ENGINES, Place, copies_by_actor, glue_tables, unseen_days  # noqa: PLC0415
    from warehouse.tables.athena import catalogue as statements_of  # noqa: PLC0415

    output = Output(json=json or engine == "glue")
    try:
        place = Place((location or settings.archive.url).rstrip("/") + "/", database, first_day)
        folder = Place(copies.rstrip("/") + "/", database).location if copies is not None else ""
    except ValueError as error:
        raise CannotRun(
            str(error),
            remedy="Athena reads a bucket: set archive.url, or correct --location, --copies or --database",
        ) from None
    if engine == "glue":
        output.document(glue_tables(place.location, first_day))
        return 0
    with open_workshop(settings, for_writing=False) as workshop:
        state = workshop.archive.refresh()
    if wanted is not None:
        statements = copies_by_actor(state, database, wanted, folder, ENGINES[engine])
    else:
        statements = statements_of(state, place, ENGINES[engine], as_of=moment)
    for day in unseen_days(state, first_day):
        output.aside(f"note: {day} lies outside the days that Athena looks for; ask `ledgerline sql` about it")
    if apply:
        made = _apply(statements, workgroup, _COPY_SECONDS if wanted is not None else _SECONDS)
        document = {"database": database, "statements": made, "workgroup": workgroup}
        output.document(document) if json else output.line(f"{database}: {counted(made, 'statement')} run")
        return 0
    if json:
        output.document({"engine": engine, "database": database, "statements": statements})
    else:
        print(";\n\n".join(statements) + ";")
    return 0


def _apply(statements: list[str], workgroup: str, timeout: float) -> int:
    try:
        import boto3  # noqa: PLC0415
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise CannotRun("AWS's library is not installed", remedy="make install EXTRAS=aws") from None
    from warehouse.tables.athena.running import CatalogueRefused, run  # noqa: PLC0415

    client: Any = boto3.client("athena")
    try:
        return run(client, statements, workgroup=workgroup, timeout=timeout)
    except CatalogueRefused as error:
        raise CannotRun(
            str(error), remedy="mend what it names; every statement may be run again", kind="sql"
        ) from None
    except (BotoCoreError, ClientError) as error:
        raise CannotRun(
            f"Athena cannot be asked: {error}",
            remedy="check the region (AWS_REGION), the credentials and the workgroup",
            kind="archive",
        ) from None
