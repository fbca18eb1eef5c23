"""The access record: every authenticated request to the Compliance API is itself an event of the feed."""

from __future__ import annotations

import json
from random import Random

from sandbox.tenant.events import Draft, Event, finish
from sandbox.tenant.world import NO_ORGANIZATION

ACCESS_TYPE = "compliance_api_accessed"


def access_event(
    us: int,
    key_id: str,
    address: str,
    user_agent: str,
    request_id: str,
    url: str,
    status: int,
    rng: Random,
    method: str = "GET",
) -> Event:
    """A `compliance_api_accessed` record created at `us`, shown a second later, without an organisation.

    Calls with either kind of key look like `api_actor` (reference 1.3).
    """
    actor = (
        f'{{"type":"api_actor","api_key_id":"{key_id}","ip_address":"{address}",'
        f'"user_agent":{json.dumps(user_agent)}}}'
    )
    extra = (
        f',"request_id":"{request_id}","request_method":"{method}","status_code":{status},'
        f'"url":{json.dumps(url)},"request_body":null'
    )
    draft = Draft(us, NO_ORGANIZATION, actor, ACCESS_TYPE, extra)
    return finish(draft, rng, instant=True)
