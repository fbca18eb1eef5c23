"""What happens to every authenticated request before and after its own business.

In order: a fault at the edge, the key, the budget, a fault inside, the scope, the answer, a fault in the body,
the access record. One gate per API surface, with its own scopes and manners; gates may share a budget.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from random import SystemRandom
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.api import errors
from sandbox.api.errors import ApiError
from sandbox.api.manners import Manners
from sandbox.api.ratelimit import RateLimit
from sandbox.faults import Fault
from sandbox.tenant.ids import text22
from sandbox.tenant.tenant import Tenant
from sandbox.tenant.world import Key

_OVERLOADED = 529
_BODY_FAULTS = frozenset(
    {"no_data", "empty_page_claims_more", "full_page_without_has_more", "repeated_record", "short_rows"}
)


class Answer(Protocol):
    """A body before it is encoded, so that a fault can spoil its parts."""

    @property
    def count(self) -> int:
        """How many records or rows it carries."""
        ...

    def encode(self, fault: str | None = None) -> bytes:
        """The response body; `fault` is one of the body faults or None."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """A body in the feed's paging envelope, kept in parts so that a fault can leave one out."""

    records: list[bytes]
    has_more: bool
    first_id: str | None
    last_id: str | None

    @property
    def count(self) -> int:
        return len(self.records)

    def encode(self, fault: str | None = None) -> bytes:
        records, has_more, first, last = self.records, self.has_more, self.first_id, self.last_id
        if fault == "empty_page_claims_more":
            records, has_more, first, last = [], True, None, None
        if fault == "repeated_record":
            records = records + records[-1:]
        members = [b'"has_more":true' if has_more else b'"has_more":false']
        members += [b'"first_id":' + _text_or_null(first), b'"last_id":' + _text_or_null(last)]
        if fault == "full_page_without_has_more":
            del members[0]
        if fault == "no_data":
            return b"{" + b",".join(members) + b"}"
        if not records:
            return b'{"data":[],' + b",".join(members) + b"}"
        parts = records.copy()
        parts[0] = b'{"data":[' + parts[0]
        parts[-1] = b"".join((parts[-1], b"],", b",".join(members), b"}"))
        return b",".join(parts)  # the one copy of a page of megabytes


def _text_or_null(value: str | None) -> bytes:
    return b"null" if value is None else b'"' + value.encode() + b'"'


