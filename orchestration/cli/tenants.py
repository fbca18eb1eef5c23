"""`ledgerline tenants`: several organisations from one installation, and whether they cross anywhere."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.cli.failures import CannotRun
from orchestration.cli.options import DEBUG, JSON, add_command
from orchestration.cli.output import Output, counted

if TYPE_CHECKING:
    from warehouse.config import Settings


def register(app: typer.Typer) -> None:
    add_command(
        app,
        "tenants",
        tenants,
        {
            "ledgerline tenants tenants/*/ledgerline.toml": "do they share a bucket, a key, a folder, a queue?",
            "ledgerline tenants tenants/*/ledgerline.toml --json": "the same for a script",
        },
    )


def tenants(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="The configurations, one for each tenant.")
    ],
    json: JSON = False,
    debug: DEBUG = False,
) -> int:
    """Check that the configurations of several tenants share nothing that would mix them.

    Compares buckets and folders (also one inside another), signing keys and API keys by what they are where they
    can be read here, caches, marts, queues, files of who pays and organisations. Contacts nobody and shows no
    secret. Exit code 1 when two tenants cross, or one names no organisation.
    """
    from warehouse.config.crossings import crossings, unnamed  # noqa: PLC0415

    known = _loaded(files)
    found, open_to_any = crossings(known), unnamed(known) if len(known) > 1 else []
    output = Output(json=json)
    for name, settings in sorted(known.items()):
        organizations = ", ".join(settings.anthropic.organizations) or "any organisation"
        output.line(f"{name}: {settings.archive.url}, {organizations}")
    output.line()
    for crossing in found:
        output.line(f"CROSS   {crossing.tenants.one} and {crossing.tenants.other}: {crossing.setting} is shared")
        output.line(f"        {crossing.why}. What to do: give each its own")
    for name in open_to_any:
        output.line(f"OPEN    {name}: takes what any key brings")
        output.line("        What to do: name its own in anthropic.organizations")
    fine = not found and not open_to_any
    output.line(f"{counted(len(known), 'tenant')}: " + ("nothing is shared" if fine else "see above"))
    if json:
        rows = [{**asdict(one), "tenants": list(one.tenants)} for one in found]
        output.document({"ok": fine, "tenants": sorted(known), "crossings": rows, "unnamed": open_to_any})
    return 0 if fine else 1


def _loaded(files: list[Path]) -> "dict[str, Settings]":
    """By name: that of the folder where a tenant lives, or the whole path where folders are alike."""
    from warehouse.config import load  # noqa: PLC0415

    by_folder = {file: file.absolute().parent.name for file in files}
    if len(set(files)) < len(files):
        raise CannotRun("one file is named twice", remedy="name each tenant's configuration once")
    alike = len(set(by_folder.values())) < len(by_folder)
    return {str(file) if alike else by_folder[file]: load(file) for file in files}
