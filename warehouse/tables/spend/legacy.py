"""Records of the legacy reports in the shape of the current API, so that one reader serves both.

Promise: nothing is invented; what has no place in the current shape stays at the top, where it is named as
unlisted.
"""

from typing import Any

from warehouse.tables.spend import known

_BOUNDS = ("starting_at", "ending_at")


def as_current(document: dict[str, Any], strange: list[str]) -> list[dict[str, Any]]:
    """One document per result of a bucket (none for an empty one), or the one that a row per user is."""
    if "results" not in document:
        return [_row(document)]
    strange += [name for name in sorted(document) if name not in known.BUCKET_FIELDS]
    results = document["results"]
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        strange.append("results (no list of objects)")
        return [{name: document[name] for name in _BOUNDS if name in document}]
    bounds = {name: document[name] for name in _BOUNDS if name in document}
    return [_row({**bounds, **result}) for result in results]


def _row(flat: dict[str, Any]) -> dict[str, Any]:
    group = {name: value for name, value in flat.items() if name in known.LEGACY_DIMENSIONS}
    cost = {name: value for name, value in flat.items() if name in known.COST_FIELDS}
    rest = {name: value for name, value in flat.items() if name not in group and name not in cost}
    return {**rest, "group": group, "cost": cost}
