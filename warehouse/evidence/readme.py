"""The README of a pack: plain words and the exact commands to check everything with nothing of ours installed.

Promise: nothing of the data stands in it but numbers, times and the seed, so no name of an event can speak in it.
"""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from warehouse.evidence.certificate import Certificate
from warehouse.evidence.questions import question


def readme(about: dict[str, Any], certificate: Certificate, *, signed: bool) -> str:
    """The text, from what `pack.json` says. `signed`: the log's key signs this pack."""
    return _template().render(
        p=about,
        titles={name: question(name).title for name in about["answers"]},
        findings=len(certificate.findings),
        signed=signed,
        certificate_signed=certificate.signed is not None,
    )


@cache
def _template() -> Template:
    folder = FileSystemLoader(Path(__file__).parent)
    # It is Markdown of our own words; nothing of the data goes into it that would have to be escaped.
    environment = Environment(loader=folder, autoescape=False, undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
    return environment.get_template("readme.md.j2")
