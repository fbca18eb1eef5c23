"""Queues of claim checks: a commit says that it is there, and whoever forwards does not have to ask the log.

The archive stays the truth: a claim that is lost, late or repeated changes nothing about what is delivered.
"""

from importlib import import_module
from typing import cast

from warehouse.config.delivery import Delivery
from warehouse.delivery.queues.port import Queue

# setting -> module with `open_queue(settings)`; with `log` there is no queue beside the log
MODULES = {"log": "log", "sqs": "sqs", "azure": "azure", "pubsub": "pubsub"}


def open_queue(settings: Delivery) -> Queue:
    """The configured queue. Raises QueueUnusable where it cannot be used as it is set up."""
    module = import_module(f"{__name__}.{MODULES[settings.queue]}")
    return cast(Queue, module.open_queue(settings))
