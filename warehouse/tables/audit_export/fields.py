"""The nine fields of the console's audit-log export, in the documented order.

Source: wire reference section 2.1. Files are read by name: the order in a file does not matter.
"""

from collections.abc import Sequence
from typing import Final

FIELDS: Final = (
    "created_at",
    "actor_info",
    "event",
    "event_info",
    "entity_info",
    "ip_address",
    "device_id",
    "user_agent",
    "client_platform",
)

EXPECTED: Final = (
    "expected the audit-log export of the console (Organization settings > Data and privacy > Export logs): "
    f"a CSV, or a ZIP holding it, or JSON, with the fields {', '.join(FIELDS)}"
)


def what_was_found(names: Sequence[str], what: str = "column") -> str:
    """Of the names in a file that is no export: how many, and which of ours. Others are never repeated: a wrong
    file may be a list of passwords, and its first line one of them."""
    ours = [name for name in FIELDS if name in names]
    number = f"{len(names):,} {what}{'' if len(names) == 1 else 's'}"
    return f"{number}, of the nine {', '.join(ours) if ours else 'none'} (other text of the file is not shown)"
