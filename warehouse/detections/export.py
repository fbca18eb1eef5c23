"""Rules in the form of a SIEM: pySigma's backends over the field names that our deliveries have there.

Promise: a rule that the target cannot express is listed with the reason, never written so that it means something
else. A saved search, detection rule or analytic rule is written switched off: its reader switches it on.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import yaml
from sigma.backends.elasticsearch.elasticsearch_lucene import LuceneBackend
from sigma.backends.kusto.kusto import KustoBackend
from sigma.backends.splunk.splunk import SplunkBackend
from sigma.collection import SigmaCollection
from sigma.conversion.state import ConversionState
from sigma.exceptions import SigmaError
from sigma.processing.conditions import ExcludeFieldCondition
from sigma.processing.pipeline import ProcessingItem, ProcessingPipeline
from sigma.processing.transformations import (
    AddConditionTransformation,
    AddFieldnamePrefixTransformation,
    FieldMappingTransformation,
)
from sigma.types import SigmaCompareExpression, SigmaRegularExpression, SigmaString, SpecialChars

from warehouse.delivery.mappings import asim, cim
from warehouse.detections.alert import runbook
from warehouse.detections.computed import COMPUTED
from warehouse.detections.condition import comparisons
from warehouse.detections.rule import Rule
from warehouse.detections.shape import OWN_KINDS
from warehouse.detections.source import sources

SOURCETYPE = "anthropic:claude:audit"
INDICES = ["logs-anthropic.*"]

_SWITCH = ["enabled", "is_enabled"]
_NOT_WHOLE = (SigmaCompareExpression, SigmaRegularExpression)


class NotExpressible(Exception):
    """The target has no word for this rule, and why."""


@dataclass(frozen=True)
class Target:
    """One SIEM. fields: Sigma field -> field there (several: any of them). record: what the vendor's own fields
    stand under; many: what is added to the name of a list. write: the file's text for a rule and its query.
    suffix: of its name.
    """

    name: str
    suffix: str
    fields: Mapping[str, str | list[str]]
    record: str
    query: Callable[["Target", Rule], str]
    write: Callable[[Rule, str], str]
    many: str = ""


@dataclass
class Exported:
    """Texts by file name, and each rule that is not among them with the reason."""

    files: dict[str, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


def export(rules: Iterable[Rule], target: str) -> Exported:
    """The rules as files for a target of TARGETS. Raises KeyError for another."""
    chosen = TARGETS[target]
    done = Exported()
    for rule in rules:
        try:
            if rule.source.computed:
                about = COMPUTED[rule.source.name].about
                raise NotExpressible(f"it reads {about}, which Ledgerline computes; send its alerts instead")
            if rule.kind in OWN_KINDS:
                raise NotExpressible(f"{rule.kind} is a kind of Ledgerline's own; send its alerts instead")
            if rule.needs():
                raise NotExpressible("it reads places, which only the archive looks up; send its alerts instead")
            done.files[f"{rule.path.stem}.{chosen.suffix}"] = chosen.write(rule, chosen.query(chosen, rule))
        except NotExpressible as reason:
            done.refused[rule.path.stem] = str(reason)
        except (SigmaError, NotImplementedError) as problem:
            done.refused[rule.path.stem] = f"the target has no word for it: {problem}"
    return done


def _pipeline(target: Target, extra: Iterable[ProcessingItem] = ()) -> ProcessingPipeline:
    """Names of the SIEM for the fields that have one there, the path in the verbatim record for the others."""
    switches = {name: [target.record + spelt for spelt in _SWITCH] for name in _SWITCH}
    lists = {name: f"{target.record}{name}{target.many}" for name in sources()["audit"].lists if target.many}
    named: dict[str | None, str | list[str]] = {}
    for fields in (target.fields, switches, lists):
        named.update(fields.items())
    known = {name for value in named.values() for name in ([value] if isinstance(value, str) else value)}
    return ProcessingPipeline(
        name=f"ledgerline {target.name}",
        items=[
            ProcessingItem(FieldMappingTransformation(named)),
            ProcessingItem(
                AddFieldnamePrefixTransformation(target.record),
                field_name_conditions=[ExcludeFieldCondition(fields=sorted(known))],
            ),
            *extra,
        ],
    )


def _converted(backend: Any, collection: SigmaCollection) -> str:
    queries = backend.convert(collection)
    if len(queries) != 1:
        raise NotExpressible(f"it would take {len(queries)} queries")
    return str(queries[0])


def _splunk(target: Target, rule: Rule) -> str:
    _plain_actor(rule)
    if rule.kind == "temporal_ordered":
        raise NotExpressible("Splunk's statistics do not look at the order of events; send its alerts instead")
    only_ours = ProcessingItem(AddConditionTransformation({"sourcetype": SOURCETYPE}))
    return _converted(SplunkBackend(_pipeline(target, [only_ours])), _fresh(rule))


def _plain_actor(rule: Rule) -> None:
    """In changes of an account CIM's `user` is who was changed: no one field then holds the actor."""
    if rule.kind == "each" or not {"actor", "actor_id", "actor_email"} & set(rule.group_by):
        return
    mixed = sorted(kind for kind in rule.types() or () if cim.ROWS[kind].change_type == "AAA")
    if mixed:
        raise NotExpressible(f"CIM's field user is not the actor in {', '.join(mixed)}; send its alerts instead")