class CutResponse(Response):
    """Promises the whole body and stops in the middle; the server then closes the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send(
            {"type": "http.response.body", "body": bytes(self.body[: len(self.body) // 2]), "more_body": True}
        )
        await asyncio.sleep(0.01)  # let the half go out before the connection is dropped


@dataclass
class Gate:
    """One API surface: who may enter, at what rate, and whether its requests are audited.

    `scopes`: any one of them opens it. `admin_keys`: whether a Console Admin key does too.
    """

    tenant: Tenant
    limit: RateLimit
    scopes: tuple[str, ...]
    admin_keys: bool
    audited: bool
    manners: Manners

    async def serve(self, request: Request, answer: Callable[[Request, Key], Answer]) -> Response:
        """Answer one request, whatever becomes of it, and write it into the request log."""
        request_id = new_request_id()
        fault = self.tenant.faults.draw(request.url.path, request.url.query)
        key: Key | None = None
        records, headers = None, {"request-id": request_id}
        try:
            await self._edge(fault)
            key = self._authenticate(request, fault)
            headers |= {"anthropic-organization-id": self.tenant.world.parent.uuid}
            self._admit()
            self._inside(key, fault)
            page = answer(request, key)
            records = page.count
            kind = fault.kind if fault else ""
            body = page.encode(kind if kind in _BODY_FAULTS else None)
            if kind == "truncated_json":
                body = body[: max(1, len(body) * 2 // 3)]
            status, media = 200, "application/json"
            response_class: type[Response] = CutResponse if kind == "cut" else Response
        except ApiError as error:
            status, media, response_class = error.status, "application/json", Response
            body = error.body(request_id, platform_shape=self.manners.platform_shape)
            headers |= error.headers
            if status == 502:
                body, media = b"<html><head><title>502 Bad Gateway</title></head><body></body></html>", "text/html"
            elif status == 404 and "bare_404" in self.tenant.quirks:
                body, media = b"Not found", "text/plain"
        if key is not None:
            if self.manners.tells_budget:
                headers = self.limit.headers() | headers
            if self.audited and status != 429:  # a refused request never reached the API proper
                self.tenant.record_access(request, key, request_id, status)
        self._log(request, request_id, status, key, fault, records, len(body))
        return response_class(body, status, headers, media)

    async def _edge(self, fault: Fault | None) -> None:
        """Faults of the network in front of the API; they happen to anybody and leave no access record."""
        kind = fault.kind if fault else ""
        if fault and kind == "timeout":
            await asyncio.sleep(120.0 if fault.seconds is None else fault.seconds)
        status = {"error_502": 502, "error_503": 503, "error_504": 504, "error_529": _OVERLOADED}.get(kind)
        if fault and kind == "bad_gateway":
            status = fault.status or self.tenant.faults.pick((502, 503, 504, _OVERLOADED))
        if status == 504:
            raise errors.gateway_timeout()
        if status is not None:
            raise errors.overloaded(status) if status != 502 else ApiError(502, "api_error", "Bad gateway")

    def _authenticate(self, request: Request, fault: Fault | None) -> Key:
        """The key of the request (x-api-key or Bearer); raises 401, or 404 where the surface's manners say so."""
        kind = fault.kind if fault else ""
        secret = request.headers.get("x-api-key")
        if secret is None:
            scheme, _, rest = request.headers.get("authorization", "").partition(" ")
            secret = rest.strip() if scheme.lower() == "bearer" else None
        if kind == "wrong_key" or secret is None or not secret.startswith(("sk-ant-api01-", "sk-ant-admin01-")):
            if self.manners.strangers_status == 404:
                raise errors.not_found()
            raise errors.unauthenticated("invalid x-api-key" if secret else "x-api-key header is required")
        key = self.tenant.world.key(secret)
        if self.manners.hides_scopes and (key is None or key.state != "active"):
            raise errors.not_found()
        if key is None or kind == "invalid_key":
            raise errors.unauthenticated("API key is invalid.")
        if key.state == "deactivated" or kind == "deactivated_key":
            raise errors.unauthenticated("API key has been deactivated.")
        if key.state == "expired" or kind == "expired_key":
            raise errors.unauthenticated("API key has expired.")
        return key

    def _admit(self) -> None:
        """Take one request of the budget; raises 429."""
        if not self.limit.take():
            raise self.manners.too_many(self.limit.limit, {"retry-after": str(self.limit.retry_after())})

    def _inside(self, key: Key, fault: Fault | None) -> None:
        """Faults behind the key, then the scope."""
        kind = fault.kind if fault else ""
        if fault and kind == "rate_limit_429":
            wait = 1 if fault.seconds is None else int(fault.seconds)
            told = {"anthropic-ratelimit-requests-remaining": "0"} if self.manners.tells_budget else {}
            raise self.manners.too_many(self.limit.limit, {"retry-after": str(wait)} | told)
        if kind in ("error_500", "error_500_final"):
            raise errors.internal(final=kind == "error_500_final")
        allowed = self.admin_keys if key.kind == "admin" else bool(set(key.scopes) & set(self.scopes))
        if kind == "stale_cursor":
            raise errors.stale_cursor()
        if kind == "missing_scope" or not allowed:
            if self.manners.hides_scopes:
                raise errors.not_found()
            august = "august_wording" in self.tenant.quirks
            raise errors.missing_scopes(key.scopes if not allowed else (), self.scopes, august_wording=august)
        if self.manners.switchable and (kind == "compliance_disabled" or not self.tenant.compliance_enabled):
            raise errors.compliance_disabled()

    def _log(
        self,
        request: Request,
        request_id: str,
        status: int,
        key: Key | None,
        fault: Fault | None,
        records: int | None,
        size: int,
    ) -> None:
        entry: dict[str, Any] = {
            "request_id": request_id,
            "at": self.tenant.clock.now().isoformat(),
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "status": status,
            "key": key.name if key else None,
            "fault": fault.kind if fault else None,
            "records": records,
            "bytes": size,
            "user_agent": request.headers.get("user-agent"),
        }
        self.tenant.requests.append(entry)


def new_request_id() -> str:
    """A request id that no other run of the sandbox gives out."""
    return "req_011C" + text22(_unpredictable)[:20]


_unpredictable = SystemRandom()
