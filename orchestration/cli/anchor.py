"""`ledgerline anchor`: the newest checkpoint to where this machine cannot rewrite it."""

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "anchor",
        anchor,
        {
            "ledgerline anchor": "to every place in archive.anchors, and to the timestamp authority",
            "ledgerline anchor --json": "what became of each place, as JSON",
        },
    )


def anchor(config: CONFIG = None, json: JSON = False, debug: DEBUG = False) -> int:
    """Copy the newest checkpoint to each of archive.anchors, and have it timestamped.

    This also happens by itself whenever a day is sealed. Each place is first asked whether the longest checkpoint
    that it keeps is the beginning of this log; if it is not, one of the two was rewritten, and nothing is copied
    there. Exit code 1 when a place failed or keeps another history.
    """
    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)
    if not settings.archive.anchors and settings.archive.timestamp_authority is None:
        raise CannotRun(
            "no anchor is configured",
            remedy='set archive.anchors, for instance to ["git:git@example.com:audit/checkpoints.git"]',
            kind="configuration",
        )

    from assets.anchoring import anchor_checkpoint  # noqa: PLC0415
    from orchestration.workshop import open_workshop  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        if workshop.archive.refresh().size == 0:
            raise CannotRun(
                "the archive is empty: there is no checkpoint yet",
                remedy="run `ledgerline pull activities`", kind="name",
            )  # fmt: skip
        done = anchor_checkpoint(workshop)
    if json:
        output.document(
            {
                "size": done.report.size,
                "anchored": [
                    {"place": one.place, "outcome": one.outcome, "detail": one.detail}
                    for one in done.report.anchored
                ],
                "findings": done.findings,
            }
        )
    for one in done.report.anchored:
        if one.outcome in ("written", "there"):
            output.line(f"{one.outcome:8} {one.place}  {one.detail}")
    output.findings(done.findings)
    return 1 if done.findings else 0
