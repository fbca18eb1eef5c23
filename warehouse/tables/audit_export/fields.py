"""The nine fields of the console's audit-log export, in the documented order.

Source: wire reference section 2.1. Files are read by name: the order in a file does not matter.
"""

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
