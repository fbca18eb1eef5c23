"""The everyday: people who sign in, chat, upload, share and sign out, by office hours, weekday and season.

This is the hot path (a million events in seconds), so records are put together from ready pieces of JSON text.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from random import Random

from sandbox.tenant.events import DAY_SECONDS, DAY_US, Event, day_start, lag
from sandbox.tenant.ids import activity_id
from sandbox.tenant.people import Person, activity
from sandbox.tenant.world import NO_ORGANIZATION, World

EVENTS_PER_BUSY_DAY = 22
_HOUR_WEIGHTS = (1, 1, 0, 0, 0, 1, 2, 6, 16, 24, 26, 22, 15, 19, 26, 25, 21, 15, 9, 6, 6, 5, 4, 2)
_HOURS = tuple(hour for hour, weight in enumerate(_HOUR_WEIGHTS) for _ in range(weight))
_CLOCK = tuple(f"T{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(DAY_SECONDS))

FILENAMES = tuple(
    json.dumps(name, ensure_ascii=False)
    for name in (
        "q3.xlsx",
        "roadmap 2027.pdf",
        "contract_final_v7.docx",
        "customers.csv",
        "board deck.pptx",
        "incident-4411.md",
        "pricing.xlsx",
        "Résumé – Zoë.pdf",
        "見積書.pdf",
        "Reece O'Sullivan offer.docx",
        'the "other" plan.txt',
        '=HYPERLINK("https://example.com","open").csv',
        "photo 📎.png",
        "a\\b\\c.log",
        "invoice\u202efdp.exe",
        "minutes <b>draft</b>.html",
    )
)
_F = len(FILENAMES)

# Extra fields of a type as JSON text: (chat id, project id or null as JSON, the event's own characters) -> text.
_Extra = Callable[[str, str, str], str]


def _filename(own: str) -> str:
    return FILENAMES[(ord(own[-1]) + ord(own[-2])) % _F]


_EXTRAS: dict[str, _Extra] = {
    "claude_chat_created": lambda c, p, o: f',"claude_chat_id":"{c}","claude_project_id":{p}',
    "claude_chat_viewed": lambda c, p, o: f',"claude_chat_id":"{c}","claude_project_id":{p}',
    "claude_chat_updated": lambda c, p, o: f',"claude_chat_id":"{c}","claude_project_id":{p}',
    "claude_chat_settings_updated": lambda c, p, o: f',"claude_chat_id":"{c}","claude_project_id":{p}',
    "claude_chat_deleted": lambda c, p, o: f',"claude_chat_id":"{c}","claude_project_id":{p}',
    "claude_file_uploaded": lambda c, p, o: (
        f',"claude_file_id":"claude_file_01{o}","filename":{_filename(o)},'
        f'"claude_chat_id":"{c}","claude_project_id":{p}'
    ),
    "claude_file_viewed": lambda c, p, o: (
        f',"claude_file_id":"claude_file_01{o}","claude_artifact_id":null,"claude_project_id":{p},'
        f'"filename":{_filename(o)}'
    ),
    "claude_artifact_created": lambda c, p, o: f',"claude_artifact_id":"claude_artifact_01{o}"',
    "claude_artifact_viewed": lambda c, p, o: (
        f',"claude_artifact_id":"claude_artifact_01{o}","claude_artifact_version_id":"claude_artifact_version_01{o}"'
    ),
    "claude_project_viewed": lambda c, p, o: (
        f',"claude_project_id":{p if p != "null" else _project(o)},"preview_only":false'
    ),
    "claude_project_document_uploaded": lambda c, p, o: (
        f',"claude_project_document_id":"claude_proj_doc_01{o}",'
        f'"claude_project_id":{p if p != "null" else _project(o)},"filename":{_filename(o)}'
    ),
    "claude_project_document_viewed": lambda c, p, o: (
        f',"claude_project_document_id":"claude_proj_doc_01{o}",'
        f'"claude_project_id":{p if p != "null" else _project(o)},"filename":{_filename(o)}'
    ),
    "claude_chat_snapshot_created": lambda c, p, o: (
        f',"claude_chat_id":"{c}","claude_chat_snapshot_id":"claude_chat_snapshot_01{o}"'
    ),
    "claude_file_exported": lambda c, p, o: (
        f',"export_destination":"google_drive","filename":{_filename(o)},"claude_chat_id":"{c}",'
        f'"claude_file_id":"claude_file_01{o}"'
    ),
    "session_share_created": lambda c, p, o: f',"access_level":"organization","share_id":"share_01{o}"',
    "cowork_session_updated": lambda c, p, o: (
        f',"cowork_session_id":"cowork_session_01{o}","claude_project_id":{p}'
    ),
    "claude_code_user_settings_updated": lambda c, p, o: (
        f',"deleted_all":false,"keys_written":["permissions"],"keys_written_count":1,"new_checksum":"{o}"'
    ),
    "claude_code_user_memory_updated": lambda c, p, o: (
        ',"deleted_all":false,"keys_written":["CLAUDE.md"],"keys_written_count":1,"repo":"example/app"'
    ),
    "user_logged_out": lambda c, p, o: "",
    "sso_login_succeeded": lambda c, p, o: ',"auth_method":"sso","mfa_method":null',
}


def _project(own: str) -> str:
    return f'"claude_proj_01{own}"'


def _table(weights: dict[str, int]) -> tuple[tuple[str, _Extra], ...]:
    """256 slots, so that one random byte picks a type."""
    slots = [(kind, _EXTRAS[kind]) for kind, weight in weights.items() for _ in range(weight)]
    first = next(iter(weights))
    return tuple(slots + [(first, _EXTRAS[first])] * (256 - len(slots)))


_CHAT = {
    "claude_chat_viewed": 92,
    "claude_chat_created": 42,
    "claude_chat_updated": 26,
    "claude_file_uploaded": 22,
    "claude_file_viewed": 12,
    "claude_project_viewed": 18,
    "claude_project_document_viewed": 10,
    "claude_project_document_uploaded": 6,
    "claude_artifact_created": 8,
    "claude_artifact_viewed": 8,
    "claude_chat_settings_updated": 4,
    "claude_chat_deleted": 3,
    "claude_chat_snapshot_created": 2,
    "session_share_created": 2,
    "claude_file_exported": 1,
}
_CODE = {
    "cowork_session_updated": 180,
    "claude_code_user_settings_updated": 40,
    "claude_code_user_memory_updated": 36,
}
_CHAT_TABLE = _table(_CHAT)
_CODE_TABLE = _table(_CODE)
# Client by one random draw of 16: browser, desktop app, Claude Code, phone.
_CLIENTS = (0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3)


def everyday(world: World, people: list[Person], day: date, rng: Random, budget: int | None) -> list[Event]:
    """The everyday events of `day`, unsorted; exactly `budget` of them, or as many as the rhythm gives."""
    events: list[Event] = []
    for person, count in zip(people, counts_of(people, day, rng, budget), strict=True):
        while count > 0:
            size = min(count, 3 + int(rng.random() * 18))
            _session(world, person, day, size, rng, events)
            count -= size  # noqa: PLW2901
    return events


def counts_of(people: list[Person], day: date, rng: Random, budget: int | None = None) -> list[int]:
    """How many everyday events each person has on `day`: the first draws of the day's `rng`."""
    weights = [activity(person, day) for person in people]
    return _shares(weights, budget) if budget is not None else [_count(weight, rng) for weight in weights]


