"""The API's error bodies and statuses (reference 0.4, 1.5), word for word.

Two body shapes exist. The Compliance pages show the bare one (default); the platform pages wrap it with
`type` and `request_id` (quirk `platform_errors`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field


@dataclass
class ApiError(Exception):
    """An answer that is an error: HTTP status, `error.type`, text, and headers of its own."""

    status: int
    type: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)

    def body(self, request_id: str, *, platform_shape: bool) -> bytes:
        """The JSON body in either shape."""
        error = {"type": self.type, "message": self.message}
        whole = {"type": "error", "error": error, "request_id": request_id} if platform_shape else {"error": error}
        return json.dumps(whole, separators=(",", ":"), ensure_ascii=False).encode()


def invalid(message: str) -> ApiError:
    return ApiError(400, "invalid_request_error", message)


def not_found() -> ApiError:
    """No key, or a key of a foreign kind, or no such path: all look the same."""
    return ApiError(404, "not_found_error", "Not found")


def unauthenticated(message: str) -> ApiError:
    return ApiError(401, "authentication_error", message)


def missing_scopes(got: tuple[str, ...], needed: tuple[str, ...], *, august_wording: bool = False) -> ApiError:
    lead = "Needed" if august_wording else "Needed one of"
    return ApiError(403, "permission_error", f"Missing required scopes. Got: {list(got)} {lead}: {list(needed)}")


def compliance_disabled() -> ApiError:
    return invalid("Compliance API is not enabled for this organization")


def rate_limited(limit: int, headers: dict[str, str]) -> ApiError:
    return ApiError(
        429,
        "rate_limit_error",
        f"Compliance API rate limit of {limit} requests per minute per parent organization has been exceeded. "
        "Retry after the time indicated by the retry-after header. Quote the request-id response header when "
        "contacting Anthropic support.",
        headers,
    )


def analytics_rate_limited(limit: int, headers: dict[str, str]) -> ApiError:
    return _over_budget("Analytics API", limit, headers)


def directory_rate_limited(limit: int, headers: dict[str, str]) -> ApiError:
    return _over_budget("Admin API", limit, headers)


def _over_budget(surface: str, limit: int, headers: dict[str, str]) -> ApiError:
    return ApiError(
        429,
        "rate_limit_error",
        f"This request would exceed your organization's rate limit of {limit} requests per minute for the "
        f"{surface}. Retry after the time indicated by the retry-after header.",
        headers,
    )


def stale_cursor() -> ApiError:
    """The type is a guess: no stored source names one for 410 (reference 3.1)."""
    return ApiError(
        410, "invalid_request_error", "page: The cursor is no longer valid. Restart from the first page."
    )


def internal(*, final: bool) -> ApiError:
    return ApiError(
        500,
        "api_error",
        "Internal server error" + (" (deterministic; do not retry)" if final else ""),
        {"x-should-retry": "false" if final else "true"},
    )


def overloaded(status: int) -> ApiError:
    return ApiError(status, "overloaded_error", "Overloaded")


def gateway_timeout() -> ApiError:
    return ApiError(504, "timeout_error", "Request timed out")
