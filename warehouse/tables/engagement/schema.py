"""The Parquet schemas of engagement: every documented figure as a column, by the rule below; all of it in `raw`.

Promise: columns are only ever added at the end; their order, names and types are the archive's final form.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import pyarrow as pa

from warehouse.tables.spend.schema import MONEY

Form = Literal["text", "count", "cents", "rate", "flag"]
_TIME = pa.timestamp("us", "UTC")
_TYPES: Final[dict[Form, pa.DataType]] = {
    "text": pa.string(),
    "count": pa.int64(),
    "cents": MONEY,
    "rate": MONEY,
    "flag": pa.bool_(),
}
_ORIGIN = [
    pa.field("record_key", pa.string()),
    pa.field("raw", pa.string()),
    pa.field("raw_bytes", pa.binary()),
    pa.field("observed_at", _TIME),
    pa.field("commit_seq", pa.int64()),
    pa.field("page", pa.int32()),
    pa.field("position", pa.int32()),
    pa.field("version", pa.int32()),
    pa.field("fold", pa.string()),
    pa.field("content_sha256", pa.string()),
    pa.field("unknown_fields", pa.list_(pa.string())),
]


@dataclass(frozen=True)
class Column:
    """A column and where its value stands in a record (a dot goes into an object). cents: a decimal text, kept in
    units of the currency; rate: a number, kept exactly."""

    name: str
    path: str
    form: Form = "count"


@dataclass(frozen=True)
class Measure:
    """The table of one stream. `key` are the columns that, with the day, say which record it is. `aside` are
    documented members without a column (with all below them)."""

    table: str
    stream: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    aside: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        own = [pa.field(column.name, _TYPES[column.form]) for column in self.columns]
        return pa.schema([pa.field("day", pa.date32()), *own, *_ORIGIN])


def _texts(**places: str) -> list[Column]:
    return [Column(name, path, "text") for name, path in places.items()]


def _counts(path: str, prefix: str, names: str) -> Iterable[Column]:
    """Counts below one path; the column is the prefix and the name."""
    joined = f"{path}." if path else ""
    return [Column(f"{prefix}{name}", f"{joined}{name}") for name in names.split()]


_CHAT = """
    distinct_conversation_count message_count thinking_message_count distinct_projects_created_count
    distinct_projects_used_count distinct_files_uploaded_count distinct_artifacts_created_count
    distinct_shared_artifacts_viewed_count distinct_skills_used_count connectors_used_count
    distinct_connectors_used_count shared_conversations_viewed_count"""
_COWORK = """
    distinct_session_count message_count action_count dispatch_turn_count skills_used_count
    distinct_skills_used_count connectors_used_count distinct_connectors_used_count artifacts_created_count
    plugins_used_count distinct_plugins_used_count file_edit_count edit_tool_count multi_edit_tool_count
    write_tool_count notebook_edit_tool_count sessions_with_file_edits_count"""
_OFFICE = """
    distinct_session_count message_count skills_used_count distinct_skills_used_count connectors_used_count
    distinct_connectors_used_count"""
_SURFACES = ("excel", "outlook", "powerpoint", "word")
_TOOLS = ("edit_tool", "multi_edit_tool", "write_tool", "notebook_edit_tool")
_GROUPED = ("user_id", "rbac_group_id", "rbac_group_name", "product")  # of grouped rows, never asked for


def _used(what: str) -> list[Column]:
    """In how many conversations and sessions a skill or connector was used, by product."""
    session, conversation = f"distinct_session_{what}_used_count", f"distinct_conversation_{what}_used_count"
    unified = "chat_cowork_unified_metrics"
    return [
        Column("chat_distinct_conversation_count", f"chat_metrics.{conversation}"),
        Column("claude_code_distinct_session_count", f"claude_code_metrics.{session}"),
        Column("cowork_distinct_session_count", f"cowork_metrics.{session}"),
        *(Column(f"office_{one}_distinct_session_count", f"office_metrics.{one}.{session}") for one in _SURFACES),
        Column("unified_chat_distinct_conversation_count", f"{unified}.chat.{conversation}"),
        Column("unified_sessions_distinct_session_count", f"{unified}.sessions.{session}"),
    ]


USERS = Measure(
    "engagement_users",
    "engagement_users",
    (
        *_texts(user_id="user.id", user_email="user.email_address", last_activity_date="last_activity_date"),
        *_counts("", "", "web_search_count"),
        *_counts("chat_metrics", "chat_", _CHAT),
        *_counts(
            "claude_code_metrics.core_metrics",
            "claude_code_",
            "distinct_session_count commit_count pull_request_count artifacts_created_count",
        ),
        *_counts(
            "claude_code_metrics.core_metrics.lines_of_code", "claude_code_lines_", "added_count removed_count"
        ),
        *(
            column
            for tool in _TOOLS
            for column in _counts(
                f"claude_code_metrics.tool_actions.{tool}", f"claude_code_{tool}_", "accepted_count rejected_count"
            )
        ),
        *_counts("cowork_metrics", "cowork_", _COWORK),
        *(column for one in _SURFACES for column in _counts(f"office_metrics.{one}", f"office_{one}_", _OFFICE)),
        *_counts(
            "design_metrics",
            "design_",
            "distinct_session_count message_count distinct_projects_created_count distinct_projects_used_count",
        ),
        *_counts(
            "science_metrics",
            "science_",
            "distinct_session_count message_count delegation_count remote_compute_job_count skills_used_count",
        ),
        *_counts("claude_tag_metrics", "claude_tag_", "active_day_count active_message_count"),
        *_counts("chat_cowork_unified_metrics.chat", "unified_chat_", _CHAT),
        *_counts("chat_cowork_unified_metrics.sessions", "unified_sessions_", _COWORK),
    ),
    key=("user_id",),
    aside=("user.type", "distinct_user_count", *_GROUPED),
)
_TRIPLED = "chat claude_code cowork claude_design office_agent science claude_tag chat_cowork_unified".split()  # noqa: SIM905
SUMMARIES = Measure(
    "engagement_summaries",
    "summaries",
    (
        *_counts("", "", "daily_active_user_count weekly_active_user_count monthly_active_user_count"),
        *_counts("", "", "assigned_seat_count pending_invite_count"),
        *(
            Column(f"{span}_adoption_rate", f"{span}_adoption_rate", "rate")
            for span in ("daily", "weekly", "monthly")
        ),
        *(
            column
            for product in _TRIPLED
            for span in ("daily", "weekly", "monthly")
            for column in _counts("", "", f"{product}_{span}_active_user_count")
        ),
        *_counts("", "", "science_entitled_user_count"),
    ),
    key=(),
    aside=("starting_at", "ending_at", "starting_date", "ending_date"),
)
SKILLS = Measure(
    "engagement_skills",
    "skills",
    (
        *_texts(skill_name="skill_name", skill_display_name="skill_display_name", share_status="share_status"),
        *_counts("", "", "distinct_user_count invocation_count enable_count"),
        Column("estimated_overage_spend", "estimated_overage_spend", "cents"),
        Column("attributed_list_price", "attributed_list_price", "cents"),
        *_texts(currency="currency"),
        *_used("skill"),
    ),
    key=("skill_name", "share_status"),
    aside=_GROUPED,
)
CONNECTORS = Measure(
    "engagement_connectors",
    "connectors",
    (
        *_texts(connector_name="connector_name", connector_display_name="connector_display_name"),
        *_counts("", "", "distinct_user_count read_call_count write_call_count unclassified_call_count"),
        *_counts("", "", "managed_auth_distinct_user_count individual_auth_distinct_user_count"),
        *_used("connector"),
    ),
    key=("connector_name",),
    aside=_GROUPED,
)
PLUGINS = Measure(
    "engagement_plugins",
    "plugins",
    (
        *_texts(plugin_name="plugin_name", plugin_id="plugin_id"),
        *_counts("", "", "distinct_user_count install_count invocation_count"),
        Column("claude_code_distinct_session_count", "claude_code_metrics.distinct_session_plugin_used_count"),
        Column("cowork_distinct_session_count", "cowork_metrics.distinct_session_plugin_used_count"),
        Column("unified_distinct_session_count", "chat_cowork_unified_metrics.distinct_session_plugin_used_count"),
    ),
    key=("plugin_name", "plugin_id"),
    aside=_GROUPED,
)
PROJECTS = Measure(
    "engagement_projects",
    "projects",
    (
        *_texts(project_id="project_id", project_name="project_name", created_at="created_at"),
        *_texts(created_by_id="created_by.id", created_by_email="created_by.email_address"),
        *_counts("", "", "distinct_user_count distinct_conversation_count message_count"),
    ),
    key=("project_id",),
    aside=("created_by.type", *_GROUPED),
)
ARTIFACTS = Measure(
    "engagement_artifacts",
    "artifacts",
    (
        *_texts(artifact_type="artifact_type"),
        Column("is_shared", "is_shared", "flag"),
        *_counts("", "", "artifacts_created_count published_artifacts_created_count distinct_user_count"),
    ),
    key=("artifact_type", "is_shared"),
    aside=_GROUPED,
)
MEASURES = {one.table: one for one in (USERS, SUMMARIES, SKILLS, CONNECTORS, PLUGINS, PROJECTS, ARTIFACTS)}
BY_STREAM = {one.stream: one for one in MEASURES.values()}
