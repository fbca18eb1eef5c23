"""The Splunk add-on `TA-anthropic-claude`: parsing, the lookup, event types and tags of CIM, saved searches.

Promise: with it an event of `sourcetype=anthropic:claude:audit` is in CIM's data models. Every saved search is off
until somebody switches it on. It holds no input, no credential and no index of anybody.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Final

from warehouse.delivery.mappings.cim import ROWS
from warehouse.delivery.packs.hunting import SOURCETYPE, hunts, spl
from warehouse.delivery.packs.icon import png
from warehouse.taxonomy import load

APP: Final = "TA-anthropic-claude"
VERSION: Final = "1.0.0"
LABEL: Final = "Anthropic Claude audit (Ledgerline)"
_ABOUT: Final = "Parses the audit events of Claude Enterprise that Ledgerline delivers, and maps them to CIM."
_AUDIT: Final = ("org_compliance_api_settings_updated", "audit_log_export_started", "audit_log_export_accessed")

_EVENT_TYPES: Final = {
    "claude_authentication": ("data_model=Authentication", ("authentication",)),
    "claude_account_change": ("data_model=Change change_type=AAA", ("change", "account")),
    "claude_change": ("data_model=Change NOT change_type=AAA", ("change",)),
    "claude_audit_change": (f"data_model=Change type IN ({', '.join(_AUDIT)})", ("change", "audit")),
    "claude_data_access": ("data_model=Data_Access", ("data", "access")),
    "claude_alert": ("data_model=Alerts", ("alert",)),
    "claude_unknown_event": ("unknown_event=true", ()),
}


def files() -> dict[str, str | bytes]:
    """Path under `deploy/siem/` -> content."""
    root = f"splunk/{APP}"
    return {
        f"{root}/app.manifest": _manifest(),
        f"{root}/README.txt": _README,
        f"{root}/default/app.conf": _app(),
        f"{root}/default/props.conf": _PROPS,
        f"{root}/default/transforms.conf": _TRANSFORMS,
        f"{root}/default/eventtypes.conf": _event_types(),
        f"{root}/default/tags.conf": _tags(),
        f"{root}/default/savedsearches.conf": _searches(),
        f"{root}/lookups/claude_activity.csv": _lookup(),
        f"{root}/metadata/default.meta": _META,
        f"{root}/static/appIcon.png": png(36),
        f"{root}/static/appIcon_2x.png": png(72),
    }


def _lookup() -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["type", "category", "data_model", "action", "change_type", "object_category", "severity"])
    for known in load().types.values():
        row = ROWS[known.type]
        action = "" if row.model == "Authentication" else row.action  # there it is told by how the event ended
        writer.writerow(
            [
                known.type,
                known.category,
                row.model,
                action,
                row.change_type,
                row.object_category or known.object,
                known.severity,
            ]
        )
    return out.getvalue()


def _manifest() -> str:
    manifest = {
        "schemaVersion": "2.0.0",
        "info": {
            "title": LABEL,
            "id": {"group": None, "name": APP, "version": VERSION},
            "author": [{"name": "Ledgerline", "email": None, "company": None}],
            "releaseDate": None,
            "description": _ABOUT,
            "classification": {
                "intendedAudience": "Security",
                "categories": ["Security, Fraud & Compliance"],
                "developmentStatus": "Production/Stable",
            },
            "commonInformationModels": {"Authentication": "8.5.0", "Change": "8.5.0", "DataAccess": "8.5.0"},
            "license": {"name": "Apache-2.0", "text": None, "uri": "https://www.apache.org/licenses/LICENSE-2.0"},
            "privacyPolicy": {"name": None, "text": None, "uri": None},
            "releaseNotes": {"name": None, "text": None, "uri": None},
        },
        "dependencies": None,
        "tasks": None,
        "inputGroups": None,
        "incompatibleApps": None,
        "platformRequirements": {"splunk": {"Enterprise": ">=9.0"}},
        "supportedDeployments": ["_standalone", "_distributed", "_search_head_clustering"],
        "targetWorkloads": ["_search_heads", "_indexers", "_forwarders"],
    }
    return json.dumps(manifest, indent=2) + "\n"


def _app() -> str:
    return f"""[install]
state = enabled
build = 1

[ui]
is_visible = false
label = {LABEL}

[launcher]
author = Ledgerline
description = {_ABOUT}
version = {VERSION}

[package]
id = {APP}
check_for_updates = false

