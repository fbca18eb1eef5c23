"""For `ledgerline doctor`: one small request per scope of a key, and what its answer says about the set-up.

Promise: nothing is raised for what can be wrong out there; it comes back as a state with a remedy, and
without the key.
"""

import math
from dataclasses import dataclass
from datetime import timedelta

from warehouse.anthropic.answers import Attempt, Response
from warehouse.anthropic.errors import (
    AddressRefused,
    AnthropicError,
    AuthenticationTrouble,
    ForeignOrganization,
    NotAPageServed,
    NotEnabled,
    RequestRefused,
    StreamTrouble,
    TlsUntrusted,
)
from warehouse.anthropic.http import Client
from warehouse.anthropic.patience import Patience
from warehouse.wire.records import split_page
from warehouse.wire.times import Clock, system_clock

# A person waits for the answer: two tries, and no obedience to a long retry-after.
_QUICK = Patience(tries=2, longest=5.0)
# Far enough back to be aggregated by any of the vendor's guides (analytics: up to three days).
_SURELY_THERE = timedelta(days=5)


@dataclass(frozen=True)
class RateLimit:
    """The rate headers of the last answer: requests a minute, what is left, and until when (RFC 3339
    text)."""

    limit: str | None
    remaining: str | None
    reset: str | None


@dataclass(frozen=True)
class Diagnosis:
    """One key against one surface.

    state: `ok`, `no_key`, `malformed`, `invalid`, `expired`, `deactivated`, `wrong_kind`, `scope_missing`,
    `refused`, `not_enabled`, `foreign_organization`, `rate_limited`, `unreachable`, `tls`, `address` or
    `not_the_api`. remedy is empty when ok. skew_seconds: server's clock minus ours, None where no answer came.
    seconds: how long the answers took.
    """

    surface: str
    key_setting: str
    state: str
    detail: str
    remedy: str = ""
    key_kind: str = ""
    scopes_found: tuple[str, ...] = ()
    scopes_needed: tuple[str, ...] = ()
    rate_limit: RateLimit | None = None
    skew_seconds: float | None = None
    clock_finding: str = ""
    request_ids: tuple[str, ...] = ()
    seconds: float = math.nan

    @property
    def ok(self) -> bool:
        return self.state == "ok"


def diagnose(client: Client, clock: Clock = system_clock) -> Diagnosis:
    """Ask one record of each probe of the client's surface and say what came of it. One request where all is
    well.

    Stops at the first probe that fails. Raises nothing of this room; what the key source itself raises
    passes.
    """
    surface = client.surface
    day = (clock() - _SURELY_THERE).date().isoformat()
    answers: list[Response] = []
    notes: list[str] = []

    def read(response: Response) -> None:
        answers.append(response)
        split_page(response.body)

    attempts: list[Attempt] = []
    trouble: AnthropicError | None = None
    for path, query in surface.probes:
        try:
            answer = client.get(path, query.format(day=day), read=read, patience=_QUICK)
            attempts += answer.attempts
        except RequestRefused as refused:
            attempts += refused.attempts
            if refused.status != 400:
                trouble = refused
                break
            # A 400 comes after the key was accepted; it is about the parameters (e.g. a day not yet there).
            notes.append(f"the key is accepted, the probe was refused: {refused}")
        except AnthropicError as error:
            attempts += error.attempts
            trouble = error
            break
    skew = client.server_clock.skew()
    finding = client.server_clock.finding()
    state, remedy = _state(trouble)
    auth = trouble if isinstance(trouble, AuthenticationTrouble) else None
    paths = ", ".join(path for path, _ in surface.probes)
    return Diagnosis(
        surface=surface.name,
        key_setting=surface.key_setting,
        state=state,
        detail=_detail(trouble) or "; ".join(notes) or f"GET {paths} answered",
        remedy=remedy,
        key_kind=auth.key_kind if auth else "",
        scopes_found=auth.scopes_found if auth else (),
        scopes_needed=(auth.scopes_needed if auth else ()) or surface.scopes,
        rate_limit=_rate_limit(answers[-1]) if answers else None,
        skew_seconds=None if skew is None else skew.total_seconds(),
        clock_finding=str(finding) if finding else "",
        request_ids=tuple(attempt.request_id for attempt in attempts if attempt.request_id),
        seconds=sum((one.received_at - one.requested_at).total_seconds() for one in attempts),
    )


def _detail(trouble: AnthropicError | None) -> str:
    return trouble.what if isinstance(trouble, StreamTrouble) else str(trouble or "")


def _state(trouble: AnthropicError | None) -> tuple[str, str]:
    """(state, remedy) of what went wrong."""
    if trouble is None:
        return "ok", ""
    if isinstance(trouble, AuthenticationTrouble):
        return trouble.cause, trouble.remedy
    if isinstance(trouble, StreamTrouble):
        states = {
            NotEnabled: "not_enabled",
            ForeignOrganization: "foreign_organization",
            TlsUntrusted: "tls",
            AddressRefused: "address",
        }
        return states.get(type(trouble), "refused"), trouble.remedy
    if isinstance(trouble, NotAPageServed | RequestRefused):
        return "not_the_api", "check `anthropic.base_url`, and what stands between this machine and it"
    last = trouble.last_attempt
    if last is not None and last.status == 429:
        return "rate_limited", (
            "somebody else spends the organisation's budget: find them by the `compliance_api_accessed` "
            "records, or run this again in a minute"
        )
    return "unreachable", "check the network, the proxy, `anthropic.base_url` and the vendor's status page"


def _rate_limit(response: Response) -> RateLimit | None:
    values = [
        response.headers.get(f"anthropic-ratelimit-requests-{name}") for name in ("limit", "remaining", "reset")
    ]
    return RateLimit(*values) if any(values) else None
