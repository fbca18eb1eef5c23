"""Choosing pairs of export rows and feed events, one to one, as a chain of SQL steps over `step_0`.

Promise: no row and no event is in two chosen pairs; a pair left open at the end means undecided, never "lacking".
Each step reads the one before it once, so that an engine which inlines them still plans them in linear time.
"""

from typing import Final

# alike: equal times first. even: bursts of as many on both sides with a constant lag. mutual: the nearest of each
# other. ordinal: long chains in which each would wait for its neighbour; the first with the first, and so on.
STEPS: Final = ("alike", "even", *["mutual"] * 8, "ordinal", *["mutual"] * 3)
_SETTLING: Final = (1, 2)  # after these nearly all is settled; the steps that follow see only the rest

PAIR: Final = "row_key, event_id, email, feed_type, row_us, row_nth, event_us, delta, unlike, choice"

_MUTUAL: Final = """,
wished_{n} as (
  select *,
         min(case when is_open = 1 then choice end) over (partition by row_key) as row_wish,
         min(case when is_open = 1 then choice end) over (partition by event_id) as event_wish
  from {before}
),
chosen_{n} as {kept} (
  select {pair}, is_open,
         case when is_chosen = 1 or (is_open = 1 and choice = row_wish and choice = event_wish{only})
              then 1 else 0 end as is_chosen
  from wished_{n}
)"""

_ORDINAL: Final = """,
wished_{n} as (
  select *,
         dense_rank() over (partition by email, feed_type, is_open order by row_us, row_nth, row_key) as row_wish,
         dense_rank() over (partition by email, feed_type, is_open order by event_us, event_id) as event_wish
  from {before}
),
chosen_{n} as {kept} (
  select {pair}, is_open,
         case when is_chosen = 1 or (is_open = 1 and row_wish = event_wish) then 1 else 0 end as is_chosen
  from wished_{n}
)"""

# An island is a run of rows and events of one actor and type without a pause longer than the tolerance. Where it
# has as many rows as events, and the nth of both are apart by nearly the same for each n, they belong together in
# order: a constant lag in a dense burst would mislead a choice by nearness alone. Pairs outside the tolerance do
# not exist here, so counting those that do tells whether all are within it.
_EVEN: Final = """,
points_{n} as (
  select email, feed_type, row_us as us, row_nth as nth, row_key as id, 0 as side
  from {before} where is_open = 1
  group by email, feed_type, row_us, row_nth, row_key
  union all
  select email, feed_type, event_us, 0, event_id, 1
  from {before} where is_open = 1
  group by email, feed_type, event_us, event_id
),
paused_{n} as (
  select *, case when us - lag(us) over (partition by email, feed_type order by us) > {tolerance}
                 then 1 else 0 end as is_pause
  from points_{n}
),
islands_{n} as (
  select *, sum(is_pause) over (partition by email, feed_type order by us
                                range between unbounded preceding and current row) as island
  from paused_{n}
),
ranked_{n} as {kept} (
  select id, side, email, feed_type, island,
         row_number() over (partition by email, feed_type, island, side order by us, nth, id) as place,
         count(*) over (partition by email, feed_type, island) as members,
         sum(side) over (partition by email, feed_type, island) as events
  from islands_{n}
),
wished_{n} as (
  select p.*, r.members, r.events, r.island,
         case when p.is_open = 1 and r.place = e.place then 1 else 0 end as is_even
  from {before} as p
  left join ranked_{n} as r on r.side = 0 and r.id = p.row_key
  left join ranked_{n} as e on e.side = 1 and e.id = p.event_id
),
counted_{n} as (
  select *, sum(is_even) over (partition by email, feed_type, island) as evens,
         max(case when is_even = 1 then delta end) over (partition by email, feed_type, island)
           - min(case when is_even = 1 then delta end) over (partition by email, feed_type, island) as spread
  from wished_{n}
),
chosen_{n} as {kept} (
  select {pair}, is_open,
         case when is_chosen = 1
                or (is_even = 1 and members = 2 * events and evens = events and 4 * spread <= {tolerance})
              then 1 else 0 end as is_chosen
  from counted_{n}
)"""

_CLOSE: Final = """,
step_{n} as {kept} (
  select {pair}, is_chosen,
         case when max(is_chosen) over (partition by row_key) = 1
                or max(is_chosen) over (partition by event_id) = 1
              then 0 else is_open end as is_open
  from chosen_{n}
)"""

_REST: Final = """,
rest_{n} as {kept} (
  select {pair}, is_chosen, is_open from step_{n} where is_open = 1
)"""

_SETTLED: Final = "select row_key, event_id, delta, is_chosen, is_open from {source}"


def choosing_sql(kept: str, tolerance: int) -> tuple[str, str]:
    """The steps, to follow `step_0` in a WITH list, and a query of all pairs decided.

    `step_0` has the columns PAIR, is_open (1) and is_chosen (0); `choice` is the order of preference over
    all pairs, `unlike` 0 for equal times, `tolerance` microseconds. The query gives row_key, event_id, delta,
    is_chosen, is_open. `kept` is the engine's word for a WITH query that is computed once, or nothing.
    """
    parts: list[str] = []
    settled: list[str] = []
    before = "step_0"
    for n, step in enumerate(STEPS, start=1):
        template = {"even": _EVEN, "ordinal": _ORDINAL}.get(step, _MUTUAL)
        only = " and unlike = 0" if step == "alike" else ""
        parts.append(template.format(n=n, before=before, kept=kept, pair=PAIR, only=only, tolerance=tolerance))
        parts.append(_CLOSE.format(n=n, kept=kept, pair=PAIR))
        before = f"step_{n}"
        if n in _SETTLING:
            settled.append(_SETTLED.format(source=f"{before} where is_open = 0"))
            parts.append(_REST.format(n=n, kept=kept, pair=PAIR))
            before = f"rest_{n}"
    settled.append(_SETTLED.format(source=before))
    return "".join(parts), "\n    union all\n    ".join(settled)
