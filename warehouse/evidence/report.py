"""The evidence report of a period: what an auditor asks of it, answered from one state of the archive.

Promise: no clock is read, so the same archive, period and code make the same report; each table is the answer to a
question of the cookbook, or says what it was asked of, so that whoever has the archive can ask again. Restricted
persons stay masked.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import duckdb

from warehouse.archive.archive import Archive
from warehouse.evidence.calendar import Day, days_of
from warehouse.evidence.certificate import Certificate
from warehouse.evidence.changes import Change, changes
from warehouse.evidence.completeness import certificate_over
from warehouse.evidence.controls import Control, controls
from warehouse.evidence.questions import Question, Value, filled, question
from warehouse.evidence.showing import SHOWN
from warehouse.wire.times import parse_rfc3339, rfc3339
from warehouse.wire.windows import Window

# The questions of each part of the page; `moment` is the end of the period.
PEOPLE: Final = ("who_acted",)
ADMINS: Final = ("admin_rights_on_a_date", "who_acted_as_admin", "rights_given_and_taken")
MOVED: Final = ("data_moved", "data_taken_out", "made_public", "exports_of_the_log", "mass_exports")

_ADMINS_LISTED = """
with known as (
  select email, id as user_id, role, fold, observed_at, version,
         row_number() over (partition by record_key order by version desc) as place
  from directory_user_versions
  where observed_at < {end} or (select min(observed_at) from directory_user_versions) >= {end}
)
select role, email, user_id, observed_at from known
where place = 1 and fold <> 'withdrawn'
  and role in ('admin', 'owner', 'primary_owner', 'membership_admin', 'parent_org_admin', 'parent_org_owner')
order by role, email, user_id
"""
_ALERTS = """
select severity, title, rule_id, count(*) as alerts, sum(events) as events, min(first_at) as first_at,
       max(last_at) as last_at
from alerts where first_at >= {start} and first_at < {end}
group by severity, title, rule_id
order by array_position(['critical', 'high', 'medium', 'low', 'informational'], severity), alerts desc, rule_id
"""
_DELIVERIES = """
select destination, status, count(*) as events, count(distinct batch_id) as batches,
       min(event_time) as first_event, max(event_time) as last_event, max(acknowledged_at) as last_receipt
