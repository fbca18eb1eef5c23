"""A detection as one SQL statement: matched events, what makes them enough, and the alerts they become.

Promise: one statement gives the whole answer, in DuckDB and in Athena alike, and gives the same whatever order the
rows come in. Events of a group that follow each other within the rule's gap are one chain; a chain that reaches
the threshold anywhere is one alert, with every event of the chain in it.

Columns of the answer: one VARCHAR for each group-by field (`g0`, `g1`, ..), `first_at`, `last_at`, `event_ids`,
`commit_seqs` (lists in order of time, then id) and `events`.
"""

from collections.abc import Mapping
from datetime import datetime

from warehouse.detections.condition import Dialect
from warehouse.detections.errors import RuleInvalid
from warehouse.detections.places import TABLE as PLACES
from warehouse.detections.rule import Part, Rule
from warehouse.detections.shape import seconds
from warehouse.tables.sql_literal import literal

_LENGTH = {"duckdb": "len(list_distinct({list}))", "athena": "cardinality(array_distinct({list}))"}

EARTH_KM = 6371


def statement(
    rule: Rule,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    dialect: Dialect = "duckdb",
    relation: str | Mapping[str, str] | None = None,
) -> str:
    """The SQL of a rule over events from `since` to `until` (half-open, UTC; None: no bound).

    A rule that reads places joins `address_places`, which must be there (`places.py`; on Athena a table of yours).
    `relation` replaces the source's table: a table with the same columns, or one by name of log source. Athena has
    no rows of a log source that is computed: without a relation for it that raises RuleInvalid. Read
    `rule.look_back` before the window whose alerts are wanted; the engine keeps those with an event inside it.
    """
    groups = [f"g{index}" for index in range(len(rule.group_by))]
    if dialect == "athena" and relation is None and rule.source.computed:
        raise RuleInvalid(
            f"rule {rule.title!r} has no form for Athena: the rows of log source {rule.source.name} are computed",
            remedy="run it with `ledgerline detections run`, and read its alerts from the table alerts",
        )
    matched = [
        _matched(rule, index, part, since, until, dialect, relation)
        for index, part in enumerate(rule.parts, start=1)
    ]
    partition = f"partition by {', '.join(groups)} " if groups else ""
    steps = [*_met(rule, matched), *_counted(rule, partition, dialect), _chained(rule, partition)]
    keys = [*groups, "chain"]
    listed = "".join(f"{name}, " for name in groups)
    return (
        "with "
        + ",\n".join(steps)
        + f"\nselect {listed}min(created_at) as first_at, max(created_at) as last_at,\n"
        "       array_agg(id order by created_at, id) as event_ids,\n"
        "       array_agg(commit_seq order by created_at, id) as commit_seqs, count(*) as events\n"
        f"from chained group by {', '.join(keys)} having max(enough) = 1\n"
        "order by first_at, event_ids"
    )


def _met(rule: Rule, matched: list[str]) -> list[str]:
    """The steps that end in `matched`. Where all parts have to meet, only groups that have the first come along:
    it is mostly rare (somebody left), and the others are not (they worked)."""
    if not rule.kind.startswith("temporal"):
        return ["matched as (\n" + "\n  union all\n".join(matched) + "\n)"]
    first, *later = matched
    same = "".join(f" and led.g{index} = later.g{index}" for index in range(len(rule.group_by)))
    return [
        f"led_by as (\n{first}\n)",
        "matched as (\n  select * from led_by\n  union all\n  select later.* from (\n"
        + "\n  union all\n".join(later)
        + f"\n  ) as later where exists (select 1 from led_by as led where true{same})\n)",
    ]


def _matched(
    rule: Rule,
    number: int,
    part: Part,
    since: datetime | None,
    until: datetime | None,
    dialect: Dialect,
    relation: str | Mapping[str, str] | None,
) -> str:
    source = part.source
    held = relation.get(source.name) if isinstance(relation, Mapping) else relation
    wanted = [f"({part.condition(dialect)})"]
    types = part.types()
    if types is not None and "type" in source.columns:
        listed = ", ".join(literal(kind) for kind in sorted(types))
        wanted.insert(0, f"type in ({listed})")
    if since is not None:
        wanted.append(f"{source.time} >= {moment(since)}")
    if until is not None:
        wanted.append(f"{source.time} < {moment(until)}")
    columns = [
        f"{number} as part",
        f"{source.id} as id",
        f"{source.seq} as commit_seq",
        f"{source.time} as created_at",
    ]
    columns += [f"cast({part.sql(name)} as varchar) as g{i}" for i, name in enumerate(rule.group_by)]
    columns.append(f"cast({part.sql(rule.value_field)} as varchar) as v" if rule.value_field else "null as v")
    if rule.kind == "travel":
        columns += [f"{source.sql('latitude')} as lat", f"{source.sql('longitude')} as lon"]
    if rule.kind != "each":
        wanted += [f"{part.sql(name)} is not null" for name in rule.group_by]
    if rule.value_field:
        wanted.append(f"{part.sql(rule.value_field)} is not null")
    rows = held or source.table
    if rule.needs() and source.open:
        rows += f"\n  left join {PLACES} on {PLACES}.address = ip_address"
    return f"  select {', '.join(columns)}\n  from {rows}\n  where " + "\n    and ".join(wanted)