def _elasticsearch(target: Target, rule: Rule) -> str:
    if rule.kind != "each":
        raise NotExpressible(
            "a Lucene query looks at one event at a time, and ES|QL reads no flattened field; send its alerts"
        )
    _whole_values(target, rule)
    return _converted(LuceneBackend(_pipeline(target)), _fresh(rule))


def _whole_values(target: Target, rule: Rule) -> None:
    """A field of type flattened is compared as a whole, or by its beginning; and numbers in it are texts."""
    for part in rule.parts:
        for name, value in comparisons(part.rule):
            parts = value.s if isinstance(value, SigmaString) else ()
            inside = any(one == SpecialChars.WILDCARD_SINGLE for one in parts) or any(
                one == SpecialChars.WILDCARD_MULTI for one in parts[:-1]
            )
            if name not in target.fields and (inside or isinstance(value, _NOT_WHOLE)):
                raise NotExpressible(
                    f"it looks into {name}, and Elastic's flattened field compares whole values and beginnings "
                    "only, numbers as texts; send its alerts instead"
                )


class _KustoOverRecords(KustoBackend):
    """Kusto with typed access to what stands in the verbatim record, a column of type dynamic."""

    convert_or_as_in: ClassVar[bool] = False

    def escape_and_quote_field(self, field_name: str) -> str:
        return f"tostring({field_name})" if "." in field_name else field_name

    def convert_condition_field_eq_val_num(self, cond: Any, state: ConversionState) -> str:
        return f"todouble({cond.field}) == {cond.value.number}"

    def convert_condition_field_compare_op_val(self, cond: Any, state: ConversionState) -> str:
        return f"todouble({cond.field}) {self.compare_operators[cond.value.op]} {cond.value.number}"

    def convert_condition_field_eq_val_bool(self, cond: Any, state: ConversionState) -> str:
        return f'tostring({cond.field}) =~ "{str(cond.value.boolean).lower()}"'


def _kusto(target: Target, rule: Rule) -> str:
    if rule.kind.startswith("temporal"):
        raise NotExpressible("it looks at the order or the meeting of events; send its alerts instead")
    parts = [part for part in yaml.safe_load_all(rule.path.read_text(encoding="utf-8")) if "detection" in part]
    where = _converted(_KustoOverRecords(_pipeline(target)), SigmaCollection.from_dicts(parts))
    lines = [asim.TABLE, f"| where {where}"]
    if rule.kind != "each":
        groups = [f"{name} = {_only(target, name)}" for name in rule.group_by]
        what = "count()" if rule.value_field is None else f"dcount({_only(target, rule.value_field)})"
        lines += [
            f"| summarize Number = {what}, EventIds = make_set(EventId), TimeGenerated = max(TimeGenerated) "
            f"by {', '.join([*groups, f'Span = bin(TimeGenerated, {rule.timespan}s)'])}",
            f"| where Number >= {rule.threshold}",
        ]
    return "\n".join(lines)


def _only(target: Target, name: str) -> str:
    found = target.fields.get(name, target.record + name)
    return found if isinstance(found, str) else f"coalesce({', '.join(found)})"


def _fresh(rule: Rule) -> SigmaCollection:
    """The rule read anew: a conversion changes what it converts."""
    made = SigmaCollection.from_yaml(rule.path.read_text(encoding="utf-8"))
    made.resolve_rule_references()
    return made


def _saved_search(rule: Rule, query: str) -> str:
    """A stanza of savedsearches.conf. Late events count: the search goes by the time of indexing."""
    span = max(rule.timespan, 300) if rule.kind != "each" else 300
    settings = {
        "search": " \\\n".join(query.splitlines()),
        "description": rule.description,
        "disabled": "1",
        "enableSched": "1",
        "cron_schedule": "*/5 * * * *",
        "dispatch.earliest_time": "-7d@d",
        "dispatch.latest_time": "now",
        "dispatch.index_earliest": f"-{span}s",
        "dispatch.index_latest": "now",
        "alert.severity": {"informational": "1", "low": "2", "medium": "3", "high": "4", "critical": "5"}[
            rule.level
        ],
        "alert.track": "1",
        "counttype": "number of events",
        "relation": "greater than",
        "quantity": "0",
        "action.notable.param.rule_title": rule.title,
        "action.notable.param.rule_description": f"{rule.why} {runbook(rule)}",
    }
    return f"[Claude: {rule.title}]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())


