"""What `ledgerline verify` says for the record: which log, under whose key, and what was looked at.

Promise: the words of the last line claim no more than was done. What is empty where a value belongs is refused.
"""

from typing import TYPE_CHECKING, Any

from orchestration.cli.failures import CannotRun
from orchestration.cli.output import Output, counted

if TYPE_CHECKING:
    from warehouse.archive.findings import Verification

OWN_WORD = "the log's own word"


def demand_values(given: list[tuple[str, str | None]]) -> None:
    """An option with nothing in it is a variable that got lost, not an option that was left out.

    Raises CannotRun.
    """
    for option, value in given:
        if value is not None and value.strip() in ("", "."):  # an empty path reads as the folder that one is in
            raise CannotRun(
                f"{option} is empty",
                remedy=f"give {option} a value, or leave it out; is a variable of the script not set?",
                kind="usage",
            )


def record_of(result: "Verification", trust: str, *, deep: bool, rederive: bool) -> dict[str, Any]:
    """The fields beside `ok`, `checked` and `findings`. `trust` says where the trusted key came from."""
    head = result.head
    log = None
    if head is not None:
        log = {
            "origin": head.origin, "size": head.size, "root": head.root, "signed_by": head.signed_by,
            "vouched": head.vouched,
        }  # fmt: skip
    return {
        "log": log,
        "trust": trust,
        "pins_agreed": [{"source": source, "size": size} for source, size in result.agreed],
        "looked_at": {"records_roots": deep, "table_rows": rederive, "objects_since": result.objects_since},
        "unsigned": result.unsigned,
    }


def show_record(document: dict[str, Any], output: Output) -> None:
    """The lines that make a filed output say what it is about."""
    log, looked = document["log"], document["looked_at"]
    if log is not None:
        output.line(f"log {log['origin']}: {counted(log['size'], 'entry', 'entries')}, root {log['root']}")
        trusted = "trusted by" if log["vouched"] else "NOT vouched for by"
        output.line(f"key {log['signed_by']} ({trusted} {document['trust']})")
    agreed = document["pins_agreed"]
    if agreed:
        sizes = ", ".join(f"{size:,}" for size in sorted({pin["size"] for pin in agreed}))
        agree = "agrees" if len(agreed) == 1 else "agree"
        output.line(f"{counted(len(agreed), 'pinned checkpoint')} {agree}, of size {sizes}")
    since = looked["objects_since"]
    output.line(
        f"looked at: objects {'all' if since is None else f'since {since}'}; "
        f"records' roots {'yes' if looked['records_roots'] else 'no (--deep)'}; "
        f"table rows {'yes' if looked['table_rows'] else 'no (--rederive)'}"
    )


def verdict(document: dict[str, Any]) -> str:
    """The last line of a clean verification."""
    covers = " as far as looked" if document["looked_at"]["objects_since"] is not None else ""
    unless = ", if the key above is the one you know" if document["trust"] == OWN_WORD and document["log"] else ""
    found = "nothing is altered, missing or added"
    if document["unsigned"]:
        found = "nothing is altered or missing; what has no entry yet is named above"
    return f"clean{unless}: {found}{covers}"
