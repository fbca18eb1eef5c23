-- Databricks over an archive in a bucket that an external location of Unity Catalog opens for reading.
create or replace view stored_audit_events_recent as
select *, _metadata.file_name as source_file
from read_files('s3://example-claude-audit/ledger/tables/recent/audit_events/', format => 'parquet',
  schema => 'id string, created_at timestamp, created_at_text string, type string, organization_id string, organization_uuid string, actor_type string, actor_id string, actor_email string, ip_address string, user_agent string, claude_chat_id string, claude_project_id string, claude_file_id string, filename string, user_id string, group_id string, session_id string, request_id string, url string, auth_method string, raw string, raw_bytes binary, observed_at timestamp, commit_seq bigint, page int, position int, version int, fold string, content_sha256 string, unknown_event boolean, unknown_fields array<string>, dt date');

create or replace view stored_audit_events_sealed as
select *, _metadata.file_name as source_file
from read_files('s3://example-claude-audit/ledger/tables/sealed/audit_events/', format => 'parquet',
  schema => 'id string, created_at timestamp, created_at_text string, type string, organization_id string, organization_uuid string, actor_type string, actor_id string, actor_email string, ip_address string, user_agent string, claude_chat_id string, claude_project_id string, claude_file_id string, filename string, user_id string, group_id string, session_id string, request_id string, url string, auth_method string, raw string, raw_bytes binary, observed_at timestamp, commit_seq bigint, page int, position int, version int, fold string, content_sha256 string, unknown_event boolean, unknown_fields array<string>, dt date');

create or replace view stored_audit_events_seals as
select *, _metadata.file_name as source_file
from read_files('s3://example-claude-audit/ledger/seals/audit_events/', format => 'parquet',
  schema => 'part int, through_seq bigint, file string, dt date');

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