_RISK = {"informational": 5, "low": 21, "medium": 47, "high": 73, "critical": 99}


def _detection_rule(rule: Rule, query: str) -> str:
    """One line of NDJSON, as the import of detection rules takes it."""
    document = {
        "rule_id": rule.id,
        "name": f"Claude: {rule.title}",
        "description": f"{rule.description} {rule.why}",
        "type": "query",
        "language": "lucene",
        "index": INDICES,
        "query": query,
        "severity": "low" if rule.level == "informational" else rule.level,
        "risk_score": _RISK[rule.level],
        "from": "now-10m",
        "interval": "5m",
        "enabled": False,
        "false_positives": list(rule.false_positives),
        "note": "\n".join(f"{n}. {step}" for n, step in enumerate(rule.runbook, start=1)),
        "tags": ["Claude", *rule.tags],
        "timestamp_override": "event.ingested",
        "version": 1,
    }
    return json.dumps(document, sort_keys=True, ensure_ascii=False) + "\n"


def _analytic_rule(rule: Rule, query: str) -> str:
    """A scheduled analytic rule as a template to deploy."""
    span = f"PT{max(rule.timespan, 300) // 60}M" if rule.kind != "each" else "PT10M"
    properties = {
        "displayName": f"Claude: {rule.title}",
        "description": f"{rule.description} {rule.why}",
        "severity": {"critical": "High", "informational": "Informational"}.get(
            rule.level, rule.level.capitalize()
        ),
        "enabled": False,
        "query": query,
        "queryFrequency": "PT5M",
        "queryPeriod": span,
        "triggerOperator": "GreaterThan",
        "triggerThreshold": 0,
        "suppressionDuration": "PT1H",
        "suppressionEnabled": False,
    }
    template = {
        "$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
        "contentVersion": "1.0.0.0",
        "parameters": {"workspaceName": {"type": "string"}},
        "resources": [
            {
                "type": "Microsoft.OperationalInsights/workspaces/providers/alertRules",
                "apiVersion": "2023-11-01",
                "name": f"[concat(parameters('workspaceName'), '/Microsoft.SecurityInsights/{rule.id}')]",
                "kind": "Scheduled",
                "properties": properties,
            }
        ],
    }
    return json.dumps(template, indent=2, ensure_ascii=False) + "\n"


TARGETS: Mapping[str, Target] = {
    "splunk": Target(
        name="splunk",
        suffix="conf",
        fields={
            **{
                name: name
                for name in ("type", "user_agent", "fold", "version", "unknown_event", "group_id", "sourcetype")
            },
            "id": "event_id",
            "actor": "user",
            "actor_id": "user_id",
            "actor_email": "user",
            "actor_type": "user_type",
            "ip_address": "src",
            "organization_uuid": "vendor_account",
        },
        record="raw.",
        query=_splunk,
        write=_saved_search,
        many="{}",
    ),
    "elasticsearch": Target(
        name="elasticsearch",
        suffix="ndjson",
        fields={
            "type": "event.action",
            "id": "event.id",
            "actor": "user.name",
            "actor_id": "user.id",
            "actor_email": "user.email",
            "actor_type": "anthropic.actor_type",
            "ip_address": "source.ip",
            "user_agent": "user_agent.original",
            "organization_uuid": "organization.id",
            "group_id": "group.id",
            "fold": "anthropic.archive.fold",
            "version": "anthropic.archive.version",
            "unknown_event": "anthropic.unknown_event",
        },
        record="anthropic.record.",
        query=_elasticsearch,
        write=_detection_rule,
    ),
    "kusto": Target(
        name="kusto",
        suffix="json",
        fields={
            "type": "EventType",
            "id": "EventId",
            "actor": ["ActorId", "ActorEmail", "ClientIp"],
            "actor_id": "ActorId",
            "actor_email": "ActorEmail",
            "actor_type": "ActorType",
            "ip_address": "ClientIp",
            "user_agent": "UserAgent",
            "organization_uuid": "OrganizationId",
            "group_id": "GroupId",
            "fold": "RecordFold",
            "version": "RecordVersion",
            "unknown_event": "UnknownEvent",
        },
        record="RawEvent.",
        query=_kusto,
        write=_analytic_rule,
    ),
}
