"""Records of the legacy reports in the shape of the current API, so that one reader serves both.

Promise: nothing is invented but the sum of a bucket's tokens, which the buckets lack; what has no place in the
current shape stays at the top, where it is named as unlisted.
"""

from typing import Any

from warehouse.tables.spend import known

_BOUNDS = ("starting_at", "ending_at")
_TOKENS = ("uncached_input_tokens", "cache_read_input_tokens", "output_tokens")


def as_current(document: dict[str, Any], strange: list[str], figures: str) -> list[dict[str, Any]]:
    """One document per result of a bucket (none for an empty one), or the one that a row per user is. `figures` is
    the member that holds them in the current shape."""
    if "results" not in document:
        return [_row(document, figures)]
    strange += [name for name in sorted(document) if name not in known.BUCKET_FIELDS]
    results = document["results"]
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        strange.append("results (no list of objects)")
        return [{name: document[name] for name in _BOUNDS if name in document}]
    bounds = {name: document[name] for name in _BOUNDS if name in document}
    return [_row({**bounds, **result}, figures) for result in results]


def _row(flat: dict[str, Any], figures: str) -> dict[str, Any]:
    fields = known.COST_FIELDS if figures == "cost" else known.USAGE_FIELDS
    group = {name: value for name, value in flat.items() if name in known.LEGACY_DIMENSIONS}
    measured = {name: value for name, value in flat.items() if name in fields}
    if figures == "usage" and "total_tokens" not in measured:
        cache = measured.get("cache_creation")
        parts = [measured.get(name) for name in _TOKENS]
        parts += [cache.get(name) for name in known.CACHE_FIELDS] if isinstance(cache, dict) else []
        if all(isinstance(part, int) for part in parts):
            measured["total_tokens"] = sum(parts)
    rest = {name: value for name, value in flat.items() if name not in group and name not in measured}
    return {**rest, "group": group, figures: measured}
