"""Admin API reads: users, invites, API keys, workspaces, RBAC groups and their members (reference 4.4, 4.5).

An Enterprise key sees the members of every linked organisation, an Admin key those of the Console organisation.
Keys and workspaces are the Console's either way.
"""

from __future__ import annotations

from starlette.requests import Request

from sandbox.api.analytics.body import Rows
from sandbox.api.analytics.query import Query
from sandbox.api.directory.listing import ID_CURSORS, TOKENS, by_id, by_token
from sandbox.api.errors import not_found
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

_STATUSES = ("active", "inactive", "archived", "expired")
_INVITE_STATUSES = ("pending", "accepted", "expired", "deleted")


class AdminReads:
    """The reads of one tenant."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.directory = tenant.directory

    def users(self, request: Request, key: Key) -> Rows:
        """Members, newest first; `email` and `roles[]` filter."""
        query = Query.of(request.url.query, (*ID_CURSORS, "email"), ("roles",))
        console = key.kind == "admin"
        people = self.directory.members(self.tenant.clock.now().date(), console=console)
        users = [self.directory.user(person, console=console) for person in people]
        email, roles = query.single.get("email", "").strip().lower(), query.members("roles")
        return by_id(
            query,
            [
                user
                for user in users
                if (not email or user["email"].lower() == email) and (not roles or user["role"] in roles)
            ],
        )

    def invites(self, request: Request, _key: Key) -> Rows:
        """Invites, newest first; `email`, `roles[]` and `statuses[]` filter."""
        query = Query.of(request.url.query, (*ID_CURSORS, "email"), ("roles", "statuses"))
        email, roles = query.single.get("email", "").strip().lower(), query.members("roles")
        statuses = query.members("statuses", _INVITE_STATUSES)
        return by_id(
            query,
            [
                invite
                for invite in self.directory.invites(self.tenant.clock.now())
                if (not email or invite["email"].lower() == email)
                and (not roles or invite["role"] in roles)
                and (not statuses or invite["status"] in statuses)
            ],
        )

    def api_keys(self, request: Request, _key: Key) -> Rows:
        """The Console's API keys; `status`, `workspace_id` and `created_by_user_id` filter."""
        query = Query.of(request.url.query, (*ID_CURSORS, "status", "workspace_id", "created_by_user_id"), ())
        status = query.choice("status", _STATUSES, None)
        workspace, maker = query.single.get("workspace_id"), query.single.get("created_by_user_id")
        keys = [self.directory.key(key) for key in self.directory.keys]
        return by_id(
            query,
            [
                key
                for key in keys
                if status in (None, key["status"])
                and workspace in (None, key["scope"]["workspace_id"])
                and maker in (None, key["created_by"]["id"])
            ],
        )

    def workspaces(self, request: Request, _key: Key) -> Rows:
        """The Console's workspaces, newest first; archived and default ones on demand."""
        query = Query.of(request.url.query, (*ID_CURSORS, "include_archived", "include_default"), ("ids",))
        found = self.directory.workspaces(
            default=query.flag("include_default"), archived=query.flag("include_archived")
        )
        ids = query.members("ids")
        return by_id(query, [workspace for workspace in found if not ids or workspace["id"] in ids])

    def rbac_groups(self, request: Request, _key: Key) -> Rows:
        """Groups, oldest first."""
        return by_token(Query.of(request.url.query, TOKENS, ()), self.directory.groups(), says_more=False)

    def rbac_group_members(self, request: Request, _key: Key) -> Rows:
        """The members of one group; 404 where there is none of this id."""
        query = Query.of(request.url.query, TOKENS, ())
        group = request.path_params["group"]
        if group not in [identifier for identifier, _ in self.tenant.world.groups]:
            raise not_found()
        members = self.directory.group_members(group, self.tenant.clock.now().date())
        return by_token(query, members, says_more=False)
