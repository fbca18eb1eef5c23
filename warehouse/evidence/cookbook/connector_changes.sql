-- title: Which connectors and extensions were added, changed or removed?
-- about: Integrations, MCP servers, their tool policies, plugins and skills.
select e.created_at, coalesce(e.actor_email, e.actor_id) as by_whom, e.type, t.verb, t.object,
       json_extract_scalar(e.raw, '$.mcp_server_name') as server_name, json_extract_scalar(e.raw, '$.tool_name') as tool,
       json_extract_scalar(e.raw, '$.max_permission') as permission, e.id
from audit_events as e
join event_types as t on t.type = e.type
where (t.category in ('integration', 'extension') or e.type = 'mcp_tool_policy_updated') and t.is_admin_change = 'true'
  and e.created_at >= timestamp '2026-11-01 00:00:00' /*from*/
  and e.created_at < timestamp '2026-12-01 00:00:00' /*to*/
order by e.created_at, e.id
