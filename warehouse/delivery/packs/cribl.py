"""The Cribl Stream pack: routes that send what is worth an alert to the SIEM, and everything to the store.

Promise: no event is dropped in the pack; which output is which is for the customer to fill in.
"""

from __future__ import annotations

import json
from typing import Final

from warehouse.delivery.packs.hunting import SOURCETYPE

_ROOT: Final = "cribl/claude-audit"


def files() -> dict[str, str]:
    """Path under `deploy/siem/` -> text: the folder of a pack, which `tar` makes a `.crbl` of."""
    return {
        f"{_ROOT}/package.json": json.dumps(_PACKAGE, indent=2) + "\n",
        f"{_ROOT}/README.md": _README,
        f"{_ROOT}/default/pack.yml": "",
        f"{_ROOT}/default/pipelines/route.yml": _ROUTES,
        f"{_ROOT}/default/pipelines/claude_audit/conf.yml": _PIPELINE,
    }


_PACKAGE: Final = {
    "name": "claude-audit",
    "version": "1.0.0",
    "displayName": "Claude audit",
    "description": "Audit events of Claude Enterprise, delivered by Ledgerline",
    "author": "Ledgerline",
    "minLogStreamVersion": "4.0.0",
    "tags": {"dataType": ["logs"], "technology": ["claude"], "domain": ["security"]},
}

_ROUTES: Final = f"""id: default
groups: {{}}
comments: []
routes:
  - id: claude_alertable
    name: Claude events worth an alert
    description: A copy goes to the SIEM; all events go on to the next route.
    final: false
    disabled: false
    filter: >-
      sourcetype=='{SOURCETYPE}' &&
      (/"severity":"(medium|high|critical)"/.test(_raw) || /"unknown_event":true/.test(_raw) ||
      /"alert_id":/.test(_raw))
    pipeline: claude_audit
    output: siem
  - id: claude_everything
    name: Claude events to cheap storage
    description: Everything, as it came.
    final: true
    disabled: false
    filter: sourcetype=='{SOURCETYPE}'
    pipeline: claude_audit
    output: store
"""

_PIPELINE: Final = """output: default
streamtags:
  - claude
groups: {}
asyncFuncTimeout: 1000
description: Puts the fields that routes and searches ask for beside _raw, which stays as it came.
functions:
  - id: serde
    filter: "true"
    disabled: false
    description: Read the canonical event
    conf:
      mode: extract
      type: json
      srcField: _raw
      dstField: __event
  - id: eval
    filter: __event
    disabled: false
    description: Fields beside _raw
    conf:
      add:
        - name: category
          value: __event.category || (__event.alert_id ? 'alert' : undefined)
        - name: severity
          value: __event.severity
        - name: outcome
          value: __event.outcome
        - name: user
          value: __event.actor && (__event.actor.email || __event.actor.id)
        - name: src
          value: __event.client && __event.client.ip
        - name: event_time
          value: __event.event_time
        - name: unknown_event
          value: __event.unknown_event
"""

_README: Final = f"""# Claude audit

Audit events of Claude Enterprise, delivered by Ledgerline to Cribl Stream's HTTP source (`/cribl/_bulk`), with the
sourcetype `{SOURCETYPE}`. `_raw` is the canonical event, and stays as it came.

1. Pack this folder: `tar -czf claude-audit.crbl -C claude-audit .`, and import the file.
2. In the pack's routes, put your outputs in place of `siem` and `store`.
3. Route the HTTP source to the pack.

What is worth an alert: medium and above, types that nobody has listed, and alerts of Ledgerline's own.
"""
