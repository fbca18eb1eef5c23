"""`deploy/otel/allow-list.yaml`: the allow-list as processors of an OpenTelemetry Collector.

Promise: made from the same list as our own reader uses, so the two cannot drift (a test compares the file). What
is not listed is removed; where a statement fails, the batch is dropped rather than passed on.

    python -m warehouse.telemetry.collector     writes the file anew
"""

import json
from collections.abc import Iterable
from pathlib import Path

from warehouse.telemetry.allow_list import MANY_DIGITS, MAX_NAME, MAX_TEXT, WORDS, allow_list
from warehouse.telemetry.grouping import SCOPE_JOINTS, UNITS, VERSION

FILE = Path(__file__).resolve().parents[2] / "deploy" / "otel" / "allow-list.yaml"
# Whole events that are made of content.
_CONTENT_EVENTS = ("api_request_body", "api_response_body")
# Events that neither cost anything nor raise an alert: the only ones that may be sampled.
CHATTER = ("hook_execution_start", "hook_plugin_metrics", "retention_sweep", "at_mention", "compaction")
_HEAD = """\
# Made by `python -m warehouse.telemetry.collector` from warehouse/telemetry/allow_list.csv: do not edit. To keep
# one more attribute, add it to the list there (it is kept by both, or by neither) and make this file anew.
"""


def allow_list_yaml() -> str:
    """The text of the file."""
    allowed = allow_list()
    limited = {name: row.events for name, row in sorted(allowed.rows.items()) if row.events}
    keys = _array(sorted(allowed.rows))
    # groups of their own: they are looked at once, and also where nothing is below them
    above = [
        {"statements": [*_keep("resource.attributes", keys), 'set(resource.schema_url, "")']},
        {"statements": [*_keep("scope.attributes", keys), *_named_scope(), 'set(scope.schema_url, "")']},
    ]
    of_events = [
        f'delete_key(log.attributes, "{name}") where not {_is_event(sorted(events))}'
        for name, events in limited.items()
    ]
    logs = [
        *_keep("log.attributes", keys),
        *of_events,
        # The body is the name of the event, and the name is in an attribute: any other body is content.
        'set(log.body, "") where not IsString(log.body) or not IsMatch(log.body, "^claude_code[.][a-z_]{1,64}$")',
        'set(log.event_name, "")',
        'set(log.severity_text, "")',
    ]
    metrics = [
        'set(metric.description, "")',
        f'set(metric.unit, "") where not ContainsValue({_array(sorted(UNITS))}, metric.unit)',
        _empty("metric.metadata"),
    ]
    points = [
        *_keep("datapoint.attributes", keys),
        *(f'delete_key(datapoint.attributes, "{name}")' for name in limited),
    ]
    return _HEAD + _yaml(
        {
            "filter/content": {
                "error_mode": "propagate",
                "logs": {
                    "log_record": [
                        # No name, or one that is no word: nothing says what its attributes mean.
                        'not IsMatch(log.attributes["event.name"], "^[a-z][a-z0-9_]{0,63}$")',
                        _is_event(_CONTENT_EVENTS),
                    ]
                },
                "metrics": {
                    "metric": [
                        'not IsMatch(metric.name, "^claude_code[.][a-z_.]{1,64}$")',
                        "metric.type != METRIC_DATA_TYPE_SUM",
                    ]
                },
            },
            "transform/mark": {
                "error_mode": "propagate",
                "log_statements": [
                    'delete_key(log.attributes, "ledgerline.keep")',
                    f'set(log.attributes["ledgerline.keep"], 100) where not {_is_event(CHATTER)}',
                ],
            },
            "transform/allow_list": {
                "error_mode": "propagate",
                "log_statements": [*above, {"statements": logs}],
                "metric_statements": [
                    *above,
                    {"statements": metrics},
                    {"statements": points},
                    {"statements": [_empty("exemplar.filtered_attributes")]},
                ],
            },
        }
    )


def _keep(place: str, keys: str) -> list[str]:
    """What keeps the listed names of a map. A map or a list below a listed name is taken apart first, so that its
    parts have names of their own, which are not listed. A text too long to be a name is emptied, not cut: our
    reader would take what a cut left."""
    return [
        f"flatten({place})",
        f"keep_keys({place}, {keys})",
        f'replace_all_patterns({place}, "value", "(?s)^.{{{MAX_TEXT + 1},}}$", "")',
    ]


def _named_scope() -> list[str]:
    """What takes out a scope's name or version that our reader would not take: see `grouping`."""
    words = WORDS.replace("[._]", f"[._{SCOPE_JOINTS}]")
    return [
        f'set(scope.name, "") where not IsMatch(scope.name, "^(?:@?{words})?$")',
        f'set(scope.name, "") where Len(scope.name) > {MAX_NAME} or IsMatch(scope.name, "{MANY_DIGITS}")',
        f'set(scope.version, "") where not IsMatch(scope.version, "^{VERSION}$")',
    ]


def _empty(place: str) -> str:
    """What takes everything out of a map."""
    return f'delete_matching_keys({place}, ".*")'


def _is_event(names: Iterable[str]) -> str:
    return f'IsMatch(log.attributes["event.name"], "^({"|".join(names)})$")'


def _array(names: list[str]) -> str:
    return json.dumps(names)


def _yaml(processors: dict[str, object]) -> str:
    """YAML of the few shapes above; texts in JSON, which YAML reads."""
    lines = ["processors:"]

    def put(value: object, depth: int) -> None:
        pad = "  " * depth
        if isinstance(value, dict):
            for key, inner in value.items():
                if isinstance(inner, dict | list):
                    lines.append(f"{pad}{key}:")
                    put(inner, depth + 1)
                else:
                    lines.append(f"{pad}{key}: {inner}")
        elif isinstance(value, list):
            for inner in value:
                if isinstance(inner, dict):
                    lines.append(f"{pad}-")
                    put(inner, depth + 1)
                else:
                    lines.append(f"{pad}- {json.dumps(inner)}")

    put(processors, 1)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(allow_list_yaml(), encoding="utf-8")
