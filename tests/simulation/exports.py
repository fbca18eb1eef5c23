"""Export files of the console, as somebody hands them in: three that overlap, and the rows that are in them."""

from __future__ import annotations

NAMES = ("one.csv", "two.csv", "three.csv")
_ROWS = {"one.csv": range(6), "two.csv": range(3, 9), "three.csv": range(8, 10)}
_HEAD = "created_at,actor_info,event,event_info,entity_info,ip_address,device_id,user_agent,client_platform"


def file_named(name: str) -> bytes:
    return "\r\n".join([_HEAD, *(_row(number) for number in _ROWS[name]), ""]).encode()


def rows_of(names: set[str]) -> set[str]:
    """`created_at`, as written, of every row of these files; no two rows have the same."""
    return {_at(number) for name in names for number in _ROWS[name]}


def _row(number: int) -> str:
    actor = f"\"{{'name': 'Jane O'Neil {number}', 'uuid': 'u-{number}', 'metadata': {{}}}}\""
    return f"{_at(number)},{actor},conversation_created,{{}},,192.0.2.34,,Mozilla,web"


def _at(number: int) -> str:
    return f"2026-11-{14 + number % 4}T10:00:{number:02}.000000Z"
