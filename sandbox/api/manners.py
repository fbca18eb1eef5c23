"""How an API surface refuses, where surfaces differ or the reference leaves it open (0.4, 1.5, 3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.api import errors
from sandbox.api.errors import ApiError


@dataclass(frozen=True, slots=True)
class Manners:
    """How a surface refuses: who has no key, who comes too often, in which shape; what it tells about its budget.

    `strangers_status`: 404 as on the feed (reference 1.5), or 401. `switchable`: shut while the Compliance API is
    off. `hides_scopes`: 404 also for a key that is known but may not enter.
    """

    too_many: Callable[[int, dict[str, str]], ApiError]
    strangers_status: int
    platform_shape: bool
    tells_budget: bool
    switchable: bool
    hides_scopes: bool = False


def compliance_manners(quirks: frozenset[str]) -> Manners:
    """The Compliance API's: reference 1.5."""
    return Manners(errors.rate_limited, 404, "platform_errors" in quirks, tells_budget=True, switchable=True)


def platform_manners(quirks: frozenset[str]) -> Manners:
    """Those of analytics and directory, where the reference (0.4, 3.1) leaves them open; quirks turn them."""
    return Manners(
        errors.analytics_rate_limited,
        404 if "analytics_404" in quirks else 401,
        "bare_errors" not in quirks,
        tells_budget="analytics_rate_headers" in quirks,
        switchable=False,
        hides_scopes="analytics_404" in quirks,
    )
