"""The Elastic pack: life cycle, index template, ingest pipeline, Logstash's part; `kibana.py` has the dashboard.

Promise: every field that `ecs.py` writes has a mapping here, and nothing else is indexed. A new field of the
vendor stands in `anthropic.record`, one flattened field, so it can neither be lost nor make the mapping explode.
"""

from __future__ import annotations

import json
from typing import Any, Final

from warehouse.delivery.mappings.ecs import DATASET
from warehouse.delivery.packs.kibana import DATA_STREAM_PATTERN, saved_objects

NAME: Final = f"logs-{DATASET}"
PIPELINE: Final = f"logs-{DATASET}"
POLICY: Final = "claude-audit"

# ECS fields that are sent, with the type that ECS gives them; `ecs@mappings` would give the same.
FIELDS: Final[dict[str, str]] = {
    "@timestamp": "date",
    "ecs.version": "keyword",
    "event.action": "keyword",
    "event.category": "keyword",
    "event.dataset": "keyword",
    "event.end": "date",
    "event.id": "keyword",
    "event.ingested": "date",
    "event.kind": "keyword",
    "event.module": "keyword",
    "event.outcome": "keyword",
    "event.severity": "long",
    "event.start": "date",
    "event.type": "keyword",
    "file.name": "keyword",
    "group.id": "keyword",
    "message": "match_only_text",
    "observer.product": "keyword",
    "observer.vendor": "keyword",
    "organization.id": "keyword",
    "related.ip": "ip",
    "related.user": "keyword",
    "rule.id": "keyword",
    "rule.name": "keyword",
    "rule.version": "keyword",
    "source.address": "keyword",
    "source.as.number": "long",
    "source.as.organization.name": "keyword",
    "source.geo.city_name": "keyword",
    "source.geo.country_iso_code": "keyword",
    "source.geo.country_name": "keyword",
    "source.geo.location": "geo_point",
    "source.ip": "ip",
    "tags": "keyword",
    "user.email": "keyword",
    "user.id": "keyword",
    "user.name": "keyword",
    "user.target.email": "keyword",
    "user.target.id": "keyword",
    "user_agent.device.name": "keyword",
    "user_agent.name": "keyword",
    "user_agent.original": "keyword",
    "user_agent.os.name": "keyword",
    "user_agent.version": "keyword",
    "anthropic.source": "keyword",
    "anthropic.mapping_version": "keyword",
    "anthropic.category": "keyword",
    "anthropic.verb": "keyword",
    "anthropic.outcome": "keyword",
    "anthropic.severity": "keyword",
    "anthropic.actor_type": "keyword",
    "anthropic.object.type": "keyword",
    "anthropic.object.id": "keyword",
    "anthropic.object.name": "keyword",
    "anthropic.unknown_event": "boolean",
    "anthropic.unknown_fields": "keyword",
    "anthropic.event_time": "date",
    "anthropic.archive.commit_seq": "long",
    "anthropic.archive.version": "integer",
    "anthropic.archive.fold": "keyword",
    "anthropic.record": "flattened",
    "anthropic.alert.detected_at": "date",
    "anthropic.alert.event_ids": "keyword",
    "anthropic.alert.entities": "flattened",
    "anthropic.alert.event_types": "keyword",
    "anthropic.alert.version": "integer",
    "anthropic.alert.fold": "keyword",
    "anthropic.alert.dedup_key": "keyword",
    "anthropic.alert.tags": "keyword",
    "anthropic.alert.runbook": "keyword",
    "error.message": "match_only_text",
}


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text."""
    return {
        "elastic/ilm-policy.json": _json(_policy()),
        "elastic/index-template.json": _json(template()),
        "elastic/ingest-pipeline.json": _json(_pipeline()),
        "elastic/logstash.conf": _LOGSTASH,
        "elastic/kibana-dashboard.ndjson": "".join(f"{json.dumps(one)}\n" for one in saved_objects()),
    }


_LOGSTASH: Final = f"""# Events of Ledgerline's logstash destination, into the data stream of this pack.
input {{
  http {{
    port => 8080
    codec => json
    # with ECS fields of its own the plugin would overwrite ours (source, user_agent)
    ecs_compatibility => "disabled"
    user => "${{LEDGERLINE_USER}}"
    password => "${{LEDGERLINE_PASSWORD}}"
    ssl_enabled => true
    ssl_certificate => "${{LEDGERLINE_CERTIFICATE}}"
    ssl_key => "${{LEDGERLINE_CERTIFICATE_KEY}}"
  }}
}}
filter {{
  mutate {{
    remove_field => ["headers", "host", "@version"]
    rename => {{ "[anthropic][user_agent]" => "user_agent" }}
    add_field => {{ "[@metadata][id]" => "%{{[event][id]}}" }}
  }}
  # a record that the vendor changed, and an alert that grew, are documents of their own
  if [anthropic][archive][version] and [anthropic][archive][version] > 1 {{
    mutate {{ replace => {{ "[@metadata][id]" => "%{{[event][id]}}.v%{{[anthropic][archive][version]}}" }} }}
  }} else if [anthropic][alert][version] and [anthropic][alert][version] > 1 {{
    mutate {{ replace => {{ "[@metadata][id]" => "%{{[event][id]}}.v%{{[anthropic][alert][version]}}" }} }}
  }}
}}
output {{
  elasticsearch {{
    hosts => ["${{ELASTICSEARCH_URL}}"]
    api_key => "${{ELASTICSEARCH_API_KEY}}"
    data_stream => true
    data_stream_type => "logs"
    data_stream_dataset => "{DATASET}"
    data_stream_namespace => "default"
    action => "create"
    document_id => "%{{[@metadata][id]}}"
  }}
}}
"""


def _policy() -> dict[str, Any]:
    rollover = {"max_age": "30d", "max_primary_shard_size": "50gb"}
    return {
        "policy": {
            "_meta": {"description": "Claude audit events; the archive keeps them longer than this"},
            "phases": {
                "hot": {"actions": {"rollover": rollover}},
                "delete": {"min_age": "365d", "actions": {"delete": {}}},
            },
        }
    }


def template() -> dict[str, Any]:
    """The index template, for `PUT _index_template/`."""
    return {
        "index_patterns": [DATA_STREAM_PATTERN],
        "data_stream": {},
        "priority": 500,
        "template": {
            "settings": {
                "index.lifecycle.name": POLICY,
                "index.default_pipeline": PIPELINE,
                "index.mapping.total_fields.limit": 500,
                "index.mapping.ignore_malformed": True,
            },
            "mappings": {"dynamic": False, "properties": _properties()},
            "data_stream_options": {"failure_store": {"enabled": True}},
        },
        "_meta": {
            "description": "Claude audit events in ECS, delivered by Ledgerline",
            "managed_by": "ledgerline",
        },
    }


def _properties() -> dict[str, Any]:
    root: dict[str, Any] = {}
    for name, kind in FIELDS.items():
        *parents, leaf = name.split(".")
        level = root
        for parent in parents:
            level = level.setdefault(parent, {"properties": {}})["properties"]
        field: dict[str, Any] = {"type": kind}
        if kind == "keyword":
            field["ignore_above"] = 1024
        elif kind == "flattened":
            field |= {"ignore_above": 8191, "depth_limit": 100}
        level[leaf] = field
    return root


def _pipeline() -> dict[str, Any]:
    return {
        "description": "Claude audit events: time of arrival, place of the address, parts of the user agent",
        "processors": [
            {"set": {"field": "event.ingested", "copy_from": "_ingest.timestamp"}},
            {
                "geoip": {
                    "field": "source.ip",
                    "target_field": "source.geo",
                    "ignore_missing": True,
                    "ignore_failure": True,
                    "properties": ["city_name", "country_iso_code", "country_name", "location"],
                }
            },
            {
                "geoip": {
                    "field": "source.ip",
                    "target_field": "source.as",
                    "database_file": "GeoLite2-ASN.mmdb",
                    "properties": ["asn", "organization_name"],
                    "ignore_missing": True,
                    "ignore_failure": True,
                }
            },
            {"rename": {"field": "source.as.asn", "target_field": "source.as.number", "ignore_missing": True}},
            {
                "rename": {
                    "field": "source.as.organization_name",
                    "target_field": "source.as.organization.name",
                    "ignore_missing": True,
                }
            },
            {"user_agent": {"field": "user_agent.original", "ignore_missing": True, "ignore_failure": True}},
        ],
        # An event is kept whatever happens here: it is indexed as it came, and says what went wrong.
        "on_failure": [
            {"append": {"field": "tags", "value": "pipeline_failed"}},
            {"set": {"field": "error.message", "value": "{{{ _ingest.on_failure_message }}}"}},
        ],
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
