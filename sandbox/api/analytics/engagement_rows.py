"""Rows of the engagement endpoints out of the sessions that fall into them: every key of the reference, always."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sandbox.clock import rfc3339
from sandbox.tenant.directory import Directory
from sandbox.tenant.engagement import ARTIFACTS, CONNECTORS, OFFICE, PLUGINS, SKILLS, Session
from sandbox.tenant.spend.prices import MICRO, cents
from sandbox.tenant.tenant import Tenant

_TOOLS = (("edit_tool", 6), ("multi_edit_tool", 1), ("write_tool", 3), ("notebook_edit_tool", 0))
_SPENT = 3 * MICRO // 2  # what a message with a skill is estimated to cost, micro-cents


@dataclass(slots=True)
class Cut:
    """What one row is about: an entity (None on rows over all people), the values grouped by, its sessions."""

    entity: Any
    group: dict[str, Any]
    rolled: bool
    tenant: Tenant
    sessions: list[Session] = field(default_factory=list)

    def of(self, *products: str) -> list[Session]:
        return [session for session in self.sessions if session.product in products]


def user(cut: Cut) -> dict[str, Any]:
    """A row of `users`: one person, or everybody of a group."""
    person = cut.entity
    there = {session.person.user_id for session in cut.sessions}
    return {
        "user": person and {"type": "user", "id": person.user_id, "email_address": person.email},
        "chat_metrics": _chat(cut.of("chat", "claude_in_chrome")),
        "claude_code_metrics": _claude_code(cut.of("claude_code")),
        "cowork_metrics": _cowork(cut.of("cowork")),
        "office_metrics": {
            surface: _office([s for s in cut.of("office_agent") if s.surface == surface]) for surface in OFFICE
        },
        "design_metrics": {
            "distinct_session_count": len(cut.of("claude_design")),
            "message_count": _messages(cut.of("claude_design")),
            "distinct_projects_created_count": 0,
            "distinct_projects_used_count": 0,
        },
        "science_metrics": {
            "distinct_session_count": 0,
            "message_count": 0,
            "delegation_count": 0,
            "remote_compute_job_count": 0,
            "skills_used_count": 0,
        },
        "chat_cowork_unified_metrics": {
            "chat": _chat(cut.of("chat_cowork_unified")),
            "sessions": _cowork([]),
        },
        "web_search_count": sum(session.searches for session in cut.sessions),
        "distinct_user_count": None if person else len(there),
        "last_activity_date": str(max(session.day for session in cut.sessions)),
    }


def skill(cut: Cut) -> dict[str, Any]:
    """A row of `skills`."""
    name, display, share = SKILLS[cut.entity]
    spent = _messages(cut.sessions) * _SPENT
    return {
        "skill_name": name,
        "skill_display_name": display,
        "share_status": share,
        "distinct_user_count": _people(cut.sessions),
        "invocation_count": len(cut.sessions),
        "enable_count": None if cut.rolled else _people(cut.sessions),
        "estimated_overage_spend": cents(spent * 4 // 5),
        "attributed_list_price": cents(spent),
        "currency": "USD",
        "chat_metrics": {"distinct_conversation_skill_used_count": len(cut.of("chat"))},
        **_by_product(cut, "skill"),
    }


def connector(cut: Cut) -> dict[str, Any]:
    """A row of `connectors`."""
    name, display, _, _ = CONNECTORS[cut.entity]
    calls = [(s, call) for s in cut.sessions for call in s.calls if call.connector == cut.entity]
    return {
        "connector_name": name,
        "connector_display_name": display,
        "distinct_user_count": _people(cut.sessions),
        "read_call_count": sum(call.reads for _, call in calls),
        "write_call_count": sum(call.writes for _, call in calls),
        "unclassified_call_count": 0,
        "managed_auth_distinct_user_count": _people(s for s, call in calls if call.managed),
        "individual_auth_distinct_user_count": _people(s for s, call in calls if not call.managed),
        "chat_metrics": {"distinct_conversation_connector_used_count": len(cut.of("chat"))},
        **_by_product(cut, "connector"),
    }


def plugin(cut: Cut) -> dict[str, Any]:
    """A row of `plugins`."""
    name, identifier = PLUGINS[cut.entity]
    return {
        "plugin_name": name,
        "plugin_id": identifier,
        "distinct_user_count": _people(cut.sessions),
        "install_count": None if cut.rolled else 0,
        "invocation_count": len(cut.sessions),
        "claude_code_metrics": {"distinct_session_plugin_used_count": len(cut.of("claude_code"))},
        "cowork_metrics": {"distinct_session_plugin_used_count": len(cut.of("cowork"))},
    }


def project(cut: Cut) -> dict[str, Any]:
    """A row of `apps/chat/projects`."""
    identifier, name = cut.tenant.engagement.projects[cut.entity]
    owner = cut.tenant.world.people.owner
    return {
        "project_id": identifier,
        "project_name": name,
        "distinct_user_count": _people(cut.sessions),
        "distinct_conversation_count": len(cut.sessions),
        "message_count": _messages(cut.sessions),
        "created_at": rfc3339(Directory.added_at(owner)),
        "created_by": {"type": "user", "id": owner.user_id, "email_address": owner.email},
    }


def artifact(cut: Cut) -> dict[str, Any]:
    """A row of `artifacts`: one type, shared or not."""
    kind, shared = cut.entity
    made = [made for session in cut.sessions for made in session.artifacts if made[:2] == (kind, shared)]
    return {
        "artifact_type": ARTIFACTS[kind],
        "is_shared": shared,
        "artifacts_created_count": len(made),
        "published_artifacts_created_count": sum(published for _, _, published in made),
        "distinct_user_count": _people(cut.sessions),
    }


def sort_key(row: dict[str, Any], column: str) -> tuple[str, ...]:
    """A row's place by its endpoint's sort column, then by what it is grouped by."""
    named = (row.get("user") or {}).get("email_address", "") if column == "email" else row[column]
    grouped = [str(row.get(name) or "") for name in ("product", "rbac_group_id", "user_id")]
    return (str(named), *grouped, str(row.get("is_shared", "")))


def number(row: dict[str, Any], path: str) -> int | None:
    """The number at a path like `chat_metrics.message_count`, or None where there is none."""
    found: Any = row
    for name in path.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, int) else None


def _people(sessions: Iterable[Session]) -> int:
    return len({session.person.user_id for session in sessions})


def _messages(sessions: list[Session]) -> int:
    return sum(session.messages for session in sessions)


def _used(sessions: list[Session]) -> tuple[int, int, int, int]:
    """Skills used and distinct ones, connectors used and distinct ones."""
    skills = [name for session in sessions for name in session.skills]
    calls = [call for session in sessions for call in session.calls]
    return len(skills), len(set(skills)), sum(c.reads + c.writes for c in calls), len({c.connector for c in calls})


def _chat(sessions: list[Session]) -> dict[str, int]:
    _, skills, calls, connectors = _used(sessions)
    return {
        "distinct_conversation_count": len(sessions),
        "message_count": _messages(sessions),
        "thinking_message_count": _messages(sessions) // 7,
        "distinct_projects_created_count": 0,
        "distinct_projects_used_count": len({s.project for s in sessions if s.project is not None}),
        "distinct_files_uploaded_count": sum(session.files for session in sessions),
        "distinct_artifacts_created_count": sum(len(session.artifacts) for session in sessions),
        "distinct_shared_artifacts_viewed_count": 0,
        "distinct_skills_used_count": skills,
        "connectors_used_count": calls,
        "distinct_connectors_used_count": connectors,
        "shared_conversations_viewed_count": 0,
    }


def _claude_code(sessions: list[Session]) -> dict[str, Any]:
    codes = [session.code for session in sessions if session.code]
    accepted, rejected = sum(code.accepted for code in codes), sum(code.rejected for code in codes)
    return {
        "core_metrics": {
            "commit_count": sum(code.commits for code in codes),
            "pull_request_count": sum(code.pulls for code in codes),
            "distinct_session_count": len(sessions),
            "artifacts_created_count": sum(len(session.artifacts) for session in sessions),
            "lines_of_code": {
                "added_count": sum(code.added for code in codes),
                "removed_count": sum(code.removed for code in codes),
            },
        },
        "tool_actions": {
            tool: {"accepted_count": accepted * share // 10, "rejected_count": rejected * share // 10}
            for tool, share in _TOOLS
        },
    }


def _cowork(sessions: list[Session]) -> dict[str, int | None]:
    skills, distinct_skills, calls, connectors = _used(sessions)
    messages = _messages(sessions)
    return {
        "distinct_session_count": len(sessions),
        "message_count": messages,
        "action_count": messages * 3,
        "dispatch_turn_count": messages // 2,
        "skills_used_count": skills,
        "distinct_skills_used_count": distinct_skills,
        "connectors_used_count": calls,
        "distinct_connectors_used_count": connectors,
        "artifacts_created_count": sum(len(session.artifacts) for session in sessions),
        "plugins_used_count": sum(len(session.plugins) for session in sessions),
        "distinct_plugins_used_count": len({name for session in sessions for name in session.plugins}),
        **dict.fromkeys(
            (
                "file_edit_count",
                "edit_tool_count",
                "multi_edit_tool_count",
                "write_tool_count",
                "notebook_edit_tool_count",
                "sessions_with_file_edits_count",
            )
        ),
    }


def _office(sessions: list[Session]) -> dict[str, int]:
    skills, distinct_skills, calls, connectors = _used(sessions)
    return {
        "distinct_session_count": len(sessions),
        "message_count": _messages(sessions),
        "skills_used_count": skills,
        "distinct_skills_used_count": distinct_skills,
        "connectors_used_count": calls,
        "distinct_connectors_used_count": connectors,
    }


def _by_product(cut: Cut, what: str) -> dict[str, Any]:
    """The session counts of a skill or a connector beside chat's."""
    name = f"distinct_session_{what}_used_count"
    office = cut.of("office_agent")
    return {
        "claude_code_metrics": {name: len(cut.of("claude_code"))},
        "cowork_metrics": {name: len(cut.of("cowork"))},
        "office_metrics": {surface: {name: sum(s.surface == surface for s in office)} for surface in OFFICE},
    }
