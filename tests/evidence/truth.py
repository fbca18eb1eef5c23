"""What each question of the cookbook must answer, worked out from the tenant's own records in plain Python.

Nothing here uses SQL or the archive's tables. An answer is a list of rows with the columns to compare.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from warehouse.tables.schema import ACTOR_ID_FIELD
from warehouse.taxonomy import load

Row = dict[str, Any]
TYPES = load().types


class Event:
    """A record with the few readings that questions share."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.raw = record
        self.at = datetime.fromisoformat(record["created_at"])
        self.id: str = record["id"]
        self.type: str = record["type"]
        actor = record["actor"]
        self.kind: str = actor["type"]
        self.actor_id = actor.get(ACTOR_ID_FIELD.get(self.kind, ""))
        self.email = actor.get("email_address") or actor.get("unauthenticated_email_address")
        self.ip = actor.get("ip_address")
        self.agent = actor.get("user_agent")
        self.known = TYPES.get(self.type)

    @property
    def who(self) -> str | None:
        return self.email if self.email is not None else self.actor_id

    def __getitem__(self, name: str) -> Any:
        return self.raw.get(name)

    def first(self, *names: str) -> Any:
        """The first of these fields that is not null."""
        return next((self.raw[name] for name in names if self.raw.get(name) is not None), None)

    def of(self, **wanted: Any) -> bool:
        """Whether the taxonomy says all of this of the type."""
        return self.known is not None and all(getattr(self.known, name) == value for name, value in wanted.items())


def one_by_one(events: Iterable[Event]) -> list[Row]:
    return [{"created_at": e.at, "id": e.id, "type": e.type} for e in events]


def grouped(events: Iterable[Event], key: Callable[[Event], Any]) -> dict[Any, list[Event]]:
    groups: dict[Any, list[Event]] = defaultdict(list)
    for event in events:
        groups[key(event)].append(event)
    return groups


def span(events: list[Event]) -> Row:
    return {"first_at": events[0].at, "last_at": events[-1].at}


def _hour(e: Event) -> datetime:
    return e.at.replace(minute=0, second=0, microsecond=0)


