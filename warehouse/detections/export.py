"""Rules in the form of a SIEM: pySigma's backends over the field names that our deliveries have there.

Promise: a rule that the target cannot express is listed with the reason, never written so that it means something
else. A saved search, detection rule or analytic rule is written switched off: its reader switches it on.
"""

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
from warehouse.detections.computed import COMPUTED
from warehouse.detections.condition import comparisons
from warehouse.detections.export_files import analytic_rule, detection_rule, saved_search
from warehouse.detections.rule import Rule
from warehouse.detections.shape import OWN_KINDS
from warehouse.detections.source import sources

SOURCETYPE = "anthropic:claude:audit"

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
        write=saved_search,
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
        write=detection_rule,
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
        write=analytic_rule,
    ),
}
