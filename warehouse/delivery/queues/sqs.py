"""Amazon SQS. Its own redrive policy moves a message to the dead-letter queue after `maxReceiveCount` receipts.

Promise: a queue without a dead-letter queue is refused, because a message that nobody can use would come back for
ever.
"""

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from warehouse.config.delivery import Delivery
from warehouse.delivery.errors import QueueUnreachable, QueueUnusable
from warehouse.delivery.queues.port import HIDDEN_SECONDS, Claim, Message

_AT_ONCE = 10  # of one request (reference 11.1)
_LONGEST_WAIT = 20
_REGION = re.compile(r"sqs\.([a-z0-9-]+)\.amazonaws\.")


class SqsQueue:
    """One queue by its URL. `client` is boto3's. Raises QueueUnusable, QueueUnreachable."""

    name = "sqs"

    def __init__(self, url: str, client: Any) -> None:
        self._url, self._client = url, client
        with _said("sqs:GetQueueAttributes", url):
            found = client.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
        policy = json.loads(found.get("Attributes", {}).get("RedrivePolicy", "{}"))
        if not policy.get("deadLetterTargetArn"):
            raise QueueUnusable(
                f"the queue {url} has no dead-letter queue",
                remedy="make one and set it in the queue's redrive policy, with maxReceiveCount 5",
            )
        self.tries: int | None = int(policy["maxReceiveCount"])
        self._dead_name = str(policy["deadLetterTargetArn"]).rpartition(":")[2]

    def send(self, claims: Sequence[Claim]) -> None:
        for start in range(0, len(claims), _AT_ONCE):
            some = claims[start : start + _AT_ONCE]
            entries = [{"Id": str(number), "MessageBody": one.to_text()} for number, one in enumerate(some)]
            with _said("sqs:SendMessage", self._url):
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            failed = answer.get("Failed", [])  # the request itself is 200 all the same
            if failed:
                raise QueueUnreachable(
                    f"SQS took {len(some) - len(failed)} of {len(some)} claims ({failed[0]['Code']})"
                )

    def receive(self, wait_seconds: float) -> list[Message]:
        with _said("sqs:ReceiveMessage", self._url):
            answer = self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=_AT_ONCE,
                WaitTimeSeconds=min(_LONGEST_WAIT, int(wait_seconds)),
                VisibilityTimeout=HIDDEN_SECONDS,
                MessageSystemAttributeNames=["ApproximateReceiveCount"],
            )
        return [
            Message(
                one["Body"],
                int(one.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
                one["ReceiptHandle"],
                one["MessageId"],
            )
            for one in answer.get("Messages", [])
        ]

    def done(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), _AT_ONCE):
            some = messages[start : start + _AT_ONCE]
            entries = [{"Id": str(number), "ReceiptHandle": one.handle} for number, one in enumerate(some)]
            with _said("sqs:DeleteMessage", self._url):
                self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)

    def failed(self, message: Message) -> bool:
        with _said("sqs:ChangeMessageVisibility", self._url):
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message.handle, VisibilityTimeout=0
            )
        return self.tries is not None and message.times >= self.tries

    def waiting(self) -> int | None:
        return self._count(self._url)

    def dead(self) -> int | None:
        with _said("sqs:GetQueueUrl", self._dead_name):
            url = self._client.get_queue_url(QueueName=self._dead_name)["QueueUrl"]
        return self._count(url)

    def _count(self, url: str) -> int:
        wanted = "ApproximateNumberOfMessages"
        with _said("sqs:GetQueueAttributes", url):
            found = self._client.get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])
        return int(found["Attributes"][wanted])

    def close(self) -> None:
        self._client.close()


def open_queue(settings: Delivery) -> SqsQueue:
    """The queue at `queue_url`, whose host is also where it is asked."""
    try:
        import boto3  # noqa: PLC0415 - an extra
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise QueueUnusable(
            "the queue needs the AWS libraries, which are not installed", remedy="run: make install EXTRAS=aws"
        ) from None
    parts = urlsplit(settings.queue_url)
    region = _REGION.match(parts.netloc)
    session = boto3.Session()
    client = session.client(
        "sqs",
        endpoint_url=f"{parts.scheme}://{parts.netloc}",
        region_name=region[1] if region else session.region_name or "us-east-1",
        config=Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard", "max_attempts": 2}),
    )
    return SqsQueue(settings.queue_url, client)


@contextmanager
def _said(action: str, where: str) -> Iterator[None]:
    """Errors of boto3 as ours."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError  # noqa: PLC0415

    try:
        yield
    except ClientError as refusal:
        code = str(refusal.response.get("Error", {}).get("Code", "error"))
        status = int(refusal.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        if status >= 500 or "Throttl" in code:
            raise QueueUnreachable(f"SQS did not answer {action} for {where} ({code})") from None
        raise QueueUnusable(
            f"SQS refused {action} for {where} ({code})",
            remedy=f"check queue_url, and that this machine's AWS identity may {action}",
        ) from None
    except NoCredentialsError:
        raise QueueUnusable(
            f"there are no AWS credentials for the queue {where}",
            remedy="give this machine a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ) from None
    except BotoCoreError as problem:
        raise QueueUnreachable(f"SQS could not be asked for {where} ({type(problem).__name__})") from None