class Truth:
    """All events in order of time, and those of the period [start, end)."""

    def __init__(self, records: Iterable[dict[str, Any]], start: datetime, end: datetime) -> None:
        self.all = sorted(map(Event, records), key=lambda e: (e.at, e.id))
        self.start, self.end = start, end
        self.period = [e for e in self.all if start <= e.at < end]
        self.before_end = [e for e in self.all if e.at < end]

    def _leavers(self) -> dict[str, datetime]:
        left: dict[str, datetime] = {}
        for e in self.period:
            if e.type in ("org_user_deleted", "scim_user_deleted"):
                left.setdefault(e.first("deleted_user_id", "user_id"), e.at)
        left.pop(None, None)  # type: ignore[call-overload]
        return left

    def data_taken_out(self) -> list[Row]:
        moved = [e for e in self.period if e.known and e.known.data_movement in ("export", "download")]
        return [
            {"id": e.id, "who": e.who, "filename": e["filename"], "destination": e["export_destination"]}
            for e in moved
        ]

    def mass_exports(self) -> list[Row]:
        moved = [e for e in self.period if e.known and e.known.data_movement in ("export", "download")]
        rows = [
            {"in_hour": hour, "who": who, "movements": len(found), **span(found)}
            for (hour, who), found in grouped(moved, lambda e: (_hour(e), e.who)).items()
            if len(found) >= 20
        ]
        return sorted(rows, key=lambda r: (-r["movements"], r["in_hour"], r["who"]))

    def leavers_last_days(self) -> list[Row]:
        rows = []
        for person, left in self._leavers().items():
            mine = [e for e in self.all if e.actor_id == person and e.at <= left]
            mine = [e for e in mine if (left.date() - e.at.date()).days <= 30]
            rows += [
                {"person": person, "left_at": left, "type": kind, "times": len(found), **span(found)}
                for kind, found in grouped(mine, lambda e: e.type).items()
            ]
        return sorted(rows, key=lambda r: (r["left_at"], r["person"], -r["times"], r["type"]))

    def acts_after_leaving(self) -> list[Row]:
        left = self._leavers()
        return one_by_one(e for e in self.before_end if e.actor_id in left and e.at > left[e.actor_id])

    def admin_rights_on_a_date(self, moment: datetime) -> list[Row]:
        roles: dict[str, tuple[str, Any, Event]] = {}
        changes = [e for e in self.all if e.type == "claude_user_role_updated" and e["user_id"]]
        for e in changes:
            if e.at <= moment:
                roles[e["user_id"]] = ("the last change before", e["current_role"], e)
            else:
                roles.setdefault(e["user_id"], ("the first change after", e["previous_role"], e))
        admin = {"admin", "owner", "primary_owner", "membership_admin", "parent_org_admin", "parent_org_owner"}
        rows = [
            {
                "user_id": user,
                "email": e["user_email"].lower(),
                "role": role,
                "changed_at": e.at,
                "known_from": how,
            }
            for user, (how, role, e) in roles.items()
            if role in admin
        ]
        return sorted(rows, key=lambda r: (r["email"], r["user_id"]))

    def who_acted_as_admin(self) -> list[Row]:
        acted = [e for e in self.period if e.of(is_admin_change=True, outcome="success")]
        rows = [
            {"actor_type": kind, "who": who, "changes": len(found), "kinds": len({e.type for e in found})}
            | span(found)
            for (kind, who), found in grouped(acted, lambda e: (e.kind, e.who)).items()
        ]
        return sorted(rows, key=lambda r: (-r["changes"], r["actor_type"], r["who"] is None, r["who"] or ""))

    def who_acted(self) -> list[Row]:
        rows = [
            {
                "actor_type": kind,
                "who": who,
                "events": len(found),
                "kinds": len({e.type for e in found}),
                "admin_changes": sum(e.of(is_admin_change=True) for e in found),
                "taken_out": sum(e.of(data_movement="export") or e.of(data_movement="download") for e in found),
                **span(found),
            }
            for (kind, who), found in grouped(self.period, lambda e: (e.kind, e.who)).items()
        ]
        return sorted(rows, key=lambda r: (-r["events"], r["actor_type"], r["who"] is None, r["who"] or ""))

    def data_moved(self) -> list[Row]:
        moved = [e for e in self.period if e.known and e.known.data_movement]
        rows = [
            {
                "movement": way,
                "type": kind,
                "outcome": outcome,
                "events": len(found),
                "actors": len({e.who for e in found} - {None}),
                **span(found),
            }
            for (way, kind, outcome), found in grouped(
                moved, lambda e: (e.known.data_movement, e.type, e.known.outcome)
            ).items()
        ]
        return sorted(rows, key=lambda r: (r["movement"], -r["events"], r["type"], r["outcome"]))

    def rights_given_and_taken(self) -> list[Row]:
        return [
            {
                "id": e.id,
                "by_whom": e.who,
                "whose": e.first("user_id", "principal_id", "target_id", "new_owner_id"),
                "role_after": e.first("current_role", "role", "role_id") or "",
            }
            for e in self.period
            if e.of(category="access_control", is_admin_change=True)
        ]

    def logins_from_new_addresses(self) -> list[Row]:
        logins = [e for e in self.before_end if e.of(is_login=True, outcome="success") and e.kind == "user_actor"]
        since: dict[Any, datetime] = {}
        first: dict[Any, list[Event]] = {}
        for e in logins:
            if e.ip is not None:
                since.setdefault(e.actor_id, e.at)
                first.setdefault((e.actor_id, e.ip), []).append(e)
        rows = [
            {"first_at": found[0].at, "actor_id": who, "ip_address": ip, "times": len(found)}
            for (who, ip), found in first.items()
            if found[0].at > since[who] and found[0].at >= self.start
        ]
        return sorted(rows, key=lambda r: (r["first_at"], r["actor_id"], r["ip_address"]))

    def failed_logins(self) -> list[Row]:
        failed = [e for e in self.period if e.of(is_login=True, outcome="failure")]
        rows = [
            {"ip_address": ip, "claimed": email, "type": kind, "failures": len(found), **span(found)}
            for (ip, email, kind), found in grouped(failed, lambda e: (e.ip, e.email, e.type)).items()
        ]
        return sorted(rows, key=lambda r: (-r["failures"], r["type"], r["first_at"]))

    def logins_without_sso(self) -> list[Row]:
        found = [e for e in self.period if e.of(is_login=True, outcome="success") and e.kind == "user_actor"]
        return [
            {"id": e.id, "email": e.email, "mfa_method": e["mfa_method"]}
            for e in found
            if e.type != "sso_login_succeeded"
        ]

    def shared_accounts(self) -> list[Row]:
        seen = [e for e in self.period if e.kind == "user_actor" and e.ip is not None]
        rows = [
            {"on_day": day, "actor_id": who, "addresses": len({e.ip for e in found}), "events": len(found)}
            for (day, who), found in grouped(seen, lambda e: (e.at.date(), e.actor_id)).items()
            if len({e.ip for e in found}) >= 3
        ]
        return sorted(rows, key=lambda r: (r["on_day"], -r["addresses"], r["actor_id"]))

    def sso_changes(self) -> list[Row]:
        return [
            {"id": e.id, "by_whom": e.who, "connection": e["connection_id"], "domain_name": e["domain"]}
            for e in self.period
            if e.of(category="identity_provider", is_admin_change=True)
        ]

    def api_keys(self) -> list[Row]:
        deleted: dict[Any, list[datetime]] = defaultdict(list)
        for e in self.before_end:
            if e.type in ("admin_api_key_deleted", "scoped_api_key_deleted"):
                deleted[e.first("api_key_id", "admin_api_key_id")].append(e.at)
        made = ("admin_api_key_created", "api_key_created", "platform_api_key_created")
        rows = []
        for e in self.before_end:
            if e.type in made:
                key = e.first("api_key_id", "admin_api_key_id")
                gone = min(deleted[key], default=None)
                rows.append(
                    {
                        "id": e.id,
                        "key_id": key,
                        "by_whom": e.who,
                        "deleted_at": gone if gone is not None and gone >= e.at else None,
                    }
                )
        return rows

    def credential_changes(self) -> list[Row]:
        return one_by_one(e for e in self.period if e.of(category="credential", is_admin_change=True))

    def made_public(self) -> list[Row]:
        def public(e: Event) -> bool:
            audience = [one.get("type") for one in e["audience"] or [] if isinstance(one, dict)]
            return (
                "public" in (e["access_level"], e["new_mode"], e["new_scope"], *audience[:2])
                or e["is_public"] is True
                or e.type in ("claude_artifact_published", "design_project_published")
            )

        return one_by_one(e for e in self.period if e.of(data_movement="share") and public(e))

    def shares(self) -> list[Row]:
        return one_by_one(e for e in self.period if e.of(data_movement="share"))

    def dormant_admins(self) -> list[Row]:
        rows = []
        people = [e for e in self.before_end if e.kind == "user_actor" and e.actor_id is not None]
        for who, found in grouped(people, lambda e: e.actor_id).items():
            changes = [e for e in found if e.of(is_admin_change=True)]
            if changes and (self.end.date() - found[-1].at.date()).days >= 5:
                last = {"last_seen_at": found[-1].at, "last_change_at": changes[-1].at}
                rows.append({"actor_id": who, "changes": len(changes)} | last)
        return sorted(rows, key=lambda r: (r["last_seen_at"], r["actor_id"]))

    def removed_people(self) -> list[Row]:
        kinds = ("org_user_deleted", "scim_user_deleted", "org_user_left", "account_deleted")
        return [
            {
                "id": e.id,
                "by_whom": e.who,
                "person": e.first("deleted_user_id", "user_id") or e.actor_id,
                "email": e["deleted_user_email"],
            }
            for e in self.period
            if e.type in kinds
        ]

    def invited_people(self) -> list[Row]:
        return [
            {"id": e.id, "by_whom": e.who, "invited": e["invited_email"] and e["invited_email"].lower()}
            for e in self.period
            if e.type in ("org_user_invite_sent", "org_user_invite_re_sent")
        ]

    def group_changes(self) -> list[Row]:
        return [
            {"id": e.id, "by_whom": e.who, "group_id": e["group_id"]}
            for e in self.period
            if e.of(category="group", is_admin_change=True)
        ]

    def settings_changes(self) -> list[Row]:
        kinds = ("organization_settings", "security_settings")
        changed = [e for e in self.period if e.of(is_admin_change=True) and e.known and e.known.category in kinds]
        return one_by_one(changed)

    def connector_changes(self) -> list[Row]:
        changed = [
            e
            for e in self.period
            if e.of(is_admin_change=True)
            and e.known
            and (e.known.category in ("integration", "extension") or e.type == "mcp_tool_policy_updated")
        ]
        return [
            {
                "id": e.id,
                "server_name": e["mcp_server_name"],
                "tool": e["tool_name"],
                "permission": e["max_permission"],
            }
            for e in changed
        ]

    def deletions(self) -> list[Row]:
        gone = [e for e in self.period if e.of(verb="deleted")]
        gone = [e for e in gone if e.known and e.known.category in ("content", "file", "sharing")]
        rows = [
            {"who": who, "type": kind, "times": len(found), **span(found)}
            for (who, kind), found in grouped(gone, lambda e: (e.who, e.type)).items()
            if len(found) >= 5
        ]
        return sorted(rows, key=lambda r: (-r["times"], r["who"], r["type"]))

    def serious_events(self) -> list[Row]:
        return one_by_one(e for e in self.period if e.known and e.known.severity in ("high", "critical"))

    def night_work(self) -> list[Row]:
        night = [e for e in self.period if e.kind == "user_actor" and e.at.hour < 5]
        rows = [
            {"on_day": day, "actor_id": who, "events": len(found), "kinds": len({e.type for e in found})}
            for (day, who), found in grouped(night, lambda e: (e.at.date(), e.actor_id)).items()
            if len(found) >= 10
        ]
        return sorted(rows, key=lambda r: (-r["events"], r["on_day"], r["actor_id"]))

    def readers_of_the_audit_trail(self) -> list[Row]:
        read = [e for e in self.period if e.type == "compliance_api_accessed"]
        rows = [
            {
                "key_id": key,
                "ip_address": ip,
                "user_agent": agent,
                "requests": len(found),
                "refused": sum(e["status_code"] >= 400 for e in found),
            }
            | span(found)
            for (key, ip, agent), found in grouped(read, lambda e: (e.actor_id, e.ip, e.agent)).items()
        ]
        return sorted(rows, key=lambda r: (-r["requests"], r["key_id"], r["ip_address"], r["user_agent"]))

    def recording_switch(self) -> list[Row]:
        turns = [e for e in self.period if e.type == "org_compliance_api_settings_updated"]
        following = [*(e.at for e in turns[1:]), None]
        said = {True: "true", False: "false", None: None}
        return [
            {"id": e.id, "logging_enabled": said[e["compliance_api_logging_enabled"]], "next_record_at": after}
            for e, after in zip(turns, following, strict=True)
        ]

    def exports_of_the_log(self) -> list[Row]:
        prefixes = (
            "audit_log_export_started",
            "audit_log_export_accessed",
            "org_data_export_",
            "org_members_exported",
        )
        return one_by_one(e for e in self.period if e.type.startswith(prefixes))

    def one_person(self, person: str) -> list[Row]:
        mine = [e for e in self.period if person in ((e.email or "").lower(), e.actor_id)]
        return one_by_one(mine)

    def one_actor(self, actor: str) -> list[Row]:
        return one_by_one(e for e in self.period if e.actor_id == actor)

    def done_to_one_person(self, person: str) -> list[Row]:
        def names(value: Any) -> bool:
            if isinstance(value, dict):
                return any(map(names, value.values()))
            return any(map(names, value)) if isinstance(value, list) else value == person

        return one_by_one(e for e in self.period if names(e.raw) and e.actor_id != person)

    def unknown_things(self) -> list[Row]:
        taxonomy = load()

        def strange(e: Event) -> bool:
            fields = taxonomy.known_actor_fields(e.kind)
            known = taxonomy.known_fields(e.type)
            values = taxonomy.enums(e.type)
            return (
                e.known is None
                or fields is None
                or any(name not in fields for name in e.raw["actor"])
                or (known is not None and any(name not in known for name in e.raw))
                or any(isinstance(e[n], str) and e[n] not in some for n, some in values.items())
            )

        return one_by_one(e for e in self.period if strange(e))

    def events_by_day(self) -> list[Row]:
        return [
            {
                "on_day": day,
                "events": len(found),
                "kinds": len({e.type for e in found}),
                "people": len({e.actor_id for e in found if e.kind == "user_actor"} - {None}),
            }
            for day, found in sorted(grouped(self.period, lambda e: e.at.date()).items())
        ]

    def events_by_type(self) -> list[Row]:
        counts = Counter(e.type for e in self.period)
        rows = [
            {
                "type": kind,
                "category": TYPES[kind].category if kind in TYPES else "unknown",
                "events": count,
                "actors": len({e.actor_id for e in self.period if e.type == kind} - {None}),
            }
            for kind, count in counts.items()
        ]
        return sorted(rows, key=lambda r: (-r["events"], r["type"]))

    def records_without_who_or_where(self) -> list[Row]:
        rows = [
            {
                "actor_type": kind,
                "events": len(found),
                "with_id": sum(e.actor_id is not None for e in found),
                "with_address": sum(e.ip is not None for e in found),
                "with_organization": sum(e["organization_uuid"] is not None for e in found),
            }
            for kind, found in grouped(self.period, lambda e: e.kind).items()
        ]
        return sorted(rows, key=lambda r: (-r["events"], r["actor_type"]))
