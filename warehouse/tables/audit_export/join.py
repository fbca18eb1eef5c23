"""The view `audit_export_matches`: which rows of the exports the feed also has, and which it lacks.

Promise: one line per row_key; an event answers at most one row; `feed_lacks` is said only where the row could be
compared and no event was left for it. Standard SQL but for one function and one hint, spelled per `dialect`.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from warehouse.tables.audit_export.choosing import PAIR, choosing_sql
from warehouse.wire.windows import Window

TOLERANCE_MS: Final = 2_000  # feed and export may write another fraction of the second

_MICROSECONDS: Final = {  # the one thing that has no common spelling: a time as whole microseconds since 1970
    "duckdb": "epoch_us({0})",
    "trino": "cast(round(to_unixtime({0}) * 1e6) as bigint)",
}
# DuckDB plans a chain of inlined steps in exponential time; Trino has no such word and plans it in linear time.
_KEPT: Final = {"duckdb": "materialized", "trino": ""}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_CANDIDATES = """
with once as {kept} (
  -- the same row in overlapping exports counts once, as it was first imported
  select row_key, email, feed_type, feed_type_note, us, commit_seq, row_no
  from (
    select row_key, lower(trim(actor_email)) as email, feed_type, feed_type_note, {micros} as us,
           commit_seq, row_no,
           row_number() over (partition by row_key order by commit_seq, export_id, row_no) as copy_no
    from {rows}
  ) as copies
  where copy_no = 1
),
export_side as (
  -- ordinals among rows that are alike at a microsecond, a millisecond, a second; grain: how fine
  -- this actor's times are written, as one side may write whole seconds only
  select row_key, email, feed_type, us, us - us % {width} as bucket,
         min(case when us % 1000000 = 0 then 1000000 when us % 1000 = 0 then 1000 else 1 end)
           over (partition by email, feed_type) as grain,
         row_number() over (partition by email, feed_type, us
                            order by commit_seq, row_no, row_key) - 1 as nth_us,
         row_number() over (partition by email, feed_type, us - us % 1000
                            order by us, commit_seq, row_no, row_key) - 1 as nth_ms,
         row_number() over (partition by email, feed_type, us - us % 1000000
                            order by us, commit_seq, row_no, row_key) - 1 as nth_s
  from once
  where email is not null and feed_type is not null and us is not null
),
export_near as {kept} (
  -- a time within tolerance lies in the row's own bucket or in one beside it: equality joins scale
  select row_key, email, feed_type, bucket + step as bucket
  from export_side cross join (values (0), ({width}), (-{width})) as steps(step)
),
feed as (
  select id, lower(trim(actor_email)) as email, type, {micros} as us
  from {events}
  where actor_email is not null and created_at is not null
),
feed_side as (
  select id, email, type, us, us - us % {width} as bucket,
         min(case when us % 1000000 = 0 then 1000000 when us % 1000 = 0 then 1000 else 1 end)
           over (partition by email, type) as grain,
         row_number() over (partition by email, type, us order by id) - 1 as nth_us,
         row_number() over (partition by email, type, us - us % 1000 order by us, id) - 1 as nth_ms,
         row_number() over (partition by email, type, us - us % 1000000 order by us, id) - 1 as nth_s
  from feed
  where exists (
    select 1 from export_near as n
    where n.email = feed.email and n.feed_type = feed.type and n.bucket = feed.us - feed.us % {width}
  )
),
pairs as (
  -- alike: the same time at the coarser of both grains, and the same ordinal among those alike
  select n.row_key, f.id as event_id, n.email, n.feed_type, e.us as row_us, f.us as event_us,
         e.nth_us as row_nth, f.nth_us as event_nth, f.us - e.us as delta,
         case greatest(e.grain, f.grain)
           when 1 then case when e.us = f.us and e.nth_us = f.nth_us then 0 else 1 end
           when 1000 then
             case when e.us - e.us % 1000 = f.us - f.us % 1000 and e.nth_ms = f.nth_ms then 0 else 1 end
           else case when e.us - e.us % 1000000 = f.us - f.us % 1000000 and e.nth_s = f.nth_s then 0 else 1 end
         end as unlike
  from export_near as n
  join export_side as e on e.row_key = n.row_key
  join feed_side as f on f.email = n.email and f.type = n.feed_type and f.bucket = n.bucket
  where abs(f.us - e.us) <= {tolerance}
),
placed as (
  select *,
         row_number() over (partition by row_key order by abs(delta), event_us, event_id) - 1 as event_place,
         row_number() over (partition by event_id order by abs(delta), row_us, row_nth, row_key) - 1 as row_place
  from pairs
),
step_0 as {kept} (
  -- one order over all pairs: alike first, then the nearest; of equal rows the nth prefers its nth nearest event
  select {pair}, 0 as is_chosen, 1 as is_open
  from (
    select *,
         row_number() over (
           order by unlike,
                    greatest(0, row_nth - event_place) + greatest(0, event_nth - row_place),
                    abs(delta), abs(row_nth - event_nth), event_us, event_id, row_us, row_nth, row_key
         ) as choice
    from placed
  ) as ordered
)"""

_RESULT = """,
answered as (
  select row_key,
         max(case when is_chosen = 1 then event_id end) as event_id,
         max(case when is_chosen = 1 then delta end) as delta,
         max(is_open) as undecided
  from (
    {decided}
  ) as decided
  group by row_key
),
judged as (
  select o.row_key, a.event_id, a.delta,
         case when a.event_id is not null then null
              when o.us is null then 'the row has no readable time'
              when o.feed_type is null then coalesce(o.feed_type_note, 'no feed type known for this event')
              when o.email is null then 'the row names no actor by e-mail'
              when a.undecided = 1 then 'more rows and events alike than could be told apart'
              when not ({covered}) then 'the feed was not pulled for this time'
         end as reason
  from once as o
  left join answered as a on a.row_key = o.row_key
)
select row_key, event_id,
       case when event_id is not null then 'feed_has' when reason is not null then 'not_comparable'
            else 'feed_lacks' end as match,
       delta / 1e3 as delta_ms,
       reason
