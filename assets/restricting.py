"""Restriction at reading, joined: the entry in the log, and what it changes in the tables. Knows no Dagster."""

from dataclasses import dataclass

from assets.workshop import Workshop
from warehouse.archive.entry import Entry
from warehouse.archive.restriction import normal, set_restriction
from warehouse.archive.state import LogState
from warehouse.tables.catalog import connect
from warehouse.tables.masking import EVERY_TABLE, Masks
from warehouse.tables.schema import AUDIT_EVENTS

_SEEN_TOGETHER = """
select distinct unnest([actor_id, actor_email]) as seen from audit_events where {acted} order by 1
"""


@dataclass(frozen=True)
class Restricted:
    """A restriction that was set: how many current events it touches, and by which other ids and addresses the
    same actors are known. These are for the person who asked and are kept nowhere."""

    entry: Entry
    events: int
    also_known: list[str]


def restrict(workshop: Workshop, name: str, identifiers: list[str], reason: str) -> Restricted:
    """Set a restriction and look what it reaches. Raises RestrictionRefused before anything is written."""
    archive = workshop.archive
    entry = set_restriction(archive, name, identifiers, reason)
    archive.settle()
    masks = Masks([one for one in archive.state.restricted().values() if one.seq == entry.seq])
    with connect(archive, unmasked=[EVERY_TABLE]) as db:
        touched = masks.touches("audit_events", AUDIT_EVENTS.names)
        row = db.execute(f"select count(*) from audit_events where {touched}").fetchone()  # noqa: S608 - our own SQL
        acted = masks.acted("audit_events", AUDIT_EVENTS.names)
        seen = [found[0] for found in db.execute(_SEEN_TOGETHER.format(acted=acted)).fetchall() if found[0]]
    given = {normal(one) for one in identifiers}
    return Restricted(entry, row[0] if row else 0, [one for one in seen if normal(one) not in given])


def known_restrictions(state: LogState) -> list[dict[str, object]]:
    """Those on and those lifted, oldest first."""
    return [
        {
            "name": name,
            "on": one.lifted_at is None,
            "at": one.at,
            "seq": one.seq,
            "reason": one.reason,
            "identifiers": len(one.digests),
            "lifted_at": one.lifted_at,
            "lifted_because": one.lifted_because,
        }
        for name, one in sorted((state.restrictions or {}).items(), key=lambda item: item[1].seq)
    ]
