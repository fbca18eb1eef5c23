"""Runs the catalogue's statements in Athena, one after another, through the client it is handed.

Promise: stops at the first statement that fails and says which.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any, Final

_POLL_SECONDS: Final = 0.5
_ENDED: Final = {"SUCCEEDED", "FAILED", "CANCELLED"}


class CatalogueRefused(Exception):
    """Athena did not take a statement; the message has its first line and Athena's reason."""


def run(
    client: Any,
    statements: Iterable[str],
    *,
    workgroup: str,
    timeout: float = 120,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Run each statement in a workgroup (which says where answers go); returns how many. `client` is boto3's of
    Athena. Raises CatalogueRefused, also where a statement takes longer than `timeout` seconds."""
    done = 0
    for statement in statements:
        started = client.start_query_execution(QueryString=statement, WorkGroup=workgroup)
        status = _ended(client, started["QueryExecutionId"], timeout, sleep)
        if status["State"] != "SUCCEEDED":
            first = statement.strip().partition("\n")[0][:120]
            reason = status.get(
                "StateChangeReason", f"it is {status['State'].lower()} after {timeout:.0f} seconds"
            )
            raise CatalogueRefused(f"Athena did not take `{first}`: {reason}")
        done += 1
    return done


def _ended(client: Any, execution: str, timeout: float, sleep: Callable[[float], None]) -> dict[str, Any]:
    waited = 0.0
    while True:
        answer = client.get_query_execution(QueryExecutionId=execution)
        status: dict[str, Any] = answer["QueryExecution"]["Status"]
        if status["State"] in _ENDED or waited >= timeout:
            return status
        sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS
