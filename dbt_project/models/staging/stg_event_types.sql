-- The taxonomy as `python -m warehouse.taxonomy.seed` wrote it, typed. One row per known event type.
select
  type as event_type,
  verb,
  object,
  category,
  outcome,
  severity,
  lower(is_login) = 'true' as is_login,
  lower(is_admin_change) = 'true' as is_admin_change,
  {{ empty_as_null('data_movement') }} as data_movement,
  lower(self_audit) = 'true' as is_self_audit,
  lower(documented_fields) = 'true' as has_documented_fields,
  {{ empty_as_null('outcome_field') }} as outcome_field,
  {{ empty_as_null('success_when') }} as success_when,
  {{ empty_as_null('failure_when') }} as failure_when,
  {{ empty_as_null('note') }} as note
from {{ ref('event_types') }}
