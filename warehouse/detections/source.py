"""The log sources that rules read: which table a Sigma `logsource.service` is, and what each field is in SQL.

`audit` and `audit_versions` are tables of the archive. `spend`, `directory` and `feed` are computed from several
of them (`computed.py` has their columns), and are read on their own turn.

Promise: every expression is the same text in DuckDB and in Athena; a field that neither the table nor the taxonomy
knows is refused, so that a mistyped name never becomes a rule that sees nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from warehouse.detections.computed import COMPUTED
from warehouse.detections.errors import RuleInvalid
from warehouse.taxonomy import load

PRODUCT = "anthropic"

# Who did it, whatever kind of actor: the id, else the address of mail, else that of the network, else the kind.
ACTOR = "coalesce(actor_id, actor_email, ip_address, actor_type)"

# Where `ip_address` is; columns of the table of places (`places.py`), which a rule that reads them is joined with.
PLACE_FIELDS = ("country", "latitude", "longitude", "asn")

# What the vendor writes in two ways (`enabled` here, `is_enabled` there) is one field to a rule.
_SAME = {"enabled": ("enabled", "is_enabled"), "is_enabled": ("enabled", "is_enabled")}


@dataclass(frozen=True, kw_only=True)
class Source:
    """One log source. `table` has `id`, `created_at` and `commit_seq`, which `id`, `time` and `seq` name.

    columns: Sigma field -> SQL expression (text, if it is not a number). exact: fields whose values are codes,
    compared as they are. lists: fields that are lists or objects, read as JSON text. open: whether the fields in
    `paths` and those of `actor` are read from `raw`. computed: whether Ledgerline makes its rows before it looks.
    """

    name: str
    table: str
    columns: Mapping[str, str]
    id: str = "id"
    time: str = "created_at"
    seq: str = "commit_seq"
    exact: frozenset[str] = frozenset({"type"})
    lists: frozenset[str] = frozenset()
    open: bool = False
    paths: frozenset[str] = frozenset()
    computed: bool = False

    def sql(self, name: str) -> str:
        """The expression of a Sigma field. Raises RuleInvalid, with the nearest names, for one unknown."""
        if name in self.columns:
            return self.columns[name]
        if self.open and name in self.paths:
            read = [_json(path, self.is_list(name)) for path in _SAME.get(name, (name,))]
            return read[0] if len(read) == 1 else f"coalesce({', '.join(read)})"
        near = get_close_matches(name, [*self.columns, *self.paths], n=3)
        raise RuleInvalid(
            f"field {name!r} is not in log source {self.name!r}",
            remedy=f"did you mean {' or '.join(near)}?" if near else "docs/detections.md lists the fields",
        )

    @property
    def turn(self) -> str:
        """Whose turn it is read on: that of the feed, or its own where it is computed."""
        return self.name if self.computed else "audit"

    def is_list(self, name: str) -> bool:
        return name in self.lists

    def is_exact(self, name: str) -> bool:
        return name in self.exact


def _json(path: str, whole: bool) -> str:
    """A value of the verbatim record as text; a list as the text of its JSON."""
    steps = f"$.{path}"  # without quotation marks: DuckDB takes them, Trino does not
    if whole:
        return f"json_format(json_extract(raw, '{steps}'))"
    return f"json_extract_scalar(raw, '{steps}')"


_AUDIT_COLUMNS = (
    *("id", "type", "organization_id", "organization_uuid", "actor_type", "actor_id", "actor_email"),
    *("ip_address", "user_agent", "claude_chat_id", "claude_project_id", "claude_file_id", "filename"),
    *("user_id", "group_id", "session_id", "request_id", "url", "auth_method", "fold"),
)


@cache
def sources() -> dict[str, Source]:
    """Every log source by name (`logsource.service`)."""
    paths: set[str] = set()
    lists: set[str] = set()
    for kind in load().types.values():
        for declared in kind.fields:
            paths.add(declared.name)
            shape = declared.declared.removeprefix("optional ")
            if shape.startswith(("array", "object", "map")):
                lists.add(declared.name)
    paths |= {f"actor.{name}" for kind in load().actor_kinds.values() for name in kind}
    columns = {name: name for name in _AUDIT_COLUMNS} | {
        "actor": ACTOR,
        "target_user": """coalesce(user_id, json_extract_scalar(raw, '$.deleted_user_id'))""",
        "created_at": "created_at",
        "unknown_event": "cast(unknown_event as varchar)",
        "version": "version",
        **{name: name for name in PLACE_FIELDS},
    }
    audit = {"columns": columns, "lists": frozenset(lists), "open": True, "paths": frozenset(paths)}
    return {
        "audit": Source(name="audit", table="audit_events", **audit),  # type: ignore[arg-type]
        "audit_versions": Source(
            name="audit_versions",
            table="audit_event_versions",
            **audit,  # type: ignore[arg-type]
        ),
        **{name: _computed(name) for name in COMPUTED},
    }


def _computed(name: str) -> Source:
    schema = COMPUTED[name].schema
    return Source(
        name=name,
        table=COMPUTED[name].table,
        columns={column: column for column in schema.names},
        exact=COMPUTED[name].codes,
        computed=True,
    )
