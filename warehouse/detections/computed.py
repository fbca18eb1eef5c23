"""Log sources that are no table of the archive: what a row of each is. `assets` makes the rows, rules read them.

Promise: the id of a row follows from what it is about (the day and who spent, the record and its version, the hour
at which it fell silent), so that the same find has the same id; `commit_seq` is the entry its evidence came with.
Amounts and shares are decimals.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from warehouse.detections import claude_code

_TIME = pa.timestamp("us", "UTC")
_MONEY = pa.decimal128(38, 8)
_SHARE = pa.decimal128(18, 4)
_HEAD = [pa.field("id", pa.string()), pa.field("created_at", _TIME), pa.field("commit_seq", pa.int64())]

# A row for each UTC day, actor, product and model. `created_at` is the beginning of the day.
SPEND_DAYS = pa.schema(
    [
        *_HEAD,
        pa.field("day", pa.string()),
        pa.field("actor", pa.string()),
        pa.field("actor_type", pa.string()),
        pa.field("actor_id", pa.string()),
        pa.field("actor_email", pa.string()),
        pa.field("product", pa.string()),
        pa.field("model", pa.string()),
        pa.field("cost", _MONEY),
        pa.field("actor_cost", _MONEY),
        pa.field("usual", _MONEY),
        pa.field("above_usual", _MONEY),
        pa.field("score", _SHARE),
        pa.field("input_tokens", pa.int64()),
        pa.field("cache_share", _SHARE),
        pa.field("usual_cache_share", _SHARE),
        pa.field("model_days", pa.int64()),
        pa.field("dearer_by", _SHARE),
        pa.field("gone", pa.string()),
        pa.field("gone_because", pa.string()),
    ]
)

# A row for each setting, role or key that two snapshots of the directory show differently.
DIRECTORY_CHANGES = pa.schema(
    [
        *_HEAD,
        pa.field("kind", pa.string()),
        pa.field("subject", pa.string()),
        pa.field("name", pa.string()),
        pa.field("old_value", pa.string()),
        pa.field("new_value", pa.string()),
        pa.field("since", _TIME),
        pa.field("activities", pa.int64()),
        pa.field("covered", pa.string()),
    ]
)

# A row for each stretch of whole hours without any activity. `created_at` is its first busy hour, else its first.
FEED_SILENCES = pa.schema(
    [
        *_HEAD,
        pa.field("stream", pa.string()),
        pa.field("hours", pa.int64()),
        pa.field("busy_hours", pa.int64()),
        pa.field("covered", pa.string()),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Computed:
    """One such source. `table` is what its rows are called while rules look at them; `codes` are the fields that
    are compared as they are; `about` says what its rows are, for people."""

    table: str
    schema: pa.Schema
    codes: frozenset[str]
    about: str


COMPUTED: Mapping[str, Computed] = {
    "spend": Computed(
        table="spend_days",
        schema=SPEND_DAYS,
        codes=frozenset({"actor_type", "product", "model", "gone"}),
        about="what each actor spent in a day, by product and model",
    ),
    "directory": Computed(
        table="directory_changes",
        schema=DIRECTORY_CHANGES,
        codes=frozenset({"kind", "covered"}),
        about="what two snapshots of the directory show differently",
    ),
    "feed": Computed(
        table="feed_silences",
        schema=FEED_SILENCES,
        codes=frozenset({"stream", "covered"}),
        about="hours without any activity",
    ),
    "claude_code": Computed(
        table="claude_code_events",
        schema=claude_code.EVENTS,
        codes=claude_code.CODES,
        about="events of Claude Code's telemetry, once each, with what the directory says of the account",
    ),
}
