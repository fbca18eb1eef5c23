"""Other readings of unclear documentation: each quirk turns one answer of the sandbox round."""

from __future__ import annotations

QUIRKS = {
    "opaque_cursors": "first_id and last_id are page tokens instead of activity ids",
    "bound_cursors": "page tokens that refuse to be used with other filters",
    "platform_errors": "error bodies of the feed in the platform shape, with type and request_id",
    "bare_404": "404 answers with the bare text Not found",
    "august_wording": "403 says Needed: instead of Needed one of:",
    "lasting_cursors": "analytics cursors stay valid, and on their export, after the next one is out",
    "bare_errors": "error bodies of analytics and directory in the Compliance shape, without type and request_id",
    "analytics_404": "a missing or wrong key, or a wrong scope, is a 404 on the analytics API",
    "analytics_rate_headers": "anthropic-ratelimit-requests-* on analytics answers too",
    "actor_email": "actors of the legacy reports carry `email` instead of `email_address`",
    "summaries_array": "`summaries` has its rows under `summaries` instead of `data`, as until summer 2026",
    "engagement_90_days": "engagement older than 90 days is refused, as the support pages say",
    "usage_organization_id": "usage and cost name the organisation at the top",
}
