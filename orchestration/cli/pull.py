"""`ledgerline pull`: what is due, or a window, from the vendor into the archive and its tables."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from orchestration.cli import moments
from orchestration.cli.failures import CannotRun
from orchestration.cli.names import DIRECTORY, ENGAGEMENT, GROUPS, OPTIONAL, STREAMS, beginning, known
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, duration, size
from orchestration.cli.progress import Progress

if TYPE_CHECKING:
    from assets.workshop import Workshop
    from warehouse.anthropic.directory import Snapshot


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "pull",
        pull,
        {
            "ledgerline pull activities": "what is due since the last pull, and every hole before it",
            "ledgerline pull activities --from 2026-11-01 --to 2026-12-01": "one month",
            "ledgerline pull activities --from yesterday --json": "again from yesterday on, as JSON",
            "ledgerline pull cost": "days never read, and those that may have been restated since",
            "ledgerline pull all": "every stream whose key is given, but for the legacy reports",
            "ledgerline pull engagement": "who did how much with what: days that are new or may have changed",
            "ledgerline pull skills --from 2026-09-01": "one stream of engagement, from a day on",
            "ledgerline pull organizations": "the organisations and their settings, as they are now",
            "ledgerline pull users": "a snapshot of the members, as they are now",
            "ledgerline pull legacy_cost --from 2026-11-01": "the older reports, to compare: see cost_parity",
        },
    )


def pull(
    stream: Annotated[
        str,
        typer.Argument(
            metavar="STREAM",
            help=f"{', '.join(STREAMS)}; or {', '.join(GROUPS)}.",
            show_default=False,
            autocompletion=lambda incomplete: beginning(incomplete, (*STREAMS, *GROUPS)),
        ),
    ],
    from_: Annotated[
        str | None,
        typer.Option("--from", metavar="T", help=f"Begin of the window: {moments.FORMS}.", show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="T",
            help="End of the window, not included. Default: as far as what is served has settled (two minutes "
            "ago; of usage and cost, the last whole day).",
            show_default=False,
        ),
    ] = None,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Pull a stream: commit its pages as they were served, then fold them into versions.

    Without --from it reads what is due: everything since the last pull, and every hole before it. A window that
    was pulled before is compared with what is held: changed and withdrawn records become versions, nothing is
    overwritten. Usage and cost are read in whole days, and again after each refresh of the vendor's figures
    until they are final; engagement in whole days, and again each day until they are a week old. Exit code 1
    when a window failed; the next pull takes it up again.
    """
    name = known("stream", stream, (*STREAMS, *GROUPS))

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    start, end = moments.window(from_, to, settings.anthropic.start)
    if start is not None and name in (*DIRECTORY, "directory"):
        raise CannotRun(
            f"{name} is what there is now; the vendor keeps no past of it",
            remedy=f"write `ledgerline pull {name}`; ask directory_users_as_of(ts) and the like for what was seen",
        )
    streams = GROUPS.get(name, (name,))
    if start is not None:  # what has no past is left to a pull without a window
        streams = tuple(one for one in streams if one not in DIRECTORY)

    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    reports: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    with Progress() as progress, open_workshop(settings, for_writing=True, progress=progress) as workshop:
        if name in GROUPS:
            streams, left_out = _with_a_key(streams, workshop)
        trouble = _pull_each(streams, workshop, start, end, progress, reports)
    if trouble is not None:
        for report in reports:
            _show(report, output)
        raise trouble
    if json:
        several = {"pulls": reports, "left_out": left_out}
        output.document(several if name in GROUPS else reports[0])
    for report in reports:
        _show(report, output)
    for reason in dict.fromkeys(left_out.values()):
        names = ", ".join(one for one, why in left_out.items() if why == reason)
        output.line(f"left out: {names}: {reason}")
    return 1 if any(report["failed"] or report["findings"] for report in reports) else 0


def _with_a_key(streams: tuple[str, ...], workshop: "Workshop") -> tuple[tuple[str, ...], dict[str, str]]:
    """The streams that can be asked for, and of the others why not: an installation need not have every key."""
    from warehouse.config import ConfigError  # noqa: PLC0415

    left_out = {}
    for stream in streams:
        if stream in OPTIONAL:
            try:
                workshop.lists_of(cast("Snapshot", stream)).client.check_key()
            except ConfigError as error:
                left_out[stream] = str(error)
    given = tuple(stream for stream in streams if stream not in left_out)
    if not given:
        raise CannotRun(
            f"no key is given for {', '.join(left_out)}",
            remedy="run `ledgerline doctor`, which says which to make",
        )
    return given, left_out


