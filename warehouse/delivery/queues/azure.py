"""Azure Queue Storage. It has no dead letters, so there is a poison queue of our own beside it: `<name>-poison`.

Promise: a message that nobody can use is put into the poison queue before it is taken out of this one; a crash in
between leaves it in both.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from warehouse.config.delivery import Delivery
from warehouse.delivery.errors import QueueUnreachable, QueueUnusable
from warehouse.delivery.queues.port import HIDDEN_SECONDS, Claim, Message

_AT_ONCE = 10
_POLL_SECONDS = 1.0
# Of the service; later ones ask for nothing that is used here.
API_VERSION = "2023-11-03"


class AzureQueue:
    """One queue and its poison queue, by Microsoft's clients. Raises QueueUnusable, QueueUnreachable."""

    name = "azure"

    def __init__(self, queue: Any, poison: Any, tries: int) -> None:
        self._queue, self._poison = queue, poison
        self.tries: int | None = tries
        for one in (queue, poison):
            with _said(one.queue_name):
                one.get_queue_properties()

    def send(self, claims: Sequence[Claim]) -> None:
        for one in claims:
            with _said(self._queue.queue_name):
                self._queue.send_message(one.to_text(), time_to_live=-1)

    def receive(self, wait_seconds: float) -> list[Message]:
        import time  # noqa: PLC0415 - the service has no long poll

        end = time.monotonic() + wait_seconds
        while True:
            with _said(self._queue.queue_name):
                found = list(
                    self._queue.receive_messages(
                        max_messages=_AT_ONCE, messages_per_page=_AT_ONCE, visibility_timeout=HIDDEN_SECONDS
                    )
                )
            if found or time.monotonic() >= end:
                return [Message(str(one.content), int(one.dequeue_count or 1), one, str(one.id)) for one in found]
            time.sleep(min(_POLL_SECONDS, max(0.0, end - time.monotonic())))

    def done(self, messages: Sequence[Message]) -> None:
        for one in messages:
            with _said(self._queue.queue_name, gone_is_fine=True):
                self._queue.delete_message(one.handle)

    def failed(self, message: Message) -> bool:
        if self.tries is None or message.times < self.tries:
            with _said(self._queue.queue_name, gone_is_fine=True):
                self._queue.update_message(message.handle, visibility_timeout=0)
            return False
        with _said(self._poison.queue_name):
            self._poison.send_message(message.text, time_to_live=-1)
        self.done([message])
        return True

    def waiting(self) -> int | None:
        return self._count(self._queue)

    def dead(self) -> int | None:
        return self._count(self._poison)

    def _count(self, queue: Any) -> int:
        with _said(queue.queue_name):
            return int(queue.get_queue_properties().approximate_message_count or 0)

    def close(self) -> None:
        self._queue.close()
        self._poison.close()


def open_queue(settings: Delivery) -> AzureQueue:
    """The queue at `queue_url` (`https://ACCOUNT.queue.core.windows.net/NAME`) and `NAME-poison` beside it."""
    try:
        from azure.storage.queue import (  # noqa: PLC0415 - an extra
            QueueClient,
            TextBase64DecodePolicy,
            TextBase64EncodePolicy,
        )
    except ImportError:
        raise QueueUnusable(
            "the queue needs Azure's libraries, which are not installed", remedy="run: make install EXTRAS=azure"
        ) from None
    account, _, name = settings.queue_url.rpartition("/")
    credential = _credential(settings, account)

    def client(queue: str) -> Any:
        return QueueClient(
            account,
            queue,
            credential=credential,
            api_version=API_VERSION,
            message_encode_policy=TextBase64EncodePolicy(),
            message_decode_policy=TextBase64DecodePolicy(),
            retry_total=2,
            connection_timeout=5,
            read_timeout=30,
        )

    return AzureQueue(client(name), client(f"{name}-poison"), settings.queue_tries)


def _credential(settings: Delivery, account: str) -> Any:
    """A key or a SAS token from `queue_credential`, else the machine's own identity."""
    if settings.queue_credential is None:
        from azure.identity import DefaultAzureCredential  # noqa: PLC0415 - slow, and not always needed

        return DefaultAzureCredential()
    text = settings.queue_credential.reveal()
    if "sig=" in text:
        from azure.core.credentials import AzureSasCredential  # noqa: PLC0415

        return AzureSasCredential(text.lstrip("?"))
    host, _, path = account.partition("://")[2].partition("/")
    return {"account_name": path or host.partition(".")[0], "account_key": text}


@contextmanager
def _said(name: str, *, gone_is_fine: bool = False) -> Iterator[None]:
    """Errors of Azure's package as ours. gone_is_fine: somebody else has the message by now."""
    from azure.core.exceptions import (  # noqa: PLC0415
        AzureError,
        ClientAuthenticationError,
        HttpResponseError,
        ResourceNotFoundError,
    )

    try:
        yield
    except ResourceNotFoundError as missing:
        if gone_is_fine and str(getattr(missing, "error_code", "")) in (
            "MessageNotFound",
            "StorageErrorCode.MESSAGE_NOT_FOUND",
        ):
            return
        raise QueueUnusable(
            f"there is no queue {name}", remedy="make it, and its poison queue NAME-poison, or correct queue_url"
        ) from None
    except ClientAuthenticationError:
        raise QueueUnusable(
            f"Azure refuses the credential for the queue {name}",
            remedy="check queue_credential, or give this machine's identity the role of a queue data contributor",
        ) from None
    except HttpResponseError as refusal:
        if gone_is_fine and refusal.status_code in (400, 404):
            return
        if refusal.status_code in (400, 403):
            code = getattr(refusal, "error_code", None) or refusal.status_code
            raise QueueUnusable(
                f"Azure refuses a request to the queue {name} ({code})",
                remedy="check queue_url and queue_credential",
            ) from None
        raise QueueUnreachable(f"Azure did not answer for the queue {name} ({refusal.status_code})") from None
    except AzureError as problem:
        raise QueueUnreachable(
            f"Azure could not be asked for the queue {name} ({type(problem).__name__})"
        ) from None
