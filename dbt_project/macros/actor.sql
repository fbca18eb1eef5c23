{#- Who acted. One identity rule for every mart, here and in later sources (cost rows, telemetry).

    The feed has eleven actor kinds and more will come; an unlisted one keeps its own wire name as actor_type and is of
    kind `unknown`. Ids are tagged (`user_01XyDM...`, `apikey_01Hx...`); the same identity can appear under another tag in
    another source, so identities are compared by the part after the tag (the key-id suffix rule), never by the tag. -#}

{% macro actor_kind(actor_type) -%}
  case {{ actor_type }}
    when 'user_actor' then 'user'
    when 'api_actor' then 'api_key'
    when 'admin_api_key_actor' then 'admin_api_key'
    when 'service_account_actor' then 'service_account'
    when 'scim_directory_sync_actor' then 'scim_directory'
    when 'federated_identity_actor' then 'federated_identity'
    when 'federated_actor' then 'federated_workload'
    when 'attested_device_actor' then 'device'
    when 'unauthenticated_user_actor' then 'unauthenticated'
    when 'anthropic_actor' then 'anthropic'
    when 'system_actor' then 'system'
    else 'unknown'
  end
{%- endmacro %}

{#- The suffix of a tagged id (`user_01Xy...` gives `01Xy...`); any other id, such as a UUID or `directory_01`, whole. -#}
{% macro id_suffix(id) -%}
  coalesce({{ pattern(id, '^[A-Za-z][A-Za-z_-]*_(01[0-9A-Za-z]{20,})$') }}, {{ empty_as_null(id) }})
{%- endmacro %}

{#- The key of a person: by id, else by e-mail address (for rows of other sources that carry only that). -#}
{% macro user_key(user_id, email) -%}
  coalesce('user:' || {{ id_suffix(user_id) }}, 'user:' || lower({{ empty_as_null(email) }}))
{%- endmacro %}

{#- `<kind>:<identity>`. authority = who vouches for the identity (issuer, cloud account, key hash), null where the id
    stands alone. An unlisted kind is keyed by its wire name, so that two of them never become one actor. -#}
{% macro actor_key(actor_type, actor_id, email, authority) -%}
  case {{ actor_type }}
    when 'user_actor' then coalesce({{ user_key(actor_id, email) }}, 'user:')
    when 'unauthenticated_user_actor' then 'unauthenticated:' || coalesce(lower({{ empty_as_null(email) }}), '')
    else (case when {{ actor_kind(actor_type) }} = 'unknown'
               then 'unknown:' || coalesce({{ actor_type }}, '')
               else {{ actor_kind(actor_type) }} end)
      || ':' || coalesce({{ authority }} || '|', '')
      || coalesce({{ id_suffix(actor_id) }}, lower({{ empty_as_null(email) }}), '')
  end
{%- endmacro %}

{#- Who vouches for the identity. Only these kinds need the record itself. -#}
{% macro actor_authority(actor_type, raw) -%}
  case {{ actor_type }}
    when 'federated_identity_actor' then {{ json_text(raw, '$.actor.issuer') }}
    when 'attested_device_actor' then {{ json_text(raw, '$.actor.kid_hash') }}
    when 'federated_actor' then concat(
      coalesce({{ json_text(raw, '$.actor.provider.type') }}, 'unknown'), '/',
      coalesce({{ json_text(raw, '$.actor.provider.account_id') }},
               {{ json_text(raw, '$.actor.provider.subscription_id') }},
               {{ json_text(raw, '$.actor.provider.project_number') }},
               {{ json_text(raw, '$.actor.provider.issuer') }}, ''))
  end
{%- endmacro %}
