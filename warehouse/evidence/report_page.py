"""The evidence report as one page that people read, print and forward: no script, no network.

Promise: the same report gives the same bytes; every value of the data is text on the page and nothing else. No
clock is in here.
"""

import json
import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup, escape

from warehouse.evidence.calendar import STATES, months_of
from warehouse.evidence.controls import ALWAYS_OPEN
from warehouse.evidence.report import Answer, Report
from warehouse.evidence.showing import certified, environment, ident, number, time, visible

_WORDS = {
    "admin_changes": "admin changes",
    "created_at": "happened",
    "id": "event",
    "user_id": "user",
}
# Rows of a table that go on paper; the page has all that it shows.
_PRINTED = 10
_IDS = ("rule_id", "user_id", "object_id", "whose", "user_agent", "filename")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


def page(
    report: Report, beside: str | None = None, proofs: Mapping[tuple[str, int | None], str] | None = None
) -> str:
    """The page as HTML. `beside`: the folder of proofs from where the page lies; `proofs`: the file in it of an
    event's newest version (None), or of one of its versions."""
    placed = {key: f"{beside}/{name}" for key, name in (proofs or {}).items()} if beside else {}
    newest = {event: place for (event, version), place in placed.items() if version is None}
    document = report.certificate.document
    shared = certified(report.certificate, "in the archive", newest)
    return (
        environment()
        .get_template("report.html.j2")
        .render(
            **shared,
            r=report,
            title=_title(report),
            months=months_of(list(report.days)),
            month_name=lambda month: f"{_MONTHS[month.first.month - 1]} {month.first.year}",
            tally={state: sum(day.covered == state for day in report.days) for state in STATES},
            sealed=sum(day.sealed for day in report.days),
            states=STATES,
            table=lambda answer: _table(answer, newest),
            command=_command,
            heading=lambda name: _WORDS.get(name, name.replace("_", " ")),
            numeric=_numeric,
            proof_of=lambda change, version: placed.get((change.id, version)),
            frameworks=list(dict.fromkeys(one.control.framework for one in report.controls)),
            always_open=ALWAYS_OPEN,
            beside=beside,
            printed=_PRINTED,
            proven=len(placed),
            period_options=f"--from {document['period']['from']} --to {document['period']['to']}",
            quoted=shlex.quote,
        )
    )


def _title(report: Report) -> str:
    """`June 2026` for a calendar month, else its two ends."""
    start, end = report.period.start, report.period.end
    following = start.replace(year=start.year + start.month // 12, month=start.month % 12 + 1)
    if start == start.replace(day=1, hour=0, minute=0, second=0, microsecond=0) and end == following:
        return f"{_MONTHS[start.month - 1]} {start.year}"
    return f"{_end(start)} to {_end(end)}"


def _end(moment: datetime) -> str:
    text = time(moment)
    return text.removesuffix(" 00:00:00")


def _command(answer: Answer) -> str | None:
    """What asks the archive the same again."""
    if answer.question is None:
        return None
    given = "".join(f" --param {value}" for value in answer.given)
    return f"ledgerline sql --cookbook {answer.question}{given}"


def _table(answer: Answer, proofs: Mapping[str, str]) -> list[list[Markup]]:
    """The cells of an answer's rows, as HTML."""
    return [
        [_cell(column, value, proofs) for column, value in zip(answer.columns, row, strict=True)]
        for row in answer.rows
    ]


def _cell(column: str, value: Any, proofs: Mapping[str, str]) -> Markup:
    if value is None:
        return Markup('<span class="soft">none</span>')
    if isinstance(value, datetime):
        return Markup('<span class="t">{}</span>').format(time(value))
    if column == "id":
        return ident(value, proofs)
    if isinstance(value, int) and not isinstance(value, bool):
        return escape(number(value))
    text = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else value
    return Markup("<code>{}</code>").format(visible(text)) if column in _IDS else escape(visible(text))


def _numeric(answer: Answer, place: int) -> bool:
    """Whether a column is one of numbers."""
    values = [row[place] for row in answer.rows if row[place] is not None]
    return bool(values) and all(isinstance(value, int) and not isinstance(value, bool) for value in values)
