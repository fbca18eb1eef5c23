"""Made-up events straight into the columns of `audit_events`, a day at a time, fast: DuckDB makes them.

Shape: ids are random (only a bloom filter can find one; ids that follow time would prune better), actors follow
a skewed distribution over so many people as are asked for, `raw` is a record as the feed would serve it, and on
one day in ten one record in 2,000 has a second version (the next morning's re-read found it changed).
"""

import argparse
import json
from datetime import date

import duckdb
import pyarrow as pa

from warehouse.tables.schema import AUDIT_EVENTS

_ROWS = """
with drawn as (
  select i, {salt} + i as n, hash({salt} + i, 1) as h, hash({salt} + i, 2) as g,
         (hash({salt} + i, 3) % 1000000) / 1e6 as u, md5(({salt} + i)::varchar) as m
  from range({count}) as r(i)
), timed as (
  select *, timestamptz '{day} 00:00:00+00' + to_microseconds((h % 86400000000)::bigint) as moment,
         floor({actors} * u * u)::integer as who
  from drawn
), said as (
  select *, 'activity_01' || substr(m, 1, 22) as id,
         strftime(moment at time zone 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') as at_text,
         (['claude_chat_created','claude_chat_viewed','claude_chat_updated','claude_file_uploaded',
           'claude_project_viewed','claude_chat_deleted','claude_project_created','sso_login_succeeded',
           'cowork_session_updated','claude_file_deleted','role_assignment_granted','claude_chat_settings_updated'
         ])[1 + least(g % 12, (g // 12) % 12)::integer] as kind,
         printf('user_01BenchActor%010d', who) as actor, printf('person%d@example.com', who) as email,
         printf('192.0.2.%d', hash(who, g % 3) % 250) as ip,
         printf('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_%d) AppleWebKit/605.1.15 (KHTML, like Gecko) '
                'Version/%d.1 Safari/605.1.15', hash(who) % 8, hash(who, 9) % 20) as agent,
         'claude_chat_01' || substr(m, 10, 22) as chat,
         'claude_proj_01' || md5((who * 7 + g % 9)::varchar) as project
  from timed
), written as (
  select *, '{{"id":"' || id || '","created_at":"' || at_text
         || '","organization_id":"org_01Wv6QeBcDfGhJkLmNpQrSt8",'
         '"organization_uuid":"91012d09-e48b-438e-a489-1bebfd8fa6f9",'
         '"actor":{{"type":"user_actor","email_address":"' || email || '","user_id":"' || actor
         || '","ip_address":"' || ip || '","user_agent":"' || agent
         || '"}},"type":"' || kind || '","claude_chat_id":"' || chat
         || '","claude_project_id":"' || project || '"}}' as raw
  from said
), versions as (
  select *, 1 as version, 'first' as fold from written
  union all
  select * replace (replace(raw, email, '[redacted]') as raw, '[redacted]' as email), 2, 'revised'
  from written where n % 2000 = 0 and {number} % 10 = 0
)
select id, moment as created_at, at_text as created_at_text, kind as type,
       'org_01Wv6QeBcDfGhJkLmNpQrSt8' as organization_id,
       '91012d09-e48b-438e-a489-1bebfd8fa6f9' as organization_uuid,
       'user_actor' as actor_type, actor as actor_id, email as actor_email, ip as ip_address, agent as user_agent,
       chat as claude_chat_id, project as claude_project_id, null::varchar as claude_file_id,
       null::varchar as filename, null::varchar as user_id, null::varchar as group_id, null::varchar as session_id,
       null::varchar as request_id, null::varchar as url, null::varchar as auth_method,
       raw, null::blob as raw_bytes, timestamptz '{day} 00:00:00+00' + interval 26 hour as observed_at,
       {seq}::bigint as commit_seq, (1 + i // 5000)::integer as page, (i % 5000)::integer as position,
       version::integer as version, fold, sha256(raw) as content_sha256, false as unknown_event,
       null::varchar[] as unknown_fields
from versions
"""


def day_of_rows(db: duckdb.DuckDBPyConnection, day: date, count: int, people: int = 2_000) -> pa.Table:
    """`count` records of a day and the second versions of a few, in order of time."""
    number = day.toordinal()
    sql = _ROWS.format(
        number=number, salt=number * 100_000_000, count=count, day=day.isoformat(), actors=people, seq=number
    )
    reader = db.execute(sql + " order by created_at, version").to_arrow_reader(65_536)
    return reader.read_all().cast(AUDIT_EVENTS)


def average_actor(people: int) -> str:
    """The one of average activity: a quarter down a distribution that goes with the square root."""
    return f"user_01BenchActor{people // 4:010d}"


def id_of(db: duckdb.DuckDBPyConnection, day: date, position: int) -> str:
    """The id of one of that day's records."""
    number = day.toordinal() * 100_000_000 + position
    found = db.execute("select 'activity_01' || substr(md5(?::varchar), 1, 22)", [number]).fetchone()
    assert found is not None
    return str(found[0])


def main() -> None:
    """Print what can be asked for: the id of a record, and the actor of average activity."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--day", type=date.fromisoformat, required=True)
    parser.add_argument("--position", type=int, required=True)
    parser.add_argument("--people", type=int, required=True)
    options = parser.parse_args()
    with duckdb.connect() as db:
        print(json.dumps({"id": id_of(db, options.day, options.position), "actor": average_actor(options.people)}))


if __name__ == "__main__":
    main()
