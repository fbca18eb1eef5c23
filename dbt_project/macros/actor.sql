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

{#- The suffix of a tagged id: `user_01Xy...` gives `01Xy...`. Any other id, such as a UUID or `directory_01`, whole. -#}
{% macro id_suffix(id) -%}
  case
    when strpos({{ id }}, '_01') > 1 and length({{ id }}) - strpos({{ id }}, '_01') >= 22
      then substr({{ id }}, strpos({{ id }}, '_01') + 1)
    else {{ empty_as_null(id) }}
  end
{%- endmacro %}

{#- `<kind>:<identity>`, of columns made before: kind (actor_kind), suffix (id_suffix of the id), email (lower case) and
    authority (below). Ids that others issue (subjects, services, client ids) are no tagged ids and stand whole.
    An unlisted kind is keyed by its wire name too, so that two of them never become one actor. -#}
{% macro actor_key(kind, actor_type, actor_id, suffix, email, authority) -%}
  case {{ kind }}
    when 'user' then 'user:' || coalesce({{ suffix }}, {{ email }}, '')
    when 'unauthenticated' then 'unauthenticated:' || coalesce({{ email }}, '')
    when 'unknown' then 'unknown:' || coalesce({{ actor_type }}, '') || ':' || coalesce({{ suffix }}, {{ email }}, '')
    when 'federated_identity' then 'federated_identity:' || coalesce({{ authority }}, '') || '|' || coalesce({{ actor_id }}, '')
    when 'federated_workload' then 'federated_workload:' || coalesce({{ authority }}, '') || '|' || coalesce({{ actor_id }}, '')
    when 'device' then 'device:' || coalesce({{ authority }}, '') || '|' || coalesce({{ actor_id }}, '')
    when 'system' then 'system:' || coalesce({{ actor_id }}, '')
    else {{ kind }} || ':' || coalesce({{ suffix }}, {{ email }}, '')
  end
{%- endmacro %}

{#- Who vouches for the identity. Only these kinds need the record itself; `at` is where the record keeps its actor. -#}
{% macro actor_authority(actor_type, raw, at='$.actor') -%}
  case {{ actor_type }}
    when 'federated_identity_actor' then {{ json_text(raw, at ~ '.issuer') }}
    when 'attested_device_actor' then {{ json_text(raw, at ~ '.kid_hash') }}
    when 'federated_actor' then concat(
      coalesce({{ json_text(raw, at ~ '.provider.type') }}, 'unknown'), '/',
      coalesce({{ json_text(raw, at ~ '.provider.account_id') }},
               {{ json_text(raw, at ~ '.provider.subscription_id') }},
               {{ json_text(raw, at ~ '.provider.project_number') }},
               {{ json_text(raw, at ~ '.provider.issuer') }}, ''))
  end
{%- endmacro %}

{#- What a kind of actor is, for people who pay: a person, a machine account, a key, a workspace, or not known. A claimed
    address and what only a cloud vouches for are `unknown`: nobody is taken for a person by guess. -#}
{% macro identity_type(kind) -%}
  case {{ kind }}
    when 'user' then 'human'
    when 'service_account' then 'service_account'
    when 'api_key' then 'api_key'
    when 'admin_api_key' then 'api_key'
    when 'workspace' then 'workspace'
    else 'unknown'
  end
{%- endmacro %}

{#- The wire name of an actor's kind from the tag of its id, for lists that give the id alone. -#}
{% macro actor_type_of_id(id) -%}
  case
    when {{ id }} like 'svac\_%' escape '\' then 'service_account_actor'
    when {{ id }} like 'apikey\_%' escape '\' then 'api_actor'
    else 'user_actor'
  end
{%- endmacro %}
