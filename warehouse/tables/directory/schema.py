"""The Parquet schemas of the directory: a few columns by name, all of the record in `raw`.

Promise: columns are only ever added at the end; their order, names and types are the archive's final form.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import pyarrow as pa

from warehouse.tables.spend.schema import MONEY

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
    dot goes into an object); `key` are the columns that say which record it is.

    forms: columns that are no plain text: `json` keeps any value as JSON text, `cents` is a decimal text in cents,
    kept in units of the currency. moving: members that change all the time and make no version.
    """

    table: str
    stream: str
    columns: dict[str, tuple[str, ...]]
    key: tuple[str, ...] = ("id",)
    forms: Mapping[str, Literal["json", "cents"]] = field(default_factory=dict)
    moving: tuple[str, ...] = ()

    @property
    def schema(self) -> pa.Schema:
        kinds = {name: MONEY if form == "cents" else pa.string() for name, form in self.forms.items()}
        return pa.schema([*(pa.field(name, kinds.get(name, pa.string())) for name in self.columns), *_ORIGIN])


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
INVITES = Listing(
    "directory_invites",
    "invites",
    _same("id", "email", "role", "status", "invited_at", "expires_at", "accepted_at"),
)
ORGANIZATIONS = Listing(
    "directory_organizations", "organizations", _same("uuid", "name", "created_at"), key=("uuid",)
)
# One record of the vendor holds all settings of an organisation, and the tenant's keys: a row for each.
SETTINGS = Listing(
    "directory_settings",
    "organizations",
    _same("organization_id", "name", "type", "value"),
    key=("organization_id", "name"),
    forms={"value": "json"},
)
ENTERPRISE_KEYS = Listing(
    "directory_enterprise_keys",
    "organizations",
    {**_same("id", "name", "scopes", "is_active", "created_at", "expires_at"), "created_by": ("created_by_id",)},
    forms={"scopes": "json", "is_active": "json"},
)
SPEND_LIMITS = Listing(
    "spend_limits",
    "spend_limits",
    {
        "user_id": ("actor.user_id", "scope.user_id"),
        "user_email": ("actor.email_address", "actor.email"),
        "user_name": ("actor.name",),
        **_same("period", "amount", "currency"),
        "source_type": ("source.type",),
        "source": ("source",),
        **_same("spend_limit_id", "period_to_date_spend"),
    },
    key=("user_id", "period"),
    forms={"amount": "cents", "period_to_date_spend": "cents", "source": "json"},
    moving=("period_to_date_spend",),
)
SPEND_LIMIT_REQUESTS = Listing(
    "spend_limit_requests",
    "spend_limits",
    {
        "id": ("id",),
        "user_id": ("actor.user_id",),
        "user_email": ("actor.email_address", "actor.email"),
        "user_name": ("actor.name",),
        **_same("period", "status", "created_at", "resolved_at"),
        "resolved_by": ("resolved_by.user_id", "resolved_by.scoped_api_key_id"),
        "resolved_by_email": ("resolved_by.email_address", "resolved_by.email"),
    },
    moving=("spend_summary",),
)
LISTINGS = {
    listing.table: listing
    for listing in (
        *(USERS, GROUPS, MEMBERS, API_KEYS, INVITES),
        *(ORGANIZATIONS, SETTINGS, ENTERPRISE_KEYS, SPEND_LIMITS, SPEND_LIMIT_REQUESTS),
    )
}


def listings_of(stream: str) -> list[Listing]:
    """The kinds of records that a stream brings."""
    return [listing for listing in LISTINGS.values() if listing.stream == stream]
