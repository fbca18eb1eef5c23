"""Google Pub/Sub, by Google's own package. The subscription's dead-letter policy moves a message to its topic.

Promise: a subscription without a dead-letter topic is refused. The server counts deliveries for it, and tells.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec

from warehouse.config.delivery import Delivery
from warehouse.delivery.errors import QueueUnreachable, QueueUnusable
from warehouse.delivery.queues.port import HIDDEN_SECONDS, Claim, Message

_AT_ONCE = 10
_ANSWER_SECONDS = 10.0


class PubSubQueue:
    """A topic and one subscription to it. Raises QueueUnusable, QueueUnreachable."""

    name = "pubsub"

    def __init__(self, topic: str, subscription: str, publisher: Any, subscriber: Any) -> None:
        self._topic, self._subscription = topic, subscription
        self._publisher, self._subscriber = publisher, subscriber
        with _said(subscription):
            found = subscriber.get_subscription(request={"subscription": subscription}, timeout=_ANSWER_SECONDS)
        policy = found.dead_letter_policy
        if not policy.dead_letter_topic:
            raise QueueUnusable(
                f"the subscription {subscription} has no dead-letter topic",
                remedy="set one on it, with at most 5 delivery attempts, and subscribe to that topic",
            )
        self.tries: int | None = int(policy.max_delivery_attempts) or 5

    def send(self, claims: Sequence[Claim]) -> None:
        messages = [{"data": one.to_text().encode()} for one in claims]
        with _said(self._topic):
            self._publisher.publish(request={"topic": self._topic, "messages": messages}, timeout=_ANSWER_SECONDS)

    def receive(self, wait_seconds: float) -> list[Message]:
        from google.api_core.exceptions import DeadlineExceeded  # noqa: PLC0415

        request = {"subscription": self._subscription, "max_messages": _AT_ONCE}
        try:
            with _said(self._subscription, let=DeadlineExceeded):
                answer = self._subscriber.pull(request=request, timeout=max(1.0, wait_seconds), retry=None)
        except DeadlineExceeded:  # nothing came
            return []
        found = [
            Message(
                one.message.data.decode("utf-8", "replace"),
                int(one.delivery_attempt) or 1,
                one.ack_id,
                one.message.message_id,
            )
            for one in answer.received_messages
        ]
        self._hide([one.handle for one in found], HIDDEN_SECONDS)
        return found

    def done(self, messages: Sequence[Message]) -> None:
        if messages:
            request = {"subscription": self._subscription, "ack_ids": [one.handle for one in messages]}
            with _said(self._subscription):
                self._subscriber.acknowledge(request=request, timeout=_ANSWER_SECONDS)

    def failed(self, message: Message) -> bool:
        self._hide([message.handle], 0)
        return self.tries is not None and message.times >= self.tries

    def waiting(self) -> int | None:
        return None  # only Cloud Monitoring knows

    def dead(self) -> int | None:
        return None  # the dead-letter topic's own subscriptions know

    def close(self) -> None:
        self._publisher.transport.close()
        self._subscriber.transport.close()

    def _hide(self, handles: list[str], seconds: int) -> None:
        if handles:
            request = {
                "subscription": self._subscription,
                "ack_ids": handles,
                "ack_deadline_seconds": seconds,
            }
            with _said(self._subscription):
                self._subscriber.modify_ack_deadline(request=request, timeout=_ANSWER_SECONDS)


def open_queue(settings: Delivery) -> PubSubQueue:
    """The topic at `queue_url` and the subscription `queue_subscription`; an emulator at $PUBSUB_EMULATOR_HOST."""
    try:
        from google.pubsub_v1.services.publisher import PublisherClient  # noqa: PLC0415 - an extra, and slow
        from google.pubsub_v1.services.subscriber import SubscriberClient  # noqa: PLC0415
    except ImportError:
        raise QueueUnusable(
            "the queue needs Google's Pub/Sub library, which is not installed",
            remedy="run: make install EXTRAS=pubsub",
        ) from None
    publisher, subscriber = _client(PublisherClient, settings), _client(SubscriberClient, settings)
    return PubSubQueue(settings.queue_url, settings.queue_subscription, publisher, subscriber)


def _client(kind: Any, settings: Delivery) -> Any:
    emulator = os.environ.get("PUBSUB_EMULATOR_HOST")
    if emulator:
        import grpc  # noqa: PLC0415

        return kind(transport=kind.get_transport_class("grpc")(channel=grpc.insecure_channel(emulator)))
    if settings.queue_credential is None:
        return kind()
    from google.oauth2.service_account import Credentials  # noqa: PLC0415

    key = msgspec.json.decode(settings.queue_credential.reveal_bytes())
    return kind(credentials=Credentials.from_service_account_info(key))


@contextmanager
def _said(name: str, *, let: type[Exception] | None = None) -> Iterator[None]:
    """Errors of Google's package as ours; `let` passes."""
    from google.api_core.exceptions import (  # noqa: PLC0415
        Forbidden,
        GoogleAPICallError,
        NotFound,
        RetryError,
        Unauthenticated,
    )

    try:
        yield
    except NotFound:
        raise QueueUnusable(
            f"there is no {name}", remedy="make it, or correct queue_url and queue_subscription"
        ) from None
    except (Forbidden, Unauthenticated) as refusal:
        raise QueueUnusable(
            f"Google refuses a request to {name} ({type(refusal).__name__})",
            remedy="check queue_credential, and its roles Pub/Sub Publisher (topic) and Subscriber (subscription)",
        ) from None
    except (GoogleAPICallError, RetryError) as problem:
        if let is not None and isinstance(problem, let):
            raise
        raise QueueUnreachable(f"Pub/Sub did not answer for {name} ({type(problem).__name__})") from None