from judged
"""


def audit_export_matches_sql(
    prefix: str = "",
    *,
    covered: Sequence[Window] | None = None,
    tolerance_ms: int = TOLERANCE_MS,
    dialect: str = "duckdb",
    rows: str = "",
    events: str = "",
) -> str:
    """The SELECT of `audit_export_matches` over `{prefix}audit_export_rows` and `{prefix}audit_events`, or over
    the relations `rows` and `events` in their place.

    Columns: row_key, event_id (null if none), match (`feed_has`, `feed_lacks`, `not_comparable`), delta_ms
    (feed minus export, double), reason (why not comparable). Compared are actor e-mail without regard to case,
    feed type, and time within `tolerance_ms`. Pairs are chosen one to one, best first: equal times (at the coarser
    grain of the two) with equal ordinals, then bursts of equal size with a constant lag, then the smallest
    difference. In a dense burst with something missing, the row that lacks may be a neighbour of the true one.
    `covered`: where the feed was pulled whole (merged windows); a row not within it for the full tolerance
    either side is not called lacking. None: coverage is not judged. `dialect`: duckdb or trino.
    """
    if tolerance_ms < 1:
        raise ValueError(f"the tolerance is in milliseconds and at least 1, not {tolerance_ms}")
    tolerance = tolerance_ms * 1000
    microseconds, kept = _MICROSECONDS[dialect], _KEPT[dialect]
    candidates = _CANDIDATES.format(
        rows=rows or f"{prefix}audit_export_rows",
        events=events or f"{prefix}audit_events",
        kept=kept,
        pair=PAIR,
        micros=microseconds.format("created_at"),
        width=tolerance,
        tolerance=tolerance,
    )
    steps, decided = choosing_sql(kept, tolerance)
    return candidates + steps + _RESULT.format(decided=decided, covered=_within(covered, tolerance))


def _within(covered: Sequence[Window] | None, tolerance: int) -> str:
    if covered is None:
        return "true"
    spans = [
        (_microseconds(window.start) + tolerance, _microseconds(window.end) - tolerance) for window in covered
    ]
    return " or ".join(f"o.us >= {start} and o.us < {end}" for start, end in spans if start < end) or "false"


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
