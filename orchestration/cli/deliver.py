"""`ledgerline deliver`: what is due to each destination, with receipts; and what would go, without sending."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from orchestration.cli.delivery_progress import DeliveryProgress
from orchestration.cli.failures import CannotRun
from orchestration.cli.names import known
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, duration, size

if TYPE_CHECKING:
    from assets.delivery_preview import Preview
    from assets.workshop import Workshop
    from warehouse.config import Settings
    from warehouse.delivery.chunk import Report

NAME = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]", help="One destination. Default: all that are configured.", show_default=False
    ),
]


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "deliver",
        deliver,
        {
            "ledgerline deliver": "what is due, to every destination",
            "ledgerline deliver soc --json": "to one of them, as JSON",
            "ledgerline deliver --dry-run": "what would go, and how much a day brings",
            "ledgerline deliver --follow": "what is due, and from then on whatever the log adds",
        },
    )


def deliver(
    name: NAME = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would go and how much a day brings; send and write nothing."),
    ] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until interrupted: deliver whatever the log adds.")
    ] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Push what is due to the configured destinations, all at once, each from its own position.

    An event that a destination will never take goes to its dead letters; a destination that is down or refuses the
    credential stops, keeps its position, and holds up no other. Exit code 1 when anything is dead or a destination
    stopped early; the next run goes on where this one ended. With --follow, --json prints a line for each round.
    """
    if dry_run and follow:
        raise CannotRun("--dry-run and --follow exclude each other", remedy="give one of them")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    names = chosen(settings, name)

    from assets.delivering import deliver as deliver_due  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=not dry_run) as workshop:
        check_slices(workshop, names)
        if dry_run:
            return _preview(workshop, names, output)
        if follow:
            from orchestration.cli.deliver_follow import follow as follow_log  # noqa: PLC0415

            return follow_log(workshop, names, output)
        with DeliveryProgress(behind(workshop)) as progress:
            reports = deliver_due(workshop, names, on_progress=progress)
    tell(reports, output)
    return code_of(reports)


def tell(reports: "list[Report]", output: Output) -> None:
    """The result of a command that sends, for people or as the one document."""
    if output.json:
        output.document({"destinations": [as_dict(report) for report in reports]})
    for report in reports:
        show(report, output)


def code_of(reports: "list[Report]") -> int:
    return 1 if any(report.dead or report.stopped for report in reports) else 0


def _preview(workshop: "Workshop", names: list[str], output: Output) -> int:
    from assets.delivery_preview import preview  # noqa: PLC0415

    found = preview(workshop, names)
    if output.json:
        output.document({"destinations": [_preview_as_dict(one) for one in found]})
    for one in found:
        if one.stopped is not None:
            output.line(f"{one.name}: {one.stopped.reason}")
            if one.stopped.remedy:
                output.line(f"      What to do: {one.stopped.remedy}")
            continue
        output.line(
            f"{one.name} ({one.slice}): {counted(one.selected, 'event')} would go now, about {size(one.bytes)} "
            f"before compression; a day brings about {counted(round(one.daily_events), 'event')}, "
            f"{size(round(one.daily_bytes))}"
        )
        if one.late:
            output.line(
                f"  {counted(one.late, 'event')} of them older than the receiver takes: late = {one.late_policy}"
            )
        for type, number in one.types.most_common(10):
            output.line(f"  {number:>12,}  {type}")
        if len(one.types) > 10:
            output.line(f"  {sum(one.types.values()) - sum(n for _, n in one.types.most_common(10)):>12,}  others")
    return 1 if any(one.stopped for one in found) else 0


def _preview_as_dict(one: "Preview") -> dict[str, Any]:
    return {
        "name": one.name,
        "slice": one.slice,
        "selected": one.selected,
        "bytes": one.bytes,
        "late": one.late,
        "late_policy": one.late_policy,
        "daily_events": round(one.daily_events, 1),
        "daily_bytes": round(one.daily_bytes),
        "types": dict(one.types.most_common()),
        "stopped": str(one.stopped) if one.stopped else None,
    }


