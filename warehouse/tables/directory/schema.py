"""The Parquet schemas of the directory: a few columns by name, all of the record in `raw`.

Promise: columns are only ever added at the end; their order, names and types are the archive's final form.
"""

from dataclasses import dataclass

import pyarrow as pa

_TIME = pa.timestamp("us", "UTC")
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
]


@dataclass(frozen=True)
class Listing:
    """One kind of record. `columns` maps a column to the members that may hold it, the first that does counting (a
    dot goes into an object); `key` are the columns that say which record it is."""

    table: str
    stream: str
    columns: dict[str, tuple[str, ...]]
    key: tuple[str, ...] = ("id",)

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([*(pa.field(name, pa.string()) for name in self.columns), *_ORIGIN])


def _same(*names: str) -> dict[str, tuple[str, ...]]:
    return {name: (name,) for name in names}


USERS = Listing("directory_users", "users", _same("id", "email", "name", "role", "added_at"))
GROUPS = Listing("directory_groups", "rbac_groups", _same("id", "name", "source_type", "created_at", "updated_at"))
MEMBERS = Listing(
    "directory_group_members",
    "rbac_groups",
    # called group_id until August 2026
    {"group_id": ("rbac_group_id", "group_id"), **_same("user_id", "email", "created_at")},
    key=("group_id", "user_id"),
)
API_KEYS = Listing(
    "directory_api_keys",
    "api_keys",
    {
        **_same("id", "name", "status", "partial_key_hint", "created_at", "expires_at"),
        "created_by": ("created_by.id",),
        "principal_type": ("principal.type",),
        "principal_id": ("principal.user_id", "principal.service_account_id", "principal.id"),
        "workspace_id": ("scope.workspace_id", "workspace_id"),
    },
)
LISTINGS = {listing.table: listing for listing in (USERS, GROUPS, MEMBERS, API_KEYS)}


def listings_of(stream: str) -> list[Listing]:
    """The kinds of records that a stream brings."""
    return [listing for listing in LISTINGS.values() if listing.stream == stream]
