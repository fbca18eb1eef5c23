-- Snowflake over an archive on S3, Azure or Google Cloud. Set the address; ledgerline_reader is
-- a storage integration of yours that may read below it and nothing else.
create stage if not exists ledgerline_archive url = 's3://example-claude-audit/ledger/'
  storage_integration = ledgerline_reader;

create file format if not exists ledgerline_parquet type = parquet use_logical_type = true binary_as_text = false;

create or replace external table stored_audit_events_recent (
  dt date as (to_date(split_part(split_part(metadata$filename, 'dt=', 2), '/', 1))),
  source_file varchar as (split_part(metadata$filename, '/', -1)),
  id varchar as (value:id::varchar),
  created_at timestamp_ntz as (value:created_at::timestamp_ntz),
  created_at_text varchar as (value:created_at_text::varchar),
  type varchar as (value:type::varchar),
  organization_id varchar as (value:organization_id::varchar),
  organization_uuid varchar as (value:organization_uuid::varchar),
  actor_type varchar as (value:actor_type::varchar),
  actor_id varchar as (value:actor_id::varchar),
  actor_email varchar as (value:actor_email::varchar),
  ip_address varchar as (value:ip_address::varchar),
  user_agent varchar as (value:user_agent::varchar),
  claude_chat_id varchar as (value:claude_chat_id::varchar),
  claude_project_id varchar as (value:claude_project_id::varchar),
  claude_file_id varchar as (value:claude_file_id::varchar),
  filename varchar as (value:filename::varchar),
  user_id varchar as (value:user_id::varchar),
  group_id varchar as (value:group_id::varchar),
  session_id varchar as (value:session_id::varchar),
  request_id varchar as (value:request_id::varchar),
  url varchar as (value:url::varchar),
  auth_method varchar as (value:auth_method::varchar),
  raw varchar as (value:raw::varchar),
  raw_bytes binary as (value:raw_bytes::binary),
  observed_at timestamp_ntz as (value:observed_at::timestamp_ntz),
  commit_seq number(38, 0) as (value:commit_seq::number(38, 0)),
  page number(38, 0) as (value:page::number(38, 0)),
  position number(38, 0) as (value:position::number(38, 0)),
  version number(38, 0) as (value:version::number(38, 0)),
  fold varchar as (value:fold::varchar),
  content_sha256 varchar as (value:content_sha256::varchar),
  unknown_event boolean as (value:unknown_event::boolean),
  unknown_fields array as (value:unknown_fields::array)
)
partition by (dt)
location = @ledgerline_archive/tables/recent/audit_events/
file_format = ledgerline_parquet
auto_refresh = false;

create or replace external table stored_audit_events_sealed (
  dt date as (to_date(split_part(split_part(metadata$filename, 'dt=', 2), '/', 1))),
  source_file varchar as (split_part(metadata$filename, '/', -1)),
  id varchar as (value:id::varchar),
  created_at timestamp_ntz as (value:created_at::timestamp_ntz),
  created_at_text varchar as (value:created_at_text::varchar),
  type varchar as (value:type::varchar),
  organization_id varchar as (value:organization_id::varchar),
  organization_uuid varchar as (value:organization_uuid::varchar),
  actor_type varchar as (value:actor_type::varchar),
  actor_id varchar as (value:actor_id::varchar),
  actor_email varchar as (value:actor_email::varchar),
  ip_address varchar as (value:ip_address::varchar),
  user_agent varchar as (value:user_agent::varchar),
  claude_chat_id varchar as (value:claude_chat_id::varchar),
  claude_project_id varchar as (value:claude_project_id::varchar),
  claude_file_id varchar as (value:claude_file_id::varchar),
  filename varchar as (value:filename::varchar),
  user_id varchar as (value:user_id::varchar),
  group_id varchar as (value:group_id::varchar),
  session_id varchar as (value:session_id::varchar),
  request_id varchar as (value:request_id::varchar),
  url varchar as (value:url::varchar),
  auth_method varchar as (value:auth_method::varchar),
  raw varchar as (value:raw::varchar),
  raw_bytes binary as (value:raw_bytes::binary),
  observed_at timestamp_ntz as (value:observed_at::timestamp_ntz),
  commit_seq number(38, 0) as (value:commit_seq::number(38, 0)),
  page number(38, 0) as (value:page::number(38, 0)),
  position number(38, 0) as (value:position::number(38, 0)),
  version number(38, 0) as (value:version::number(38, 0)),
  fold varchar as (value:fold::varchar),
  content_sha256 varchar as (value:content_sha256::varchar),
  unknown_event boolean as (value:unknown_event::boolean),
  unknown_fields array as (value:unknown_fields::array)
)
partition by (dt)
location = @ledgerline_archive/tables/sealed/audit_events/
file_format = ledgerline_parquet
auto_refresh = false;

create or replace external table stored_audit_events_seals (
  dt date as (to_date(split_part(split_part(metadata$filename, 'dt=', 2), '/', 1))),
  source_file varchar as (split_part(metadata$filename, '/', -1)),
  part number(38, 0) as (value:part::number(38, 0)),
  through_seq number(38, 0) as (value:through_seq::number(38, 0)),
  file varchar as (value:file::varchar)
)
partition by (dt)
location = @ledgerline_archive/seals/audit_events/
file_format = ledgerline_parquet
auto_refresh = false;

create or replace view audit_event_versions as
select id, created_at, created_at_text, type, organization_id, organization_uuid, actor_type, actor_id, actor_email, ip_address, user_agent, claude_chat_id, claude_project_id, claude_file_id, filename, user_id, group_id, session_id, request_id, url, auth_method, raw, raw_bytes, observed_at, commit_seq, page, position, version, fold, content_sha256, unknown_event, unknown_fields, dt from stored_audit_events_sealed
where source_file in (select file from stored_audit_events_seals)
union all
select r.id, r.created_at, r.created_at_text, r.type, r.organization_id, r.organization_uuid, r.actor_type, r.actor_id, r.actor_email, r.ip_address, r.user_agent, r.claude_chat_id, r.claude_project_id, r.claude_file_id, r.filename, r.user_id, r.group_id, r.session_id, r.request_id, r.url, r.auth_method, r.raw, r.raw_bytes, r.observed_at, r.commit_seq, r.page, r.position, r.version, r.fold, r.content_sha256, r.unknown_event, r.unknown_fields, r.dt from stored_audit_events_recent as r
left join (
  select dt, max(through_seq) as through_seq from stored_audit_events_seals group by dt
) as s on s.dt = r.dt
where s.dt is null or r.commit_seq > s.through_seq;

create or replace view audit_events as
select v.* from audit_event_versions as v
left join (
  select id, version - 1 as previous from audit_event_versions where version > 1
) as newer on newer.id = v.id and newer.previous = v.version
where newer.id is null;

-- New files are seen after these three; run them on a schedule, every five minutes.
alter external table stored_audit_events_recent refresh;

alter external table stored_audit_events_sealed refresh;

alter external table stored_audit_events_seals refresh;
