"""The receivers of the fault matrix: the sandbox's intakes, and a bucket for each type that writes into one.

Each takes the same names of faults; `on` says whether the receiver can have that fault at all.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from random import Random
from typing import Any

import pyarrow.parquet as pq

from sandbox import Clock
from sandbox.intakes import Intake, serve_intakes
from tests.delivery.everywhere import CLOUD
from tests.warehouse.archive.s3_server import Answer, Meddler, Request, client, meddler, new_bucket, refusal

_SYSLOG = {"cut": "cut", "cut_before_reply": "cut_before_reply", "slow": "stall"}


@dataclass
class Receiver:
    """given: settings of a sender. on: switch a fault on, False where it cannot happen here. ids: of stored
    events, in order. wrong: what a strict receiver wrote down.
    """

    given: dict[str, Any]
    on: Callable[..., bool]
    clear: Callable[[], None]
    ids: Callable[[], list[str]]
    wrong: Callable[[], list[str]]


@contextmanager
def receivers(clock: Clock) -> Iterator[dict[str, Receiver]]:
    """One receiver for each type."""
    with ExitStack() as stack:
        served = stack.enter_context(serve_intakes(clock=clock))
        served["secops"].clock = Clock.parse("real")  # whoever asks for a token says the true time
        made = {type: _intake(served[type], given) for type, given in served.settings.items()}
        for type in CLOUD:
            made[type] = _bucket(type, stack.enter_context(meddler()))
        yield made


def _intake(intake: Intake, given: dict[str, Any]) -> Receiver:
    def on(kind: str, **settings: Any) -> bool:
        name = _SYSLOG.get(kind, "") if intake.name == "syslog" else kind
        if not name:
            return False
        if kind == "expired_token" and kind not in intake.faults_of_its_own:
            name = "unauthorized"  # a key or password that is revoked in mid-work: there is no other to be had
            settings.pop("next")
        intake.faults.on(name, **settings)
        return True

    return Receiver(
        given,
        on,
        intake.faults.clear,
        lambda: [str(id) for id in intake.ids()],
        lambda: intake.violations,
    )


def _bucket(type: str, way: Meddler) -> Receiver:
    bucket, draw = new_bucket(lock=False), Random(7)
    given: dict[str, Any] = {"url": f"s3://{bucket}/stage", "s3_endpoint": way.endpoint}
    if type == "security_lake":
        given |= {"url": f"s3://{bucket}/ext/CLAUDE", "region": "us-east-1", "account_id": "123456789012"}

    def on(kind: str, **settings: Any) -> bool:
        left, skip = settings.get("next"), settings.get("skip", 0)
        probability, status = settings.get("probability", 1.0), settings.get("status", 500)
        answers: dict[str, Answer | None] = {
            "retry_after": refusal(503, "SlowDown"),
            "error": refusal(status, {404: "NoSuchBucket"}.get(status, "InternalError")),
            "gateway": Answer(status, {"content-type": "text/html"}, b"<html>Bad Gateway</html>"),
            "too_large": refusal(400, "EntityTooLarge"),
            "unauthorized": refusal(403, "InvalidAccessKeyId"),
            "expired_token": refusal(400, "ExpiredToken"),
            "forbidden": refusal(403, "AccessDenied"),
            "redirect": refusal(301, "PermanentRedirect"),
            "slow": None,
            "cut": None,
            "cut_before_reply": None,
        }
        if kind not in answers:
            return False

        def fires(request: Request) -> bool:
            nonlocal left, skip
            if request.method != "PUT" or left == 0 or draw.random() >= probability:
                return False
            if skip:
                skip -= 1
                return False
            if left is not None and kind != "expired_token":
                left -= 1
            return True

        def before(request: Request) -> Answer | None:
            if kind == "cut_before_reply" or not fires(request):
                return None
            if kind == "cut":
                raise OSError("hangs up")
            if kind == "slow":
                time.sleep(settings["seconds"])
            return answers[kind]

        def after(request: Request, answer: Answer) -> Answer | None:
            return None if kind == "cut_before_reply" and fires(request) else answer

        way.before, way.after = before, after
        return True

    def ids() -> list[str]:
        found = []
        for listed in client().list_objects_v2(Bucket=bucket).get("Contents", []):
            data = client().get_object(Bucket=bucket, Key=listed["Key"])["Body"].read()
            rows = pq.read_table(BytesIO(data)).to_pylist()
            found += [row["event_id"] if type == "snowflake" else row["metadata"]["uid"] for row in rows]
        return found

    return Receiver(given, on, way.reset, ids, list)
