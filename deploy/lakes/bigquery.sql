-- BigQuery over an archive in Google Cloud; the dataset ledgerline lies in the bucket's region.
create or replace external table ledgerline.stored_audit_events_recent (
  id string,
  created_at timestamp,
  created_at_text string,
  type string,
  organization_id string,
  organization_uuid string,
  actor_type string,
  actor_id string,
  actor_email string,
  ip_address string,
  user_agent string,
  claude_chat_id string,
  claude_project_id string,
  claude_file_id string,
  filename string,
  user_id string,
  group_id string,
  session_id string,
  request_id string,
  url string,
  auth_method string,
  raw string,
  raw_bytes bytes,
  observed_at timestamp,
  commit_seq int64,
  page int64,
  position int64,
  version int64,
  fold string,
  content_sha256 string,
  unknown_event bool,
  unknown_fields array<string>
)
with partition columns (dt date)
options (format = 'PARQUET', uris = ['gs://example-claude-audit/ledger/tables/recent/audit_events/*'],
  hive_partition_uri_prefix = 'gs://example-claude-audit/ledger/tables/recent/audit_events', require_hive_partition_filter = false,
  enable_list_inference = true);

create or replace external table ledgerline.stored_audit_events_sealed (
  id string,
  created_at timestamp,
  created_at_text string,
  type string,
  organization_id string,
  organization_uuid string,
  actor_type string,
  actor_id string,
  actor_email string,
  ip_address string,
  user_agent string,
  claude_chat_id string,
  claude_project_id string,
  claude_file_id string,
  filename string,
  user_id string,
  group_id string,
  session_id string,
  request_id string,
  url string,
  auth_method string,
  raw string,
  raw_bytes bytes,
  observed_at timestamp,
  commit_seq int64,
  page int64,
  position int64,
  version int64,
  fold string,
  content_sha256 string,
  unknown_event bool,
  unknown_fields array<string>
)
with partition columns (dt date)
options (format = 'PARQUET', uris = ['gs://example-claude-audit/ledger/tables/sealed/audit_events/*'],
  hive_partition_uri_prefix = 'gs://example-claude-audit/ledger/tables/sealed/audit_events', require_hive_partition_filter = false,
  enable_list_inference = true);

create or replace external table ledgerline.stored_audit_events_seals (
  part int64,
  through_seq int64,
  file string
)
with partition columns (dt date)
options (format = 'PARQUET', uris = ['gs://example-claude-audit/ledger/seals/audit_events/*'],
  hive_partition_uri_prefix = 'gs://example-claude-audit/ledger/seals/audit_events', require_hive_partition_filter = false,
  enable_list_inference = true);

create or replace view ledgerline.audit_event_versions as
select id, created_at, created_at_text, type, organization_id, organization_uuid, actor_type, actor_id, actor_email, ip_address, user_agent, claude_chat_id, claude_project_id, claude_file_id, filename, user_id, group_id, session_id, request_id, url, auth_method, raw, raw_bytes, observed_at, commit_seq, page, position, version, fold, content_sha256, unknown_event, unknown_fields, dt from ledgerline.stored_audit_events_sealed
where regexp_extract(_FILE_NAME, r'[^/]+$') in (select file from ledgerline.stored_audit_events_seals)
union all
select r.id, r.created_at, r.created_at_text, r.type, r.organization_id, r.organization_uuid, r.actor_type, r.actor_id, r.actor_email, r.ip_address, r.user_agent, r.claude_chat_id, r.claude_project_id, r.claude_file_id, r.filename, r.user_id, r.group_id, r.session_id, r.request_id, r.url, r.auth_method, r.raw, r.raw_bytes, r.observed_at, r.commit_seq, r.page, r.position, r.version, r.fold, r.content_sha256, r.unknown_event, r.unknown_fields, r.dt from ledgerline.stored_audit_events_recent as r
left join (
  select dt, max(through_seq) as through_seq from ledgerline.stored_audit_events_seals group by dt
) as s on s.dt = r.dt
where s.dt is null or r.commit_seq > s.through_seq;

create or replace view ledgerline.audit_events as
select v.* from ledgerline.audit_event_versions as v
left join (
  select id, version - 1 as previous from ledgerline.audit_event_versions where version > 1
) as newer on newer.id = v.id and newer.previous = v.version
where newer.id is null;
