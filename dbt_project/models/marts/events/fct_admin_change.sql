-- Who changed what: one row per administrative event and setting. An event that names no setting has one row.
-- The settings are read from the record itself, so a field the vendor adds tomorrow is a row tomorrow:
--   `updates` [{type, previous_value, current_value}]          one row per element
--   `previous_x` or `old_x` beside `current_x`, `new_x` or `x`  one row for x
--   any other field that is no id, name or address of the target  one row, with the new value only
with events as (

  select * from {{ ref('int_audit_events') }}
  where is_admin_change

),

listed as (

  {{ json_list_rows('events', '$.updates') }}

),

fields as (

  select
    event_id,
    field,
    field_value,
    case
      when starts_with(field, 'previous_') then 'previous'
      when starts_with(field, 'old_') then 'previous'
      when starts_with(field, 'current_') then 'new'
      when starts_with(field, 'new_') then 'new'
      else 'bare'
    end as side,
    case
      when starts_with(field, 'previous_') then substr(field, 10)
      when starts_with(field, 'old_') then substr(field, 5)
      when starts_with(field, 'current_') then substr(field, 9)
      when starts_with(field, 'new_') then substr(field, 5)
      else field
    end as setting,
    field like '%$_id' escape '$' or field like '%$_email' escape '$' or field like '%$_name' escape '$'
      or field in ('name', 'slug', 'domain', 'hostname') as is_label
  from ({{ json_field_rows('events') }}) as f
  where field not in (
    'id', 'created_at', 'organization_id', 'organization_uuid', 'actor', 'type', 'updates', 'request_id'
  )

),

paired as (

  select
    event_id,
    setting,
    max(case when side = 'previous' then {{ json_value('field_value', '$') }} end) as previous_value,
    max(case when side <> 'previous' then {{ json_value('field_value', '$') }} end) as new_value
  from fields
  group by event_id, setting
  having max(case when side = 'bare' and is_label then 0 else 1 end) = 1

),

settings as (

  select
    event_id,
    1 as origin,
    item_no,
    {{ json_text('item', '$.type') }} as setting,
    {{ json_value('item', '$.previous_value') }} as previous_value,
    {{ json_value('item', '$.current_value') }} as new_value
  from listed
  union all
  select event_id, 2 as origin, 0 as item_no, setting, previous_value, new_value
  from paired
  where previous_value is not null or new_value is not null

),

numbered as (

  select
    event_id,
    row_number() over (partition by event_id order by origin, item_no, setting) as change_no,
    setting,
    previous_value,
    new_value
  from settings

),

targets as (

  select
    f.event_id,
    substr(f.field, 1, length(f.field) - 3) as target_type,
    {{ json_value('f.field_value', '$') }} as target_id,
    row_number() over (partition by f.event_id order by
      case
        when f.field = e.object || '_id' then 1
        when f.field in ('user_id', 'deleted_user_id') then 2
        when f.field in ('principal_id', 'target_id', 'resource_id') then 3
        when f.field in ('workspace_id', 'session_id', 'marketplace_id', 'config_id') then 9
        else 5
      end, f.field) as choice
  from fields as f
  inner join events as e on f.event_id = e.event_id
  where f.side = 'bare' and f.field like '%$_id' escape '$' and {{ json_value('f.field_value', '$') }} is not null

),

names as (

  select
    event_id,
    {{ json_value('field_value', '$') }} as target_name,
    row_number() over (partition by event_id order by
      case
        when field like '%$_email' escape '$' then 1
        when field = 'name' or field like '%$_name' escape '$' then 2
        else 3
      end, field) as choice
  from fields
  where side = 'bare' and is_label and field not like '%$_id' escape '$'
    and {{ json_value('field_value', '$') }} is not null

)

select
  {{ row_key(['e.event_id', 'coalesce(n.change_no, 1)']) }} as change_key,
  e.event_id,
  cast(coalesce(n.change_no, 1) as bigint) as change_no,
  e.created_at,
  e.event_type,
  e.category,
  e.verb,
  e.object,
  e.severity,
  e.outcome,
  case when starts_with(t.target_type, 'deleted_') then substr(t.target_type, 9) else t.target_type end as target_type,
  t.target_id,
  m.target_name,
  n.setting,
  n.previous_value,
  n.new_value,
  e.actor_key,
  e.actor_kind,
  e.actor_email,
  e.ip_address,
  e.client,
  e.organization_uuid,
  e.is_withdrawn,
  e.fold,
  e.version,
  e.observed_at,
  e.day
from events as e
left join numbered as n on e.event_id = n.event_id
left join targets as t on e.event_id = t.event_id and t.choice = 1
left join names as m on e.event_id = m.event_id and m.choice = 1
