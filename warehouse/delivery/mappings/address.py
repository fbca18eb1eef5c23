"""Addresses of clients and of mailboxes: whether a text is one. Receivers refuse a whole event for a bad one."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

_MAILBOX = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+\.[A-Za-z0-9.-]+")


@lru_cache(maxsize=65536)
def is_address(text: str) -> bool:
    """Whether `text` is an IPv4 or IPv6 address; a zone (`fe80::1%eth0`) makes it none for receivers."""
    try:
        return ipaddress.ip_address(text) is not None and "%" not in text
    except ValueError:
        return False


@lru_cache(maxsize=65536)
def is_mailbox(text: str) -> bool:
    """Whether `text` is an e-mail address in the form that OCSF's `email_t` takes."""
    return _MAILBOX.fullmatch(text) is not None
