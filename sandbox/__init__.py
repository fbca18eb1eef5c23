"""A pretend Claude Enterprise tenant over real HTTP on loopback: the demo's source and the tests' source.

It shares no code with the pipeline it is there to test. Deterministic from a seed and the calendar day.

    from sandbox import Tenant, serve
    with serve(Tenant(seed=7, users=20, days=5, clock="2026-11-22T10:00:00Z")) as sandbox:
        httpx.get(sandbox.url + "/v1/compliance/activities", headers={"x-api-key": sandbox.keys["compliance"]})
"""

from sandbox.clock import Clock
from sandbox.faults import Fault, Faults
from sandbox.server import Served, serve
from sandbox.switches import FaultError
from sandbox.tenant.tenant import Tenant

__all__ = ["Clock", "Fault", "FaultError", "Faults", "Served", "Tenant", "serve"]