def _pull_each(
    streams: tuple[str, ...],
    workshop: "Workshop",
    start: datetime | None,
    end: datetime | None,
    progress: Progress,
    reports: list[dict[str, Any]],
) -> Exception | None:
    """Pull the streams one after the other; what keeps one of them from being pulled does not keep the others, and
    is returned."""
    from assets.directory_pulling import pull_snapshot  # noqa: PLC0415
    from assets.engagement_pulling import pull_engagement  # noqa: PLC0415
    from assets.pulling import pull_activities  # noqa: PLC0415
    from assets.spend_pulling import pull_spend  # noqa: PLC0415
    from warehouse.anthropic.directory import EVERY_SNAPSHOT  # noqa: PLC0415
    from warehouse.anthropic.engagement import ENDPOINTS  # noqa: PLC0415
    from warehouse.anthropic.errors import AnthropicError  # noqa: PLC0415
    from warehouse.anthropic.spend_queries import QUERIES  # noqa: PLC0415
    from warehouse.config import ConfigError  # noqa: PLC0415

    trouble: Exception | None = None
    for stream in streams:
        try:
            spend = next((known for known in QUERIES if known == stream), None)
            snapshot = next((known for known in EVERY_SNAPSHOT if known == stream), None)
            engaged = next((known for known in ENDPOINTS if known == stream), None)
            if engaged is not None:
                report = pull_engagement(workshop, engaged, start=start, end=end, progress=progress).as_dict()
            elif snapshot is not None:
                report = pull_snapshot(workshop, snapshot, progress=progress).as_dict()
            elif spend is not None:
                report = pull_spend(workshop, spend, start=start, end=end, progress=progress).as_dict()
            else:
                report = pull_activities(workshop, start=start, end=end, progress=progress).as_dict()
        except (AnthropicError, ConfigError) as error:
            trouble = trouble or error
        else:
            reports.append(report)
    return trouble


def _up_to(report: dict[str, Any]) -> str:
    if report["stream"] in ENGAGEMENT:
        return "the vendor has counted no day since the last pull"
    if "refreshed_at" not in report:
        return "coverage is whole up to two minutes ago"
    if report["refreshed_at"] is None:
        return "the first day is not over yet"
    return f"the vendor's figures reach to {report['refreshed_at']}"


def _by_error(failed: list[dict[str, str]]) -> list[tuple[str, list[str]]]:
    """Windows by what went wrong with them, which is often the same."""
    found: dict[str, list[str]] = {}
    for one in failed:
        error = one["error"].replace(f"The window {one['window']} was", "It was")
        found.setdefault(error, []).append(one["window"])
    return list(found.items())


def _show(report: dict[str, Any], output: Output) -> None:
    if not report["windows"]:
        output.line(f"{report['stream']}: nothing is due, {_up_to(report)}")
    else:
        output.line(
            f"{report['stream']}: {counted(report['windows'], 'window')}, "
            f"{counted(report['requests'], 'request')}, {counted(report['pages'], 'page')}, "
            f"{counted(report['records'], 'record')} in {duration(report['seconds'])}"
            + (f" ({size(report['bytes'])} stored)" if report.get("bytes") else "")
        )
        repeated = report["records"] - report["first"] - report["revised"] - report["unchanged"]
        output.line(
            f"  {report['first']:,} first, {report['revised']:,} revised, {report['withdrawn']:,} withdrawn, "
            f"{report['unchanged']:,} unchanged"
            + (f", {counted(repeated, 'record')} served more than once" if repeated > 0 else "")
        )
    if report.get("days"):
        output.line(
            f"  {counted(report['days'], 'day has', 'days have')} a new version, {report['restated']:,} of them "
            f"restated by "
            f"the vendor; {_up_to(report)}"
        )
    if sealed := report["sealed"]:
        output.line(f"  {counted(len(sealed), 'settled day')} sealed, {sealed[0]} to {sealed[-1]}")
    for title, seen in (("unknown types", report["unknown_types"]), ("unknown fields", report["unknown_fields"])):
        if seen:
            listed = ", ".join(f"{name} ({count:,})" for name, count in sorted(seen.items()))
            output.line(f"  {title}, kept and tagged: {listed}")
    for error, failed in _by_error(report["failed"]):
        output.line(f"  failed  {', '.join(failed)}: {error}")
    if report["not_tried"]:
        output.line(
            f"  stopped: the server could not be reached for {counted(len(report['failed']), 'window')}, so "
            f"{counted(report['not_tried'], 'more window')} were not tried; the next pull takes all of them up"
        )
    output.findings(report["findings"])