[id]
name = {APP}
version = {VERSION}
"""


def _event_types() -> str:
    parts = []
    for name, (search, _) in _EVENT_TYPES.items():
        parts.append(f'[{name}]\nsearch = sourcetype="{SOURCETYPE}" {search}\n')
    return "\n".join(parts)


def _tags() -> str:
    parts = []
    for name, (_, tags) in _EVENT_TYPES.items():
        if tags:
            parts.append(f"[eventtype={name}]\n" + "".join(f"{tag} = enabled\n" for tag in tags))
    return "\n".join(parts)


def _searches() -> str:
    parts = []
    for hunt in hunts():
        search = spl(hunt).replace("\n", " \\\n")
        # By the time of indexing: an event that arrives late is searched too, once.
        parts.append(
            f"[Claude - {hunt.title}]\n"
            f"description = {hunt.why}\n"
            f"search = {search}\n"
            "dispatch.earliest_time = -24h@h\n"
            "dispatch.latest_time = now\n"
            "enableSched = 0\n"
            "disabled = 1\n"
        )
    late = (
        f'index=* sourcetype="{SOURCETYPE}" _index_earliest=-15m@m _index_latest=@m severity IN (high, critical) '
        "\\\n| dedup event_id version \\\n| eval hours_late=round((_indextime-_time)/3600, 1) "
        "\\\n| table _time, hours_late, event_id, type, user, src_user, src, object, outcome, severity"
    )
    parts.append(
        "[Claude - High and critical events by the time they were indexed]\n"
        "description = A pattern for alerts: it finds events that arrive late, which a search by their own time "
        "misses.\n"
        f"search = {late}\n"
        "dispatch.earliest_time = -90d@d\n"
        "dispatch.latest_time = +1d@d\n"
        "cron_schedule = */15 * * * *\n"
        "enableSched = 0\n"
        "disabled = 1\n"
    )
    return "\n".join(parts)


_CASE: Final = (
    'if(category=="authentication", case(outcome=="success", "success", outcome=="failure", "failure", '
    'true(), "pending"), null())'
)
_PROPS: Final = f"""[{SOURCETYPE}]
# events come by HEC, one JSON object each; the rest is for those who read them from files
SHOULD_LINEMERGE = false
LINE_BREAKER = ([\\r\\n]+)
TRUNCATE = 1000000
CHARSET = UTF-8
TIME_PREFIX = "event_time":\\s*"
TIME_FORMAT = %Y-%m-%dT%H:%M:%S.%6N%Z
MAX_TIMESTAMP_LOOKAHEAD = 40
KV_MODE = json
AUTO_KV_JSON = true
category = Security
description = Audit events of Claude Enterprise, delivered by Ledgerline
pulldown_type = true
# events that come through Cribl Stream are in the canonical form, with the same facts under other names
EVAL-vendor_product = "Anthropic Claude"
EVAL-app = "claude"
EVAL-dest = coalesce(dest, "claude.ai")
EVAL-user = coalesce(user, 'actor.email', 'actor.id')
EVAL-user_name = coalesce(user, 'actor.email', 'actor.id')
EVAL-user_id = coalesce(user_id, 'actor.id')
EVAL-user_type = coalesce(user_type, 'actor.type')
EVAL-src_user_name = src_user
EVAL-src = coalesce(src, 'client.ip')
EVAL-src_ip = coalesce(src, 'client.ip')
EVAL-user_agent = coalesce(user_agent, 'client.user_agent')
EVAL-object = coalesce(object, 'object.name', 'object.id')
EVAL-object_id = coalesce(object_id, 'object.id')
EVAL-vendor_account = coalesce(vendor_account, 'org.uuid')
EVAL-version = coalesce(version, 'archive.version')
EVAL-signature = coalesce(signature, type)
EVAL-signature_id = coalesce(signature_id, type)
EVAL-action = coalesce(action, {_CASE})
LOOKUP-claude_activity = claude_activity type OUTPUTNEW data_model action change_type object_category
"""

_META: Final = """[]
access = read : [ * ], write : [ admin, sc_admin ]
export = system
"""

_TRANSFORMS: Final = """[claude_activity]
filename = claude_activity.csv
case_sensitive_match = false
"""

_README: Final = f"""{LABEL}

{_ABOUT}

Install it on search heads, and on indexers or heavy forwarders if events are read from files. Create an HEC token
with the sourcetype {SOURCETYPE}, and give Ledgerline its address and the token:

[[destinations]]
name = "soc"
type = "splunk"
url = "https://splunk.example.com:8088"
token = "env:SPLUNK_HEC_TOKEN"

An event may arrive twice: it is delivered at least once. Search with "| dedup event_id version".
Event types: {", ".join(_EVENT_TYPES)}.
The saved searches are off. Switch on those you want, with an index in place of index=*.
The lookup claude_activity.csv is made from the mapping tables; an event says the same of itself.
"""
