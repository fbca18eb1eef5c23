"""`ledgerline status`: what the archive covers, how far behind it is, and what somebody should look at."""

from typing import Any

import typer

from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted, duration

_STORAGE = {
    "locked": "immutable (locked by the store)",
    "liftable": "locked; who has the right to lift the lock can change it",
    "folder": "a folder with read-only files, which its owner can change",
    "unlocked": "not immutable (archive.lock is none)",
}


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "status",
        status,
        {
            "ledgerline status": "coverage, lag and findings",
            "ledgerline status --json | jq '.findings'": "only what somebody should look at",
        },
    )


def status(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Show coverage, lag, versions, unknown types and findings for each stream.

    Reads the archive's log only: it needs no key and asks the vendor nothing. Exit code 1 when there are findings.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from assets.status import status as read_status  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        document = read_status(workshop)
    if json:
        output.document(document)
    _show(document, output)
    return 1 if document["findings"] else 0


def _show(document: dict[str, Any], output: Output) -> None:
    output.prose(
        f"{document['archive']}: {counted(document['entries'], 'entry', 'entries')}, "
        f"{counted(document['windows'], 'window')}" + f"; {_STORAGE[document['storage']]}"
    )
    if not document["entries"]:
        output.line("the archive is empty: no log was begun there; `ledgerline pull activities` begins one")
    elif not document["streams"]:
        output.line("nothing has been pulled yet: run `ledgerline pull activities`")
    else:
        output.table(
            ("stream", "covered from", "covered to", "lag", "records"),
            [_stream(stream) for stream in document["streams"]],
            right=("lag", "records"),
        )
        for what, counts in _of_note(document["streams"]).items():
            output.prose(f"{what}: {', '.join(counts)}")
    for destination in [one for one in document["destinations"] if one["configured"]]:
        at = destination["position"]
        where = f"at entry {at[0]}, row {at[1]:,}" if at else "not served yet"
        output.prose(
            f"{destination['name']} ({destination['slice']}): {where}, "
            f"{counted(destination['behind'], 'row')} behind, {destination['dead']:,} dead"
        )
    if earlier := [_served_earlier(one) for one in document["destinations"] if not one["configured"]]:
        output.prose(f"delivered before, not in this configuration: {', '.join(earlier)}")
    if document["findings"]:
        output.line(f"{counted(len(document['findings']), 'finding')}:")
        output.findings(document["findings"])
    else:
        output.line("no findings")


def _served_earlier(destination: dict[str, Any]) -> str:
    dead = f", {destination['dead']:,} dead" if destination["dead"] else ""
    return f"{destination['name']} {destination['delivered']:,} ({destination['slice']}{dead})"


def _stream(stream: dict[str, Any]) -> list[object]:
    lag = stream["lag_seconds"]
    return [
        stream["stream"],
        _day(stream["covered_from"]),
        _minute(stream["covered_to"]),
        None if lag is None else duration(lag),
        f"{stream['records']:,}",
    ]


def _day(moment: str | None) -> str | None:
    """When coverage begins: the day alone where it is from its midnight on, as nearly always."""
    return moment.removesuffix("T00:00:00Z") if moment else None


def _minute(moment: str | None) -> str | None:
    """When coverage ends, as far as whole minutes go; `--json` has it to the end."""
    return f"{moment[:16]}Z" if moment else None


def _of_note(streams: list[dict[str, Any]]) -> dict[str, list[str]]:
    """What not every stream has, by what it is: the streams that have some, each with how many."""
    counts = {
        "revised": {one["stream"]: one["revised"] for one in streams},
        "withdrawn": {one["stream"]: one["withdrawn"] for one in streams},
        "gaps": {one["stream"]: len(one["gaps"]) for one in streams},
        "dead windows": {one["stream"]: len(one["dead_windows"]) for one in streams},
    }
    told = {what: [f"{name} {count:,}" for name, count in of.items() if count] for what, of in counts.items()}
    return {what: of for what, of in told.items() if of}