from deliveries where event_time >= {start} and event_time < {end}
group by destination, status order by destination, status
"""
_DEAD = """
select destination, count(*) as events, min(first_at) as since, max(attempts) as attempts from dead_letters
where event_time >= {start} and event_time < {end} group by destination order by destination
"""


@dataclass(frozen=True)
class Answer:
    """An answer as the page shows it: its first rows, and of how many. `question`: its name in the cookbook, None
    where it is none of those; `given`: the values of its parameters, as `--param` takes them."""

    title: str
    about: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    count: int
    question: str | None = None
    given: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidenced:
    """A control with how many events concern it, and each of its questions with how many rows answer it."""

    control: Control
    events: int
    answers: tuple[tuple[str, str, int], ...]  # name, title, rows


@dataclass(frozen=True)
class Report:
    """Everything the page shows. `changes` are the first of them; the certificate counts all."""

    period: Window
    certificate: Certificate
    days: tuple[Day, ...]
    changes: tuple[Change, ...]
    people: tuple[Answer, ...]
    admins: tuple[Answer, ...]
    moved: tuple[Answer, ...]
    alerts: Answer
    deliveries: tuple[Answer, ...]
    controls: tuple[Evidenced, ...]
    restricted: int

    @property
    def findings(self) -> list[dict[str, str]]:
        """What somebody must explain, as the certificate lists it."""
        return self.certificate.findings

    @property
    def answers(self) -> Iterator[Answer]:
        """Every table of the page, in its order."""
        yield from (*self.people, *self.admins, *self.moved, self.alerts, *self.deliveries)

    @property
    def ids(self) -> list[str]:
        """The events that the page names one by one, in its order, each once; those of `changes` are apart."""
        document = self.certificate.document
        named = [caller["first_event_id"] for caller in document["foreign_requests"][:SHOWN]]
        named += [
            off[name] for off in document["recording"]["off"][:SHOWN] for name in ("off_event_id", "on_event_id")
        ]
        named += [event["id"] for event in document["late"]["events"][:SHOWN]]
        named += [
            row[answer.columns.index("id")]
            for answer in self.answers
            if "id" in answer.columns
            for row in answer.rows
        ]
        return list(dict.fromkeys(one for one in named if one is not None))

    def document(self) -> dict[str, Any]:
        """The same in short, as `--json` prints it."""
        counts = {answer.question or answer.title: answer.count for answer in self.answers}
        states: list[str] = [day.covered for day in self.days]
        return {
            "period": self.certificate.document["period"],
            "checkpoint": self.certificate.document["checkpoint"],
            "days": {
                **{state: states.count(state) for state in ("complete", "partial", "missing")},
                "sealed": sum(day.sealed for day in self.days),
            },
            "events": self.certificate.document["events"]["count"],
            "changes": {name: self.certificate.document["changes"][name] for name in ("revised", "withdrawn")},
            "rows": counts,
            "controls": {one.control.id: one.events for one in self.controls},
            "findings": self.findings,
        }


def report(db: duckdb.DuckDBPyConnection, archive: Archive, period: Window, *, program: str) -> Report:
    """The report over a connection that `connect(archive)` has just made. Raises what reading the archive raises.

    Its certificate is dated by the last entry of the log, not by a clock.
    """
    state = archive.state
    now = parse_rfc3339(state.committed_at or rfc3339(period.end))
    made = certificate_over(db, archive, period, now=now, program=program)
    between = {"start": f"timestamptz '{rfc3339(period.start)}'", "end": f"timestamptz '{rfc3339(period.end)}'"}
    listed = _answer(
        db,
        _ADMINS_LISTED.format(**between),
        "Who does the directory list as an administrator?",
        "The vendor's list of members as it was pulled last before the period ended, or first after it. None "
        "where no list was pulled (ledgerline pull users).",
    )
    people, (rights, *others), moved = (
        tuple(_asked(db, name, period) for name in names) for names in (PEOPLE, ADMINS, MOVED)
    )
    known = {one.question: one.count for one in (*people, rights, *others, *moved) if one.question is not None}
    deliveries = (
        _answer(db, _DELIVERIES.format(**between), "What was delivered, and acknowledged?",
                "Events of the period by destination and state, from the receipts that the log names."),
        _answer(db, _DEAD.format(**between), "What could not be delivered?",
                "Events of the period that still lie in the dead letters."),
    )  # fmt: skip
    return Report(
        period=period,
        certificate=made,
        days=tuple(days_of(state, period, _events_by_day(db, between))),
        changes=tuple(changes(db, period, SHOWN)),
        people=people,
        admins=(rights, listed, *others),
        moved=moved,
        alerts=_answer(
            db,
            _ALERTS.format(**between),
            "Which detections raised alerts?",
            "Alerts whose first event lies in the period, by rule. None where no detection was run.",
        ),
        deliveries=deliveries,
        controls=tuple(_evidenced(db, period, known)),
        restricted=len(state.restricted()),
    )


def _events_by_day(db: duckdb.DuckDBPyConnection, between: dict[str, str]) -> dict[date, int]:
    sql = (
        "select cast(created_at as date), count(*) from audit_events "
        "where created_at >= {start} and created_at < {end} group by 1"
    )
    return dict(db.execute(sql.format(**between)).fetchall())


def _asked(db: duckdb.DuckDBPyConnection, name: str, period: Window) -> Answer:
    """A question of the cookbook over the period."""
    asked = question(name)
    given = _given(asked, period)
    answered = _answer(db, filled(asked, given), asked.title, asked.about)
    told = tuple(f"{key}={rfc3339(at)}" for key, at in given.items() if isinstance(at, datetime))
    return Answer(
        answered.title, answered.about, answered.columns, answered.rows, answered.count, asked.name, told
    )


def _given(asked: Question, period: Window) -> dict[str, Value]:
    """The values of a period for the parameters that a question has."""
    values: dict[str, Value] = {"from": period.start, "to": period.end, "moment": period.end}
    return {one.name: values[one.name] for one in asked.parameters if one.name in values}


def _answer(db: duckdb.DuckDBPyConnection, sql: str, title: str, about: str) -> Answer:
    found = db.execute(sql)
    columns = tuple(column[0] for column in found.description or [])
    rows: Sequence[tuple[Any, ...]] = found.fetchmany(SHOWN + 1)
    count = len(rows) if len(rows) <= SHOWN else _count(db, sql)
    return Answer(title, about, columns, tuple(rows[:SHOWN]), count)


def _count(db: duckdb.DuckDBPyConnection, sql: str) -> int:
    ((count,),) = db.execute(f"select count(*) from ({sql.rstrip().rstrip(';')})").fetchall()
    return int(count)


def _evidenced(db: duckdb.DuckDBPyConnection, period: Window, known: dict[str, int]) -> Iterator[Evidenced]:
    """Each control; a question is asked once, whichever controls want it. `known`: rows of those asked before."""
    start, end = rfc3339(period.start), rfc3339(period.end)
    counted = ", ".join(f"count(*) filter (where {control.population})" for control in controls().values())
    (events,) = db.execute(
        f"select {counted} from audit_events as e left join event_types as t on t.type = e.type "
        f"where e.created_at >= timestamptz '{start}' and e.created_at < timestamptz '{end}'"
    ).fetchall()
    rows = dict(known)
    for control, count in zip(controls().values(), events, strict=True):
        for name in control.questions:
            if name not in rows:
                rows[name] = _count(db, filled(question(name), _given(question(name), period)))
        answers = tuple((name, question(name).title, rows[name]) for name in control.questions)
        yield Evidenced(control, int(count), answers)
