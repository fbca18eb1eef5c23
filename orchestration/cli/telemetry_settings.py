"""`ledgerline telemetry settings`: the managed settings for a fleet, and the sign-off of an exception."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, to_json

if TYPE_CHECKING:
    from warehouse.telemetry.sign_off import ContentException

OUT_SETTINGS = "managed-settings.json"


def register(group: typer.Typer) -> None:
    """Add the command to `ledgerline telemetry`."""
    add_command(
        group,
        "settings",
        settings,
        {
            "ledgerline telemetry settings --endpoint https://otel.example.com:4318 --cost-center CC-100 "
            "--department Engineering --team platform "
            "--headers-helper /usr/local/bin/claude-otel-headers": "for the machines of one team",
            "ledgerline telemetry settings --endpoint https://otel.example.com:4318 --cost-center CC-100 "
            "--allow OTEL_LOG_TOOL_DETAILS --until 2026-12-11 --reason 'incident 4711: commands that were run' "
            "--approved-by 'Jane Doe, DPO' --out incident-4711": "with content, until a day, and the sign-off",
        },
    )


def settings(
    endpoint: Annotated[
        str, typer.Option("--endpoint", metavar="URL", help="Where the collector listens.", show_default=False)
    ],
    cost_center: Annotated[
        str, typer.Option("--cost-center", metavar="CODE", help="Who pays for them.", show_default=False)
    ],
    department: Annotated[str | None, typer.Option("--department", help="Their department.")] = None,
    team: Annotated[str | None, typer.Option("--team", help="Their team (team.id).")] = None,
    end_user: Annotated[
        str | None,
        typer.Option("--end-user", help="Who uses the machine, where nobody signs in (enduser.id)."),
    ] = None,
    attribute: Annotated[
        list[str] | None,
        typer.Option("--attribute", metavar="KEY=VALUE", help="Another resource attribute; may be repeated."),
    ] = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            "--protocol",
            help="http/protobuf, http/json or grpc. Default: by the port.",
            show_default=False,
        ),
    ] = None,
    headers_helper: Annotated[
        str | None,
        typer.Option("--headers-helper", metavar="PATH", help="A program on the machines that prints headers."),
    ] = None,
    token_file: Annotated[
        str | None,
        typer.Option("--token-file", metavar="PATH", help="Where it finds the token there: prints that program."),
    ] = None,
    allow: Annotated[
        str | None, typer.Option("--allow", metavar="FLAG", help="Turn one content switch on, by exception.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="With --allow: its last day.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", help="With --allow: what for.")] = None,
    approved_by: Annotated[
        str | None, typer.Option("--approved-by", metavar="WHO", help="With --allow: who signs.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="A folder for the files.", show_default=False)
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Print the managed settings that make Claude Code send telemetry, for MDM, and say where the file goes.

    The file holds no secret: headers come from a program on the machine. Every switch that a managed endpoint does
    not lock is set too, and each switch that would send content is off. Values of attributes stand for themselves:
    no spaces, quotes, commas, semicolons or backslashes; those are percent-encoded (%20).

    --allow turns one content switch on for an investigation. It needs --until, --reason and --approved-by, and
    also makes the sign-off and the file to put back on the day after. Needs no configuration.
    """
    from warehouse.telemetry.settings import PLACES, Fleet, headers_program, managed_settings  # noqa: PLC0415
    from warehouse.telemetry.sign_off import sign_off  # noqa: PLC0415

    exception = _exception(allow, until, reason, approved_by)
    given = {"cost_center": cost_center, "department": department, "team.id": team, "enduser.id": end_user}
    attributes = {key: value for key, value in given.items() if value is not None}
    for pair in attribute or []:
        key, mark, value = pair.partition("=")
        if not mark or key in attributes:
            raise CannotRun(
                f"--attribute {pair!r} {'is given twice' if mark else 'has no ='}",
                remedy="give each once, as in --attribute repo=payments",
            )
        attributes[key] = value
    if token_file and not headers_helper:
        raise CannotRun(
            "--token-file is for the program that prints headers", remedy="name that too: --headers-helper PATH"
        )
    fleet = Fleet(endpoint, attributes, protocol or "", headers_helper or "", allow or "")
    document = managed_settings(fleet)
    files = {OUT_SETTINGS: to_json(document) + "\n"}
    if token_file:
        files["claude-otel-headers"] = headers_program(token_file)
    if exception is not None:
        plain = Fleet(endpoint, attributes, protocol or "", headers_helper or "")
        files[f"after-{exception.until}/{OUT_SETTINGS}"] = to_json(managed_settings(plain)) + "\n"
        machines = document["env"]["OTEL_RESOURCE_ATTRIBUTES"]
        files["sign-off.md"] = sign_off(exception, f"those with {machines}, of them: ")
    if out is not None:
        _write(out, files)

    output = Output(json=json)
    if json:
        output.document(
            {
                "settings": document,
                "places": [{"system": one.system, "file": one.file, "instead": one.instead} for one in PLACES],
                "notes": fleet.notes,
                "files": {name: text for name, text in files.items() if name != OUT_SETTINGS},
                "written": [str(out / name) for name in files] if out is not None else [],
            }
        )
        return 0
    if out is None:
        output.out.write("".join(text if name == OUT_SETTINGS else "" for name, text in files.items()))
        for name, text in files.items():
            if name != OUT_SETTINGS:
                output.aside(f"\n--- {name}")
                output.err.write(text)
    else:
        for name in files:
            output.line(f"written: {out / name}")
    output.aside("Where the file goes, by MDM (owned by the administrator, readable by all):")
    for one in PLACES:
        output.aside(f"  {one.system}: {one.file}")
        output.aside(f"    or {one.instead}")
    for note in fleet.notes:
        output.aside(f"note: {note}")
    return 0


def _exception(
    allow: str | None, until: str | None, reason: str | None, approved_by: str | None
) -> "ContentException | None":
    from warehouse.telemetry.sign_off import ContentException  # noqa: PLC0415

    given = {"--until": until, "--reason": reason, "--approved-by": approved_by}
    if allow is None:
        spare = [name for name, value in given.items() if value is not None]
        if spare:
            raise CannotRun(f"{spare[0]} belongs to an exception", remedy="name its switch too: --allow FLAG")
        return None
    missing = [name for name, value in given.items() if value is None]
    if missing:
        raise CannotRun(
            f"--allow {allow} needs {' and '.join(missing)}: content is sent for a reason, approved, until a day",
            remedy="add it, as in --until 2026-12-11 --reason 'incident 4711: ...' --approved-by 'Jane Doe, DPO'",
        )
    try:
        last = date.fromisoformat(str(until))
    except ValueError:
        raise CannotRun(f"--until {until!r} is no day", remedy="write it as 2026-12-11") from None
    return ContentException(allow, datetime.now(UTC).date(), last, str(reason), str(approved_by))


def _write(out: Path, files: dict[str, str]) -> None:
    for name in files:
        if (out / name).exists():
            raise CannotRun(f"{out / name} is there already", remedy="name another folder with --out")
    for name, text in files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(
            0o755 if text.startswith("#!") else 0o644
        )  # no secret is in it, and every user's client reads it