def moment(time: datetime) -> str:
    """A moment as an SQL literal with its zone."""
    return f"timestamp '{time:%Y-%m-%d %H:%M:%S.%f} UTC'"


def _counted(rule: Rule, partition: str, dialect: Dialect) -> list[str]:
    """The steps that say of each matched event whether the rule has enough with it (`enough` 1 or 0)."""
    steps = {
        "temporal_ordered": _ordered,
        "novelty": _new,
        "silence": _silent,
        "travel": _travelled,
    }
    if rule.kind in steps:
        return steps[rule.kind](rule, partition)
    if rule.kind == "each":
        return ["counted as (select *, 1 as enough from matched)"]
    within = (
        f"over ({partition}order by created_at range between interval '{rule.timespan}' second preceding "
        "and current row)"
    )
    number = f"count(*) {within}"
    if rule.kind != "event_count":
        what = "v" if rule.kind == "value_count" else "part"
        number = _LENGTH[dialect].format(list=f"array_agg({what}) {within}")
    return [
        f"counted as (select *, case when {number} >= {rule.threshold} then 1 else 0 end as enough from matched)"
    ]


def _ordered(rule: Rule, partition: str) -> list[str]:
    """Each part after the one before it: `s<k>` is the latest start of a row of parts 1 to k that ends here."""
    steps = ["ordered1 as (select *, case when part = 1 then created_at end as s1 from matched)"]
    last = len(rule.parts)
    for k in range(2, last + 1):
        before = f"({partition}order by created_at, part, id rows between unbounded preceding and 1 preceding)"
        start = f"max(s{k - 1}) over {before}"
        steps.append(
            f"ordered{k} as (select *, case when part = {k} then {start} end as s{k} from ordered{k - 1})"
        )
    ahead = (
        f"max(done) over ({partition}order by created_at range between current row "
        f"and interval '{rule.timespan}' second following)"
    )
    steps += [
        f"judged as (select *, case when created_at <= s{last} + interval '{rule.timespan}' second "
        f"then 1 else 0 end as done from ordered{last})",
        f"led as (select *, {ahead} as leads from judged)",
        # what led to it comes along; what happened before the first step, or without it, does not
        f"counted as (select *, done as enough from led where done = 1 or (part < {last} and leads = 1))",
    ]
    return steps


def _new(rule: Rule, partition: str) -> list[str]:
    """The first event of a group with a value, if the group has been seen for long enough to know its habits."""
    history = seconds(rule.own.get("history", "7d"))
    by_value = (partition.rstrip() + ", v ") if partition else "partition by v "
    return [
        f"""seen as (
  select *, row_number() over ({by_value}order by created_at, id) as turn,
         min(created_at) over ({partition.strip()}) as known_since
  from matched
)""",
        f"counted as (select *, 1 as enough from seen where turn = 1 "
        f"and created_at >= known_since + interval '{history}' second)",
    ]


def _silent(rule: Rule, partition: str) -> list[str]:
    """An event after so long without any of the group's."""
    quiet = seconds(rule.own.get("for", "30d"))
    return [
        f"seen as (select *, lag(created_at) over ({partition}order by created_at, id) as earlier from matched)",
        f"counted as (select *, 1 as enough from seen where created_at >= earlier + interval '{quiet}' second)",
    ]


def _travelled(rule: Rule, partition: str) -> list[str]:
    """Two places further apart than anybody travels in the time between; both events stay in the chain."""
    speed, least = rule.own.get("km-per-hour", 900), rule.own.get("least-km", 500)
    order = f"over ({partition}order by created_at, id)"
    return [
        f"""seen as (
  select *, lag(lat) {order} as lat0, lag(lon) {order} as lon0, lag(created_at) {order} as earlier
  from matched where lat is not null and lon is not null
)""",
        f"""measured as (
  select *, {2 * EARTH_KM} * asin(sqrt(least(1, pow(sin(radians(lat - lat0) / 2), 2)
         + cos(radians(lat0)) * cos(radians(lat)) * pow(sin(radians(lon - lon0) / 2), 2)))) as km
  from seen
)""",
        # DuckDB's `least` passes over a null, so the first place, which has none before it, is ruled out by name
        f"judged as (select *, case when earlier is not null and km >= {least} and km > {speed} * greatest(1, "
        "date_diff('second', earlier, created_at)) / 3600.0 then 1 else 0 end as arrived from measured)",
        f"paired as (select *, lead(arrived) {order} as departed from judged)",
        "counted as (select *, arrived as enough from paired where arrived = 1 or departed = 1)",
    ]


def _chained(rule: Rule, partition: str) -> str:
    order = f"over ({partition}order by created_at, id"
    return f"""linked as (select *, lag(created_at) {order}) as previous from counted as c{_of_enough(rule)}),
chained as (
  select *, sum(case when previous is null or created_at > previous + interval '{rule.gap}' second
                     then 1 else 0 end) {order} rows unbounded preceding) as chain
  from linked
)"""


def _of_enough(rule: Rule) -> str:
    """Chains are made in those groups only that have enough anywhere; with `each` all have."""
    if rule.kind == "each":
        return ""
    same = "".join(f" and e.g{index} = c.g{index}" for index in range(len(rule.group_by)))
    return f" where exists (select 1 from counted as e where e.enough = 1{same})"
