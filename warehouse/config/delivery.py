"""[delivery] of ledgerline.toml: the queue through which a commit says that it is there."""

import re
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from warehouse.config.secrets import RIGHT
from warehouse.config.values import OptionalSecret, Section, check_url


class Delivery(Section):
    """[delivery]: the queue through which a commit says that it is there. `log`: none, the log is asked."""

    queue: Literal["log", "sqs", "azure", "pubsub"] = Field(
        default="log", description='"log", "sqs", "azure" or "pubsub"'
    )
    queue_url: str = Field(
        default="",
        validate_default=True,
        description='the queue: "https://sqs.REGION.amazonaws.com/ACCOUNT/NAME", '
        '"https://ACCOUNT.queue.core.windows.net/NAME" or "projects/PROJECT/topics/TOPIC"; "" for log',
    )
    queue_subscription: str = Field(
        default="",
        validate_default=True,
        description='with pubsub "projects/PROJECT/subscriptions/NAME", else ""',
    )
    queue_credential: OptionalSecret = Field(default=None, description=f'"" or {RIGHT}')
    queue_tries: int = Field(default=5, ge=1, le=100, description="a whole number from 1 to 100")

    @field_validator("queue_url")
    @classmethod
    def _an_address_of_its_kind(cls, url: str, info: ValidationInfo) -> str:
        queue = info.data.get("queue", "log")
        if queue == "log":
            if url:
                raise ValueError("is set, but queue is log")
            return url
        if not url:
            raise ValueError(f"is missing, and queue is {queue}")
        if queue == "pubsub":
            if not re.fullmatch(r"projects/[\w.:-]+/topics/[\w.~%+-]+", url):
                raise ValueError("is not the name of a topic")
            return url
        check_url(url)
        if "/" not in url.partition("://")[2].strip("/"):
            raise ValueError("names no queue after the host")
        return url.rstrip("/")

    @field_validator("queue_subscription")
    @classmethod
    def _with_pubsub_only(cls, name: str, info: ValidationInfo) -> str:
        if (info.data.get("queue") == "pubsub") != bool(name):
            raise ValueError("belongs to pubsub and to nothing else")
        if name and not re.fullmatch(r"projects/[\w.:-]+/subscriptions/[\w.~%+-]+", name):
            raise ValueError("is not the name of a subscription")
        return name
