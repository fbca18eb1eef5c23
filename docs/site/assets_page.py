"""The reference of what Dagster shows: assets with their checks, jobs, schedules and sensors.

Promise: read from the definitions of a small configuration with one destination of each kind of asset; nothing is
written by hand.
"""

import inspect
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from warehouse.config import parse

_CONFIG = """\
[anthropic]
start = 2026-01-01
[[destinations]]
name = "soc"
type = "webhook"
slice = "alerts"
url = "https://soc.example.com/ingest"
"""
# What stands first; groups that are not named here follow.
_ORDER = ("vendor", "audit", "spend", "telemetry", "archive", "marts", "detections")
_GROUP_WORDS = {
    "vendor": "What the vendor serves. Dagster shows it as a beginning; nothing runs here.",
    "siem": "One asset for each `[[destinations]]` table; here one named `soc` stands for all.",
}


def written(made: str) -> str:
    """The whole page; `made` says by which command, and stands below its title."""
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    from orchestration.definitions import definitions_of  # noqa: PLC0415 - after the filter of warnings

    definitions = definitions_of(parse(_CONFIG, Path("ledgerline.toml"), {}))
    graph = definitions.resolve_asset_graph()
    groups: dict[str, list[Any]] = {name: [] for name in _ORDER}
    for node in graph.asset_nodes:
        groups.setdefault(node.group_name, []).append(node)
    checks: dict[str, list[dg.AssetCheckKey]] = {}
    for key in graph.asset_check_keys:
        checks.setdefault(key.asset_key.to_user_string(), []).append(key)
    lines = [
        "# Assets, checks and jobs",
        "",
        made,
        "",
        "What Dagster shows, group by group: each asset with its source, grain and promise, what it is made from,",
        "and its checks with what to do when one fails. All checks in one table:",
        "[operations](../operations.md#checks-in-dagster).",
        "",
    ]
    for group, nodes in groups.items():
        named = ", ".join(f"[`{_name(node)}`](#{_name(node)})" for node in sorted(nodes, key=_name))
        lines.append(f"- [{group}](#{group}): {named}")
    lines += ["- [Jobs, schedules and sensors](#jobs-schedules-and-sensors)"]
    for group, nodes in groups.items():
        lines += ["", f"## {group}"]
        if group in _GROUP_WORDS:
            lines += ["", _GROUP_WORDS[group]]
        for node in sorted(nodes, key=_name):
            lines += ["", *_asset(node, graph, sorted(checks.get(_name(node), []), key=lambda key: key.name))]
    lines += ["", "## Jobs, schedules and sensors", "", *_jobs(definitions)]
    return "\n".join(lines) + "\n"


def _name(node: Any) -> str:
    return str(node.key.to_user_string())


def _asset(node: Any, graph: Any, checks: list[dg.AssetCheckKey]) -> Iterator[str]:
    yield from [f"### {_name(node)}", "", inspect.cleandoc(node.description or "")]
    facts = {
        "Kinds": ", ".join(sorted(node.kinds)),
        "Owners": ", ".join(f"`{owner}`" for owner in node.owners),
        "Partitions": _partitions(node.partitions_def),
        "Made from": ", ".join(f"[`{key.to_user_string()}`](#{key.to_user_string()})" for key in _sorted(node)),
    }
    yield from ["", ". ".join(f"{title}: {text}" for title, text in facts.items() if text) + "."]
    if checks:
        yield from ["", "| check | what it says, and what to do |", "| --- | --- |"]
    for key in checks:
        spec = graph.get_check_spec(key)
        stops = " Stops what is built on it." if spec.blocking else ""
        yield f"| `{key.name}` | {_cell(spec.description or '')}{stops} |"


def _sorted(node: Any) -> list[dg.AssetKey]:
    return sorted(node.parent_keys, key=lambda key: str(key.to_user_string()))


def _partitions(definition: Any) -> str:
    if definition is None:
        return ""
    return {"DailyPartitionsDefinition": "UTC days", "MonthlyPartitionsDefinition": "months"}.get(
        type(definition).__name__, "UTC days or months"
    )


def _jobs(definitions: dg.Definitions) -> Iterator[str]:
    schedules: dict[str, list[str]] = {}
    for one in definitions.schedules or []:
        if hasattr(one, "cron_schedule"):
            schedules.setdefault(one.job_name, []).append(f"`{one.cron_schedule}` (`{one.name}`)")
    yield from ["| job | does | schedule (UTC) |", "| --- | --- | --- |"]
    for job in sorted(definitions.jobs or [], key=lambda job: str(job.name)):
        when = ", ".join(sorted(schedules.get(job.name, []))) or "by hand or by a sensor"
        yield f"| `{job.name}` | {_cell(job.description or '')} | {when} |"
    yield from ["", "| sensor | does |", "| --- | --- |"]
    for sensor in sorted(definitions.sensors or [], key=lambda sensor: str(sensor.name)):
        yield f"| `{sensor.name}` | {_cell(sensor.description or '')} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
