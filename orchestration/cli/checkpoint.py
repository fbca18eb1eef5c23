"""`ledgerline checkpoint`: a signed tree head, to be kept where the archive's writer cannot change it."""

from typing import Annotated

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import CONFIG, DEBUG, JSON, add_command
from orchestration.cli.output import Output


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "checkpoint",
        checkpoint,
        {
            "ledgerline checkpoint > 2026-11-27.checkpoint": "the newest, to be kept elsewhere",
            "ledgerline checkpoint --fingerprint": "sixty digits to read over the telephone",
            "ledgerline checkpoint --size 4100 --fingerprint": "those of an earlier size, to compare with a note",
        },
    )


def checkpoint(
    size: Annotated[
        int | None,
        typer.Option(
            "--size", metavar="N", help="That of the first N entries; the newest without it.", show_default=False
        ),
    ] = None,
    fingerprint: Annotated[
        bool, typer.Option("--fingerprint", help="As ten groups of six digits, to be read over the telephone.")
    ] = False,
    config: CONFIG = None,
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Print a checkpoint: the signed root over all entries so far.

    Keep it where whoever writes the archive cannot change it: it shows later that nothing was altered or cut off.
    What is printed is the signed note itself, byte for byte; its signature has been checked with the log's key.
    Needs no key.
    """
    if size is not None and size < 1:
        raise CannotRun(f"--size {size}: a checkpoint is over at least one entry", remedy="leave --size out")

    from warehouse.config import load  # noqa: PLC0415

    settings = load(config)

    from orchestration.workshop import open_workshop  # noqa: PLC0415
    from warehouse.archive.fingerprint import fingerprint as digits_of  # noqa: PLC0415
    from warehouse.archive.fingerprint import in_lines  # noqa: PLC0415
    from warehouse.archive.proof import Prover  # noqa: PLC0415

    output = Output(json=json)
    with open_workshop(settings, for_writing=False) as workshop:
        if workshop.archive.refresh().size == 0:
            raise CannotRun(
                "the archive is empty: there is no checkpoint yet",
                remedy="run `ledgerline pull activities`", kind="name",
            )  # fmt: skip
        prover = Prover(workshop.archive, size)
        head, key = prover.head, prover.vkey
    groups = digits_of(head.checkpoint)
    if json:
        output.document(
            {
                "origin": head.checkpoint.origin,
                "size": head.checkpoint.size,
                "root": head.checkpoint.text.splitlines()[2],
                "key": key,
                "fingerprint": groups,
                "note": head.note,
            }
        )
    elif fingerprint:
        output.line(f"log {head.checkpoint.origin}, {head.checkpoint.size} entries")
        for line in in_lines(groups):
            output.line(f"  {line}")
    else:
        print(head.note, end="", file=output.out)
    return 0