def local_hour(rng: Random) -> int:
    """An hour of somebody's local day, by office hours."""
    return _HOURS[int(rng.random() * len(_HOURS))]


def _count(weight: float, rng: Random) -> int:
    """Events of one person-day: many people do nothing on a given day, a few do a lot."""
    if rng.random() > 0.85 * weight + 0.02:
        return 0
    return int(rng.gammavariate(1.6, EVENTS_PER_BUSY_DAY / 1.6) * max(0.3, weight)) + 1


def _shares(weights: list[float], budget: int) -> list[int]:
    """Split `budget` over people in proportion to their weights, exactly."""
    total = sum(weights)
    if total == 0:
        weights, total = [1.0] * len(weights), float(len(weights))
    counts, running, given = [], 0.0, 0
    for weight in weights:
        running += weight
        upto = round(budget * running / total)
        counts.append(upto - given)
        given = upto
    if counts:
        counts[0] += budget - given
    return counts


def _session(world: World, person: Person, day: date, size: int, rng: Random, out: list[Event]) -> None:
    """Append one sitting of `size` events: one client, one address, a chat that changes now and then."""
    random, bits = rng.random, rng.getrandbits
    client = _CLIENTS[bits(4)]
    at_home = client == 3 or random() < 0.3
    actor = person.actor(person.home_ip if at_home else person.office_ip, person.agents[client])
    organization = world.organization_of(person)
    head = f'",{organization.fields},"actor":{actor},"type":"'
    null_head = f'",{NO_ORGANIZATION},"actor":{actor},"type":"'
    table = _CODE_TABLE if client == 2 else _CHAT_TABLE
    user, org_id = person.user_id, organization.id
    own = f"{user[7:]}"
    project = f'"claude_proj_01{own[3:]}{own[:3]}"' if random() < 0.35 else "null"
    chat = f"claude_chat_01{own[5:]}{own[:5]}"
    local = local_hour(rng) * 3600 + random() * 3600
    at = int((local - person.utc_offset * 3600) % DAY_SECONDS * 1e6)
    start, date_text = day_start(day), day.isoformat()
    signs_in = random() < 0.22
    signs_out = size > 4 and random() < 0.05
    for position in range(size):
        if at >= DAY_US:
            at -= DAY_US  # past midnight UTC: the evening before, seen from this day
        second, micros = divmod(at, 1_000_000)
        if micros % 32 == 0:  # some records carry whole seconds, as the vendor's samples do
            micros, stamp = 0, _CLOCK[second]
        else:
            stamp = f"{_CLOCK[second]}.{micros:06}"
        us = start + second * 1_000_000 + micros
        identifier = activity_id(us, bits(70))
        own = identifier[11:]
        if position == 0 and signs_in:
            kind, extra, front, org = "sso_login_succeeded", _EXTRAS["sso_login_succeeded"], null_head, None
        elif signs_out and position == size - 1:
            kind, extra, front, org = "user_logged_out", _EXTRAS["user_logged_out"], null_head, None
        else:
            kind, extra = table[bits(8)]
            front, org = head, org_id
            if kind == "claude_chat_created":
                chat = f"claude_chat_01{own}"
        record = (
            f'{{"id":"{identifier}","created_at":"{date_text}{stamp}Z{front}{kind}"{extra(chat, project, own)}}}'
        )
        out.append((us, identifier, record.encode(), kind, user, org, us + lag(rng)))
        at += int(random() * random() * 240e6) + 150_000