def chosen(settings: "Settings", name: str | None) -> list[str]:
    """The names of the destinations that are meant. Raises CannotRun where none is configured, or not this one."""
    names = [one.name for one in settings.destinations]
    if not names:
        raise CannotRun(
            "no destination is configured",
            remedy=f"add a [[destinations]] table to {settings.path}; docs/delivery.md has one for each kind",
            kind="configuration",
        )
    return names if name is None else [known("destination", name, names)]


def behind(workshop: "Workshop") -> dict[str, int]:
    """Rows that each destination has not looked at."""
    from assets.status import destinations  # noqa: PLC0415

    return {one["name"]: one["behind"] for one in destinations(workshop, workshop.archive.refresh())}


def check_slices(workshop: "Workshop", names: list[str]) -> None:
    """Refuse a slice that is none before anything is sent. Raises SliceInvalid.

    A mistake in a file of rules is told in the reports of those that it stops.
    """
    from assets.delivering import sliced  # noqa: PLC0415
    from warehouse.delivery.errors import SliceInvalid  # noqa: PLC0415
    from warehouse.detections.errors import DetectionError  # noqa: PLC0415

    for one in workshop.destinations:
        if one.name in names:
            try:
                sliced(one, workshop.rule_folders)
            except SliceInvalid as error:
                raise SliceInvalid(f"destination {one.name}: {error}", remedy=error.remedy) from None
            except DetectionError:
                pass


def as_dict(report: "Report") -> dict[str, Any]:
    """A destination in the document of `deliver --json` (design section 13)."""
    return {
        "name": report.name,
        "slice": report.slice,
        "selected": report.selected,
        "delivered": report.delivered,
        "retried": report.retried,
        "dead": report.dead,
        "skipped": report.skipped,
        "restamped": report.restamped,
        "position": list(report.position) if report.position is not None else None,
        "checkpoint": report.checkpoint,
        "stopped": str(report.stopped) if report.stopped else None,
        "batches": report.batches,
        "bytes": report.bytes,
        "p95_age_seconds": report.p95_age,
        "seconds": round(report.seconds, 3),
        "entries": report.entries,
    }


def show(report: "Report", output: Output) -> None:
    """What happened to one destination, for people."""
    if report.selected or report.batches:
        output.line(
            f"{report.name}: {counted(report.delivered, 'event')} delivered in {duration(report.seconds)} "
            f"({counted(report.batches, 'request')}, {size(report.bytes)} sent)"
            + (f", 95 % of them within {duration(report.p95_age)} of happening" if report.p95_age else "")
        )
    elif report.stopped is None:
        output.line(f"{report.name}: nothing is due")
    for number, words in (
        (report.retried, "sent more than once"),
        (report.restamped, "older than the receiver takes: sent under the present time, the true one beside it"),
        (report.skipped, "older than the receiver takes: not sent, and on record (late = skip)"),
    ):
        if number:
            output.line(f"  {counted(number, 'event')} {words}")
    if report.dead:
        output.line(
            f"  {counted(report.dead, 'event')} dead: `ledgerline dead-letters {report.name}` says why, "
            f"`ledgerline dead-letters {report.name} --retry` sends them again when that is mended"
        )
    if report.stopped is not None:
        word = "halted" if report.stopped.halted else "stopped"
        output.line(f"  {report.name} {word}: {report.stopped.reason}")
        output.line(f"      nothing is lost; the next `ledgerline deliver {report.name}` goes on here")
        remedy = (
            report.stopped.remedy or "`ledgerline doctor` asks whether the receiver is there; mend what it names"
        )
        output.line(f"      What to do: {remedy}")
    if report.checkpoint is not None:
        output.line(f"  the checkpoint of {counted(report.checkpoint, 'entry', 'entries')} went along")
